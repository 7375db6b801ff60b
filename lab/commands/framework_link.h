/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_COMMANDS_FRAMEWORK_LINK_H
#define LAB_COMMANDS_FRAMEWORK_LINK_H
/*
 * What `rollcall-lab framework` says to the master and hears from it: HTTP/1.0, so that a body is what comes until the
 * connection ends, and in the subscription's body one record after the other.
 */
#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"

#define STREAM_ID_MAX 128

struct framework_link {
	int fd; /* -1: not connected */
	struct buffer in;
	int status;                    /* 0: the head has not come yet */
	char stream_id[STREAM_ID_MAX]; /* "" when the answer has none */
};

/* Connects and asks; address is IP:PORT. stream_id may be NULL. On failure there is nothing to close. */
int framework_link_open(struct framework_link *link, const char *address, const json_t *body, const char *stream_id,
			struct error *err);
void framework_link_close(struct framework_link *link);
/* Reads what comes within timeout_ms. 1: something came; 0: nothing did, or a signal; -1: the connection is over. */
int framework_link_read(struct framework_link *link, int timeout_ms);
/* The next event, NULL when none is there. The caller owns it. */
json_t *framework_link_event(struct framework_link *link);

/* One call and its whole answer: the HTTP status, 0 when there was none. */
int framework_call(const char *address, const json_t *body, const char *stream_id, struct buffer *text);

#endif
