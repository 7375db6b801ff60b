/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_EVENTS_H
#define LAB_CORE_EVENTS_H
/*
 * The loop every role of the lab runs: descriptors, timers and signals, one thread. Callbacks may add and remove
 * anything, themselves too.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/error.h"

struct events;
struct watch; /* interest in a descriptor */
struct timer; /* fires once unless set again */

struct events *events_new(struct error *err);
void events_free(struct events *events);
void events_run(struct events *events); /* until events_stop */
void events_stop(struct events *events);

/* interest: EPOLLIN | EPOLLOUT. The descriptor stays the caller's. */
struct watch *watch_new(struct events *events, int fd, uint32_t interest, void (*ready)(void *ctx, uint32_t got),
			void *ctx);
void watch_set(struct watch *watch, uint32_t interest);
void watch_free(struct watch *watch); /* NULL is fine */

struct timer *timer_new(struct events *events, void (*due)(void *ctx), void *ctx);
void timer_set(struct timer *timer, int64_t in_ms); /* negative: off */
bool timer_is_set(const struct timer *timer);
void timer_free(struct timer *timer); /* NULL is fine */

/* SIGCHLD, SIGTERM and the like come as events; they are blocked from now on. Children must unblock them
 * (events_reset_signals). */
int events_on_signals(struct events *events, const int signals[], void (*got)(void *ctx, int number), void *ctx,
		      struct error *err);
void events_reset_signals(void);

#endif
