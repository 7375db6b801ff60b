/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_HTTP_H
#define REMOTE_HTTP_H
/*
 * HTTP over libcurl's multi interface on the loop: every request has a body with a maximum and a deadline, and ends
 * with exactly one call of done. http:// and https:// only; redirects are reported, never followed.
 *
 * A proxy is used when the request's access names one, or else the environment (http_proxy, https_proxy); NO_PROXY is respected.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "remote/loop.h"

struct http;
struct http *http_new(struct loop *loop, struct error *err);
/* Cancels what is under way; not to be called from done. NULL is fine. */
void http_free(struct http *http);
struct loop *http_loop(const struct http *http);

/* How a server wants to be asked, and the way there. Files are paths; all of it is borrowed while requests that name it are under
 * way. Passwords and tokens are in no message and no log. */
struct http_access {
	const char *ca;                /* PEM: who may have signed the server's certificate; NULL: the system's */
	const char *certificate;       /* PEM, ours; NULL: none */
	const char *key;               /* PEM, its private key */
	const char *user, *password;   /* basic authentication; NULL: none */
	const char *authorization;     /* the header's value: "Bearer …", "token=…"; NULL: none */
	const char *proxy;             /* URL; "": none, whatever the environment says; NULL: as the environment says */
	const char *proxy_credentials; /* "USER:PASSWORD" */
};

/* Everything is copied, access aside. */
struct http_request {
	const char *url;
	const char *body; /* NULL: GET; else POST */
	size_t body_len;
	const char *content_type;         /* of the body; NULL: "application/json" */
	const char *accept;               /* NULL: "application/json" */
	const char *const *headers;       /* further ones, "Name: value", ends with NULL; NULL: none */
	const char *shown_as;             /* all that is told of it; NULL: the URL itself, without user and password */
	int64_t timeout_ms;               /* for the whole request, > 0 */
	size_t max_body;                  /* of the answer; more is ERROR_CORRUPT */
	const struct http_access *access; /* NULL: none is needed */
	/* Takes the body of an answer with status 200 piece by piece; the answer's own body stays empty then. -1 with err ends
	 * the request with that error. It may not start or cancel requests. NULL: the body is kept. */
	int (*take)(void *ctx, const char *content_type, const char *data, size_t len, struct error *err);
};

struct http_answer {
	int status; /* 0 when there was no whole answer: see error */
	struct buffer body;
	char *content_type; /* "" when none */
	int64_t date_ms;    /* the server's own clock, from the answer's Date, in whole seconds; 0: it does not say */
	char *location;     /* absolute URL of a redirect (scheme-relative ones resolved), NULL: none */
	/* ERROR_NONE when a whole answer came, whatever its status. ERROR_USAGE: no URL we ask; ERROR_UNREACHABLE: no
	 * answer; ERROR_CORRUPT: half of one, too much of one, or something that is no HTTP. The text begins with
	 * the URL as it may be shown. */
	struct error error;
};
void http_answer_clear(struct http_answer *answer);

/* done is called from loop_wait, once; it may move the answer's members out (what it leaves is cleared afterwards), and
 * may start and cancel requests. Returns an ID for http_cancel. */
uint64_t http_start(struct http *http, const struct http_request *request,
		    void (*done)(void *ctx, struct http_answer *answer), void *ctx);
/* done is not called; nothing happens when the request is over. */
void http_cancel(struct http *http, uint64_t id);

/* A URL as it may be shown: without user and password. Caller frees. */
char *http_url_for_people(const char *url);

#endif
