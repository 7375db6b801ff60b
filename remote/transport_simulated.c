/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/transport_simulated.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "remote/event_queue.h"

struct open_exec {
	uint64_t exec;
	uint64_t tag;
};

struct transport_simulated {
	struct transport base; /* first: a struct transport * points here */
	const struct simulated_hosts *hosts;
	void *ctx;
	struct event_queue events;
	struct open_exec *open; /* oldest first */
	size_t open_count, open_capacity;
	uint64_t last_exec;
};

static struct transport_simulated *self_of(struct transport *transport)
{
	return (struct transport_simulated *)transport;
}

static struct open_exec *find(const struct transport_simulated *self, uint64_t exec)
{
	for (size_t i = 0; i < self->open_count; i++) {
		if (self->open[i].exec == exec)
			return &self->open[i];
	}
	return NULL;
}

static void remember(struct transport_simulated *self, uint64_t exec, uint64_t tag)
{
	if (self->open_count == self->open_capacity) {
		self->open_capacity = self->open_capacity > 0 ? self->open_capacity * 2 : 16;
		self->open = xreallocarray(self->open, self->open_capacity, sizeof(*self->open));
	}
	self->open[self->open_count++] = (struct open_exec){.exec = exec, .tag = tag};
}

static void forget(struct transport_simulated *self, struct open_exec *open)
{
	size_t after = self->open_count - (size_t)(open - self->open) - 1;
	memmove(open, open + 1, after * sizeof(*open));
	self->open_count--;
}

static uint64_t simulated_exec(struct transport *transport, const struct transport_target *target, const char *word,
			       const void *input, size_t len, uint64_t tag)
{
	struct transport_simulated *self = self_of(transport);
	uint64_t exec = ++self->last_exec;
	remember(self, exec, tag);
	struct simulated_exec started = {.exec = exec, .target = target, .word = word, .input = input, .len = len};
	self->hosts->exec(self->ctx, &started);
	return exec;
}

static void simulated_send(struct transport *transport, uint64_t exec, const char *text)
{
	struct transport_simulated *self = self_of(transport);
	if (find(self, exec) != NULL)
		self->hosts->received(self->ctx, exec, text);
}

static void simulated_cancel(struct transport *transport, uint64_t exec)
{
	struct transport_simulated *self = self_of(transport);
	struct open_exec *open = find(self, exec);
	event_queue_drop(&self->events, exec);
	if (open == NULL)
		return;
	forget(self, open);
	self->hosts->hung_up(self->ctx, exec);
}

static bool simulated_next(struct transport *transport, struct exec_event *event)
{
	return event_queue_take(&self_of(transport)->events, event);
}

static void simulated_free(struct transport *transport)
{
	struct transport_simulated *self = self_of(transport);
	while (self->open_count > 0) {
		uint64_t exec = self->open[0].exec;
		forget(self, &self->open[0]);
		self->hosts->hung_up(self->ctx, exec);
	}
	event_queue_clear(&self->events);
	free(self->open);
	free(self);
}

static const struct transport_ops simulated_ops = {
	.name = "simulated",
	.exec = simulated_exec,
	.send = simulated_send,
	.cancel = simulated_cancel,
	.next = simulated_next,
	.free = simulated_free,
};

struct transport *transport_simulated_new(const struct simulated_hosts *hosts, void *ctx)
{
	struct transport_simulated *self = xcalloc(1, sizeof(*self));
	self->base.ops = &simulated_ops;
	self->hosts = hosts;
	self->ctx = ctx;
	return &self->base;
}

static int put(struct transport_simulated *self, uint64_t exec, struct exec_event *event, const char *text)
{
	const struct open_exec *open = find(self, exec);
	if (open == NULL)
		return -1;
	event->exec = exec;
	event->tag = open->tag;
	event->text = text != NULL ? text : "";
	event->len = strlen(event->text);
	event_queue_put(&self->events, event);
	return 0;
}

int transport_simulated_connected(struct transport *transport, uint64_t exec, const char *host_key)
{
	struct exec_event event = {.kind = EXEC_CONNECTED};
	return put(self_of(transport), exec, &event, host_key);
}

int transport_simulated_line(struct transport *transport, uint64_t exec, const char *text)
{
	struct exec_event event = {.kind = EXEC_LINE};
	return put(self_of(transport), exec, &event, text);
}

int transport_simulated_closed(struct transport *transport, uint64_t exec, const struct simulated_close *close)
{
	struct transport_simulated *self = self_of(transport);
	struct exec_event event = {
		.kind = EXEC_CLOSED,
		.exit_status = close->error != NULL ? -1 : close->exit_status,
		.delivered = close->delivered,
	};
	if (close->error != NULL)
		event.error = *close->error;
	if (put(self, exec, &event, close->end_of_stderr) < 0)
		return -1;
	forget(self, find(self, exec));
	return 0;
}

size_t transport_simulated_open(const struct transport *transport)
{
	return ((const struct transport_simulated *)transport)->open_count;
}
