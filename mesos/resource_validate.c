/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a resource is one the agent takes, in the order and with the words of its own checks. */
#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "mesos/resource.h"
#include "mesos/value.h"

static int refuse(struct error *err, const char *text)
{
	return error_set(err, ERROR_USAGE, "%s", text);
}

/* ---- values */

static int validate_scalar(const Mesos__Resource *resource, struct error *err)
{
	if (resource->scalar == NULL || resource->ranges != NULL || resource->set != NULL)
		return refuse(err, "Invalid scalar resource");
	/* What would count as zero without being it is refused too. */
	if (resource->scalar->value != 0 && scalar_fixed(resource->scalar->value) <= 0)
		return refuse(err, "Invalid scalar resource: value <= 0");
	return 0;
}

static int validate_ranges(const Mesos__Resource *resource, struct error *err)
{
	const Mesos__Value__Ranges *ranges = resource->ranges;

	if (resource->scalar != NULL || ranges == NULL || resource->set != NULL)
		return refuse(err, "Invalid ranges resource");
	for (size_t i = 0; i < ranges->n_range; i++) {
		const Mesos__Value__Range *range = ranges->range[i];

		if (range->begin > range->end)
			return refuse(err, "Invalid ranges resource: begin > end");
		for (size_t j = i + 1; j < ranges->n_range; j++)
			if (range->begin <= ranges->range[j]->begin && ranges->range[j]->begin <= range->end)
				return refuse(err, "Invalid ranges resource: overlapping ranges");
	}
	return 0;
}

static int validate_set(const Mesos__Resource *resource, struct error *err)
{
	const Mesos__Value__Set *set = resource->set;

	if (resource->scalar != NULL || resource->ranges != NULL || set == NULL)
		return refuse(err, "Invalid set resource");
	for (size_t i = 0; i < set->n_item; i++)
		for (size_t j = i + 1; j < set->n_item; j++)
			if (strcmp(set->item[i], set->item[j]) == 0)
				return refuse(err, "Invalid set resource: duplicated elements");
	return 0;
}

static int validate_value(const Mesos__Resource *resource, struct error *err)
{
	switch (resource->type) {
	case MESOS__VALUE__TYPE__SCALAR:
		return validate_scalar(resource, err);
	case MESOS__VALUE__TYPE__RANGES:
		return validate_ranges(resource, err);
	case MESOS__VALUE__TYPE__SET:
		return validate_set(resource, err);
	case MESOS__VALUE__TYPE__TEXT:
		return refuse(err, "Unsupported resource type");
	default:
		return refuse(err, "Invalid resource type");
	}
}

/* ---- disks */

static int validate_disk(const Mesos__Resource *resource, struct error *err)
{
	const Mesos__Resource__DiskInfo__Source *source;
	const char *type;

	if (strcmp(resource->name, "disk") != 0)
		return error_set(err, ERROR_USAGE, "DiskInfo should not be set for %s resource", resource->name);
	source = resource->disk->source;
	if (source == NULL)
		return 0;
	type = pb_enum_name(&mesos__resource__disk_info__source__type__descriptor, (int)source->type);
	switch (source->type) {
	case MESOS__RESOURCE__DISK_INFO__SOURCE__TYPE__PATH:
	case MESOS__RESOURCE__DISK_INFO__SOURCE__TYPE__MOUNT:
		return 0;
	case MESOS__RESOURCE__DISK_INFO__SOURCE__TYPE__BLOCK:
	case MESOS__RESOURCE__DISK_INFO__SOURCE__TYPE__RAW:
		if (source->mount != NULL)
			return error_set(err, ERROR_USAGE, "Mount should not be set for %s disk source", type);
		if (source->path != NULL)
			return error_set(err, ERROR_USAGE, "Path should not be set for %s disk source", type);
		return 0;
	default:
		return refuse(err, "Unsupported 'DiskInfo.Source.Type' in 'UNKNOWN'");
	}
}

/* ---- roles and reservations */

static int validate_role_component(const char *role, const char *component, struct error *err)
{
	static const char *const reserved[] = {".", "..", "*"};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(component, reserved[i]) == 0)
			return error_set(err, ERROR_USAGE, "Role '%s' cannot include '%s' as a component", role,
					 reserved[i]);
	if (component[0] == '-')
		return error_set(err, ERROR_USAGE, "Role component '%s' is invalid because it starts with a dash",
				 component);
	if (strpbrk(component, "\t\n\v\f\r \x7f") != NULL)
		return error_set(err, ERROR_USAGE,
				 "Role component '%s' is invalid because it contains backspace or whitespace",
				 component);
	return 0;
}

static int validate_role(const char *role, struct error *err)
{
	size_t len = strlen(role);

	if (strcmp(role, "*") == 0)
		return 0;
	if (role[0] == '/')
		return error_set(err, ERROR_USAGE, "Role '%s' cannot start with a slash", role);
	if (len > 0 && role[len - 1] == '/')
		return error_set(err, ERROR_USAGE, "Role '%s' cannot end with a slash", role);
	if (strstr(role, "//") != NULL)
		return error_set(err, ERROR_USAGE, "Role '%s' cannot contain two adjacent slashes", role);
	if (len == 0)
		return refuse(err, "Role names cannot be the empty string");
	for (const char *at = role; at != NULL; at = strchr(at, '/')) {
		char *component;
		int rc;

		at += *at == '/';
		component = xstrndup(at, strcspn(at, "/"));
		rc = validate_role_component(role, component, err);
		free(component);
		if (rc != 0)
			return -1;
	}
	return 0;
}

static int validate_reservation(const Mesos__Resource__ReservationInfo *reservation, struct error *err)
{
	if (!reservation->has_type)
		return refuse(err, "Invalid reservation: 'Resource.ReservationInfo.type' field must be set.");
	if (reservation->role == NULL)
		return refuse(err, "Invalid reservation: 'Resource.ReservationInfo.role' field must be set.");
	if (validate_role(reservation->role, err) != 0)
		return -1;
	if (strcmp(reservation->role, "*") == 0)
		return refuse(err, "Invalid reservation: role \"*\" cannot be reserved");
	return 0;
}

static int validate_refinement(const Mesos__Resource *resource, size_t i, struct error *err)
{
	const char *ancestor = resource->reservations[i - 1]->role;
	const char *descendant = resource->reservations[i]->role;
	size_t len = strlen(ancestor);

	if (resource->reservations[i]->type == MESOS__RESOURCE__RESERVATION_INFO__TYPE__STATIC)
		return refuse(err, "Invalid refined reservation: A refined reservation cannot be STATIC");
	if (strncmp(descendant, ancestor, len) != 0 || descendant[len] != '/')
		return error_set(err, ERROR_USAGE, "Invalid refined reservation: role '%s' is not a refinement of '%s'",
				 descendant, ancestor);
	return 0;
}

static int validate_reservations(const Mesos__Resource *resource, struct error *err)
{
	if (resource->n_reservations == 0 && resource->reservation != NULL)
		return refuse(err, "Invalid reservation: role \"*\" cannot be dynamically reserved");
	for (size_t i = 0; i < resource->n_reservations; i++)
		if (validate_reservation(resource->reservations[i], err) != 0)
			return -1;
	for (size_t i = 1; i < resource->n_reservations; i++)
		if (validate_refinement(resource, i, err) != 0)
			return -1;
	if (resource->n_reservations == 1 &&
	    resource->reservations[0]->type == MESOS__RESOURCE__RESERVATION_INFO__TYPE__UNKNOWN)
		return refuse(err, "Unsupported 'Resource.ReservationInfo.Type'");
	return 0;
}

int resource_validate(const Mesos__Resource *resource, struct error *err)
{
	if (resource->name[0] == '\0')
		return refuse(err, "Empty resource name");
	if (validate_value(resource, err) != 0)
		return -1;
	if (resource->disk != NULL && validate_disk(resource, err) != 0)
		return -1;
	if (validate_reservations(resource, err) != 0)
		return -1;
	if (resource->shared == NULL)
		return 0;
	if (strcmp(resource->name, "disk") != 0)
		return error_set(err, ERROR_USAGE, "Resource %s cannot be shared", resource->name);
	if (!resource_is_volume(resource))
		return refuse(err, "Only persistent volumes can be shared");
	return 0;
}
