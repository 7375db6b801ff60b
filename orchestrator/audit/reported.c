/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/reported.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "orchestrator/audit/reported_heads.h"
#include "orchestrator/report/reports.h"
#include "orchestrator/version.h"

/* Of a line that differs, around the place. */
#define CLOCKS_DIFFER_MS 60000 /* of two processes on one machine, and of what waited in between */
#define SHOWN_BEFORE     30
/* The headings of a CSV begin so. */
#define CSV_BEGIN        "run,agent_id,"
#define SHOWN            70

/* What a report says of its own making. */
struct mark {
	enum report_format format;
	int64_t made_ms;
	char version[32], head[DIGEST_HEX_SIZE];
	char *runs; /* separated by commas */
};

static bool read_mark(const char *text, struct mark *out)
{
	char format[16], runs[4096];
	int parsed;

	if (sscanf(text,
		   REPORT_MARK "version=%31s format=%15s made=%" SCNd64 " head=%64[0-9a-f] runs=%4095[A-Za-z0-9,._-]",
		   out->version, format, &out->made_ms, out->head, runs) != 5)
		return false;
	parsed = report_format_parse(format);
	if (parsed < 0 || out->made_ms <= 0)
		return false;
	out->format = (enum report_format)parsed;
	out->runs = xstrdup(runs);
	return true;
}

/* CSV has no such line, but a run's name at the beginning of each: every record's first cell, once. */
static bool read_csv(const struct buffer *file, struct mark *out)
{
	const char *text = buffer_text(file);
	struct buffer runs = BUFFER_INIT(REPORT_MAX);
	const char *last = "";
	size_t last_len = 0;
	bool quoted = false, begins = false;

	if (strncmp(text, CSV_BEGIN, strlen(CSV_BEGIN)) != 0)
		return false;
	for (; *text; text++) {
		const char *cell = text + (*text == '"');
		size_t len = begins ? strcspn(cell, ",\"\r\n") : 0;

		if (len > 0 && (len != last_len || strncmp(cell, last, len) != 0)) {
			buffer_printf(&runs, "%s%.*s", runs.len ? "," : "", (int)len, cell);
			last = cell;
			last_len = len;
		}
		quoted ^= *text == '"';
		begins = !quoted && *text == '\n';
	}
	*out = (struct mark){.format = REPORT_CSV, .version = ROLLCALL_VERSION};
	out->runs = buffer_take(&runs);
	return true;
}

/* Names that others gave may look like one, too: the page has it before them, every other format behind them. */
static bool find_mark(const struct buffer *file, struct mark *out)
{
	const char *at = buffer_text(file), *last = NULL;
	bool page = strncmp(at, "<!DOCTYPE html>", 15) == 0;

	while ((at = strstr(at, REPORT_MARK)) != NULL) {
		last = at;
		if (page)
			break;
		at += strlen(REPORT_MARK);
	}
	return last && read_mark(last, out);
}

/* ---- in the ledger */

static int find_event(struct store *store, const char *sha256, struct reported *out, struct error *err)
{
	struct store_cursor rows;
	int found;

	if (store_query(
		    store, &rows, err,
		    "SELECT seq, time_ms, actor, json_extract(CAST(body AS TEXT), '$.file'), (SELECT group_concat(r.value, ', ') "
		    "FROM json_each(CAST(body AS TEXT), '$.runs') r), coalesce(json_extract(CAST(body AS TEXT), '$.made_ms'), time_ms) FROM events WHERE kind = 'audit.reported' AND "
		    "json_extract(CAST(body AS TEXT), '$.sha256') = ?1 ORDER BY seq LIMIT 1",
		    "t", sha256) < 0)
		return -1;
	found = store_next(&rows, err);
	if (found > 0) {
		out->event = store_int(&rows, 0);
		out->time_ms = store_int(&rows, 1);
		out->made_ms = store_int(&rows, 5);
		snprintf(out->actor, sizeof out->actor, "%s", store_text(&rows, 2));
		snprintf(out->as, sizeof out->as, "%s", store_text(&rows, 3) ? store_text(&rows, 3) : "");
		snprintf(out->runs, sizeof out->runs, "%s", store_text(&rows, 4) ? store_text(&rows, 4) : "");
	}
	store_done(&rows);
	return found < 0 ? -1 : 0;
}

/* ---- made once more */

static int add_runs(struct store *store, const struct mark *mark, struct report_runs *runs, struct error *err)
{
	char *names = xstrdup(mark->runs), *rest = names, *name;
	int result = 0;

	while (result == 0 && (name = strsep(&rest, ",")) != NULL)
		result = report_runs_add(runs, store, name, mark->made_ms, err);
	free(names);
	for (size_t i = 0; i < runs->count; i++)
		memcpy(runs->views[i].head, mark->head, sizeof mark->head);
	return result;
}

/* How many events the runs have behind the report's head. */
static int count_later(struct store *store, const struct report_runs *runs, int64_t head, int64_t *later,
		       struct error *err)
{
	*later = 0;
	for (size_t i = 0; i < runs->count; i++) {
		int64_t count = 0;

		if (store_find_int(
			    store, &count, err,
			    "SELECT count(*) FROM events WHERE seq > ?2 AND (run = ?1 OR run IN (SELECT id FROM runs WHERE "
			    "rolls_back = ?1) OR (kind GLOB 'rescue.*' AND agent IN (SELECT "
			    "agent FROM run_agents WHERE run = ?1)))",
			    "ti", runs->views[i].run.id, head) < 0)
			return -1;
		*later += count;
	}
	return 0;
}

/* How long such an agent was away is said until the moment at which the report was made. */
static bool has_away(const struct report_runs *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		for (size_t k = 0; k < runs->views[i].count; k++) {
			const struct run_agent *row = runs->views[i].agents[k].row;

			if (row->away_from_ms && !row->away_until_ms)
				return true;
		}
	return false;
}

/* The text around a place, on its line. The caller's. */
static char *around(const struct buffer *text, size_t at)
{
	size_t from = at, len = 0;

	while (from > 0 && at - from < SHOWN_BEFORE && text->data[from - 1] != '\n')
		from--;
	while (from + len < text->len && len < SHOWN && text->data[from + len] != '\n')
		len++;
	return len ? xstrndup(text->data + from, len) : xstrdup("nothing");
}

static void tell_difference(const char *path, const struct buffer *file, const struct buffer *made,
			    struct findings_list *findings)
{
	size_t at = reported_common(file, made), line = 1;
	char *is = around(file, at), *was = around(made, at);

	for (size_t i = 0; i < at; i++)
		line += file->data[i] == '\n';
	findings_add(
		findings, "report", 0,
		"%s is not the report of what the database holds; they differ first in line %zu: the file has \"%s\", the "
		"database gives \"%s\". The file was edited, or the database was",
		path, line, is, was);
	free(is);
	free(was);
}

/* Its head must have been the newest when it was made, as far as clocks say. */
static int is_misdated(struct store *store, int64_t head, int64_t made_ms, bool *out, struct error *err)
{
	int64_t wrong = 0;

	if (store_find_int(store, &wrong, err,
			   "SELECT (SELECT time_ms FROM events WHERE seq = ?1) > ?2 + ?3 OR "
			   "coalesce((SELECT time_ms FROM events WHERE seq = ?1 + 1) < ?2 - ?3, 0)",
			   "iii", head, made_ms, (int64_t)CLOCKS_DIFFER_MS) < 0)
		return -1;
	*out = wrong != 0;
	return 0;
}

static void tell_misdated(const char *path, struct findings_list *findings)
{
	findings_add(
		findings, "report", 0,
		"%s names a head that was not the ledger's newest when it says it was made: one of the two was edited",
		path);
}

static int compare(struct store *store, const char *path, const struct buffer *file, const struct mark *mark,
		   int64_t head, struct reported *out, struct findings_list *findings, struct error *err)
{
	struct report_runs runs = {NULL, 0};
	struct buffer made = BUFFER_INIT(REPORT_MAX);
	int64_t later = 0;
	bool misdated = false;
	int result = add_runs(store, mark, &runs, err);

	if (result == 0)
		result = is_misdated(store, head, mark->made_ms, &misdated, err);
	if (result == 0)
		result = count_later(store, &runs, head, &later, err);
	if (result == 0) {
		report_write(&runs, mark->format, &made);
		result = reported_take_heads(store, mark->format, mark->made_ms + CLOCKS_DIFFER_MS, file, &runs, &made,
					     err);
	}
	out->same = result == 0 && made.len == file->len && memcmp(made.data, file->data, made.len) == 0;
	if (result == 0 && (misdated || (out->same && later > 0))) {
		out->same = false;
		tell_misdated(path, findings);
	} else if (result == 0 && !out->same && later > 0)
		snprintf(out->why, sizeof out->why,
			 "its runs went on after it was written (%" PRId64
			 " more events): what it showed is not what the database shows now",
			 later);
	else if (result == 0 && !out->same && strcmp(mark->version, ROLLCALL_VERSION) != 0)
		snprintf(out->why, sizeof out->why, "rollcall %s wrote it, and this is %s", mark->version,
			 ROLLCALL_VERSION);
	else if (result == 0 && !out->same && mark->format == REPORT_CSV && has_away(&runs))
		snprintf(out->why, sizeof out->why,
			 "CSV does not say when it was written, and agents of its runs are still away");
	else if (result == 0 && !out->same)
		tell_difference(path, file, &made, findings);
	report_runs_clear(&runs);
	buffer_clear(&made);
	return result;
}

/* ---- both */

/* A failure of those is about the file, and told; another one is the database's. */
static int compare_runs(struct store *store, const char *path, const struct buffer *file, const struct mark *mark,
			int64_t head, struct reported *out, struct findings_list *findings, struct error *err)
{
	struct error why = ERROR_INIT;

	if (compare(store, path, file, mark, head, out, findings, &why) == 0)
		return 0;
	if (why.kind != ERROR_USAGE)
		return error_set(err, why.kind, "%s", why.text);
	findings_add(findings, "report", 0, "%s is about runs that the database does not have (%s)", path, why.text);
	return 0;
}

static int check_mark(struct store *store, const char *path, const struct buffer *file, const struct mark *mark,
		      const struct chain *chain, struct reported *out, struct findings_list *findings,
		      struct error *err)
{
	int64_t head = chain_find(chain, mark->head);

	if (head >= 0)
		return compare_runs(store, path, file, mark, head, out, findings, err);
	findings_add(
		findings, "report", 0,
		"%s names the head %.12s, and no event has that hash: it was edited, is another database's, or the "
		"chain was computed anew or cut off since",
		path, mark->head);
	return 0;
}

/* As of the moment that its event names, or as of now. */
static int check_csv(struct store *store, const char *path, const struct buffer *file, struct mark *mark,
		     struct reported *out, struct findings_list *findings, struct error *err)
{
	if (!*mark->runs) {
		snprintf(out->why, sizeof out->why, "it names no run");
		return 0;
	}
	mark->made_ms = out->event ? out->made_ms : clock_wall_ms();
	return compare_runs(store, path, file, mark, out->event ? out->event : INT64_MAX, out, findings, err);
}

static int check(struct store *store, const char *path, const struct buffer *file, const struct chain *chain,
		 struct reported *out, struct findings_list *findings, struct error *err)
{
	char sha256[DIGEST_HEX_SIZE];
	struct mark mark = {.runs = NULL};
	size_t before = findings->count;
	int result;

	digest_hex(buffer_text(file), file->len, sha256);
	result = find_event(store, sha256, out, err);
	if (result == 0 && find_mark(file, &mark))
		result = check_mark(store, path, file, &mark, chain, out, findings, err);
	else if (result == 0 && read_csv(file, &mark))
		result = check_csv(store, path, file, &mark, out, findings, err);
	else if (result == 0)
		snprintf(out->why, sizeof out->why, "it does not say how it was made, as reports of rollcall do");
	if (result == 0 && !out->event && !out->same && findings->count == before)
		findings_add(
			findings, "report", 0,
			"%s: nothing speaks for it: the ledger does not know it (`audit report --out` would have recorded it), "
			"and it cannot be made once more, because %s",
			path, out->why);
	free(mark.runs);
	return result;
}

int reported_check(struct store *store, const char *path, const struct chain *chain, struct reported *out,
		   struct findings_list *findings, struct error *err)
{
	struct buffer file = BUFFER_INIT(REPORT_MAX);
	struct reported found = {.event = 0};
	int result = file_read(path, &file, err);

	if (result == 0 && file.len != strlen(buffer_text(&file)))
		findings_add(findings, "report", 0, "%s is no report: it holds zero bytes", path);
	else if (result == 0)
		result = check(store, path, &file, chain, &found, findings, err);
	if (result == 0)
		*out = found;
	buffer_clear(&file);
	return result;
}
