/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/slave_plain.h"

#include <string.h>

#include "mesos/wire.h"
#include "remote/json_plain.h"
#include "remote/master_parse.h"
#include "schema/mesos.pb-c.h"

#define PACKED_MAX     (64u << 20)
#define ATTRIBUTES_MAX 64 /* that are compared with each other for a name that is there twice */

enum key {
	ID,
	HOSTNAME,
	PORT,
	ATTRIBUTES,
	DOMAIN,
	PID,
	REGISTERED,
	REREGISTERED,
	ACTIVE,
	DEACTIVATED,
	VERSION,
	RESERVED,
	UNRESERVED,
	USED,
	KEYS
};
static const char *const keys[] = {
	"id",
	"hostname",
	"port",
	"attributes",
	"domain",
	"pid",
	"registered_time",
	"reregistered_time",
	"active",
	"deactivated",
	"version",
	"reserved_resources_full",
	"unreserved_resources_full",
	"used_resources_full",
};

static void for_each_buffer(struct slave_packer *packer, void (*call)(struct buffer *buf))
{
	struct buffer *const others[] = {
		&packer->attributes,  &packer->domain,     &packer->message,      &packer->value,
		&packer->reservation, &packer->refinement, &packer->reservations, &packer->static_reservations,
	};

	for (size_t i = 0; i < SLAVE_LISTS; i++) {
		call(&packer->total[i]);
		call(&packer->registered[i]);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		call(others[i]);
}

static void init_buffer(struct buffer *buf)
{
	buffer_init(buf, PACKED_MAX);
}

void slave_packer_init(struct slave_packer *packer)
{
	for_each_buffer(packer, init_buffer);
	agent_packer_init(&packer->packed);
}

void slave_packer_clear(struct slave_packer *packer)
{
	for_each_buffer(packer, buffer_clear);
	agent_packer_clear(&packer->packed);
}

static void put_bytes(struct buffer *out, uint32_t number, const struct bytes *bytes)
{
	wire_put_bytes(out, number, bytes->data, bytes->len);
}

static void put_number(struct buffer *out, uint32_t number, uint64_t value)
{
	wire_put_varint(out, (uint64_t)number << 3 | WIRE_VARINT);
	wire_put_varint(out, value);
}

static void put_buffer(struct buffer *out, uint32_t number, const struct buffer *bytes)
{
	wire_put_bytes(out, number, buffer_text(bytes), bytes->len);
}

/* ---- attributes and domain */

static bool read_scalar(struct slave_packer *packer, struct plain *plain)
{
	double value;

	if (!plain_number(plain, &value))
		return false;
	put_number(&packer->message, 2, MESOS__VALUE__TYPE__SCALAR);
	slave_put_scalar(&packer->message, value);
	return true;
}

static bool read_text(struct slave_packer *packer, struct plain *plain)
{
	struct bytes text;

	if (!plain_text(plain, &text) || (text.len > 0 && text.data[0] == '['))
		return false;
	put_number(&packer->message, 2, MESOS__VALUE__TYPE__TEXT);
	buffer_reset(&packer->value);
	put_bytes(&packer->value, 1, &text);
	put_buffer(&packer->message, 5, &packer->value);
	return true;
}

static bool is_new(const struct bytes *name, const struct bytes names[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].len == name->len && memcmp(names[i].data, name->data, name->len) == 0)
			return false;
	return count < ATTRIBUTES_MAX;
}

static bool read_attributes(struct slave_packer *packer, struct plain *plain)
{
	struct bytes names[ATTRIBUTES_MAX], *name;
	bool begun = false;
	size_t count = 0;
	enum plain_more more;

	while ((more = plain_member(plain, &begun, name = &names[count])) == PLAIN_MORE) {
		if (!is_new(name, names, count) || count + 1 == ATTRIBUTES_MAX)
			return false;
		count++;
		buffer_reset(&packer->message);
		put_bytes(&packer->message, 1, name);
		if (!(plain_is_text(plain) ? read_text(packer, plain) : read_scalar(packer, plain)))
			return false;
		put_buffer(&packer->attributes, 5, &packer->message);
	}
	return more == PLAIN_END;
}

/* {"key": and then the value; the caller ends the object. */
static bool enter(struct plain *plain, const char *name)
{
	bool begun = false;
	struct bytes key;

	return plain_member(plain, &begun, &key) == PLAIN_MORE && plain_find(&key, &name, 1) == 0;
}

static bool leave(struct plain *plain)
{
	bool begun = true;
	struct bytes key;

	return plain_member(plain, &begun, &key) == PLAIN_END;
}

/* {"fault_domain": {"region": {"name": …}, "zone": {"name": …}}}, in this order. */
static bool read_domain(struct slave_packer *packer, struct plain *plain, struct agent_packed *out)
{
	bool begun = true;
	struct bytes key;

	if (!enter(plain, "fault_domain") || !enter(plain, "region") || !enter(plain, "name") ||
	    !plain_text(plain, &out->region) || !leave(plain) || plain_member(plain, &begun, &key) != PLAIN_MORE ||
	    key.len != strlen("zone") || memcmp(key.data, "zone", key.len) != 0 || !enter(plain, "name") ||
	    !plain_text(plain, &out->zone) || !leave(plain) || !leave(plain) || !leave(plain))
		return false;
	buffer_reset(&packer->message);
	buffer_reset(&packer->value);
	put_bytes(&packer->value, 1, &out->region);
	put_buffer(&packer->message, 1, &packer->value);
	buffer_reset(&packer->value);
	put_bytes(&packer->value, 1, &out->zone);
	put_buffer(&packer->message, 2, &packer->value);
	put_buffer(&packer->domain, 1, &packer->message);
	return true;
}

/* ---- the agent */

/* By role; a role that is there twice would count once. */
static bool read_reserved(struct slave_packer *packer, struct plain *plain)
{
	struct bytes roles[ATTRIBUTES_MAX], *role;
	bool begun = false;
	size_t count = 0;
	enum plain_more more;

	while ((more = plain_member(plain, &begun, role = &roles[count])) == PLAIN_MORE)
		if (!is_new(role, roles, count) || ++count == ATTRIBUTES_MAX ||
		    !slave_pack_resources(packer, plain, SLAVE_RESERVED))
			return false;
	return more == PLAIN_END;
}

static bool read_time(struct plain *plain, int64_t *ns)
{
	double seconds;

	if (!plain_number(plain, &seconds))
		return false;
	*ns = master_seconds_to_ns(seconds);
	return true;
}

static bool read_port(struct plain *plain, int *port)
{
	uint64_t number;

	if (!plain_whole(plain, &number) || number < 1 || number > 65535)
		return false;
	*port = (int)number;
	return true;
}

static bool read_member(struct slave_packer *packer, struct plain *plain, enum key key, struct agent_packed *out)
{
	struct bytes pid;

	switch (key) {
	case ID:
		return plain_text(plain, &out->id);
	case HOSTNAME:
		return plain_text(plain, &out->hostname);
	case PORT:
		return read_port(plain, &out->port);
	case ATTRIBUTES:
		return read_attributes(packer, plain);
	case DOMAIN:
		return read_domain(packer, plain, out);
	case PID:
		if (!plain_text(plain, &pid))
			return false;
		out->ip = agent_address(pid.data, pid.len);
		return true;
	case REGISTERED:
		return read_time(plain, &out->registered_ns);
	case REREGISTERED:
		return read_time(plain, &out->reregistered_ns);
	case ACTIVE:
		return plain_bool(plain, &out->active);
	case DEACTIVATED:
		return plain_bool(plain, &out->deactivated);
	case VERSION:
		return plain_text(plain, &out->version);
	case RESERVED:
		return read_reserved(packer, plain);
	case UNRESERVED:
		return slave_pack_resources(packer, plain, SLAVE_UNRESERVED);
	case USED:
		return slave_pack_resources(packer, plain, SLAVE_USED);
	case KEYS:
		break;
	}
	return plain_skip(plain);
}

#define SEEN(key) (1u << (key))

static bool read_agent(struct slave_packer *packer, struct plain *plain, unsigned *seen, struct agent_packed *out)
{
	const unsigned required = SEEN(ID) | SEEN(HOSTNAME) | SEEN(ACTIVE) | SEEN(VERSION);
	bool begun = false;
	struct bytes key;
	enum plain_more more;

	while ((more = plain_member(plain, &begun, &key)) == PLAIN_MORE) {
		size_t found = plain_find(&key, keys, KEYS);
		if ((found < KEYS && (*seen & SEEN(found))) || !read_member(packer, plain, (enum key)found, out))
			return false;
		*seen |= SEEN(found);
	}
	return more == PLAIN_END && plain->at == plain->end && (*seen & required) == required && out->id.len > 0;
}

static void add(struct buffer *out, const struct buffer *more)
{
	buffer_append(out, buffer_text(more), more->len);
}

static struct bytes bytes_of(const struct buffer *buf)
{
	return (struct bytes){buffer_text(buf), buf->len};
}

static void pack_info(struct slave_packer *packer, unsigned seen, struct agent_packed *out)
{
	struct buffer *info = &packer->packed.info;

	buffer_reset(info);
	put_bytes(info, 1, &out->hostname);
	add(info, &packer->registered[SLAVE_UNRESERVED]);
	add(info, &packer->registered[SLAVE_RESERVED]);
	add(info, &packer->attributes);
	buffer_reset(&packer->value);
	put_bytes(&packer->value, 1, &out->id);
	put_buffer(info, 6, &packer->value);
	put_number(info, 7, 1); /* checkpoint: the master takes no agent without since 1.0 */
	if (seen & SEEN(PORT))
		put_number(info, 8, (uint64_t)out->port);
	if (seen & SEEN(DOMAIN))
		put_buffer(info, 10, &packer->domain);
	out->info = bytes_of(info);
}

static void pack_resources(struct slave_packer *packer, struct agent_packed *out)
{
	struct buffer *total = &packer->packed.total, *used = &packer->packed.used;

	buffer_reset(total);
	buffer_reset(used);
	wire_put_bytes(total, 1, "", 0);
	wire_put_bytes(used, 1, "", 0);
	add(total, &packer->total[SLAVE_UNRESERVED]);
	add(total, &packer->total[SLAVE_RESERVED]);
	add(used, &packer->total[SLAVE_USED]);
	out->total = bytes_of(total);
	out->used = bytes_of(used);
}

bool slave_pack(struct slave_packer *packer, const char *text, size_t len, struct agent_packed *out)
{
	struct agent_packed found = {.ip = {"", 0}, .port = AGENT_DEFAULT_PORT};
	struct plain plain = {text, text + len};
	unsigned seen = 0;

	for_each_buffer(packer, buffer_reset);
	if (!read_agent(packer, &plain, &seen, &found))
		return false;
	pack_info(packer, seen, &found);
	pack_resources(packer, &found);
	*out = found;
	return true;
}
