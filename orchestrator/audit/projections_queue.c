/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is told, and what: every event is followed once more, as it was when it was written, into temporary tables that stand before the
 * real ones; then the two are compared. How often a message was tried, when it is tried next and what its receiver said are nobody's
 * evidence and may differ; that it was delivered or dropped is in an event.
 */
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "orchestrator/audit/projections.h"
#include "orchestrator/ledger/ledger_backend.h"
#include "orchestrator/outgoing/project.h"

static const char *const begin[] = {
	"CREATE TEMP TABLE receivers (number INTEGER PRIMARY KEY, kind TEXT, cluster TEXT, name TEXT, url TEXT, wants TEXT, "
	"secret_file TEXT, ca TEXT, timeout_ms INTEGER, author TEXT, created_ms INTEGER, removed_ms INTEGER)",
	"CREATE TEMP TABLE outgoing (number INTEGER PRIMARY KEY, id TEXT UNIQUE, receiver INTEGER, lane TEXT, seq INTEGER, "
	"kind TEXT, operation TEXT, framework TEXT, task TEXT, created_ms INTEGER, attempts INTEGER DEFAULT 0, next_ms INTEGER, "
	"gone INTEGER DEFAULT 0, error TEXT, ended_ms INTEGER, outcome TEXT)",
	"CREATE TEMP TABLE runs (id TEXT PRIMARY KEY, \"plan\" TEXT, state TEXT, reason TEXT)",
	"CREATE INDEX temp.outgoing_operations ON outgoing (receiver, operation)",
	"CREATE INDEX temp.outgoing_lanes ON outgoing (receiver, lane) WHERE ended_ms IS NULL",
	NULL,
};
static const char *const end[] = {"DROP TABLE IF EXISTS temp.receivers", "DROP TABLE IF EXISTS temp.outgoing",
				  "DROP TABLE IF EXISTS temp.runs", NULL};

static int run_all(struct store *store, const char *const statements[], struct error *err)
{
	for (size_t i = 0; statements[i]; i++)
		if (store_run(store, err, statements[i], "") < 0)
			return -1;
	return 0;
}

/* ---- following events */

static const char *text_of(const json_t *body, const char *key)
{
	return json_string_value(json_object_get(body, key));
}

/* The run's row as it is behind the event: the next one is compared with it. */
static int follow_run(struct store *store, const struct ledger_entry *entry, const json_t *body, struct error *err)
{
	if (strcmp(entry->kind, "run.created") == 0)
		return store_run(store, err,
				 "INSERT OR REPLACE INTO temp.runs (id, \"plan\", state) VALUES (?1, ?2, 'running')",
				 "tt", entry->run, text_of(body, "plan"));
	if (strcmp(entry->kind, "run") == 0)
		return store_run(store, err, "UPDATE temp.runs SET state = ?2, reason = ?3 WHERE id = ?1", "ttt",
				 entry->run, text_of(body, "state"), text_of(body, "reason"));
	if (strcmp(entry->kind, "run.rolled_back") == 0)
		return store_run(
			store, err,
			"UPDATE temp.runs SET state = 'aborted', reason = 'rolled back by run ' || ?2 WHERE id = ?1",
			"tt", entry->run, text_of(body, "by"));
	return 0;
}

static int end_message(struct store *store, const char *id, const char *outcome, int64_t time_ms, struct error *err)
{
	return store_run(store, err,
			 "UPDATE temp.outgoing SET ended_ms = ?2, outcome = ?3 WHERE id = ?1 AND ended_ms IS NULL",
			 "tit", id, time_ms, outcome);
}

static int follow_deliveries(struct store *store, const struct ledger_entry *entry, const json_t *body,
			     struct error *err)
{
	const json_t *message;
	size_t i;

	json_array_foreach(json_object_get(body, "messages"), i, message)
	{
		if (end_message(store, text_of(message, "id"), "delivered", entry->time_ms, err) < 0)
			return -1;
	}
	return 0;
}

static int follow(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	struct store *store = ctx;
	json_t *body = json_loadb(entry->body ? entry->body : "", entry->body_len, 0, NULL);
	int result = 0;

	if (!body)
		return 0; /* the chain says more */
	if (strcmp(entry->kind, "outgoing.delivered") == 0)
		result = follow_deliveries(store, entry, body, err);
	else if (strcmp(entry->kind, "outgoing.dropped") == 0)
		result = end_message(store, text_of(body, "id"), "dropped", entry->time_ms, err);
	else
		result = outgoing_project(store, entry, err);
	if (result == 0)
		result = follow_run(store, entry, body, err);
	json_decref(body);
	return result;
}

static int follow_all(struct store *store, struct error *err)
{
	struct store_cursor rows;
	int result;

	if (store_query(
		    store, &rows, err,
		    "SELECT seq, time_ms, actor, run, agent, kind, body, hash FROM events WHERE kind IN ('agent.changed', "
		    "'run', 'run.created', 'run.rolled_back', 'observer.added', 'webhook.added', 'observer.removed', "
		    "'webhook.removed', 'outgoing.dropped', 'outgoing.delivered') ORDER BY seq",
		    "") < 0)
		return -1;
	result = ledger_visit_rows(&rows, follow, store, err);
	store_done(&rows);
	return result;
}

/* ---- comparing */

#define RECEIVER "number, kind, cluster, name, url, wants, secret_file, ca, timeout_ms, author, created_ms, removed_ms"
#define MESSAGE  "id, receiver, lane, seq, kind, operation, framework, task, created_ms"

/* Each gives: what it is; the event's seq. */
static const struct {
	const char *sql;
	const char *what, *why;
} comparisons[] = {
	{"SELECT kind || ' ' || name, NULL FROM (SELECT " RECEIVER " FROM main.receivers EXCEPT SELECT " RECEIVER
	 " FROM temp.receivers)",
	 "", "is in the table otherwise than the events made it"},
	{"SELECT kind || ' ' || name, NULL FROM temp.receivers WHERE number NOT IN (SELECT number FROM main.receivers)",
	 "", "is not in the table any more"},
	{"SELECT id, seq FROM (SELECT " MESSAGE " FROM main.outgoing EXCEPT SELECT " MESSAGE " FROM temp.outgoing)",
	 "message ", "in the queue does not follow from its event"},
	{"SELECT t.id, t.seq FROM temp.outgoing t WHERE t.outcome IS NULL AND t.id NOT IN (SELECT id FROM main.outgoing)",
	 "message ", "is not in the queue any more, and no event says that it was delivered or dropped"},
	{"SELECT m.id, m.seq FROM main.outgoing m JOIN temp.outgoing t ON t.id = m.id WHERE m.outcome IS NOT t.outcome",
	 "message ", "has another end in the queue than the events say"},
	{"SELECT id, seq FROM main.outgoing WHERE (ended_ms IS NULL) <> (outcome IS NULL)", "message ",
	 "has an end without a time in the queue, or a time without an end"},
};

static int compare(struct store *store, size_t which, struct findings_list *findings, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(store, &rows, err, comparisons[which].sql, "") < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		const char *name = store_text(&rows, 0);

		findings_add(findings, "projection", store_int(&rows, 1),
			     "%s%s %s: the table was edited, or events are missing", comparisons[which].what,
			     name ? name : "?", comparisons[which].why);
	}
	store_done(&rows);
	return more;
}

int projections_check_queue(struct store *store, struct findings_list *findings, struct error *err)
{
	struct error ignored = ERROR_INIT;
	int result = run_all(store, begin, err);

	/* The same statements meant the real tables before. */
	store_forget_statements(store);
	if (result == 0)
		result = follow_all(store, err);
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]) && result == 0; i++)
		result = compare(store, i, findings, err);
	store_forget_statements(store);
	run_all(store, end, &ignored);
	return result;
}
