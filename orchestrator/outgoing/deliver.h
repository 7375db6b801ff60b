/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_OUTGOING_DELIVER_H
#define ORCHESTRATOR_OUTGOING_DELIVER_H
/* Telling everybody what waits, by whoever has nothing else to do: at the end of a rollout, and `observer deliver`. */
#include "orchestrator/outgoing/queue.h"
#include "orchestrator/outgoing/sender.h"
#include "orchestrator/session.h"

/* A sender for the session's cluster; NULL with session->error. */
struct sender *deliver_sender(struct session *session);

struct deliver {
	int64_t for_ms; /* at most so long; -1: until Ctrl-C */
	bool insist;    /* also wait for what is to be tried again later; false: every message is tried once */
	bool stay;      /* also when nothing waits any more */
};
/* Sends until nothing waits any more, the time is over, or Ctrl-C. 0, with what is left; -1 with session->error. */
int deliver(struct session *session, const struct deliver *how, struct outgoing_counts *left);

/* After a run: everything that can be sent now is, but not for long; and what is left is said. wait false: it is only said.
 * Nothing of it is a failure of the run. */
void deliver_after_run(struct session *session, bool wait);

#endif
