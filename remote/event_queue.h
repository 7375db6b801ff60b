/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_EVENT_QUEUE_H
#define REMOTE_EVENT_QUEUE_H
/* The events of a transport until transport_next takes them: first in, first out, with texts of their own. */
#include "remote/transport.h"

struct event_queue {
	struct queued_event *first, *last;
	char *lent; /* the text of the event that was taken last */
};

/* Zeroed is empty. */
void event_queue_clear(struct event_queue *queue);
/* Copies event and its text (len bytes; NULL is ""). */
void event_queue_put(struct event_queue *queue, const struct exec_event *event);
/* The text is borrowed until the next call. */
bool event_queue_take(struct event_queue *queue, struct exec_event *event);
/* Forgets every event of an exec. */
void event_queue_drop(struct event_queue *queue, uint64_t exec);

#endif
