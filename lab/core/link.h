/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_LINK_H
#define LAB_CORE_LINK_H
/*
 * JSON lines over a socket, on the loop: how the lab's roles talk (agent and master, executor and agent, commands and
 * daemons). What lab roles say to each other is the lab's own affair and no part of Mesos.
 */
#include <jansson.h>

#include "base/error.h"
#include "lab/core/events.h"
#include "lab/core/lab.h"

struct link;

struct link_ops {
	void (*line)(void *ctx, struct link *link, const json_t *message);
	void (*closed)(void *ctx, struct link *link); /* the other side is gone; free the link here or later */
};

/* Takes fd. ops is borrowed for the link's life. */
struct link *link_new(struct events *events, int fd, const struct link_ops *ops, void *ctx);
void link_free(struct link *link); /* closes; NULL is fine; allowed in a callback */
void link_set_ctx(struct link *link, void *ctx);
/* Takes message. What the other side does not read is kept, up to 64 MB; beyond that the link is closed. */
void link_send(struct link *link, json_t *message);
const char *link_type(const json_t *message); /* message["type"], "" when there is none */

/* Accepts on a listening descriptor and calls back with each new one. */
struct listener;
struct listener *listener_new(struct events *events, int fd, void (*accepted)(void *ctx, int fd), void *ctx);
void listener_free(struct listener *listener); /* closes the descriptor */

/* ---- commands to daemons: one request, one answer, over DIR/run/ROLE.sock */

struct control_call; /* a request that waits for its answer */
struct control;
typedef void control_handler(void *ctx, struct control_call *call, const json_t *request);
struct control *control_serve(struct events *events, const struct lab *lab, const char *role, control_handler *handler,
			      void *ctx, struct error *err);
void control_free(struct control *control);
void control_reply(struct control_call *call, json_t *answer); /* takes answer; once per call */

/* Sends request (taken), waits. NULL with ERROR_UNREACHABLE when the role does not answer; an answer with "error" is
 * an ERROR_REFUSED with that text. The caller owns the answer. */
json_t *control_ask(const struct lab *lab, const char *role, json_t *request, int timeout_ms, struct error *err);

#endif
