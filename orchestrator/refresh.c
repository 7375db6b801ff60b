/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/refresh.h"

#include "base/clock.h"
#include "base/log.h"
#include "inventory/agents_recovered.h"
#include "orchestrator/ledger/ledger_sync.h"
#include "orchestrator/session_ledger.h"
#include "remote/master_spool.h"

/* ---- the master's answers, from the spool into the inventory */

struct pouring {
	struct store *store;
	int64_t cluster;
	const struct master_spool *spool;
	struct agents_sink *sink;
	struct agents_recovered recovered;
};

static bool knows(void *ctx, const void *raw, size_t len)
{
	const struct pouring *pouring = ctx;

	return agents_sink_knows(pouring->sink, raw, len);
}

static int take_agent(void *ctx, struct agent_view *view, const void *raw, size_t len, struct error *err)
{
	const struct pouring *pouring = ctx;

	return agents_sink_agent(pouring->sink, view, raw, len, err);
}

static int take_packed(void *ctx, const struct agent_packed *agent, const void *raw, size_t len, struct error *err)
{
	const struct pouring *pouring = ctx;

	return agents_sink_packed(pouring->sink, agent, raw, len, err);
}

static int take_task(void *ctx, struct task_view *task, bool completed, struct error *err)
{
	const struct pouring *pouring = ctx;

	return completed ? 0 : agents_sink_task(pouring->sink, task, err);
}

static int take_framework(void *ctx, struct framework_view *framework, struct error *err)
{
	const struct pouring *pouring = ctx;

	return agents_sink_framework(pouring->sink, framework, err);
}

static int take_recovered(void *ctx, const char *id, struct error *err)
{
	struct pouring *pouring = ctx;

	(void)err;
	agents_recovered_add(&pouring->recovered, id);
	return 0;
}

static int read_spool(void *ctx, struct agents_sink *sink, struct error *err)
{
	struct pouring *pouring = ctx;
	const struct master_taker taker = {
		.ctx = pouring,
		.known = knows,
		.agent = take_agent,
		.packed = take_packed,
		.task = take_task,
		.framework = take_framework,
		.recovered = take_recovered,
	};

	pouring->sink = sink;
	if (master_spool_read(pouring->spool, &taker, err) < 0)
		return -1;
	return agents_recovered_put(&pouring->recovered, pouring->store, pouring->cluster, sink, err);
}

static void warn_of_recovered(const struct pouring *pouring)
{
	if (pouring->recovered.count > 0)
		log_warning(
			"the master took the lead lately, and %zu of its agents have not come back yet: those that were "
			"listed are kept as inactive",
			pouring->recovered.count);
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
	struct quickhash_key key;
	unsigned char hash[QUICKHASH_SIZE];
	struct pouring pouring = {.store = store, .spool = snapshot->spool};
	const struct agents_feed feed = {
		.master = snapshot->master,
		.facts = &snapshot->facts,
		.hash = hash,
		.read = read_spool,
		.ctx = &pouring,
	};
	struct error why = ERROR_INIT;
	struct synced synced = {.session = session, .sync = {.master = snapshot->master, .time_ms = clock_wall_ms()}};

	if (session_cluster_id(session, &synced.sync.cluster) < 0)
		return -1;
	pouring.cluster = synced.sync.cluster;
	synced.sync.name = session->cluster->name;
	agents_hash_key(store, &key);
	if (master_spool_hash(snapshot->spool, &key, hash, &session->error) < 0)
		return -1;
	int result = sync_recorded(session, &synced, &feed, &why);
	if (result == 0)
		warn_of_recovered(&pouring);
	agents_recovered_clear(&pouring.recovered);
	if (result == 0) {
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
