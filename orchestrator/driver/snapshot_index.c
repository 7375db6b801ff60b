/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/driver/snapshot_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* ---- chains */

/* FNV-1a; whoever may choose IDs at the master gains nothing from slowing this process down. */
static size_t hash_of(const char *key)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 0x100000001b3u;
	return (size_t)(hash ^ (hash >> 32));
}

static void chains_init(struct snapshot_chains *chains, size_t count)
{
	size_t heads = 16;

	while (heads < count)
		heads *= 2;
	chains->mask = heads - 1;
	chains->first = xcalloc(heads, sizeof(*chains->first));
	chains->next = xcalloc(count + 1, sizeof(*chains->next));
}

static void chains_clear(struct snapshot_chains *chains)
{
	free(chains->first);
	free(chains->next);
}

/* Items go in from the last to the first, so that a chain has them in order. */
static void chains_put(struct snapshot_chains *chains, const char *key, size_t item)
{
	uint32_t *first = &chains->first[hash_of(key) & chains->mask];

	chains->next[item] = *first;
	*first = (uint32_t)(item + 1);
}

/* The place after this one; it may be of another key. */
static uint32_t chains_next(const struct snapshot_chains *chains, const char *key, uint32_t place)
{
	return place ? chains->next[place - 1] : chains->first[hash_of(key) & chains->mask];
}

/* ---- tasks and agents */

static const struct task_view *task_at(const struct master_snapshot *snapshot, size_t item)
{
	return item < snapshot->task_count ? &snapshot->tasks[item] : &snapshot->completed[item - snapshot->task_count];
}

void snapshot_index_init(struct snapshot_index *index, const struct master_snapshot *snapshot)
{
	size_t tasks = snapshot->task_count + snapshot->completed_count;

	memset(index, 0, sizeof(*index));
	index->snapshot = snapshot;
	chains_init(&index->tasks, tasks);
	for (size_t i = tasks; i-- > 0;)
		chains_put(&index->tasks, task_at(snapshot, i)->agent_id, i);
	chains_init(&index->hosts, snapshot->agent_count);
	for (size_t i = snapshot->agent_count; i-- > 0;)
		chains_put(&index->hosts, snapshot->agents[i].hostname, i);
}

void snapshot_index_clear(struct snapshot_index *index)
{
	chains_clear(&index->tasks);
	chains_clear(&index->hosts);
	free(index->counts);
	free(index->missing);
	memset(index, 0, sizeof(*index));
}

const struct task_view *snapshot_index_task(const struct snapshot_index *index, const char *agent_id, uint32_t *place)
{
	uint32_t at = *place;

	while ((at = chains_next(&index->tasks, agent_id, at)) != 0) {
		const struct task_view *task = task_at(index->snapshot, at - 1);

		if (strcmp(task->agent_id, agent_id) != 0)
			continue;
		*place = at;
		return task;
	}
	return NULL;
}

const struct agent_view *snapshot_index_host(const struct snapshot_index *index, const char *hostname, uint32_t *place)
{
	uint32_t at = *place;

	while ((at = chains_next(&index->hosts, hostname, at)) != 0) {
		const struct agent_view *agent = &index->snapshot->agents[at - 1];

		if (strcmp(agent->hostname, hostname) != 0)
			continue;
		*place = at;
		return agent;
	}
	return NULL;
}

/* ---- what gates ask for */

int64_t snapshot_index_running(struct snapshot_index *index, const char *framework)
{
	for (size_t i = 0; i < index->count_count; i++)
		if (strcmp(index->counts[i].framework, framework) == 0)
			return index->counts[i].running;
	index->counts = xreallocarray(index->counts, index->count_count + 1, sizeof(*index->counts));
	index->counts[index->count_count] = (struct snapshot_count){
		.framework = framework,
		.running = figures_count_running(index->snapshot, framework),
	};
	return index->counts[index->count_count++].running;
}

/* Both lists are sorted by ID. */
static void find_missing(struct snapshot_index *index, const struct figures *before)
{
	const struct master_snapshot *now = index->snapshot;
	size_t at = 0;

	index->missing_of = before;
	index->missing = xcalloc(before->present_count + 1, sizeof(*index->missing));
	for (size_t i = 0; i < before->present_count; i++) {
		int order = 1;

		while (at < now->agent_count && (order = strcmp(now->agents[at].id, before->present[i])) < 0)
			at++;
		if (at == now->agent_count || order != 0 || !figures_is_there(&now->agents[at]))
			index->missing[index->missing_count++] = before->present[i];
	}
}

const char *const *snapshot_index_missing(struct snapshot_index *index, const struct figures *before, size_t *count)
{
	if (index->missing_of != before)
		find_missing(index, before);
	*count = index->missing_count;
	return index->missing;
}
