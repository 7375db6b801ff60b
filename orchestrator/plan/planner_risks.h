/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLANNER_RISKS_H
#define ORCHESTRATOR_PLANNER_RISKS_H
/* What a plan's agents could cost: findings of the plan, each once for all agents it holds for. */
#include "inventory/agents.h"
#include "orchestrator/plan/planner.h"

/* Things said of single agents, with the agents that they are about: struct planner_refusals, whose agents are planned all the same.
 * Those that say the same but for an agent's own name, addresses, times and IDs become one finding. */
void planner_risks_said(const struct planner_refusals *said, struct plan *plan);

/* Tasks that use more than their agent will have, by resource and reservation; the agents' use is that of the last sync. */
void planner_risks_shortage(const struct agent_list *cluster, struct plan *plan);

/* So many of the cluster's agents are away already that the meltdown guard would stop the run at once, or would if the master still
 * listed them. */
int planner_risks_away(const struct planner_input *input, const struct agent_list *cluster, struct plan *plan,
		       struct error *err);

/* Guards that the options turn off. */
void planner_risks_unguarded(const struct planner_options *options, struct plan *plan);

#endif
