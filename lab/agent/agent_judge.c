/* SPDX-License-Identifier: Apache-2.0 */
/* What the master can, and whether that is enough for this agent. */
#include <string.h>

#include "lab/agent/agent.h"

/* An agent that has accepted a change wants a master that can store it. One that finds its master without ZooKeeper
 * cannot know what it can. */
void agent_judge_master(struct agent *agent)
{
	bool by_zookeeper = agent->detector != NULL;
	const char *refusal = agent_proposal_refusal(agent);
	if (refusal != NULL) {
		agent->failure = refusal;
		events_stop(agent->events);
		return;
	}
	if (!agent->changed || !agent->master_met)
		return;
	if (by_zookeeper && !agent->master_updates) {
		agent->failure = "Agent state changed on restart, but the detected master lacks the AGENT_UPDATE "
				 "capability. Refusing to connect.";
		events_stop(agent->events);
	} else if (!by_zookeeper) {
		agent_say(agent, 'W', "slave.cpp:1500",
			  "The AGENT_UPDATE master capability is required, but the StandaloneMasterDetector does not "
			  "have the ability to read master capabilities.");
	}
}

static bool has_capability(const json_t *message, const char *wanted)
{
	const json_t *name;
	size_t index;
	json_array_foreach(json_object_get(message, "capabilities"), index, name)
	{
		if (strcmp(json_string_value(name), wanted) == 0)
			return true;
	}
	return false;
}

void agent_meet_master(struct agent *agent, const json_t *message)
{
	bool waited = agent_proposal_waits(agent) && agent->recovery_timer != NULL;
	agent->master_met = true;
	agent->master_updates = has_capability(message, "AGENT_UPDATE");
	if (agent->phase != AGENT_RECOVERING || agent_proposal_refusal(agent) != NULL)
		agent_judge_master(agent);
	else if (waited && !timer_is_set(agent->recovery_timer)) /* recovery has waited for nothing else */
		timer_set(agent->recovery_timer, 0);
}
