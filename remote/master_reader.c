/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a master as they come: cut up into items by the splitters, and item by item to the parsers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "mesos/wire.h"
#include "remote/json_split.h"
#include "remote/master_parse.h"
#include "remote/slave_plain.h"
#include "remote/wire_split.h"

#define WHERE_MAX     96
#define AGENT_OFFERED 9 /* the field of an Agent */

struct master_reader {
	struct master_reading *reading;
	const struct master_call *call;         /* of the operator API, or */
	const struct master_document *document; /* of an older endpoint */
	struct wire_split wire;
	struct json_split *json;
	size_t counts[JSON_SPLIT_RULES]; /* of the items so far, of each kind */
	size_t count;
	uint64_t bytes;
	struct buffer kept; /* an agent without what it has on offer */
	struct agent_packer packer;
	struct slave_packer slave;
	struct error refused; /* why an item was not taken; else the splitter itself was unhappy */
};

static const struct master_call *call_of(const struct master_reading *reading)
{
	switch (reading->answer) {
	case ANSWER_GET_AGENTS:
		return &master_get_agents;
	case ANSWER_GET_TASKS:
		return &master_get_tasks;
	case ANSWER_GET_FRAMEWORKS:
		return &master_get_frameworks;
	case ANSWER_GET_MASTER:
		return &master_get_master;
	default:
		return NULL;
	}
}

static const struct master_document *document_of(const struct master_reading *reading)
{
	switch (reading->answer) {
	case ANSWER_SLAVES:
		return &master_slaves;
	case ANSWER_STATE:
		return reading->want & WANT_TASKS ? &master_state_tasks : &master_state_facts;
	case ANSWER_METRICS:
		return &master_metrics;
	default:
		return &master_flags;
	}
}

/* ---- one item */

static bool is_known(const struct master_reading *reading, bool may_be, const struct master_item *item)
{
	const struct master_taker *taker = reading->taker;
	return may_be && taker->known != NULL && taker->known(taker->ctx, item->raw, item->raw_len);
}

int master_add_json(const struct master_items *items, struct master_reading *reading, const struct master_item *raw,
		    const json_t *object, struct error *err)
{
	struct error why = ERROR_INIT;
	struct master_item item = *raw;
	item.message = pb_from_json(items->descriptor, object, &why);
	if (item.message == NULL)
		return error_set(err, ERROR_CORRUPT, "%s: %s: %s", reading->url, item.where, why.text);
	int result = items->add(reading, &item, err);
	pb_free(item.message);
	return result;
}

/* ---- protobuf */

static int add_wire(struct master_reader *reader, const struct master_items *items, const struct master_item *raw,
		    struct error *err)
{
	struct master_item item = *raw;
	const char *url = reader->reading->url;
	item.message = pb_unpack(items->descriptor, raw->raw, raw->raw_len);
	if (item.message == NULL)
		return error_set(err, ERROR_CORRUPT,
				 "%s: the answer is no %s response in protobuf: %s (%zu bytes) is something else", url,
				 reader->call->type, raw->where, raw->raw_len);
	int result = master_is_text(item.message)
			     ? items->add(reader->reading, &item, err)
			     : error_set(err, ERROR_CORRUPT, "%s: %s has a text that is no UTF-8", url, raw->where);
	pb_free(item.message);
	return result;
}

static int give_packed(struct master_reader *reader, const struct agent_packed *agent, const struct master_item *item,
		       struct error *err)
{
	const struct master_taker *taker = reader->reading->taker;
	if (taker->packed(taker->ctx, agent, item->raw, item->raw_len, err) < 0)
		return error_prefix(err, "%s", reader->reading->url);
	return 1;
}

/* What is on offer changes by the second and is of no use to anyone. Fields come in the order of their numbers; should they not, an offer
 * may stay, and the agent is read again. */
static void leave_offers_out(struct master_reader *reader, struct master_item *item)
{
	const unsigned char *start = item->raw, *at = start, *end = at + item->raw_len;
	struct wire_record record;
	buffer_reset(&reader->kept);
	while (at < end && wire_next(&at, end, &record) && record.number <= AGENT_OFFERED) {
		if (record.number != AGENT_OFFERED)
			continue;
		buffer_append(&reader->kept, start, (size_t)(record.start - start));
		start = at;
	}
	if (start == item->raw)
		return;
	buffer_append(&reader->kept, start, (size_t)(end - start));
	item->raw = buffer_text(&reader->kept);
	item->raw_len = reader->kept.len;
}

/* 1: the item was an agent that could be taken as it lies there; 0: it has to be unpacked. */
static int take_wire(struct master_reader *reader, const struct master_items *items, const struct master_item *item,
		     struct error *err)
{
	struct agent_packed agent;
	if (!items->known || reader->reading->taker->packed == NULL ||
	    !agent_pack_wire(&reader->packer, item->raw, item->raw_len, &agent))
		return 0;
	return give_packed(reader, &agent, item, err);
}

static int take_slave(struct master_reader *reader, int kind, const struct master_item *item, struct error *err)
{
	struct agent_packed agent;
	if (reader->document == NULL || !reader->document->slaves || kind != 0 ||
	    reader->reading->taker->packed == NULL || !slave_pack(&reader->slave, item->raw, item->raw_len, &agent))
		return 0;
	return give_packed(reader, &agent, item, err);
}

static const struct master_items *items_of(const struct master_call *call, uint32_t number)
{
	for (const struct master_items *items = call->items; items->descriptor != NULL; items++) {
		if (items->name == NULL || items->number == number)
			return items;
	}
	return NULL;
}

static int on_wire_item(void *ctx, uint32_t number, const void *data, size_t len, struct error *err)
{
	struct master_reader *reader = ctx;
	const struct master_items *items = items_of(reader->call, number);
	char where[WHERE_MAX];
	struct master_item item = {.where = where, .raw = data, .raw_len = len};
	(void)err;
	reader->count++;
	if (items != NULL && items->known)
		leave_offers_out(reader, &item);
	if (items == NULL || is_known(reader->reading, items->known, &item))
		return 0;
	int taken = take_wire(reader, items, &item, &reader->refused);
	if (taken != 0)
		return taken < 0 ? -1 : 0;
	if (items->name == NULL)
		snprintf(where, sizeof(where), "%s", reader->call->member);
	else
		snprintf(where, sizeof(where), "%s.%s, item %zu", reader->call->member, items->name, reader->count);
	return add_wire(reader, items, &item, &reader->refused);
}

/* ---- JSON */

/* REASON_AGENT_REMOVED is REASON_SLAVE_REMOVED. */
static void use_wire_reason(json_t *status)
{
	static const char api[] = "REASON_AGENT_", wire[] = "REASON_SLAVE_";
	const char *reason = json_string_value(json_object_get(status, "reason"));
	if (reason == NULL || strncmp(reason, api, sizeof(api) - 1) != 0)
		return;
	char *name = xasprintf("%s%s", wire, reason + sizeof(api) - 1);
	json_object_set_new(status, "reason", json_string(name));
	free(name);
}

/* The API's JSON says agent where the messages, whose wire form it shares, say slave. */
static void use_wire_names(json_t *item)
{
	json_t *agent_id = json_object_get(item, "agent_id"), *status;
	size_t i;
	if (agent_id != NULL && json_object_get(item, "slave_id") == NULL)
		json_object_set(item, "slave_id", agent_id);
	json_array_foreach(json_object_get(item, "statuses"), i, status) use_wire_reason(status);
}

static void say_where(struct master_reader *reader, int kind, char where[WHERE_MAX])
{
	size_t number = reader->counts[kind]++;
	if (reader->call != NULL)
		snprintf(where, WHERE_MAX, "%s.%s[%zu]", reader->call->member, reader->call->items[kind].name, number);
	else
		snprintf(where, WHERE_MAX, "%s[%zu]", reader->document->names[kind], number);
}

/* Duplicate keys are allowed: /slaves has them. */
static json_t *parse(const struct master_reader *reader, const char *what, const char *text, size_t len,
		     struct error *err)
{
	json_error_t why;
	json_t *value = json_loadb(text, len, JSON_DECODE_ANY, &why);
	if (value == NULL)
		error_set(err, ERROR_CORRUPT, "%s: %s (%zu bytes) is no JSON: line %d, column %d: %s",
			  reader->reading->url, what, len, why.line, why.column, why.text);
	return value;
}

static int on_json_item(void *ctx, int kind, const char *text, size_t len, struct error *err)
{
	struct master_reader *reader = ctx;
	const struct master_call *call = reader->call;
	bool known = call != NULL ? call->items[kind].known : reader->document->known;
	char where[WHERE_MAX];
	struct master_item item = {.where = where, .raw = text, .raw_len = len};
	(void)err;
	say_where(reader, kind, where);
	if (is_known(reader->reading, known, &item))
		return 0;
	int taken = take_slave(reader, kind, &item, &reader->refused);
	if (taken != 0)
		return taken < 0 ? -1 : 0;
	json_t *value = parse(reader, where, text, len, &reader->refused);
	if (value == NULL)
		return -1;
	int result;
	if (call != NULL) {
		use_wire_names(value);
		result = master_add_json(&call->items[kind], reader->reading, &item, value, &reader->refused);
	} else {
		result = reader->document->add(reader->reading, kind, where, value, &item, &reader->refused);
	}
	json_decref(value);
	return result;
}

/* ---- the answer */

struct master_reader *master_reader_new(struct master_reading *reading)
{
	struct master_reader *reader = xcalloc(1, sizeof(*reader));
	reader->reading = reading;
	buffer_init(&reader->kept, WIRE_ITEM_MAX);
	agent_packer_init(&reader->packer);
	slave_packer_init(&reader->slave);
	reader->call = call_of(reading);
	if (reader->call == NULL)
		reader->document = document_of(reading);
	if (reading->protobuf)
		wire_split_init(&reader->wire, reader->call->member_number, reader->call->items[0].name == NULL,
				on_wire_item, reader);
	else if (reader->call != NULL)
		reader->json = json_split_new(reader->call->rules, reader->call->rule_count, on_json_item, reader);
	else
		reader->json = json_split_new(reader->document->rules, reader->document->rule_count, on_json_item,
					      reader);
	return reader;
}

void master_reader_free(struct master_reader *reader)
{
	if (reader == NULL)
		return;
	if (reader->reading->protobuf)
		wire_split_clear(&reader->wire);
	json_split_free(reader->json);
	buffer_clear(&reader->kept);
	agent_packer_clear(&reader->packer);
	slave_packer_clear(&reader->slave);
	free(reader);
}

/* What the splitter or an item's parser minded. */
static int explain(const struct master_reader *reader, const struct error *why, struct error *err)
{
	if (reader->refused.kind != ERROR_NONE)
		return error_set(err, reader->refused.kind, "%s", reader->refused.text);
	if (reader->reading->protobuf)
		return error_set(err, ERROR_CORRUPT, "%s: the answer is no %s response in protobuf: %s",
				 reader->reading->url, reader->call->type, why->text);
	return error_set(err, ERROR_CORRUPT, "%s: the answer is no JSON: %s", reader->reading->url, why->text);
}

int master_reader_feed(struct master_reader *reader, const char *data, size_t len, struct error *err)
{
	struct error why = ERROR_INIT;
	reader->bytes += len;
	int result = reader->reading->protobuf ? wire_split_feed(&reader->wire, data, len, &why)
					       : json_split_feed(reader->json, data, len, &why);
	return result < 0 ? explain(reader, &why, err) : 0;
}

static int no_response(const struct master_reader *reader, struct error *err)
{
	return error_set(err, ERROR_CORRUPT, "%s: the answer (%" PRIu64 " bytes) is no %s response%s",
			 reader->reading->url, reader->bytes, reader->call->type,
			 reader->reading->protobuf ? " in protobuf" : "");
}

static int finish_wire(struct master_reader *reader, struct error *err)
{
	struct error why = ERROR_INIT;
	if (wire_split_finish(&reader->wire, &why) < 0)
		return explain(reader, &why, err);
	if (reader->wire.type != reader->call->type_number || !reader->wire.has_member)
		return no_response(reader, err);
	return 0;
}

/* The call's arrays hold nulls by now. */
static int check_arrays(const struct master_reader *reader, const json_t *member, struct error *err)
{
	for (const struct master_items *items = reader->call->items; items->descriptor != NULL; items++) {
		const json_t *array = json_object_get(member, items->name);
		if (array != NULL && !json_is_array(array))
			return error_set(err, ERROR_CORRUPT, "%s: %s.%s is no array", reader->reading->url,
					 reader->call->member, items->name);
	}
	return 0;
}

static int finish_call(struct master_reader *reader, const json_t *rest, struct error *err)
{
	const struct master_call *call = reader->call;
	const char *type = json_string_value(json_object_get(rest, "type"));
	const json_t *member = json_object_get(rest, call->member);
	const struct master_item item = {.where = call->member};
	if (type == NULL || strcmp(type, call->type) != 0 || !json_is_object(member))
		return no_response(reader, err);
	if (call->items[0].name == NULL)
		return master_add_json(&call->items[0], reader->reading, &item, member, err);
	return check_arrays(reader, member, err);
}

static int finish_json(struct master_reader *reader, struct error *err)
{
	struct error why = ERROR_INIT;
	const struct buffer *rest = json_split_finish(reader->json, &why);
	if (rest == NULL)
		return error_set(err, ERROR_CORRUPT, "%s: the answer (%" PRIu64 " bytes) is no JSON: %s",
				 reader->reading->url, reader->bytes, why.text);
	json_t *root = parse(reader, "the answer", buffer_text(rest), rest->len, err);
	if (root == NULL)
		return -1;
	int result;
	if (!json_is_object(root))
		result = error_set(err, ERROR_CORRUPT, "%s: the answer is JSON, but no object", reader->reading->url);
	else if (reader->call != NULL)
		result = finish_call(reader, root, err);
	else
		result = reader->document->finish(reader->reading, root, err);
	json_decref(root);
	return result;
}

int master_reader_finish(struct master_reader *reader, struct error *err)
{
	return reader->reading->protobuf ? finish_wire(reader, err) : finish_json(reader, err);
}

int master_read_all(struct master_reading *reading, const char *data, size_t len, struct error *err)
{
	struct master_reader *reader = master_reader_new(reading);
	int result = master_reader_feed(reader, data, len, err);
	if (result == 0)
		result = master_reader_finish(reader, err);
	master_reader_free(reader);
	return result;
}
