/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/projections.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

/* The value of a member of the newest event that a row rests on. */
#define LAST_EVENT(condition) "(SELECT max(e.seq) FROM events e WHERE " condition ")"
#define MEMBER(of, name)      "(SELECT json_extract(CAST(e.body AS TEXT), '$." name "') FROM events e WHERE e.seq = " of ")"

/* Versions and lists from before such acts were events have none: rows older than the first event of their kind are not asked for it. */
/* Times of an event and of its row are taken one after the other. */
#define NEAR(one, other) "abs(" one " - " other ") < 600000"
/* As events say it. */
#define UNTIL                                                                                                          \
	"coalesce(strftime('%Y-%m-%dT%H:%M:%S', i.until_ms / 1000, 'unixepoch') || printf('.%03dZ', i.until_ms % 1000), '-')"
/* An order has its number among all of them only once it is in the table. */
/* What was ordered while nobody drove was done at once: its one event has no number, and says all that the row does. */
#define ORDERS                                                                                                                \
	"SELECT seq, run, row_number() OVER (PARTITION BY run ORDER BY seq) AS n, verb || ' by ' || actor AS text, time_ms, " \
	"done_ms, answer FROM run_orders o WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.kind = 'run.obeyed' AND e.run = " \
	"o.run AND json_extract(CAST(e.body AS TEXT), '$.number') = 0 AND json_extract(CAST(e.body AS TEXT), '$.order') = "   \
	"o.verb AND json_extract(CAST(e.body AS TEXT), '$.by') = o.actor AND json_extract(CAST(e.body AS TEXT), '$.answer') " \
	"IS o.answer AND coalesce(json_extract(CAST(e.body AS TEXT), '$.done_ms'), o.done_ms) = o.done_ms)"
#define ORDERED                                                                                                                 \
	"SELECT seq, run, row_number() OVER (PARTITION BY run ORDER BY seq) AS n, json_extract(CAST(body AS TEXT), '$.order') " \
	"|| ' by ' || json_extract(CAST(body AS TEXT), '$.by') AS text, json_extract(CAST(body AS TEXT), '$.time_ms') AS "      \
	"time_ms FROM events WHERE kind = 'run.ordered'"

/* What older databases held before it became an event is taken for what it is; in one that began with an event everything is one. */
#define BORN_WITH_EVENTS "EXISTS (SELECT 1 FROM events WHERE seq = 1 AND kind = 'database.init')"

/* The list of agents that plans leave out, and the events that made it. */
#define IGNORED                                                                                                        \
	"SELECT i.number, c.name || ', ' || i.selector || ', ' || i.reason || ', ' || " UNTIL                          \
	" || ', by ' || i.author AS text, i.created_ms AS time_ms FROM ignores i JOIN clusters c ON c.id = i.cluster"
#define IGNORING                                                                                                               \
	"SELECT seq, time_ms, json_extract(CAST(body AS TEXT), '$.cluster') || ', ' || json_extract(CAST(body AS TEXT), "      \
	"'$.selector') || ', ' || json_extract(CAST(body AS TEXT), '$.reason') || ', ' || coalesce(json_extract(CAST(body AS " \
	"TEXT), '$.until'), '-') || ', by ' || actor AS text FROM events WHERE kind = 'inventory.ignore'"

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
	{"SELECT ep.epoch, ep.run || ', ' || ep.actor, NULL, NULL FROM epochs ep WHERE NOT EXISTS (SELECT 1 FROM events e WHERE "
	 "e.run = ep.run AND e.kind = 'run.epoch' AND json_extract(CAST(e.body AS TEXT), '$.epoch') = ep.epoch AND e.actor = "
	 "ep.actor AND " NEAR("e.time_ms", "ep.time_ms") ")",
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
	{"SELECT coalesce(row.name, said.name), row.text, said.text, said.seq FROM (SELECT c.name || '@' || v.version AS name, "
	 "v.sha256 || ', ' || coalesce(v.csv_sha256, '-') || ', ' || v.message || ', by ' || v.author AS text, v.created_ms AS "
	 "time_ms FROM configs c JOIN config_versions v ON v.config = c.id) row FULL JOIN (SELECT seq, time_ms, "
	 "json_extract(CAST(body AS TEXT), '$.name') || '@' || json_extract(CAST(body AS TEXT), '$.version') AS name, "
	 "json_extract(CAST(body AS TEXT), '$.sha256') || ', ' || coalesce(json_extract(CAST(body AS TEXT), '$.csv_sha256'), '-') "
	 "|| ', ' || coalesce(json_extract(CAST(body AS TEXT), '$.message'), '') || ', by ' || actor AS text FROM events WHERE "
	 "kind = 'config.added') said ON said.name = row.name WHERE (row.text IS NOT said.text OR NOT " NEAR(
		 "row.time_ms", "said.time_ms") ") AND (said.seq IS NOT NULL OR " BORN_WITH_EVENTS
						" OR row.time_ms >= (SELECT "
						"min(time_ms) FROM events WHERE kind = 'config.added'))",
	 "config %s"},
	{"WITH row AS (" IGNORED "), said AS (" IGNORING
	 ") SELECT number, text, NULL, NULL FROM row WHERE (" BORN_WITH_EVENTS
	 " OR time_ms >= (SELECT min(time_ms) FROM said)) AND NOT EXISTS (SELECT 1 FROM said WHERE said.text = row.text AND " NEAR(
		 "said.time_ms",
		 "row.time_ms") ") UNION ALL SELECT seq, NULL, text, seq FROM said WHERE NOT EXISTS (SELECT 1 "
				"FROM row WHERE row.text = said.text AND " NEAR("said.time_ms", "row.time_ms") ")",
	 "the list of agents that plans leave out, number %s"},
	{"SELECT i.number, CASE WHEN i.removed_ms IS NULL THEN 'it holds' ELSE 'removed by ' || i.removed_by END, CASE WHEN said.seq "
	 "IS NULL THEN 'it holds' ELSE 'removed by ' || said.actor END, said.seq FROM ignores i LEFT JOIN (SELECT max(seq) AS seq, "
	 "actor, time_ms, json_extract(CAST(body AS TEXT), '$.number') AS number FROM events WHERE kind = 'inventory.unignore' GROUP "
	 "BY 4) said ON said.number = i.number WHERE i.removed_by IS NOT said.actor OR NOT coalesce(" NEAR(
		 "i.removed_ms", "said.time_ms") ", i.removed_ms IS NULL AND said.seq IS NULL)",
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
	if (projections_check_runs(store, findings, err) < 0 || projections_check_queue(store, findings, err) < 0)
		return -1;
	return projections_check_agents(store, chain, findings, err);
}
