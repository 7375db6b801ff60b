/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/detector.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lab/core/zookeeper.h"

#define SCHEME "zk://"

struct detector {
	struct events *events;
	char *address, *path;
	int64_t session_ms;
	detector_changed *changed;
	void *ctx;
	struct zookeeper *zookeeper;
	struct timer *timer; /* a new session, after the old one has run out */
	char *node;          /* the leader's; NULL: none, or not read yet */
	char *wanted;        /* being read */
	bool said;           /* something, whatever: `changed` is not called twice for nobody */
};

bool detector_is_url(const char *text)
{
	return strncmp(text, SCHEME, strlen(SCHEME)) == 0;
}

void detector_split(const char *url, char **address, char **path)
{
	const char *start = url + strlen(SCHEME), *end = strpbrk(start, ",/");
	const char *slash = strchr(start, '/');
	*address = end != NULL ? xstrndup(start, (size_t)(end - start)) : xstrdup(start);
	*path = xstrdup(slash != NULL ? slash : "/");
}

int64_t detector_session_ms(double time_scale)
{
	int64_t scaled = (int64_t)(DETECTOR_SESSION_MS / time_scale);
	return scaled > DETECTOR_SESSION_MIN_MS ? scaled : DETECTOR_SESSION_MIN_MS;
}

static void tell(struct detector *detector, const char *node, const json_t *info)
{
	bool same = detector->said && (node == NULL ? detector->node == NULL
						    : detector->node != NULL && strcmp(node, detector->node) == 0);
	if (same)
		return;
	free(detector->node);
	detector->node = node != NULL ? xstrdup(node) : NULL;
	detector->said = true;
	detector->changed(detector->ctx, info);
}

static void look(struct detector *detector);

static void on_data(void *ctx, const struct zookeeper_answer *answer)
{
	struct detector *detector = ctx;
	json_t *info = answer->code == ZOOKEEPER_OK ? json_loadb(answer->text, answer->len, 0, NULL) : NULL;
	if (info != NULL)
		tell(detector, detector->wanted, info);
	else if (answer->code == ZOOKEEPER_NO_NODE)
		look(detector); /* gone meanwhile */
	json_decref(info);
}

/* The lowest sequence; NULL when nobody contends. */
static const char *lowest(const struct zookeeper_answer *answer)
{
	const char *found = NULL;
	for (size_t i = 0; i < answer->child_count; i++) {
		const char *name = answer->children[i];
		if (strncmp(name, DETECTOR_NODE, strlen(DETECTOR_NODE)) == 0 &&
		    (found == NULL || strcmp(name, found) < 0))
			found = name;
	}
	return found;
}

static void on_made(void *ctx, const struct zookeeper_answer *answer)
{
	if (answer->code == ZOOKEEPER_OK || answer->code == ZOOKEEPER_NODE_EXISTS)
		look(ctx);
}

static void on_children(void *ctx, const struct zookeeper_answer *answer)
{
	struct detector *detector = ctx;
	const char *leader = lowest(answer);
	if (answer->code == ZOOKEEPER_NO_NODE) {
		zookeeper_create(detector->zookeeper, detector->path, "", false, on_made);
	} else if (answer->code == ZOOKEEPER_OK && leader == NULL) {
		tell(detector, NULL, NULL);
	} else if (answer->code == ZOOKEEPER_OK) {
		free(detector->wanted);
		detector->wanted = xstrdup(leader);
		char *path = xasprintf("%s/%s", detector->path, leader);
		zookeeper_get(detector->zookeeper, path, on_data);
		free(path);
	}
}

static void look(struct detector *detector)
{
	zookeeper_children(detector->zookeeper, detector->path, on_children);
}

static void on_change(void *ctx)
{
	look(ctx);
}

static void on_expired(void *ctx)
{
	struct detector *detector = ctx;
	log_info("the session with ZooKeeper at %s has expired", detector->address);
	tell(detector, NULL, NULL);
	timer_set(detector->timer, 0);
}

static const struct zookeeper_ops ops = {.connected = on_change, .changed = on_change, .expired = on_expired};

static void begin(void *ctx)
{
	struct detector *detector = ctx;
	zookeeper_free(detector->zookeeper);
	detector->zookeeper = zookeeper_new(detector->events, detector->address, detector->session_ms, &ops, detector);
}

struct detector *detector_new(struct events *events, const char *url, int64_t session_ms, detector_changed *changed,
			      void *ctx)
{
	struct detector *detector = xcalloc(1, sizeof(*detector));
	*detector = (struct detector){.events = events, .session_ms = session_ms, .changed = changed, .ctx = ctx};
	detector_split(url, &detector->address, &detector->path);
	detector->timer = timer_new(events, begin, detector);
	begin(detector);
	return detector;
}

void detector_free(struct detector *detector)
{
	if (detector == NULL)
		return;
	zookeeper_free(detector->zookeeper);
	timer_free(detector->timer);
	free(detector->address);
	free(detector->path);
	free(detector->node);
	free(detector->wanted);
	free(detector);
}
