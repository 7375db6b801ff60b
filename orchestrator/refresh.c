/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/refresh.h"

#include "base/clock.h"
#include "orchestrator/ledger/ledger_sync.h"
#include "orchestrator/session_ledger.h"
#include "remote/master_spool.h"

/* ---- the master's answers, from the spool into the inventory */

static bool knows(void *ctx, const void *raw, size_t len)
{
	return agents_sink_knows(ctx, raw, len);
}

static int take_agent(void *ctx, struct agent_view *view, const void *raw, size_t len, struct error *err)
{
	return agents_sink_agent(ctx, view, raw, len, err);
}

static int take_task(void *ctx, struct task_view *task, bool completed, struct error *err)
{
	return completed ? 0 : agents_sink_task(ctx, task, err);
}

static int take_framework(void *ctx, struct framework_view *framework, struct error *err)
{
	return agents_sink_framework(ctx, framework, err);
}

static int read_spool(void *ctx, struct agents_sink *sink, struct error *err)
{
	const struct master_taker taker = {
		.ctx = sink, .known = knows, .agent = take_agent, .task = take_task, .framework = take_framework};

	return master_spool_read(ctx, &taker, err);
}

/* What the event of a sync says. */
struct synced {
	struct session *session;
	struct ledger_sync sync;
};

static int describe(void *ctx, struct ledger *ledger, struct error *err)
{
	struct synced *synced = ctx;

	return ledger_sync_events(ledger, synced->session->store, &synced->sync, err);
}

/* With its events, in one transaction. */
static int sync_recorded(struct session *session, struct synced *synced, const struct agents_feed *feed,
			 struct error *why)
{
	struct ledger_sync *sync = &synced->sync;
	struct deed deed = {.session = session, .describe = describe, .ctx = synced};

	if (agents_synced_ms(session->store, sync->cluster, &sync->before_ms, why) < 0)
		return -1;
	deed_announce(&deed);
	int result = agents_sync_feed(session->store, sync->cluster, feed, sync->time_ms, &sync->summary, why);
	deed_end(&deed);
	return result;
}

static int put(struct session *session, const struct master_snapshot *snapshot, struct agents_summary *summary)
{
	struct store *store = session_store(session);
	unsigned char key[SIPHASH_SIZE], hash[SIPHASH_SIZE];
	const struct agents_feed feed = {
		.master = snapshot->master,
		.facts = &snapshot->facts,
		.hash = hash,
		.read = read_spool,
		.ctx = snapshot->spool,
	};
	struct error why = ERROR_INIT;
	struct synced synced = {.session = session, .sync = {.master = snapshot->master, .time_ms = clock_wall_ms()}};

	if (session_cluster_id(session, &synced.sync.cluster) < 0)
		return -1;
	synced.sync.name = session->cluster->name;
	agents_hash_key(store, key);
	if (master_spool_hash(snapshot->spool, key, hash, &session->error) < 0)
		return -1;
	if (sync_recorded(session, &synced, &feed, &why) == 0) {
		*summary = synced.sync.summary;
		return 0;
	}
	return error_set(&session->error, why.kind == ERROR_CORRUPT ? ERROR_UNREACHABLE : why.kind, "%s", why.text);
}

/* ---- asking */

/* A master that sends nonsense is no document the user wrote: what was needed could not be had. */
static struct master_snapshot *ask(struct session *session, struct master_source *master)
{
	struct error why = ERROR_INIT;
	struct master_snapshot *snapshot = master_ask_now(master, session_loop(session),
							  WANT_AGENTS | WANT_TASKS | WANT_FACTS | WANT_SPOOL, &why);

	if (!snapshot)
		error_set(&session->error, why.kind == ERROR_CORRUPT ? ERROR_UNREACHABLE : why.kind, "%s", why.text);
	return snapshot;
}

int refresh_agents(struct session *session, struct agents_summary *summary)
{
	struct agents_summary unused;
	struct store *store = session_store(session);
	struct master_source *master = store ? session_master(session) : NULL;
	struct master_snapshot *snapshot;

	if (!master)
		return -1;
	snapshot = ask(session, master);
	if (!snapshot)
		return -1;
	int result = put(session, snapshot, summary ? summary : &unused);
	master_snapshot_free(snapshot);
	return result;
}
