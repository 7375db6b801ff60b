/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_LOOP_H
#define REMOTE_LOOP_H
/*
 * The one place that waits: every socket of HTTP and SSH, and every deadline, in one poll(2). Whoever owns a socket
 * registers a source; loop_wait calls it back when its socket is ready or its time has come.
 *
 * Callbacks may add, change and remove any source, their own included. They must not call loop_wait or loop_free.
 */
#include <stdint.h>

#include "base/error.h"

struct loop;
struct loop *loop_new(struct error *err);
/* Every source must have been removed before. */
void loop_free(struct loop *loop);

/* Waits until something happened, at most timeout_ms (0: just look; -1: until something happens), and does what is
 * due. Also returns early after a signal or loop_wake (async-signal-safe). */
void loop_wait(struct loop *loop, int timeout_ms);
void loop_wake(struct loop *loop);

struct loop_source; /* a socket with interest in reading/writing and a deadline */
struct loop_source *loop_add(struct loop *loop, void (*ready)(void *ctx, short revents), void *ctx);
/* fd -1: no socket; events as for poll(2); deadline in clock_monotonic_ms, -1: none. When the deadline has passed,
 * ready is called once with revents 0 and the deadline is gone. */
void loop_set(struct loop_source *source, int fd, short events, int64_t deadline_ms);
/* The source must not be used afterwards; NULL is fine. */
void loop_remove(struct loop_source *source);

#endif
