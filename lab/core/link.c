/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"

#define LINE_MAX_BYTES (16u << 20)
#define BACKLOG_MAX    (64u << 20)

struct link {
	struct events *events;
	struct watch *watch;
	int fd;
	const struct link_ops *ops;
	void *ctx;
	struct buffer in, out;
	bool busy; /* in a callback: freeing waits */
	bool dead;
};

static void link_destroy(struct link *link)
{
	buffer_clear(&link->in);
	buffer_clear(&link->out);
	free(link);
}

static void link_shut(struct link *link)
{
	watch_free(link->watch);
	link->watch = NULL;
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
}

void link_free(struct link *link)
{
	if (link == NULL || link->dead)
		return;
	link_shut(link);
	link->dead = true;
	if (!link->busy)
		link_destroy(link);
}

void link_set_ctx(struct link *link, void *ctx)
{
	link->ctx = ctx;
}

const char *link_type(const json_t *message)
{
	const char *type = json_string_value(json_object_get(message, "type"));
	return type != NULL ? type : "";
}

static void give_line(struct link *link, const char *text, size_t len)
{
	json_t *message = json_loadb(text, len, 0, NULL);
	if (message != NULL)
		link->ops->line(link->ctx, link, message);
	json_decref(message);
}

static void give_lines(struct link *link)
{
	size_t start = 0;
	while (!link->dead && start < link->in.len) {
		const char *line = link->in.data + start;
		const char *end = memchr(line, '\n', link->in.len - start);
		if (end == NULL)
			break;
		start += (size_t)(end - line) + 1;
		give_line(link, line, (size_t)(end - line));
	}
	if (!link->dead)
		buffer_consume(&link->in, start);
}

/* Returns false when the other side is gone. */
static bool read_some(struct link *link)
{
	char chunk[16384];
	for (;;) {
		ssize_t got = read(link->fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return true;
		if (got <= 0 || buffer_append(&link->in, chunk, (size_t)got) < 0)
			return false;
		if (got < (ssize_t)sizeof(chunk))
			return true;
	}
}

static bool write_some(struct link *link)
{
	while (link->out.len > 0) {
		ssize_t put = send(link->fd, link->out.data, link->out.len, MSG_NOSIGNAL);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno == EAGAIN;
		buffer_consume(&link->out, (size_t)put);
	}
	return true;
}

static void link_ready(void *ctx, uint32_t got)
{
	struct link *link = ctx;
	bool open = true;
	link->busy = true;
	if ((got & EPOLLOUT) != 0)
		open = write_some(link);
	if (open && (got & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		open = read_some(link);
	give_lines(link);
	if (!link->dead && !open) {
		link_shut(link);
		link->ops->closed(link->ctx, link);
	}
	link->busy = false;
	if (link->dead)
		link_destroy(link);
	else if (link->watch != NULL)
		watch_set(link->watch, link->out.len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

struct link *link_new(struct events *events, int fd, const struct link_ops *ops, void *ctx)
{
	struct link *link = xcalloc(1, sizeof(*link));
	*link = (struct link){.events = events, .fd = fd, .ops = ops, .ctx = ctx};
	buffer_init(&link->in, LINE_MAX_BYTES);
	buffer_init(&link->out, BACKLOG_MAX);
	link->watch = watch_new(events, fd, EPOLLIN, link_ready, link);
	return link;
}

void link_send(struct link *link, json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);
	json_decref(message);
	if (text != NULL && link->fd >= 0) {
		buffer_puts(&link->out, text);
		buffer_putc(&link->out, '\n');
		if (link->out.overflow || !write_some(link))
			shutdown(link->fd, SHUT_RDWR); /* the loop then reports it as closed */
		else if (link->out.len > 0)
			watch_set(link->watch, EPOLLIN | EPOLLOUT);
	}
	free(text);
}

struct listener {
	struct watch *watch;
	int fd;
	void (*accepted)(void *ctx, int fd);
	void *ctx;
};

static void listener_ready(void *ctx, uint32_t got)
{
	struct listener *listener = ctx;
	(void)got;
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		listener->accepted(listener->ctx, fd);
}

struct listener *listener_new(struct events *events, int fd, void (*accepted)(void *ctx, int fd), void *ctx)
{
	struct listener *listener = xcalloc(1, sizeof(*listener));
	*listener = (struct listener){.fd = fd, .accepted = accepted, .ctx = ctx};
	listener->watch = watch_new(events, fd, EPOLLIN, listener_ready, listener);
	return listener;
}

void listener_free(struct listener *listener)
{
	if (listener == NULL)
		return;
	watch_free(listener->watch);
	close(listener->fd);
	free(listener);
}
