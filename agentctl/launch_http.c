/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/launch_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"

#define HOSTS_MAX (4u << 20)

/* ---- where */

static int parse_port(const char *text, unsigned short *out)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || port < 1 || port > 65535)
		return -1;
	*out = (unsigned short)port;
	return 0;
}

/* "host", "host:port", "[address]:port" */
static int parse_authority(const char *text, size_t len, struct http_place *out)
{
	char authority[sizeof out->host + 8];
	char *host = authority;
	char *rest;

	if (len == 0 || len >= sizeof authority)
		return -1;
	memcpy(authority, text, len);
	authority[len] = '\0';
	if (strchr(authority, '@') != NULL)
		return -1;
	if (authority[0] == '[') {
		host = authority + 1;
		rest = strchr(authority, ']');
		if (rest == NULL)
			return -1;
		*rest++ = '\0';
	} else {
		rest = authority + strcspn(authority, ":");
	}
	if (*rest != '\0' && *rest != ':')
		return -1;
	if (*rest == ':' && parse_port(rest + 1, &out->port) != 0)
		return -1;
	*rest = '\0';
	if (host[0] == '\0' || strlen(host) >= sizeof out->host)
		return -1;
	memcpy(out->host, host, strlen(host) + 1);
	return 0;
}

int http_place_parse(const char *text, unsigned short default_port, struct http_place *out, struct error *err)
{
	struct http_place place = {.port = default_port, .path = ""};
	const char *at = text;
	size_t len;

	if (strncmp(at, "http://", 7) == 0)
		at += 7;
	else if (strncmp(at, "//", 2) == 0)
		at += 2;
	len = strcspn(at, "/");
	if (strlen(at + len) >= sizeof place.path || strpbrk(at, " \t\r\n") != NULL ||
	    parse_authority(at, len, &place) != 0)
		return error_set(err, ERROR_USAGE, "'%s' is no host and port that can be asked over plain HTTP", text);
	memcpy(place.path, at + len, strlen(at + len) + 1);
	*out = place;
	return 0;
}

/* ---- the answer */

void http_answer_clear(struct http_answer *answer)
{
	buffer_clear(&answer->body);
	memset(answer, 0, sizeof *answer);
}

/* The value of a header, at its first character that is no blank; NULL when there is none. */
static const char *header(const char *head, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " \t");
	}
	return NULL;
}

static int cut_off(struct error *err)
{
	return error_set(err, ERROR_CORRUPT, "the answer ends before its end");
}

static int take_chunks(const char *at, size_t len, struct buffer *out, struct error *err)
{
	const char *end = at + len;

	for (;;) {
		char *digits_end;
		unsigned long size = strtoul(at, &digits_end, 16);
		const char *line_end = strstr(at, "\r\n");

		if (digits_end == at || line_end == NULL)
			return cut_off(err);
		if (size == 0)
			return 0;
		at = line_end + 2;
		if (size > HTTP_ANSWER_MAX || (size_t)(end - at) < size + 2)
			return cut_off(err);
		buffer_append(out, at, size);
		at += size + 2;
	}
}

static int take_body(const char *head, const char *at, size_t len, struct buffer *out, struct error *err)
{
	const char *encoding = header(head, "Transfer-Encoding");
	const char *announced = header(head, "Content-Length");

	if (encoding != NULL && strncasecmp(encoding, "chunked", 7) == 0)
		return take_chunks(at, len, out, err);
	if (announced != NULL) {
		unsigned long size = strtoul(announced, NULL, 10);

		if (size > len)
			return cut_off(err);
		len = size;
	}
	buffer_append(out, at, len);
	return 0;
}

int http_answer_parse(const struct buffer *raw, struct http_answer *out, struct error *err)
{
	const char *text = buffer_text(raw);
	const char *end = strstr(text, "\r\n\r\n");
	struct http_answer answer = {.status = 0, .body = BUFFER_INIT(HTTP_ANSWER_MAX)};
	const char *location;
	char *head;
	int result;

	if (strncmp(text, "HTTP/1.", 7) != 0 || strlen(text) < 12 || end == NULL)
		return error_set(err, ERROR_CORRUPT, "the answer is not HTTP");
	answer.status = (int)strtol(text + 9, NULL, 10);
	head = xstrndup(text, (size_t)(end - text) + 2);
	location = header(head, "Location");
	if (location != NULL)
		snprintf(answer.location, sizeof answer.location, "%.*s", (int)strcspn(location, "\r\n"), location);
	end += 4;
	result = take_body(head, end, raw->len - (size_t)(end - text), &answer.body, err);
	free(head);
	if (result == 0)
		*out = answer;
	else
		http_answer_clear(&answer);
	return result;
}

/* ---- reaching it */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool literal(const char *host, unsigned short port, union address *out)
{
	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		return true;
	}
	if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(port);
		return true;
	}
	return false;
}

/* One line of /etc/hosts: an address and its names. */
static bool line_names(char *line, const char *host, unsigned short port, union address *out)
{
	char *rest;
	const char *address;

	line[strcspn(line, "#")] = '\0';
	address = strtok_r(line, " \t\r", &rest);
	for (const char *name = address; name != NULL; name = strtok_r(NULL, " \t\r", &rest))
		if (name != address && strcasecmp(name, host) == 0)
			return literal(address, port, out);
	return false;
}

static bool from_hosts(const char *root, const char *host, unsigned short port, union address *out)
{
	struct buffer text = BUFFER_INIT(HOSTS_MAX);
	char *path = path_under(root, "/etc/hosts");
	bool found = false;

	if (file_read(path, &text, NULL) == 0) {
		for (const char *at = buffer_text(&text); !found && *at != '\0';) {
			size_t len = strcspn(at, "\n");
			char *line = xstrndup(at, len);

			found = line_names(line, host, port, out);
			free(line);
			at += len + (at[len] == '\n');
		}
	}
	free(path);
	buffer_clear(&text);
	return found;
}

static int wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd wait = {.fd = fd, .events = events};
	int64_t left = deadline - clock_monotonic_ms();

	if (left <= 0 || poll(&wait, 1, (int)left) <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	return 0;
}

static int connect_to(const union address *address, int64_t deadline)
{
	socklen_t len = address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int failure = 0;
	socklen_t size = sizeof failure;

	if (fd < 0)
		return -1;
	if (connect(fd, &address->any, len) == 0)
		return fd;
	if (errno == EINPROGRESS && wait_for(fd, POLLOUT, deadline) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0) {
		if (failure == 0)
			return fd;
		errno = failure;
	}
	failure = errno;
	close(fd);
	errno = failure;
	return -1;
}

static int send_all(int fd, const struct buffer *data, int64_t deadline)
{
	for (size_t sent = 0; sent < data->len;) {
		ssize_t n = send(fd, data->data + sent, data->len - sent, MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		else if ((n < 0 && errno != EAGAIN && errno != EINTR) || wait_for(fd, POLLOUT, deadline) != 0)
			return -1;
	}
	return 0;
}

static int receive_all(int fd, struct buffer *out, int64_t deadline)
{
	char chunk[4096];

	for (;;) {
		ssize_t n = recv(fd, chunk, sizeof chunk, 0);

		if (n == 0)
			return 0;
		if (n > 0 && buffer_append(out, chunk, (size_t)n) != 0) {
			errno = EFBIG;
			return -1;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (n < 0 && wait_for(fd, POLLIN, deadline) != 0)
			return -1;
	}
}

/* The connection's end is the answer's end: that needs no looking into what is still on its way. */
static void write_request(const struct http_place *place, const char *json, struct buffer *out)
{
	buffer_printf(out,
		      "POST %s HTTP/1.1\r\nHost: %s:%hu\r\nConnection: close\r\nAccept: application/json\r\n"
		      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		      place->path[0] == '\0' ? "/" : place->path, place->host, place->port, strlen(json), json);
}

static int exchange(const union address *address, const struct buffer *request, int timeout_ms, struct buffer *out)
{
	int64_t deadline = clock_monotonic_ms() + timeout_ms;
	int fd = connect_to(address, deadline);
	int result = -1;
	int failure;

	if (fd < 0)
		return -1;
	if (send_all(fd, request, deadline) == 0)
		result = receive_all(fd, out, deadline);
	failure = errno;
	close(fd);
	errno = failure;
	return result;
}

static int ask(const struct http_place *place, const char *root, const struct buffer *request, int timeout_ms,
	       struct http_answer *out, struct error *err)
{
	struct buffer raw = BUFFER_INIT(HTTP_ANSWER_MAX);
	union address address;
	int result;

	if (!literal(place->host, place->port, &address) && !from_hosts(root, place->host, place->port, &address))
		return error_set(err, ERROR_UNREACHABLE,
				 "the name %s is not in /etc/hosts, and no name server is asked", place->host);
	result = exchange(&address, request, timeout_ms, &raw);
	if (result != 0)
		error_errno(err, ERROR_UNREACHABLE, errno, "%s:%hu", place->host, place->port);
	else
		result = http_answer_parse(&raw, out, err);
	buffer_clear(&raw);
	return result;
}

int http_post(const struct http_place *place, const char *root, const char *json, int timeout_ms,
	      struct http_answer *out, struct error *err)
{
	struct buffer request = BUFFER_INIT(65536);
	int result;

	write_request(place, json, &request);
	result = ask(place, root, &request, timeout_ms, out, err);
	buffer_clear(&request);
	return result;
}

int http_get(const struct http_place *place, const char *root, int timeout_ms, struct http_answer *out,
	     struct error *err)
{
	struct buffer request = BUFFER_INIT(4096);
	int result;

	buffer_printf(&request,
		      "GET %s HTTP/1.1\r\nHost: %s:%hu\r\nConnection: close\r\nAccept: application/json\r\n\r\n",
		      place->path[0] == '\0' ? "/" : place->path, place->host, place->port);
	result = ask(place, root, &request, timeout_ms, out, err);
	buffer_clear(&request);
	return result;
}
