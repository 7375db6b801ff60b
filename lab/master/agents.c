/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "lab/core/files.h"
#include "lab/core/wire.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

static const char *text_of(const json_t *message, const char *key)
{
	const char *text = json_string_value(json_object_get(message, key));
	return text != NULL ? text : "";
}

const char *master_agent_pid(const struct master_agent *agent, char *out, size_t size)
{
	snprintf(out, size, "slave(1)@%s:%d", agent->ip, agent->port);
	return out;
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
	free(agent->id);
	free(agent->host);
	free(agent->ip);
	free(agent->version);
	free(agent);
}

static void remove_agent(struct master *master, struct master_agent *agent)
{
	master_tasks_removed(master, agent);
	for (struct master_agent **at = &master->agents; *at != NULL; at = &(*at)->next) {
		if (*at != agent)
			continue;
		*at = agent->next;
		agent_free(agent);
		break;
	}
	master_registry_changed(master);
}

static void disconnect(struct master *master, struct master_agent *agent)
{
	agent->link = NULL;
	agent->connected = false;
	agent->left_ms = clock_monotonic_ms();
	if (agent->standing == STANDING_REGISTERED)
		master_tasks_disconnected(master, agent);
}

static void mark_unreachable(struct master *master, struct master_agent *agent, const char *why)
{
	log_info("marking agent %s (%s) unreachable: %s", agent->id, agent->host, why);
	agent->standing = STANDING_UNREACHABLE;
	agent->connected = false;
	agent->link = NULL;
	master_tasks_unreachable(master, agent);
	master_registry_changed(master);
}

/* ---- what agents say */

static void take_place(struct master_agent *agent, const struct master_peer *peer, const json_t *message)
{
	free(agent->host);
	free(agent->ip);
	free(agent->version);
	agent->host = xstrdup(peer->host);
	agent->ip = xstrdup(peer->ip);
	agent->version = xstrdup(text_of(message, "version"));
	agent->port = peer->port;
	agent->link = peer->link;
	agent->connected = true;
	agent->standing = STANDING_REGISTERED;
	agent->pinged = false;
	agent->missed = 0;
}

static void shut_down(struct master_peer *peer, const char *why)
{
	log_warning("telling the agent at %s:%d to shut down: %s", peer->ip, peer->port, why);
	link_send(peer->link, json_pack("{ssss}", "type", "shutdown", "reason", why));
}

/* An agent with a domain is ignored by a master without one: it never comes back. */
static bool wrong_domain(const struct master *master, const Mesos__SlaveInfo *info)
{
	if (info->domain == NULL || master->domain != NULL)
		return false;
	log_warning("agent %s has a domain and this master has none: ignored", info->hostname);
	return true;
}

/* Whoever was at this address before is gone. */
static void remove_predecessor(struct master *master, const struct master_peer *peer)
{
	for (struct master_agent *agent = master->agents, *next; agent != NULL; agent = next) {
		next = agent->next;
		if (agent->standing == STANDING_REGISTERED && agent->port == peer->port &&
		    strcmp(agent->ip, peer->ip) == 0)
			remove_agent(master, agent);
	}
}

static void do_register(struct master *master, struct master_peer *peer, const json_t *message)
{
	Mesos__SlaveInfo *info = wire_unpack(&mesos__slave_info__descriptor, json_object_get(message, "info"));
	if (info == NULL || wrong_domain(master, info)) {
		slaveinfo_free(info);
		return;
	}
	remove_predecessor(master, peer);
	char *id = xasprintf("%s-S%lld", master->id, (long long)master->next_agent++);
	struct master_agent *agent = master_agent_add(master, id, info);
	free(id);
	take_place(agent, peer, message);
	agent->registered = master_now();
	link_send(peer->link, json_pack("{ssss}", "type", "registered", "id", agent->id));
	master_registry_changed(master);
	master_launch_tasks(master, agent);
}

static bool keeps_old_info(const struct master *master, const struct master_peer *peer)
{
	struct fault fault;
	return fault_is_armed(master->lab, peer->host, "old-info", &fault) &&
	       fault_strikes(master->lab, peer->host, &fault);
}

/* Known and in the same place, or not known at all: admitted under its ID. */
static void readmit(struct master *master, struct master_agent *agent, struct master_peer *peer, const json_t *message)
{
	bool returns = agent->standing != STANDING_REGISTERED;
	json_t *update;
	size_t index;
	take_place(agent, peer, message);
	agent->reregistered = master_now();
	if (returns)
		agent->registered = agent->reregistered;
	link_send(peer->link, json_pack("{ssss}", "type", "registered", "id", agent->id));
	json_array_foreach(json_object_get(message, "updates"), index, update) master_update(master, agent, update);
	master_reconcile(master, agent, json_object_get(message, "tasks"));
	master_registry_changed(master);
}

static void do_reregister(struct master *master, struct master_peer *peer, const json_t *message)
{
	Mesos__SlaveInfo *info = wire_unpack(&mesos__slave_info__descriptor, json_object_get(message, "info"));
	if (info == NULL || info->id == NULL || wrong_domain(master, info)) {
		slaveinfo_free(info);
		return;
	}
	struct master_agent *agent = master_agent_find(master, info->id->value);
	if (agent == NULL) {
		agent = master_agent_add(master, info->id->value, info);
		agent->standing = STANDING_UNREACHABLE; /* pruned from the registry: comes back like one of those */
		readmit(master, agent, peer, message);
		return;
	}
	if (agent->standing == STANDING_REGISTERED &&
	    (strcmp(agent->ip, peer->ip) != 0 || strcmp(agent->info->hostname, info->hostname) != 0)) {
		slaveinfo_free(info);
		shut_down(peer, "Agent attempted to reregister with different IP / hostname");
		return;
	}
	if (keeps_old_info(master, peer)) {
		slaveinfo_free(info);
	} else {
		slaveinfo_free(agent->info);
		agent->info = info;
	}
	readmit(master, agent, peer, message);
}

static struct master_agent *agent_of_link(const struct master *master, const struct link *link)
{
	for (struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (agent->link == link)
			return agent;
	}
	return NULL;
}

/* Pings go to an address: they are answered by whatever process is there. */
static void pong(struct master *master, const struct master_peer *peer)
{
	for (struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (agent->port == peer->port && strcmp(agent->ip, peer->ip) == 0) {
			agent->pinged = false;
			agent->missed = 0;
		}
	}
}

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
	struct master *master = peer->master;
	const char *type = link_type(message);
	struct master_agent *agent = agent_of_link(master, link);
	if (strcmp(type, "here") == 0)
		introduce(peer, message);
	else if (strcmp(type, "pong") == 0)
		pong(master, peer);
	else if (strcmp(type, "register") == 0)
		do_register(master, peer, message);
	else if (strcmp(type, "reregister") == 0)
		do_reregister(master, peer, message);
	else if (strcmp(type, "update") == 0 && agent != NULL)
		master_update(master, agent, message);
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
	struct master_agent *agent = agent_of_link(master, link);
	if (agent != NULL)
		disconnect(master, agent);
	for (struct master_peer **at = &master->peers; *at != NULL; at = &(*at)->next) {
		if (*at != peer)
			continue;
		*at = peer->next;
		peer_free(peer);
		return;
	}
}

static const struct link_ops peer_ops = {.line = peer_line, .closed = peer_closed};

static void peer_accepted(void *ctx, int fd)
{
	struct master *master = ctx;
	struct master_peer *peer = xcalloc(1, sizeof(*peer));
	*peer = (struct master_peer){.next = master->peers, .master = master, .host = xstrdup(""), .ip = xstrdup("")};
	peer->link = link_new(master->events, fd, &peer_ops, peer);
	master->peers = peer;
}

int master_listen_agents(struct master *master, struct error *err)
{
	char *path = lab_path(master->lab, "run/link-%s.sock", master->lab->master);
	int fd = socket_listen_unix(path, err);
	free(path);
	if (fd < 0)
		return -1;
	master->agents_listener = listener_new(master->events, fd, peer_accepted, master);
	return 0;
}

void master_free_agents(struct master *master)
{
	listener_free(master->agents_listener);
	while (master->peers != NULL) {
		struct master_peer *peer = master->peers;
		master->peers = peer->next;
		peer_free(peer);
	}
	while (master->agents != NULL) {
		struct master_agent *agent = master->agents;
		master->agents = agent->next;
		agent_free(agent);
	}
}

/* ---- pings */

static void send_ping(const struct master *master, struct master_agent *agent)
{
	agent->pinged = true;
	for (const struct master_peer *peer = master->peers; peer != NULL; peer = peer->next) {
		if (peer->port == agent->port && strcmp(peer->ip, agent->ip) == 0)
			link_send(peer->link, json_pack("{ss}", "type", "ping"));
	}
}

static void ping_one(struct master *master, struct master_agent *agent)
{
	int64_t away = clock_monotonic_ms() - agent->left_ms;
	bool expected = agent->standing == STANDING_RECOVERED || !agent->connected;
	agent->missed = agent->pinged ? agent->missed + 1 : 0;
	if (agent->standing == STANDING_REGISTERED && agent->missed >= MASTER_MAX_PING_TIMEOUTS)
		mark_unreachable(master, agent, "health check timed out");
	else if (expected && away >= lab_scaled_ms(master->lab, MASTER_REREGISTER_MS))
		mark_unreachable(master, agent, "it did not reregister within agent_reregister_timeout");
	else if (agent->standing == STANDING_REGISTERED)
		send_ping(master, agent);
}

void master_ping(struct master *master)
{
	for (struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (agent->standing != STANDING_UNREACHABLE)
			ping_one(master, agent);
	}
}
