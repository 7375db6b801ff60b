/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_WEB_H
#define LAB_CORE_WEB_H
/* An HTTP server on the loop, with TLS if wanted: libmicrohttpd without threads of its own. */
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "lab/core/events.h"

#define WEB_BODY_MAX  (4u << 20)   /* of a request */
#define WEB_REPLY_MAX (512u << 20) /* /state of thousands of agents */

struct web_call {
	const char *method;
	const char *path;
	const char *uri;  /* the path with its query, as it was asked for */
	const char *body; /* "" when there is none */
	size_t body_len;
	const char *content_type;  /* "" when not given */
	const char *accept;        /* "" when not given */
	const char *authorization; /* "" when not given */
	void *connection;
};
/* A parameter of the query, a header: NULL when it is not there; borrowed. */
const char *web_call_query(const struct web_call *call, const char *name);
const char *web_call_header(const struct web_call *call, const char *name);

enum web_manner {
	WEB_WHOLE,
	WEB_CUT,   /* the connection is lost after half of the body */
	WEB_NEVER, /* no answer; asked again when web_resume is called */
};

struct web_reply {
	int status; /* 200 */
	struct buffer body;
	const char *content_type;  /* static; application/json; NULL: none */
	char *location;            /* owned; NULL: none */
	char *authenticate;        /* WWW-Authenticate; owned; NULL: none */
	char *stream_id;           /* Mesos-Stream-Id; owned; NULL: none */
	struct web_stream *stream; /* instead of a body: an answer that goes on; NULL: none */
	enum web_manner manner;
};

/*
 * An answer whose body comes bit by bit (lab/core/web_stream.c). Made while a request is handled and put into its reply,
 * which takes it. From then on it lives until `closed` is called, once: the other side is gone, or what was to be sent
 * after web_stream_end has been.
 */
struct web_stream;
struct web_stream *web_stream_new(struct events *events, const struct web_call *call, void (*closed)(void *ctx),
				  void *ctx);
void web_stream_send(struct web_stream *stream, const void *data, size_t len);
void web_stream_end(struct web_stream *stream); /* what was sent before still goes out; `closed` is not called */

struct web;
/* Takes the listening descriptor. handler fills reply, which is given as 200 with an empty body. */
typedef void web_handler(void *ctx, const struct web_call *call, struct web_reply *reply);
struct web *web_new(struct events *events, int fd, web_handler *handler, void *ctx, struct error *err);
/* With TLS: certificate and key as PEM text. ca, NULL or PEM text: clients are asked for a certificate of it, which they
 * may leave out unless it is required. The texts are borrowed for the call. */
struct web_tls {
	const char *certificate, *key, *ca;
	bool required;
};
struct web *web_new_tls(struct events *events, int fd, const struct web_tls *tls, web_handler *handler, void *ctx,
			struct error *err);
void web_free(struct web *web);
/* Requests that were left unanswered are handled again. */
void web_resume(struct web *web);

#endif
