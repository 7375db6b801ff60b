/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_ORDER_H
#define ORCHESTRATOR_ORDER_H
/*
 * Telling a run from any terminal what it is to do. With somebody driving it, the order goes into the ledger and the driver
 * carries it out; without, whoever orders does so himself.
 */
#include "orchestrator/driver/driver_lock.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/session.h"

/* Does somebody drive this run just now? holder (may be NULL) as in driver_lock_is_held. */
bool order_is_driven(struct session *session, const char *run, struct driver_holder *holder);

/* Gives the order to the run's driver and waits until it is carried out. 1: *answer says what became of it, the caller's; or why the
 * driver would not do it (order_is_declined); 0: the driver has ended without doing so, and the order is void; -1: it hangs. */
int order_give(struct session *session, const char *run, const char *verb, char **answer);

/* Marks a run that nobody drives as paused or aborted. 1: *answer is the caller's; 0: somebody has begun to drive it meanwhile, and
 * nothing is done. ERROR_CONFLICT when there is nothing to pause or abort any more. */
int order_mark(struct session *session, const char *run, const char *verb, char **answer);

bool order_is_declined(const char *answer);

/* Says on stdout what came of an order; also: what people are told behind it. One that was declined ends with ERROR_CONFLICT, as
 * where nobody drives the run. */
int order_show(struct session *session, const char *run, const char *verb, const char *answer, const char *also);

/* The whole of `rollout pause` and `rollout abort`: one of the above, and what came of it on stdout. */
int order_carry_out(struct session *session, const char *run, const char *verb);

#endif
