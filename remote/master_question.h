/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_MASTER_QUESTION_H
#define REMOTE_MASTER_QUESTION_H
/* One question to a cluster's masters, from the first candidate to a whole snapshot. Only for remote/master_http.c. */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "remote/http.h"
#include "remote/master.h"
#include "remote/master_steps.h"

/* The masters of a cluster, and what was learnt of them; shared by its questions. */
struct masters {
	struct http *http;
	const char *const *urls; /* at least one; may be others at the next attempt */
	size_t url_count;
	const struct http_access *access; /* NULL: none is needed */
	int64_t timeout_ms;               /* per request, and for attempts to begin in */
	int attempts;                     /* at least 1 */
	char *leader;                     /* who answered last, owned; NULL: nobody yet */
	enum form form;                   /* the best one the leader understands */
};

/* done is called once, from loop_wait; the question is gone then. snapshot is the receiver's; NULL: see err. */
struct question;
struct question *question_start(struct masters *masters, unsigned want,
				void (*done)(void *ctx, struct master_snapshot *snapshot, const struct error *err),
				void *ctx);
/* done is not called any more. */
void question_cancel(struct question *question);

#endif
