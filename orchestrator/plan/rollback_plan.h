/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_ROLLBACK_PLAN_H
#define ORCHESTRATOR_ROLLBACK_PLAN_H
/* The plan that takes a run back, made from what the masters and the hosts say now, and kept in the ledger. Changes nothing on any
 * host. */
#include "orchestrator/plan/planner.h"
#include "orchestrator/session.h"

/* run: its ID, or "latest". options: window, budgets and soak; what chooses or orders agents is not used. refusals is to be cleared
 * whatever comes back; *out is set only on success, hashed and stored. -1 with session->error as for plan_invert. */
int rollback_plan(struct session *session, const char *run, const struct planner_options *options, struct plan *out,
		  struct planner_refusals *refusals);

#endif
