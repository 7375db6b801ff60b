/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with ZooKeeper goes round like this:
 *
 *   begin_session → connected → list (the path's children, with a watch) → get (each node) → publish ─┐
 *        ↑              ↑         ↑                                                                   │
 *        │              │         └── the watch: somebody came or went ←──────────────────────────────┘
 *        │              └── the connection came back: libzookeeper looks for another server by itself
 *        └── the session expired, or no server has taken us back for as long as a session lives (one that has lost its
 *            memory refuses who has seen newer things): a new one
 *
 * A round has a number; answers to an older round's questions are thrown away.
 */
#include "remote/zookeeper.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
/* Its header has a struct buffer too. */
#define buffer zookeeper_c_buffer
#include <zookeeper/zookeeper.h>
#undef buffer

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "remote/zookeeper_node.h"

/* Masters use the same: whoever is silent for longer is gone. */
#define SESSION_MS  10000
/* Between two attempts at what did not work. */
#define AGAIN_MS    1000
/* libzookeeper may ask to be called at once, again and again, while no server answers. */
#define SHORTEST_MS 20
/* A cluster has five masters at most, and a few that are going. */
#define MASTERS_MAX 64

struct found {
	struct zookeeper *zookeeper;
	unsigned round;
	long long sequence;
	bool answered, there;
	struct zookeeper_master master;
};

struct zookeeper {
	struct loop *loop;
	struct loop_source *socket, *again;
	const struct zookeeper_options *options;
	void (*changed)(void *ctx);
	void *ctx;
	char *servers, *path;
	zhandle_t *handle;
	int64_t lost_ms; /* since when there is no connection; 0: there is one */
	bool expired;    /* the session has to be replaced, outside of libzookeeper's callbacks */
	unsigned round;
	struct found *found[MASTERS_MAX]; /* the round's */
	size_t found_count, unanswered;
	struct zookeeper_list list;
	char *trouble;
};

static void begin_session(struct zookeeper *zookeeper);
static void list(struct zookeeper *zookeeper);

static void set_trouble(struct zookeeper *zookeeper, const char *text)
{
	free(zookeeper->trouble);
	zookeeper->trouble = xstrdup(text);
}

static void try_again(struct zookeeper *zookeeper)
{
	loop_set(zookeeper->again, -1, 0, clock_monotonic_ms() + AGAIN_MS);
}

/* ---- on the loop */

static void wait_for(struct zookeeper *zookeeper)
{
	int fd = -1, interest = 0;
	struct timeval patience = {.tv_sec = 1};
	if (zookeeper->handle == NULL || zookeeper->expired) {
		loop_set(zookeeper->socket, -1, 0, -1);
		return;
	}
	zookeeper_interest(zookeeper->handle, &fd, &interest, &patience);
	int64_t ms = (int64_t)patience.tv_sec * 1000 + patience.tv_usec / 1000;
	short events = (short)((interest & ZOOKEEPER_READ ? POLLIN : 0) | (interest & ZOOKEEPER_WRITE ? POLLOUT : 0));
	loop_set(zookeeper->socket, fd, events, clock_monotonic_ms() + (ms > SHORTEST_MS ? ms : SHORTEST_MS));
}

static void socket_ready(void *ctx, short revents)
{
	struct zookeeper *zookeeper = ctx;
	int events = (revents & (POLLIN | POLLHUP | POLLERR) ? ZOOKEEPER_READ : 0) |
		     (revents & POLLOUT ? ZOOKEEPER_WRITE : 0);
	zookeeper_process(zookeeper->handle, events);
	if (zookeeper->expired)
		try_again(zookeeper);
	wait_for(zookeeper);
}

/* The server may grant a session less time than we asked for. */
static bool is_lost(const struct zookeeper *zookeeper)
{
	return zookeeper->lost_ms != 0 &&
	       clock_monotonic_ms() - zookeeper->lost_ms >= zoo_recv_timeout(zookeeper->handle);
}

static void again_ready(void *ctx, short revents)
{
	struct zookeeper *zookeeper = ctx;
	(void)revents;
	if (zookeeper->handle == NULL || zookeeper->expired || is_lost(zookeeper))
		begin_session(zookeeper);
	else if (zookeeper->lost_ms != 0)
		try_again(zookeeper);
	else
		list(zookeeper);
	wait_for(zookeeper);
}

/* ---- a round */

static void found_free(struct found *found)
{
	zookeeper_master_clear(&found->master);
	free(found);
}

/* What the round has not had an answer for yet stays until libzookeeper gives its answer back. */
static void begin_round(struct zookeeper *zookeeper)
{
	zookeeper->round++;
	for (size_t i = 0; i < zookeeper->found_count; i++) {
		if (zookeeper->found[i]->answered)
			found_free(zookeeper->found[i]);
	}
	zookeeper->found_count = 0;
	zookeeper->unanswered = 0;
}

static void list_clear(struct zookeeper_list *masters)
{
	for (size_t i = 0; i < masters->count; i++)
		zookeeper_master_clear(&masters->masters[i]);
	free(masters->masters);
	*masters = (struct zookeeper_list){NULL, 0};
}

static int compare_sequences(const void *a, const void *b)
{
	const struct found *left = *(struct found *const *)a, *right = *(struct found *const *)b;
	return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

/* Every node of the round has answered. An empty list is news too, but no better than the last one. */
static void publish(struct zookeeper *zookeeper)
{
	struct zookeeper_list masters = {.masters = xcalloc(zookeeper->found_count + 1, sizeof(*masters.masters))};
	qsort(zookeeper->found, zookeeper->found_count, sizeof(struct found *), compare_sequences);
	for (size_t i = 0; i < zookeeper->found_count; i++) {
		struct found *found = zookeeper->found[i];
		if (!found->there)
			continue;
		masters.masters[masters.count++] = found->master;
		found->master = (struct zookeeper_master){.url = NULL};
	}
	begin_round(zookeeper);
	set_trouble(zookeeper, masters.count > 0 ? "" : "no master is registered there");
	if (masters.count > 0)
		log_debug("%s: %zu masters, %s leads", zookeeper->options->url, masters.count, masters.masters[0].url);
	list_clear(&zookeeper->list);
	zookeeper->list = masters;
	zookeeper->changed(zookeeper->ctx);
}

static void on_node(int code, const char *value, int len, const struct Stat *stat, const void *data)
{
	struct found *found = (struct found *)(uintptr_t)data;
	struct zookeeper *zookeeper = found->zookeeper;
	struct error err = ERROR_INIT;
	(void)stat;
	if (found->round != zookeeper->round) {
		found_free(found);
		return;
	}
	found->answered = true;
	if (code == ZOK && len >= 0)
		found->there = zookeeper_parse_node(value, (size_t)len, zookeeper->options->tls, &found->master,
						    &err) == 0;
	if (err.kind != ERROR_NONE)
		log_debug("%s: %s", zookeeper->options->url, err.text);
	if (code != ZOK && code != ZNONODE) /* the connection is lost: the next one begins anew */
		return;
	if (--zookeeper->unanswered == 0)
		publish(zookeeper);
}

static void get(struct zookeeper *zookeeper, const char *name)
{
	long long sequence = zookeeper_node_sequence(name);
	if (sequence < 0 || zookeeper->found_count == MASTERS_MAX)
		return;
	char *path = xasprintf("%s/%s", zookeeper->path, name);
	struct found *found = xcalloc(1, sizeof(*found));
	*found = (struct found){.zookeeper = zookeeper, .round = zookeeper->round, .sequence = sequence};
	if (zoo_aget(zookeeper->handle, path, 0, on_node, found) == ZOK) {
		zookeeper->found[zookeeper->found_count++] = found;
		zookeeper->unanswered++;
	} else {
		free(found);
	}
	free(path);
}

static void on_list(int code, const struct String_vector *names, const void *data)
{
	struct zookeeper *zookeeper = (struct zookeeper *)(uintptr_t)data;
	if (code == ZNONODE)
		set_trouble(zookeeper, "there is no such path: no master has ever been registered there");
	else if (code == ZNOAUTH || code == ZAUTHFAILED)
		set_trouble(zookeeper,
			    "these credentials may not read it (\"access\": {\"zookeeper\": …} in the cluster file)");
	if (code == ZNONODE || code == ZNOAUTH || code == ZAUTHFAILED)
		try_again(zookeeper);
	if (code != ZOK)
		return;
	begin_round(zookeeper);
	for (int32_t i = 0; i < names->count; i++)
		get(zookeeper, names->data[i]);
	if (zookeeper->unanswered == 0)
		publish(zookeeper);
}

static void on_change(zhandle_t *handle, int type, int state, const char *path, void *data)
{
	struct zookeeper *zookeeper = data;
	(void)state;
	(void)path;
	if (handle == zookeeper->handle && type == ZOO_CHILD_EVENT)
		list(zookeeper);
}

static void list(struct zookeeper *zookeeper)
{
	/* When the connection is lost meanwhile, the next one asks again. */
	if (zookeeper->handle != NULL && zoo_state(zookeeper->handle) == ZOO_CONNECTED_STATE)
		zoo_awget_children(zookeeper->handle, zookeeper->path, on_change, zookeeper, on_list, zookeeper);
}

/* ---- sessions */

static void on_session(zhandle_t *handle, int type, int state, const char *path, void *data)
{
	struct zookeeper *zookeeper = data;
	(void)path;
	if (type != ZOO_SESSION_EVENT || (zookeeper->handle != NULL && handle != zookeeper->handle))
		return;
	if (state == ZOO_CONNECTED_STATE) {
		zookeeper->lost_ms = 0;
		list(zookeeper);
	} else if (state == ZOO_AUTH_FAILED_STATE) {
		set_trouble(zookeeper,
			    "it refused the credentials (\"access\": {\"zookeeper\": …} in the cluster file)");
		zookeeper->expired = true;
	} else if (state == ZOO_EXPIRED_SESSION_STATE) {
		set_trouble(zookeeper, "the session has expired");
		zookeeper->expired = true;
	} else {
		set_trouble(zookeeper, "no connection to any of its servers");
		if (zookeeper->lost_ms == 0)
			zookeeper->lost_ms = clock_monotonic_ms();
		try_again(zookeeper);
	}
}

static void no_answer(int code, const void *data)
{
	(void)code;
	(void)data; /* on_session is told when they are refused */
}

/* Its answers that are still missing come now, all at once, to a round that is over. */
static void end_session(struct zookeeper *zookeeper)
{
	zhandle_t *handle = zookeeper->handle;
	loop_set(zookeeper->socket, -1, 0, -1);
	begin_round(zookeeper);
	zookeeper->handle = NULL;
	if (handle != NULL)
		zookeeper_close(handle);
}

static void begin_session(struct zookeeper *zookeeper)
{
	const char *credentials = zookeeper->options->credentials;
	end_session(zookeeper);
	zookeeper->expired = false;
	zookeeper->lost_ms = clock_monotonic_ms();
	try_again(zookeeper);
	zookeeper->handle = zookeeper_init(zookeeper->servers, on_session, SESSION_MS, NULL, zookeeper, 0);
	if (zookeeper->handle == NULL) {
		set_trouble(zookeeper, errno == EINVAL || errno == ENOENT ? "none of its servers' names is known"
									  : "no session can be begun");
		try_again(zookeeper);
		return;
	}
	if (credentials != NULL)
		zoo_add_auth(zookeeper->handle, "digest", credentials, (int)strlen(credentials), no_answer, NULL);
}

struct zookeeper *zookeeper_open(struct loop *loop, const struct zookeeper_options *options, void (*changed)(void *ctx),
				 void *ctx, struct error *err)
{
	char *servers, *path;
	if (zookeeper_parse_url(options->url, &servers, &path, err) < 0)
		return NULL;
	zoo_set_debug_level((ZooLogLevel)0); /* it would write to stderr */
	struct zookeeper *zookeeper = xcalloc(1, sizeof(*zookeeper));
	*zookeeper = (struct zookeeper){
		.loop = loop, .options = options, .changed = changed, .ctx = ctx, .servers = servers, .path = path};
	set_trouble(zookeeper, "no connection to any of its servers");
	zookeeper->socket = loop_add(loop, socket_ready, zookeeper);
	zookeeper->again = loop_add(loop, again_ready, zookeeper);
	begin_session(zookeeper);
	wait_for(zookeeper);
	return zookeeper;
}

void zookeeper_shut(struct zookeeper *zookeeper)
{
	if (zookeeper == NULL)
		return;
	end_session(zookeeper);
	loop_remove(zookeeper->socket);
	loop_remove(zookeeper->again);
	list_clear(&zookeeper->list);
	free(zookeeper->servers);
	free(zookeeper->path);
	free(zookeeper->trouble);
	free(zookeeper);
}

const struct zookeeper_list *zookeeper_masters(const struct zookeeper *zookeeper)
{
	return &zookeeper->list;
}

const char *zookeeper_trouble(const struct zookeeper *zookeeper)
{
	return zookeeper->trouble;
}
