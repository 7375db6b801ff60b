/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "remote/master.h"
#include "remote/master_question.h"

/* An ask: under way while it has a question, then an event that waits for master_next. */
struct ask {
	struct ask *next;
	struct master_http *source;
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

static void http_ask(struct master_source *source, unsigned want, uint64_t tag)
{
	struct master_http *self = (struct master_http *)source;
	struct ask *ask = xcalloc(1, sizeof(*ask));
	ask->source = self;
	ask->event.tag = tag;
	append(&self->open, ask);
	ask->question = question_start(&self->masters, want, on_done, ask);
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

static void http_source_free(struct master_source *source)
{
	struct master_http *self = (struct master_http *)source;
	struct master_event event;
	while (self->open.first != NULL) {
		struct ask *ask = self->open.first;
		remove_from(&self->open, ask);
		question_cancel(ask->question);
		free(ask);
	}
	while (http_next(source, &event))
		master_snapshot_free(event.snapshot);
	free(self->masters.leader);
	free(self);
}

static const struct master_source_ops http_ops = {.ask = http_ask, .next = http_next, .free = http_source_free};

struct master_source *master_http_new(struct http *http, const char *const *urls, size_t count, int64_t timeout_ms)
{
	struct master_http *self = xcalloc(1, sizeof(*self));
	self->base.ops = &http_ops;
	self->masters = (struct masters){.http = http, .urls = urls, .url_count = count, .timeout_ms = timeout_ms};
	return &self->base;
}
