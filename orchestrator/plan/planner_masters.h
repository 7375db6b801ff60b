/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLANNER_MASTERS_H
#define ORCHESTRATOR_PLANNER_MASTERS_H
/* What the masters say of a plan: every one of them is asked, because any of them may lead before the run has ended. */
#include "orchestrator/plan/planner.h"

/* Would every master take the agent as it is to become? ERROR_REFUSED names the master and what to do. */
int planner_check_masters(const struct planner_input *input, const struct planner_options *options,
			  const struct plan_agent *agent, struct error *err);

/* Does the leading master keep what an agent registered with first until its next failover, and is that accepted? Then its record of a
 * changed agent says nothing of how the agent is: only its host does. */
bool planner_record_is_void(const struct planner_input *input, bool accept_stale_master);

/* One finding for each master, and for everything about them and the cluster that the operator should know. */
void planner_masters(const struct planner_input *input, struct plan *plan);

#endif
