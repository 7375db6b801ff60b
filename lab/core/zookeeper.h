/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_ZOOKEEPER_H
#define LAB_CORE_ZOOKEEPER_H
/*
 * A ZooKeeper client on the loop: one server, one session, the few requests that leadership takes. It speaks the
 * server's own protocol (version 0, the same since ZooKeeper 3.0).
 *
 * A session outlives connections: the client connects again by itself. It is over when the server says so, or when no
 * connection was had for the timeout; then `expired` is called once and nothing more happens. Never free from inside a
 * callback.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/core/events.h"

struct zookeeper;

/* Codes of answers; others are the server's, all negative. */
#define ZOOKEEPER_OK          0
#define ZOOKEEPER_NO_NODE     (-101)
#define ZOOKEEPER_NODE_EXISTS (-110)
#define ZOOKEEPER_BAD         (-5) /* an answer that cannot be read */
#define ZOOKEEPER_LOST        (-4) /* the connection was lost before the answer came */

struct zookeeper_answer {
	int code;
	const char *text; /* create: the path that was made; get: the data. NUL-terminated, borrowed for the call */
	size_t len;
	char *const *children; /* borrowed for the call */
	size_t child_count;
};
typedef void zookeeper_done(void *ctx, const struct zookeeper_answer *answer);

struct zookeeper_ops {
	void (*connected)(void *ctx); /* again after every loss; watches have to be set anew */
	void (*changed)(void *ctx);   /* something that was watched */
	void (*expired)(void *ctx);   /* the session is over */
};

/* address: "127.0.0.1:2181". ops is borrowed. Nothing is called back from inside a call. */
struct zookeeper *zookeeper_new(struct events *events, const char *address, int64_t session_ms,
				const struct zookeeper_ops *ops, void *ctx);
/* Without ending the session: it runs out by itself, as when the process had died. NULL is fine. */
void zookeeper_free(struct zookeeper *zookeeper);
/* Asks the server to end the session, with its ephemeral nodes, now. Nothing more is called back. */
void zookeeper_end(struct zookeeper *zookeeper);

/* done is called once, with ctx of zookeeper_new. Only while connected; else it is called with ZOOKEEPER_LOST. */
void zookeeper_create(struct zookeeper *zookeeper, const char *path, const char *data, bool ephemeral_sequence,
		      zookeeper_done *done);
void zookeeper_children(struct zookeeper *zookeeper, const char *path, zookeeper_done *done); /* and watches them */
void zookeeper_get(struct zookeeper *zookeeper, const char *path, zookeeper_done *done);

#endif
