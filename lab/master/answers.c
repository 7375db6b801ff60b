/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/core/shapes.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

const char *const master_capabilities[] = {"AGENT_UPDATE", "AGENT_DRAINING", "QUOTA_V2", NULL};

/* ---- agents */

static void put_resources(const struct master *master, const struct master_agent *agent, bool full,
			  struct writer *writer)
{
	struct resources total = {.items = NULL}, used = {.items = NULL}, none = {.items = NULL};
	shape_take_resources(&total, agent->info->resources, agent->info->n_resources);
	master_used(master, agent, NULL, &used);
	if (!full) {
		writer_key(writer, "resources");
		shape_resources(writer, &total, NULL);
		writer_key(writer, "used_resources");
		shape_resources(writer, &used, NULL);
		writer_key(writer, "offered_resources");
		shape_resources(writer, &none, NULL);
		writer_key(writer, "reserved_resources");
		shape_reserved(writer, &total);
		writer_key(writer, "unreserved_resources");
		shape_resources(writer, &total, "*");
	} else {
		writer_key(writer, "reserved_resources_full");
		shape_reserved_full(writer, &total);
		writer_key(writer, "unreserved_resources_full");
		shape_resources_full(writer, &total, "*");
		writer_key(writer, "used_resources_full");
		shape_resources_full(writer, &used, NULL);
		writer_put_raw(writer, "offered_resources_full", "[]");
	}
	resources_clear(&total);
	resources_clear(&used);
}

/* The members /state, /state-summary and /slaves have in common. */
void answer_put_agent(const struct master *master, const struct master_agent *agent, struct writer *writer)
{
	char pid[128];
	writer_put_string(writer, "id", agent->id);
	writer_put_string(writer, "hostname", agent->info->hostname);
	writer_put_int(writer, "port", agent->port);
	writer_key(writer, "attributes");
	shape_attributes(writer, agent->info);
	shape_put_domain(writer, agent->info->domain);
	writer_put_string(writer, "pid", master_agent_pid(agent, pid, sizeof(pid)));
	writer_put_number(writer, "registered_time", agent->registered);
	if (agent->reregistered > 0)
		writer_put_number(writer, "reregistered_time", agent->reregistered);
	put_resources(master, agent, false, writer);
	writer_put_bool(writer, "active", agent->connected && !agent->deactivated);
	writer_put_bool(writer, "deactivated", agent->deactivated);
	writer_put_string(writer, "version", agent->version);
	writer_key(writer, "capabilities");
	shape_capabilities(writer, shape_agent_capabilities);
}

bool answer_wants_agent(const struct master_agent *agent, const struct master_query *query)
{
	return agent->standing == STANDING_REGISTERED &&
	       (query->slave_id == NULL || strcmp(query->slave_id, agent->id) == 0);
}

/* Agents of the registry that have not come back since the failover. */
static void put_recovered(const struct master *master, struct writer *writer)
{
	writer_key(writer, "recovered_slaves");
	writer_open(writer, '[');
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		struct resources total = {.items = NULL};
		if (agent->standing != STANDING_RECOVERED)
			continue;
		shape_take_resources(&total, agent->info->resources, agent->info->n_resources);
		writer_open(writer, '{');
		writer_put_string(writer, "id", agent->id);
		writer_put_string(writer, "hostname", agent->info->hostname);
		writer_put_int(writer, "port", agent->info->has_port ? agent->info->port : LAB_AGENT_PORT);
		writer_key(writer, "attributes");
		shape_attributes(writer, agent->info);
		shape_put_domain(writer, agent->info->domain);
		writer_key(writer, "resources");
		shape_resources(writer, &total, NULL);
		writer_close(writer, '}');
		resources_clear(&total);
	}
	writer_close(writer, ']');
}

void answer_slaves(const struct master *master, const struct master_query *query, struct writer *writer)
{
	writer_open(writer, '{');
	writer_key(writer, "slaves");
	writer_open(writer, '[');
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (!answer_wants_agent(agent, query))
			continue;
		writer_open(writer, '{');
		answer_put_agent(master, agent, writer);
		put_resources(master, agent, true, writer);
		writer_close(writer, '}');
	}
	writer_close(writer, ']');
	put_recovered(master, writer);
	writer_close(writer, '}');
}

/* ---- frameworks and tasks */

void answer_put_framework(const struct master *master, const struct master_framework *framework, struct writer *writer)
{
	const Mesos__FrameworkInfo *info = framework->info;
	struct resources used = {.items = NULL}, none = {.items = NULL};
	master_used(master, NULL, framework, &used);
	writer_put_string(writer, "id", info->id->value);
	writer_put_string(writer, "name", info->name);
	writer_key(writer, "used_resources");
	shape_resources(writer, &used, NULL);
	writer_key(writer, "offered_resources");
	shape_resources(writer, &none, NULL);
	writer_key(writer, "capabilities");
	writer_open(writer, '[');
	for (size_t i = 0; i < info->n_capabilities; i++)
		writer_string(writer, pb_enum_name(&mesos__framework_info__capability__type__descriptor,
						   (int)info->capabilities[i]->type));
	writer_close(writer, ']');
	writer_put_string(writer, "hostname", "");
	writer_put_string(writer, "webui_url", "");
	writer_put_bool(writer, "active", true);
	writer_put_bool(writer, "connected", true);
	writer_put_bool(writer, "recovered", false);
	resources_clear(&used);
}

static void put_tasks(const struct master_task *list, const struct master_framework *framework, bool unreachable,
		      const char *key, struct writer *writer)
{
	writer_key(writer, key);
	writer_open(writer, '[');
	for (const struct master_task *task = list; task != NULL; task = task->next) {
		if (task->framework == framework && task->unreachable == unreachable)
			shape_task(writer, task->task);
	}
	writer_close(writer, ']');
}

static void show_framework(const struct master *master, const struct master_framework *framework, struct writer *writer)
{
	struct resources used = {.items = NULL};
	master_used(master, NULL, framework, &used);
	writer_open(writer, '{');
	answer_put_framework(master, framework, writer);
	writer_put_string(writer, "user", framework->info->user);
	writer_put_number(writer, "failover_timeout", framework->info->failover_timeout);
	writer_put_bool(writer, "checkpoint", framework->info->checkpoint);
	writer_put_number(writer, "registered_time", framework->registered);
	writer_put_number(writer, "unregistered_time", 0);
	writer_key(writer, "resources");
	shape_resources(writer, &used, NULL);
	writer_put_string(writer, "role", "*");
	put_tasks(master->tasks, framework, false, "tasks", writer);
	put_tasks(master->tasks, framework, true, "unreachable_tasks", writer);
	put_tasks(master->completed, framework, false, "completed_tasks", writer);
	writer_put_raw(writer, "offers", "[]");
	writer_put_raw(writer, "executors", "[]");
	writer_put_raw(writer, "offer_constraints", "{}");
	writer_close(writer, '}');
	resources_clear(&used);
}

static void put_frameworks(const struct master *master, struct writer *writer)
{
	writer_key(writer, "frameworks");
	writer_open(writer, '[');
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next)
		show_framework(master, framework, writer);
	writer_close(writer, ']');
	writer_put_raw(writer, "completed_frameworks", "[]");
}

void answer_frameworks(const struct master *master, const struct master_query *query, struct writer *writer)
{
	(void)query;
	writer_open(writer, '{');
	put_frameworks(master, writer);
	writer_put_raw(writer, "unregistered_frameworks", "[]");
	writer_close(writer, '}');
}

static bool task_wanted(const struct master_task *task, const struct master_query *query)
{
	return (query->framework_id == NULL || strcmp(query->framework_id, task->framework->info->id->value) == 0) &&
	       (query->task_id == NULL || strcmp(query->task_id, task->task->task_id->value) == 0);
}

#define TASK_LIMIT 100 /* Mesos' own: who asks for no limit does not get all tasks */

void answer_tasks(const struct master *master, const struct master_query *query, struct writer *writer)
{
	const struct master_task *lists[2] = {master->tasks, master->completed};
	int64_t limit = query->limit >= 0 ? query->limit : TASK_LIMIT, skip = query->offset > 0 ? query->offset : 0;
	writer_open(writer, '{');
	writer_key(writer, "tasks");
	writer_open(writer, '[');
	for (size_t i = 0; i < 2; i++) {
		for (const struct master_task *task = lists[i]; task != NULL; task = task->next) {
			if (!task_wanted(task, query) || skip-- > 0 || limit <= 0)
				continue;
			shape_task(writer, task->task);
			limit--;
		}
	}
	writer_close(writer, ']');
	writer_close(writer, '}');
}

/* ---- the master itself */

static double count_agents(const struct master *master, enum agent_standing standing, int active)
{
	double count = 0;
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		bool is_active = agent->connected && !agent->deactivated;
		count += agent->standing == standing && (active < 0 || is_active == (active > 0));
	}
	return count;
}

static void put_leader(const struct master *master, struct writer *writer)
{
	char *pid = xasprintf("master@%s:%d", master->ip, master->port);
	writer_put_string(writer, "leader", pid);
	writer_key(writer, "leader_info");
	writer_open(writer, '{');
	writer_put_string(writer, "id", master->id);
	writer_put_string(writer, "pid", pid);
	writer_put_int(writer, "port", master->port);
	writer_put_string(writer, "hostname", master->ip);
	shape_put_domain(writer, master->domain);
	writer_close(writer, '}');
	free(pid);
}

static void put_flags(const struct master *master, struct writer *writer)
{
	json_t *flags = master_flags(master);
	char *text = json_dumps(flags, JSON_COMPACT);
	writer_put_raw(writer, "flags", text);
	free(text);
	json_decref(flags);
}

static void put_head(const struct master *master, struct writer *writer)
{
	char *pid = xasprintf("master@%s:%d", master->ip, master->port);
	shape_version(writer);
	writer_put_number(writer, "start_time", master->start_time);
	writer_put_number(writer, "elected_time", master->start_time);
	writer_put_string(writer, "id", master->id);
	writer_put_string(writer, "pid", pid);
	writer_put_string(writer, "hostname", master->ip);
	writer_key(writer, "capabilities");
	shape_capabilities(writer, master_capabilities);
	writer_put_number(writer, "activated_slaves", count_agents(master, STANDING_REGISTERED, 1));
	writer_put_number(writer, "deactivated_slaves", count_agents(master, STANDING_REGISTERED, 0));
	writer_put_number(writer, "unreachable_slaves", count_agents(master, STANDING_UNREACHABLE, -1));
	shape_put_domain(writer, master->domain);
	put_leader(master, writer);
	writer_put_string(writer, "cluster", "lab");
	put_flags(master, writer);
	free(pid);
}

void answer_state(const struct master *master, const struct master_query *query, struct writer *writer)
{
	writer_open(writer, '{');
	put_head(master, writer);
	writer_key(writer, "slaves");
	writer_open(writer, '[');
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (!answer_wants_agent(agent, query))
			continue;
		writer_open(writer, '{');
		answer_put_agent(master, agent, writer);
		writer_close(writer, '}');
	}
	writer_close(writer, ']');
	put_recovered(master, writer);
	put_frameworks(master, writer);
	writer_put_raw(writer, "orphan_tasks", "[]");
	writer_put_raw(writer, "unregistered_frameworks", "[]");
	writer_close(writer, '}');
}

void answer_flags(const struct master *master, const struct master_query *query, struct writer *writer)
{
	(void)query;
	writer_open(writer, '{');
	put_flags(master, writer);
	writer_close(writer, '}');
}

void answer_version(const struct master *master, const struct master_query *query, struct writer *writer)
{
	(void)master;
	(void)query;
	writer_open(writer, '{');
	shape_version(writer);
	writer_close(writer, '}');
}

void answer_metrics(const struct master *master, const struct master_query *query, struct writer *writer)
{
	(void)query;
	writer_open(writer, '{');
	writer_put_number(writer, "master/elected", 1);
	writer_put_number(writer, "master/uptime_secs", master_now() - master->start_time);
	writer_put_number(writer, "master/slaves_active", count_agents(master, STANDING_REGISTERED, 1));
	writer_put_number(writer, "master/slaves_inactive", count_agents(master, STANDING_REGISTERED, 0));
	writer_put_number(writer, "master/slaves_unreachable", count_agents(master, STANDING_UNREACHABLE, -1));
	writer_close(writer, '}');
}
