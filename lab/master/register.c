/* SPDX-License-Identifier: Apache-2.0 */
/* What agents say: who they are, that they register, that they come back, and that their connection is lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "lab/core/files.h"
#include "lab/core/shapes.h"
#include "lab/core/wire.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

#define TEXT_MAX (1u << 20)

static const char *text_of(const json_t *message, const char *key)
{
	const char *text = json_string_value(json_object_get(message, key));
	return text != NULL ? text : "";
}

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
	for (struct master_peer *other = master->peers; other != NULL; other = other->next) {
		if (other->agent == agent)
			other->agent = NULL;
	}
	free(agent->host);
	free(agent->ip);
	free(agent->version);
	agent->host = xstrdup(peer->host);
	agent->ip = xstrdup(peer->ip);
	agent->version = xstrdup(text_of(message, "version"));
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

/* ---- registration */

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

static void acknowledge(struct master_peer *peer)
{
	link_send(peer->link, json_pack("{ssss}", "type", "registered", "id", peer->agent->id));
}

static void admit(struct master *master, struct master_peer *peer, Mesos__SlaveInfo *info, const json_t *message)
{
	remove_predecessor(master, peer);
	char *id = xasprintf("%s-S%lld", master->id, (long long)master->next_agent++);
	struct master_agent *agent = master_agent_add(master, id, info);
	free(id);
	take_place(master, agent, peer, message);
	agent->registered = master_now();
	master->counters.registrations++;
	acknowledge(peer);
	log_resources("Registered", agent);
	master_registry_changed(master);
	master_launch_tasks(master, agent);
}

static void do_register(struct master *master, struct master_peer *peer, const json_t *message)
{
	Mesos__SlaveInfo *info = wire_unpack(&mesos__slave_info__descriptor, json_object_get(message, "info"));
	master->counters.register_messages++;
	if (info != NULL && peer->agent != NULL) { /* its answer was slow, and it asks again */
		char *text = master_agent_text(peer->agent);
		log_info("Agent %s already registered, resending acknowledgement", text);
		free(text);
		acknowledge(peer);
	} else if (info != NULL && !admission_refused(master, peer, NULL, info, false)) {
		admit(master, peer, info, message);
		return;
	}
	slaveinfo_free(info);
}

/* ---- reregistration */

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

/* Known and in the same place, or not known at all: admitted under its ID. */
static void readmit(struct master *master, struct master_agent *agent, struct master_peer *peer, const json_t *message)
{
	bool returns = agent->standing != STANDING_REGISTERED;
	json_t *update;
	size_t index;
	take_place(master, agent, peer, message);
	agent->reregistered = master_now();
	if (returns)
		agent->registered = agent->reregistered;
	master->counters.reregistrations++;
	scheduler_agent_back(master, agent);
	acknowledge(peer);
	log_resources("Re-registered", agent);
	json_array_foreach(json_object_get(message, "updates"), index, update) master_update(master, agent, update);
	master_reconcile(master, agent, json_object_get(message, "tasks"));
	master_registry_changed(master);
	scheduler_kill_orphans(agent);
	operate_resume_drain(master, agent);
}

static struct master_agent *readmitted_agent(struct master *master, const struct master_peer *peer,
					     struct master_agent *agent, Mesos__SlaveInfo *info)
{
	if (agent == NULL) { /* pruned from the registry: comes back like one that was unreachable */
		agent = master_agent_add(master, info->id->value, info);
		agent->standing = STANDING_UNREACHABLE;
	} else if (keeps_old_info(master, peer, agent)) {
		slaveinfo_free(info);
	} else {
		slaveinfo_free(agent->info);
		agent->info = info;
	}
	return agent;
}

static void do_reregister(struct master *master, struct master_peer *peer, const json_t *message)
{
	Mesos__SlaveInfo *info = wire_unpack(&mesos__slave_info__descriptor, json_object_get(message, "info"));
	master->counters.reregister_messages++;
	if (info == NULL || info->id == NULL) {
		slaveinfo_free(info);
		return;
	}
	log_info("Received reregister agent message from agent %s at slave(1)@%s:%d (%s)", info->id->value, peer->ip,
		 peer->port, info->hostname);
	struct master_agent *agent = master_agent_find(master, info->id->value);
	if (admission_refused(master, peer, agent, info, true)) {
		slaveinfo_free(info);
		return;
	}
	readmit(master, readmitted_agent(master, peer, agent, info), peer, message);
}

/* It ends for good (SIGUSR1): forgotten, until it comes back under its ID. */
static void unregister(struct master_peer *peer)
{
	peer->master->counters.removals_unregistered++;
	master_agent_remove(peer->master, peer->agent, "the agent unregistered", false);
}

/* ---- the connections */

static void introduce(struct master_peer *peer, const json_t *message)
{
	free(peer->host);
	free(peer->ip);
	peer->host = xstrdup(text_of(message, "host"));
	peer->ip = xstrdup(text_of(message, "ip"));
	peer->port = (int)json_integer_value(json_object_get(message, "port"));
}

static void peer_line(void *ctx, struct link *link, const json_t *message)
{
	struct master_peer *peer = ctx;
	const char *type = link_type(message);
	(void)link;
	if (strcmp(type, "here") == 0)
		introduce(peer, message);
	else if (strcmp(type, "pong") == 0)
		master_pong(peer->master, peer);
	else if (strcmp(type, "register") == 0)
		do_register(peer->master, peer, message);
	else if (strcmp(type, "reregister") == 0)
		do_reregister(peer->master, peer, message);
	else if (strcmp(type, "unregister") == 0 && peer->agent != NULL)
		unregister(peer);
	else if (strcmp(type, "update") == 0 && peer->agent != NULL)
		master_update(peer->master, peer->agent, message);
}

static void peer_free(struct master_peer *peer)
{
	link_free(peer->link);
	free(peer->host);
	free(peer->ip);
	free(peer);
}

static void peer_closed(void *ctx, struct link *link)
{
	struct master_peer *peer = ctx;
	struct master *master = peer->master;
	(void)link;
	if (peer->agent != NULL)
		master_agent_disconnect(master, peer->agent);
	for (struct master_peer **at = &master->peers; *at != NULL; at = &(*at)->next) {
		if (*at != peer)
			continue;
		*at = peer->next;
		peer_free(peer);
		return;
	}
}

static const struct link_ops peer_ops = {.line = peer_line, .closed = peer_closed};

/* Who leads and what it can do: what a real agent reads in the master's node in ZooKeeper. */
static json_t *greeting(const struct master *master)
{
	Mesos__MasterInfo *info = master_info(master);
	json_t *names = json_array();
	for (size_t i = 0; i < info->n_capabilities; i++)
		json_array_append_new(names, json_string(pb_enum_name(&mesos__master_info__capability__type__descriptor,
								      (int)info->capabilities[i]->type)));
	json_t *message = json_pack("{ss ss so}", "type", "leader", "version", info->version, "capabilities", names);
	pb_free(info);
	return message;
}

static void peer_accepted(void *ctx, int fd)
{
	struct master *master = ctx;
	struct master_peer *peer = xcalloc(1, sizeof(*peer));
	*peer = (struct master_peer){.next = master->peers, .master = master, .host = xstrdup(""), .ip = xstrdup("")};
	peer->link = link_new(master->events, fd, &peer_ops, peer);
	master->peers = peer;
	link_send(peer->link, greeting(master));
}

int master_listen_agents(struct master *master, struct error *err)
{
	char *path = lab_path(master->lab, "run/link-%s:%d.sock", master->ip, master->port);
	int fd = socket_listen_unix(path, err);
	free(path);
	if (fd < 0)
		return -1;
	master->agents_listener = listener_new(master->events, fd, peer_accepted, master);
	return 0;
}

void master_close_agents(struct master *master)
{
	listener_free(master->agents_listener);
	master->agents_listener = NULL;
	while (master->peers != NULL) {
		struct master_peer *peer = master->peers;
		master->peers = peer->next;
		peer_free(peer);
	}
}
