/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(bool fine, const char *what)
{
	if (fine)
		return;
	perror(what);
	abort();
}

/* A socket that listens on a free loopback port. */
int listen_on_loopback(int *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fd >= 0, "socket");
	must(bind(fd, (struct sockaddr *)&address, len) == 0, "bind");
	must(listen(fd, 64) == 0, "listen");
	must(getsockname(fd, (struct sockaddr *)&address, &len) == 0, "getsockname");
	*port = ntohs(address.sin_port);
	return fd;
}

/* A loopback port on which nobody listens. */
int closed_port(void)
{
	int port;
	close(listen_on_loopback(&port));
	return port;
}

int connect_to_loopback(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fd >= 0, "socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

void server_write(int fd, const void *data, size_t len)
{
	const char *bytes = data;
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

void server_puts(int fd, const char *text)
{
	server_write(fd, text, strlen(text));
}

/* A whole answer. extra: further header lines with \r\n, or "". */
void server_answer(int fd, const char *status, const char *extra, const void *body, size_t len)
{
	char head[1024];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n",
			 status, len, extra);
	server_write(fd, head, (size_t)n);
	server_write(fd, body, len);
}

static int server_read_request(int fd, struct server_request *request)
{
	size_t len = 0;
	char *end = NULL;
	memset(request, 0, sizeof(*request));
	while (end == NULL && len < sizeof(request->head) - 1) {
		ssize_t n = recv(fd, request->head + len, sizeof(request->head) - 1 - len, 0);
		if (n <= 0)
			return -1;
		len += (size_t)n;
		end = strstr(request->head, "\r\n\r\n");
	}
	if (end == NULL || sscanf(request->head, "%*s %1023s", request->path) != 1)
		return -1;
	end += 4;
	size_t body = len - (size_t)(end - request->head);
	memcpy(request->body, end, body);
	*end = '\0';
	const char *length = strstr(request->head, "Content-Length: ");
	size_t wanted = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
	while (body < wanted && body < sizeof(request->body) - 1) {
		ssize_t n = recv(fd, request->body + body, sizeof(request->body) - 1 - body, 0);
		if (n <= 0)
			return -1;
		body += (size_t)n;
	}
	return 0;
}

/* The client must have read everything before the socket is closed with unread bytes in it, which would reset it. */
static void server_hang_up(int fd)
{
	char rest[512];
	shutdown(fd, SHUT_WR);
	while (recv(fd, rest, sizeof(rest), 0) > 0)
		;
	close(fd);
}

static void *server_run(void *ctx)
{
	struct http_server *server = ctx;
	for (;;) {
		struct server_request request;
		int fd = accept(server->listener, NULL, NULL);
		if (fd < 0)
			return NULL;
		if (server_read_request(fd, &request) == 0) {
			atomic_fetch_add(&server->requests, 1);
			server->answer(server, &request, fd);
		}
		server_hang_up(fd);
	}
}

void server_start(struct http_server *server, void (*answer)(struct http_server *, const struct server_request *, int),
		  void *ctx)
{
	memset(server, 0, sizeof(*server));
	server->listener = listen_on_loopback(&server->port);
	server->answer = answer;
	server->ctx = ctx;
	snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d", server->port);
	must(pthread_create(&server->thread, NULL, server_run, server) == 0, "pthread_create");
}

void server_stop(struct http_server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
}
