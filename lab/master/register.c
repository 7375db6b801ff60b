/* SPDX-License-Identifier: Apache-2.0 */
/* What agents say: who they are, that they register, that they come back, and that their connection is lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
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

/* ---- registration */

static bool refused_new(const struct master *master, struct master_peer *peer, const Mesos__SlaveInfo *info)
{
	log_info("Received register agent message from slave(1)@%s:%d (%s)", peer->ip, peer->port, info->hostname);
	return admission_refused(master, peer, NULL, info, false);
}

static void do_register(struct master *master, struct master_peer *peer, const json_t *message)
{
	Mesos__SlaveInfo *info = wire_unpack(&mesos__slave_info__descriptor, json_object_get(message, "info"));
	master->counters.register_messages++;
	if (info != NULL && peer->agent != NULL) { /* its answer was slow, and it asks again */
		char *text = master_agent_text(peer->agent);
		log_info("Agent %s already registered, resending acknowledgement", text);
		free(text);
		admit_acknowledge(peer);
	} else if (info != NULL && peer->asked != NULL) {
		log_info("Ignoring register agent message from slave(1)@%s:%d (%s) as registration is already in "
			 "progress",
			 peer->ip, peer->port, info->hostname);
	} else if (info != NULL && !refused_new(master, peer, info)) {
		admit_new(master, peer, info, message);
		return;
	}
	slaveinfo_free(info);
}

/* ---- reregistration */

static void do_reregister(struct master *master, struct master_peer *peer, const json_t *message)
{
	Mesos__SlaveInfo *info = wire_unpack(&mesos__slave_info__descriptor, json_object_get(message, "info"));
	master->counters.reregister_messages++;
	if (info == NULL || info->id == NULL) {
		slaveinfo_free(info);
		return;
	}
	struct master_agent *agent = master_agent_find(master, info->id->value);
	if (peer->asked != NULL || (agent != NULL && agent->coming != NULL)) {
		log_info("Ignoring reregister agent message from agent %s at slave(1)@%s:%d (%s) as re-registration is "
			 "already in progress",
			 info->id->value, peer->ip, peer->port, info->hostname);
		slaveinfo_free(info);
		return;
	}
	if (agent != NULL && agent->standing == STANDING_GONE) {
		admission_refused(master, peer, agent, info, true);
		slaveinfo_free(info);
		return;
	}
	log_info("Received reregister agent message from agent %s at slave(1)@%s:%d (%s)", info->id->value, peer->ip,
		 peer->port, info->hostname);
	if (admission_refused(master, peer, agent, info, true))
		slaveinfo_free(info);
	else
		admit_again(master, peer, info, message);
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
	admit_withdraw(peer);
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
