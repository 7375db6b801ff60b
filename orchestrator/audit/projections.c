/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/projections.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "inventory/store_shape.h"
#include "orchestrator/audit/beginning.h"
#include "orchestrator/audit/projections_sql.h"

/* The value of a member of the newest event that a row rests on. */
#define LAST_EVENT(condition) "(SELECT max(e.seq) FROM events e WHERE " condition ")"
#define MEMBER(of, name)      "(SELECT json_extract(CAST(e.body AS TEXT), '$." name "') FROM events e WHERE e.seq = " of ")"

/* An order has its number among all of them only once it is in the table. */
/* What was ordered while nobody drove was done at once: its one event has no number, and says all that the row does. */
#define ORDERS                                                                                                                \
	"SELECT seq, run, row_number() OVER (PARTITION BY run ORDER BY seq) AS n, verb || ' by ' || actor AS text, time_ms, " \
	"done_ms, answer FROM run_orders o WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.kind = 'run.obeyed' AND e.run = " \
	"o.run AND json_extract(CAST(e.body AS TEXT), '$.number') = 0 AND json_extract(CAST(e.body AS TEXT), '$.order') = "   \
	"o.verb AND json_extract(CAST(e.body AS TEXT), '$.by') = o.actor AND json_extract(CAST(e.body AS TEXT), '$.answer') " \
	"IS o.answer AND coalesce(json_extract(CAST(e.body AS TEXT), '$.done_ms'), o.done_ms) = o.done_ms AND "               \
	"coalesce(json_extract(CAST(e.body AS TEXT), '$.time_ms'), o.time_ms) = o.time_ms) OR EXISTS (SELECT 1 FROM "         \
	"run_orders p WHERE p.seq < o.seq AND p.run = o.run AND p.verb = o.verb AND p.actor = o.actor AND p.time_ms = "       \
	"o.time_ms AND p.done_ms = o.done_ms AND p.answer IS o.answer)"
#define ORDERED                                                                                                                 \
	"SELECT seq, run, row_number() OVER (PARTITION BY run ORDER BY seq) AS n, json_extract(CAST(body AS TEXT), '$.order') " \
	"|| ' by ' || json_extract(CAST(body AS TEXT), '$.by') AS text, json_extract(CAST(body AS TEXT), '$.time_ms') AS "      \
	"time_ms FROM events WHERE kind = 'run.ordered'"

/* What has made the lists of configs and of ignored agents: events, and what was there when the ledger began. */
#define CONFIGS_MADE                                                                                                   \
	CONFIG_EVENTS " UNION ALL SELECT e.seq, " BEGUN_MEMBER("time_ms") ", 1, " BEGUN_MEMBER(                        \
		"name") ", " BEGUN_MEMBER("text") " FROM " BEGUN("configs")
#define IGNORES_MADE                                                                                                   \
	IGNORE_EVENTS " UNION ALL SELECT e.seq, " BEGUN_MEMBER("time_ms") ", 1, " BEGUN_MEMBER(                        \
		"number") ", " BEGUN_MEMBER("text") ", NULL FROM " BEGUN("ignores")
#define IGNORES_ENDED                                                                                                  \
	UNIGNORE_EVENTS                                                                                                \
	" UNION ALL SELECT e.seq, json_extract(j.value, '$.removed_by'), json_extract(j.value, '$.removed_ms'), 1, "   \
	"json_extract(j.value, '$.number') FROM " BEGUN("ignores") " AND json_extract(j.value, '$.removed_ms') IS "    \
								   "NOT NULL"
/* Their times, of row and said. */
#define SAME_TIME "abs(row.time_ms - said.time_ms) < said.slack"
/* An entry of the list of ignored agents, by its number where that was said. */
#define SAME_IGNORE                                                                                                    \
	"row.number = coalesce(said.number, row.number) AND CASE WHEN said.exact IS NULL THEN said.text = row.text "   \
	"ELSE said.exact = row.exact END AND " SAME_TIME
#define IS_NUMBERED(number) number " IN (SELECT number FROM said WHERE number IS NOT NULL)"

/* Each query gives the rows that disagree: what they are, what the row says, what the events say, and the event's seq. NULL is shown
 * as "nothing". */
struct check {
	const char *sql;
	const char *what; /* "run %s: its state" with the first column in it */
};

static const struct check checks[] = {
	{"SELECT seq, 'more behind a zero byte', 'nothing', seq FROM events WHERE instr(CAST(actor || coalesce(run, '') || "
	 "coalesce(agent, '') || kind || hash AS BLOB), x'00')",
	 "event %s"},
	{"SELECT id, state, said, seq FROM (SELECT r.id, r.state, x.seq, CASE x.kind WHEN 'run' THEN "
	 "json_extract(CAST(x.body AS TEXT), '$.state') WHEN 'run.rolled_back' THEN 'aborted' ELSE 'running' END AS "
	 "said "
	 "FROM runs r LEFT JOIN events x ON x.seq = " LAST_EVENT(
		 "e.run = r.id AND e.kind IN ('run', 'run.created', 'run.rolled_back')") ") WHERE state IS NOT said OR "
											 "seq IS NULL",
	 "the state of run %s"},
	{"SELECT id, reason, said, seq FROM (SELECT r.id, r.reason, x.seq, "
	 "json_extract(CAST(x.body AS TEXT), '$.reason') AS said FROM runs r JOIN events x ON x.seq = " LAST_EVENT(
		 "e.run = r.id AND e.kind IN ('run', 'run.rolled_back')") " WHERE x.kind = 'run') "
									  "WHERE reason IS NOT said",
	 "why run %s paused"},
	{"SELECT id, \"plan\", said, seq FROM (SELECT r.id, r.\"plan\", x.seq, "
	 "json_extract(CAST(x.body AS TEXT), '$.plan') AS said FROM runs r JOIN events x ON x.run = r.id AND "
	 "x.kind = 'run.created') WHERE \"plan\" IS NOT said",
	 "the plan of run %s"},
	{"SELECT run, NULL, 'it was created', seq FROM events WHERE kind = 'run.created' AND run NOT IN (SELECT id "
	 "FROM runs)",
	 "the row of run %s"},
	{"SELECT r.id, (SELECT count(*) FROM run_agents a WHERE a.run = r.id), p.agents, NULL FROM runs r JOIN plans p ON p.hash = "
	 "r.\"plan\" WHERE (SELECT count(*) FROM run_agents a WHERE a.run = r.id) <> p.agents",
	 "how many agents run %s has"},
	{"SELECT DISTINCT run, 'it has agents', NULL, NULL FROM run_agents WHERE run NOT IN (SELECT id FROM runs)",
	 "run %s"},
	{"SELECT a.run || ', ' || a.agent, a.hostname || ' at ' || a.position, j.hostname || ' at ' || j.position, NULL FROM runs r "
	 "JOIN run_agents a ON a.run = r.id AND a.state = 'waiting' LEFT JOIN (SELECT p.hash, e.key AS position, "
	 "json_extract(e.value, '$.id') AS id, json_extract(e.value, '$.hostname') AS hostname FROM plans p, "
	 "json_each(CAST(p.document AS TEXT), '$.agents') e WHERE p.hash IN (SELECT q.\"plan\" FROM runs q JOIN run_agents b ON "
	 "b.run = q.id WHERE b.state = 'waiting')) j ON j.hash = r.\"plan\" AND j.position = a.position WHERE a.agent IS NOT j.id "
	 "OR a.hostname IS NOT j.hostname",
	 "run %s"},
	{"SELECT p.hash, 'a plan', NULL, NULL FROM plans p WHERE p.hash NOT IN (SELECT "
	 "json_extract(CAST(e.body AS TEXT), '$.plan') FROM events e WHERE e.kind = 'plan')",
	 "the event of plan %s"},
	{"SELECT json_extract(CAST(e.body AS TEXT), '$.plan'), NULL, 'it was made', e.seq FROM events e WHERE "
	 "e.kind = 'plan' AND json_extract(CAST(e.body AS TEXT), '$.plan') NOT IN (SELECT hash FROM plans)",
	 "the row of plan %s"},
	{"SELECT hash, config || '@' || config_version || ', ' || agents || ' agents, by ' || author, said, seq FROM "
	 "(SELECT p.*, e.seq, json_extract(CAST(e.body AS TEXT), '$.config') || '@' || json_extract(CAST(e.body AS "
	 "TEXT), '$.version') || ', ' || json_extract(CAST(e.body AS TEXT), '$.agents') || ' agents, by ' || e.actor "
	 "AS said FROM plans p JOIN events e ON e.kind = 'plan' AND json_extract(CAST(e.body AS TEXT), '$.plan') = "
	 "p.hash) GROUP BY hash HAVING sum(config || '@' || config_version || ', ' || agents || ' agents, by ' || "
	 "author IS said) = 0",
	 "what stands beside plan %s"},
	{"SELECT hash, row, said, NULL FROM (SELECT hash, cluster || ', ' || created_ms AS row, "
	 "json_extract(CAST(document AS TEXT), '$.cluster') || ', ' || json_extract(CAST(document AS TEXT), '$.created_ms') AS "
	 "said FROM plans WHERE json_valid(CAST(document AS TEXT))) WHERE row IS NOT said",
	 "the cluster and time of plan %s"},
	{"SELECT ep.epoch, ep.run || ', ' || ep.actor || ', ' || " TIME_TEXT(
		 "ep.time_ms") ", NULL, NULL FROM epochs ep WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.run = ep.run AND e.kind "
			       "= 'run.epoch' AND json_extract(CAST(e.body AS TEXT), '$.epoch') = ep.epoch AND e.actor = ep.actor "
			       "AND coalesce(json_extract(CAST(e.body AS TEXT), '$.time_ms') = ep.time_ms, abs(e.time_ms - "
			       "ep.time_ms) < 600000))",
	 "epoch %s"},
	{"SELECT json_extract(CAST(e.body AS TEXT), '$.epoch'), NULL, e.run, e.seq FROM events e WHERE e.kind = "
	 "'run.epoch' AND json_extract(CAST(e.body AS TEXT), '$.epoch') NOT IN (SELECT epoch FROM epochs)",
	 "epoch %s"},
	{"SELECT coalesce(row.run, said.run) || ' number ' || coalesce(row.n, said.n), row.text, said.text, said.seq FROM (" ORDERS
	 ") row FULL JOIN (" ORDERED
	 ") said ON said.run = row.run AND said.n = row.n WHERE row.text IS NOT said.text OR "
	 "abs(coalesce(row.time_ms <> said.time_ms, 0)) > 0",
	 "the order to run %s"},
	{"SELECT row.run || ' number ' || row.n, coalesce(row.answer, row.done_ms), said.answer, said.seq FROM (" ORDERS
	 ") row LEFT JOIN (SELECT number, answer, max(seq) AS seq, done_ms FROM (SELECT seq, json_extract(CAST(body AS TEXT), "
	 "'$.number') AS number, json_extract(CAST(body AS TEXT), '$.answer') AS answer, json_extract(CAST(body AS TEXT), "
	 "'$.done_ms') AS done_ms FROM events WHERE kind = 'run.obeyed') GROUP BY number) said ON said.number = row.seq WHERE "
	 "row.answer IS NOT said.answer OR (row.done_ms IS NULL) <> (said.seq IS NULL) OR coalesce(row.done_ms <> said.done_ms, "
	 "0)",
	 "what became of the order to run %s"},
	{"SELECT coalesce(row.name, said.name), row.text || ', ' || " TIME_TEXT("row.time_ms") ", said.text || ', ' || " TIME_TEXT(
		 "said.time_ms") ", said.seq FROM (" CONFIG_ROWS ") row FULL JOIN (" CONFIGS_MADE
				 ") said ON said.name = row.name WHERE row.text IS NOT said.text OR NOT (" SAME_TIME
				 ")",
	 "config %s"},
	/* Of equal entries whose events have no numbers there are no more than events. */
	{"WITH row AS (" IGNORE_ROWS "), said AS (" IGNORES_MADE ") SELECT number, exact || ', ' || " TIME_TEXT(
		 "time_ms") ", NULL, NULL FROM row WHERE (SELECT count(*) FROM said WHERE " SAME_IGNORE
			    ") < CASE WHEN " IS_NUMBERED(
				    "row.number") " THEN 1 ELSE (SELECT count(*) FROM row other WHERE "
						  "other.text = row.text AND other.time_ms = row.time_ms AND other.number <= row.number AND NOT " IS_NUMBERED(
							  "other.number") ") END UNION ALL SELECT coalesce(number, 'of event ' || seq), NULL, "
									  "coalesce(exact, text) || ', ' || " TIME_TEXT(
										  "time_ms") ", seq FROM said WHERE NOT EXISTS (SELECT 1 FROM row WHERE " SAME_IGNORE
											     ")",
	 "the list of agents that plans leave out, number %s"},
	{"WITH row AS (SELECT number, removed_by, removed_ms AS time_ms FROM ignores), said AS (SELECT max(seq) AS seq, actor, "
	 "time_ms, slack, number FROM (" IGNORES_ENDED
	 ") GROUP BY number) SELECT row.number, CASE WHEN row.time_ms IS NULL THEN 'it "
	 "holds' ELSE 'removed by ' || row.removed_by || ', ' || " TIME_TEXT("row.time_ms") " END, CASE WHEN said.seq IS NULL THEN 'it holds' ELSE 'removed by ' || said.actor || ', ' || " TIME_TEXT(
		 "said.time_ms") " END, said.seq FROM row LEFT JOIN said ON said.number = row.number WHERE row.removed_by IS NOT "
				 "said.actor OR NOT coalesce(" SAME_TIME ", row.time_ms IS NULL AND said.seq IS NULL)",
	 "the end of what plans leave out, number %s"},
};

static const char *or_nothing(const char *text)
{
	return text ? text : "nothing";
}

static int run_check(struct store *store, const struct check *check, struct findings_list *findings, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(store, &rows, err, check->sql, "") < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		const char *before = strstr(check->what, "%s"), *which = or_nothing(store_text(&rows, 0));

		findings_add(
			findings, "projection", store_int(&rows, 3),
			"%.*s%s%s: the table says %s, the events say %s: the table was edited, or events are missing",
			(int)(before - check->what), check->what, which, before + 2, or_nothing(store_text(&rows, 1)),
			or_nothing(store_text(&rows, 2)));
	}
	store_done(&rows);
	return more;
}

/* ---- documents are what their hashes say */

static int check_documents(struct store *store, const char *sql, const char *kind, struct findings_list *findings,
			   struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(store, &rows, err, sql, "") < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		char sha256[DIGEST_HEX_SIZE];
		size_t len = 0;
		const void *bytes = store_blob(&rows, 2, &len);

		digest_hex(bytes ? bytes : "", len, sha256);
		if (strcmp(sha256, or_nothing(store_text(&rows, 1))) != 0)
			findings_add(
				findings, kind, 0,
				"%s %s is not the document that was shown: its bytes have the SHA-256 %.12s, not %.12s",
				kind, store_text(&rows, 0), sha256, or_nothing(store_text(&rows, 1)));
	}
	store_done(&rows);
	return more;
}

/* ---- and the tables themselves */

static void add_shape(void *ctx, const char *what)
{
	findings_add(
		ctx, "schema", 0,
		"%s: the database's tables, indexes and triggers are not those that rollcall makes; put a backup in its "
		"place whose head you trust",
		what);
}

int projections_check(struct store *store, const struct chain *chain, struct findings_list *findings, struct error *err)
{
	if (check_documents(store, "SELECT substr(hash, 1, 12), hash, document FROM plans ORDER BY created_ms", "plan",
			    findings, err) < 0 ||
	    check_documents(
		    store,
		    "SELECT c.name || '@' || v.version || ' (its CSV)', v.csv_sha256, v.csv FROM config_versions v JOIN "
		    "configs c ON c.id = v.config WHERE v.csv IS NOT NULL OR v.csv_sha256 IS NOT NULL",
		    "config", findings, err) < 0 ||
	    check_documents(store,
			    "SELECT c.name || '@' || v.version, v.sha256, v.document FROM config_versions v "
			    "JOIN configs c ON c.id = v.config ORDER BY c.name, v.version",
			    "config", findings, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (run_check(store, &checks[i], findings, err) < 0)
			return -1;
	if (beginning_check(store, findings, err) < 0 || projections_check_runs(store, findings, err) < 0 ||
	    projections_check_queue(store, findings, err) < 0)
		return -1;
	if (projections_check_agents(store, chain, findings, err) < 0)
		return -1;
	return store_shape_check(store, add_shape, findings, err);
}
