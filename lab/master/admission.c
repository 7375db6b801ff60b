/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is not admitted, in the order in which the real master looks, and with its words in the log. Some agents are told
 * to shut down; others are told nothing: they run on, try again and again, and stay inactive.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "lab/core/shapes.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

#define TEXT_MAX (1u << 20)

static void shut_down(struct master_peer *peer, const char *why)
{
	link_send(peer->link, json_pack("{ssss}", "type", "shutdown", "reason", why));
}

/* An agent with a domain is ignored by a master without one: it never comes back, and is told nothing. */
static bool wrong_domain(const struct master *master, const struct master_peer *peer, const Mesos__SlaveInfo *info,
			 const char *what)
{
	if (info->domain == NULL || master->domain != NULL)
		return false;
	json_t *json = pb_to_json(info->domain);
	char *domain = json_dumps(json, JSON_COMPACT);
	log_warning("Agent at slave(1)@%s:%d is configured with domain %s but the master has no configured domain."
		    "Ignoring agent %s attempt",
		    peer->ip, peer->port, domain, what);
	free(domain);
	json_decref(json);
	return true;
}

static bool machine_down(const struct master *master, struct master_peer *peer, const Mesos__SlaveInfo *info,
			 const char *what)
{
	if (!maintenance_is_down(master, info->hostname, peer->ip))
		return false;
	log_warning("Refusing %s of agent at slave(1)@%s:%d because the machine '%s (%s)' that it is running on is "
		    "`DOWN`",
		    what, peer->ip, peer->port, info->hostname, peer->ip);
	shut_down(peer, "Machine is `DOWN`");
	return true;
}

static bool is_gone(struct master_peer *peer, const struct master_agent *agent)
{
	if (agent == NULL || agent->standing != STANDING_GONE)
		return false;
	log_warning("Refusing re-registration of agent at slave(1)@%s:%d because it is already marked gone", peer->ip,
		    peer->port);
	shut_down(peer, "Agent has been marked gone");
	return true;
}

static bool moved(struct master_peer *peer, const struct master_agent *agent, const Mesos__SlaveInfo *info)
{
	if (agent == NULL || agent->standing != STANDING_REGISTERED ||
	    (strcmp(agent->ip, peer->ip) == 0 && strcmp(agent->info->hostname, info->hostname) == 0))
		return false;
	log_warning("Agent %s at slave(1)@%s:%d (%s) attempted to reregister with different IP / hostname; expected %s "
		    "(%s) shutting it down",
		    agent->id, peer->ip, peer->port, info->hostname, agent->ip, agent->info->hostname);
	shut_down(peer, "Agent attempted to reregister with different IP / hostname");
	return true;
}

/* The fault refuse-role: the ACL reserve_resources lets no agent have a role reserved statically. */
static bool role_refused(const struct master *master, const struct master_peer *peer, const Mesos__SlaveInfo *info,
			 bool again)
{
	const struct fault *fault = fault_set_find(&master->faults, "refuse-role");
	struct resources resources = {.items = NULL};
	bool refused = false;
	if (fault == NULL)
		return false;
	shape_take_resources(&resources, info->resources, info->n_resources);
	for (size_t i = 0; i < resources.count; i++) {
		size_t stack = resources.items[i]->n_reservations;
		refused |= stack > 0 && strcmp(resources.items[i]->reservations[stack - 1]->role, fault->match) == 0;
	}
	if (refused) {
		struct buffer text = BUFFER_INIT(TEXT_MAX);
		resources_to_text(&resources, &text);
		log_warning("Refusing %s of agent %s%sat slave(1)@%s:%d (%s): Not authorized to %s agent providing "
			    "resources '%s' without a principal",
			    again ? "re-registration" : "registration", again ? info->id->value : "", again ? " " : "",
			    peer->ip, peer->port, info->hostname, again ? "reregister" : "register",
			    buffer_text(&text));
		buffer_clear(&text);
	}
	resources_clear(&resources);
	return refused;
}

/* The fault require-domain. */
static bool domain_missing(const struct master *master, const struct master_peer *peer, const Mesos__SlaveInfo *info,
			   const char *what)
{
	if (info->domain != NULL || fault_set_find(&master->faults, "require-domain") == NULL)
		return false;
	log_warning("Agent at slave(1)@%s:%d attempted to register without a domain, but this master is configured to "
		    "require agent domains. Ignoring agent %s attempt",
		    peer->ip, peer->port, what);
	return true;
}

bool admission_refused(const struct master *master, struct master_peer *peer, const struct master_agent *agent,
		       const Mesos__SlaveInfo *info, bool again)
{
	const char *what = again ? "re-registration" : "registration";
	return is_gone(peer, agent) || role_refused(master, peer, info, again) ||
	       machine_down(master, peer, info, what) || wrong_domain(master, peer, info, what) ||
	       domain_missing(master, peer, info, what) || moved(peer, agent, info);
}
