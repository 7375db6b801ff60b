/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/web.h"

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/core/web_stream.h"

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
	char *uri;
	struct buffer body;
	bool begun;
	bool suspended;
	struct web_stream *stream; /* its answer; gone when the request is */
};

const char *web_call_header(const struct web_call *call, const char *name)
{
	return MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name);
}

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

static struct MHD_Response *make_response(const struct web *web, struct web_reply *reply)
{
	if (reply->stream != NULL)
		return web_stream_response(reply->stream, web->timer);
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
	struct MHD_Response *response = make_response(request->web, reply);
	if (response == NULL)
		return MHD_NO;
	if (reply->content_type != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
	if (reply->authenticate != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, reply->authenticate);
	if (reply->location != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, reply->location);
	if (reply->stream_id != NULL)
		MHD_add_response_header(response, "Mesos-Stream-Id", reply->stream_id);
	enum MHD_Result result = MHD_queue_response(request->connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer(struct request *request, const char *path, const char *method)
{
	struct web *web = request->web;
	struct web_call call = {.method = method,
				.path = path,
				.uri = request->uri,
				.body = buffer_text(&request->body),
				.body_len = request->body.len,
				.content_type = header(request->connection, "Content-Type"),
				.accept = header(request->connection, "Accept"),
				.authorization = header(request->connection, "Authorization"),
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
		request->stream = reply.stream;
		result = send_reply(request, &reply);
	}
	buffer_clear(&reply.body);
	free(reply.location);
	free(reply.authenticate);
	free(reply.stream_id);
	return result;
}

/* The first that is heard of a request: the only place that has its query as it was written. */
static void *on_uri(void *ctx, const char *uri, struct MHD_Connection *connection)
{
	struct web *web = ctx;
	struct request *request = xcalloc(1, sizeof(*request));
	*request = (struct request){.web = web,
				    .next = web->requests,
				    .connection = connection,
				    .uri = xstrdup(uri),
				    .body = BUFFER_INIT(WEB_BODY_MAX)};
	web->requests = request;
	return request;
}

/* Called once with the headers, then with pieces of the body, then with none left. */
static enum MHD_Result on_access(void *ctx, struct MHD_Connection *connection, const char *path, const char *method,
				 const char *version, const char *data, size_t *len, void **slot)
{
	struct request *request = *slot;
	(void)ctx;
	(void)connection;
	(void)version;
	if (!request->begun) {
		request->begun = true;
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
		free(request->uri);
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

/* The server itself only asks for a certificate. What a client shows is verified in the handshake, which fails without. */
static void require_certificate(void *ctx, struct MHD_Connection *connection, void **unused,
				enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;
	(void)ctx;
	(void)unused;
	if (code != MHD_CONNECTION_NOTIFY_STARTED)
		return;
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info == NULL)
		return;
	gnutls_certificate_server_set_request(info->tls_session, GNUTLS_CERT_REQUIRE);
	gnutls_session_set_verify_cert(info->tls_session, NULL, 0);
}

static struct MHD_Daemon *start(struct web *web, int fd, const struct web_tls *tls)
{
	const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
	const struct MHD_OptionItem secure[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)(tls != NULL ? tls->certificate : NULL)},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)(tls != NULL ? tls->key : NULL)},
		{tls != NULL && tls->ca != NULL ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
		 (void *)(uintptr_t)(tls != NULL ? tls->ca : NULL)},
		{MHD_OPTION_END, 0, NULL}};
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (tls != NULL ? MHD_USE_TLS : 0u);
	return MHD_start_daemon(flags, 0, NULL, NULL, on_access, web, MHD_OPTION_LISTEN_SOCKET, fd,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, web, MHD_OPTION_URI_LOG_CALLBACK, on_uri,
				web, MHD_OPTION_CONNECTION_LIMIT, 1000u, MHD_OPTION_NOTIFY_CONNECTION,
				tls != NULL && tls->required ? require_certificate : NULL, NULL, MHD_OPTION_ARRAY,
				tls != NULL ? secure : none, MHD_OPTION_END);
}

struct web *web_new_tls(struct events *events, int fd, const struct web_tls *tls, web_handler *handler, void *ctx,
			struct error *err)
{
	struct web *web = xcalloc(1, sizeof(*web));
	*web = (struct web){.handler = handler, .ctx = ctx};
	web->daemon = start(web, fd, tls);
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

struct web *web_new(struct events *events, int fd, web_handler *handler, void *ctx, struct error *err)
{
	return web_new_tls(events, fd, NULL, handler, ctx, err);
}

void web_free(struct web *web)
{
	if (web == NULL)
		return;
	for (struct request *request = web->requests; request != NULL; request = request->next) {
		if (request->suspended)
			MHD_resume_connection(request->connection);
		if (request->stream != NULL)
			web_stream_wake(request->stream);
	}
	watch_free(web->watch);
	timer_free(web->timer);
	MHD_stop_daemon(web->daemon);
	free(web);
}
