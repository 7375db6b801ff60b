/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the operator API v1: down to the single message in JSON or at wire level, then one message at a time. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "remote/master_parse.h"

/* ---- JSON */

json_t *master_json(const struct master_body *body, struct error *err)
{
	json_error_t why;
	json_t *root = json_loadb(body->data != NULL ? body->data : "", body->len, 0, &why);
	if (root == NULL)
		error_set(err, ERROR_CORRUPT, "%s: the answer (%zu bytes) is no JSON: line %d, column %d: %s",
			  body->url, body->len, why.line, why.column, why.text);
	else if (!json_is_object(root))
		error_set(err, ERROR_CORRUPT, "%s: the answer is JSON, but no object", body->url);
	else
		return root;
	json_decref(root);
	return NULL;
}

int master_add_json(const struct master_items *items, const struct master_body *body, const char *where,
		    const json_t *object, struct master_snapshot *snapshot, struct error *err)
{
	struct error why = ERROR_INIT;
	void *message = pb_from_json(items->descriptor, object, &why);
	if (message == NULL)
		return error_set(err, ERROR_CORRUPT, "%s: %s: %s", body->url, where, why.text);
	int result = items->add(body, where, message, snapshot, err);
	pb_free(message);
	return result;
}

/* The API's JSON says agent where the messages, whose wire form it shares, say slave. */
static void use_wire_names(json_t *item)
{
	json_t *agent_id = json_object_get(item, "agent_id");
	if (agent_id != NULL && json_object_get(item, "slave_id") == NULL)
		json_object_set(item, "slave_id", agent_id);
}

/* member.name is an array, or missing when there are none. */
static int add_array(const struct master_call *call, const struct master_items *items, const struct master_body *body,
		     const json_t *member, struct master_snapshot *snapshot, struct error *err)
{
	const json_t *array = json_object_get(member, items->name);
	size_t i;
	json_t *item;
	if (array != NULL && !json_is_array(array))
		return error_set(err, ERROR_CORRUPT, "%s: %s.%s is no array", body->url, call->member, items->name);
	json_array_foreach(array, i, item)
	{
		char where[80];
		snprintf(where, sizeof(where), "%s.%s[%zu]", call->member, items->name, i);
		use_wire_names(item);
		if (master_add_json(items, body, where, item, snapshot, err) < 0)
			return -1;
	}
	return 0;
}

static int no_response(const struct master_call *call, const struct master_body *body, struct error *err)
{
	return error_set(err, ERROR_CORRUPT, "%s: the answer (%zu bytes) is no %s response%s", body->url, body->len,
			 call->type, body->protobuf ? " in protobuf" : "");
}

static int add_member_json(const struct master_call *call, const struct master_body *body, const json_t *root,
			   struct master_snapshot *snapshot, struct error *err)
{
	const char *type = json_string_value(json_object_get(root, "type"));
	const json_t *member = json_object_get(root, call->member);
	int result = 0;
	if (type == NULL || strcmp(type, call->type) != 0 || !json_is_object(member))
		return no_response(call, body, err);
	for (const struct master_items *items = call->items; items->descriptor != NULL && result == 0; items++) {
		if (items->name == NULL)
			result = master_add_json(items, body, call->member, member, snapshot, err);
		else
			result = add_array(call, items, body, member, snapshot, err);
	}
	return result;
}

static int parse_json(const struct master_call *call, const struct master_body *body, struct master_snapshot *snapshot,
		      struct error *err)
{
	json_t *root = master_json(body, err);
	if (root == NULL)
		return -1;
	int result = add_member_json(call, body, root, snapshot, err);
	json_decref(root);
	return result;
}

/* ---- protobuf */

struct wire {
	const struct master_call *call;
	const struct master_body *body;
	const uint8_t *at, *end;
};

struct wire_field {
	uint32_t number;
	unsigned type; /* 0 varint, 1 eight bytes, 2 with length, 5 four bytes */
	uint64_t value;
	struct wire inside; /* of a field with length */
};

static int wire_broken(const struct wire *wire, const char *what, struct error *err)
{
	size_t offset = (size_t)(wire->at - (const uint8_t *)wire->body->data);
	return error_set(err, ERROR_CORRUPT, "%s: the answer is no %s response in protobuf: %s at byte %zu of %zu",
			 wire->body->url, wire->call->type, what, offset, wire->body->len);
}

static int wire_varint(struct wire *wire, uint64_t *value, struct error *err)
{
	uint64_t result = 0;
	for (unsigned shift = 0; shift < 64 && wire->at < wire->end; shift += 7) {
		uint8_t byte = *wire->at++;
		result |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*value = result;
			return 0;
		}
	}
	return wire_broken(wire, wire->at == wire->end ? "it ends" : "an endless number", err);
}

static int wire_next(struct wire *wire, struct wire_field *field, struct error *err)
{
	uint64_t key, len = 0;
	if (wire_varint(wire, &key, err) < 0)
		return -1;
	*field = (struct wire_field){.number = (uint32_t)(key >> 3), .type = (unsigned)(key & 7)};
	if (field->type == 0)
		return wire_varint(wire, &field->value, err);
	if (field->type == 2 && wire_varint(wire, &len, err) < 0)
		return -1;
	if (field->type == 1 || field->type == 5)
		len = field->type == 1 ? 8 : 4;
	else if (field->type != 2)
		return wire_broken(wire, "an unknown kind of field", err);
	if (len > (uint64_t)(wire->end - wire->at))
		return wire_broken(wire, "it ends in the middle of a field", err);
	field->inside = (struct wire){.call = wire->call, .body = wire->body, .at = wire->at, .end = wire->at + len};
	wire->at += len;
	return 0;
}

static int add_wire(const struct master_items *items, const struct wire *wire, const char *where,
		    struct master_snapshot *snapshot, struct error *err)
{
	void *message = pb_unpack(items->descriptor, wire->at, (size_t)(wire->end - wire->at));
	if (message == NULL)
		return wire_broken(wire, "something else", err);
	int result = items->add(wire->body, where, message, snapshot, err);
	pb_free(message);
	return result;
}

static const struct master_items *items_of(const struct master_call *call, const struct wire_field *field)
{
	for (const struct master_items *items = call->items; items->descriptor != NULL; items++) {
		if (items->name != NULL && items->number == field->number && field->type == 2)
			return items;
	}
	return NULL;
}

/* The member: either it is the message itself, or its fields are looked through. */
static int add_member_wire(struct wire wire, struct master_snapshot *snapshot, struct error *err)
{
	const struct master_call *call = wire.call;
	struct wire_field field;
	size_t index = 0;
	if (call->items[0].name == NULL)
		return add_wire(&call->items[0], &wire, call->member, snapshot, err);
	while (wire.at < wire.end) {
		char where[80];
		if (wire_next(&wire, &field, err) < 0)
			return -1;
		const struct master_items *items = items_of(call, &field);
		if (items == NULL)
			continue;
		snprintf(where, sizeof(where), "%s.%s, item %zu", call->member, items->name, ++index);
		if (add_wire(items, &field.inside, where, snapshot, err) < 0)
			return -1;
	}
	return 0;
}

#define RESPONSE_TYPE 1 /* the field of mesos.master.Response */

static int parse_protobuf(const struct master_call *call, const struct master_body *body,
			  struct master_snapshot *snapshot, struct error *err)
{
	const uint8_t *data = (const uint8_t *)(body->data != NULL ? body->data : "");
	struct wire wire = {.call = call, .body = body, .at = data, .end = data + body->len};
	bool has_type = false, has_member = false;
	struct wire_field field;
	while (wire.at < wire.end) {
		if (wire_next(&wire, &field, err) < 0)
			return -1;
		if (field.number == RESPONSE_TYPE && field.type == 0)
			has_type = field.value == (uint64_t)call->type_number;
		if (field.number != call->member_number || field.type != 2)
			continue;
		has_member = true;
		if (add_member_wire(field.inside, snapshot, err) < 0)
			return -1;
	}
	return has_type && has_member ? 0 : no_response(call, body, err);
}

int master_parse_call(const struct master_call *call, const struct master_body *body, struct master_snapshot *snapshot,
		      struct error *err)
{
	return (body->protobuf ? parse_protobuf : parse_json)(call, body, snapshot, err);
}
