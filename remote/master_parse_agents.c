/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "remote/master_parse.h"
#include "schema/mesos.pb-c.h"

#define DEFAULT_PORT 5051 /* of SlaveInfo.port */

/* ---- one agent */

/* "slave(1)@127.0.0.1:5051", "slave(1)@[::1]:5051": the address between @ and the last colon. */
static char *address_of(const char *pid)
{
	const char *at = pid != NULL ? strchr(pid, '@') : NULL;
	const char *colon = at != NULL ? strrchr(at, ':') : NULL;
	if (colon == NULL)
		return xstrdup("");
	const char *start = at + 1;
	if (*start == '[' && colon > start + 1 && colon[-1] == ']')
		return xstrndup(start + 1, (size_t)(colon - start) - 2);
	return xstrndup(start, (size_t)(colon - start));
}

static void take_resources(struct resources *to, Mesos__Resource ***items, size_t *count)
{
	to->items = *items;
	to->count = *count;
	*items = NULL;
	*count = 0;
}

/* To which role of a framework a resource went is no part of what is used: without it `used` compares with `total`. */
static void forget_allocation(struct resources *resources)
{
	for (size_t i = 0; i < resources->count; i++) {
		pb_free(resources->items[i]->allocation_info);
		resources->items[i]->allocation_info = NULL;
	}
}

static int64_t nanoseconds(const Mesos__TimeInfo *time)
{
	return time != NULL ? time->nanoseconds : 0;
}

/* Moves what it needs out of the message. */
static int add_agent(const struct master_body *body, const char *where,
		     Mesos__Master__Response__GetAgents__Agent *message, struct master_snapshot *snapshot,
		     struct error *err)
{
	const Mesos__SlaveInfo *info = message->agent_info;
	if (info->id == NULL || info->id->value[0] == '\0')
		return error_set(err, ERROR_CORRUPT, "%s: %s (hostname %s) has no ID", body->url, where,
				 info->hostname);
	struct agent_view agent = {
		.id = xstrdup(info->id->value),
		.hostname = xstrdup(info->hostname),
		.ip = address_of(message->pid),
		.port = info->has_port ? info->port : DEFAULT_PORT,
		.version = xstrdup(message->version),
		.active = message->active,
		.deactivated = message->deactivated,
		.attributes_complete = true,
		.registered_ns = nanoseconds(message->registered_time),
		.reregistered_ns = nanoseconds(message->reregistered_time),
		.info = message->agent_info,
	};
	message->agent_info = NULL;
	take_resources(&agent.total, &message->total_resources, &message->n_total_resources);
	take_resources(&agent.used, &message->allocated_resources, &message->n_allocated_resources);
	forget_allocation(&agent.used);
	snapshot->agents = xreallocarray(snapshot->agents, snapshot->agent_count + 1, sizeof(agent));
	snapshot->agents[snapshot->agent_count++] = agent;
	return 0;
}

static int compare_agents(const void *a, const void *b)
{
	return strcmp(((const struct agent_view *)a)->id, ((const struct agent_view *)b)->id);
}

int master_sort_agents(const struct master_body *body, struct master_snapshot *snapshot, struct error *err)
{
	if (snapshot->agent_count == 0)
		return 0;
	qsort(snapshot->agents, snapshot->agent_count, sizeof(*snapshot->agents), compare_agents);
	for (size_t i = 1; i < snapshot->agent_count; i++) {
		const char *id = snapshot->agents[i].id;
		if (strcmp(id, snapshot->agents[i - 1].id) == 0)
			return error_set(err, ERROR_CORRUPT, "%s: the answer lists agent %s twice", body->url, id);
	}
	return 0;
}

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

int master_add_agent_json(const struct master_body *body, const char *where, const json_t *agent,
			  struct master_snapshot *snapshot, struct error *err)
{
	struct error why = ERROR_INIT;
	Mesos__Master__Response__GetAgents__Agent *message =
		pb_from_json(&mesos__master__response__get_agents__agent__descriptor, agent, &why);
	if (message == NULL)
		return error_set(err, ERROR_CORRUPT, "%s: %s: %s", body->url, where, why.text);
	int result = add_agent(body, where, message, snapshot, err);
	pb_free(message);
	return result;
}

static int add_agents_json(const struct master_body *body, const json_t *agents, struct master_snapshot *snapshot,
			   struct error *err)
{
	size_t i;
	json_t *agent;
	json_array_foreach(agents, i, agent)
	{
		char where[64];
		snprintf(where, sizeof(where), "get_agents.agents[%zu]", i);
		if (master_add_agent_json(body, where, agent, snapshot, err) < 0)
			return -1;
	}
	return master_sort_agents(body, snapshot, err);
}

int master_parse_agents_json(const struct master_body *body, struct master_snapshot *snapshot, struct error *err)
{
	json_t *root = master_json(body, err);
	if (root == NULL)
		return -1;
	const char *type = json_string_value(json_object_get(root, "type"));
	const json_t *get_agents = json_object_get(root, "get_agents");
	const json_t *agents = json_object_get(get_agents, "agents"); /* missing when there are none */
	int result = -1;
	if (type == NULL || strcmp(type, "GET_AGENTS") != 0 || !json_is_object(get_agents))
		error_set(err, ERROR_CORRUPT, "%s: the answer is no GET_AGENTS response", body->url);
	else if (agents != NULL && !json_is_array(agents))
		error_set(err, ERROR_CORRUPT, "%s: get_agents.agents is no array", body->url);
	else
		result = add_agents_json(body, agents, snapshot, err);
	json_decref(root);
	return result;
}

/* ---- protobuf, at wire level down to one agent, so that only one is unpacked at a time */

struct wire {
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
	return error_set(err, ERROR_CORRUPT,
			 "%s: the answer is no GET_AGENTS response in protobuf: %s at byte %zu of %zu", wire->body->url,
			 what, offset, wire->body->len);
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
	field->inside = (struct wire){.body = wire->body, .at = wire->at, .end = wire->at + len};
	wire->at += len;
	return 0;
}

/* Field numbers of mesos.master.Response and its GetAgents. */
enum { RESPONSE_TYPE = 1, RESPONSE_GET_AGENTS = 10, GET_AGENTS_AGENTS = 1 };

static int add_agents_wire(struct wire wire, struct master_snapshot *snapshot, struct error *err)
{
	struct wire_field field;
	while (wire.at < wire.end) {
		char where[64];
		if (wire_next(&wire, &field, err) < 0)
			return -1;
		if (field.number != GET_AGENTS_AGENTS || field.type != 2)
			continue;
		size_t len = (size_t)(field.inside.end - field.inside.at);
		Mesos__Master__Response__GetAgents__Agent *message =
			pb_unpack(&mesos__master__response__get_agents__agent__descriptor, field.inside.at, len);
		if (message == NULL)
			return wire_broken(&field.inside, "something that is no agent", err);
		snprintf(where, sizeof(where), "agent %zu of the answer", snapshot->agent_count + 1);
		int result = add_agent(wire.body, where, message, snapshot, err);
		pb_free(message);
		if (result < 0)
			return -1;
	}
	return 0;
}

int master_parse_agents_protobuf(const struct master_body *body, struct master_snapshot *snapshot, struct error *err)
{
	const uint8_t *data = (const uint8_t *)body->data;
	struct wire wire = {.body = body, .at = data, .end = data != NULL ? data + body->len : data};
	bool has_type = false, has_agents = false;
	struct wire_field field;
	while (wire.at < wire.end) {
		if (wire_next(&wire, &field, err) < 0)
			return -1;
		if (field.number == RESPONSE_TYPE && field.type == 0)
			has_type = field.value == MESOS__MASTER__RESPONSE__TYPE__GET_AGENTS;
		if (field.number != RESPONSE_GET_AGENTS || field.type != 2)
			continue;
		has_agents = true;
		if (add_agents_wire(field.inside, snapshot, err) < 0)
			return -1;
	}
	if (!has_type || !has_agents)
		return error_set(err, ERROR_CORRUPT, "%s: the answer (%zu bytes) is no GET_AGENTS response in protobuf",
				 body->url, body->len);
	return master_sort_agents(body, snapshot, err);
}
