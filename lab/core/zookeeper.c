/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/zookeeper.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "lab/core/jute.h"

#define PACKET_MAX   (4u << 20)
#define RETRY_MS     100 /* a server that is starting refuses connections for a moment */
#define XID_WATCH    (-1)
#define XID_PING     (-2)
#define PASSWORD_LEN 16

enum { OP_CREATE = 1, OP_GET = 4, OP_CHILDREN = 8, OP_PING = 11, OP_CLOSE = -11 };
enum { FLAG_EPHEMERAL = 1, FLAG_SEQUENCE = 2, PERMIT_ALL = 31 };

struct waiting { /* requests that are not answered yet, in order: so are the answers */
	struct waiting *next;
	int32_t xid;
	int op;
	zookeeper_done *done;
};

struct zookeeper {
	struct events *events;
	const struct zookeeper_ops *ops;
	void *ctx;
	struct sockaddr_in address;
	int64_t session_ms;
	int64_t session_id;
	char password[PASSWORD_LEN];
	int fd;
	struct watch *watch;
	struct timer *timer; /* pings, connecting again, giving up */
	int64_t heard_ms;    /* the last word of the server */
	bool ready;          /* the session is confirmed on this connection */
	bool over;
	int32_t last_xid;
	struct buffer in, out;
	struct waiting *waiting;
};

/* ---- the connection */

static void on_ready(void *ctx, uint32_t got);

static void flush(struct zookeeper *zookeeper)
{
	while (zookeeper->out.len > 0) {
		ssize_t put = send(zookeeper->fd, zookeeper->out.data, zookeeper->out.len, MSG_NOSIGNAL);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			break;
		buffer_consume(&zookeeper->out, (size_t)put);
	}
	if (zookeeper->watch != NULL)
		watch_set(zookeeper->watch, zookeeper->out.len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void send_packet(struct zookeeper *zookeeper, const struct buffer *packet)
{
	jute_put_bytes(&zookeeper->out, packet->data, packet->len);
	flush(zookeeper);
}

static void send_hello(struct zookeeper *zookeeper)
{
	struct buffer packet = BUFFER_INIT(PACKET_MAX);
	jute_put_int(&packet, 0);  /* protocol version */
	jute_put_long(&packet, 0); /* last transaction seen */
	jute_put_int(&packet, (int32_t)zookeeper->session_ms);
	jute_put_long(&packet, zookeeper->session_id);
	jute_put_bytes(&packet, zookeeper->password, PASSWORD_LEN);
	buffer_putc(&packet, 0); /* not read-only */
	send_packet(zookeeper, &packet);
	buffer_clear(&packet);
}

static void connect_now(struct zookeeper *zookeeper)
{
	zookeeper->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	timer_set(zookeeper->timer, RETRY_MS);
	if (zookeeper->fd < 0)
		return;
	if (connect(zookeeper->fd, (const struct sockaddr *)&zookeeper->address, sizeof(zookeeper->address)) < 0 &&
	    errno != EINPROGRESS) {
		close(zookeeper->fd);
		zookeeper->fd = -1;
		return;
	}
	zookeeper->watch = watch_new(zookeeper->events, zookeeper->fd, EPOLLOUT, on_ready, zookeeper);
	timer_set(zookeeper->timer, zookeeper->session_ms);
}

static void hang_up(struct zookeeper *zookeeper)
{
	watch_free(zookeeper->watch);
	zookeeper->watch = NULL;
	if (zookeeper->fd >= 0)
		close(zookeeper->fd);
	zookeeper->fd = -1;
	zookeeper->ready = false;
	buffer_reset(&zookeeper->in);
	buffer_reset(&zookeeper->out);
}

static void fail_waiting(struct zookeeper *zookeeper)
{
	const struct zookeeper_answer lost = {.code = ZOOKEEPER_LOST, .text = ""};
	while (zookeeper->waiting != NULL) {
		struct waiting *first = zookeeper->waiting;
		zookeeper->waiting = first->next;
		if (first->done != NULL && !zookeeper->over)
			first->done(zookeeper->ctx, &lost);
		free(first);
	}
}

static void give_up(struct zookeeper *zookeeper)
{
	if (zookeeper->over)
		return;
	zookeeper->over = true;
	hang_up(zookeeper);
	timer_set(zookeeper->timer, -1);
	fail_waiting(zookeeper);
	zookeeper->ops->expired(zookeeper->ctx);
}

static void lose(struct zookeeper *zookeeper)
{
	hang_up(zookeeper);
	timer_set(zookeeper->timer, zookeeper->over ? -1 : RETRY_MS);
	fail_waiting(zookeeper);
}

static void ping(struct zookeeper *zookeeper)
{
	struct buffer packet = BUFFER_INIT(64);
	jute_put_int(&packet, XID_PING);
	jute_put_int(&packet, OP_PING);
	send_packet(zookeeper, &packet);
	buffer_clear(&packet);
}

/* Connected: a ping every third of the timeout. Not connected: another try, until the session must have run out. */
static void on_timer(void *ctx)
{
	struct zookeeper *zookeeper = ctx;
	int64_t silent = clock_monotonic_ms() - zookeeper->heard_ms;
	if (zookeeper->over)
		return;
	if (zookeeper->session_id != 0 && silent >= zookeeper->session_ms) {
		give_up(zookeeper);
	} else if (zookeeper->ready) {
		ping(zookeeper);
		timer_set(zookeeper->timer, zookeeper->session_ms / 3);
	} else {
		hang_up(zookeeper);
		connect_now(zookeeper);
	}
}

/* ---- what the server says */

static void take_session(struct zookeeper *zookeeper, struct jute_reader *reader)
{
	jute_get_int(reader); /* protocol version */
	int32_t timeout = jute_get_int(reader);
	int64_t id = jute_get_long(reader);
	size_t len = 0;
	char *password = jute_get_string(reader, &len);
	if (!reader->bad && timeout > 0 && len == PASSWORD_LEN) {
		memcpy(zookeeper->password, password, PASSWORD_LEN);
		zookeeper->session_id = id;
		zookeeper->session_ms = timeout;
		zookeeper->ready = true;
		timer_set(zookeeper->timer, timeout / 3);
		zookeeper->ops->connected(zookeeper->ctx);
	} else {
		give_up(zookeeper);
	}
	free(password);
}

static void read_children(struct jute_reader *reader, char ***children, size_t *count)
{
	int32_t announced = jute_get_int(reader);
	for (int32_t i = 0; i < announced && !reader->bad; i++) {
		size_t len = 0;
		*children = xreallocarray(*children, *count + 1, sizeof(**children));
		(*children)[(*count)++] = jute_get_string(reader, &len);
	}
}

static void answer(struct zookeeper *zookeeper, const struct waiting *request, int32_t code, struct jute_reader *reader)
{
	struct zookeeper_answer answer = {.code = code, .text = ""};
	char *text = NULL, **children = NULL;
	if (code == ZOOKEEPER_OK && request->op == OP_CHILDREN)
		read_children(reader, &children, &answer.child_count);
	else if (code == ZOOKEEPER_OK)
		answer.text = text = jute_get_string(reader, &answer.len);
	answer.children = children;
	size_t count = answer.child_count;
	if (code == ZOOKEEPER_OK && reader->bad)
		answer = (struct zookeeper_answer){.code = ZOOKEEPER_BAD, .text = ""};
	if (request->done != NULL)
		request->done(zookeeper->ctx, &answer);
	for (size_t i = 0; children != NULL && i < count; i++)
		free(children[i]);
	free(children);
	free(text);
}

static void take_packet(struct zookeeper *zookeeper, struct jute_reader *reader)
{
	if (!zookeeper->ready) {
		take_session(zookeeper, reader);
		return;
	}
	int32_t xid = jute_get_int(reader);
	jute_get_long(reader); /* transaction */
	int32_t code = jute_get_int(reader);
	struct waiting *request = zookeeper->waiting;
	if (xid == XID_WATCH) {
		zookeeper->ops->changed(zookeeper->ctx);
	} else if (xid != XID_PING && request != NULL && request->xid == xid) {
		zookeeper->waiting = request->next;
		answer(zookeeper, request, code, reader);
		free(request);
	}
}

static void take_packets(struct zookeeper *zookeeper)
{
	while (!zookeeper->over && zookeeper->in.len >= 4) {
		struct jute_reader head = {.at = zookeeper->in.data, .left = zookeeper->in.len};
		int32_t len = jute_get_int(&head);
		if (len < 0 || len > (int32_t)PACKET_MAX) {
			lose(zookeeper);
			return;
		}
		if (head.left < (size_t)len)
			return;
		char *packet = xmemdup(head.at, (size_t)len);
		struct jute_reader reader = {.at = packet, .left = (size_t)len};
		buffer_consume(&zookeeper->in, (size_t)len + 4);
		take_packet(zookeeper, &reader);
		free(packet);
	}
}

static void on_ready(void *ctx, uint32_t got)
{
	struct zookeeper *zookeeper = ctx;
	char chunk[8192];
	bool starting = zookeeper->out.len == 0 && !zookeeper->ready && (got & EPOLLOUT) != 0;
	if (starting && (got & (EPOLLERR | EPOLLHUP)) == 0)
		send_hello(zookeeper);
	else if ((got & EPOLLOUT) != 0)
		flush(zookeeper);
	if ((got & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
		return;
	ssize_t len = read(zookeeper->fd, chunk, sizeof(chunk));
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0 || buffer_append(&zookeeper->in, chunk, (size_t)len) < 0) {
		lose(zookeeper);
		return;
	}
	zookeeper->heard_ms = clock_monotonic_ms();
	take_packets(zookeeper);
}

/* ---- requests */

static void request(struct zookeeper *zookeeper, int op, const struct buffer *body, zookeeper_done *done)
{
	const struct zookeeper_answer lost = {.code = ZOOKEEPER_LOST, .text = ""};
	struct buffer packet = BUFFER_INIT(PACKET_MAX);
	if (!zookeeper->ready) {
		done(zookeeper->ctx, &lost);
		return;
	}
	struct waiting *waiting = xcalloc(1, sizeof(*waiting)), **end = &zookeeper->waiting;
	*waiting = (struct waiting){.xid = ++zookeeper->last_xid, .op = op, .done = done};
	while (*end != NULL)
		end = &(*end)->next;
	*end = waiting;
	jute_put_int(&packet, waiting->xid);
	jute_put_int(&packet, op);
	buffer_append(&packet, body->data, body->len);
	send_packet(zookeeper, &packet);
	buffer_clear(&packet);
}

void zookeeper_create(struct zookeeper *zookeeper, const char *path, const char *data, bool ephemeral_sequence,
		      zookeeper_done *done)
{
	struct buffer body = BUFFER_INIT(PACKET_MAX);
	jute_put_bytes(&body, path, strlen(path));
	jute_put_bytes(&body, data, strlen(data));
	jute_put_int(&body, 1); /* one entry: everybody may everything */
	jute_put_int(&body, PERMIT_ALL);
	jute_put_bytes(&body, "world", 5);
	jute_put_bytes(&body, "anyone", 6);
	jute_put_int(&body, ephemeral_sequence ? FLAG_EPHEMERAL | FLAG_SEQUENCE : 0);
	request(zookeeper, OP_CREATE, &body, done);
	buffer_clear(&body);
}

static void ask(struct zookeeper *zookeeper, int op, const char *path, bool watch, zookeeper_done *done)
{
	struct buffer body = BUFFER_INIT(PACKET_MAX);
	jute_put_bytes(&body, path, strlen(path));
	buffer_putc(&body, watch ? 1 : 0);
	request(zookeeper, op, &body, done);
	buffer_clear(&body);
}

void zookeeper_children(struct zookeeper *zookeeper, const char *path, zookeeper_done *done)
{
	ask(zookeeper, OP_CHILDREN, path, true, done);
}

void zookeeper_get(struct zookeeper *zookeeper, const char *path, zookeeper_done *done)
{
	ask(zookeeper, OP_GET, path, false, done);
}

/* ---- begin and end */

struct zookeeper *zookeeper_new(struct events *events, const char *address, int64_t session_ms,
				const struct zookeeper_ops *ops, void *ctx)
{
	struct zookeeper *zookeeper = xcalloc(1, sizeof(*zookeeper));
	const char *colon = strrchr(address, ':');
	char *ip = xstrndup(address, colon != NULL ? (size_t)(colon - address) : strlen(address));
	*zookeeper = (struct zookeeper){.events = events, .ops = ops, .ctx = ctx, .session_ms = session_ms, .fd = -1};
	zookeeper->address.sin_family = AF_INET;
	zookeeper->address.sin_port = htons((uint16_t)(colon != NULL ? strtol(colon + 1, NULL, 10) : 2181));
	inet_pton(AF_INET, ip, &zookeeper->address.sin_addr);
	free(ip);
	buffer_init(&zookeeper->in, (size_t)PACKET_MAX * 2);
	buffer_init(&zookeeper->out, (size_t)PACKET_MAX * 2);
	zookeeper->heard_ms = clock_monotonic_ms();
	zookeeper->timer = timer_new(events, on_timer, zookeeper);
	timer_set(zookeeper->timer, 0);
	return zookeeper;
}

void zookeeper_free(struct zookeeper *zookeeper)
{
	if (zookeeper == NULL)
		return;
	zookeeper->over = true;
	hang_up(zookeeper);
	fail_waiting(zookeeper);
	timer_free(zookeeper->timer);
	buffer_clear(&zookeeper->in);
	buffer_clear(&zookeeper->out);
	free(zookeeper);
}

void zookeeper_end(struct zookeeper *zookeeper)
{
	struct buffer packet = BUFFER_INIT(64);
	if (zookeeper->ready) {
		jute_put_int(&packet, ++zookeeper->last_xid);
		jute_put_int(&packet, OP_CLOSE);
		send_packet(zookeeper, &packet);
		buffer_clear(&packet);
	}
	zookeeper->over = true;
	timer_set(zookeeper->timer, -1);
}
