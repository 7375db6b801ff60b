/* SPDX-License-Identifier: Apache-2.0 */
/* Pings, and the clocks that make an agent unreachable. */
#include <string.h>

#include "base/clock.h"
#include "lab/master/master.h"

static bool same_place(const struct master_peer *peer, const struct master_agent *agent)
{
	return peer->port == agent->port && strcmp(peer->ip, agent->ip) == 0;
}

/* Pings go to an address: they are answered by whatever process is there. */
static void send_ping(const struct master *master, struct master_agent *agent)
{
	agent->pinged = true;
	if (agent->link != NULL) {
		link_send(agent->link, json_pack("{ss}", "type", "ping"));
		return;
	}
	for (const struct master_peer *peer = master->peers; peer != NULL; peer = peer->next) {
		if (same_place(peer, agent))
			link_send(peer->link, json_pack("{ss}", "type", "ping"));
	}
}

static void answered(struct master_agent *agent)
{
	agent->pinged = false;
	agent->missed = 0;
}

void master_pong(struct master *master, const struct master_peer *peer)
{
	if (peer->agent != NULL) {
		answered(peer->agent);
		return;
	}
	for (struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (same_place(peer, agent))
			answered(agent);
	}
}

static void ping_one(struct master *master, struct master_agent *agent)
{
	bool late = clock_monotonic_ms() - agent->left_ms >= lab_scaled_ms(master->lab, MASTER_REREGISTER_MS);
	agent->missed = agent->pinged ? agent->missed + 1 : 0;
	if (agent->standing == STANDING_RECOVERED) {
		if (late)
			master_agent_unreachable(master, agent,
						 "did not reregister within " MASTER_REREGISTER_TEXT
						 " after master failover");
	} else if (agent->missed >= MASTER_MAX_PING_TIMEOUTS) {
		master_agent_unreachable(master, agent, "health check timed out");
	} else if (!agent->connected && late) {
		master_agent_unreachable(master, agent,
					 "agent did not reregister within " MASTER_REREGISTER_TEXT
					 " after disconnecting");
	} else {
		send_ping(master, agent);
	}
}

void master_ping(struct master *master)
{
	for (struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (agent->standing == STANDING_REGISTERED || agent->standing == STANDING_RECOVERED)
			ping_one(master, agent);
	}
}
