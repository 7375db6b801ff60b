/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall inventory sync: what the master lists, into the database. */
#include <stdio.h>

#include "base/clock.h"
#include "inventory/agents.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"
#include "orchestrator/refresh.h"

static json_t *counts_json(const struct agents_summary *summary)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "total", (json_int_t)summary->total, "new",
			 (json_int_t)summary->added, "gone", (json_int_t)summary->gone, "returned",
			 (json_int_t)summary->returned, "changed", (json_int_t)summary->changed, "unchanged",
			 (json_int_t)summary->unchanged);
}

/* What is counted is told from the sync before, which may have been another command's: a plan's, or drift --refresh. */
struct synced {
	int64_t before_ms; /* 0: there was none */
	int64_t time_ms;
	struct agents_summary summary;
};

static int print_summary(const struct session *session, const struct master_facts *facts, const struct synced *synced)
{
	const char *cluster = session->cluster->name;
	const struct agents_summary *summary = &synced->summary;
	char when[CLOCK_TEXT_MAX];

	if (session->json)
		return output_json(json_pack("{s:s,s:o,s:o,s:o,s:I,s:I}", "cluster", cluster, "master_version",
					     output_text(facts->version), "time", output_time(synced->time_ms),
					     "agents", counts_json(summary), "tasks", (json_int_t)summary->tasks,
					     "frameworks", (json_int_t)summary->frameworks));
	printf("%s: %zu agent%s, %zu task%s, %zu framework%s; the master is %s\n", cluster, summary->total,
	       summary->total == 1 ? "" : "s", summary->tasks, summary->tasks == 1 ? "" : "s", summary->frameworks,
	       summary->frameworks == 1 ? "" : "s", facts->version);
	printf("%zu new, %zu gone, %zu returned, %zu changed, %zu unchanged%s%s\n", summary->added, summary->gone,
	       summary->returned, summary->changed, summary->unchanged, synced->before_ms ? " since " : "",
	       synced->before_ms ? clock_format(synced->before_ms, when) : "");
	return 0;
}

static int sync_cluster(struct session *session)
{
	struct master_facts facts = {.version = NULL};
	struct synced synced = {.before_ms = 0};
	struct store *store;
	int64_t cluster;

	if (!session_cluster(session) || !session_new_store(session) || session_cluster_id(session, &cluster) < 0)
		return -1;
	store = session_store(session);
	if (agents_synced_ms(store, cluster, &synced.before_ms, &session->error) < 0 ||
	    refresh_agents(session, &synced.summary) < 0 || agents_facts(store, cluster, &facts, &session->error) < 0 ||
	    agents_synced_ms(store, cluster, &synced.time_ms, &session->error) < 0)
		return -1;
	print_summary(session, &facts, &synced);
	master_facts_clear(&facts);
	return 0;
}

int command_inventory_sync(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	return command_alone(ctx, self, argc, argv, sync_cluster);
}
