/* SPDX-License-Identifier: Apache-2.0 */
/* What changed from one SlaveInfo to another, in rows an operator can read. */
#include <string.h>

#include "base/alloc.h"
#include "mesos/attributes.h"
#include "mesos/domain.h"
#include "mesos/pb.h"
#include "mesos/resource.h"
#include "mesos/resources.h"
#include "mesos/slaveinfo.h"

#define ROW_MAX (64u << 10)

/* Takes the three strings. */
static void add_row(struct slaveinfo_changes *out, enum slaveinfo_part part, char *what, char *before, char *after)
{
	struct slaveinfo_change row = {.part = part, .what = what, .before = before, .after = after};

	PB_APPEND(out->items, out->count, row);
}

static void compare_text(struct slaveinfo_changes *out, enum slaveinfo_part part, const char *what, const char *before,
			 const char *after)
{
	if (strcmp(before, after) == 0)
		return;
	add_row(out, part, xstrdup(what), *before != '\0' ? xstrdup(before) : NULL,
		*after != '\0' ? xstrdup(after) : NULL);
}

/* ---- resources */

static char *label_of(const Mesos__Resource *resource)
{
	struct buffer text = BUFFER_INIT(ROW_MAX);

	resource_label(resource, &text);
	return buffer_take(&text);
}

static char *value_of(const Mesos__Resource *resource)
{
	struct buffer text = BUFFER_INIT(ROW_MAX);

	resource_value_print(resource, &text);
	return buffer_take(&text);
}

static size_t find_kind(const struct resources *in, const Mesos__Resource *resource, const bool *used)
{
	size_t i = 0;

	while (i < in->count && (used[i] || !resource_same_kind(in->items[i], resource)))
		i++;
	return i;
}

static size_t find_equal(const struct resources *in, const Mesos__Resource *resource, const bool *used)
{
	size_t i = 0;

	while (i < in->count && (used[i] || !resource_equal(in->items[i], resource)))
		i++;
	return i < in->count ? i : find_kind(in, resource, used);
}

static void compare_resources(const Mesos__SlaveInfo *a, const Mesos__SlaveInfo *b, struct slaveinfo_changes *out)
{
	struct resources before = slaveinfo_resources(a), after = slaveinfo_resources(b);
	bool *used = xcalloc(after.count + 1, sizeof(*used));

	for (size_t i = 0; i < before.count; i++) {
		const Mesos__Resource *old = before.items[i];
		size_t at = find_equal(&after, old, used);

		if (at < after.count)
			used[at] = true;
		if (at < after.count && resource_equal(old, after.items[at]))
			continue;
		add_row(out, PART_RESOURCES, label_of(old), value_of(old),
			at < after.count ? value_of(after.items[at]) : NULL);
	}
	for (size_t i = 0; i < after.count; i++)
		if (!used[i])
			add_row(out, PART_RESOURCES, label_of(after.items[i]), NULL, value_of(after.items[i]));
	free(used);
	resources_clear(&before);
	resources_clear(&after);
}

/* ---- attributes */

static char *attribute_text(const Mesos__Attribute *attribute)
{
	struct buffer text = BUFFER_INIT(ROW_MAX);

	attribute_value_text(attribute, &text);
	return buffer_take(&text);
}

/* Marks what is on both sides, one for one. */
static void pair_equals(const Mesos__SlaveInfo *a, const Mesos__SlaveInfo *b, bool *used_a, bool *used_b)
{
	for (size_t i = 0; i < a->n_attributes; i++) {
		for (size_t j = 0; j < b->n_attributes && !used_a[i]; j++) {
			if (used_b[j] || !attribute_equal(a->attributes[i], b->attributes[j]))
				continue;
			used_a[i] = true;
			used_b[j] = true;
		}
	}
}

static size_t find_name(const Mesos__SlaveInfo *in, const char *name, const bool *used)
{
	size_t i = 0;

	while (i < in->n_attributes && (used[i] || strcmp(in->attributes[i]->name, name) != 0))
		i++;
	return i;
}

static void compare_attributes(const Mesos__SlaveInfo *a, const Mesos__SlaveInfo *b, struct slaveinfo_changes *out)
{
	bool *used_a = xcalloc(a->n_attributes + 1, sizeof(*used_a));
	bool *used_b = xcalloc(b->n_attributes + 1, sizeof(*used_b));

	pair_equals(a, b, used_a, used_b);
	for (size_t i = 0; i < a->n_attributes; i++) {
		const Mesos__Attribute *old = a->attributes[i];
		size_t at = used_a[i] ? b->n_attributes : find_name(b, old->name, used_b);

		if (used_a[i])
			continue;
		if (at < b->n_attributes)
			used_b[at] = true;
		add_row(out, PART_ATTRIBUTES, xstrdup(old->name), attribute_text(old),
			at < b->n_attributes ? attribute_text(b->attributes[at]) : NULL);
	}
	for (size_t i = 0; i < b->n_attributes; i++)
		if (!used_b[i])
			add_row(out, PART_ATTRIBUTES, xstrdup(b->attributes[i]->name), NULL,
				attribute_text(b->attributes[i]));
	free(used_a);
	free(used_b);
}

/* ---- all of it */

static void compare_ports(const Mesos__SlaveInfo *a, const Mesos__SlaveInfo *b, struct slaveinfo_changes *out)
{
	char *before = xasprintf("%d", slaveinfo_port(a));
	char *after = xasprintf("%d", slaveinfo_port(b));

	compare_text(out, PART_PORT, "port", before, after);
	free(before);
	free(after);
}

static const char *checkpoint_text(const Mesos__SlaveInfo *info)
{
	return info->has_checkpoint && info->checkpoint ? "true" : "false";
}

void slaveinfo_changes(const Mesos__SlaveInfo *before, const Mesos__SlaveInfo *after, struct slaveinfo_changes *out)
{
	compare_text(out, PART_HOSTNAME, "hostname", before->hostname, after->hostname);
	compare_ports(before, after, out);
	compare_resources(before, after, out);
	compare_attributes(before, after, out);
	compare_text(out, PART_DOMAIN, "region", domain_region(before->domain), domain_region(after->domain));
	compare_text(out, PART_DOMAIN, "zone", domain_zone(before->domain), domain_zone(after->domain));
	if (before->id != NULL && after->id != NULL)
		compare_text(out, PART_ID, "id", before->id->value, after->id->value);
	compare_text(out, PART_CHECKPOINT, "checkpoint", checkpoint_text(before), checkpoint_text(after));
}

void slaveinfo_changes_clear(struct slaveinfo_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		free(changes->items[i].what);
		free(changes->items[i].before);
		free(changes->items[i].after);
	}
	free(changes->items);
	changes->items = NULL;
	changes->count = 0;
}
