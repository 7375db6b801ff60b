/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/outgoing/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/outgoing/queue_rows.h"

#define RECEIVER_COLUMNS                                                                                               \
	"r.number, r.kind, r.cluster, r.name, r.url, r.wants, r.secret_file, r.ca, r.timeout_ms, r.author, "           \
	"r.created_ms "

#define OUTGOING_COLUMNS                                                                                                \
	"o.number, o.id, o.receiver, r.kind, r.name, o.lane, o.seq, o.kind, o.framework, o.task, o.created_ms, "        \
	"o.attempts, o.next_ms, o.gone, o.error, (SELECT a.hostname FROM agents a JOIN clusters c ON c.id = a.cluster " \
	"WHERE c.name = r.cluster AND a.id = o.lane) FROM outgoing o JOIN receivers r ON r.number = o.receiver "

void receiver_clear(struct receiver *receiver)
{
	free(receiver->kind);
	free(receiver->cluster);
	free(receiver->name);
	free(receiver->url);
	free(receiver->wants);
	free(receiver->secret_file);
	free(receiver->ca);
	free(receiver->author);
	*receiver = (struct receiver){.number = 0};
}

void receiver_list_clear(struct receiver_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		receiver_clear(&list->items[i]);
	free(list->items);
	*list = (struct receiver_list){.items = NULL};
}

void outgoing_clear(struct outgoing *message)
{
	free(message->id);
	free(message->receiver_kind);
	free(message->receiver_name);
	free(message->lane);
	free(message->kind);
	free(message->framework);
	free(message->task);
	free(message->error);
	free(message->hostname);
	*message = (struct outgoing){.number = 0};
}

void outgoing_list_clear(struct outgoing_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		outgoing_clear(&list->items[i]);
	free(list->items);
	*list = (struct outgoing_list){.items = NULL};
}

bool outgoing_is_dead(const struct outgoing *message, int64_t now_ms)
{
	return message->gone || now_ms - message->created_ms > OUTGOING_DEAD_MS;
}

static char *text_copy(const struct store_cursor *rows, int column)
{
	const char *text = store_text(rows, column);

	return text ? xstrdup(text) : NULL;
}

static void read_receiver(const struct store_cursor *rows, void *item)
{
	*(struct receiver *)item = (struct receiver){
		.number = store_int(rows, 0),
		.kind = text_copy(rows, 1),
		.cluster = text_copy(rows, 2),
		.name = text_copy(rows, 3),
		.url = text_copy(rows, 4),
		.wants = text_copy(rows, 5),
		.secret_file = text_copy(rows, 6),
		.ca = text_copy(rows, 7),
		.timeout_ms = store_int(rows, 8),
		.author = text_copy(rows, 9),
		.created_ms = store_int(rows, 10),
	};
}

static void read_outgoing(const struct store_cursor *rows, void *item)
{
	*(struct outgoing *)item = (struct outgoing){
		.number = store_int(rows, 0),
		.id = text_copy(rows, 1),
		.receiver = store_int(rows, 2),
		.receiver_kind = text_copy(rows, 3),
		.receiver_name = text_copy(rows, 4),
		.lane = text_copy(rows, 5),
		.seq = store_int(rows, 6),
		.kind = text_copy(rows, 7),
		.framework = text_copy(rows, 8),
		.task = text_copy(rows, 9),
		.created_ms = store_int(rows, 10),
		.attempts = store_int(rows, 11),
		.next_ms = store_is_null(rows, 12) ? -1 : store_int(rows, 12),
		.gone = store_int(rows, 13) != 0,
		.error = text_copy(rows, 14),
		.hostname = text_copy(rows, 15),
	};
}

/* Reads what a query gives into an array; ends the query. What was read before a failure is in it too. */
static int read_all(struct store_cursor *rows, size_t size, void (*read)(const struct store_cursor *rows, void *item),
		    void **items, size_t *count, struct error *err)
{
	size_t cap = 0;
	int more;

	*items = NULL;
	*count = 0;
	while ((more = store_next(rows, err)) > 0) {
		if (*count == cap) {
			cap = cap ? cap * 2 : 8;
			*items = xreallocarray(*items, cap, size);
		}
		read(rows, (char *)*items + size * (*count)++);
	}
	store_done(rows);
	return more;
}

static int read_receivers(struct store_cursor *rows, struct receiver_list *out, struct error *err)
{
	struct receiver_list list;
	void *items;
	int result = read_all(rows, sizeof(struct receiver), read_receiver, &items, &list.count, err);

	list.items = items;
	if (result < 0)
		receiver_list_clear(&list);
	else
		*out = list;
	return result;
}

static int read_messages(struct store_cursor *rows, struct outgoing_list *out, struct error *err)
{
	struct outgoing_list list;
	void *items;
	int result = read_all(rows, sizeof(struct outgoing), read_outgoing, &items, &list.count, err);

	list.items = items;
	if (result < 0)
		outgoing_list_clear(&list);
	else
		*out = list;
	return result;
}

int receivers_load(struct store *store, const char *cluster, const char *kind, struct receiver_list *out,
		   struct error *err)
{
	struct store_cursor rows;

	if (store_query(store, &rows, err,
			"SELECT " RECEIVER_COLUMNS "FROM receivers r WHERE r.removed_ms IS NULL AND r.cluster = ?1 AND "
			"(?2 IS NULL OR r.kind = ?2) ORDER BY r.kind, r.name",
			"tt", cluster, kind) < 0)
		return -1;
	return read_receivers(&rows, out, err);
}

int receiver_find(struct store *store, const char *cluster, const char *kind, const char *name, struct receiver *out,
		  struct error *err)
{
	struct receiver_list list;
	struct store_cursor rows;

	if (store_query(store, &rows, err,
			"SELECT " RECEIVER_COLUMNS "FROM receivers r WHERE r.removed_ms IS NULL AND r.cluster = ?1 AND "
			"r.kind = ?2 AND r.name = ?3",
			"ttt", cluster, kind, name) < 0 ||
	    read_receivers(&rows, &list, err) < 0)
		return -1;
	if (list.count == 0)
		return error_set(err, ERROR_USAGE, "cluster %s has no %s %s; `rollcall %s list` shows them", cluster,
				 kind, name, kind);
	*out = list.items[0];
	free(list.items);
	return 0;
}

int outgoing_load(struct store *store, const char *cluster, size_t limit, struct outgoing_list *out, struct error *err)
{
	struct store_cursor rows;

	if (store_query(store, &rows, err,
			"SELECT " OUTGOING_COLUMNS "WHERE o.ended_ms IS NULL AND (?1 IS NULL OR r.cluster = ?1) "
			"ORDER BY o.number LIMIT ?2",
			"ti", cluster, limit > 0 ? (int64_t)limit : (int64_t)-1) < 0)
		return -1;
	return read_messages(&rows, out, err);
}

int outgoing_load_due(struct store *store, int64_t receiver, int64_t now_ms, size_t limit, struct outgoing_list *out,
		      struct error *err)
{
	struct store_cursor rows;

	if (store_query(store, &rows, err,
			"SELECT " OUTGOING_COLUMNS "WHERE o.receiver = ?1 AND o.ended_ms IS NULL AND o.next_ms <= ?2 "
			"ORDER BY o.next_ms, o.number LIMIT ?3",
			"iii", receiver, now_ms, (int64_t)limit) < 0)
		return -1;
	return read_messages(&rows, out, err);
}

int outgoing_find(struct store *store, const char *cluster, const char *name, struct outgoing *out, struct error *err)
{
	struct outgoing_list list;
	struct store_cursor rows;

	if (store_query(store, &rows, err,
			"SELECT " OUTGOING_COLUMNS "WHERE o.ended_ms IS NULL AND r.cluster = ?1 AND "
			"(o.id = ?2 OR CAST(o.number AS TEXT) = ?2)",
			"tt", cluster, name) < 0 ||
	    read_messages(&rows, &list, err) < 0)
		return -1;
	if (list.count != 1) {
		outgoing_list_clear(&list);
		return error_set(err, ERROR_USAGE,
				 "%s is no event that waits for cluster %s; `rollcall observer queue` shows those that "
				 "do",
				 name, cluster);
	}
	*out = list.items[0];
	free(list.items);
	return 0;
}

int outgoing_count(struct store *store, const char *cluster, int64_t now_ms, struct outgoing_counts *out,
		   struct error *err)
{
	struct store_cursor rows;

	if (store_query(store, &rows, err,
			"SELECT count(*), coalesce(sum(o.gone OR o.created_ms < ?2), 0), "
			"coalesce(min(o.created_ms), 0) FROM outgoing o JOIN receivers r ON r.number = o.receiver "
			"WHERE o.ended_ms IS NULL AND r.cluster = ?1",
			"ti", cluster, now_ms - OUTGOING_DEAD_MS) < 0)
		return -1;
	int found = store_next(&rows, err);
	if (found > 0)
		*out = (struct outgoing_counts){
			.waiting = store_int(&rows, 0), .dead = store_int(&rows, 1), .oldest_ms = store_int(&rows, 2)};
	store_done(&rows);
	return found < 0 ? -1 : 0;
}

int outgoing_count_for(struct store *store, int64_t receiver, int64_t *waiting, struct error *err)
{
	int found = store_find_int(store, waiting, err,
				   "SELECT count(*) FROM outgoing WHERE receiver = ?1 AND ended_ms IS NULL", "i",
				   receiver);

	return found < 0 ? -1 : 0;
}

int outgoing_next(struct store *store, int64_t receiver, int64_t *next_ms, struct error *err)
{
	return store_find_int(store, next_ms, err,
			      "SELECT next_ms FROM outgoing WHERE receiver = ?1 AND ended_ms IS NULL AND "
			      "next_ms IS NOT NULL ORDER BY next_ms, number LIMIT 1",
			      "i", receiver);
}

int outgoing_end(struct store *store, int64_t number, const char *outcome, int64_t now_ms, struct error *err)
{
	if (store_run(store, err,
		      "UPDATE outgoing SET ended_ms = ?2, outcome = ?3 WHERE number = ?1 AND ended_ms IS NULL", "iit",
		      number, now_ms, outcome) < 0)
		return -1;
	/* The next of its lane, unless an earlier one is still there (a message behind another was dropped). */
	return store_run(store, err,
			 "UPDATE outgoing SET next_ms = ?2 WHERE next_ms IS NULL AND number = "
			 "(SELECT min(n.number) FROM outgoing n JOIN outgoing o ON n.receiver = o.receiver AND "
			 "n.lane = o.lane WHERE o.number = ?1 AND n.ended_ms IS NULL)",
			 "ii", number, now_ms);
}

int outgoing_delivered(struct store *store, int64_t number, int64_t now_ms, struct error *err)
{
	if (store_run(store, err,
		      "UPDATE outgoing SET attempts = attempts + 1, error = NULL WHERE number = ?1 AND "
		      "ended_ms IS NULL",
		      "i", number) < 0)
		return -1;
	return outgoing_end(store, number, "delivered", now_ms, err);
}

int outgoing_failed(struct store *store, int64_t number, int64_t next_ms, bool gone, const char *why, struct error *err)
{
	return store_run(store, err,
			 "UPDATE outgoing SET attempts = attempts + 1, next_ms = ?2, gone = ?3, error = ?4 "
			 "WHERE number = ?1 AND ended_ms IS NULL",
			 "iidt", number, next_ms, (int)gone, why);
}

int outgoing_hurry(struct store *store, const char *cluster, int64_t now_ms, struct error *err)
{
	return store_run(store, err,
			 "UPDATE outgoing SET next_ms = ?2 WHERE ended_ms IS NULL AND next_ms > ?2 AND receiver IN "
			 "(SELECT number FROM receivers WHERE cluster = ?1)",
			 "ti", cluster, now_ms);
}

int outgoing_prune(struct store *store, int64_t now_ms, struct error *err)
{
	return store_run(store, err, "DELETE FROM outgoing WHERE ended_ms < ?1", "i", now_ms - OUTGOING_KEPT_MS);
}
