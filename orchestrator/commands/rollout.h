/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_COMMANDS_ROLLOUT_H
#define ORCHESTRATOR_COMMANDS_ROLLOUT_H
/* What several of the rollout commands do. Each: -1 with session->error. */
#include <stdbool.h>

#include "orchestrator/detach.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/plan/plan.h"
#include "orchestrator/session.h"

/* The plan of a run; the caller's to clear. */
int rollout_load_plan(struct session *session, const struct run_row *run, struct plan *out);

/* A plan by its hash, by the beginning of one, or by the file it was written to. */
int rollout_find_plan(struct session *session, const char *name, struct plan *out);

/* With --detach the work is done in a child, with detach, and the parent returns when the child drives or has failed; else it is
 * done here, with NULL. */
typedef int (*rollout_work)(struct session *session, void *ctx, struct detach *detach);
int rollout_run(struct session *session, bool detached, rollout_work work, void *ctx);
/* The child drives from here on, and writes to its log. Without detach nothing happens. */
int rollout_go_into_background(struct session *session, struct detach *detach, const char *run);
#define ROLLOUT_DETACH_OPTION(target)                                                                                  \
	{                                                                                                              \
		"detach", 0, OPTION_FLAG, target, NULL,                                                                \
			"drive it in a process of its own, which outlives this terminal, and return", 0, 0             \
	}

/* Begins and drives a run of a plan, after every check that is due before it. */
struct rollout_start {
	bool adopt;                  /* hosts that another database has driven, too */
	bool shown;                  /* the whole plan was printed just before */
	const char *prometheus_file; /* NULL: none */
};
int rollout_start(struct session *session, const struct plan *plan, const struct rollout_start *how);

struct rollout_resume {
	bool adopt;
	bool take_over;              /* from a driver that hangs */
	bool settle;                 /* only ask what is open; nothing starts */
	bool accept_losses;          /* … and tasks that are lost keep none of them from being settled */
	bool retry;                  /* failed, reverted and settled stuck or unknown agents once more */
	const char *prometheus_file; /* NULL: none */
	struct detach *detach;       /* NULL: it is driven here */
};
/* name: a run's ID or "latest". */
int rollout_resume(struct session *session, const char *name, const struct rollout_resume *how);

/* Agents of a run whose operations are not settled. */
struct rollout_open {
	size_t stuck, under_way;
	size_t gating; /* back and kept, and their gates have not passed */
};
int rollout_count_open(struct session *session, const char *run, struct rollout_open *out);

/* Of a run that nobody drives, on stdout: what was left under way when its driver ended, and the command that asks after it. Nothing
 * where there is nothing of that kind, or where the run is still to go on. */
struct run_view;
void rollout_say_left(const struct session *session, const struct run_view *view);

#endif
