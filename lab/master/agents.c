/* SPDX-License-Identifier: Apache-2.0 */
/* The book of agents: found, added, and how each leaves it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "lab/core/shapes.h"
#include "lab/master/master.h"
#include "mesos/pb.h"
#include "mesos/resource.h"

const char *master_agent_pid(const struct master_agent *agent, char *out, size_t size)
{
	snprintf(out, size, "slave(1)@%s:%d", agent->ip, agent->port);
	return out;
}

char *master_agent_text(const struct master_agent *agent)
{
	return xasprintf("%s at slave(1)@%s:%d (%s)", agent->id, agent->ip, agent->port, agent->info->hostname);
}

struct mesos_version master_agent_version(const struct master_agent *agent)
{
	struct mesos_version version = mesos_version_newest;
	mesos_version_parse(agent->version, &version, NULL);
	return version;
}

bool master_agent_is_active(const struct master_agent *agent)
{
	return agent->connected && !agent->deactivated;
}

struct master_agent *master_agent_find(const struct master *master, const char *id)
{
	for (struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (strcmp(agent->id, id) == 0)
			return agent;
	}
	return NULL;
}

struct master_agent *master_agent_add(struct master *master, const char *id, Mesos__SlaveInfo *info)
{
	struct master_agent *agent = xcalloc(1, sizeof(*agent));
	*agent = (struct master_agent){.next = master->agents,
				       .id = xstrdup(id),
				       .info = info,
				       .host = xstrdup(""),
				       .ip = xstrdup(""),
				       .version = xstrdup(LAB_MESOS_VERSION)};
	slaveinfo_set_id(info, agent->id);
	master->agents = agent;
	return agent;
}

static void agent_free(struct master_agent *agent)
{
	slaveinfo_free(agent->info);
	resources_clear(&agent->checkpointed);
	pb_free(agent->drain);
	free(agent->id);
	free(agent->host);
	free(agent->ip);
	free(agent->version);
	free(agent);
}

void master_agents_free(struct master *master)
{
	while (master->agents != NULL) {
		struct master_agent *agent = master->agents;
		master->agents = agent->next;
		agent_free(agent);
	}
}

void master_agent_set_drain(struct master_agent *agent, Mesos__DrainInfo *drain)
{
	pb_free(agent->drain);
	agent->drain = drain;
}

void master_agent_total(const struct master_agent *agent, struct resources *out)
{
	shape_take_resources(out, agent->info->resources, agent->info->n_resources);
	shape_apply_reserved(out, &agent->checkpointed);
}

/* ---- how agents leave */

static void leave_link(struct master *master, struct master_agent *agent)
{
	for (struct master_peer *peer = master->peers; peer != NULL; peer = peer->next) {
		if (peer->agent == agent)
			peer->agent = NULL;
	}
	agent->link = NULL;
	agent->connected = false;
	agent->settled = false;
}

void master_agent_disconnect(struct master *master, struct master_agent *agent)
{
	char *text = master_agent_text(agent);
	log_info("Agent %s disconnected", text);
	log_info("Disconnecting agent %s", text);
	if (!agent->deactivated)
		log_info("Deactivating agent %s", text);
	free(text);
	leave_link(master, agent);
	agent->left_ms = clock_monotonic_ms();
	if (agent->standing == STANDING_REGISTERED)
		master_tasks_disconnected(master, agent);
}

void master_agent_unreachable(struct master *master, struct master_agent *agent, const char *why)
{
	log_info("Marking agent %s (%s) unreachable: %s", agent->id, agent->info->hostname, why);
	log_info("Marked agent %s (%s) unreachable: %s", agent->id, agent->info->hostname, why);
	master->counters.removals++;
	master->counters.removals_unhealthy++;
	master->counters.recovery_removals += agent->standing == STANDING_RECOVERED;
	agent->standing = STANDING_UNREACHABLE;
	leave_link(master, agent);
	scheduler_agent_removed(master, agent);
	master_tasks_unreachable(master, agent, why);
	master_registry_changed(master);
}

static void shut_down(const struct master_agent *agent, const char *why)
{
	if (agent->link != NULL)
		link_send(agent->link, json_pack("{ssss}", "type", "shutdown", "reason", why));
}

void master_agent_gone(struct master *master, struct master_agent *agent)
{
	log_info("Marked agent %s (%s) as gone", agent->id, agent->info->hostname);
	shut_down(agent, "Agent has been marked gone");
	master_tasks_gone(master, agent);
	master_agent_set_drain(agent, NULL);
	agent->deactivated = false;
	agent->standing = STANDING_GONE;
	leave_link(master, agent);
	master_registry_changed(master);
}

void master_agent_remove(struct master *master, struct master_agent *agent, const char *why, bool shutdown)
{
	char *text = master_agent_text(agent);
	log_info("Removed agent %s: %s", text, why);
	free(text);
	if (shutdown)
		shut_down(agent, why);
	master->counters.removals++;
	master_tasks_removed(master, agent, why);
	scheduler_agent_removed(master, agent);
	leave_link(master, agent);
	for (struct master_agent **at = &master->agents; *at != NULL; at = &(*at)->next) {
		if (*at != agent)
			continue;
		*at = agent->next;
		agent_free(agent);
		break;
	}
	master_registry_changed(master);
}
