/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/resource.h"

#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "mesos/value.h"

/* ---- the two forms */

static bool is_unreserved_role(const char *role)
{
	return role == NULL || strcmp(role, "*") == 0;
}

void resource_upgrade(Mesos__Resource *resource)
{
	Mesos__Resource__ReservationInfo *reservation = resource->reservation;
	bool dynamic = reservation != NULL;

	if (resource->n_reservations > 0) {
		pb_free(resource->reservation);
		resource->reservation = NULL;
	} else if (!is_unreserved_role(resource->role)) {
		if (!dynamic)
			reservation = pb_new(&mesos__resource__reservation_info__descriptor);
		resource->reservation = NULL;
		reservation->has_type = 1;
		reservation->type = dynamic ? MESOS__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC
					    : MESOS__RESOURCE__RESERVATION_INFO__TYPE__STATIC;
		pb_set_string(&reservation->role, resource->role);
		PB_APPEND(resource->reservations, resource->n_reservations, reservation);
	}
	pb_set_string(&resource->role, NULL);
}

void resource_downgrade(Mesos__Resource *resource)
{
	Mesos__Resource__ReservationInfo *reservation;

	if (resource->n_reservations > 1)
		return;
	if (resource->n_reservations == 0) {
		if (resource->role == NULL)
			pb_set_string(&resource->role, "*");
		return;
	}
	reservation = resource->reservations[0];
	free(resource->reservations);
	resource->reservations = NULL;
	resource->n_reservations = 0;
	pb_set_string(&resource->role, reservation->role);
	pb_free(resource->reservation);
	resource->reservation = NULL;
	if (reservation->type != MESOS__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC) {
		pb_free(reservation);
		return;
	}
	pb_set_string(&reservation->role, NULL);
	reservation->has_type = 0;
	resource->reservation = reservation;
}

/* ---- what it is */

bool resource_is_empty(const Mesos__Resource *resource)
{
	switch (resource->type) {
	case MESOS__VALUE__TYPE__SCALAR:
		return resource->scalar == NULL || scalar_fixed(resource->scalar->value) == 0;
	case MESOS__VALUE__TYPE__RANGES:
		return resource->ranges == NULL || resource->ranges->n_range == 0;
	case MESOS__VALUE__TYPE__SET:
		return resource->set == NULL || resource->set->n_item == 0;
	default:
		return false;
	}
}

bool resource_is_reserved(const Mesos__Resource *resource)
{
	return resource->n_reservations > 0;
}

bool resource_is_dynamic(const Mesos__Resource *resource)
{
	return resource->n_reservations > 0 && resource->reservations[resource->n_reservations - 1]->type ==
						       MESOS__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC;
}

bool resource_is_volume(const Mesos__Resource *resource)
{
	return resource->disk != NULL && resource->disk->persistence != NULL;
}

/* ---- comparing what it is */

static bool same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static const char *text_or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static bool label_in(const Mesos__Label *label, const Mesos__Labels *labels)
{
	for (size_t i = 0; i < labels->n_labels; i++)
		if (strcmp(label->key, labels->labels[i]->key) == 0 &&
		    strcmp(text_or_empty(label->value), text_or_empty(labels->labels[i]->value)) == 0)
			return true;
	return false;
}

static bool same_labels(const Mesos__Labels *a, const Mesos__Labels *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->n_labels != b->n_labels)
		return false;
	for (size_t i = 0; i < a->n_labels; i++)
		if (!label_in(a->labels[i], b))
			return false;
	return true;
}

static bool same_reservations(const Mesos__Resource *a, const Mesos__Resource *b)
{
	if (a->n_reservations != b->n_reservations)
		return false;
	for (size_t i = 0; i < a->n_reservations; i++) {
		const Mesos__Resource__ReservationInfo *left = a->reservations[i], *right = b->reservations[i];

		if (left->type != right->type || !same_text(text_or_empty(left->role), text_or_empty(right->role)) ||
		    !same_text(left->principal, right->principal) || !same_labels(left->labels, right->labels))
			return false;
	}
	return true;
}

static bool same_source(const Mesos__Resource__DiskInfo__Source *a, const Mesos__Resource__DiskInfo__Source *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->type != b->type || (a->path != NULL) != (b->path != NULL) || (a->mount != NULL) != (b->mount != NULL))
		return false;
	if (a->path != NULL && !same_text(a->path->root, b->path->root))
		return false;
	if (a->mount != NULL && !same_text(a->mount->root, b->mount->root))
		return false;
	return same_text(a->vendor, b->vendor) && same_text(a->id, b->id) && same_labels(a->metadata, b->metadata) &&
	       same_text(a->profile, b->profile);
}

/* `volume` says how a disk is used, not what it is, so it is not compared. */
static bool same_disk(const Mesos__Resource__DiskInfo *a, const Mesos__Resource__DiskInfo *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (!same_source(a->source, b->source) || (a->persistence != NULL) != (b->persistence != NULL))
		return false;
	return a->persistence == NULL || strcmp(a->persistence->id, b->persistence->id) == 0;
}

static bool same_allocation(const Mesos__Resource__AllocationInfo *a, const Mesos__Resource__AllocationInfo *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return same_text(a->role, b->role);
}

static bool same_provider(const Mesos__ResourceProviderID *a, const Mesos__ResourceProviderID *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a->value, b->value) == 0;
}

bool resource_same_kind(const Mesos__Resource *a, const Mesos__Resource *b)
{
	return strcmp(a->name, b->name) == 0 && a->type == b->type &&
	       same_allocation(a->allocation_info, b->allocation_info) && same_reservations(a, b) &&
	       same_disk(a->disk, b->disk) && (a->revocable != NULL) == (b->revocable != NULL) &&
	       same_provider(a->provider_id, b->provider_id) && (a->shared != NULL) == (b->shared != NULL);
}

static bool same_value(const Mesos__Resource *a, const Mesos__Resource *b)
{
	if (a->type == MESOS__VALUE__TYPE__SCALAR && a->scalar != NULL && b->scalar != NULL)
		return scalar_fixed(a->scalar->value) == scalar_fixed(b->scalar->value);
	if (a->type == MESOS__VALUE__TYPE__RANGES && a->ranges != NULL && b->ranges != NULL)
		return ranges_equal(a->ranges, b->ranges);
	if (a->type == MESOS__VALUE__TYPE__SET && a->set != NULL && b->set != NULL)
		return set_equal(a->set, b->set);
	return false;
}

bool resource_equal(const Mesos__Resource *a, const Mesos__Resource *b)
{
	return resource_same_kind(a, b) && same_value(a, b);
}

/* ---- adding and taking away */

/* Disks that are handed out whole or not at all. */
static bool is_exclusive_disk(const Mesos__Resource *resource)
{
	const Mesos__Resource__DiskInfo__Source *source = resource->disk != NULL ? resource->disk->source : NULL;

	if (source == NULL)
		return false;
	switch (source->type) {
	case MESOS__RESOURCE__DISK_INFO__SOURCE__TYPE__PATH:
		return false;
	case MESOS__RESOURCE__DISK_INFO__SOURCE__TYPE__RAW:
		return source->id != NULL;
	default:
		return true;
	}
}

bool resource_addable(const Mesos__Resource *a, const Mesos__Resource *b)
{
	if (!resource_same_kind(a, b))
		return false;
	if (a->shared != NULL)
		return same_value(a, b);
	return !is_exclusive_disk(a) && !resource_is_volume(a);
}

bool resource_subtractable(const Mesos__Resource *from, const Mesos__Resource *what)
{
	if (!resource_same_kind(from, what))
		return false;
	if (from->shared != NULL || is_exclusive_disk(from) || resource_is_volume(from))
		return same_value(from, what);
	return true;
}

bool resource_contains(const Mesos__Resource *all, const Mesos__Resource *part)
{
	if (!resource_subtractable(all, part))
		return false;
	if (all->type == MESOS__VALUE__TYPE__SCALAR && all->scalar != NULL && part->scalar != NULL)
		return scalar_fixed(part->scalar->value) <= scalar_fixed(all->scalar->value);
	if (all->type == MESOS__VALUE__TYPE__RANGES && all->ranges != NULL && part->ranges != NULL)
		return ranges_within(part->ranges, all->ranges);
	if (all->type == MESOS__VALUE__TYPE__SET && all->set != NULL && part->set != NULL)
		return set_within(part->set, all->set);
	return false;
}

void resource_value_add(Mesos__Resource *to, const Mesos__Resource *what)
{
	if (to->type == MESOS__VALUE__TYPE__SCALAR)
		to->scalar->value =
			scalar_from_fixed(scalar_fixed(to->scalar->value) + scalar_fixed(what->scalar->value));
	else if (to->type == MESOS__VALUE__TYPE__RANGES)
		ranges_add(to->ranges, what->ranges);
	else if (to->type == MESOS__VALUE__TYPE__SET)
		set_add(to->set, what->set);
}

void resource_value_subtract(Mesos__Resource *from, const Mesos__Resource *what)
{
	if (from->type == MESOS__VALUE__TYPE__SCALAR)
		from->scalar->value =
			scalar_from_fixed(scalar_fixed(from->scalar->value) - scalar_fixed(what->scalar->value));
	else if (from->type == MESOS__VALUE__TYPE__RANGES)
		ranges_subtract(from->ranges, what->ranges);
	else if (from->type == MESOS__VALUE__TYPE__SET)
		set_subtract(from->set, what->set);
}
