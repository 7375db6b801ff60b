/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/commands/framework_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

#define ANSWER_MAX      (64u << 20)
#define CALL_TIMEOUT_MS 60000
#define STREAM_HEADER   "Mesos-Stream-Id: "

static int connect_to(const char *address, struct error *err)
{
	const char *colon = strrchr(address, ':');
	struct sockaddr_in to = {.sin_family = AF_INET};
	char *ip = xstrndup(address, colon != NULL ? (size_t)(colon - address) : 0);
	bool good = colon != NULL && inet_pton(AF_INET, ip, &to.sin_addr) == 1;
	free(ip);
	if (!good)
		return error_set(err, ERROR_USAGE, "%s is no IP:PORT", address);
	to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	error_set(err, ERROR_UNREACHABLE, "cannot connect to the master at %s: %s", address, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int send_all(int fd, const char *text, struct error *err)
{
	size_t len = strlen(text);
	while (len > 0) {
		ssize_t put = send(fd, text, len, MSG_NOSIGNAL);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return error_set(err, ERROR_UNREACHABLE, "the master does not listen: %s", strerror(errno));
		text += put;
		len -= (size_t)put;
	}
	return 0;
}

int framework_link_open(struct framework_link *link, const char *address, const json_t *body, const char *stream_id,
			struct error *err)
{
	int fd = connect_to(address, err);
	if (fd < 0)
		return -1;
	char *text = json_dumps(body, JSON_COMPACT);
	char *request = xasprintf("POST /api/v1/scheduler HTTP/1.0\r\nHost: %s\r\nContent-Type: application/json\r\n"
				  "Accept: application/json\r\nContent-Length: %zu\r\n%s%s%s\r\n%s",
				  address, strlen(text), stream_id != NULL ? STREAM_HEADER : "",
				  stream_id != NULL ? stream_id : "", stream_id != NULL ? "\r\n" : "", text);
	int result = send_all(fd, request, err);
	free(request);
	free(text);
	if (result < 0) {
		close(fd);
		return -1;
	}
	*link = (struct framework_link){.fd = fd, .in = BUFFER_INIT(ANSWER_MAX)};
	return 0;
}

void framework_link_close(struct framework_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	buffer_clear(&link->in);
}

static void read_stream_id(struct framework_link *link, const char *head)
{
	const char *at = strcasestr(head, "\r\n" STREAM_HEADER);
	if (at == NULL)
		return;
	at += strlen("\r\n" STREAM_HEADER);
	snprintf(link->stream_id, sizeof(link->stream_id), "%.*s", (int)strcspn(at, "\r\n"), at);
}

/* As soon as the head is there, it is taken off. */
static void read_head(struct framework_link *link)
{
	const char *end = link->status == 0 ? memmem(link->in.data, link->in.len, "\r\n\r\n", 4) : NULL;
	if (end == NULL)
		return;
	char *head = xstrndup(link->in.data, (size_t)(end - link->in.data));
	const char *space = strchr(head, ' ');
	link->status = space != NULL ? (int)strtol(space, NULL, 10) : -1;
	read_stream_id(link, head);
	free(head);
	buffer_consume(&link->in, (size_t)(end - link->in.data) + 4);
}

int framework_link_read(struct framework_link *link, int timeout_ms)
{
	char chunk[16384];
	struct pollfd ready = {.fd = link->fd, .events = POLLIN};
	int count = poll(&ready, 1, timeout_ms);
	if (count == 0 || (count < 0 && errno == EINTR))
		return 0;
	ssize_t got = count > 0 ? read(link->fd, chunk, sizeof(chunk)) : -1;
	if (got < 0 && errno == EINTR)
		return 0;
	if (got <= 0 || buffer_append(&link->in, chunk, (size_t)got) < 0)
		return -1;
	read_head(link);
	return 1;
}

json_t *framework_link_event(struct framework_link *link)
{
	const char *newline = link->in.len > 0 ? memchr(link->in.data, '\n', link->in.len) : NULL;
	if (link->status != 200 || newline == NULL)
		return NULL;
	size_t before = (size_t)(newline - link->in.data) + 1;
	size_t len = (size_t)strtoull(link->in.data, NULL, 10);
	if (link->in.len - before < len)
		return NULL;
	json_t *event = json_loadb(link->in.data + before, len, 0, NULL);
	buffer_consume(&link->in, before + len);
	return event != NULL ? event : json_object();
}

int framework_call(const char *address, const json_t *body, const char *stream_id, struct buffer *text)
{
	struct framework_link link = {.fd = -1};
	int got = 1;
	if (framework_link_open(&link, address, body, stream_id, NULL) < 0)
		return 0;
	while (got > 0)
		got = framework_link_read(&link, CALL_TIMEOUT_MS);
	int status = link.status;
	buffer_append(text, buffer_text(&link.in), link.in.len);
	framework_link_close(&link);
	return status;
}
