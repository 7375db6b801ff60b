/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_LAUNCH_HTTP_H
#define AGENTCTL_LAUNCH_HTTP_H
/*
 * Just enough HTTP/1.1 to ask a master one question: no TLS, no proxies, and names only from /etc/hosts, because a static
 * program has no name service.
 */
#include "base/buffer.h"
#include "base/error.h"

#define HTTP_ANSWER_MAX (1u << 20) /* a master describes itself in a few KB */

struct http_place {
	char host[256];
	unsigned short port;
	char path[1024]; /* "/…", or "" when the text has none */
};
/* "host:port", "//host:port/path", "http://host:port/path", "[::1]:5050". ERROR_USAGE otherwise; out is untouched then. */
int http_place_parse(const char *text, unsigned short default_port, struct http_place *out, struct error *err);

struct http_answer {
	int status;
	char location[1024]; /* "" when there is none */
	struct buffer body;
};
void http_answer_clear(struct http_answer *answer);
/* A whole answer, as it was read until the connection's end or the length it announces. ERROR_CORRUPT when it is none, or cut
 * off. */
int http_answer_parse(const struct buffer *raw, struct http_answer *out, struct error *err);

/* GETs and reads the answer; see http_post. */
int http_get(const struct http_place *place, const char *root, int timeout_ms, struct http_answer *out,
	     struct error *err);
/* POSTs JSON and reads the answer. ERROR_UNREACHABLE; root: where etc/hosts is. */
int http_post(const struct http_place *place, const char *root, const char *json, int timeout_ms,
	      struct http_answer *out, struct error *err);

#endif
