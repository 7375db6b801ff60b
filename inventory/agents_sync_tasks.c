/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and frameworks of a sync. Of a task that is there only two hashes are kept in memory; one that is as it was costs no write. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/agents_internal.h"

/* ---- sets of hashes */

void hash_set_clear(struct hash_set *set)
{
	free(set->slots);
	*set = (struct hash_set){NULL, 0, 0};
}

static struct hash_entry *slot_for(const struct hash_set *set, const unsigned char hash[SIPHASH_SIZE])
{
	uint64_t at;

	memcpy(&at, hash, sizeof(at));
	for (;; at++) {
		struct hash_entry *slot = &set->slots[at & (set->capacity - 1)];

		if (!slot->used || memcmp(slot->hash, hash, SIPHASH_SIZE) == 0)
			return slot;
	}
}

struct hash_entry *hash_set_find(const struct hash_set *set, const unsigned char hash[SIPHASH_SIZE])
{
	struct hash_entry *slot = set->capacity ? slot_for(set, hash) : NULL;

	return slot && slot->used ? slot : NULL;
}

static void grow(struct hash_set *set)
{
	struct hash_set larger = {.capacity = set->capacity ? 2 * set->capacity : 64, .count = set->count};

	larger.slots = xcalloc(larger.capacity, sizeof(*larger.slots));
	for (size_t i = 0; i < set->capacity; i++)
		if (set->slots[i].used)
			*slot_for(&larger, set->slots[i].hash) = set->slots[i];
	free(set->slots);
	*set = larger;
}

struct hash_entry *hash_set_add(struct hash_set *set, const unsigned char hash[SIPHASH_SIZE])
{
	struct hash_entry *slot;

	if (4 * (set->count + 1) > 3 * set->capacity)
		grow(set);
	slot = slot_for(set, hash);
	memcpy(slot->hash, hash, SIPHASH_SIZE);
	slot->used = true;
	set->count++;
	return slot;
}

/* ---- tasks */

static void hash_texts(const struct tasks_sync *sync, const char *const *texts, size_t count,
		       unsigned char out[SIPHASH_SIZE])
{
	struct siphash state;

	siphash_start(&state, sync->key);
	for (size_t i = 0; i < count; i++)
		siphash_add(&state, texts[i], strlen(texts[i]) + 1);
	siphash_finish(&state, out);
}

static void hash_task(const struct tasks_sync *sync, const struct task_view *task, unsigned char name[SIPHASH_SIZE],
		      unsigned char more[SIPHASH_SIZE])
{
	const char *const names[] = {task->agent_id, task->framework_id, task->id};
	const char *const others[] = {task->name, task->executor_id, task->state, task->reason};

	hash_texts(sync, names, 3, name);
	hash_texts(sync, others, 4, more);
}

#define TASK_COLUMNS "agent, framework, id, name, executor, state, reason"

/* Borrowed from the cursor. */
static struct task_view task_of_row(const struct store_cursor *rows)
{
	char *texts[7];

	for (int i = 0; i < 7; i++)
		texts[i] = (char *)(uintptr_t)store_text(rows, i);
	return (struct task_view){.agent_id = texts[0],
				  .framework_id = texts[1],
				  .id = texts[2],
				  .name = texts[3],
				  .executor_id = texts[4],
				  .state = texts[5],
				  .reason = texts[6]};
}

int tasks_sync_begin(struct tasks_sync *sync, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(sync->store, &rows, err, "SELECT " TASK_COLUMNS " FROM tasks WHERE cluster = ?1", "i",
			sync->cluster) < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		const struct task_view task = task_of_row(&rows);
		unsigned char name[SIPHASH_SIZE], others[SIPHASH_SIZE];

		hash_task(sync, &task, name, others);
		memcpy(hash_set_add(&sync->tasks, name)->more, others, SIPHASH_SIZE);
	}
	store_done(&rows);
	return more;
}

int tasks_sync_task(struct tasks_sync *sync, const struct task_view *task, struct error *err)
{
	unsigned char name[SIPHASH_SIZE], more[SIPHASH_SIZE];

	hash_task(sync, task, name, more);
	struct hash_entry *entry = hash_set_find(&sync->tasks, name);
	bool same = entry && memcmp(entry->more, more, SIPHASH_SIZE) == 0;
	if (!entry)
		entry = hash_set_add(&sync->tasks, name);
	entry->marked = true;
	memcpy(entry->more, more, SIPHASH_SIZE);
	if (same)
		return 0;
	return store_run(sync->store, err,
			 "INSERT INTO tasks (cluster, " TASK_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
			 "ON CONFLICT DO UPDATE SET name = excluded.name, executor = excluded.executor, "
			 "state = excluded.state, reason = excluded.reason",
			 "ittttttt", sync->cluster, task->agent_id, task->framework_id, task->id, task->name,
			 task->executor_id, task->state, task->reason);
}

static bool some_did_not_come(const struct tasks_sync *sync)
{
	for (size_t i = 0; i < sync->tasks.capacity; i++)
		if (sync->tasks.slots[i].used && !sync->tasks.slots[i].marked)
			return true;
	return false;
}

static int drop_task(struct tasks_sync *sync, const struct task_view *task, struct error *err)
{
	unsigned char name[SIPHASH_SIZE], more[SIPHASH_SIZE];

	hash_task(sync, task, name, more);
	const struct hash_entry *entry = hash_set_find(&sync->tasks, name);
	if (entry && entry->marked)
		return 0;
	return store_run(sync->store, err, "INSERT INTO temp.tasks_gone VALUES (?1, ?2, ?3)", "ttt", task->agent_id,
			 task->framework_id, task->id);
}

/* Their names first, then the rows: a table is not changed while it is read. */
static int list_gone(struct tasks_sync *sync, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_run(sync->store, err,
		      "CREATE TEMP TABLE IF NOT EXISTS tasks_gone (agent TEXT, framework TEXT, id TEXT)", "") < 0 ||
	    store_run(sync->store, err, "DELETE FROM temp.tasks_gone", "") < 0 ||
	    store_query(sync->store, &rows, err, "SELECT " TASK_COLUMNS " FROM tasks WHERE cluster = ?1", "i",
			sync->cluster) < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		const struct task_view task = task_of_row(&rows);

		more = drop_task(sync, &task, err);
		if (more < 0)
			break;
	}
	store_done(&rows);
	return more;
}

/* ---- frameworks */

int tasks_sync_framework(struct tasks_sync *sync, const struct framework_view *framework, struct error *err)
{
	sync->frameworks = xreallocarray(sync->frameworks, sync->framework_count + 1, sizeof(*sync->frameworks));
	sync->frameworks[sync->framework_count++] = xstrdup(framework->id);
	return store_run(sync->store, err,
			 "INSERT INTO frameworks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET "
			 "name = excluded.name, role = excluded.role, active = excluded.active, "
			 "checkpoint = excluded.checkpoint, partition_aware = excluded.partition_aware "
			 "WHERE (frameworks.name, frameworks.role, frameworks.active, frameworks.checkpoint, "
			 "frameworks.partition_aware) IS NOT (excluded.name, excluded.role, excluded.active, "
			 "excluded.checkpoint, excluded.partition_aware)",
			 "itttddd", sync->cluster, framework->id, framework->name, framework->role,
			 (int)framework->active, (int)framework->checkpoint, (int)framework->partition_aware);
}

static bool came(const struct tasks_sync *sync, const char *framework)
{
	for (size_t i = 0; i < sync->framework_count; i++)
		if (strcmp(sync->frameworks[i], framework) == 0)
			return true;
	return false;
}

/* A framework the master no longer lists is kept as long as tasks name it. */
static int drop_frameworks(struct tasks_sync *sync, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(sync->store, &rows, err, "SELECT id FROM frameworks WHERE cluster = ?1", "i", sync->cluster) <
	    0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		const char *id = store_text(&rows, 0);

		if (!came(sync, id) &&
		    store_run(sync->store, err,
			      "DELETE FROM frameworks WHERE cluster = ?1 AND id = ?2 AND NOT EXISTS (SELECT 1 FROM "
			      "tasks WHERE cluster = ?1 AND framework = ?2)",
			      "it", sync->cluster, id) < 0)
			more = -1;
		if (more < 0)
			break;
	}
	store_done(&rows);
	return more;
}

int tasks_sync_end(struct tasks_sync *sync, struct error *err)
{
	if (some_did_not_come(sync) &&
	    (list_gone(sync, err) < 0 || store_run(sync->store, err,
						   "DELETE FROM tasks WHERE cluster = ?1 AND (agent, framework, id) IN "
						   "(SELECT agent, framework, id FROM temp.tasks_gone)",
						   "i", sync->cluster) < 0))
		return -1;
	return drop_frameworks(sync, err);
}

void tasks_sync_clear(struct tasks_sync *sync)
{
	hash_set_clear(&sync->tasks);
	for (size_t i = 0; i < sync->framework_count; i++)
		free(sync->frameworks[i]);
	free(sync->frameworks);
}
