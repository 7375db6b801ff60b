/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_OUTGOING_MESSAGE_H
#define ORCHESTRATOR_OUTGOING_MESSAGE_H
/* What is posted: schema/observer-event.schema.json and schema/webhook-event.schema.json. */
#include "base/buffer.h"
#include "orchestrator/outgoing/queue.h"

/* A SlaveInfo of many resources is some ten KB. */
#define MESSAGE_MAX (4u << 20)

/* The body, from the event that the message follows from: the same bytes at every attempt. Appended to out. */
int message_compose(struct store *store, const struct outgoing *message, struct buffer *out, struct error *err);

/* The body of a test, which stands in no queue. */
void message_compose_test(const struct receiver *receiver, const char *id, int64_t now_ms, struct buffer *out);

/* The header's value: "t=SECONDS,v1=HEX", HEX the HMAC-SHA256 with secret as key over "SECONDS.BODY". */
#define SIGNATURE_MAX 128
void message_sign(const char *secret, int64_t now_ms, const char *body, size_t len, char out[SIGNATURE_MAX]);

#endif
