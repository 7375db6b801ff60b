/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLANNER_FORECAST_H
#define ORCHESTRATOR_PLANNER_FORECAST_H
/* How long agents are away and the run takes, and whether the worst of it fits into the clocks that run meanwhile. */
#include "orchestrator/engine/clocks.h"
#include "orchestrator/ledger/ledger_away.h"
#include "orchestrator/plan/planner.h"

/* What is the same for every agent of a plan. */
struct planner_times {
	struct engine_clocks clocks; /* the strictest of all masters'; recovery_ms is each agent's own */
	struct ledger_away past;
	struct engine_options options; /* timeouts as the plan will have them */
};
int planner_times_load(const struct planner_input *input, const struct planner_options *options,
		       struct planner_times *out, struct error *err);

/* Fills in how long the agent is away, which has its flags after the change. ERROR_REFUSED when the worst case of restart and undo
 * does not fit into the clocks (invariant 9). */
int planner_check_times(const struct planner_times *times, const struct flags *flags, struct plan_agent *agent,
			struct error *err);

/* Fills clocks and forecast (outlook.h) of a plan whose agents, stages and options are there. */
void planner_forecast(const struct planner_times *times, struct plan *plan);

#endif
