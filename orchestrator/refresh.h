/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REFRESH_H
#define ORCHESTRATOR_REFRESH_H
/* Bringing the inventory up to date before something rests on it. Reads the cluster, changes only the database. */
#include "inventory/agents.h"
#include "orchestrator/session.h"

/* Asks the leading master for agents, tasks, frameworks and facts, and puts them into the database. summary may be NULL.
 * -1 with session->error set. */
int refresh_agents(struct session *session, struct agents_summary *summary);

#endif
