/* SPDX-License-Identifier: Apache-2.0 */
/* The resources of an agent of /slaves. Fields go out in the order of their numbers, whatever order they come in. */
#include <string.h>

#include "mesos/wire.h"
#include "remote/json_plain.h"
#include "remote/slave_plain.h"
#include "schema/mesos.pb-c.h"

enum { INFO_RESOURCES = 3 };

struct resource {
	unsigned seen; /* bits by key */
	struct bytes name, role, allocated, provider;
	uint64_t type;
	double scalar;
};

enum key { NAME, TYPE, SCALAR, RANGES, SET, ROLE, RESERVATION, RESERVATIONS, ALLOCATION, PROVIDER, KEYS };
static const char *const keys[] = {"name", "type",        "scalar",       "ranges",          "set",
				   "role", "reservation", "reservations", "allocation_info", "provider_id"};

static bool has(const struct resource *resource, enum key key)
{
	return (resource->seen & 1u << key) != 0;
}

/* {"key": …} with nothing else in it; value reads what is there. */
static bool only_member(struct plain *plain, const char *name, bool (*value)(struct plain *plain, void *out), void *out)
{
	bool begun = false;
	struct bytes key;

	return plain_member(plain, &begun, &key) == PLAIN_MORE && plain_find(&key, &name, 1) == 0 &&
	       value(plain, out) && plain_member(plain, &begun, &key) == PLAIN_END;
}

static bool text_value(struct plain *plain, void *out)
{
	return plain_text(plain, out);
}

static bool number_value(struct plain *plain, void *out)
{
	return plain_number(plain, out);
}

static bool read_enum(struct plain *plain, const char *const names[], size_t count, uint64_t *out)
{
	struct bytes text;

	if (!plain_text(plain, &text))
		return false;
	*out = plain_find(&text, names, count);
	return *out < count;
}

static void put_number(struct buffer *out, uint32_t number, uint64_t value)
{
	wire_put_varint(out, (uint64_t)number << 3 | WIRE_VARINT);
	wire_put_varint(out, value);
}

static void put_bytes(struct buffer *out, uint32_t number, const struct bytes *bytes)
{
	wire_put_bytes(out, number, bytes->data, bytes->len);
}

static void put_buffer(struct buffer *out, uint32_t number, const struct buffer *bytes)
{
	wire_put_bytes(out, number, buffer_text(bytes), bytes->len);
}

/* ---- values */

/* {"begin": 1, "end": 2}, in this order. */
static bool read_range(struct plain *plain, struct buffer *out)
{
	static const char *const begin_key = "begin", *const end_key = "end";
	bool begun = false;
	struct bytes key;
	uint64_t first, last;

	if (plain_member(plain, &begun, &key) != PLAIN_MORE || plain_find(&key, &begin_key, 1) != 0 ||
	    !plain_whole(plain, &first) || plain_member(plain, &begun, &key) != PLAIN_MORE ||
	    plain_find(&key, &end_key, 1) != 0 || !plain_whole(plain, &last) ||
	    plain_member(plain, &begun, &key) != PLAIN_END)
		return false;
	struct buffer range = BUFFER_INIT(64);
	put_number(&range, 1, first);
	put_number(&range, 2, last);
	put_buffer(out, 1, &range);
	buffer_clear(&range);
	return true;
}

static bool ranges_value(struct plain *plain, void *out)
{
	bool begun = false;
	enum plain_more more;

	while ((more = plain_element(plain, &begun)) == PLAIN_MORE)
		if (!read_range(plain, out))
			return false;
	return more == PLAIN_END;
}

static bool set_value(struct plain *plain, void *out)
{
	bool begun = false;
	struct bytes item;
	enum plain_more more;

	while ((more = plain_element(plain, &begun)) == PLAIN_MORE) {
		if (!plain_text(plain, &item))
			return false;
		put_bytes(out, 1, &item);
	}
	return more == PLAIN_END;
}

/* ---- reservations */

/* *dynamic: it is. */
static bool read_reservation(struct plain *plain, struct buffer *out, bool *dynamic)
{
	static const char *const names[] = {"principal", "role", "type"};
	static const char *const types[] = {"UNKNOWN", "STATIC", "DYNAMIC"};
	struct bytes texts[2] = {{NULL, 0}, {NULL, 0}}, key;
	uint64_t type = 0;
	unsigned seen = 0;
	bool begun = false;
	enum plain_more more;

	while ((more = plain_member(plain, &begun, &key)) == PLAIN_MORE) {
		size_t name = plain_find(&key, names, 3);
		if (name == 3 || (seen & 1u << name) ||
		    !(name == 2 ? read_enum(plain, types, 3, &type) : plain_text(plain, &texts[name])))
			return false;
		seen |= 1u << name;
	}
	buffer_reset(out);
	if (seen & 1)
		put_bytes(out, 1, &texts[0]);
	if (seen & 2)
		put_bytes(out, 3, &texts[1]);
	if (seen & 4)
		put_number(out, 4, type);
	*dynamic = type == MESOS__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC;
	return more == PLAIN_END;
}

static bool read_reservations(struct slave_packer *packer, struct plain *plain)
{
	bool begun = false, dynamic;
	enum plain_more more;

	buffer_reset(&packer->reservations);
	buffer_reset(&packer->static_reservations);
	while ((more = plain_element(plain, &begun)) == PLAIN_MORE) {
		if (!read_reservation(plain, &packer->refinement, &dynamic))
			return false;
		put_buffer(&packer->reservations, 13, &packer->refinement);
		if (!dynamic)
			put_buffer(&packer->static_reservations, 13, &packer->refinement);
	}
	return more == PLAIN_END;
}

/* ---- one resource */

static bool read_value(struct slave_packer *packer, struct plain *plain, enum key key, struct resource *out)
{
	if (key == SCALAR)
		return only_member(plain, "value", number_value, &out->scalar);
	if (has(out, RANGES) || has(out, SET))
		return false; /* there is memory for one */
	return key == RANGES ? only_member(plain, "range", ranges_value, &packer->value)
			     : only_member(plain, "item", set_value, &packer->value);
}

static bool read_member(struct slave_packer *packer, struct plain *plain, enum key key, struct resource *out)
{
	static const char *const types[] = {"SCALAR", "RANGES", "SET"};
	bool dynamic;

	switch (key) {
	case NAME:
		return plain_text(plain, &out->name);
	case TYPE:
		return read_enum(plain, types, 3, &out->type);
	case ROLE:
		return plain_text(plain, &out->role);
	case RESERVATION:
		return read_reservation(plain, &packer->reservation, &dynamic);
	case RESERVATIONS:
		return read_reservations(packer, plain);
	case ALLOCATION:
		return only_member(plain, "role", text_value, &out->allocated);
	case PROVIDER:
		return only_member(plain, "value", text_value, &out->provider);
	default:
		return read_value(packer, plain, key, out);
	}
}

/* Keys that are not read here may mean anything. */
static bool read_resource(struct slave_packer *packer, struct plain *plain, struct resource *out)
{
	bool begun = false;
	struct bytes key;
	enum plain_more more;

	buffer_reset(&packer->value);
	while ((more = plain_member(plain, &begun, &key)) == PLAIN_MORE) {
		size_t name = plain_find(&key, keys, KEYS);
		if (name == KEYS || has(out, (enum key)name) || !read_member(packer, plain, (enum key)name, out))
			return false;
		out->seen |= 1u << name;
	}
	return more == PLAIN_END && has(out, NAME) && has(out, TYPE);
}

void slave_put_scalar(struct buffer *out, double value)
{
	unsigned char bytes[11] = {3 << 3 | WIRE_BYTES, 9, 1 << 3 | WIRE_64BIT};
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	for (int i = 0; i < 8; i++)
		bytes[3 + i] = (unsigned char)(bits >> 8 * i);
	buffer_append(out, bytes, sizeof(bytes));
}

static void put_named(struct buffer *out, uint32_t number, const struct bytes *text)
{
	struct buffer message = BUFFER_INIT(1u << 20);

	put_bytes(&message, 1, text);
	put_buffer(out, number, &message);
	buffer_clear(&message);
}

/* registered: without what was reserved since; used: without to whom it went. */
static void put_resource(struct slave_packer *packer, const struct resource *resource, bool registered, bool used,
			 struct buffer *out)
{
	struct buffer *message = &packer->message;
	bool reserved = has(resource, RESERVATION) || has(resource, RESERVATIONS);
	const struct buffer *reservations = registered ? &packer->static_reservations : &packer->reservations;

	buffer_reset(message);
	put_bytes(message, 1, &resource->name);
	put_number(message, 2, resource->type);
	if (has(resource, SCALAR))
		slave_put_scalar(message, resource->scalar);
	if (has(resource, RANGES))
		put_buffer(message, 4, &packer->value);
	if (has(resource, SET))
		put_buffer(message, 5, &packer->value);
	if (has(resource, ROLE) && !(registered && reserved))
		put_bytes(message, 6, &resource->role);
	if (has(resource, RESERVATION) && !registered)
		put_buffer(message, 8, &packer->reservation);
	if (has(resource, ALLOCATION) && !used)
		put_named(message, 11, &resource->allocated);
	if (has(resource, PROVIDER))
		put_named(message, 12, &resource->provider);
	if (has(resource, RESERVATIONS))
		buffer_append(message, buffer_text(reservations), reservations->len);
	put_buffer(out, INFO_RESOURCES, message);
}

bool slave_pack_resources(struct slave_packer *packer, struct plain *plain, enum slave_list list)
{
	struct buffer *total = &packer->total[list], *registered = &packer->registered[list];
	bool begun = false;
	enum plain_more more;

	while ((more = plain_element(plain, &begun)) == PLAIN_MORE) {
		struct resource resource = {.seen = 0};
		size_t before = total->len;

		if (!read_resource(packer, plain, &resource))
			return false;
		put_resource(packer, &resource, false, list == SLAVE_USED, total);
		if (list == SLAVE_USED)
			continue;
		if (has(&resource, RESERVATION) || has(&resource, RESERVATIONS))
			put_resource(packer, &resource, true, false, registered);
		else
			buffer_append(registered, total->data + before, total->len - before);
	}
	return more == PLAIN_END;
}
