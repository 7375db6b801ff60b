/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/beginning.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/audit/projections_sql.h"
#include "orchestrator/ledger/ledger_query.h"

static int is_begun(struct store *store, bool *begun, struct error *err)
{
	int64_t value = 0;

	if (store_find_int(store, &value, err, "SELECT begun FROM database", "") < 0)
		return -1;
	*begun = value != 0;
	return 0;
}

/* ---- what is there without an event */

/* Rows of one text column each, a JSON object. */
static json_t *objects_of(struct store *store, const char *sql, struct error *err)
{
	struct store_cursor rows;
	json_t *list = json_array();
	int more;

	if (store_query(store, &rows, err, sql, "") < 0) {
		json_decref(list);
		return NULL;
	}
	while ((more = store_next(&rows, err)) > 0)
		json_array_append_new(list, json_loads(store_text(&rows, 0), 0, NULL));
	store_done(&rows);
	if (more == 0)
		return list;
	json_decref(list);
	return NULL;
}

/* A row that says to be younger than the first event of its kind should have one: it is left to be found. */
static json_t *configs_without(struct store *store, struct error *err)
{
	return objects_of(store,
			  "SELECT json_object('name', r.name, 'text', r.text, 'time_ms', r.time_ms) FROM (" CONFIG_ROWS
			  ") r WHERE NOT " BORN_WITH_EVENTS " AND r.name NOT IN (SELECT name FROM (" CONFIG_EVENTS
			  ")) AND r.time_ms < coalesce((SELECT min(time_ms) FROM (" CONFIG_EVENTS
			  ")), r.time_ms + 1) ORDER BY r.name",
			  err);
}

static json_t *ignores_without(struct store *store, struct error *err)
{
	return objects_of(
		store,
		"SELECT json_object('number', r.number, 'text', r.text, 'time_ms', r.time_ms, 'removed_by', i.removed_by, "
		"'removed_ms', i.removed_ms) FROM (" IGNORE_ROWS
		") r JOIN ignores i ON i.number = r.number WHERE NOT " BORN_WITH_EVENTS
		" AND NOT EXISTS (SELECT 1 FROM (" IGNORE_EVENTS ") s WHERE s.text = r.text AND abs(s.time_ms - "
		"r.time_ms) < s.slack) AND r.time_ms < coalesce((SELECT min(time_ms) FROM (" IGNORE_EVENTS
		")), r.time_ms + 1) ORDER BY r.number",
		err);
}

static int begin_ledger(struct store *store, struct ledger *ledger, struct error *err)
{
	json_t *configs = configs_without(store, err), *ignores = configs ? ignores_without(store, err) : NULL;
	int64_t created_ms = 0;
	int result = ignores ? store_find_int(store, &created_ms, err, "SELECT created_ms FROM database", "") : -1;

	if (result < 0) {
		json_decref(configs);
		json_decref(ignores);
		return -1;
	}
	ledger_event(ledger, "database.begun", NULL, NULL,
		     json_pack("{s:s, s:I, s:o, s:o}", "database", store_uuid(store), "created_ms",
			       (json_int_t)created_ms, "configs", configs, "ignores", ignores));
	return 0;
}

/* ---- runs from before rows had digests in their events */

#define HAS_MEMBER(event, member) "json_extract(" READABLE(event ".body") ", '$." member "') IS NOT NULL"

static int lacks(struct store *store, const char *sql, const char *run, bool *lacks, struct error *err)
{
	int64_t there = 0;

	if (store_find_int(store, &there, err, sql, "t", run) < 0)
		return -1;
	*lacks = there == 0;
	return 0;
}

static int describe_row(struct store *store, const struct run_row *row, json_t *body, struct error *err)
{
	char digest[DIGEST_HEX_SIZE];
	bool lacks_row, lacks_before;

	if (lacks(store,
		  "SELECT EXISTS (SELECT 1 FROM events e WHERE e.run = ?1 AND e.agent IS NULL AND " HAS_MEMBER(
			  "e", "row") ")",
		  row->id, &lacks_row, err) < 0 ||
	    lacks(store,
		  "SELECT EXISTS (SELECT 1 FROM events e WHERE e.run = ?1 AND e.agent IS NULL AND " HAS_MEMBER(
			  "e", "row_before") ")",
		  row->id, &lacks_before, err) < 0)
		return -1;
	if (lacks_row) {
		run_row_digest(row, digest);
		json_object_set_new(body, "row", json_string(digest));
	}
	if (lacks_before && row->before) {
		digest_hex(row->before, strlen(row->before), digest);
		json_object_set_new(body, "row_before", json_string(digest));
	}
	return 0;
}

/* 1: its last event was written before events had the digest of its row; 0; -1. */
static int is_bare(struct store *store, const char *run, const char *agent_id, struct error *err)
{
	int64_t bare = 0;

	if (store_find_int(
		    store, &bare, err,
		    "SELECT NOT (" HAS_MEMBER("e", "row") ") FROM events e WHERE e.run = ?1 AND e.agent = ?2 AND "
							  "e.kind = 'agent' ORDER BY e.seq DESC LIMIT 1",
		    "tt", run, agent_id) < 0)
		return -1;
	return bare != 0;
}

/* Agents of which nothing was recorded are as the plan says: that is compared anyway. */
static int describe_agents(struct store *store, struct ledger *ledger, const char *run, json_t *body, struct error *err)
{
	struct run_agent *agents = NULL;
	json_t *digests = json_object();
	size_t count = 0;
	int result = ledger_load_agents(ledger, run, &agents, &count, err);

	for (size_t i = 0; i < count; i++) {
		char digest[DIGEST_HEX_SIZE], position[32];
		int bare = result == 0 ? is_bare(store, run, agents[i].agent_id, err) : 0;

		if (bare > 0) {
			run_agent_digest(&agents[i], digest);
			snprintf(position, sizeof(position), "%" PRId64, agents[i].position);
			json_object_set_new(digests, position, json_string(digest));
		}
		result = bare < 0 ? -1 : result;
		run_agent_clear(&agents[i]);
	}
	free(agents);
	if (json_object_size(digests) > 0)
		json_object_set(body, "agents", digests);
	json_decref(digests);
	return result;
}

static int describe_run(struct store *store, struct ledger *ledger, const char *run, struct error *err)
{
	struct run_row row;
	json_t *body;
	int result;

	if (ledger_load_run(ledger, run, &row, err) < 0)
		return -1;
	body = json_pack("{s:s}", "run", run);
	result = describe_row(store, &row, body, err);
	if (result == 0)
		result = describe_agents(store, ledger, run, body, err);
	if (result == 0 && json_object_size(body) > 1)
		ledger_event(ledger, "database.found", NULL, NULL, json_incref(body));
	json_decref(body);
	run_row_clear(&row);
	return result;
}

static int describe_runs(struct store *store, struct ledger *ledger, struct error *err)
{
	struct run_list runs = {NULL, 0};
	int result = ledger_list_runs(store, &runs, err);

	for (size_t i = runs.count; result == 0 && i-- > 0;)
		result = describe_run(store, ledger, runs.items[i].row.id, err);
	run_list_clear(&runs);
	return result;
}

/* ---- written once */

/* Under the lock: another process may have come first. */
static int record(struct store *store, struct ledger *ledger, struct error *err)
{
	bool begun;

	if (store_begin(store, err) < 0)
		return -1;
	if (is_begun(store, &begun, err) < 0)
		return -1;
	if (begun) {
		store_rollback(store);
		return 0;
	}
	if (begin_ledger(store, ledger, err) < 0 || describe_runs(store, ledger, err) < 0 ||
	    ledger_commit_within(ledger, err) < 0 || store_run(store, err, "UPDATE database SET begun = 1", "") < 0)
		return -1;
	return store_commit(store, err);
}

int beginning_record(struct store *store, const char *actor, json_t *origin, struct error *err)
{
	struct ledger *ledger = NULL;
	bool begun;
	int result = is_begun(store, &begun, err);

	if (result == 0 && !begun)
		ledger = ledger_open(store, actor, err);
	if (!ledger) {
		json_decref(origin);
		return result == 0 && begun ? 0 : -1;
	}
	ledger_set_origin(ledger, origin);
	result = record(store, ledger, err);
	if (result < 0)
		store_rollback(store);
	ledger_close(ledger);
	return result;
}

/* ---- checked */

json_t *beginning_of_run(struct store *store, const char *run)
{
	struct error ignored = ERROR_INIT;
	char *text = NULL;
	json_t *body = NULL;

	if (store_find_text(store, &text, &ignored,
			    "SELECT CAST(body AS TEXT) FROM events WHERE kind = 'database.found' AND "
			    "json_extract(" READABLE("body") ", '$.run') = ?1 ORDER BY seq LIMIT 1",
			    "t", run) > 0)
		body = json_loads(text, 0, NULL);
	free(text);
	error_clear(&ignored);
	return body;
}

static int check_once(struct store *store, struct findings_list *findings, struct error *err)
{
	struct store_cursor rows;
	int64_t first = 0, second = 0;
	int more;

	if (store_query(store, &rows, err, "SELECT seq FROM events WHERE kind = 'database.begun' ORDER BY seq LIMIT 2",
			"") < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0)
		*(first ? &second : &first) = store_int(&rows, 0);
	store_done(&rows);
	if (!first)
		findings_add(
			findings, "cut", 0,
			"no event says what was in the database when its ledger began (database.begun): it was cut out");
	if (second)
		findings_add(findings, "inserted", second,
			     "event %" PRId64
			     " says once more what was in the database when its ledger began, and event "
			     "%" PRId64 " said so already: somebody made rollcall take what was there then for old",
			     second, first);
	return more;
}

int beginning_check(struct store *store, struct findings_list *findings, struct error *err)
{
	struct store_cursor rows;
	int more, count = 0;

	if (check_once(store, findings, err) < 0 ||
	    store_query(
		    store, &rows, err,
		    "SELECT e.seq, d.uuid || ' of ' || " TIME_TEXT("d.created_ms") ", json_extract(" READABLE(
			    "e.body") ", "
				      "'$.database') || ' of ' || " TIME_TEXT("json_extract(" READABLE(
					      "e.body") ", '$.created_ms')") " FROM "
									     "database d JOIN events e ON e.seq = " BEGUN_SEQ,
		    "") < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		const char *row = store_text(&rows, 1), *said = store_text(&rows, 2);

		if (!row || !said || strcmp(row, said) != 0)
			findings_add(findings, "projection", store_int(&rows, 0),
				     "the database calls itself %s, and its ledger began as %s: it was renamed, or the "
				     "events are another database's",
				     row ? row : "nothing", said ? said : "nothing");
		count++;
	}
	store_done(&rows);
	if (more == 0 && count > 1)
		findings_add(findings, "projection", 0,
			     "the database has %d names, and rollcall writes one: the table was edited", count);
	return more;
}
