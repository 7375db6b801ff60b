/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/event_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct queued_event {
	struct queued_event *next;
	struct exec_event event; /* its text is owned */
	char *text;
};

static void entry_free(struct queued_event *entry)
{
	free(entry->text);
	free(entry);
}

void event_queue_clear(struct event_queue *queue)
{
	while (queue->first != NULL) {
		struct queued_event *entry = queue->first;
		queue->first = entry->next;
		entry_free(entry);
	}
	free(queue->lent);
	*queue = (struct event_queue){0};
}

void event_queue_put(struct event_queue *queue, const struct exec_event *event)
{
	struct queued_event *entry = xcalloc(1, sizeof(*entry));
	entry->event = *event;
	entry->text = event->text != NULL ? xmalloc(event->len + 1) : xstrdup("");
	if (event->text != NULL) {
		memcpy(entry->text, event->text, event->len);
		entry->text[event->len] = '\0';
	} else {
		entry->event.len = 0;
	}
	entry->event.text = entry->text;
	if (queue->last != NULL)
		queue->last->next = entry;
	else
		queue->first = entry;
	queue->last = entry;
}

bool event_queue_take(struct event_queue *queue, struct exec_event *event)
{
	free(queue->lent);
	queue->lent = NULL;
	struct queued_event *entry = queue->first;
	if (entry == NULL)
		return false;
	queue->first = entry->next;
	if (queue->first == NULL)
		queue->last = NULL;
	*event = entry->event;
	queue->lent = entry->text;
	free(entry);
	return true;
}

void event_queue_drop(struct event_queue *queue, uint64_t exec)
{
	struct queued_event **link = &queue->first;
	queue->last = NULL;
	while (*link != NULL) {
		struct queued_event *entry = *link;
		if (entry->event.exec == exec) {
			*link = entry->next;
			entry_free(entry);
		} else {
			queue->last = entry;
			link = &entry->next;
		}
	}
}
