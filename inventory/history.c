/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading states that ended. A state's SlaveInfo and resources are only there where the next state's differ: to have
 * them one goes forward, in the end to the row of agents.
 */
#include "inventory/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "inventory/agents_internal.h"

/* The first of an ended state `s` of agent `a` and those behind it that has the blob. */
#define FORWARD(blob)                                                                                                  \
	"coalesce(s." blob ", (SELECT n." blob " FROM agent_states n WHERE n.agent = s.agent AND n.seq > s.seq AND "   \
	"n." blob " IS NOT NULL ORDER BY n.seq LIMIT 1), a." blob ")"

void agent_states_clear(struct agent_states *states)
{
	for (size_t i = 0; i < states->count; i++)
		agent_view_clear(&states->items[i].view);
	free(states->items);
	*states = (struct agent_states){NULL, 0};
}

static char *copy_column(const struct store_cursor *rows, int column)
{
	return xstrdup(store_text(rows, column));
}

static int read_state(const struct store_cursor *rows, struct agent_state *out, struct error *err)
{
	struct agent_view *view = &out->view;
	size_t len;
	const void *data;

	*out = (struct agent_state){.from_ms = store_int(rows, 0), .until_ms = store_int(rows, 1)};
	view->id = copy_column(rows, 2);
	view->hostname = copy_column(rows, 3);
	view->ip = copy_column(rows, 4);
	view->port = (int)store_int(rows, 5);
	view->version = copy_column(rows, 6);
	view->active = store_int(rows, 7) != 0;
	view->deactivated = store_int(rows, 8) != 0;
	view->attributes_complete = store_int(rows, 9) != 0;
	view->registered_ns = store_int(rows, 10);
	view->reregistered_ns = store_int(rows, 11);
	data = store_blob(rows, 12, &len);
	view->info = slaveinfo_unpack(data, len, err);
	if (!view->info)
		return error_prefix(err, "an earlier SlaveInfo of agent %s", view->id);
	data = store_blob(rows, 13, &len);
	if (agents_unpack_resources(data, len, &view->total, err) < 0)
		return error_prefix(err, "earlier resources of agent %s", view->id);
	return 0;
}

int history_load(struct store *store, int64_t agent_row, struct agent_states *out, struct error *err)
{
	struct agent_states states = {NULL, 0};
	struct store_cursor rows;
	int more;

	if (store_query(store, &rows, err,
			"SELECT from_ms, until_ms, id, hostname, ip, port, version, active, deactivated, "
			"attributes_complete, registered_ns, reregistered_ns, info, total FROM ("
			"SELECT s.from_ms, s.until_ms, a.id, s.hostname, s.ip, s.port, s.version, s.active, "
			"s.deactivated, s.attributes_complete, s.registered_ns, s.reregistered_ns, " FORWARD(
				"info") " AS info, " FORWARD("total") " AS total, s.seq AS seq FROM agent_states s "
								      "JOIN agents a ON a.row = s.agent WHERE s.agent "
								      "= ?1 UNION ALL SELECT since_ms, ifnull(gone_ms, "
								      "0), id, hostname, ip, port, version, active, "
								      "deactivated, attributes_complete, "
								      "registered_ns, reregistered_ns, info, total, "
								      "9223372036854775807 FROM agents WHERE row = ?1) "
								      "ORDER BY seq",
			"i", agent_row) < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		states.items = xreallocarray(states.items, states.count + 1, sizeof(*states.items));
		if (read_state(&rows, &states.items[states.count++], err) < 0) {
			more = -1;
			break;
		}
	}
	store_done(&rows);
	if (more < 0) {
		agent_states_clear(&states);
		return -1;
	}
	*out = states;
	return 0;
}

/* ---- travelling: temporary tables of the same names, which SQLite finds first */

/* x'0a00' is a SlaveInfo with no resources at all, as they are packed. Columns of agents, in its order; own: the sums are still to be found. */
#define FILL_CURRENT                                                                                                   \
	"SELECT a.row, a.cluster, NULL AS gone_ms, a.id, a.hostname, a.ip, a.port, a.version, a.active, "              \
	"a.deactivated, a.attributes_complete, a.region, a.zone, a.cpus, a.mem, a.disk, a.gpus, 0.0, 0.0, 0.0, 0.0, "  \
	"a.registered_ns, a.reregistered_ns, a.first_seen_ms, a.since_ms, a.since_ms, NULL, a.info, a.total, "         \
	"x'0a00', 0 FROM main.agents a WHERE a.cluster = ?1 AND a.since_ms <= ?2 AND "                                 \
	"(a.gone_ms IS NULL OR a.gone_ms > ?2)"

#define FILL_ENDED                                                                                                     \
	"SELECT a.row, a.cluster, NULL, a.id, s.hostname, s.ip, s.port, s.version, s.active, s.deactivated, "          \
	"s.attributes_complete, s.region, s.zone, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, s.registered_ns, "           \
	"s.reregistered_ns, a.first_seen_ms, s.from_ms, s.from_ms, NULL, " FORWARD("info") ", " FORWARD(               \
		"total") ", x'0a00', 1 FROM main.agent_states s JOIN main.agents a ON a.row = s.agent "                \
			 "WHERE a.cluster = ?1 AND s.until_ms > ?2 AND s.from_ms <= ?2"

/* In order; each has as many parameters as its types say: the cluster, and the time. */
static const struct {
	const char *sql;
	const char *types;
} steps[] = {
	{"CREATE TEMP TABLE agents (row INTEGER PRIMARY KEY, cluster, gone_ms, id, hostname, ip, port, version, active, "
	 "deactivated, attributes_complete, region, zone, cpus, mem, disk, gpus, cpus_used, mem_used, disk_used, "
	 "gpus_used, registered_ns, reregistered_ns, first_seen_ms, changed_ms, since_ms, answer, info, total, used, own)",
	 ""},
	{"INSERT OR REPLACE INTO temp.agents " FILL_CURRENT " UNION ALL " FILL_ENDED, "ii"},
	{"UPDATE temp.agents SET cpus = agent_resource('cpus', NULL, total), mem = agent_resource('mem', NULL, total), "
	 "disk = agent_resource('disk', NULL, total), gpus = agent_resource('gpus', NULL, total) WHERE own",
	 ""},
	{"CREATE TEMP TABLE tasks AS SELECT * FROM main.tasks WHERE false", ""},
	{"CREATE INDEX temp.tasks_by_agent ON tasks (cluster, agent, framework, id)", ""},
	{"CREATE TEMP TABLE surveys AS SELECT * FROM main.surveys WHERE false", ""},
	{"CREATE INDEX temp.surveys_by_agent ON surveys (agent, time_ms, failed_ms, drift)", ""},
	{"CREATE INDEX temp.agents_listed ON agents (cluster) WHERE gone_ms IS NULL", ""},
};

static int check_time(struct store *store, int64_t cluster, int64_t time_ms, int64_t now_ms, struct error *err)
{
	char then[CLOCK_TEXT_MAX], first[CLOCK_TEXT_MAX];
	int64_t first_ms = 0;

	if (time_ms > now_ms)
		return error_set(err, ERROR_USAGE, "%s has not come yet", clock_format(time_ms, then));
	if (store_find_int(store, &first_ms, err, "SELECT min(first_seen_ms) FROM main.agents WHERE cluster = ?1", "i",
			   cluster) < 0)
		return -1;
	if (time_ms < first_ms || !first_ms)
		return error_set(err, ERROR_USAGE, "nothing was known of this cluster at %s: its first sync was at %s",
				 clock_format(time_ms, then), first_ms ? clock_format(first_ms, first) : "no time yet");
	return 0;
}

static int travel(struct store *store, int64_t cluster, int64_t time_ms, struct error *err)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (*steps[i].types ? store_run(store, err, steps[i].sql, steps[i].types, cluster, time_ms) < 0
				    : store_run(store, err, steps[i].sql, "") < 0)
			return -1;
	store_forget_statements(store);
	return 0;
}

int history_travel(struct store *store, int64_t cluster, int64_t time_ms, int64_t now_ms, struct error *err)
{
	if (history_return(store, err) < 0 || check_time(store, cluster, time_ms, now_ms, err) < 0)
		return -1;
	if (travel(store, cluster, time_ms, err) == 0)
		return 0;
	history_return(store, NULL);
	return -1;
}

int history_return(struct store *store, struct error *err)
{
	static const char *const drops[] = {
		"DROP TABLE IF EXISTS temp.agents",
		"DROP TABLE IF EXISTS temp.tasks",
		"DROP TABLE IF EXISTS temp.surveys",
	};

	store_forget_statements(store);
	for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]); i++)
		if (store_run(store, err, drops[i], "") < 0)
			return -1;
	store_forget_statements(store);
	return 0;
}
