/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/refresh.h"

#include "base/clock.h"

static int put(struct session *session, const struct master_snapshot *snapshot, struct agents_summary *summary)
{
	const struct agents_answer answer = {
		.master = snapshot->master,
		.agents = snapshot->agents,
		.agent_count = snapshot->agent_count,
		.tasks = snapshot->tasks,
		.task_count = snapshot->task_count,
		.frameworks = snapshot->frameworks,
		.framework_count = snapshot->framework_count,
		.facts = &snapshot->facts,
	};
	int64_t cluster;

	if (session_cluster_id(session, &cluster) < 0)
		return -1;
	return agents_sync(session_store(session), cluster, &answer, clock_wall_ms(), summary, &session->error);
}

/* A master that sends nonsense is no document the user wrote: what was needed could not be had. */
static struct master_snapshot *ask(struct session *session, struct master_source *master)
{
	struct error why = ERROR_INIT;
	struct master_snapshot *snapshot = master_ask_now(master, session_loop(session),
							  WANT_AGENTS | WANT_TASKS | WANT_FACTS, &why);

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
