/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_OUTGOING_REQUEST_H
#define ORCHESTRATOR_OUTGOING_REQUEST_H
/* One POST to a receiver, and what its answer means. */
#include "orchestrator/outgoing/queue.h"
#include "remote/http.h"

/* How an attempt ended. */
struct post_result {
	bool delivered;
	bool unreachable; /* there was no answer: others need not be tried now */
	bool gone;        /* 410 */
	char *why;        /* in a sentence; NULL when delivered */
};
void post_result_clear(struct post_result *result);

struct request_body {
	const char *id, *kind;
	const char *bytes;
	size_t len;
	int64_t attempt; /* 1, 2, … */
};

/* Signs and starts it. access must live until done, and is filled here. 0: *http_id is under way; -1: it could not even be begun
 * (its secret cannot be read). ca: of the cluster file, or NULL. */
int receiver_post(struct http *http, const struct receiver *receiver, const char *ca, const struct request_body *body,
		  struct http_access *access, void (*done)(void *ctx, struct http_answer *answer), void *ctx,
		  uint64_t *http_id, struct error *err);

/* What the receiver said is part of why, unless a file of it holds a secret or part of its URL is hidden: then nothing of it is. */
void post_result_of(const struct receiver *receiver, const struct http_answer *answer, struct post_result *out);

#endif
