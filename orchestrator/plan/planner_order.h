/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLANNER_ORDER_H
#define ORCHESTRATOR_PLANNER_ORDER_H
/* Puts a plan's agents in their order and cuts that into stages. */
#include "orchestrator/plan/planner.h"

/* rows: the agents' keys in the database, as they are in the plan before (by hostname). ERROR_USAGE: nobody is a canary, or
 * nobody has what --by names. */
int planner_order(const struct planner_input *input, const struct planner_options *options, const int64_t *rows,
		  struct plan *plan, struct error *err);

#endif
