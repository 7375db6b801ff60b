/* SPDX-License-Identifier: Apache-2.0 */
/* The proof's resources: what the master counts as the agent's and as used, by name and reservation. After a change that takes something
 * away, tasks may use more than there is: Mesos lets them, and whoever reads the proof should know. */
#include "orchestrator/driver/proof_internal.h"

#include <string.h>

/* Mesos counts in thousandths. */
#define HALF_A_THOUSANDTH 0.0005

static const char *role_of(const Mesos__Resource *resource)
{
	const char *role = NULL;

	if (resource->n_reservations > 0)
		role = resource->reservations[resource->n_reservations - 1]->role;
	return role ? role : "*";
}

static json_t *find(json_t *array, const char *name, const char *role)
{
	json_t *entry;
	size_t i;

	json_array_foreach(array, i, entry)
	{
		if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0 &&
		    strcmp(json_string_value(json_object_get(entry, "role")), role) == 0)
			return entry;
	}
	entry = json_pack("{s:s, s:s, s:f, s:f, s:b}", "name", name, "role", role, "total", 0.0, "used", 0.0, "over",
			  0);
	json_array_append_new(array, entry);
	return entry;
}

static void add_up(json_t *array, const struct resources *resources, const char *share)
{
	for (size_t i = 0; i < resources->count; i++) {
		const Mesos__Resource *resource = resources->items[i];

		if (resource->type != MESOS__VALUE__TYPE__SCALAR || !resource->scalar)
			continue;
		json_t *entry = find(array, resource->name, role_of(resource));
		double sum = json_real_value(json_object_get(entry, share)) + resource->scalar->value;

		json_object_set_new(entry, share, json_real(sum));
	}
}

/* What is no scalar (ports) is used beyond what there is when it is not contained in it. */
static void add_others(json_t *array, const struct resources *total, const struct resources *used)
{
	for (size_t i = 0; i < used->count; i++) {
		const Mesos__Resource *resource = used->items[i];

		if (resource->type == MESOS__VALUE__TYPE__SCALAR || resources_have(total, resource))
			continue;
		json_array_append_new(array, json_pack("{s:s, s:s, s:n, s:o, s:b}", "name", resource->name, "role",
						       role_of(resource), "total", "used", resource_to_json(resource),
						       "over", 1));
	}
}

json_t *proof_resources(const struct agent_view *view)
{
	struct resources total = {NULL, 0}, used = {NULL, 0};
	json_t *array = json_array(), *entry;
	size_t i;

	resources_copy(&total, view->total.items, view->total.count);
	resources_copy(&used, view->used.items, view->used.count);
	resources_normalise(&total);
	resources_normalise(&used);
	add_up(array, &total, "total");
	add_up(array, &used, "used");
	json_array_foreach(array, i, entry)
	{
		double more = json_real_value(json_object_get(entry, "used")) -
			      json_real_value(json_object_get(entry, "total"));

		json_object_set_new(entry, "over", json_boolean(more > HALF_A_THOUSANDTH));
	}
	add_others(array, &total, &used);
	resources_clear(&total);
	resources_clear(&used);
	return array;
}
