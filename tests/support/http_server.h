/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_HTTP_SERVER_H
#define TESTS_SUPPORT_HTTP_SERVER_H
/*
 * A real HTTP server on loopback for tests: one thread, one request per connection. The test's function writes the raw
 * bytes of the answer itself, so that it can send halves and nonsense too.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct server_request {
	char head[8192]; /* request line and headers */
	char body[8192];
	char path[1024]; /* with the query */
};

struct http_server {
	int listener;
	int port;
	char url[64]; /* http://127.0.0.1:PORT */
	pthread_t thread;
	void (*answer)(struct http_server *server, const struct server_request *request, int fd);
	void *ctx;
	atomic_int requests;
};

/* answer is called in the server's thread. */
void server_start(struct http_server *server,
		  void (*answer)(struct http_server *server, const struct server_request *request, int fd), void *ctx);
void server_stop(struct http_server *server);

/* For answer functions. */
void server_write(int fd, const void *data, size_t len);
void server_puts(int fd, const char *text);
/* A whole answer. status: "200 OK"; extra: further header lines, each with \r\n, or "". */
void server_answer(int fd, const char *status, const char *extra, const void *body, size_t len);

/* A socket that listens on a free loopback port. */
int listen_on_loopback(int *port);
/* A loopback port on which nobody listens. */
int closed_port(void);
/* -1 when nobody listens. */
int connect_to_loopback(int port);

#endif
