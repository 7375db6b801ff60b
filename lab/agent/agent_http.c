/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's endpoints. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/agent/agent.h"
#include "lab/core/files.h"
#include "lab/core/shapes.h"
#include "mesos/pb.h"

static void put_flags(const struct agent *agent, struct writer *writer)
{
	json_t *flags = agent_flags_to_json(&agent->flags, &agent->release);
	char *text = json_dumps(flags, JSON_COMPACT);
	writer_put_raw(writer, "flags", text);
	free(text);
	json_decref(flags);
}

static void put_resources(const struct agent *agent, struct writer *writer)
{
	struct resources total = {.items = NULL}, used = {.items = NULL};
	shape_take_resources(&total, agent->info->resources, agent->info->n_resources);
	for (const struct agent_task *task = agent->tasks; task != NULL; task = task->next) {
		struct resources own = {.items = NULL};
		shape_take_resources(&own, task->task->resources, task->task->n_resources);
		resources_add(&used, &own);
		resources_clear(&own);
		shape_take_resources(&own, task->executor->resources, task->executor->n_resources);
		resources_add(&used, &own);
		resources_clear(&own);
	}
	writer_key(writer, "resources");
	shape_resources(writer, &total, NULL);
	writer_key(writer, "reserved_resources");
	shape_reserved(writer, &total);
	writer_key(writer, "unreserved_resources");
	shape_resources(writer, &total, "*");
	writer_key(writer, "reserved_resources_full");
	shape_reserved_full(writer, &total);
	writer_key(writer, "unreserved_resources_full");
	shape_resources_full(writer, &total, "*");
	writer_put_raw(writer, "reserved_resources_allocated", "{}");
	writer_key(writer, "unreserved_resources_allocated");
	shape_resources(writer, &used, NULL);
	writer_put_raw(writer, "resource_providers", "[]");
	resources_clear(&total);
	resources_clear(&used);
}

static void show_executor(const struct agent *agent, const struct agent_task *task, struct writer *writer)
{
	struct resources resources = {.items = NULL}, own = {.items = NULL};
	char *directory = xasprintf("%s/slaves/%s/frameworks/%s/executors/%s/runs/%s", agent->work_dir,
				    agent->info->id->value, task->framework->id->value,
				    task->executor->executor_id->value, task->container);
	shape_take_resources(&resources, task->executor->resources, task->executor->n_resources);
	shape_take_resources(&own, task->task->resources, task->task->n_resources);
	resources_add(&resources, &own);
	writer_open(writer, '{');
	writer_put_string(writer, "id", task->executor->executor_id->value);
	writer_put_string(writer, "name", task->executor->name != NULL ? task->executor->name : "");
	writer_put_string(writer, "source", task->executor->executor_id->value);
	writer_put_string(writer, "container", task->container);
	writer_put_string(writer, "directory", directory);
	writer_key(writer, "resources");
	shape_resources(writer, &resources, NULL);
	writer_put_string(writer, "role", "*");
	writer_key(writer, "tasks");
	writer_open(writer, '[');
	shape_task(writer, task->task);
	writer_close(writer, ']');
	writer_put_raw(writer, "queued_tasks", "[]");
	writer_put_raw(writer, "completed_tasks", "[]");
	writer_close(writer, '}');
	free(directory);
	resources_clear(&resources);
	resources_clear(&own);
}

static bool first_of_framework(const struct agent *agent, const struct agent_task *wanted)
{
	for (const struct agent_task *task = agent->tasks; task != wanted; task = task->next) {
		if (strcmp(task->framework->id->value, wanted->framework->id->value) == 0)
			return false;
	}
	return true;
}

static void show_framework(const struct agent *agent, const struct agent_task *first, struct writer *writer)
{
	const Mesos__FrameworkInfo *framework = first->framework;
	writer_open(writer, '{');
	writer_put_string(writer, "id", framework->id->value);
	writer_put_string(writer, "name", framework->name);
	writer_put_string(writer, "user", framework->user);
	writer_put_number(writer, "failover_timeout", framework->failover_timeout);
	writer_put_bool(writer, "checkpoint", framework->checkpoint);
	writer_put_string(writer, "hostname", framework->hostname != NULL ? framework->hostname : "");
	writer_put_string(writer, "role", framework->role != NULL ? framework->role : "*");
	writer_key(writer, "executors");
	writer_open(writer, '[');
	for (const struct agent_task *task = first; task != NULL; task = task->next) {
		if (strcmp(task->framework->id->value, framework->id->value) == 0)
			show_executor(agent, task, writer);
	}
	writer_close(writer, ']');
	writer_put_raw(writer, "completed_executors", "[]");
	writer_close(writer, '}');
}

static void put_frameworks(const struct agent *agent, struct writer *writer)
{
	writer_key(writer, "frameworks");
	writer_open(writer, '[');
	for (const struct agent_task *task = agent->tasks; task != NULL && agent->info->id != NULL; task = task->next) {
		if (first_of_framework(agent, task))
			show_framework(agent, task, writer);
	}
	writer_close(writer, ']');
	writer_put_raw(writer, "completed_frameworks", "[]");
}

static void show_state(const struct agent *agent, struct writer *writer)
{
	char *pid = xasprintf("slave(1)@%s:%d", agent->ip, agent->port);
	writer_open(writer, '{');
	shape_version_of(writer, agent->version_text);
	writer_put_number(writer, "start_time", agent->start_time);
	writer_put_string(writer, "id", agent->info->id != NULL ? agent->info->id->value : "");
	writer_put_string(writer, "pid", pid);
	writer_put_string(writer, "hostname", agent->info->hostname);
	writer_key(writer, "capabilities");
	shape_capabilities(writer, shape_agent_capabilities);
	shape_put_domain(writer, agent->info->domain);
	put_resources(agent, writer);
	writer_key(writer, "attributes");
	shape_attributes(writer, agent->info);
	if (agent->master != NULL)
		writer_put_string(writer, "master_hostname", "localhost");
	put_flags(agent, writer);
	put_frameworks(agent, writer);
	writer_close(writer, '}');
	free(pid);
}

static void show_flags(const struct agent *agent, struct writer *writer)
{
	writer_open(writer, '{');
	put_flags(agent, writer);
	writer_close(writer, '}');
}

static void show_version(const struct agent *agent, struct writer *writer)
{
	(void)agent;
	writer_open(writer, '{');
	shape_version_of(writer, agent->version_text);
	writer_close(writer, '}');
}

static void show_metrics(const struct agent *agent, struct writer *writer)
{
	json_t *metrics = agent_metrics(agent);
	char *text = json_dumps(metrics, JSON_COMPACT);
	writer_raw(writer, text);
	free(text);
	json_decref(metrics);
}

static void show_nothing(const struct agent *agent, struct writer *writer)
{
	(void)agent;
	(void)writer;
}

static const struct {
	const char *path;
	void (*show)(const struct agent *agent, struct writer *writer);
} endpoints[] = {
	{"/state", show_state},
	{"/flags", show_flags},
	{"/version", show_version},
	{"/health", show_nothing},
	{"/metrics/snapshot", show_metrics},
};

static void answer(void *ctx, const struct agent_call *call, struct agent_reply *reply)
{
	const struct agent *agent = ctx;
	const char *path = strncmp(call->path, "/slave(1)/", 10) == 0 ? call->path + 9 : call->path;
	struct writer writer = {.out = &reply->body};
	if (strcmp(path, "/api/v1") == 0) {
		agent_answer_api(agent, call, reply);
		return;
	}
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		if (strcmp(endpoints[i].path, path) != 0)
			continue;
		endpoints[i].show(agent, &writer);
		return;
	}
	reply->status = 404;
}

int agent_serve(struct agent *agent, struct error *err)
{
	int fd = socket_listen_tcp(agent->ip, agent->port, NULL, err);
	if (fd < 0)
		return -1;
	agent->web = agent_web_new(agent->events, fd, answer, agent);
	return 0;
}
