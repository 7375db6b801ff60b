/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of resources: the arithmetic of Mesos' class Resources. */
#include "mesos/resources.h"

#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "mesos/resource.h"

void resources_clear(struct resources *resources)
{
	for (size_t i = 0; i < resources->count; i++)
		pb_free(resources->items[i]);
	free(resources->items);
	resources->items = NULL;
	resources->count = 0;
}

void resources_copy(struct resources *to, Mesos__Resource *const *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		PB_APPEND(to->items, to->count, pb_copy(items[i]));
}

void resources_take(struct resources *to, Mesos__Resource *resource)
{
	if (resource_is_empty(resource)) {
		pb_free(resource);
		return;
	}
	for (size_t i = 0; i < to->count; i++) {
		if (!resource_addable(to->items[i], resource))
			continue;
		/* A shared volume is there once, however often it is counted. */
		if (resource->shared == NULL)
			resource_value_add(to->items[i], resource);
		pb_free(resource);
		return;
	}
	PB_APPEND(to->items, to->count, resource);
}

void resources_normalise(struct resources *resources)
{
	struct resources result = {NULL, 0};

	for (size_t i = 0; i < resources->count; i++) {
		Mesos__Resource *resource = resources->items[i];

		resource_upgrade(resource);
		if (resource_validate(resource, NULL) == 0)
			resources_take(&result, resource);
		else
			pb_free(resource);
	}
	free(resources->items);
	*resources = result;
}

static struct resources normalised_copy(const struct resources *resources)
{
	struct resources copy = {NULL, 0};

	resources_copy(&copy, resources->items, resources->count);
	resources_normalise(&copy);
	return copy;
}

void resources_add(struct resources *to, const struct resources *what)
{
	struct resources copy = normalised_copy(what);

	for (size_t i = 0; i < copy.count; i++)
		resources_take(to, copy.items[i]);
	free(copy.items);
}

static void drop(struct resources *from, size_t i)
{
	pb_free(from->items[i]);
	memmove(&from->items[i], &from->items[i + 1], (from->count - i - 1) * sizeof(from->items[0]));
	from->count--;
}

void resources_subtract(struct resources *from, const Mesos__Resource *what)
{
	for (size_t i = 0; i < from->count; i++) {
		if (!resource_subtractable(from->items[i], what))
			continue;
		if (from->items[i]->shared == NULL)
			resource_value_subtract(from->items[i], what);
		if (from->items[i]->shared != NULL || resource_is_empty(from->items[i]) ||
		    resource_validate(from->items[i], NULL) != 0)
			drop(from, i);
		return;
	}
}

bool resources_have(const struct resources *all, const Mesos__Resource *part)
{
	for (size_t i = 0; i < all->count; i++)
		if (resource_contains(all->items[i], part))
			return true;
	return false;
}

/* Both normalised. A volume found is used up: two of the same name need two. */
static bool contain_normalised(const struct resources *all, const struct resources *part)
{
	struct resources remaining = {NULL, 0};
	bool result = true;

	resources_copy(&remaining, all->items, all->count);
	for (size_t i = 0; result && i < part->count; i++) {
		result = resources_have(&remaining, part->items[i]);
		if (result && resource_is_volume(part->items[i]))
			resources_subtract(&remaining, part->items[i]);
	}
	resources_clear(&remaining);
	return result;
}

bool resources_contain(const struct resources *all, const struct resources *part)
{
	struct resources left = normalised_copy(all), right = normalised_copy(part);
	bool result = contain_normalised(&left, &right);

	resources_clear(&left);
	resources_clear(&right);
	return result;
}

bool resources_equal(const struct resources *a, const struct resources *b)
{
	struct resources left = normalised_copy(a), right = normalised_copy(b);
	bool result = contain_normalised(&left, &right) && contain_normalised(&right, &left);

	resources_clear(&left);
	resources_clear(&right);
	return result;
}

void resources_to_text(const struct resources *resources, struct buffer *out)
{
	if (resources->count == 0)
		buffer_puts(out, "{}");
	for (size_t i = 0; i < resources->count; i++) {
		if (i > 0)
			buffer_puts(out, "; ");
		resource_print(resources->items[i], out);
		if (resources->items[i]->shared != NULL)
			buffer_puts(out, "<1>");
	}
}

double resources_scalar(const struct resources *resources, const char *name)
{
	struct resources copy = normalised_copy(resources);
	double sum = 0;

	for (size_t i = 0; i < copy.count; i++)
		if (strcmp(copy.items[i]->name, name) == 0 && copy.items[i]->scalar != NULL)
			sum += copy.items[i]->scalar->value;
	resources_clear(&copy);
	return sum;
}

int resources_from_json(const json_t *array, struct resources *out, struct error *err)
{
	struct resources parsed = {NULL, 0};

	if (!json_is_array(array))
		return error_set(err, ERROR_USAGE, "Expecting a JSON array");
	for (size_t i = 0; i < json_array_size(array); i++) {
		Mesos__Resource *resource = pb_from_json(&mesos__resource__descriptor, json_array_get(array, i), err);

		if (resource == NULL) {
			resources_clear(&parsed);
			return -1;
		}
		PB_APPEND(parsed.items, parsed.count, resource);
	}
	*out = parsed;
	return 0;
}

json_t *resource_to_json(const Mesos__Resource *resource)
{
	return pb_to_json(resource);
}

json_t *resources_to_json(const struct resources *resources)
{
	json_t *array = json_array();

	for (size_t i = 0; i < resources->count; i++)
		json_array_append_new(array, pb_to_json(resources->items[i]));
	return array;
}
