/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operator API v1: a call in JSON or protobuf, and its answer. An answer is made as the protobuf message, and given as
 * its bytes or as Mesos' JSON of it. What is refused is refused with the real master's status and words.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "lab/core/shapes.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

typedef Mesos__Master__Call call_t;

/* ---- Mesos' JSON of it */

void api_rename_keys(json_t *value)
{
	shape_as_v1(value);
}

static void show_list(json_t *object, const char *key)
{
	if (object != NULL && json_object_get(object, key) == NULL)
		json_object_set_new(object, key, json_array());
}

static void show_empty_parts(json_t *part)
{
	json_t *agents = json_object_get(part, "get_agents"), *tasks = json_object_get(part, "get_tasks");
	json_t *frameworks = json_object_get(part, "get_frameworks");
	show_list(agents, "agents");
	show_list(agents, "recovered_agents");
	show_list(tasks, "tasks");
	show_list(tasks, "unreachable_tasks");
	show_list(tasks, "completed_tasks");
	show_list(frameworks, "frameworks");
	show_list(frameworks, "completed_frameworks");
}

static void put_json(const Mesos__Master__Response *response, struct buffer *out)
{
	json_t *json = pb_to_json(response), *state = json_object_get(json, "get_state");
	api_rename_keys(json);
	show_empty_parts(json);
	if (state != NULL) {
		show_empty_parts(state);
		show_list(json_object_get(state, "get_executors"), "executors");
	}
	char *text = json_dumps(json, JSON_COMPACT);
	buffer_puts(out, text);
	free(text);
	json_decref(json);
}

/* ---- calls that change something */

static void do_drain(struct master *master, const call_t *call, struct web_reply *reply)
{
	operate_drain(master, call->drain_agent, reply);
}

static void do_deactivate(struct master *master, const call_t *call, struct web_reply *reply)
{
	operate_deactivate(master, call->deactivate_agent->agent_id->value, reply);
}

static void do_reactivate(struct master *master, const call_t *call, struct web_reply *reply)
{
	operate_reactivate(master, call->reactivate_agent->agent_id->value, reply);
}

static void do_mark_gone(struct master *master, const call_t *call, struct web_reply *reply)
{
	operate_mark_gone(master, call->mark_agent_gone->agent_id->value, reply);
}

static void do_schedule(struct master *master, const call_t *call, struct web_reply *reply)
{
	maintenance_set(master, call->update_maintenance_schedule->schedule, reply);
}

static void do_down(struct master *master, const call_t *call, struct web_reply *reply)
{
	maintenance_down(master, call->start_maintenance->machines, call->start_maintenance->n_machines, reply);
}

static void do_up(struct master *master, const call_t *call, struct web_reply *reply)
{
	maintenance_up(master, call->stop_maintenance->machines, call->stop_maintenance->n_machines, reply);
}

static void do_reserve(struct master *master, const call_t *call, struct web_reply *reply)
{
	operations_apply(master, OPERATION_RESERVE, call->reserve_resources->agent_id->value,
			 call->reserve_resources->resources, call->reserve_resources->n_resources, reply);
}

static void do_unreserve(struct master *master, const call_t *call, struct web_reply *reply)
{
	operations_apply(master, OPERATION_UNRESERVE, call->unreserve_resources->agent_id->value,
			 call->unreserve_resources->resources, call->unreserve_resources->n_resources, reply);
}

static void do_create(struct master *master, const call_t *call, struct web_reply *reply)
{
	operations_apply(master, OPERATION_CREATE, call->create_volumes->agent_id->value, call->create_volumes->volumes,
			 call->create_volumes->n_volumes, reply);
}

static void do_destroy(struct master *master, const call_t *call, struct web_reply *reply)
{
	operations_apply(master, OPERATION_DESTROY, call->destroy_volumes->agent_id->value,
			 call->destroy_volumes->volumes, call->destroy_volumes->n_volumes, reply);
}

/* member: what the call must carry, named as its type in lower case. since: minor version of Mesos 1. */
static const struct {
	Mesos__Master__Call__Type type;
	const char *member;
	int since;
	void (*run)(struct master *master, const call_t *call, struct web_reply *reply); /* NULL: a reading call */
} calls[] = {
	{MESOS__MASTER__CALL__TYPE__GET_METRICS, "get_metrics", 0, NULL},
	{MESOS__MASTER__CALL__TYPE__RESERVE_RESOURCES, "reserve_resources", 0, do_reserve},
	{MESOS__MASTER__CALL__TYPE__UNRESERVE_RESOURCES, "unreserve_resources", 0, do_unreserve},
	{MESOS__MASTER__CALL__TYPE__CREATE_VOLUMES, "create_volumes", 0, do_create},
	{MESOS__MASTER__CALL__TYPE__DESTROY_VOLUMES, "destroy_volumes", 0, do_destroy},
	{MESOS__MASTER__CALL__TYPE__UPDATE_MAINTENANCE_SCHEDULE, "update_maintenance_schedule", 0, do_schedule},
	{MESOS__MASTER__CALL__TYPE__START_MAINTENANCE, "start_maintenance", 0, do_down},
	{MESOS__MASTER__CALL__TYPE__STOP_MAINTENANCE, "stop_maintenance", 0, do_up},
	{MESOS__MASTER__CALL__TYPE__MARK_AGENT_GONE, "mark_agent_gone", 5, do_mark_gone},
	{MESOS__MASTER__CALL__TYPE__DRAIN_AGENT, "drain_agent", 9, do_drain},
	{MESOS__MASTER__CALL__TYPE__DEACTIVATE_AGENT, "deactivate_agent", 9, do_deactivate},
	{MESOS__MASTER__CALL__TYPE__REACTIVATE_AGENT, "reactivate_agent", 9, do_reactivate},
};

/* ---- requests */

static bool is_type(const char *header, const char *media_type)
{
	return strcmp(header, media_type) == 0;
}

bool api_accepts(const char *header, const char *media_type)
{
	return *header == '\0' || strstr(header, "*/*") != NULL || strstr(header, "application/*") != NULL ||
	       strstr(header, media_type) != NULL;
}

static void *parse_json(const ProtobufCMessageDescriptor *descriptor, const struct web_call *call,
			struct web_reply *reply)
{
	struct error err = ERROR_INIT;
	json_t *json = json_loadb(call->body, call->body_len, JSON_DECODE_ANY, NULL);
	void *parsed = json_is_object(json) ? pb_from_json(descriptor, json, &err) : NULL;
	if (json == NULL)
		web_refuse(reply, 400, "Failed to parse body into JSON: syntax error at line 1 near: %s", call->body);
	else if (parsed == NULL)
		web_refuse(reply, 400, "Failed to convert JSON into Call protobuf: %s",
			   json_is_object(json) ? err.text : "Expecting a JSON object");
	json_decref(json);
	return parsed;
}

/* A type that this version does not know is none. */
static bool has_type(const call_t *call)
{
	return call->has_type && call->type != MESOS__MASTER__CALL__TYPE__UNKNOWN;
}

void *api_parse(const ProtobufCMessageDescriptor *descriptor, const struct web_call *call, struct web_reply *reply)
{
	void *parsed = NULL;
	if (*call->content_type == '\0') {
		web_refuse(reply, 400, "Expecting 'Content-Type' to be present");
	} else if (is_type(call->content_type, "application/x-protobuf")) {
		parsed = pb_unpack(descriptor, call->body, call->body_len);
		if (parsed == NULL)
			web_refuse(reply, 400, "Failed to parse body into Call protobuf");
	} else if (is_type(call->content_type, "application/json")) {
		parsed = parse_json(descriptor, call, reply);
	} else {
		web_refuse(reply, 415, "Expecting 'Content-Type' of application/json or application/x-protobuf");
	}
	return parsed;
}

static bool has_member(const call_t *call, const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(&mesos__master__call__descriptor, name);
	return pb_field_is_set(&call->base, field);
}

static void give(const Mesos__Master__Response *response, const struct web_call *call, struct web_reply *reply)
{
	if (api_accepts(call->accept, "application/json")) {
		put_json(response, &reply->body);
	} else {
		reply->content_type = "application/x-protobuf";
		pb_pack(response, &reply->body);
	}
}

static void read_call(const struct master *master, const call_t *parsed, const struct web_call *call,
		      struct web_reply *reply)
{
	Mesos__Master__Response *response = pb_new(&mesos__master__response__descriptor);
	if (api_read(master, parsed->type, response)) {
		if (!api_accepts(call->accept, "application/json"))
			api_as_protobuf(master, response);
		give(response, call, reply);
	} else {
		web_refuse(reply, 501, "501 Not Implemented.");
	}
	pb_free(response);
}

static void run_call(struct master *master, const call_t *parsed, const struct web_call *call, struct web_reply *reply)
{
	size_t i = 0, count = sizeof(calls) / sizeof(calls[0]);
	while (i < count && calls[i].type != parsed->type)
		i++;
	if (!has_type(parsed) || (i < count && !master_at_least(master, 1, calls[i].since)))
		web_refuse(reply, 400, "Failed to validate master::Call: Expecting 'type' to be present");
	else if (i < count && !has_member(parsed, calls[i].member))
		web_refuse(reply, 400, "Failed to validate master::Call: Expecting '%s' to be present",
			   calls[i].member);
	else if (!api_accepts(call->accept, "application/json") && !api_accepts(call->accept, "application/x-protobuf"))
		web_refuse(reply, 406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'");
	else if (i < count && calls[i].run != NULL)
		calls[i].run(master, parsed, reply);
	else
		read_call(master, parsed, call, reply);
}

void answer_api(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	if (strcmp(call->method, "POST") != 0) {
		web_refuse(reply, 405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received '%s'.",
			   call->method);
		return;
	}
	call_t *parsed = api_parse(&mesos__master__call__descriptor, call, reply);
	if (parsed != NULL)
		run_call(master, parsed, call, reply);
	pb_free(parsed);
}
