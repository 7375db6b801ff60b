/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_DRIVE_H
#define ORCHESTRATOR_DRIVE_H
/*
 * What `rollout start` and `rollout resume` share: the lock, the drift check, the driver over the real backends, and the
 * roll at the end.
 *
 *   drive_open  →  drive_check_unfinished, drive_check_drift (start only)  →  drive_begin or the run that is there  →
 *   drive  →  drive_close
 */
#include "orchestrator/driver/driver_lock.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/plan/plan.h"
#include "orchestrator/session.h"

/* The option of whoever drives. */
#define DRIVE_ADOPT_OPTION(target)                                                                                      \
	{                                                                                                               \
		"adopt", 0, OPTION_FLAG, target, NULL,                                                                  \
			"also hosts that another database, or this one before it was restored from a copy, has driven " \
			"until now: they obey this one from now on",                                                    \
			0, 0                                                                                            \
	}

#define DRIVE_PROMETHEUS_OPTION(target)                                                                                \
	{                                                                                                              \
		"prometheus-file", 0, OPTION_STRING, target, "FILE",                                                   \
			"keep the run's metrics in FILE, for a textfile collector", 0, 0                               \
	}

struct drive {
	struct session *session;
	const struct plan *plan;
	struct driver_lock *lock;
	struct ledger *ledger;
	struct cluster_host *hosts;       /* by position in the plan */
	struct transport_target *targets; /* the same */
	bool settle;                      /* only what is open is settled (driver_backends) */
	bool adopt;                       /* take hosts over that another database has driven */
	bool hosts_passed;                /* they were asked for the greatest epoch that they have seen */
	const char *prometheus_file;      /* metrics are written to it while it is driven; NULL: none */
};

/* Takes the lock (take_over: from a holder that hangs, too) and works out how the plan's hosts are reached. plan is
 * borrowed. -1 with session->error; drive_close is due whatever comes back. */
int drive_open(struct drive *drive, struct session *session, const struct plan *plan, bool take_over);
void drive_close(struct drive *drive);
/* Says in the lock which run is about to be driven; NULL: a new one. So that others know whether theirs is. */
int drive_note(struct drive *drive, const char *run);
/* Goes on with another plan of the same cluster, borrowed too, under the same lock. */
int drive_use_plan(struct drive *drive, const struct plan *plan);

/* Asks the master, and compares every agent of the plan with what it shows. ERROR_CONFLICT names the agents that are no
 * longer as the plan saw them. */
int drive_check_drift(struct drive *drive);

/* ERROR_CONFLICT when an earlier run left agents of this cluster under way. */
int drive_check_unfinished(struct drive *drive);

/* With adopt, hosts that have been driven from this database's own future obey: they are asked, once, and what it takes next is above
 * all that they have seen.
 * ERROR_CONFLICT as of ledger_seen_epoch_by. */
int drive_pass_hosts(struct drive *drive);

/* Agents that the run has changed, and that it has as not changed yet: this database was restored from a copy. By what their hosts
 * said when they were surveyed last: ERROR_CONFLICT names the first (check), or each gets its operation back as one whose fate is not
 * known, in one commit (take_up; after drive_pass_hosts, which asks them). */
int drive_check_forgotten(struct session *session, const struct plan *plan, const char *run);
int drive_take_up_forgotten(struct drive *drive, const char *run);

/* Makes the run and its rows. run: at least RUN_ID_SIZE bytes. When the plan takes another run back, that one is aborted in
 * the same commit; ERROR_CONFLICT as of rollback_plan_check. Whatever it returns but 0, there is no run that is in anybody's way. */
int drive_begin(struct drive *drive, char *run);

/* Orders of the run that an earlier driver never carried out are void. */
int drive_void_orders(struct drive *drive, const char *run);

/* Drives it to its end and prints the roll. 0: all done; 1: some are not; -1 with session->error: interrupted, paused, or
 * ERROR_INTERRUPTED as well when this side could not go on (a full disk): the run is there to be resumed.
 * DRIVE_ROLLBACK_DUE: it has failed, and its plan says that it is rolled back now (drive_rollback). With settle: 0: nothing
 * of it is open any more; 1: some agents are still stuck, or their gates give no answer. */
#define DRIVE_ROLLBACK_DUE 2
int drive(struct drive *drive, const char *run);

/* What a command ends with that has driven or watched the run, now that nobody drives it: 0: as planned; 1: some of it is not, or an
 * agent has failed, or a rollback has left some as they were. -1: ERROR_INTERRUPTED: a person has paused it, or nobody drives it;
 * ERROR_UNREACHABLE: it has paused although nothing failed, because something was needed and could not be had. */
struct run_view;
int drive_judge(const struct run_view *view, struct error *err);

/* A run that is done, and of which nothing is left to go on with (retry: or to try once more), keeps its end: 1, its roll is
 * printed, nothing is changed, and *result is what drive would return. 0: it is not so. */
int drive_at_rest(struct session *session, const char *run, bool retry, int *result);

/* drive, and the rollback when one is due. */
int drive_whole(struct drive *drive, const char *run);

/* Takes run back, as its own plan says: makes the inverse plan and its run, or goes on with the one that is there already,
 * and drives it. Returns what drive returns; without failure at least 1, because the run itself has failed. */
int drive_rollback(struct drive *drive, const char *run);

#endif
