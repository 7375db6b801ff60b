/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of an agent can be given. Two things can go wrong with a plain difference: tasks use more of a kind than there
 * is, and tasks use what is of another kind by now ("mem(web)" that has become "mem(db)"). Neither may show as more than
 * the machine has: what is used beyond a kind is taken from the other kinds of its name, the unreserved one first.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/master/allocator.h"
#include "mesos/pb.h"
#include "mesos/resource.h"
#include "mesos/value.h"

/* The smallest amounts that are worth an offer, as the real allocator has them. */
#define LEAST_CPUS 0.01
#define LEAST_MEM  32

void allocator_bare(const struct resources *resources, struct resources *out)
{
	resources_copy(out, resources->items, resources->count);
	for (size_t i = 0; i < out->count; i++) {
		pb_free(out->items[i]->allocation_info);
		out->items[i]->allocation_info = NULL;
	}
	resources_normalise(out);
}

/* Volumes and whole disks: given as they are, or not at all. */
static bool is_whole(const Mesos__Resource *resource)
{
	const Mesos__Resource__DiskInfo__Source *source = resource->disk != NULL ? resource->disk->source : NULL;
	return resource_is_volume(resource) ||
	       (source != NULL && source->type != MESOS__RESOURCE__DISK_INFO__SOURCE__TYPE__PATH);
}

static void drop(struct resources *from, size_t index)
{
	pb_free(from->items[index]);
	from->items[index] = from->items[--from->count];
}

/* Takes what both have of the same name out of both. Afterwards `excess` is what `from` did not have. */
static void cancel(Mesos__Resource *from, Mesos__Resource *excess)
{
	if (from->type == MESOS__VALUE__TYPE__SCALAR) {
		long long have = scalar_fixed(from->scalar->value), want = scalar_fixed(excess->scalar->value);
		long long both = have < want ? have : want;
		from->scalar->value = scalar_from_fixed(have - both);
		excess->scalar->value = scalar_from_fixed(want - both);
		return;
	}
	Mesos__Resource *before = pb_copy(from);
	resource_value_subtract(from, excess);
	resource_value_subtract(excess, before);
	pb_free(before);
}

static bool same_sort(const Mesos__Resource *a, const Mesos__Resource *b)
{
	return a->type == b->type && strcmp(a->name, b->name) == 0;
}

/* Takes excess out of the items of `from` that may bear it, and drops what is empty then. */
static void take_out(struct resources *from, Mesos__Resource *excess,
		     bool (*bears)(const Mesos__Resource *item, const Mesos__Resource *excess))
{
	for (size_t i = from->count; i-- > 0 && !resource_is_empty(excess);) {
		Mesos__Resource *item = from->items[i];
		if (!same_sort(item, excess) || item->shared != NULL || !bears(item, excess))
			continue;
		bool whole = is_whole(item);
		cancel(item, excess);
		if (whole || resource_is_empty(item))
			drop(from, i);
	}
}

static bool is_unreserved(const Mesos__Resource *item, const Mesos__Resource *excess)
{
	(void)excess;
	return !resource_is_reserved(item) && !is_whole(item);
}

static bool is_divisible(const Mesos__Resource *item, const Mesos__Resource *excess)
{
	(void)excess;
	return !is_whole(item);
}

static bool is_any(const Mesos__Resource *item, const Mesos__Resource *excess)
{
	(void)item;
	(void)excess;
	return true;
}

void allocator_headroom(const struct resources *total, const struct resources *used, struct resources *out)
{
	struct resources excess = {.items = NULL};
	resources_copy(out, total->items, total->count);
	for (size_t i = 0; i < used->count; i++) {
		if (used->items[i]->shared != NULL) /* many may use it at once */
			continue;
		Mesos__Resource *left = pb_copy(used->items[i]);
		take_out(out, left, resource_same_kind);
		if (resource_is_empty(left))
			pb_free(left);
		else
			PB_APPEND(excess.items, excess.count, left);
	}
	for (size_t i = 0; i < excess.count; i++) {
		take_out(out, excess.items[i], is_unreserved);
		take_out(out, excess.items[i], is_divisible);
		take_out(out, excess.items[i], is_any);
	}
	resources_clear(&excess);
}

/* "a" covers "a" and "a/b". */
static bool covers(const char *reserved, const char *role)
{
	size_t len = strlen(reserved);
	return strncmp(reserved, role, len) == 0 && (role[len] == '\0' || role[len] == '/');
}

void allocator_portion(const struct resources *resources, const char *role, struct resources *out)
{
	for (size_t i = 0; i < resources->count; i++) {
		const Mesos__Resource *item = resources->items[i];
		size_t depth = item->n_reservations;
		if (depth > 0 &&
		    (item->reservations[depth - 1]->role == NULL || !covers(item->reservations[depth - 1]->role, role)))
			continue;
		Mesos__Resource *copy = pb_copy(item);
		PB_APPEND(out->items, out->count, copy);
	}
}

bool allocator_worth_offering(const struct resources *resources)
{
	return resources_scalar(resources, "cpus") >= LEAST_CPUS || resources_scalar(resources, "mem") >= LEAST_MEM;
}
