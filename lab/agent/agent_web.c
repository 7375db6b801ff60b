/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/agent/agent_web.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lab/core/link.h"

struct caller { /* a connection */
	struct caller *next;
	struct agent_web *web;
	struct watch *watch;
	int fd;
	struct buffer in, out;
	bool continued; /* "100 Continue" was sent for the request that is being read */
	bool last;      /* closes when all of out is written */
};

struct agent_web {
	struct events *events;
	struct listener *listener;
	struct caller *callers;
	void (*handler)(void *ctx, const struct agent_call *call, struct agent_reply *reply);
	void *ctx;
};

static void hang_up(struct caller *caller)
{
	for (struct caller **at = &caller->web->callers; *at != NULL; at = &(*at)->next) {
		if (*at != caller)
			continue;
		*at = caller->next;
		break;
	}
	watch_free(caller->watch);
	close(caller->fd);
	buffer_clear(&caller->in);
	buffer_clear(&caller->out);
	free(caller);
}

/* ---- a request's head: lines that end with CRLF, cut into strings where it lies */

struct head {
	char *method, *path, *query;
	const char *content_type, *accept;
	size_t body_len;
	bool expects; /* 100-continue */
	bool close;
	int refused; /* a status; 0: it can be answered */
};

static char *trim(char *text)
{
	text += strspn(text, " \t");
	for (size_t len = strlen(text); len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t');)
		text[--len] = '\0';
	return text;
}

static void take_length(struct head *head, const char *value)
{
	char *end;
	errno = 0;
	unsigned long long len = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end != '\0' || errno != 0)
		head->refused = 400;
	else if (len > AGENT_WEB_BODY_MAX)
		head->refused = 413;
	else
		head->body_len = (size_t)len;
}

static void take_header(struct head *head, char *line)
{
	char *colon = strchr(line, ':');
	if (colon == NULL) {
		head->refused = 400;
		return;
	}
	*colon = '\0';
	const char *value = trim(colon + 1);
	if (strcasecmp(line, "Content-Length") == 0)
		take_length(head, value);
	else if (strcasecmp(line, "Transfer-Encoding") == 0)
		head->refused = 411;
	else if (strcasecmp(line, "Content-Type") == 0)
		head->content_type = value;
	else if (strcasecmp(line, "Accept") == 0)
		head->accept = value;
	else if (strcasecmp(line, "Connection") == 0)
		head->close = strcasecmp(value, "close") == 0;
	else if (strcasecmp(line, "Expect") == 0)
		head->expects = strcasecmp(value, "100-continue") == 0;
}

static void take_request_line(struct head *head, char *line)
{
	static char nothing[1];
	char *target = strchr(line, ' '), *version = target != NULL ? strchr(target + 1, ' ') : NULL;
	head->method = line;
	head->path = head->query = nothing;
	if (version == NULL || strncmp(version + 1, "HTTP/1.", 7) != 0) {
		head->refused = 400;
		return;
	}
	*target++ = '\0';
	*version++ = '\0';
	head->close = strcmp(version, "HTTP/1.0") == 0;
	head->path = target;
	char *query = strchr(target, '?');
	if (query == NULL)
		return;
	*query++ = '\0';
	head->query = query;
}

/* Cuts text up. */
static void parse_head(char *text, struct head *head)
{
	char *next = NULL;
	*head = (struct head){.content_type = "", .accept = ""};
	for (char *line = text; line != NULL; line = next) {
		next = strstr(line, "\r\n");
		if (next != NULL) {
			*next = '\0';
			next += 2;
		}
		if (line == text)
			take_request_line(head, line);
		else if (*line != '\0')
			take_header(head, line);
	}
}

/* ---- answering */

static const char *phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
		{200, "OK"},
		{202, "Accepted"},
		{400, "Bad Request"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{411, "Length Required"},
		{413, "Payload Too Large"},
		{415, "Unsupported Media Type"},
		{501, "Not Implemented"},
		{503, "Service Unavailable"},
	};
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status)
			return phrases[i].phrase;
	}
	return "Unknown";
}

static void answer(struct caller *caller, const struct head *head, const char *body)
{
	const struct agent_call call = {.method = head->method,
					.path = head->path,
					.query = head->query,
					.body = body,
					.body_len = head->body_len,
					.content_type = head->content_type,
					.accept = head->accept};
	struct agent_reply reply = {
		.status = 200, .body = BUFFER_INIT(AGENT_WEB_REPLY_MAX), .content_type = "application/json"};
	if (head->refused != 0)
		reply.status = head->refused;
	else
		caller->web->handler(caller->web->ctx, &call, &reply);
	caller->last = head->close || head->refused != 0;
	buffer_printf(&caller->out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n", reply.status,
		      phrase(reply.status), reply.content_type, reply.body.len,
		      caller->last ? "Connection: close\r\n" : "");
	if (call.method == NULL || strcmp(call.method, "HEAD") != 0) /* a refused head may have none */
		buffer_append(&caller->out, buffer_text(&reply.body), reply.body.len);
	buffer_clear(&reply.body);
}

/* Answers the first request when all of it is there; false when it is not. */
static bool answer_one(struct caller *caller)
{
	struct head head;
	const char *end = caller->in.len > 0 ? memmem(caller->in.data, caller->in.len, "\r\n\r\n", 4) : NULL;
	if (end == NULL && caller->in.len < AGENT_WEB_HEAD_MAX)
		return false;
	size_t head_len = end != NULL ? (size_t)(end - caller->in.data) + 4 : caller->in.len;
	char *text = xstrndup(caller->in.data != NULL ? caller->in.data : "", head_len);
	parse_head(text, &head);
	if (end == NULL)
		head.refused = 413;
	bool whole = head.refused != 0 || caller->in.len - head_len >= head.body_len;
	if (whole) {
		char *body = xcalloc(1, head.body_len + 1);
		if (head.refused == 0)
			memcpy(body, caller->in.data + head_len, head.body_len);
		answer(caller, &head, body);
		free(body);
		buffer_consume(&caller->in, head.refused != 0 ? caller->in.len : head_len + head.body_len);
		caller->continued = false;
	} else if (head.expects && !caller->continued) {
		caller->continued = true;
		buffer_puts(&caller->out, "HTTP/1.1 100 Continue\r\n\r\n");
	}
	free(text);
	return whole;
}

/* ---- the connection */

/* False when the other side is gone. */
static bool read_some(struct caller *caller)
{
	char chunk[4096];
	for (;;) {
		ssize_t got = recv(caller->fd, chunk, sizeof(chunk), 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return true;
		if (got <= 0 || buffer_append(&caller->in, chunk, (size_t)got) < 0)
			return false;
	}
}

static bool write_some(struct caller *caller)
{
	while (caller->out.len > 0) {
		ssize_t put = send(caller->fd, caller->out.data, caller->out.len, MSG_NOSIGNAL);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno == EAGAIN;
		buffer_consume(&caller->out, (size_t)put);
	}
	buffer_clear(&caller->out); /* a large answer's memory is not kept for the next */
	return !caller->last;
}

static void on_ready(void *ctx, uint32_t got)
{
	struct caller *caller = ctx;
	bool open = (got & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 || caller->last || read_some(caller);
	while (open && !caller->last && answer_one(caller))
		continue;
	if (!write_some(caller) || !open)
		hang_up(caller);
	else
		watch_set(caller->watch, caller->out.len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void on_caller(void *ctx, int fd)
{
	struct agent_web *web = ctx;
	struct caller *caller = xcalloc(1, sizeof(*caller));
	*caller = (struct caller){.next = web->callers, .web = web, .fd = fd};
	buffer_init(&caller->in, AGENT_WEB_HEAD_MAX + AGENT_WEB_BODY_MAX);
	buffer_init(&caller->out, AGENT_WEB_REPLY_MAX + AGENT_WEB_HEAD_MAX);
	caller->watch = watch_new(web->events, fd, EPOLLIN, on_ready, caller);
	web->callers = caller;
}

struct agent_web *agent_web_new(struct events *events, int fd,
				void (*handler)(void *ctx, const struct agent_call *call, struct agent_reply *reply),
				void *ctx)
{
	struct agent_web *web = xcalloc(1, sizeof(*web));
	*web = (struct agent_web){.events = events, .handler = handler, .ctx = ctx};
	web->listener = listener_new(events, fd, on_caller, web);
	return web;
}

void agent_web_free(struct agent_web *web)
{
	if (web == NULL)
		return;
	for (struct caller *caller = web->callers, *next; caller != NULL; caller = next) {
		next = caller->next;
		hang_up(caller);
	}
	listener_free(web->listener);
	free(web);
}
