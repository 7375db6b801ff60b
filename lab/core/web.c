/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/web.h"

#include <microhttpd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct web {
	struct MHD_Daemon *daemon;
	struct watch *watch;
	struct timer *timer;
	void (*handler)(void *ctx, const struct web_call *call, struct web_reply *reply);
	void *ctx;
	struct request *requests; /* all that are being handled */
};

struct request {
	struct web *web;
	struct request *next;
	struct MHD_Connection *connection;
	struct buffer body;
	bool suspended;
};

const char *web_call_query(const struct web_call *call, const char *name)
{
	return MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, name);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
	return value != NULL ? value : "";
}

struct half {
	char *data;
	size_t len;
};

static ssize_t give_half(void *ctx, uint64_t at, char *out, size_t room)
{
	struct half *half = ctx;
	if (at >= half->len / 2)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	size_t len = half->len / 2 - (size_t)at;
	len = len < room ? len : room;
	memcpy(out, half->data + at, len);
	return (ssize_t)len;
}

static void free_half(void *ctx)
{
	struct half *half = ctx;
	free(half->data);
	free(half);
}

static struct MHD_Response *make_response(struct web_reply *reply)
{
	size_t len = reply->body.len;
	char *data = buffer_take(&reply->body);
	if (reply->manner != WEB_CUT)
		return MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
	struct half *half = xmalloc(sizeof(*half));
	*half = (struct half){.data = data, .len = len};
	return MHD_create_response_from_callback(len, 4096, give_half, half, free_half);
}

static enum MHD_Result send_reply(struct request *request, struct web_reply *reply)
{
	struct MHD_Response *response = make_response(reply);
	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
	if (reply->location != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, reply->location);
	enum MHD_Result result = MHD_queue_response(request->connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer(struct request *request, const char *path, const char *method)
{
	struct web *web = request->web;
	struct web_call call = {.method = method,
				.path = path,
				.body = buffer_text(&request->body),
				.body_len = request->body.len,
				.content_type = header(request->connection, "Content-Type"),
				.accept = header(request->connection, "Accept"),
				.connection = request->connection};
	struct web_reply reply = {.status = 200,
				  .body = BUFFER_INIT(WEB_REPLY_MAX),
				  .content_type = "application/json",
				  .manner = WEB_WHOLE};
	enum MHD_Result result = MHD_YES;
	web->handler(web->ctx, &call, &reply);
	if (reply.manner == WEB_NEVER) {
		request->suspended = true;
		MHD_suspend_connection(request->connection);
	} else {
		result = send_reply(request, &reply);
	}
	buffer_clear(&reply.body);
	free(reply.location);
	return result;
}

/* Called once with the headers, then with pieces of the body, then with none left. */
static enum MHD_Result on_access(void *ctx, struct MHD_Connection *connection, const char *path, const char *method,
				 const char *version, const char *data, size_t *len, void **slot)
{
	struct web *web = ctx;
	struct request *request = *slot;
	(void)version;
	if (request == NULL) {
		request = xcalloc(1, sizeof(*request));
		*request = (struct request){
			.web = web, .next = web->requests, .connection = connection, .body = BUFFER_INIT(WEB_BODY_MAX)};
		web->requests = request;
		*slot = request;
		return MHD_YES;
	}
	if (*len == 0)
		return answer(request, path, method);
	int result = buffer_append(&request->body, data, *len);
	*len = 0;
	return result == 0 ? MHD_YES : MHD_NO;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode why)
{
	struct web *web = ctx;
	struct request *request = *slot;
	(void)connection;
	(void)why;
	for (struct request **at = &web->requests; request != NULL && *at != NULL; at = &(*at)->next) {
		if (*at != request)
			continue;
		*at = request->next;
		buffer_clear(&request->body);
		free(request);
		*slot = NULL;
		return;
	}
}

static void run(struct web *web)
{
	MHD_UNSIGNED_LONG_LONG wait;
	MHD_run(web->daemon);
	bool due = MHD_get_timeout(web->daemon, &wait) == MHD_YES;
	timer_set(web->timer, due ? (int64_t)wait : -1);
}

static void on_ready(void *ctx, uint32_t got)
{
	(void)got;
	run(ctx);
}

static void on_timer(void *ctx)
{
	run(ctx);
}

void web_resume(struct web *web)
{
	for (struct request *request = web->requests; request != NULL; request = request->next) {
		if (request->suspended)
			MHD_resume_connection(request->connection);
		request->suspended = false;
	}
	run(web);
}

struct web *web_new(struct events *events, int fd,
		    void (*handler)(void *ctx, const struct web_call *call, struct web_reply *reply), void *ctx,
		    struct error *err)
{
	struct web *web = xcalloc(1, sizeof(*web));
	*web = (struct web){.handler = handler, .ctx = ctx};
	web->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_access, web,
				       MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, web,
				       MHD_OPTION_CONNECTION_LIMIT, 1000u, MHD_OPTION_END);
	const union MHD_DaemonInfo *info = web->daemon != NULL
						   ? MHD_get_daemon_info(web->daemon, MHD_DAEMON_INFO_EPOLL_FD)
						   : NULL;
	if (info == NULL) {
		error_set(err, ERROR_SYSTEM, "cannot start an HTTP server");
		free(web);
		return NULL;
	}
	web->timer = timer_new(events, on_timer, web);
	web->watch = watch_new(events, info->epoll_fd, EPOLLIN, on_ready, web);
	return web;
}

void web_free(struct web *web)
{
	if (web == NULL)
		return;
	for (struct request *request = web->requests; request != NULL; request = request->next) {
		if (request->suspended)
			MHD_resume_connection(request->connection);
	}
	watch_free(web->watch);
	timer_free(web->timer);
	MHD_stop_daemon(web->daemon);
	free(web);
}
