/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/projections.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

/* The value of a member of the newest event that a row rests on. */
#define LAST_EVENT(condition) "(SELECT max(e.seq) FROM events e WHERE " condition ")"
#define MEMBER(of, name)      "(SELECT json_extract(CAST(e.body AS TEXT), '$." name "') FROM events e WHERE e.seq = " of ")"

/* Each query gives the rows that disagree: what they are, what the row says, what the events say, and the event's seq. NULL is shown
 * as "nothing". */
struct check {
	const char *sql;
	const char *what; /* "run %s: its state" with the first column in it */
};

static const struct check checks[] = {
	{"SELECT id, state, said, seq FROM (SELECT r.id, r.state, x.seq, CASE x.kind WHEN 'run' THEN "
	 "json_extract(CAST(x.body AS TEXT), '$.state') WHEN 'run.rolled_back' THEN 'aborted' ELSE 'running' END AS "
	 "said "
	 "FROM runs r LEFT JOIN events x ON x.seq = " LAST_EVENT(
		 "e.run = r.id AND e.kind IN ('run', 'run.created', 'run.rolled_back')") ") "
											 "WHERE state IS NOT said OR "
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
	{"SELECT p.hash, 'a plan', NULL, NULL FROM plans p WHERE p.hash NOT IN (SELECT "
	 "json_extract(CAST(e.body AS TEXT), '$.plan') FROM events e WHERE e.kind = 'plan')",
	 "the event of plan %s"},
	{"SELECT json_extract(CAST(e.body AS TEXT), '$.plan'), NULL, 'it was made', e.seq FROM events e WHERE "
	 "e.kind = 'plan' AND json_extract(CAST(e.body AS TEXT), '$.plan') NOT IN (SELECT hash FROM plans)",
	 "the row of plan %s"},
	{"SELECT hash, config || '@' || config_version || ', ' || agents || ' agents, by ' || author, said, seq FROM "
	 "(SELECT p.*, e.seq, json_extract(CAST(e.body AS TEXT), '$.config') || '@' || "
	 "json_extract(CAST(e.body AS TEXT), '$.version') || ', ' || json_extract(CAST(e.body AS TEXT), '$.agents') || "
	 "' agents, by ' || e.actor AS said FROM plans p JOIN events e ON e.kind = 'plan' AND "
	 "json_extract(CAST(e.body AS TEXT), '$.plan') = p.hash) GROUP BY hash HAVING sum(config || '@' || "
	 "config_version "
	 "|| ', ' || agents || ' agents, by ' || author IS said) = 0",
	 "what stands beside plan %s"},
	{"SELECT ep.epoch, ep.run, NULL, NULL FROM epochs ep WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.run = "
	 "ep.run "
	 "AND e.kind = 'run.epoch' AND json_extract(CAST(e.body AS TEXT), '$.epoch') = ep.epoch AND e.actor = "
	 "ep.actor)",
	 "epoch %s"},
	{"SELECT json_extract(CAST(e.body AS TEXT), '$.epoch'), NULL, e.run, e.seq FROM events e WHERE e.kind = "
	 "'run.epoch' "
	 "AND json_extract(CAST(e.body AS TEXT), '$.epoch') NOT IN (SELECT epoch FROM epochs)",
	 "epoch %s"},
	{"SELECT run, count(*) || ' orders', said || ' orders', seq FROM (SELECT o.run, (SELECT count(*) FROM events e "
	 "WHERE "
	 "e.run = o.run AND e.kind = 'run.ordered') AS said, (SELECT max(seq) FROM events e WHERE e.run = o.run AND "
	 "e.kind = 'run.ordered') AS seq FROM run_orders o) GROUP BY run HAVING count(*) > said",
	 "the orders to run %s"},
	{"SELECT c.name || '@' || v.version, v.sha256, said, seq FROM (SELECT e.seq, json_extract(CAST(e.body AS "
	 "TEXT), "
	 "'$.name') AS name, json_extract(CAST(e.body AS TEXT), '$.version') AS version, "
	 "json_extract(CAST(e.body AS TEXT), '$.sha256') AS said FROM events e WHERE e.kind = 'config.added') s "
	 "LEFT JOIN configs c ON c.name = s.name LEFT JOIN config_versions v ON v.config = c.id AND v.version = "
	 "s.version "
	 "WHERE v.sha256 IS NOT said",
	 "config %s"},
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
	    check_documents(store,
			    "SELECT c.name || '@' || v.version, v.sha256, v.document FROM config_versions v "
			    "JOIN configs c ON c.id = v.config ORDER BY c.name, v.version",
			    "config", findings, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (run_check(store, &checks[i], findings, err) < 0)
			return -1;
	return projections_check_agents(store, chain, findings, err);
}
