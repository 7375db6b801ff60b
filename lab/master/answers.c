/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/core/shapes.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

/* ---- agents */

static void put_resources(const struct master *master, const struct master_agent *agent, bool full,
			  struct writer *writer)
{
	struct resources total = {.items = NULL}, used = {.items = NULL}, none = {.items = NULL};
	master_agent_total(agent, &total);
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

static void put_drain(const struct master_agent *agent, struct writer *writer)
{
	if (agent->drain == NULL)
		return;
	json_t *json = pb_to_json(agent->drain);
	char *text = json_dumps(json, JSON_COMPACT);
	writer_put_raw(writer, "drain_info", text);
	free(text);
	json_decref(json);
	if (agent->drain_started > 0)
		writer_put_number(writer, "estimated_drain_start_time_seconds", agent->drain_started);
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
	writer_put_bool(writer, "active", master_agent_is_active(agent));
	if (master_can(master, MESOS__MASTER_INFO__CAPABILITY__TYPE__AGENT_DRAINING))
		writer_put_bool(writer, "deactivated", agent->deactivated);
	writer_put_string(writer, "version", agent->version);
	struct mesos_version version = master_agent_version(agent);
	writer_key(writer, "capabilities");
	shape_agent_capabilities(writer, &version);
	put_drain(agent, writer);
}

void answer_put_agent_full(const struct master *master, const struct master_agent *agent, struct writer *writer)
{
	answer_put_agent(master, agent, writer);
	put_resources(master, agent, true, writer);
}

bool answer_wants_agent(const struct master_agent *agent, const struct master_query *query)
{
	return agent->standing == STANDING_REGISTERED &&
	       (query->slave_id == NULL || strcmp(query->slave_id, agent->id) == 0);
}

/* Agents of the registry that have not come back since the failover. */
void answer_put_recovered(const struct master *master, struct writer *writer)
{
	writer_key(writer, "recovered_slaves");
	writer_open(writer, '[');
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (agent->standing != STANDING_RECOVERED)
			continue;
		writer_open(writer, '{');
		writer_put_string(writer, "id", agent->id);
		writer_put_string(writer, "hostname", agent->info->hostname);
		writer_put_int(writer, "port", agent->info->has_port ? agent->info->port : LAB_AGENT_PORT);
		writer_key(writer, "attributes");
		shape_attributes(writer, agent->info);
		shape_put_domain(writer, agent->info->domain);
		writer_close(writer, '}');
	}
	writer_close(writer, ']');
}

static void put_slaves(const struct master *master, const struct master_query *query, struct writer *writer,
		       void (*put)(const struct master *, const struct master_agent *, struct writer *))
{
	writer_key(writer, "slaves");
	writer_open(writer, '[');
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (!answer_wants_agent(agent, query))
			continue;
		writer_open(writer, '{');
		put(master, agent, writer);
		writer_close(writer, '}');
	}
	writer_close(writer, ']');
	answer_put_recovered(master, writer);
}

void answer_slaves(const struct master *master, const struct master_query *query, struct writer *writer)
{
	writer_open(writer, '{');
	put_slaves(master, query, writer, answer_put_agent_full);
	writer_close(writer, '}');
}

/* ---- the master itself */

double master_count_agents(const struct master *master, enum agent_standing standing, int active)
{
	double count = 0;
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		bool is_active = master_agent_is_active(agent);
		count += agent->standing == standing && (active < 0 || is_active == (active > 0));
	}
	return count;
}

static void put_leader(const struct master *master, struct writer *writer)
{
	const Mesos__MasterInfo *leader = master->leader;
	if (leader == NULL)
		return;
	writer_put_string(writer, "leader", leader->pid);
	writer_key(writer, "leader_info");
	writer_open(writer, '{');
	writer_put_string(writer, "id", leader->id);
	writer_put_string(writer, "pid", leader->pid);
	writer_put_int(writer, "port", leader->port);
	writer_put_string(writer, "hostname", leader->hostname);
	shape_put_domain(writer, leader->domain);
	writer_close(writer, '}');
}

static void put_capabilities(const struct master *master, struct writer *writer)
{
	Mesos__MasterInfo *info = master_info(master);
	writer_key(writer, "capabilities");
	writer_open(writer, '[');
	for (size_t i = 0; i < info->n_capabilities; i++)
		writer_string(writer, pb_enum_name(&mesos__master_info__capability__type__descriptor,
						   (int)info->capabilities[i]->type));
	writer_close(writer, ']');
	pb_free(info);
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
	shape_version_of(writer, master->lab->masters[master->number].version);
	writer_put_number(writer, "start_time", master->start_time);
	if (master->elected)
		writer_put_number(writer, "elected_time", master->elected_time);
	writer_put_string(writer, "id", master->id);
	writer_put_string(writer, "pid", pid);
	writer_put_string(writer, "hostname", master->ip);
	if (master_at_least(master, 1, 5))
		put_capabilities(master, writer);
	writer_put_number(writer, "activated_slaves", master_count_agents(master, STANDING_REGISTERED, 1));
	writer_put_number(writer, "deactivated_slaves", master_count_agents(master, STANDING_REGISTERED, 0));
	writer_put_number(writer, "unreachable_slaves", master_count_agents(master, STANDING_UNREACHABLE, -1));
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
	put_slaves(master, query, writer, answer_put_agent);
	answer_put_frameworks(master, NULL, writer);
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
	(void)query;
	writer_open(writer, '{');
	shape_version_of(writer, master->lab->masters[master->number].version);
	writer_close(writer, '}');
}
