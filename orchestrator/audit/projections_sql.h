/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_PROJECTIONS_SQL_H
#define ORCHESTRATOR_AUDIT_PROJECTIONS_SQL_H
/*
 * Configs and ignored agents as their tables have them, and as events have made them: queries of (…, text, time_ms) to be compared. What
 * was there before such acts were events is in the event "database.begun" (beginning.h), in the same words.
 */

/* An event that somebody damaged says nothing. */
#define READABLE(body) "CASE WHEN json_valid(CAST(" body " AS TEXT)) THEN CAST(" body " AS TEXT) ELSE '{}' END"

/* A time as events say it; "-": none. What is no date is the number itself: no two times have one text. */
#define TIME_TEXT(ms)                                                                                                  \
	"coalesce(strftime('%Y-%m-%dT%H:%M:%S', " ms " / 1000, 'unixepoch') || printf('.%03dZ', " ms " % 1000), " ms   \
	", '-')"

/* Older events have no time of the row: it was taken shortly before or after their own. */
#define EVENT_TIME(member) "coalesce(json_extract(" READABLE("body") ", '$." member "'), time_ms) AS time_ms"
#define EVENT_SLACK(member)                                                                                            \
	"CASE WHEN json_extract(" READABLE("body") ", '$." member "') IS NULL THEN 600000 ELSE 1 END AS slack"

#define CONFIG_ROWS                                                                                                    \
	"SELECT c.name || '@' || v.version AS name, v.sha256 || ', ' || coalesce(v.csv_sha256, '-') || ', ' || "       \
	"v.message || ', by ' || v.author AS text, v.created_ms AS time_ms FROM configs c JOIN config_versions v ON "  \
	"v.config = c.id"
#define CONFIG_EVENTS                                                                                                  \
	"SELECT seq, " EVENT_TIME("created_ms") ", " EVENT_SLACK("created_ms") ", json_extract(" READABLE(             \
		"body") ", '$.name') || '@' || json_extract(CAST(body AS "                                             \
			"TEXT), '$.version') AS name, json_extract(" READABLE(                                         \
				"body") ", '$.sha256') || ', ' || "                                                    \
					"coalesce(json_extract(" READABLE(                                             \
						"body") ", '$.csv_sha256'), '-') || ', ' || "                          \
							"coalesce(json_extract(" READABLE(                             \
								"body") ", '$.message'), '') || ', by ' || actor AS "  \
									"text FROM events WHERE kind = 'config.added'"

/* In words, as older events are compared, which do not know the entry's number; and exactly, as JSON, with number and plain times. */
#define IGNORE_ROWS                                                                                                    \
	"SELECT i.number, c.name || ', ' || i.selector || ', ' || i.reason || ', ' || " TIME_TEXT(                     \
		"i.until_ms") " || ', by ' || i.author AS text, json_array(i.number, c.name, i.selector, i.reason, "   \
			      "i.until_ms, i.author) AS exact, i.created_ms AS time_ms FROM ignores i JOIN clusters "  \
			      "c ON c.id = i.cluster"
#define IGNORE_EVENTS                                                                                                  \
	"SELECT seq, coalesce(said ->> 'created_ms', time_ms) AS time_ms, iif(said ->> 'created_ms' IS NULL, 600000, " \
	"1) AS slack, said ->> 'number' AS number, (said ->> 'cluster') || ', ' || (said ->> 'selector') || ', ' || "  \
	"(said ->> 'reason') || ', ' || coalesce(said ->> 'until', '-') || ', by ' || actor AS text, iif(said ->> "    \
	"'number' IS NULL, NULL, json_array(said ->> 'number', said ->> 'cluster', said ->> 'selector', said ->> "     \
	"'reason', said ->> 'until_ms', actor)) AS exact FROM (SELECT seq, time_ms, actor, " READABLE(                 \
		"body") " AS said FROM events WHERE kind = 'inventory.ignore')"

/* How an entry of that list ended. */
#define UNIGNORE_EVENTS                                                                                                \
	"SELECT seq, actor, " EVENT_TIME("removed_ms") ", " EVENT_SLACK("removed_ms") ", json_extract(" READABLE(      \
		"body") ", '$.number') AS number FROM events WHERE kind = "                                            \
			"'inventory.unignore'"

/* Is the first event one that says that the database was made then? */
#define BORN_WITH_EVENTS "EXISTS (SELECT 1 FROM events WHERE seq = 1 AND kind = 'database.init')"

/* What the event "database.begun" lists under a name, as rows of json_each(value). Only the first one counts. */
#define BEGUN_SEQ        "(SELECT min(seq) FROM events WHERE kind = 'database.begun')"
#define BEGUN(list)      "events e, json_each(" READABLE("e.body") ", '$." list "') j WHERE e.seq = " BEGUN_SEQ
#define BEGUN_MEMBER(of) "json_extract(j.value, '$." of "') AS " of

#endif
