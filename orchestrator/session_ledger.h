/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_SESSION_LEDGER_H
#define ORCHESTRATOR_SESSION_LEDGER_H
/*
 * The ledger as a command writes to it: every event says who acts (session_actor), and its body's "origin" from where:
 *
 *	{"pid": 4711, "terminal": "/dev/pts/3", "ssh": "192.0.2.7 51514", "sudo_user": "anna", "version": "0.2.0"}
 *
 * terminal, ssh (the client's address and port) and sudo_user only where there is one.
 */
#include <jansson.h>

#include "orchestrator/ledger/ledger.h"
#include "orchestrator/session.h"

/* The caller's to close. NULL with session->error. */
struct ledger *session_ledger(struct session *session);

/* As in events: who asks. The caller's. */
json_t *session_origin(void);

/*
 * An act that writes rows by itself, and its event, in the same transaction: call deed_announce before the act, and deed_end after
 * it, whatever came of it. The next commit of the session's store writes the event; without a commit there is none.
 */
struct deed {
	struct session *session;
	/* Called within the transaction: puts the events into the ledger. */
	int (*describe)(void *ctx, struct ledger *ledger, struct error *err);
	void *ctx;
};
void deed_announce(struct deed *deed);
void deed_end(struct deed *deed);

#endif
