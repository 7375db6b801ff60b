/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_DRIVE_H
#define AGENTCTL_DRIVE_H
/* Driving an operation to its end on a real host, and talking about it. */
#include "agentctl/host_ops.h"
#include "agentctl/talk.h"
#include "protocol/operation.h"

/* Advances until the operation is final (or, with until_waiting, has to wait), saying what happens. The lock is the caller's. Returns
 * the exit code: 0 done (or waiting), 1 undone or stuck, 4 when it could not go on (said as "stuck"; the operation stays open). */
int drive(struct operation *op, struct real_host *host, struct talk *talk, bool until_waiting);

/* The same for an operation that another agentctl is at work on: passes words on through the journal and says what is seen there, until it
 * is final. When the other one dies, takes the lock and drives. */
int follow(struct real_host *host, struct talk *talk);

/* Takes over an operation whose driver is gone; the lock is the caller's. */
int take_over(struct real_host *host, struct talk *talk, bool until_waiting);

/* Says how it ended (done, undone or stuck), with the host as it is; returns the exit code. */
int say_end(struct talk *talk, struct real_host *host, const struct operation_state *state);

#endif
