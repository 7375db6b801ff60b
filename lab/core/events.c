/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/events.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

#define BATCH 64 /* events taken from the kernel at once */

struct watch {
	struct events *events;
	struct watch *next_dead;
	int fd;
	bool dead; /* freed after the batch: its events may still be in it */
	void (*ready)(void *ctx, uint32_t got);
	void *ctx;
};

struct timer {
	struct events *events;
	struct timer *next;
	int64_t due_ms; /* -1: off */
	bool dead;
	void (*due)(void *ctx);
	void *ctx;
};

struct events {
	int epoll_fd;
	bool stopped;
	struct watch *dead_watches;
	struct timer *timers;
	int signal_fd;
	struct watch *signal_watch;
	void (*on_signal)(void *ctx, int number);
	void *signal_ctx;
};

struct events *events_new(struct error *err)
{
	struct events *events = xcalloc(1, sizeof(*events));
	events->signal_fd = -1;
	events->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (events->epoll_fd >= 0)
		return events;
	error_errno(err, ERROR_SYSTEM, errno, "cannot make an epoll descriptor");
	free(events);
	return NULL;
}

static void bury(struct events *events)
{
	while (events->dead_watches != NULL) {
		struct watch *watch = events->dead_watches;
		events->dead_watches = watch->next_dead;
		free(watch);
	}
	for (struct timer **at = &events->timers; *at != NULL;) {
		struct timer *timer = *at;
		if (timer->dead) {
			*at = timer->next;
			free(timer);
		} else {
			at = &timer->next;
		}
	}
}

void events_free(struct events *events)
{
	if (events == NULL)
		return;
	watch_free(events->signal_watch);
	if (events->signal_fd >= 0)
		close(events->signal_fd);
	for (struct timer *timer = events->timers; timer != NULL; timer = timer->next)
		timer->dead = true;
	bury(events);
	close(events->epoll_fd);
	free(events);
}

void events_stop(struct events *events)
{
	events->stopped = true;
}

struct watch *watch_new(struct events *events, int fd, uint32_t interest, void (*ready)(void *ctx, uint32_t got),
			void *ctx)
{
	struct watch *watch = xcalloc(1, sizeof(*watch));
	*watch = (struct watch){.events = events, .fd = fd, .ready = ready, .ctx = ctx};
	struct epoll_event event = {.events = interest, .data.ptr = watch};
	epoll_ctl(events->epoll_fd, EPOLL_CTL_ADD, fd, &event);
	return watch;
}

void watch_set(struct watch *watch, uint32_t interest)
{
	struct epoll_event event = {.events = interest, .data.ptr = watch};
	epoll_ctl(watch->events->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void watch_free(struct watch *watch)
{
	if (watch == NULL)
		return;
	epoll_ctl(watch->events->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->dead = true;
	watch->next_dead = watch->events->dead_watches;
	watch->events->dead_watches = watch;
}

struct timer *timer_new(struct events *events, void (*due)(void *ctx), void *ctx)
{
	struct timer *timer = xcalloc(1, sizeof(*timer));
	*timer = (struct timer){.events = events, .next = events->timers, .due_ms = -1, .due = due, .ctx = ctx};
	events->timers = timer;
	return timer;
}

void timer_set(struct timer *timer, int64_t in_ms)
{
	timer->due_ms = in_ms < 0 ? -1 : clock_monotonic_ms() + in_ms;
}

bool timer_is_set(const struct timer *timer)
{
	return timer->due_ms >= 0;
}

void timer_free(struct timer *timer)
{
	if (timer == NULL)
		return;
	timer->dead = true;
	timer->due_ms = -1;
}

/* How long epoll may wait; -1: no timer is set. */
static int next_due(const struct events *events)
{
	int64_t now = clock_monotonic_ms(), wait = -1;
	for (const struct timer *timer = events->timers; timer != NULL; timer = timer->next) {
		if (timer->due_ms < 0)
			continue;
		int64_t left = timer->due_ms > now ? timer->due_ms - now : 0;
		if (wait < 0 || left < wait)
			wait = left;
	}
	return wait > 3600000 ? 3600000 : (int)wait;
}

static void fire_timers(struct events *events)
{
	int64_t now = clock_monotonic_ms();
	for (struct timer *timer = events->timers; timer != NULL; timer = timer->next) {
		if (timer->due_ms < 0 || timer->due_ms > now)
			continue;
		timer->due_ms = -1;
		timer->due(timer->ctx);
	}
}

void events_run(struct events *events)
{
	struct epoll_event batch[BATCH];
	while (!events->stopped) {
		int count = epoll_wait(events->epoll_fd, batch, BATCH, next_due(events));
		for (int i = 0; i < count; i++) {
			struct watch *watch = batch[i].data.ptr;
			if (!watch->dead)
				watch->ready(watch->ctx, batch[i].events);
		}
		fire_timers(events);
		bury(events);
	}
}

static void signal_ready(void *ctx, uint32_t got)
{
	struct events *events = ctx;
	struct signalfd_siginfo info;
	(void)got;
	while (read(events->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		events->on_signal(events->signal_ctx, (int)info.ssi_signo);
}

int events_on_signals(struct events *events, const int signals[], void (*got)(void *ctx, int number), void *ctx,
		      struct error *err)
{
	sigset_t set;
	sigemptyset(&set);
	for (const int *number = signals; *number != 0; number++)
		sigaddset(&set, *number);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	events->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (events->signal_fd < 0)
		return error_errno(err, ERROR_SYSTEM, errno, "cannot make a signal descriptor");
	events->on_signal = got;
	events->signal_ctx = ctx;
	events->signal_watch = watch_new(events, events->signal_fd, EPOLLIN, signal_ready, events);
	return 0;
}

void events_reset_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
