/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing the database in line with a master's answer, in one transaction. Per agent a digest of all that the master
 * said is kept: an agent whose digest is the same costs no write.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/digest.h"
#include "inventory/agents.h"
#include "inventory/agents_internal.h"

/* What the database knew of an agent before the sync. */
struct known {
	char *id;
	int64_t row;
	unsigned char digest[DIGEST_SIZE];
	bool gone;
	bool listed;
};

struct sync {
	struct store *store;
	int64_t cluster;
	int64_t time_ms;
	struct known *known; /* by ID */
	size_t known_count;
	struct agents_summary summary;
};

static void digest_text(struct digest_state *state, const char *text)
{
	digest_add(state, text, strlen(text) + 1);
}

static void digest_buffer(struct digest_state *state, const struct buffer *buf)
{
	uint64_t len = buf->len;

	digest_add(state, &len, sizeof(len));
	digest_add(state, buffer_text(buf), buf->len);
}

static void digest_agent(struct agent_packed *packed)
{
	const struct agent_view *view = packed->view;
	int64_t numbers[] = {view->port,          view->active,         view->deactivated, view->attributes_complete,
			     view->registered_ns, view->reregistered_ns};
	struct digest_state state;

	digest_start(&state);
	digest_text(&state, view->hostname);
	digest_text(&state, view->ip);
	digest_text(&state, view->version);
	digest_add(&state, numbers, sizeof(numbers));
	digest_buffer(&state, &packed->info);
	digest_buffer(&state, &packed->total);
	digest_buffer(&state, &packed->used);
	digest_finish(&state, packed->digest);
}

static void find_domain(const Mesos__SlaveInfo *info, const char **region, const char **zone)
{
	if (!info->domain || !info->domain->fault_domain)
		return;
	*region = info->domain->fault_domain->region->name;
	*zone = info->domain->fault_domain->zone->name;
}

static void pack_agent(const struct agent_view *view, struct agent_packed *out)
{
	*out = (struct agent_packed){.view = view,
				     .info = BUFFER_INIT(PACKED_MAX),
				     .total = BUFFER_INIT(PACKED_MAX),
				     .used = BUFFER_INIT(PACKED_MAX)};
	slaveinfo_pack(view->info, &out->info);
	agents_pack_resources(&view->total, &out->total);
	agents_pack_resources(&view->used, &out->used);
	find_domain(view->info, &out->region, &out->zone);
	digest_agent(out);
}

static void packed_clear(struct agent_packed *packed)
{
	buffer_clear(&packed->info);
	buffer_clear(&packed->total);
	buffer_clear(&packed->used);
}

static int compare_known(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->id, ((const struct known *)b)->id);
}

static struct known *find_known(struct sync *sync, const char *id)
{
	for (size_t low = 0, high = sync->known_count; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(id, sync->known[middle].id);

		if (order == 0)
			return &sync->known[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static int load_known(struct sync *sync, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(sync->store, &rows, err, "SELECT id, row, digest, gone_ms FROM agents WHERE cluster = ?1", "i",
			sync->cluster) < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		struct known known = {.id = xstrdup(store_text(&rows, 0)), .row = store_int(&rows, 1)};
		size_t len;
		const void *digest = store_blob(&rows, 2, &len);

		if (len == DIGEST_SIZE)
			memcpy(known.digest, digest, DIGEST_SIZE);
		known.gone = !store_is_null(&rows, 3);
		sync->known = xreallocarray(sync->known, sync->known_count + 1, sizeof(known));
		sync->known[sync->known_count++] = known;
	}
	store_done(&rows);
	if (sync->known_count)
		qsort(sync->known, sync->known_count, sizeof(*sync->known), compare_known);
	return more;
}

static void sync_clear(struct sync *sync)
{
	for (size_t i = 0; i < sync->known_count; i++)
		free(sync->known[i].id);
	free(sync->known);
}

/* Counts what the sync finds of one agent. true: it must be written. */
static bool judge_agent(struct sync *sync, struct known *known, const struct agent_packed *packed)
{
	struct agents_summary *summary = &sync->summary;

	summary->total++;
	if (!known) {
		summary->added++;
		return true;
	}
	known->listed = true;
	if (known->gone) {
		summary->returned++;
		return true;
	}
	if (memcmp(known->digest, packed->digest, DIGEST_SIZE) == 0) {
		summary->unchanged++;
		return false;
	}
	summary->changed++;
	return true;
}

static int sync_agent(struct sync *sync, const struct agent_view *view, struct error *err)
{
	struct known *known = find_known(sync, view->id);
	struct agent_packed packed;
	int result = 0;

	if (!view->info)
		return error_set(err, ERROR_CORRUPT, "the master's answer has no SlaveInfo for agent %s", view->id);
	pack_agent(view, &packed);
	if (judge_agent(sync, known, &packed))
		result = agents_write(sync->store, sync->cluster, &packed, known ? known->row : 0, sync->time_ms, err);
	packed_clear(&packed);
	return result;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_duplicates(const struct agents_answer *answer, struct error *err)
{
	const char **ids = xcalloc(answer->agent_count + 1, sizeof(*ids));
	int result = 0;

	for (size_t i = 0; i < answer->agent_count; i++)
		ids[i] = answer->agents[i].id;
	qsort(ids, answer->agent_count, sizeof(*ids), compare_ids);
	for (size_t i = 1; i < answer->agent_count && result == 0; i++)
		if (strcmp(ids[i - 1], ids[i]) == 0)
			result = error_set(err, ERROR_CORRUPT, "the master's answer lists agent %s twice", ids[i]);
	free(ids);
	return result;
}

static int sync_agents(struct sync *sync, const struct agents_answer *answer, struct error *err)
{
	for (size_t i = 0; i < answer->agent_count; i++)
		if (sync_agent(sync, &answer->agents[i], err) < 0)
			return -1;
	for (size_t i = 0; i < sync->known_count; i++) {
		if (sync->known[i].listed || sync->known[i].gone)
			continue;
		sync->summary.gone++;
		if (store_run(sync->store, err, "UPDATE agents SET gone_ms = ?1 WHERE row = ?2", "ii", sync->time_ms,
			      sync->known[i].row) < 0)
			return -1;
	}
	return 0;
}

static int write_cluster(struct sync *sync, const struct agents_answer *answer, struct error *err)
{
	const struct master_facts *facts = answer->facts;

	if (store_run(sync->store, err, "UPDATE clusters SET synced_ms = ?1, master = ?2 WHERE id = ?3", "iti",
		      sync->time_ms, answer->master, sync->cluster) < 0)
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

static int sync_all(struct sync *sync, const struct agents_answer *answer, struct error *err)
{
	if (check_duplicates(answer, err) < 0 || load_known(sync, err) < 0 || sync_agents(sync, answer, err) < 0 ||
	    agents_sync_tasks(sync->store, sync->cluster, answer, err) < 0 ||
	    agents_sync_frameworks(sync->store, sync->cluster, answer, err) < 0)
		return -1;
	return write_cluster(sync, answer, err);
}

int agents_sync(struct store *store, int64_t cluster, const struct agents_answer *answer, int64_t time_ms,
		struct agents_summary *summary, struct error *err)
{
	struct sync sync = {.store = store, .cluster = cluster, .time_ms = time_ms};
	int result = store_begin(store, err);

	if (result < 0)
		return -1;
	sync.summary.tasks = answer->task_count;
	sync.summary.frameworks = answer->framework_count;
	result = sync_all(&sync, answer, err);
	if (result == 0)
		result = store_commit(store, err);
	else
		store_rollback(store);
	if (result == 0)
		*summary = sync.summary;
	sync_clear(&sync);
	return result;
}
