/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_OUTGOING_SENDER_H
#define ORCHESTRATOR_OUTGOING_SENDER_H
/*
 * Posts what waits in the queue. It never waits itself: whoever has a loop calls sender_step in it, as often as the
 * last call asked for, and requests go on inside of loop_wait.
 *
 * At least once: a message has ended when its answer was 2xx and that is committed, with an event "outgoing.delivered"; a process that dies before sends it
 * again, with the same ID. In order: of a lane one message at a time is under way. One sender for each cluster and
 * database: a lock beside the database ("<database>.outgoing.lock"), which the kernel releases.
 *
 * A receiver that cannot be reached, or does not answer in time, is left alone for a while as a whole, with one attempt at a time to
 * see whether it is back. One that answers with an error is only asked again about that message later.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "inventory/store.h"
#include "remote/http.h"

struct sender;
struct sender_options {
	struct store *store;
	struct http *http;
	const char *cluster; /* only its receivers are told */
	const char *ca;      /* the cluster file's; NULL: none */
	const char *actor;   /* who sends, for the ledger: "user@workstation" */
	json_t *origin;      /* and from where; NULL: not said. The sender's; all else is borrowed */
};
struct sender *sender_new(const struct sender_options *options);
/* Breaks off what is under way; NULL is fine. */
void sender_free(struct sender *sender);

/* Writes down how requests ended and begins new ones. Returns after how many milliseconds it wants to be called again, at
 * the latest. Never takes long: a database that another process holds just now is left for the next time. */
int64_t sender_step(struct sender *sender);

/* After a step: something is under way, or could be sent now. */
bool sender_is_busy(const struct sender *sender);
/* Another process sends. */
bool sender_is_elsewhere(const struct sender *sender);
/* Why the queue could not be read or written at the last step; NULL: it could. Borrowed. */
const char *sender_trouble(const struct sender *sender);

/* How long after an attempt that failed the next one comes: attempts is how many there were, random any number. */
int64_t sender_delay_ms(int64_t attempts, bool dead, uint32_t random);

#endif
