/* SPDX-License-Identifier: Apache-2.0 */
/* Masters over HTTP: questions, and who is asked them: the URLs that were given, or whom ZooKeeper names. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "remote/master.h"
#include "remote/master_all.h"
#include "remote/master_question.h"
#include "remote/zookeeper.h"

/* An ask: it waits for ZooKeeper to name a master, is under way while it has a question, then is an event that waits for
 * master_next. */
struct ask {
	struct ask *next;
	struct master_http *source;
	unsigned want;
	int64_t until_ms; /* when there is no point in waiting for ZooKeeper any longer */
	struct question *question;
	struct master_event event;
};

struct ask_list {
	struct ask *first, *last;
};

struct master_http {
	struct master_source base; /* first: a struct master_source * points here */
	struct masters masters;
	struct ask_list open, answered;
	struct zookeeper_options zookeeper_options;
	struct zookeeper *zookeeper; /* NULL: the URLs are fixed */
	struct loop_source *timer;   /* for asks that wait for ZooKeeper */
	const char **urls;           /* as ZooKeeper has them */
};

static void append(struct ask_list *list, struct ask *ask)
{
	ask->next = NULL;
	if (list->last != NULL)
		list->last->next = ask;
	else
		list->first = ask;
	list->last = ask;
}

static void remove_from(struct ask_list *list, const struct ask *ask)
{
	struct ask **link = &list->first;
	struct ask *before = NULL;
	for (; *link != ask; link = &(*link)->next)
		before = *link;
	*link = ask->next;
	if (list->last == ask)
		list->last = before;
}

static void on_done(void *ctx, struct master_snapshot *snapshot, const struct error *err)
{
	struct ask *ask = ctx;
	struct master_http *self = ask->source;
	ask->question = NULL;
	ask->event.snapshot = snapshot;
	ask->event.error = *err;
	remove_from(&self->open, ask);
	append(&self->answered, ask);
}

/* ---- ZooKeeper */

static void give_up(struct ask *ask)
{
	const struct master_http *self = ask->source;
	struct error err = ERROR_INIT;
	error_set(&err, ERROR_UNREACHABLE, "%s: %s", self->zookeeper_options.url, zookeeper_trouble(self->zookeeper));
	on_done(ask, NULL, &err);
}

static void on_masters_changed(void *ctx)
{
	struct master_http *self = ctx;
	struct masters *masters = &self->masters;
	const struct zookeeper_list *list = zookeeper_masters(self->zookeeper);
	self->urls = xreallocarray(self->urls, list->count + 1, sizeof(*self->urls));
	for (size_t i = 0; i < list->count; i++)
		self->urls[i] = list->masters[i].url;
	masters->urls = self->urls;
	masters->url_count = list->count;
	/* Who led until now may not have noticed yet that it does not any more. */
	if (list->count > 0 && masters->leader != NULL && strcmp(masters->leader, list->masters[0].url) != 0) {
		free(masters->leader);
		masters->leader = NULL;
	}
	if (list->count == 0)
		return;
	for (struct ask *ask = self->open.first; ask != NULL; ask = ask->next) {
		if (ask->question == NULL)
			ask->question = question_start(masters, ask->want, on_done, ask);
	}
}

static void set_timer(struct master_http *self)
{
	int64_t first = -1;
	for (const struct ask *ask = self->open.first; ask != NULL; ask = ask->next) {
		if (ask->question == NULL && (first < 0 || ask->until_ms < first))
			first = ask->until_ms;
	}
	loop_set(self->timer, -1, 0, first);
}

static void on_timer(void *ctx, short revents)
{
	struct master_http *self = ctx;
	struct ask *next;
	(void)revents;
	for (struct ask *ask = self->open.first; ask != NULL; ask = next) {
		next = ask->next;
		if (ask->question == NULL && ask->until_ms <= clock_monotonic_ms())
			give_up(ask);
	}
	set_timer(self);
}

/* ---- the source */

static void http_ask(struct master_source *source, unsigned want, uint64_t tag)
{
	struct master_http *self = (struct master_http *)source;
	struct ask *ask = xcalloc(1, sizeof(*ask));
	ask->source = self;
	ask->want = want;
	ask->until_ms = clock_monotonic_ms() + self->masters.timeout_ms;
	ask->event.tag = tag;
	append(&self->open, ask);
	if (self->masters.url_count > 0)
		ask->question = question_start(&self->masters, want, on_done, ask);
	else
		set_timer(self);
}

static bool http_next(struct master_source *source, struct master_event *event)
{
	struct master_http *self = (struct master_http *)source;
	struct ask *ask = self->answered.first;
	if (ask == NULL)
		return false;
	remove_from(&self->answered, ask);
	*event = ask->event;
	free(ask);
	return true;
}

static int http_ask_others(struct master_source *source, struct loop *loop, const struct master_report *leader,
			   struct master_roll *out, struct error *err)
{
	struct master_http *self = (struct master_http *)source;
	if (self->masters.url_count == 0)
		return error_set(err, leader->error.kind, "%s", leader->error.text);
	return master_ask_each(&self->masters, self->zookeeper, loop, leader, out);
}

static void http_source_free(struct master_source *source)
{
	struct master_http *self = (struct master_http *)source;
	struct master_event event;
	while (self->open.first != NULL) {
		struct ask *ask = self->open.first;
		remove_from(&self->open, ask);
		if (ask->question != NULL)
			question_cancel(ask->question);
		free(ask);
	}
	while (http_next(source, &event))
		master_snapshot_free(event.snapshot);
	zookeeper_shut(self->zookeeper);
	loop_remove(self->timer);
	free(self->urls);
	free(self->masters.leader);
	free(self);
}

static const struct master_source_ops http_ops = {
	.ask = http_ask, .next = http_next, .free = http_source_free, .ask_others = http_ask_others};

struct master_source *master_open(struct loop *loop, const struct master_options *options, struct error *err)
{
	struct master_http *self = xcalloc(1, sizeof(*self));
	self->base.ops = &http_ops;
	self->masters = (struct masters){
		.http = options->http,
		.urls = options->urls,
		.url_count = options->zookeeper == NULL ? options->url_count : 0,
		.access = options->access,
		.timeout_ms = options->timeout_ms,
		.attempts = options->attempts > 1 ? options->attempts : 1,
	};
	if (options->zookeeper == NULL)
		return &self->base;
	self->timer = loop_add(loop, on_timer, self);
	self->zookeeper_options = (struct zookeeper_options){
		.url = options->zookeeper, .credentials = options->zookeeper_credentials, .tls = options->tls};
	self->zookeeper = zookeeper_open(loop, &self->zookeeper_options, on_masters_changed, self, err);
	if (self->zookeeper != NULL)
		return &self->base;
	http_source_free(&self->base);
	return NULL;
}

struct master_source *master_http_new(struct http *http, const char *const *urls, size_t count, int64_t timeout_ms)
{
	const struct master_options options = {
		.http = http, .urls = urls, .url_count = count, .timeout_ms = timeout_ms, .attempts = 1};
	return master_open(http_loop(http), &options, NULL);
}
