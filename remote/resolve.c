/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

struct lookup {
	char *host;
	char service[16];
	int fd; /* the answer goes here */
};

struct answer {
	int code; /* of getaddrinfo */
	struct addrinfo *list;
};

/* Whoever cannot be told any more needs no list. */
static void report(int fd, const struct answer *answer)
{
	if (send(fd, answer, sizeof(*answer), MSG_NOSIGNAL) != (ssize_t)sizeof(*answer) && answer->code == 0)
		freeaddrinfo(answer->list);
	close(fd);
}

static void look_up(const struct lookup *lookup, int flags, struct answer *answer)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
	answer->code = getaddrinfo(lookup->host, lookup->service, &hints, &answer->list);
}

static void lookup_free(struct lookup *lookup)
{
	free(lookup->host);
	free(lookup);
}

static void *run(void *ctx)
{
	struct lookup *lookup = ctx;
	struct answer answer = {.code = 0};
	look_up(lookup, AI_ADDRCONFIG, &answer);
	report(lookup->fd, &answer);
	lookup_free(lookup);
	return NULL;
}

static int start_thread(struct lookup *lookup)
{
	pthread_t thread;
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	int code = pthread_create(&thread, &attributes, run, lookup);
	pthread_attr_destroy(&attributes);
	return code;
}

int resolve_start(const char *host, int port, struct error *err)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, ERROR_SYSTEM, errno, "no socket for looking up %s", host);
	struct lookup *lookup = xcalloc(1, sizeof(*lookup));
	struct answer answer = {.code = 0};
	lookup->host = xstrdup(host);
	lookup->fd = pair[1];
	snprintf(lookup->service, sizeof(lookup->service), "%d", port);
	look_up(lookup, AI_NUMERICHOST, &answer);
	int code = answer.code == 0 ? 0 : start_thread(lookup);
	if (code != 0) {
		lookup_free(lookup);
		close(pair[0]);
		close(pair[1]);
		return error_errno(err, ERROR_SYSTEM, code, "no thread for looking up %s", host);
	}
	if (answer.code == 0) {
		report(pair[1], &answer);
		lookup_free(lookup);
	}
	return pair[0];
}

int resolve_finish(int fd, const char *host, struct addrinfo **out, struct error *err)
{
	struct answer answer;
	ssize_t got = recv(fd, &answer, sizeof(answer), 0);
	close(fd);
	if (got != (ssize_t)sizeof(answer))
		return error_set(err, ERROR_SYSTEM, "the lookup of %s ended without an answer", host);
	if (answer.code != 0)
		return error_set(err, ERROR_UNREACHABLE, "there is no host \"%s\": %s", host,
				 gai_strerror(answer.code));
	*out = answer.list;
	return 0;
}

void resolve_cancel(int fd)
{
	struct answer answer;
	shutdown(fd, SHUT_RD); /* from here on the thread's report fails; one that came before is taken */
	if (recv(fd, &answer, sizeof(answer), MSG_DONTWAIT) == (ssize_t)sizeof(answer) && answer.code == 0)
		freeaddrinfo(answer.list);
	close(fd);
}
