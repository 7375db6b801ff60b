/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing the database in line with a master's answer, in one transaction. Three comparisons, the cheapest first: a hash over the
 * whole answer, a hash over the bytes of each agent, and what they say. An agent that is as it was costs no write, one in the same
 * bytes not even a look, and the same answer nothing at all. A whole fleet that is new is written row after row, and its indexes
 * at the end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/agents.h"
#include "inventory/agents_internal.h"

/* Keys of agents. */
struct row_list {
	int64_t *items;
	size_t count, room;
};

struct agents_sink {
	struct store *store;
	struct agents_write write;
	struct quickhash_key key;
	/* By the bytes in which the listed agents came last; row is set; marked: it came again. */
	struct hash_set known;
	struct row_list listed;              /* the agents that came otherwise; in the end all that came */
	int64_t twice;                       /* the row of an agent that came twice; 0: none is known */
	bool first;                          /* the cluster had no agents */
	struct agents_indexes indexes;       /* that are to be made again */
	unsigned char asked[QUICKHASH_SIZE]; /* the hash of the bytes that agents_sink_knows did not know */
	const void *asked_raw;               /* those bytes; NULL: none since the last agent */
	struct agent_packer packer;
	struct tasks_sync tasks;
	struct agents_summary summary;
};

/* ---- who came */

static void add_row(struct row_list *list, int64_t row)
{
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 1024;
		list->items = xreallocarray(list->items, list->room, sizeof(*list->items));
	}
	list->items[list->count++] = row;
}

static int load_known(struct agents_sink *sync, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(
		    sync->store, &rows, err,
		    "SELECT row, answer FROM agents INDEXED BY agents_listed WHERE cluster = ?1 AND gone_ms IS NULL",
		    "i", sync->write.cluster) < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		size_t len;
		const void *hash = store_blob(&rows, 1, &len);

		/* Two agents cannot have the same bytes; if a file says so, both are read in full. */
		if (len == QUICKHASH_SIZE && !hash_set_find(&sync->known, hash))
			hash_set_add(&sync->known, hash)->row = store_int(&rows, 0);
	}
	store_done(&rows);
	return more;
}

bool agents_sink_is_first(const struct agents_sink *sink)
{
	return sink->first;
}

bool agents_sink_knows(struct agents_sink *sink, const void *raw, size_t len)
{
	quickhash_bytes(&sink->key, raw, len, sink->asked);
	sink->asked_raw = raw;
	struct hash_entry *entry = hash_set_find(&sink->known, sink->asked);
	if (!entry)
		return false;
	if (entry->marked)
		sink->twice = entry->row;
	entry->marked = true;
	sink->summary.total++;
	sink->summary.unchanged++;
	return true;
}

static int listed_twice(const char *id, struct error *err)
{
	return error_set(err, ERROR_CORRUPT, "the master's answer lists agent %s twice", id);
}

/* Counts what the sync finds of one agent, and writes what is new of it. */
static int write_found(struct agents_sink *sync, const struct agent_packed *agent, const unsigned char *answer,
		       int64_t row, bool gone, bool same, struct error *err)
{
	struct agents_summary *summary = &sync->summary;
	bool changed = false;

	if (!gone && same ? agents_remember(&sync->write, answer, row, err) < 0
			  : agents_update(&sync->write, agent, answer, row, &changed, err) < 0)
		return -1;
	if (gone)
		summary->returned++;
	else if (changed)
		summary->changed++;
	else
		summary->unchanged++;
	return 0;
}

static int write_new(struct agents_sink *sync, const struct agent_packed *agent, const unsigned char *answer,
		     int64_t *row, struct error *err)
{
	struct error why = ERROR_INIT;

	sync->summary.added++;
	if (agents_insert(&sync->write, agent, answer, row, &why) == 0)
		return 0;
	if (why.kind != ERROR_CONFLICT)
		return error_set(err, why.kind, "%s", why.text);
	return error_set(err, ERROR_CORRUPT, "the master's answer lists agent %.*s twice", (int)agent->id.len,
			 agent->id.data);
}

static int sync_agent(struct agents_sink *sync, const struct agent_packed *agent, const unsigned char *answer,
		      struct error *err)
{
	bool gone = false, same = false;
	int64_t row = 0;

	sync->summary.total++;
	/* That none comes twice is seen by the index. */
	if (sync->first)
		return write_new(sync, agent, answer, &row, err);
	int known = agents_compare(&sync->write, agent, &row, &same, &gone, err);
	if (known < 0)
		return -1;
	int result = known ? write_found(sync, agent, answer, row, gone, same, err)
			   : write_new(sync, agent, answer, &row, err);
	if (result < 0)
		return -1;
	add_row(&sync->listed, row);
	return 0;
}

int agents_sink_packed(struct agents_sink *sink, const struct agent_packed *agent, const void *raw, size_t len,
		       struct error *err)
{
	unsigned char answer[QUICKHASH_SIZE];

	if (raw && raw == sink->asked_raw)
		memcpy(answer, sink->asked, sizeof(answer));
	else if (raw)
		quickhash_bytes(&sink->key, raw, len, answer);
	sink->asked_raw = NULL;
	return sync_agent(sink, agent, raw ? answer : NULL, err);
}

int agents_sink_agent(struct agents_sink *sink, const struct agent_view *view, const void *raw, size_t len,
		      struct error *err)
{
	struct agent_packed packed;

	if (!view->info)
		return error_set(err, ERROR_CORRUPT, "the master's answer has no SlaveInfo for agent %s", view->id);
	agent_pack(&sink->packer, view, &packed);
	return agents_sink_packed(sink, &packed, raw, len, err);
}

int agents_sink_task(struct agents_sink *sink, const struct task_view *task, struct error *err)
{
	sink->summary.tasks++;
	return tasks_sync_task(&sink->tasks, task, err);
}

int agents_sink_framework(struct agents_sink *sink, const struct framework_view *framework, struct error *err)
{
	sink->summary.frameworks++;
	return tasks_sync_framework(&sink->tasks, framework, err);
}

/* ---- who did not come */

static int name_twice(struct agents_sink *sync, struct error *err)
{
	char *id = NULL;
	int found = store_find_text(sync->store, &id, err, "SELECT id FROM agents WHERE row = ?1", "i", sync->twice);

	if (found >= 0)
		listed_twice(id ? id : "", err);
	free(id);
	return -1;
}

static int by_row(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Agents that came in their old bytes are marked in known; from here on they are in listed like the others, in order. */
static int join_lists(struct agents_sink *sync, struct error *err)
{
	struct row_list *listed = &sync->listed;

	for (size_t i = 0; i < sync->known.capacity; i++)
		if (sync->known.slots[i].used && sync->known.slots[i].marked)
			add_row(listed, sync->known.slots[i].row);
	if (listed->count)
		qsort(listed->items, listed->count, sizeof(*listed->items), by_row);
	for (size_t i = 1; i < listed->count && !sync->twice; i++)
		if (listed->items[i] == listed->items[i - 1])
			sync->twice = listed->items[i];
	return sync->twice ? name_twice(sync, err) : 0;
}

static bool is_listed(const struct row_list *listed, int64_t row)
{
	return listed->count && bsearch(&row, listed->items, listed->count, sizeof(row), by_row) != NULL;
}

static int mark_gone(struct agents_sink *sync, int64_t row, struct error *err)
{
	sync->summary.gone++;
	return store_run(sync->store, err, "UPDATE agents SET gone_ms = ?1, answer = NULL WHERE row = ?2", "ii",
			 sync->write.time_ms, row);
}

/* The rows of listed agents that did not come. */
static int find_gone(struct agents_sink *sync, int64_t **gone, size_t *count, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(sync->store, &rows, err,
			"SELECT row FROM agents INDEXED BY agents_listed WHERE cluster = ?1 AND gone_ms IS NULL", "i",
			sync->write.cluster) < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		int64_t row = store_int(&rows, 0);

		if (is_listed(&sync->listed, row))
			continue;
		*gone = xreallocarray(*gone, *count + 1, sizeof(**gone));
		(*gone)[(*count)++] = row;
	}
	store_done(&rows);
	return more;
}

static int mark_all_gone(struct agents_sink *sync, struct error *err)
{
	int64_t *gone = NULL;
	size_t count = 0;
	int result = find_gone(sync, &gone, &count, err);

	for (size_t i = 0; i < count && result == 0; i++)
		result = mark_gone(sync, gone[i], err);
	free(gone);
	return result;
}

/* ---- a fleet that is new */

/* The index by ID cannot be made; or nothing of the kind is wrong. */
static int find_twice(struct agents_sink *sync, struct error *err)
{
	struct error unused = ERROR_INIT;
	char *id = NULL;

	if (store_find_text(sync->store, &id, &unused,
			    "SELECT id FROM agents GROUP BY cluster, id HAVING count(*) > 1 ORDER BY min(row)",
			    "") > 0) {
		error_clear(err);
		listed_twice(id, err);
	}
	free(id);
	return -1;
}

/* Indexes are taken away only when the table is empty: else they would have to be made of all that is there. */
static int begin_first(struct agents_sink *sync, struct error *err)
{
	int64_t any = 0, own = 0;

	if (store_find_int(sync->store, &any, err, "SELECT EXISTS (SELECT 1 FROM agents)", "") < 0 ||
	    store_find_int(sync->store, &own, err, "SELECT EXISTS (SELECT 1 FROM agents WHERE cluster = ?1)", "i",
			   sync->write.cluster) < 0)
		return -1;
	sync->first = !own;
	return any ? 0 : agents_indexes_drop(&sync->indexes, sync->store, err);
}

static int end_first(struct agents_sink *sync, struct error *err)
{
	if (agents_indexes_make(&sync->indexes, sync->store, err) == 0)
		return 0;
	return err->kind == ERROR_CONFLICT ? find_twice(sync, err) : -1;
}

/* ---- the cluster */

static int remember_answer(struct agents_sink *sync, const struct agents_feed *feed, struct error *err)
{
	const struct agents_summary *summary = &sync->summary;

	return store_run(
		sync->store, err,
		"UPDATE clusters SET answer_hash = ?1, answer_agents = ?2, answer_tasks = ?3, answer_frameworks = ?4 "
		"WHERE id = ?5 AND answer_hash IS NOT ?1",
		"biiii", feed->hash, (size_t)QUICKHASH_SIZE, (int64_t)summary->total, (int64_t)summary->tasks,
		(int64_t)summary->frameworks, sync->write.cluster);
}

/* 1: the whole answer is that of the last sync, which is counted again. */
static int came_before(struct agents_sink *sync, const struct agents_feed *feed, struct error *err)
{
	struct agents_summary *summary = &sync->summary;
	struct store_cursor rows;
	int more;

	if (!feed->hash)
		return 0;
	if (store_query(sync->store, &rows, err,
			"SELECT answer_agents, answer_tasks, answer_frameworks FROM clusters WHERE id = ?1 AND "
			"answer_hash = ?2",
			"ib", sync->write.cluster, feed->hash, (size_t)QUICKHASH_SIZE) < 0)
		return -1;
	more = store_next(&rows, err);
	if (more > 0) {
		summary->total = summary->unchanged = (size_t)store_int(&rows, 0);
		summary->tasks = (size_t)store_int(&rows, 1);
		summary->frameworks = (size_t)store_int(&rows, 2);
	}
	store_done(&rows);
	return more;
}

static int sync_everything(struct agents_sink *sync, const struct agents_feed *feed, struct error *err)
{
	if (load_known(sync, err) < 0 || tasks_sync_begin(&sync->tasks, err) < 0 || begin_first(sync, err) < 0 ||
	    feed->read(feed->ctx, sync, err) < 0 || end_first(sync, err) < 0 || join_lists(sync, err) < 0 ||
	    (!sync->first && mark_all_gone(sync, err) < 0) || tasks_sync_end(&sync->tasks, err) < 0)
		return -1;
	return remember_answer(sync, feed, err);
}

static int sync_within(struct agents_sink *sync, const struct agents_feed *feed, struct error *err)
{
	int before = came_before(sync, feed, err);

	if (before < 0 || (before == 0 && sync_everything(sync, feed, err) < 0))
		return -1;
	return agents_write_cluster(&sync->write, feed, err);
}

int agents_sync_feed(struct store *store, int64_t cluster, const struct agents_feed *feed, int64_t time_ms,
		     struct agents_summary *summary, struct error *err)
{
	struct agents_sink sync = {.store = store, .write = {.store = store, .cluster = cluster, .time_ms = time_ms}};
	int result = store_begin(store, err);

	if (result < 0)
		return -1;
	agents_hash_key(store, &sync.key);
	agent_packer_init(&sync.packer);
	sync.tasks = (struct tasks_sync){.store = store, .cluster = cluster};
	memcpy(sync.tasks.key, sync.key.secret, sizeof(sync.tasks.key));
	result = sync_within(&sync, feed, err);
	if (result == 0) {
		*summary = sync.summary; /* also for what is called before the commit */
		result = store_commit(store, err);
	} else {
		store_rollback(store);
	}
	hash_set_clear(&sync.known);
	free(sync.listed.items);
	agent_packer_clear(&sync.packer);
	agents_indexes_clear(&sync.indexes);
	tasks_sync_clear(&sync.tasks);
	return result;
}

void agents_hash_key(const struct store *store, struct quickhash_key *key)
{
	const char *uuid = store_uuid(store);

	quickhash_key(key, uuid, strlen(uuid));
}
