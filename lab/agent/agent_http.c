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
	struct resources total = {.items = NULL}, used = {.items = NULL}, reserved = {.items = NULL};
	shape_take_resources(&total, agent->info->resources, agent->info->n_resources);
	shape_take_resources(&reserved, agent->reserved.items, agent->reserved.count);
	shape_apply_reserved(&total, &reserved);
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
	if (mesos_version_at_least(&agent->release.version, 1, 8))
		writer_put_raw(writer, "resource_providers", "[]");
	resources_clear(&total);
	resources_clear(&used);
	resources_clear(&reserved);
}

static void put_drain(const struct agent *agent, struct writer *writer)
{
	if (agent->drain == NULL)
		return;
	json_t *json = pb_to_json(agent->drain);
	char *text = json_dumps(json, JSON_COMPACT);
	writer_put_raw(writer, "drain_config", text);
	writer_put_int(writer, "estimated_drain_start_time_seconds", (int64_t)agent->drain_started);
	free(text);
	json_decref(json);
}

static void put_master(const struct agent *agent, struct writer *writer)
{
	const char *address = agent->detector != NULL ? agent->leader : agent_flag(&agent->flags, "master");
	if (agent->master == NULL || address == NULL)
		return;
	char *hostname = xstrndup(address, strcspn(address, ":"));
	writer_put_string(writer, "master_hostname", hostname);
	free(hostname);
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
	shape_agent_capabilities(writer, &agent->release.version);
	shape_put_domain(writer, agent->info->domain);
	put_resources(agent, writer);
	writer_key(writer, "attributes");
	shape_attributes(writer, agent->info);
	put_master(agent, writer);
	put_flags(agent, writer);
	agent_put_frameworks(agent, writer);
	put_drain(agent, writer);
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
	bool of_process; /* and not of the agent in it: not below /slave(1) */
} endpoints[] = {
	{"/state", show_state, false},
	{"/flags", show_flags, false},
	{"/version", show_version, true},
	{"/health", show_nothing, false},
	{"/metrics/snapshot", show_metrics, true},
};

static void answer(void *ctx, const struct agent_call *call, struct agent_reply *reply)
{
	const struct agent *agent = ctx;
	bool below = strncmp(call->path, "/slave(1)/", 10) == 0;
	const char *path = below ? call->path + 9 : call->path;
	struct writer writer = {.out = &reply->body};
	if (strcmp(path, "/api/v1") == 0) {
		agent_answer_api(agent, call, reply);
		return;
	}
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		if (strcmp(endpoints[i].path, path) != 0 || (below && endpoints[i].of_process))
			continue;
		endpoints[i].show(agent, &writer);
		return;
	}
	reply->status = 404;
	reply->content_type = "text/plain; charset=utf-8";
	buffer_puts(&reply->body, "404 Not Found.");
}

int agent_serve(struct agent *agent, struct error *err)
{
	int fd = socket_listen_tcp(agent->ip, agent->port, NULL, err);
	if (fd < 0)
		return -1;
	agent->web = agent_web_new(agent->events, fd, answer, agent);
	return 0;
}
