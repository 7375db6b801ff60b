/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is let in. As with the real registrar, the registry holds an agent before anybody else sees it: a new agent, one
 * that comes back with another SlaveInfo, and one that was unreachable wait for the next write; whatever the master
 * dies of after that, the master that follows knows them. Nothing is to be written of an agent that comes back as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/log.h"
#include "lab/core/shapes.h"
#include "lab/core/wire.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

#define TEXT_MAX (1u << 20)

static void log_resources(const char *what, const struct master_agent *agent)
{
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	char *name = master_agent_text(agent);
	struct resources resources = {.items = NULL};
	shape_take_resources(&resources, agent->info->resources, agent->info->n_resources);
	resources_to_text(&resources, &text);
	log_info("%s agent %s with %s", what, name, buffer_text(&text));
	resources_clear(&resources);
	buffer_clear(&text);
	free(name);
}

static void log_reactivated(const struct master_agent *agent)
{
	char *name = master_agent_text(agent);
	log_info("Reactivating re-registered agent %s", name);
	free(name);
}

static void take_checkpointed(struct master_agent *agent, const json_t *list)
{
	const json_t *item;
	size_t index;
	resources_clear(&agent->checkpointed);
	json_array_foreach(list, index, item)
	{
		Mesos__Resource *resource = wire_unpack(&mesos__resource__descriptor, item);
		struct resources one = {.items = &resource, .count = resource != NULL};
		struct resources copy = {.items = NULL};
		shape_take_resources(&copy, one.items, one.count);
		resources_add(&agent->checkpointed, &copy);
		resources_clear(&copy);
		pb_free(resource);
	}
}

static void take_place(struct master *master, struct master_agent *agent, struct master_peer *peer,
		       const json_t *message)
{
	const char *version = json_string_value(json_object_get(message, "version"));
	for (struct master_peer *other = master->peers; other != NULL; other = other->next) {
		if (other->agent == agent)
			other->agent = NULL;
	}
	free(agent->host);
	free(agent->ip);
	free(agent->version);
	agent->host = xstrdup(peer->host);
	agent->ip = xstrdup(peer->ip);
	agent->version = xstrdup(version != NULL ? version : "");
	agent->port = peer->port;
	agent->link = peer->link;
	peer->agent = agent;
	agent->connected = true;
	agent->standing = STANDING_REGISTERED;
	agent->pinged = false;
	agent->missed = 0;
	agent->settled = false;
	take_checkpointed(agent, json_object_get(message, "resources"));
}

void admit_acknowledge(struct master_peer *peer)
{
	link_send(peer->link, json_pack("{ssss}", "type", "registered", "id", peer->agent->id));
}

/* ---- the wait for the registry */

static void wait_for_registry(struct master *master, struct master_peer *peer, struct master_agent *agent,
			      Mesos__SlaveInfo *info, const json_t *message)
{
	peer->asked = info;
	peer->asking = json_deep_copy(message);
	if (agent != NULL)
		agent->coming = info;
	master_registry_changed(master);
}

/* The caller's from now on. */
static Mesos__SlaveInfo *take_asked(struct master_peer *peer)
{
	Mesos__SlaveInfo *info = peer->asked;
	peer->asked = NULL;
	for (struct master_agent *agent = peer->master->agents; info != NULL && agent != NULL; agent = agent->next) {
		if (agent->coming == info)
			agent->coming = NULL;
	}
	return info;
}

void admit_withdraw(struct master_peer *peer)
{
	slaveinfo_free(take_asked(peer));
	json_decref(peer->asking);
	peer->asking = NULL;
}

/* ---- new agents */

/* Whoever was at this address before is gone. */
static void remove_predecessor(struct master *master, const struct master_peer *peer)
{
	for (struct master_agent *agent = master->agents, *next; agent != NULL; agent = next) {
		next = agent->next;
		if (agent->standing != STANDING_REGISTERED || agent->port != peer->port ||
		    strcmp(agent->ip, peer->ip) != 0)
			continue;
		char *text = master_agent_text(agent);
		log_info("Removing old disconnected agent %s because a registration attempt occurred", text);
		free(text);
		master->counters.removals_registered++;
		master_agent_remove(master, agent, "a new agent registered at the same address", false);
	}
}

void admit_new(struct master *master, struct master_peer *peer, Mesos__SlaveInfo *info, const json_t *message)
{
	remove_predecessor(master, peer);
	char *id = xasprintf("%s-S%lld", master->id, (long long)master->next_agent++);
	log_info("Registering agent at slave(1)@%s:%d (%s) with id %s", peer->ip, peer->port, info->hostname, id);
	slaveinfo_set_id(info, id);
	free(id);
	wait_for_registry(master, peer, NULL, info, message);
}

static void let_in(struct master *master, struct master_peer *peer, Mesos__SlaveInfo *info)
{
	struct master_agent *agent = master_agent_add(master, info->id->value, info);
	take_place(master, agent, peer, peer->asking);
	agent->registered = master_now();
	master->counters.registrations++;
	admit_acknowledge(peer);
	log_resources("Registered", agent);
	master_launch_tasks(master, agent);
}

/* ---- agents that come back */

/* A master without AGENT_UPDATE keeps the record of an agent that it knows until another master leads. */
static bool keeps_old_info(const struct master *master, const struct master_peer *peer,
			   const struct master_agent *agent)
{
	struct fault fault;
	if (agent->standing == STANDING_REGISTERED &&
	    !master_can(master, MESOS__MASTER_INFO__CAPABILITY__TYPE__AGENT_UPDATE))
		return true;
	return fault_is_armed(master->lab, peer->host, "old-info", &fault) &&
	       fault_strikes(master->lab, peer->host, &fault);
}

static bool same_bytes(const Mesos__SlaveInfo *a, const Mesos__SlaveInfo *b)
{
	struct buffer one = BUFFER_INIT(TEXT_MAX), other = BUFFER_INIT(TEXT_MAX);
	pb_pack(a, &one);
	pb_pack(b, &other);
	bool same = one.len == other.len && (one.len == 0 || memcmp(one.data, other.data, one.len) == 0);
	buffer_clear(&one);
	buffer_clear(&other);
	return same;
}

/* What frameworks are told of the tasks of an agent that had been given up, or was forgotten. */
static const char *said_of_return(const struct master_agent *agent)
{
	if (agent->standing != STANDING_UNREACHABLE)
		return NULL;
	return agent->registered > 0 ? "Unreachable agent re-reregistered" : "Unknown agent reregistered";
}

/* Known and in the same place, or not known at all: let in under its ID. Takes info. */
static void let_back(struct master *master, struct master_agent *agent, struct master_peer *peer,
		     Mesos__SlaveInfo *info, const json_t *message)
{
	bool returns = agent->standing != STANDING_REGISTERED;
	const char *returned = said_of_return(agent);
	json_t *update;
	size_t index;
	slaveinfo_free(agent->info);
	agent->info = info;
	take_place(master, agent, peer, message);
	agent->reregistered = master_now();
	if (returns)
		agent->registered = agent->reregistered;
	master->counters.reregistrations++;
	scheduler_agent_back(master, agent);
	admit_acknowledge(peer);
	if (returns)
		master_tasks_archived(master, json_object_get(message, "completed"));
	if (returns)
		log_resources("Re-registered", agent);
	else if (!agent->deactivated)
		log_reactivated(agent);
	json_array_foreach(json_object_get(message, "updates"), index, update) master_update(master, agent, update);
	master_reconcile(master, agent, json_object_get(message, "tasks"), returned);
	operate_resume_drain(master, agent);
}

void admit_again(struct master *master, struct master_peer *peer, Mesos__SlaveInfo *info, const json_t *message)
{
	struct master_agent *agent = master_agent_find(master, info->id->value);
	if (agent != NULL && keeps_old_info(master, peer, agent)) {
		slaveinfo_free(info);
		info = slaveinfo_copy(agent->info);
	}
	bool written = agent != NULL && agent->standing != STANDING_UNREACHABLE && same_bytes(agent->info, info);
	if (written)
		let_back(master, agent, peer, info, message);
	else
		wait_for_registry(master, peer, agent, info, message);
}

static void finish(struct master *master, struct master_peer *peer)
{
	Mesos__SlaveInfo *info = take_asked(peer);
	struct master_agent *agent = master_agent_find(master, info->id->value);
	if (strcmp(link_type(peer->asking), "register") == 0) {
		let_in(master, peer, info);
	} else if (agent != NULL && agent->standing == STANDING_GONE) {
		slaveinfo_free(info); /* meanwhile; it is told so when it asks again */
	} else {
		if (agent == NULL) { /* pruned from the registry: comes back like one that was unreachable */
			agent = master_agent_add(master, info->id->value, slaveinfo_copy(info));
			agent->standing = STANDING_UNREACHABLE;
		}
		let_back(master, agent, peer, info, peer->asking);
	}
	json_decref(peer->asking);
	peer->asking = NULL;
}

void admit_written(struct master *master)
{
	for (struct master_peer *peer = master->peers; peer != NULL; peer = peer->next) {
		if (peer->asked != NULL)
			finish(master, peer);
	}
}
