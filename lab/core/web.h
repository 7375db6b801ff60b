/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_WEB_H
#define LAB_CORE_WEB_H
/* An HTTP server on the loop: libmicrohttpd without threads of its own. */
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "lab/core/events.h"

#define WEB_BODY_MAX  (4u << 20)   /* of a request */
#define WEB_REPLY_MAX (512u << 20) /* /state of thousands of agents */

struct web_call {
	const char *method;
	const char *path;
	const char *body; /* "" when there is none */
	size_t body_len;
	const char *content_type; /* "" when not given */
	const char *accept;       /* "" when not given */
	void *connection;
};
/* A parameter of the query, NULL when it is not there; borrowed. */
const char *web_call_query(const struct web_call *call, const char *name);

enum web_manner {
	WEB_WHOLE,
	WEB_CUT,   /* the connection is lost after half of the body */
	WEB_NEVER, /* no answer; asked again when web_resume is called */
};

struct web_reply {
	int status; /* 200 */
	struct buffer body;
	const char *content_type; /* static; application/json */
	char *location;           /* owned; NULL: none */
	enum web_manner manner;
};

struct web;
/* Takes the listening descriptor. handler fills reply, which is given as 200 with an empty body. */
struct web *web_new(struct events *events, int fd,
		    void (*handler)(void *ctx, const struct web_call *call, struct web_reply *reply), void *ctx,
		    struct error *err);
void web_free(struct web *web);
/* Requests that were left unanswered are handled again. */
void web_resume(struct web *web);

#endif
