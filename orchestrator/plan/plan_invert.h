/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLAN_INVERT_H
#define ORCHESTRATOR_PLAN_INVERT_H
/*
 * The plan that takes a run back: from the run's own plan, what became of each agent, and how their hosts are now. A rollback is a
 * rollout like any other, with its own plan, operations and proofs; nothing is copied back byte for byte. Agents come in the
 * reverse order of their change. Each one is taken back, left alone because it was not changed, or refused with the reason: a
 * rollback that refuses some still takes back the others, and says so. Pure: planner_invert reads the hosts from the inventory, and the
 * simulator has its own.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orchestrator/ledger/ledger.h"
#include "orchestrator/plan/plan.h"
#include "orchestrator/plan/planner.h"

/* One host as it is now; everything is borrowed. */
struct plan_now {
	const char *why_not;          /* it cannot be planned for this reason; NULL: it can, and all below is there */
	const Mesos__SlaveInfo *info; /* its checkpoint */
	const struct flags *flags;    /* the effective ones */
	const struct resources *reserved; /* dynamic reservations and volumes; NULL: none */
	const struct request_expectation *expect;
	int64_t start_ticks;
	const struct plan_task *tasks; /* survives is not looked at: it is whether the framework checkpoints */
	size_t task_count;
	bool native; /* it knows --ignore_checkpointed_state, and we can put that into its store */
};

struct plan_invert_input {
	const char *run; /* the run that is taken back */
	const struct plan *plan;
	const struct run_agent *rows; /* the run's, in order of position */
	size_t row_count;
	const struct plan_now *now; /* by position; read only where plan_invert_concerns says so */
	int64_t now_ms, surveyed_ms;
};

/* Was the agent changed, as far as anybody knows? Whoever was not has nothing to be taken back. */
bool plan_invert_concerns(const struct run_agent *row);

/* 0: *out is the inverse plan, without stages and gates, and with a window of 1: the caller's to set; refusals (and out->left_out)
 * say who is not in it. ERROR_REFUSED: nobody can be taken back. ERROR_USAGE: the run changed nobody. *out is set only on success; it is
 * not yet hashed. */
int plan_invert(const struct plan_invert_input *input, struct plan *out, struct planner_refusals *refusals,
		struct error *err);

#endif
