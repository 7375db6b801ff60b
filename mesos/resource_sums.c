/* SPDX-License-Identifier: Apache-2.0 */
/* Resources without a disk, and with at most one reservation, are read where they lie; where one that counts is not like that all of
 * them are unpacked and normalised. */
#include "mesos/resource_sums.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "mesos/agent_packed.h"
#include "mesos/pb.h"
#include "mesos/resources.h"
#include "mesos/value.h"
#include "mesos/wire.h"

enum { INFO_RESOURCES = 3 };
enum resource_field {
	RESOURCE_NAME = 1,
	RESOURCE_TYPE = 2,
	RESOURCE_SCALAR = 3,
	RESOURCE_RANGES = 4,
	RESOURCE_SET = 5,
	RESOURCE_ROLE = 6,
	RESOURCE_RESERVATION = 8,
	RESOURCE_ALLOCATION = 11,
	RESOURCE_PROVIDER = 12,
	RESOURCE_RESERVATIONS = 13,
};
enum reservation_field { RESERVATION_ROLE = 3, RESERVATION_TYPE = 4 };

/* Beyond it thousandths would not add up; no cluster has as much. */
#define SCALAR_MAX 1e12

/* One resource. */
struct scalar {
	struct bytes name, role; /* role absent: unreserved */
	bool is_scalar, has_value;
	bool reserved;       /* in the newer form, which counts alone where it is there */
	bool older_reserved; /* in the form with a role and one reservation */
	double value;
};

static bool same(const struct bytes *bytes, const char *text)
{
	return bytes->len > 0 && text[0] == bytes->data[0] && strncmp(text, bytes->data, bytes->len) == 0 &&
	       text[bytes->len] == '\0';
}

static void add(const struct scalar *scalar, struct resource_sum *sums, size_t count)
{
	const struct bytes nobody = {"*", 1};
	const struct bytes *role = scalar->role.data != NULL ? &scalar->role : &nobody;

	for (size_t i = 0; i < count; i++)
		if (same(&scalar->name, sums[i].name) && (sums[i].role == NULL || same(role, sums[i].role)))
			sums[i].sum += (double)scalar_fixed(scalar->value);
}

/* From thousandths. */
static void finish(struct resource_sum *sums, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sums[i].sum /= 1000;
}

static void start(struct resource_sum *sums, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sums[i].sum = 0;
}

/* ---- where they lie */

/* A role that no rule of Mesos' can have anything against. */
static bool is_easy_role(const struct bytes *role)
{
	for (size_t i = 0; i < role->len; i++) {
		char c = role->data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		      (c == '-' && i > 0)))
			return false;
	}
	return role->len > 0;
}

static bool read_reservation(const struct wire_record *reservation, struct scalar *out)
{
	const unsigned char *at = reservation->payload, *end = at + reservation->payload_len;
	struct wire_record record;
	bool typed = false;

	if (out->reserved)
		return false;
	out->reserved = true;
	out->role = (struct bytes){NULL, 0};
	while (at < end && wire_next(&at, end, &record)) {
		if (record.number == RESERVATION_ROLE)
			out->role = (struct bytes){(const char *)record.payload, record.payload_len};
		else if (record.number == RESERVATION_TYPE)
			typed = record.value == 1 || record.value == 2;
	}
	return typed && out->role.data != NULL && is_easy_role(&out->role);
}

/* Before reservations had a field of their own. */
static bool read_role(const struct wire_record *record, struct scalar *out)
{
	const struct bytes role = {(const char *)record->payload, record->payload_len};

	if (same(&role, "*"))
		return true;
	out->role = role;
	return is_easy_role(&role);
}

static bool read_value(const struct wire_record *scalar, struct scalar *out)
{
	const unsigned char *at = scalar->payload;
	struct wire_record record;

	if (!wire_next(&at, at + scalar->payload_len, &record) || record.type != WIRE_64BIT)
		return false;
	memcpy(&out->value, &record.value, sizeof(out->value));
	out->has_value = true;
	return out->value >= 0 && out->value < SCALAR_MAX;
}

static bool read_field(const struct wire_record *record, struct scalar *out)
{
	switch (record->number) {
	case RESOURCE_NAME:
		out->name = (struct bytes){(const char *)record->payload, record->payload_len};
		return record->payload_len > 0;
	case RESOURCE_TYPE:
		out->is_scalar = record->value == MESOS__VALUE__TYPE__SCALAR;
		return true;
	case RESOURCE_SCALAR:
		return read_value(record, out);
	case RESOURCE_ROLE:
		return read_role(record, out);
	case RESOURCE_RESERVATIONS:
		return read_reservation(record, out);
	case RESOURCE_RESERVATION:
		out->older_reserved = true;
		return true;
	case RESOURCE_RANGES:
	case RESOURCE_SET:
		return !out->is_scalar;
	case RESOURCE_ALLOCATION:
	case RESOURCE_PROVIDER:
		return true;
	default:
		return false;
	}
}

static bool add_resource(const struct wire_record *resource, struct resource_sum *sums, size_t count)
{
	const unsigned char *at = resource->payload, *end = at + resource->payload_len;
	struct scalar scalar = {.is_scalar = false};
	struct wire_record record;

	while (at < end)
		if (!wire_next(&at, end, &record) || !read_field(&record, &scalar))
			return false;
	if (!scalar.is_scalar)
		return true;
	if (scalar.older_reserved && !scalar.reserved)
		return false;
	add(&scalar, sums, count);
	return scalar.has_value && scalar.name.data != NULL && (scalar.value == 0 || scalar_fixed(scalar.value) > 0);
}

/* Resources of other names have no part in it, whatever they are. */
static bool is_wanted(const struct wire_record *name, const struct resource_sum *sums, size_t count)
{
	const struct bytes text = {(const char *)name->payload, name->payload_len};

	for (size_t i = 0; i < count; i++)
		if (same(&text, sums[i].name))
			return true;
	return false;
}

static bool add_in_place(const void *info, size_t len, struct resource_sum *sums, size_t count)
{
	const unsigned char *at = info, *end = at + len;
	struct wire_record record, name;

	while (at < end) {
		if (!wire_next(&at, end, &record))
			return false;
		if (record.number != INFO_RESOURCES)
			continue;
		const unsigned char *inside = record.payload;
		if (!wire_next(&inside, inside + record.payload_len, &name) || name.number != RESOURCE_NAME)
			return false;
		if (is_wanted(&name, sums, count) && !add_resource(&record, sums, count))
			return false;
	}
	return true;
}

/* ---- unpacked */

static struct bytes bytes_of(const char *text)
{
	return (struct bytes){text, strlen(text)};
}

static struct bytes role_of(const Mesos__Resource *resource)
{
	const char *role = NULL;

	if (resource->n_reservations > 0)
		role = resource->reservations[resource->n_reservations - 1]->role;
	return role != NULL ? bytes_of(role) : (struct bytes){NULL, 0};
}

static void add_normalised(const void *info, size_t len, struct resource_sum *sums, size_t count)
{
	Mesos__SlaveInfo *message = slaveinfo_unpack(info, len, NULL);
	struct resources resources;

	if (message == NULL)
		return;
	resources = slaveinfo_resources(message);
	for (size_t i = 0; i < resources.count; i++) {
		const Mesos__Resource *resource = resources.items[i];

		if (resource->type != MESOS__VALUE__TYPE__SCALAR || resource->scalar == NULL)
			continue;
		const struct scalar scalar = {
			.name = bytes_of(resource->name), .role = role_of(resource), .value = resource->scalar->value};
		add(&scalar, sums, count);
	}
	resources_clear(&resources);
	slaveinfo_free(message);
}

void resource_sums(const void *info, size_t len, struct resource_sum *sums, size_t count)
{
	start(sums, count);
	if (!add_in_place(info, len, sums, count)) {
		start(sums, count);
		add_normalised(info, len, sums, count);
	}
	finish(sums, count);
}
