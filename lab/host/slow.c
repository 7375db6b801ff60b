/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/host/slow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "lab/core/files.h"

#define CHUNK     8192
#define LATE_MAX  (4u << 20) /* under way in one direction; beyond that the sender is not read, as TCP has it */
#define STEP_MS   20         /* bandwidth is given out in steps of this */
#define CHUNK_MIN 64         /* of a step on the narrowest line */

struct chunk {
	struct chunk *next;
	int64_t due_ms;
	size_t len, sent;
	char data[];
};

struct lane { /* one direction */
	struct slow *slow;
	int from, to;
	struct chunk *first, **last;
	size_t under_way;
	int64_t free_ms; /* when the line is free again */
	bool ended;      /* the sender has hung up */
	bool done;       /* and the receiver knows */
};

struct slow {
	struct events *events;
	struct slow_speed speed;
	struct lane lanes[2];
	struct watch *watches[2];
	struct timer *timer;
	int fds[2]; /* the client's (a copy), and ours of the pair */
	void (*ended)(void *ctx);
	void *ctx;
};

/* ---- one direction */

static void add_chunk(struct lane *lane, const char *data, size_t len)
{
	const struct slow_speed *speed = &lane->slow->speed;
	int64_t now = clock_monotonic_ms(), begin = lane->free_ms > now ? lane->free_ms : now;
	int64_t span = speed->bytes_per_second > 0 ? (int64_t)len * 1000 / speed->bytes_per_second : 0;
	struct chunk *chunk = xmalloc(sizeof(*chunk) + len);
	*chunk = (struct chunk){.due_ms = begin + span + speed->latency_ms, .len = len};
	memcpy(chunk->data, data, len);
	lane->free_ms = begin + span;
	*lane->last = chunk;
	lane->last = &chunk->next;
	lane->under_way += len;
}

/* So much at once that a step's worth of time is spent on it. */
static size_t chunk_size(const struct slow_speed *speed)
{
	int64_t step = speed->bytes_per_second * STEP_MS / 1000;
	if (speed->bytes_per_second == 0 || step > CHUNK)
		return CHUNK;
	return step < CHUNK_MIN ? CHUNK_MIN : (size_t)step;
}

static void take(struct lane *lane)
{
	char data[CHUNK];
	while (!lane->ended && lane->under_way < LATE_MAX) {
		ssize_t got = recv(lane->from, data, chunk_size(&lane->slow->speed), MSG_DONTWAIT);
		if (got > 0)
			add_chunk(lane, data, (size_t)got);
		else if (got < 0 && errno == EINTR)
			continue;
		else if (got < 0 && errno == EAGAIN)
			return;
		else
			lane->ended = true;
	}
}

static void drop(struct lane *lane)
{
	while (lane->first != NULL) {
		struct chunk *chunk = lane->first;
		lane->first = chunk->next;
		free(chunk);
	}
	lane->last = &lane->first;
	lane->under_way = 0;
}

static void give(struct lane *lane)
{
	int64_t now = clock_monotonic_ms();
	while (lane->first != NULL && lane->first->due_ms <= now) {
		struct chunk *chunk = lane->first;
		ssize_t put = send(lane->to, chunk->data + chunk->sent, chunk->len - chunk->sent,
				   MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (put < 0) {
			drop(lane);
			lane->ended = true;
			break;
		}
		chunk->sent += (size_t)put;
		if (chunk->sent < chunk->len)
			return;
		lane->first = chunk->next;
		if (lane->first == NULL)
			lane->last = &lane->first;
		lane->under_way -= chunk->len;
		free(chunk);
	}
	if (lane->ended && lane->first == NULL && !lane->done) {
		shutdown(lane->to, SHUT_WR);
		lane->done = true;
	}
}

/* ---- both */

/* ms until something is due; at least a step while a receiver does not take what is. */
static int64_t next_due(const struct slow *slow)
{
	int64_t now = clock_monotonic_ms(), next = -1;
	for (size_t i = 0; i < 2; i++) {
		const struct chunk *chunk = slow->lanes[i].first;
		int64_t wait = chunk == NULL ? -1 : chunk->due_ms > now ? chunk->due_ms - now : STEP_MS;
		if (wait >= 0 && (next < 0 || wait < next))
			next = wait;
	}
	return next;
}

static uint32_t interest(const struct lane *lane)
{
	return !lane->ended && lane->under_way < LATE_MAX ? EPOLLIN : 0;
}

static void move(struct slow *slow)
{
	for (size_t i = 0; i < 2; i++) {
		take(&slow->lanes[i]);
		give(&slow->lanes[i]);
	}
	/* A side that has hung up would be reported for ever. */
	for (size_t i = 0; i < 2; i++) {
		if (slow->lanes[i].ended) {
			watch_free(slow->watches[i]);
			slow->watches[i] = NULL;
		} else {
			watch_set(slow->watches[i], interest(&slow->lanes[i]));
		}
	}
	timer_set(slow->timer, next_due(slow));
	if (slow->lanes[1].done) /* sshd has ended; until then it hears of a client that has hung up */
		slow->ended(slow->ctx);
}

static void on_ready(void *ctx, uint32_t got)
{
	(void)got;
	move(ctx);
}

static void on_due(void *ctx)
{
	move(ctx);
}

/* Two ends of one TCP connection: sshd wants to know an address. */
static int make_pair(const char *address, int pair[2], struct error *err)
{
	int port = 0, yes = 1;
	int listening = socket_listen_tcp(address, 0, &port, err);
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	if (listening < 0)
		return -1;
	inet_pton(AF_INET, address, &where.sin_addr);
	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool fine = pair[0] >= 0 && connect(pair[0], (struct sockaddr *)&where, sizeof(where)) == 0;
	pair[1] = fine ? accept4(listening, NULL, NULL, SOCK_CLOEXEC) : -1;
	close(listening);
	if (pair[1] >= 0) {
		setsockopt(pair[0], IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		return 0;
	}
	error_errno(err, ERROR_SYSTEM, errno, "cannot make a connection on %s", address);
	if (pair[0] >= 0)
		close(pair[0]);
	return -1;
}

struct slow *slow_new(struct events *events, int client_fd, const char *address, const struct slow_speed *speed,
		      void (*ended)(void *ctx), void *ctx, int *server_fd, struct error *err)
{
	int pair[2];
	if (make_pair(address, pair, err) < 0)
		return NULL;
	struct slow *slow = xcalloc(1, sizeof(*slow));
	*slow = (struct slow){.events = events, .speed = *speed, .ended = ended, .ctx = ctx};
	slow->fds[0] = fcntl(client_fd, F_DUPFD_CLOEXEC, 0);
	slow->fds[1] = pair[0];
	for (size_t i = 0; i < 2; i++) {
		slow->lanes[i] = (struct lane){.slow = slow, .from = slow->fds[i], .to = slow->fds[1 - i]};
		slow->lanes[i].last = &slow->lanes[i].first;
		slow->watches[i] = watch_new(events, slow->fds[i], EPOLLIN, on_ready, slow);
	}
	slow->timer = timer_new(events, on_due, slow);
	*server_fd = pair[1];
	return slow;
}

void slow_free(struct slow *slow)
{
	if (slow == NULL)
		return;
	for (size_t i = 0; i < 2; i++) {
		watch_free(slow->watches[i]);
		drop(&slow->lanes[i]);
		close(slow->fds[i]);
	}
	timer_free(slow->timer);
	free(slow);
}
