/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing the database in line with a master's answer, in one transaction. Three comparisons, the cheapest first: a hash over the
 * whole answer, a hash over the bytes of each agent, and a digest over what they say. An agent with the same digest costs no
 * write, one with the same bytes not even a look, and the same answer nothing at all.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "inventory/agents.h"
#include "inventory/agents_internal.h"

struct agents_sink {
	struct store *store;
	int64_t cluster;
	int64_t time_ms;
	unsigned char key[SIPHASH_SIZE];
	struct hash_set
		known; /* by the bytes in which the listed agents came last; row is set; marked: it came again */
	struct hash_set listed; /* by row: the agents that came otherwise */
	int64_t twice;          /* the row of an agent that came twice in the same bytes; 0: none */
	struct tasks_sync tasks;
	struct agents_summary summary;
};

/* ---- who came */

static void hash_row(const struct agents_sink *sync, int64_t row, unsigned char out[SIPHASH_SIZE])
{
	siphash_bytes(sync->key, &row, sizeof(row), out);
}

static int load_known(struct agents_sink *sync, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(sync->store, &rows, err, "SELECT agent, hash FROM agent_answers WHERE cluster = ?1", "i",
			sync->cluster) < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		size_t len;
		const void *hash = store_blob(&rows, 1, &len);

		/* Two agents cannot have the same bytes; if a file says so, both are read in full. */
		if (len == SIPHASH_SIZE && !hash_set_find(&sync->known, hash))
			hash_set_add(&sync->known, hash)->row = store_int(&rows, 0);
	}
	store_done(&rows);
	return more;
}

bool agents_sink_knows(struct agents_sink *sink, const void *raw, size_t len)
{
	unsigned char hash[SIPHASH_SIZE];

	siphash_bytes(sink->key, raw, len, hash);
	struct hash_entry *entry = hash_set_find(&sink->known, hash);
	if (!entry)
		return false;
	if (entry->marked)
		sink->twice = entry->row;
	entry->marked = true;
	sink->summary.total++;
	sink->summary.unchanged++;
	return true;
}

/* The agent's row as it is. 1: there is one; 0: the agent is new. */
static int find_agent(struct agents_sink *sync, const char *id, int64_t *row, unsigned char digest[DIGEST_SIZE],
		      bool *gone, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(sync->store, &rows, err,
			"SELECT row, digest, gone_ms FROM agents WHERE cluster = ?1 AND id = ?2", "it", sync->cluster,
			id) < 0)
		return -1;
	more = store_next(&rows, err);
	if (more > 0) {
		size_t len;
		const void *known = store_blob(&rows, 1, &len);

		*row = store_int(&rows, 0);
		memset(digest, 0, DIGEST_SIZE);
		if (len == DIGEST_SIZE)
			memcpy(digest, known, DIGEST_SIZE);
		*gone = !store_is_null(&rows, 2);
	}
	store_done(&rows);
	return more;
}

static int listed_twice(const char *id, struct error *err)
{
	return error_set(err, ERROR_CORRUPT, "the master's answer lists agent %s twice", id);
}

static int mark_listed(struct agents_sink *sync, int64_t row, const char *id, struct error *err)
{
	unsigned char hash[SIPHASH_SIZE];

	hash_row(sync, row, hash);
	if (hash_set_find(&sync->listed, hash))
		return listed_twice(id, err);
	hash_set_add(&sync->listed, hash);
	return 0;
}

static int remember_bytes(struct agents_sink *sync, int64_t row, const void *raw, size_t len, struct error *err)
{
	unsigned char hash[SIPHASH_SIZE];

	if (!raw)
		return store_run(sync->store, err, "DELETE FROM agent_answers WHERE cluster = ?1 AND agent = ?2", "ii",
				 sync->cluster, row);
	siphash_bytes(sync->key, raw, len, hash);
	return store_run(sync->store, err, "INSERT OR REPLACE INTO agent_answers VALUES (?1, ?2, ?3)", "iib",
			 sync->cluster, row, hash, sizeof(hash));
}

/* Counts what the sync finds of one agent. true: it must be written. */
static bool judge_agent(struct agents_summary *summary, bool known, bool gone, bool same)
{
	summary->total++;
	if (!known)
		summary->added++;
	else if (gone)
		summary->returned++;
	else if (same)
		summary->unchanged++;
	else
		summary->changed++;
	return !known || gone || !same;
}

static int sync_packed(struct agents_sink *sync, const struct agent_packed *packed, struct agent_view *view,
		       const void *raw, size_t len, struct error *err)
{
	unsigned char digest[DIGEST_SIZE];
	bool gone = false;
	int64_t row = 0;
	int known = find_agent(sync, view->id, &row, digest, &gone, err);

	if (known < 0)
		return -1;
	bool same = known && memcmp(digest, packed->digest, DIGEST_SIZE) == 0;
	if (judge_agent(&sync->summary, known, gone, same) &&
	    agents_write(sync->store, sync->cluster, packed, view, &row, sync->time_ms, err) < 0)
		return -1;
	if (mark_listed(sync, row, view->id, err) < 0)
		return -1;
	return remember_bytes(sync, row, raw, len, err);
}

int agents_sink_agent(struct agents_sink *sink, struct agent_view *view, const void *raw, size_t len, struct error *err)
{
	struct agent_packed packed;
	int result;

	if (!view->info)
		return error_set(err, ERROR_CORRUPT, "the master's answer has no SlaveInfo for agent %s", view->id);
	agents_pack(view, &packed);
	result = sync_packed(sink, &packed, view, raw, len, err);
	agents_packed_clear(&packed);
	return result;
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

/* Agents that came in their old bytes are marked in known; from here on they are in listed like the others. */
static int join_lists(struct agents_sink *sync, struct error *err)
{
	if (sync->twice)
		return name_twice(sync, err);
	for (size_t i = 0; i < sync->known.capacity; i++) {
		const struct hash_entry *entry = &sync->known.slots[i];

		if (!entry->used || !entry->marked)
			continue;
		sync->twice = entry->row;
		struct error twice = ERROR_INIT;
		if (mark_listed(sync, entry->row, "", &twice) < 0)
			return name_twice(sync, err);
	}
	return 0;
}

static int mark_gone(struct agents_sink *sync, int64_t row, struct error *err)
{
	sync->summary.gone++;
	if (store_run(sync->store, err, "UPDATE agents SET gone_ms = ?1 WHERE row = ?2", "ii", sync->time_ms, row) < 0)
		return -1;
	return store_run(sync->store, err, "DELETE FROM agent_answers WHERE cluster = ?1 AND agent = ?2", "ii",
			 sync->cluster, row);
}

/* The rows of listed agents that did not come. */
static int find_gone(struct agents_sink *sync, int64_t **gone, size_t *count, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(sync->store, &rows, err,
			"SELECT row FROM agents INDEXED BY agents_listed WHERE cluster = ?1 AND gone_ms IS NULL", "i",
			sync->cluster) < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		unsigned char hash[SIPHASH_SIZE];
		int64_t row = store_int(&rows, 0);

		hash_row(sync, row, hash);
		if (hash_set_find(&sync->listed, hash))
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

/* ---- the cluster */

static int write_cluster(struct agents_sink *sync, const struct agents_feed *feed, struct error *err)
{
	const struct master_facts *facts = feed->facts;

	if (store_run(sync->store, err, "UPDATE clusters SET synced_ms = ?1, master = ?2 WHERE id = ?3", "iti",
		      sync->time_ms, feed->master, sync->cluster) < 0)
		return -1;
	if (!facts)
		return 0;
	return store_run(
		sync->store, err,
		"UPDATE clusters SET master_version = ?1, master_id = ?2, master_cluster = ?3, agent_update = ?4, "
		"region = ?5, zone = ?6, require_agent_domain = ?7, agent_ping_timeout_ms = ?8, "
		"max_agent_ping_timeouts = ?9, agent_reregister_timeout_ms = ?10, elected_ns = ?11 WHERE id = ?12",
		"tttdttdiiiii", facts->version ? facts->version : "", facts->id, facts->cluster,
		(int)facts->agent_update, facts->has_domain ? facts->region : NULL,
		facts->has_domain ? facts->zone : NULL, (int)facts->require_agent_domain, facts->agent_ping_timeout_ms,
		facts->max_agent_ping_timeouts, facts->agent_reregister_timeout_ms, facts->elected_ns, sync->cluster);
}

static int remember_answer(struct agents_sink *sync, const struct agents_feed *feed, struct error *err)
{
	const struct agents_summary *summary = &sync->summary;

	return store_run(
		sync->store, err,
		"UPDATE clusters SET answer_hash = ?1, answer_agents = ?2, answer_tasks = ?3, answer_frameworks = ?4 "
		"WHERE id = ?5 AND answer_hash IS NOT ?1",
		"biiii", feed->hash, (size_t)SIPHASH_SIZE, (int64_t)summary->total, (int64_t)summary->tasks,
		(int64_t)summary->frameworks, sync->cluster);
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
			"ib", sync->cluster, feed->hash, (size_t)SIPHASH_SIZE) < 0)
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
	if (load_known(sync, err) < 0 || tasks_sync_begin(&sync->tasks, err) < 0 ||
	    feed->read(feed->ctx, sync, err) < 0 || join_lists(sync, err) < 0 || mark_all_gone(sync, err) < 0 ||
	    tasks_sync_end(&sync->tasks, err) < 0)
		return -1;
	return remember_answer(sync, feed, err);
}

static int sync_within(struct agents_sink *sync, const struct agents_feed *feed, struct error *err)
{
	int before = came_before(sync, feed, err);

	if (before < 0 || (before == 0 && sync_everything(sync, feed, err) < 0))
		return -1;
	return write_cluster(sync, feed, err);
}

int agents_sync_feed(struct store *store, int64_t cluster, const struct agents_feed *feed, int64_t time_ms,
		     struct agents_summary *summary, struct error *err)
{
	struct agents_sink sync = {.store = store, .cluster = cluster, .time_ms = time_ms};
	int result = store_begin(store, err);

	if (result < 0)
		return -1;
	agents_hash_key(store, sync.key);
	sync.tasks = (struct tasks_sync){.store = store, .cluster = cluster};
	memcpy(sync.tasks.key, sync.key, sizeof(sync.key));
	result = sync_within(&sync, feed, err);
	if (result == 0) {
		*summary = sync.summary; /* also for what is called before the commit */
		result = store_commit(store, err);
	} else {
		store_rollback(store);
	}
	hash_set_clear(&sync.known);
	hash_set_clear(&sync.listed);
	tasks_sync_clear(&sync.tasks);
	return result;
}

/* ---- answers that are in memory */

static int read_answer(void *ctx, struct agents_sink *sink, struct error *err)
{
	const struct agents_answer *answer = ctx;
	int result = 0;

	for (size_t i = 0; i < answer->agent_count && result == 0; i++) {
		struct agent_view copy;

		if (!answer->agents[i].info)
			return error_set(err, ERROR_CORRUPT, "the master's answer has no SlaveInfo for agent %s",
					 answer->agents[i].id);
		agent_view_copy(&copy, &answer->agents[i]);
		result = agents_sink_agent(sink, &copy, NULL, 0, err);
		agent_view_clear(&copy);
	}
	for (size_t i = 0; i < answer->task_count && result == 0; i++)
		result = agents_sink_task(sink, &answer->tasks[i], err);
	for (size_t i = 0; i < answer->framework_count && result == 0; i++)
		result = agents_sink_framework(sink, &answer->frameworks[i], err);
	return result;
}

int agents_sync(struct store *store, int64_t cluster, const struct agents_answer *answer, int64_t time_ms,
		struct agents_summary *summary, struct error *err)
{
	struct agents_answer copy = *answer;
	const struct agents_feed feed = {
		.master = answer->master, .facts = answer->facts, .read = read_answer, .ctx = &copy};

	return agents_sync_feed(store, cluster, &feed, time_ms, summary, err);
}
