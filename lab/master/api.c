/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operator API v1, the reading calls. An answer is made as the protobuf message, and given as its bytes or as Mesos'
 * JSON of it.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "lab/core/shapes.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

typedef Mesos__Master__Response__GetAgents__Agent__Capability agent_capability;

static Mesos__TimeInfo *time_info(double seconds)
{
	Mesos__TimeInfo *info = pb_new(&mesos__time_info__descriptor);
	info->nanoseconds = (int64_t)(seconds * 1e9);
	return info;
}

/* Normalised; with_role also gives the older form, as totals and allocations have it. */
static void put_resources(const struct resources *from, bool with_role, Mesos__Resource ***items, size_t *count)
{
	for (size_t i = 0; i < from->count; i++) {
		Mesos__Resource *resource = pb_copy(from->items[i]);
		size_t stack = resource->n_reservations;
		pb_set_string(&resource->role, NULL);
		if (with_role)
			resource->role = xstrdup(stack > 0 ? resource->reservations[stack - 1]->role : "*");
		PB_APPEND(*items, *count, resource);
	}
}

/* A SlaveInfo as the master has it in memory. */
static Mesos__SlaveInfo *agent_info(const struct master_agent *agent)
{
	Mesos__SlaveInfo *info = slaveinfo_copy(agent->info);
	struct resources total = {.items = NULL};
	shape_take_resources(&total, info->resources, info->n_resources);
	for (size_t i = 0; i < info->n_resources; i++)
		pb_free(info->resources[i]);
	info->n_resources = 0;
	put_resources(&total, false, &info->resources, &info->n_resources);
	resources_clear(&total);
	info->has_port = true;
	info->port = agent->port > 0 ? agent->port : info->port;
	return info;
}

static void put_capabilities(Mesos__Master__Response__GetAgents__Agent *to)
{
	for (int type = 1; type <= MESOS__MASTER__RESPONSE__GET_AGENTS__AGENT__CAPABILITY__TYPE__TASK_RESOURCE_LIMITS;
	     type++) {
		agent_capability *capability =
			pb_new(&mesos__master__response__get_agents__agent__capability__descriptor);
		capability->has_type = true;
		capability->type = (Mesos__Master__Response__GetAgents__Agent__Capability__Type)type;
		PB_APPEND(to->capabilities, to->n_capabilities, capability);
	}
}

static Mesos__Master__Response__GetAgents__Agent *make_agent(const struct master *master,
							     const struct master_agent *agent)
{
	Mesos__Master__Response__GetAgents__Agent *to = pb_new(&mesos__master__response__get_agents__agent__descriptor);
	struct resources total = {.items = NULL}, used = {.items = NULL};
	char pid[128];
	shape_take_resources(&total, agent->info->resources, agent->info->n_resources);
	master_used(master, agent, NULL, &used);
	to->agent_info = agent_info(agent);
	to->active = agent->connected && !agent->deactivated;
	to->has_deactivated = true;
	to->deactivated = agent->deactivated;
	to->version = xstrdup(agent->version);
	to->pid = xstrdup(master_agent_pid(agent, pid, sizeof(pid)));
	to->registered_time = time_info(agent->registered);
	if (agent->reregistered > 0)
		to->reregistered_time = time_info(agent->reregistered);
	put_resources(&total, true, &to->total_resources, &to->n_total_resources);
	put_resources(&used, true, &to->allocated_resources, &to->n_allocated_resources);
	put_capabilities(to);
	resources_clear(&total);
	resources_clear(&used);
	return to;
}

static Mesos__Master__Response__GetAgents *make_agents(const struct master *master)
{
	Mesos__Master__Response__GetAgents *to = pb_new(&mesos__master__response__get_agents__descriptor);
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (agent->standing == STANDING_REGISTERED) {
			Mesos__Master__Response__GetAgents__Agent *one = make_agent(master, agent);
			PB_APPEND(to->agents, to->n_agents, one);
		} else if (agent->standing == STANDING_RECOVERED) {
			Mesos__SlaveInfo *info = agent_info(agent);
			PB_APPEND(to->recovered_agents, to->n_recovered_agents, info);
		}
	}
	return to;
}

static Mesos__Task *make_task(const struct master_task *task)
{
	Mesos__Task *to = pb_copy(task->task);
	for (size_t i = 0; i < to->n_resources; i++)
		pb_set_string(&to->resources[i]->role, NULL);
	if (to->n_statuses > 0) {
		const Mesos__TaskStatus *last = to->statuses[to->n_statuses - 1];
		to->has_status_update_state = true;
		to->status_update_state = last->state;
		if (last->has_uuid) {
			to->has_status_update_uuid = true;
			to->status_update_uuid.len = last->uuid.len;
			to->status_update_uuid.data = xmemdup(last->uuid.data, last->uuid.len);
		}
	}
	return to;
}

static Mesos__Master__Response__GetTasks *make_tasks(const struct master *master)
{
	Mesos__Master__Response__GetTasks *to = pb_new(&mesos__master__response__get_tasks__descriptor);
	for (const struct master_task *task = master->tasks; task != NULL; task = task->next) {
		Mesos__Task *one = make_task(task);
		if (task->unreachable)
			PB_APPEND(to->unreachable_tasks, to->n_unreachable_tasks, one);
		else
			PB_APPEND(to->tasks, to->n_tasks, one);
	}
	for (const struct master_task *task = master->completed; task != NULL; task = task->next) {
		Mesos__Task *one = make_task(task);
		PB_APPEND(to->completed_tasks, to->n_completed_tasks, one);
	}
	return to;
}

static Mesos__Master__Response__GetFrameworks *make_frameworks(const struct master *master)
{
	Mesos__Master__Response__GetFrameworks *to = pb_new(&mesos__master__response__get_frameworks__descriptor);
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next) {
		Mesos__Master__Response__GetFrameworks__Framework *one =
			pb_new(&mesos__master__response__get_frameworks__framework__descriptor);
		struct resources used = {.items = NULL};
		one->framework_info = pb_copy(framework->info);
		one->framework_info->has_failover_timeout = true;
		one->active = one->connected = true;
		one->has_recovered = true;
		one->registered_time = time_info(framework->registered);
		one->reregistered_time = time_info(framework->registered);
		master_used(master, NULL, framework, &used);
		put_resources(&used, true, &one->allocated_resources, &one->n_allocated_resources);
		resources_clear(&used);
		PB_APPEND(to->frameworks, to->n_frameworks, one);
	}
	return to;
}

static Mesos__MasterInfo *master_info(const struct master *master)
{
	Mesos__MasterInfo *info = pb_new(&mesos__master_info__descriptor);
	info->id = xstrdup(master->id);
	info->has_ip = info->has_port = true;
	info->ip = (uint32_t)inet_addr(master->ip); /* in network order, as Mesos gives it */
	info->port = (uint32_t)master->port;
	info->pid = xasprintf("master@%s:%d", master->ip, master->port);
	info->hostname = xstrdup(master->ip);
	info->version = xstrdup(LAB_MESOS_VERSION);
	info->address = pb_new(&mesos__master_info__address__descriptor);
	info->address->hostname = xstrdup(master->ip);
	info->address->ip = xstrdup(master->ip);
	info->address->port = master->port;
	info->domain = master->domain != NULL ? pb_copy(master->domain) : NULL;
	for (int type = 1; type <= MESOS__MASTER_INFO__CAPABILITY__TYPE__QUOTA_V2; type++) {
		Mesos__MasterInfo__Capability *capability = pb_new(&mesos__master_info__capability__descriptor);
		capability->has_type = true;
		capability->type = (Mesos__MasterInfo__Capability__Type)type;
		PB_APPEND(info->capabilities, info->n_capabilities, capability);
	}
	return info;
}

/* ---- one function per call */

static void get_health(const struct master *master, Mesos__Master__Response *to)
{
	(void)master;
	to->get_health = pb_new(&mesos__master__response__get_health__descriptor);
	to->get_health->healthy = true;
}

static void get_flags(const struct master *master, Mesos__Master__Response *to)
{
	json_t *flags = master_flags(master), *value;
	const char *name;
	to->get_flags = pb_new(&mesos__master__response__get_flags__descriptor);
	json_object_foreach(flags, name, value)
	{
		Mesos__Flag *flag = pb_new(&mesos__flag__descriptor);
		flag->name = xstrdup(name);
		flag->value = xstrdup(json_string_value(value));
		PB_APPEND(to->get_flags->flags, to->get_flags->n_flags, flag);
	}
	json_decref(flags);
}

static void get_version(const struct master *master, Mesos__Master__Response *to)
{
	Mesos__VersionInfo *info = pb_new(&mesos__version_info__descriptor);
	(void)master;
	info->version = xstrdup(LAB_MESOS_VERSION);
	info->build_date = xstrdup(SHAPE_BUILD_DATE);
	info->has_build_time = true;
	info->build_time = SHAPE_BUILD_TIME;
	info->build_user = xstrdup(SHAPE_BUILD_USER);
	to->get_version = pb_new(&mesos__master__response__get_version__descriptor);
	to->get_version->version_info = info;
}

static void get_agents(const struct master *master, Mesos__Master__Response *to)
{
	to->get_agents = make_agents(master);
}

static void get_tasks(const struct master *master, Mesos__Master__Response *to)
{
	to->get_tasks = make_tasks(master);
}

static void get_frameworks(const struct master *master, Mesos__Master__Response *to)
{
	to->get_frameworks = make_frameworks(master);
}

static void get_master(const struct master *master, Mesos__Master__Response *to)
{
	to->get_master = pb_new(&mesos__master__response__get_master__descriptor);
	to->get_master->master_info = master_info(master);
	to->get_master->has_start_time = to->get_master->has_elected_time = true;
	to->get_master->start_time = to->get_master->elected_time = master->start_time;
}

static void get_state(const struct master *master, Mesos__Master__Response *to)
{
	to->get_state = pb_new(&mesos__master__response__get_state__descriptor);
	to->get_state->get_agents = make_agents(master);
	to->get_state->get_tasks = make_tasks(master);
	to->get_state->get_frameworks = make_frameworks(master);
}

static const struct call {
	const char *name;
	int number; /* of the request's type; the answer's differs */
	Mesos__Master__Response__Type type;
	void (*fill)(const struct master *master, Mesos__Master__Response *to);
} calls[] = {
	{"GET_HEALTH", 1, MESOS__MASTER__RESPONSE__TYPE__GET_HEALTH, get_health},
	{"GET_FLAGS", 2, MESOS__MASTER__RESPONSE__TYPE__GET_FLAGS, get_flags},
	{"GET_VERSION", 3, MESOS__MASTER__RESPONSE__TYPE__GET_VERSION, get_version},
	{"GET_STATE", 9, MESOS__MASTER__RESPONSE__TYPE__GET_STATE, get_state},
	{"GET_AGENTS", 10, MESOS__MASTER__RESPONSE__TYPE__GET_AGENTS, get_agents},
	{"GET_FRAMEWORKS", 11, MESOS__MASTER__RESPONSE__TYPE__GET_FRAMEWORKS, get_frameworks},
	{"GET_TASKS", 13, MESOS__MASTER__RESPONSE__TYPE__GET_TASKS, get_tasks},
	{"GET_MASTER", 17, MESOS__MASTER__RESPONSE__TYPE__GET_MASTER, get_master},
};

/* ---- Mesos' JSON of it */

/* In v1 a slave is an agent; empty lists are shown. */
static void rename_keys(json_t *value)
{
	json_t *member;
	void *next;
	const char *key;
	size_t index;
	if (json_is_array(value)) {
		json_array_foreach(value, index, member) rename_keys(member);
		return;
	}
	json_t *id = json_object_get(value, "slave_id");
	if (id != NULL) {
		json_object_set(value, "agent_id", id);
		json_object_del(value, "slave_id");
	}
	json_object_foreach_safe(value, next, key, member) rename_keys(member);
}

static void show_list(json_t *object, const char *key)
{
	if (object != NULL && json_object_get(object, key) == NULL)
		json_object_set_new(object, key, json_array());
}

static void show_empty_parts(json_t *part)
{
	json_t *agents = json_object_get(part, "get_agents"), *tasks = json_object_get(part, "get_tasks");
	json_t *frameworks = json_object_get(part, "get_frameworks"), *framework;
	size_t index;
	show_list(agents, "agents");
	show_list(agents, "recovered_agents");
	show_list(tasks, "tasks");
	show_list(tasks, "unreachable_tasks");
	show_list(tasks, "completed_tasks");
	show_list(frameworks, "frameworks");
	show_list(frameworks, "completed_frameworks");
	json_array_foreach(json_object_get(frameworks, "frameworks"), index, framework)
		json_object_set_new(framework, "offer_constraints", json_object());
}

static void put_json(const Mesos__Master__Response *response, struct buffer *out)
{
	json_t *json = pb_to_json(response), *state = json_object_get(json, "get_state");
	rename_keys(json);
	show_empty_parts(json);
	if (state != NULL) {
		show_empty_parts(state);
		json_object_set_new(state, "get_executors", json_pack("{s[]}", "executors"));
	}
	char *text = json_dumps(json, JSON_COMPACT);
	buffer_puts(out, text);
	free(text);
	json_decref(json);
}

/* ---- requests */

static bool is_protobuf(const char *media_type)
{
	return strncmp(media_type, "application/x-protobuf", 22) == 0;
}

/* Field 1 of the request is its type: the tag 0x08 and a varint that is one byte for every call answered here. */
static const struct call *find_call(const struct web_call *call)
{
	const struct call *found = NULL;
	json_t *json = is_protobuf(call->content_type) ? NULL : json_loadb(call->body, call->body_len, 0, NULL);
	const char *name = json_string_value(json_object_get(json, "type"));
	int number = json == NULL && call->body_len >= 2 && call->body[0] == 0x08 ? call->body[1] : -1;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i].number == number || (name != NULL && strcmp(calls[i].name, name) == 0))
			found = &calls[i];
	}
	json_decref(json);
	return found;
}

static void refuse(struct web_reply *reply, int status, const char *text)
{
	reply->status = status;
	reply->content_type = "text/plain; charset=utf-8";
	buffer_puts(&reply->body, text);
}

void answer_api(const struct master *master, const struct web_call *call, struct web_reply *reply)
{
	bool json_body = strncmp(call->content_type, "application/json", 16) == 0;
	if (strcmp(call->method, "POST") != 0) {
		refuse(reply, 405, "Expecting one of { 'POST' }, but received 'GET'.");
		return;
	}
	if (!json_body && !is_protobuf(call->content_type)) {
		refuse(reply, 415, "Expecting 'Content-Type' of application/json or application/x-protobuf");
		return;
	}
	const struct call *wanted = find_call(call);
	if (wanted == NULL) {
		refuse(reply, 400, "Failed to validate master::Call: the lab's master does not know this call");
		return;
	}
	Mesos__Master__Response *response = pb_new(&mesos__master__response__descriptor);
	response->has_type = true;
	response->type = wanted->type;
	wanted->fill(master, response);
	if (is_protobuf(call->accept)) {
		reply->content_type = "application/x-protobuf";
		pb_pack(response, &reply->body);
	} else {
		put_json(response, &reply->body);
	}
	pb_free(response);
}
