/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_OUTGOING_QUEUE_H
#define ORCHESTRATOR_OUTGOING_QUEUE_H
/*
 * Who is told what happens (receivers: observers and webhooks), and what is still to be told: rows of the database. They come
 * from events (project.h) in the transaction of the event; only how often a message was tried, and how that ended, is written
 * here.
 *
 * The messages of one receiver about one agent (or one run) are a lane. The first of a lane has a time at which it may be
 * sent; the others have none until it has ended.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "inventory/store.h"

/* After so long without success a message is shown as a dead letter. It is still tried, once an hour. */
#define OUTGOING_DEAD_MS (3 * INT64_C(86400000))

/* A message that has ended stays so long: an operation's undo is told to whoever was told of the operation, and comes sooner. Events
 * say for good who was told. */
#define OUTGOING_KEPT_MS (7 * INT64_C(86400000))

struct receiver {
	int64_t number;
	char *kind; /* "observer" or "webhook" */
	char *cluster;
	char *name;
	char *url;
	char *wants;       /* observer: a framework; webhook: kinds, separated by commas, NULL: all */
	char *secret_file; /* NULL: nothing is signed */
	char *ca;          /* "system", a file, or NULL: as the cluster file says */
	int64_t timeout_ms;
	char *author;
	int64_t created_ms;
};
struct receiver_list {
	struct receiver *items; /* by kind and name */
	size_t count;
};
void receiver_clear(struct receiver *receiver);
void receiver_list_clear(struct receiver_list *list);

/* Those that are told. kind NULL: both. */
int receivers_load(struct store *store, const char *cluster, const char *kind, struct receiver_list *out,
		   struct error *err);
/* ERROR_USAGE when there is none. */
int receiver_find(struct store *store, const char *cluster, const char *kind, const char *name, struct receiver *out,
		  struct error *err);

/* One message. */
struct outgoing {
	int64_t number;
	char *id; /* 32 hex digits, the same at every attempt */
	int64_t receiver;
	char *receiver_kind, *receiver_name;
	char *lane;
	int64_t seq;
	char *kind;
	char *framework, *task; /* IDs; NULL: of a run */
	int64_t created_ms;
	int64_t attempts;
	int64_t next_ms; /* wall clock; -1: behind another one of its lane */
	bool gone;       /* its receiver has said that it wants no more */
	char *error;     /* NULL: not tried yet */
	char *hostname;  /* of the lane's agent, as the inventory has it; NULL: not known, or of a run */
};
struct outgoing_list {
	struct outgoing *items;
	size_t count;
};
void outgoing_clear(struct outgoing *message);
void outgoing_list_clear(struct outgoing_list *list);
bool outgoing_is_dead(const struct outgoing *message, int64_t now_ms);

/* Those that are still to be told, in the order in which they came; at most limit, 0: all. cluster NULL: of all. */
int outgoing_load(struct store *store, const char *cluster, size_t limit, struct outgoing_list *out, struct error *err);
/* Those of a receiver that may be sent now; at most limit. */
int outgoing_load_due(struct store *store, int64_t receiver, int64_t now_ms, size_t limit, struct outgoing_list *out,
		      struct error *err);
/* By its number or its ID. ERROR_USAGE when it is not there, or was told or dropped already. */
int outgoing_find(struct store *store, const char *cluster, const char *name, struct outgoing *out, struct error *err);

struct outgoing_counts {
	int64_t waiting;   /* all that are still to be told */
	int64_t dead;      /* of them */
	int64_t oldest_ms; /* when the oldest that waits came; 0: none waits */
};
int outgoing_count(struct store *store, const char *cluster, int64_t now_ms, struct outgoing_counts *out,
		   struct error *err);

/* How many are still to be told to one receiver. */
int outgoing_count_for(struct store *store, int64_t receiver, int64_t *waiting, struct error *err);

/* When the next one of a receiver is due: 1 with *next_ms, 0: none waits. */
int outgoing_next(struct store *store, int64_t receiver, int64_t *next_ms, struct error *err);

/* Inside of a transaction. */
int outgoing_delivered(struct store *store, int64_t number, int64_t now_ms, struct error *err);
int outgoing_failed(struct store *store, int64_t number, int64_t next_ms, bool gone, const char *why,
		    struct error *err);
/* Forgets messages that have ended long ago. */
int outgoing_prune(struct store *store, int64_t now_ms, struct error *err);
/* Everything of the cluster that waits for its time may be sent now. Its own transaction. */
int outgoing_hurry(struct store *store, const char *cluster, int64_t now_ms, struct error *err);

#endif
