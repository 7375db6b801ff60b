/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/loop.h"

#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

struct loop_source {
	struct loop *loop;
	void (*ready)(void *ctx, short revents);
	void *ctx;
	int fd;
	short events;
	short revents; /* what poll found, until it was told */
	int64_t deadline_ms;
	bool removed; /* freed at the end of loop_wait, or at once outside of it */
};

struct loop {
	struct loop_source **sources;
	struct pollfd *polls; /* as many as sources, and one for wake_fd */
	size_t count, capacity;
	int wake_fd;
	bool dispatching;
};

struct loop *loop_new(struct error *err)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0) {
		error_set(err, ERROR_SYSTEM, "no eventfd could be made: too many open files? (ulimit -n)");
		return NULL;
	}
	struct loop *loop = xcalloc(1, sizeof(*loop));
	loop->wake_fd = fd;
	return loop;
}

void loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	for (size_t i = 0; i < loop->count; i++)
		free(loop->sources[i]);
	free(loop->sources);
	free(loop->polls);
	close(loop->wake_fd);
	free(loop);
}

void loop_wake(struct loop *loop)
{
	uint64_t one = 1;
	ssize_t written = write(loop->wake_fd, &one, sizeof(one));
	(void)written; /* it fails only when the counter is full: then a wake is pending anyway */
}

struct loop_source *loop_add(struct loop *loop, void (*ready)(void *ctx, short revents), void *ctx)
{
	struct loop_source *source = xmalloc(sizeof(*source));
	*source = (struct loop_source){.loop = loop, .ready = ready, .ctx = ctx, .fd = -1, .deadline_ms = -1};
	if (loop->count == loop->capacity) {
		loop->capacity = loop->capacity > 0 ? loop->capacity * 2 : 16;
		loop->sources = xreallocarray(loop->sources, loop->capacity, sizeof(struct loop_source *));
	}
	loop->sources[loop->count++] = source;
	return source;
}

void loop_set(struct loop_source *source, int fd, short events, int64_t deadline_ms)
{
	if (fd != source->fd)
		source->revents = 0; /* found on another socket */
	source->fd = fd;
	source->events = events;
	source->deadline_ms = deadline_ms;
}

static void sweep(struct loop *loop)
{
	size_t kept = 0;
	for (size_t i = 0; i < loop->count; i++) {
		if (loop->sources[i]->removed)
			free(loop->sources[i]);
		else
			loop->sources[kept++] = loop->sources[i];
	}
	loop->count = kept;
}

void loop_remove(struct loop_source *source)
{
	if (source == NULL)
		return;
	source->removed = true;
	if (!source->loop->dispatching)
		sweep(source->loop);
}

/* How long poll may sleep: the caller's limit or the nearest deadline, whichever comes first. */
static int sleep_ms(const struct loop *loop, int timeout_ms)
{
	int64_t now = clock_monotonic_ms();
	int64_t shortest = timeout_ms >= 0 ? timeout_ms : INT64_MAX;
	for (size_t i = 0; i < loop->count; i++) {
		int64_t deadline = loop->sources[i]->deadline_ms;
		if (deadline >= 0 && deadline - now < shortest)
			shortest = deadline > now ? deadline - now : 0;
	}
	if (shortest == INT64_MAX)
		return -1;
	return shortest < INT_MAX ? (int)shortest : INT_MAX;
}

static void drain_wakes(struct loop *loop)
{
	uint64_t count;
	ssize_t got = read(loop->wake_fd, &count, sizeof(count));
	(void)got;
}

static void look(struct loop *loop, int timeout_ms)
{
	size_t count = loop->count;
	loop->polls = xreallocarray(loop->polls, count + 1, sizeof(struct pollfd));
	for (size_t i = 0; i < count; i++) {
		struct loop_source *source = loop->sources[i];
		loop->polls[i] = (struct pollfd){.fd = source->fd, .events = source->events};
	}
	loop->polls[count] = (struct pollfd){.fd = loop->wake_fd, .events = POLLIN};
	int found = poll(loop->polls, (nfds_t)(count + 1), sleep_ms(loop, timeout_ms));
	for (size_t i = 0; i < count; i++)
		loop->sources[i]->revents = found > 0 ? loop->polls[i].revents : 0;
	if (found > 0 && loop->polls[count].revents != 0)
		drain_wakes(loop);
}

static void dispatch(struct loop_source *source, int64_t now)
{
	if (source->removed)
		return;
	if (source->revents != 0) {
		short revents = source->revents;
		source->revents = 0;
		source->ready(source->ctx, revents);
	} else if (source->deadline_ms >= 0 && source->deadline_ms <= now) {
		source->deadline_ms = -1;
		source->ready(source->ctx, 0);
	}
}

void loop_wait(struct loop *loop, int timeout_ms)
{
	look(loop, timeout_ms);
	int64_t now = clock_monotonic_ms();
	size_t count = loop->count; /* sources that are added from here on were not looked at */
	loop->dispatching = true;
	for (size_t i = 0; i < count; i++)
		dispatch(loop->sources[i], now);
	loop->dispatching = false;
	sweep(loop);
}
