/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that go on. The server asks for bytes and is told to wait (the connection is suspended) while there are none.
 * A suspended connection does not notice that the other side is gone, so the stream watches its socket itself.
 */
#include "lab/core/web_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define BLOCK_SIZE  16384
#define BACKLOG_MAX (64u << 20) /* a reader that is so far behind is given up */

struct web_stream {
	struct MHD_Connection *connection;
	struct watch *watch;
	struct timer *run; /* the server's */
	struct buffer out;
	bool waiting;              /* the connection is suspended */
	bool ended;                /* nothing more comes */
	bool gone;                 /* the other side is; `closed` was called */
	void (*closed)(void *ctx); /* NULL: nobody wants to know any more */
	void *ctx;
};

static void wake(struct web_stream *stream)
{
	if (stream->waiting) {
		MHD_resume_connection(stream->connection);
		timer_set(stream->run, 0);
	}
	stream->waiting = false;
}

static void tell_closed(struct web_stream *stream)
{
	void (*closed)(void *ctx) = stream->closed;
	stream->closed = NULL;
	stream->gone = true;
	if (closed != NULL)
		closed(stream->ctx);
}

static void on_hangup(void *ctx, uint32_t got)
{
	struct web_stream *stream = ctx;
	(void)got;
	watch_free(stream->watch);
	stream->watch = NULL;
	tell_closed(stream);
	wake(stream);
}

struct web_stream *web_stream_new(struct events *events, const struct web_call *call, void (*closed)(void *ctx),
				  void *ctx)
{
	struct web_stream *stream = xcalloc(1, sizeof(*stream));
	*stream = (struct web_stream){
		.connection = call->connection, .out = BUFFER_INIT(BACKLOG_MAX), .closed = closed, .ctx = ctx};
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(stream->connection,
								       MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info != NULL)
		stream->watch = watch_new(events, info->connect_fd, EPOLLRDHUP, on_hangup, stream);
	return stream;
}

void web_stream_send(struct web_stream *stream, const void *data, size_t len)
{
	if (stream->ended || stream->gone)
		return;
	if (buffer_append(&stream->out, data, len) < 0)
		stream->ended = true;
	wake(stream);
}

void web_stream_end(struct web_stream *stream)
{
	stream->closed = NULL;
	stream->ended = true;
	wake(stream);
}

void web_stream_wake(struct web_stream *stream)
{
	stream->gone = true;
	wake(stream);
}

static ssize_t give(void *ctx, uint64_t at, char *out, size_t room)
{
	struct web_stream *stream = ctx;
	(void)at;
	if (stream->gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (stream->out.len > 0) {
		size_t len = stream->out.len < room ? stream->out.len : room;
		memcpy(out, stream->out.data, len);
		buffer_consume(&stream->out, len);
		return (ssize_t)len;
	}
	if (stream->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	MHD_suspend_connection(stream->connection);
	stream->waiting = true;
	return 0;
}

/* The connection is over, however it came. */
static void free_stream(void *ctx)
{
	struct web_stream *stream = ctx;
	watch_free(stream->watch);
	tell_closed(stream);
	buffer_clear(&stream->out);
	free(stream);
}

struct MHD_Response *web_stream_response(struct web_stream *stream, struct timer *run)
{
	stream->run = run;
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, give, stream, free_stream);
}
