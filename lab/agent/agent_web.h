/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_AGENT_AGENT_WEB_H
#define LAB_AGENT_AGENT_WEB_H
/*
 * The agent's HTTP server, on its loop: HTTP/1.1 with kept connections and bodies of a stated length, which is what
 * clients of an agent send. It is the lab's own because there are thousands of agents: a library with TLS in it takes
 * more memory than all the rest of one.
 */
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "lab/core/events.h"

#define AGENT_WEB_HEAD_MAX  (64u << 10)
#define AGENT_WEB_BODY_MAX  (4u << 20)
#define AGENT_WEB_REPLY_MAX (64u << 20)

struct agent_call {
	const char *method;
	const char *path;  /* without the query */
	const char *query; /* "" when there is none */
	const char *body;  /* "" when there is none */
	size_t body_len;
	const char *content_type; /* "" when not given */
	const char *accept;       /* "" when not given */
};

struct agent_reply {
	int status; /* 200 */
	struct buffer body;
	const char *content_type; /* static; application/json */
};

struct agent_web;
/* Takes the listening descriptor. handler fills reply, which is given as 200 with an empty body. */
struct agent_web *agent_web_new(struct events *events, int fd,
				void (*handler)(void *ctx, const struct agent_call *call, struct agent_reply *reply),
				void *ctx);
void agent_web_free(struct agent_web *web); /* NULL is fine */

#endif
