/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_DRIVE_H
#define ORCHESTRATOR_DRIVE_H
/*
 * What `rollout start` and `rollout resume` share: the lock, the drift check, the driver over the real backends, and the
 * roll at the end.
 *
 *   drive_open  →  drive_check_drift (start only)  →  drive_begin or the run that is there  →  drive  →  drive_close
 */
#include "orchestrator/driver_lock.h"
#include "orchestrator/ledger.h"
#include "orchestrator/plan.h"
#include "orchestrator/session.h"

struct drive {
	struct session *session;
	const struct plan *plan;
	struct driver_lock *lock;
	struct ledger *ledger;
	struct cluster_host *hosts;       /* by position in the plan */
	struct transport_target *targets; /* the same */
};

/* Takes the lock and works out how the plan's hosts are reached. plan is borrowed. -1 with session->error; drive_close
 * is due whatever comes back. */
int drive_open(struct drive *drive, struct session *session, const struct plan *plan);
void drive_close(struct drive *drive);

/* Asks the master, and compares every agent of the plan with what it shows. ERROR_CONFLICT names the agents that are no
 * longer as the plan saw them. */
int drive_check_drift(struct drive *drive);

/* Makes the run and its rows. run: at least RUN_ID_SIZE bytes. ERROR_CONFLICT when an earlier run left agents of this plan
 * under way. */
int drive_begin(struct drive *drive, char *run);

/* Drives it to its end and prints the roll. 0: all done; 1: some are not; -1 with session->error (interrupted…). */
int drive(struct drive *drive, const char *run);

#endif
