/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's operator API v1: the calls that read, in JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/agent/agent.h"
#include "lab/core/shapes.h"
#include "mesos/pb.h"

static json_t *rename_slaves(json_t *value)
{
	shape_as_v1(value);
	return value;
}

/* ---- tasks, executors, frameworks */

/* In memory resources are in their newer form: without a role of their own. */
static json_t *without_roles(json_t *object)
{
	json_t *resource;
	size_t index;
	json_array_foreach(json_object_get(object, "resources"), index, resource) json_object_del(resource, "role");
	return rename_slaves(object);
}

static json_t *list_of(const struct agent_task *list, json_t *(*show)(const struct agent_task *task))
{
	json_t *array = json_array();
	for (const struct agent_task *task = list; task != NULL; task = task->next)
		json_array_append_new(array, show(task));
	return array;
}

static json_t *show_task(const struct agent_task *task)
{
	return without_roles(pb_to_json(task->task));
}

static json_t *get_tasks(const struct agent *agent)
{
	return json_pack("{s[] s[] so s[] so}", "pending_tasks", "queued_tasks", "launched_tasks",
			 list_of(agent->tasks, show_task), "terminated_tasks", "completed_tasks",
			 list_of(agent->completed, show_task));
}

static json_t *show_executor(const struct agent_task *task)
{
	return json_pack("{so}", "executor_info", without_roles(pb_to_json(task->executor)));
}

static json_t *get_executors(const struct agent *agent)
{
	return json_pack("{so so}", "executors", list_of(agent->tasks, show_executor), "completed_executors",
			 list_of(agent->completed, show_executor));
}

/* Members that have a default are shown when they are not set. */
static json_t *show_framework(const Mesos__FrameworkInfo *framework)
{
	json_t *shown = rename_slaves(pb_to_json(framework));
	json_object_set_new(shown, "failover_timeout", json_real(framework->failover_timeout));
	json_object_set_new(shown, "checkpoint", json_boolean(framework->checkpoint));
	json_object_set_new(shown, "role", json_string(framework->role != NULL ? framework->role : "*"));
	return shown;
}

/* Those that known does not name yet. */
static json_t *frameworks_of(const struct agent_task *list, json_t *known)
{
	json_t *frameworks = json_array();
	for (const struct agent_task *task = list; task != NULL; task = task->next) {
		const char *id = task->framework->id->value;
		if (json_object_get(known, id) != NULL)
			continue;
		json_object_set_new(known, id, json_true());
		json_array_append_new(frameworks, json_pack("{so}", "framework_info", show_framework(task->framework)));
	}
	return frameworks;
}

static json_t *get_frameworks(const struct agent *agent)
{
	json_t *known = json_object(), *running = frameworks_of(agent->tasks, known);
	json_t *answer = json_pack("{so so}", "frameworks", running, "completed_frameworks",
				   frameworks_of(agent->completed, known));
	json_decref(known);
	return answer;
}

static json_t *get_state(const struct agent *agent)
{
	return json_pack("{so so so}", "get_tasks", get_tasks(agent), "get_executors", get_executors(agent),
			 "get_frameworks", get_frameworks(agent));
}

/* ---- the agent itself */

/* AgentInfo: a SlaveInfo with resources in their newer form, and without `checkpoint`. */
static json_t *get_agent(const struct agent *agent)
{
	json_t *info = slaveinfo_to_json(agent->info);
	struct resources resources = {.items = NULL};
	shape_take_resources(&resources, agent->info->resources, agent->info->n_resources);
	json_object_set_new(info, "resources", resources_to_json(&resources));
	json_object_del(info, "checkpoint");
	resources_clear(&resources);
	json_t *answer = json_pack("{so}", "agent_info", without_roles(info));
	if (agent->drain != NULL) {
		json_object_set_new(answer, "drain_config", pb_to_json(agent->drain));
		json_object_set_new(answer, "estimated_drain_start_time",
				    json_pack("{sI}", "nanoseconds", (json_int_t)agent->drain_started * 1000000000));
	}
	return answer;
}

static json_t *get_health(const struct agent *agent)
{
	(void)agent;
	return json_pack("{sb}", "healthy", 1);
}

static json_t *get_version(const struct agent *agent)
{
	return json_pack("{s{ss ss sf ss}}", "version_info", "version", agent->version_text, "build_date",
			 SHAPE_BUILD_DATE, "build_time", SHAPE_BUILD_TIME, "build_user", SHAPE_BUILD_USER);
}

static json_t *get_flags(const struct agent *agent)
{
	json_t *flags = agent_flags_to_json(&agent->flags, &agent->release), *list = json_array(), *value;
	const char *name;
	json_object_foreach(flags, name, value)
		json_array_append_new(list, json_pack("{ss sO}", "name", name, "value", value));
	json_decref(flags);
	return json_pack("{so}", "flags", list);
}

static json_t *get_metrics(const struct agent *agent)
{
	json_t *metrics = agent_metrics(agent), *list = json_array(), *value;
	const char *name;
	json_object_foreach(metrics, name, value)
		json_array_append_new(list, json_pack("{ss sO}", "name", name, "value", value));
	json_decref(metrics);
	return json_pack("{so}", "metrics", list);
}

static const struct {
	const char *type;
	const char *member;
	json_t *(*get)(const struct agent *agent);
	const char *needs; /* a member that the call must have; NULL: none */
} calls[] = {
	{"GET_AGENT", "get_agent", get_agent, NULL},
	{"GET_TASKS", "get_tasks", get_tasks, NULL},
	{"GET_EXECUTORS", "get_executors", get_executors, NULL},
	{"GET_FRAMEWORKS", "get_frameworks", get_frameworks, NULL},
	{"GET_STATE", "get_state", get_state, NULL},
	{"GET_FLAGS", "get_flags", get_flags, NULL},
	{"GET_VERSION", "get_version", get_version, NULL},
	{"GET_HEALTH", "get_health", get_health, NULL},
	{"GET_METRICS", "get_metrics", get_metrics, "get_metrics"},
};

/* ---- answering */

static void refuse(struct agent_reply *reply, int status, const char *text)
{
	reply->status = status;
	reply->content_type = "text/plain; charset=utf-8";
	buffer_puts(&reply->body, text);
}

/* The other calls of a real agent. */
static bool is_known(const char *type)
{
	static const char *const others[] = {"GET_CONTAINERS",
					     "GET_OPERATIONS",
					     "GET_RESOURCE_PROVIDERS",
					     "GET_LOGGING_LEVEL",
					     "SET_LOGGING_LEVEL",
					     "LIST_FILES",
					     "READ_FILE",
					     "LAUNCH_NESTED_CONTAINER",
					     "WAIT_NESTED_CONTAINER",
					     "KILL_NESTED_CONTAINER",
					     "REMOVE_NESTED_CONTAINER",
					     "LAUNCH_NESTED_CONTAINER_SESSION",
					     "ATTACH_CONTAINER_INPUT",
					     "ATTACH_CONTAINER_OUTPUT",
					     "LAUNCH_CONTAINER",
					     "WAIT_CONTAINER",
					     "KILL_CONTAINER",
					     "REMOVE_CONTAINER",
					     "ADD_RESOURCE_PROVIDER_CONFIG",
					     "UPDATE_RESOURCE_PROVIDER_CONFIG",
					     "REMOVE_RESOURCE_PROVIDER_CONFIG",
					     "MARK_RESOURCE_PROVIDER_GONE",
					     "PRUNE_IMAGES"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(others[i], type) == 0)
			return true;
	}
	return false;
}

static void answer_call(const struct agent *agent, const json_t *request, struct agent_reply *reply)
{
	const char *type = json_string_value(json_object_get(request, "type"));
	for (size_t i = 0; type != NULL && i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].type, type) != 0)
			continue;
		if (calls[i].needs != NULL && json_object_get(request, calls[i].needs) == NULL) {
			char *text = xasprintf("Failed to validate agent::Call: Expecting '%s' to be present",
					       calls[i].needs);
			refuse(reply, 400, text);
			free(text);
			return;
		}
		json_t *answer = json_pack("{ss so}", "type", type, calls[i].member, calls[i].get(agent));
		char *text = json_dumps(answer, JSON_COMPACT);
		buffer_puts(&reply->body, text);
		free(text);
		json_decref(answer);
		return;
	}
	if (type == NULL || !is_known(type))
		refuse(reply, 400, "Failed to validate agent::Call: Expecting 'type' to be present");
	else
		refuse(reply, 501, "The lab's agent answers the calls that read, and not this one");
}

void agent_answer_api(const struct agent *agent, const struct agent_call *call, struct agent_reply *reply)
{
	if (strcmp(call->method, "POST") != 0) {
		refuse(reply, 405, "Expecting one of { 'POST' }, but received something else");
		return;
	}
	if (call->content_type[0] == '\0') {
		refuse(reply, 400, "Expecting 'Content-Type' to be present");
		return;
	}
	if (strcmp(call->content_type, "application/json") != 0) {
		refuse(reply, 415, "Expecting 'Content-Type' of application/json");
		return;
	}
	json_t *request = json_loadb(call->body, call->body_len, 0, NULL);
	if (!json_is_object(request))
		refuse(reply, 400, "Failed to parse body into JSON: syntax error");
	else
		answer_call(agent, request, reply);
	json_decref(request);
}
