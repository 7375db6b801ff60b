/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_ROLLBACK_PLAN_H
#define ORCHESTRATOR_ROLLBACK_PLAN_H
/* The plan that takes a run back, made from what the masters and the hosts say now, and kept in the ledger. Changes nothing on any
 * host. What an earlier rollback of the run has put back is not in it. */
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/plan/planner.h"
#include "orchestrator/session.h"

/* run: its ID, or "latest". options: window, budgets and soak; what chooses or orders agents is not used. refusals is to be cleared
 * whatever comes back; *out is set only on success, hashed and stored. -1 with session->error as for plan_invert, and ERROR_CONFLICT
 * when an earlier rollback has not ended, or has left nothing to take back. */
int rollback_plan(struct session *session, const char *run, const struct planner_options *options, struct plan *out,
		  struct planner_refusals *refusals);

/* A run may have changed more agents since a plan that takes it back was shown, and another run may have taken some of them back. rows:
 * the run's that are still changed, and others. ERROR_CONFLICT unless the plan names all that are changed, and its agents are among
 * them; it says which command makes a new plan. */
int rollback_plan_covers(const struct plan *plan, const struct run_agent *rows, size_t count, struct error *err);
/* The same, of the rows as they are now; also when an earlier rollback of the run has not ended. -1 with session->error. */
int rollback_plan_check(struct session *session, const struct plan *plan);

#endif
