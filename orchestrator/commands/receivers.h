/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_COMMANDS_RECEIVERS_H
#define ORCHESTRATOR_COMMANDS_RECEIVERS_H
/* What the commands about observers and webhooks share. */
#include <jansson.h>
#include <stdbool.h>

#include "orchestrator/outgoing/queue.h"
#include "orchestrator/session.h"

/* schema/receiver.schema.json; the caller's. */
json_t *receiver_to_json(const struct receiver *receiver);

/* `observer deliver`, `observer queue --send`: now: also what waits for its time, at once. for_ms as in deliver.h. 0: nothing is
 * left; -1 with session->error: something is. */
int observer_deliver(struct session *session, bool now, bool watch, int64_t for_ms);

/* Of the session's cluster, the one of that kind and name; the caller clears it. */
int session_receiver(struct session *session, const char *kind, const char *name, struct receiver *out);

#endif
