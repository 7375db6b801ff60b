/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_OUTGOING_CHANGED_H
#define ORCHESTRATOR_OUTGOING_CHANGED_H
/* The event "agent.changed": an agent is proven to have another SlaveInfo than before. It holds all that observers are told:
 * the SlaveInfo, and the tasks that run on the agent with their frameworks. */
#include <jansson.h>
#include <stdbool.h>

#include "mesos/slaveinfo.h"
#include "remote/master.h"

struct changed_agent {
	const char *cluster;
	const char *agent_id;
	const char *hostname;
	const char *operation;
	bool reverted;                  /* the change was taken back by the operation itself */
	const Mesos__SlaveInfo *before; /* NULL: not known */
	const Mesos__SlaveInfo *after;
};

/* The event's body, the caller's; NULL when nothing of the SlaveInfo differs. snapshot: where its tasks are; NULL: not known. */
json_t *changed_agent_event(const struct changed_agent *agent, const struct master_snapshot *snapshot);

#endif
