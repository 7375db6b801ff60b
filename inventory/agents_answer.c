/* SPDX-License-Identifier: Apache-2.0 */
/* What a master says of itself, into the row of its cluster; and a sync from an answer that is in memory. */
#include "inventory/agents_internal.h"

int agents_write_cluster(const struct agents_write *write, const struct agents_feed *feed, struct error *err)
{
	const struct master_facts *facts = feed->facts;

	if (store_run(write->store, err, "UPDATE clusters SET synced_ms = ?1, master = ?2 WHERE id = ?3", "iti",
		      write->time_ms, feed->master, write->cluster) < 0)
		return -1;
	if (!facts)
		return 0;
	return store_run(
		write->store, err,
		"UPDATE clusters SET master_version = ?1, master_id = ?2, master_cluster = ?3, agent_update = ?4, "
		"region = ?5, zone = ?6, require_agent_domain = ?7, agent_ping_timeout_ms = ?8, "
		"max_agent_ping_timeouts = ?9, agent_reregister_timeout_ms = ?10, elected_ns = ?11 WHERE id = ?12",
		"tttdttdiiiii", facts->version ? facts->version : "", facts->id, facts->cluster,
		(int)facts->agent_update, facts->has_domain ? facts->region : NULL,
		facts->has_domain ? facts->zone : NULL, (int)facts->require_agent_domain, facts->agent_ping_timeout_ms,
		facts->max_agent_ping_timeouts, facts->agent_reregister_timeout_ms, facts->elected_ns, write->cluster);
}

static int read_answer(void *ctx, struct agents_sink *sink, struct error *err)
{
	const struct agents_answer *answer = ctx;
	int result = 0;

	for (size_t i = 0; i < answer->agent_count && result == 0; i++)
		result = agents_sink_agent(sink, &answer->agents[i], NULL, 0, err);
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
