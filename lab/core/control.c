/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "lab/core/files.h"
#include "lab/core/link.h"

#define ANSWER_MAX (16u << 20)

struct control {
	struct events *events;
	struct listener *listener;
	control_handler *handler;
	void *ctx;
	struct control_call *calls; /* that are open */
};

/* Lives until it is answered and its client is gone. */
struct control_call {
	struct control_call *next;
	struct control *control;
	struct link *link; /* NULL: the client is gone */
	bool asked;
	bool answered;
};

static void call_finish(struct control_call *call)
{
	if (call->link != NULL || (!call->answered && call->asked))
		return;
	for (struct control_call **at = &call->control->calls; *at != NULL; at = &(*at)->next) {
		if (*at != call)
			continue;
		*at = call->next;
		free(call);
		return;
	}
}

static void call_line(void *ctx, struct link *link, const json_t *message)
{
	struct control_call *call = ctx;
	(void)link;
	if (call->asked)
		return;
	call->asked = true;
	call->control->handler(call->control->ctx, call, message);
}

static void call_closed(void *ctx, struct link *link)
{
	struct control_call *call = ctx;
	call->link = NULL;
	link_free(link);
	call_finish(call);
}

static const struct link_ops call_ops = {.line = call_line, .closed = call_closed};

void control_reply(struct control_call *call, json_t *answer)
{
	call->answered = true;
	if (call->link != NULL)
		link_send(call->link, answer);
	else
		json_decref(answer);
	call_finish(call);
}

static void control_accepted(void *ctx, int fd)
{
	struct control *control = ctx;
	struct control_call *call = xcalloc(1, sizeof(*call));
	call->control = control;
	call->next = control->calls;
	control->calls = call;
	call->link = link_new(control->events, fd, &call_ops, call);
}

struct control *control_serve(struct events *events, const struct lab *lab, const char *role, control_handler *handler,
			      void *ctx, struct error *err)
{
	char *path = lab_path(lab, "run/%s.sock", role);
	int fd = socket_listen_unix(path, err);
	free(path);
	if (fd < 0)
		return NULL;
	struct control *control = xcalloc(1, sizeof(*control));
	*control = (struct control){.events = events, .handler = handler, .ctx = ctx};
	control->listener = listener_new(events, fd, control_accepted, control);
	return control;
}

void control_free(struct control *control)
{
	if (control == NULL)
		return;
	listener_free(control->listener);
	while (control->calls != NULL) {
		struct control_call *call = control->calls;
		control->calls = call->next;
		link_free(call->link);
		free(call);
	}
	free(control);
}

static int send_line(int fd, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t len = strlen(text), sent = 0;
	text[len++] = '\n'; /* in place of the NUL */
	while (sent < len) {
		ssize_t put = send(fd, text + sent, len - sent, MSG_NOSIGNAL);
		struct pollfd wait = {.fd = fd, .events = POLLOUT};
		if (put >= 0)
			sent += (size_t)put;
		else if (errno != EINTR && (errno != EAGAIN || poll(&wait, 1, 1000) <= 0))
			break;
	}
	free(text);
	return sent == len ? 0 : -1;
}

static int read_line(int fd, int timeout_ms, struct buffer *line)
{
	int64_t deadline = clock_monotonic_ms() + timeout_ms;
	char chunk[8192];
	while (line->len == 0 || line->data[line->len - 1] != '\n') {
		int64_t left = deadline - clock_monotonic_ms();
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		if (left <= 0 || poll(&wait, 1, (int)left) < 0)
			return -1;
		ssize_t got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0 || buffer_append(line, chunk, (size_t)got) < 0)
			return -1;
	}
	return 0;
}

static json_t *check_answer(json_t *answer, const char *role, struct error *err)
{
	const char *text = json_string_value(json_object_get(answer, "error"));
	if (answer != NULL && text == NULL)
		return answer;
	if (answer == NULL)
		error_set(err, ERROR_UNREACHABLE, "the lab's %s gave no answer: see log/%s.log in the lab's folder",
			  role, role);
	else
		error_set(err, ERROR_REFUSED, "%s", text);
	json_decref(answer);
	return NULL;
}

json_t *control_ask(const struct lab *lab, const char *role, json_t *request, int timeout_ms, struct error *err)
{
	char *path = lab_path(lab, "run/%s.sock", role);
	int fd = socket_connect_unix(path, NULL);
	struct buffer line = BUFFER_INIT(ANSWER_MAX);
	json_t *answer = NULL;
	if (fd >= 0 && send_line(fd, request) == 0 && read_line(fd, timeout_ms, &line) == 0)
		answer = json_loadb(line.data, line.len, 0, NULL);
	if (fd >= 0)
		close(fd);
	buffer_clear(&line);
	json_decref(request);
	free(path);
	return check_answer(answer, role, err);
}
