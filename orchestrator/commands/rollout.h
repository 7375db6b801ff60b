/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_COMMANDS_ROLLOUT_H
#define ORCHESTRATOR_COMMANDS_ROLLOUT_H
/* What several of the rollout commands do. Each: -1 with session->error. */
#include <stdbool.h>

#include "orchestrator/ledger/ledger.h"
#include "orchestrator/plan/plan.h"
#include "orchestrator/session.h"

/* The plan of a run; the caller's to clear. */
int rollout_load_plan(struct session *session, const struct run_row *run, struct plan *out);

/* A plan by its hash, by the beginning of one, or by the file it was written to. */
int rollout_find_plan(struct session *session, const char *name, struct plan *out);

/* Begins and drives a run of a plan, after every check that is due before it. */
struct rollout_start {
	bool adopt;                  /* hosts that another database has driven, too */
	const char *prometheus_file; /* NULL: none */
};
int rollout_start(struct session *session, const struct plan *plan, const struct rollout_start *how);

struct rollout_resume {
	bool adopt;
	bool take_over;              /* from a driver that hangs */
	bool retry;                  /* failed, reverted, skipped and settled stuck agents once more */
	const char *prometheus_file; /* NULL: none */
};
/* name: a run's ID or "latest". */
int rollout_resume(struct session *session, const char *name, const struct rollout_resume *how);

#endif
