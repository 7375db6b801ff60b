/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit export: the events as JSON lines, for a SIEM. A line's members come in one order, the body as its bytes are stored, and the hash
 * last: so a line can be checked without the database (docs/audit.md).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "inventory/moment.h"
#include "orchestrator/audit/event_query.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"

/* All of a line but its body, which the ledger bounds. */
#define LINE_MAX_BYTES (64u << 10)

struct exporting {
	FILE *stream;
	int64_t count;
};

/* Stored bytes that are no JSON on one line were not written by rollcall. */
static int check_body(const struct ledger_entry *entry, struct error *err)
{
	const char *text = entry->body ? entry->body : "";
	json_t *body = json_loadb(text, entry->body_len, 0, NULL);

	if (!body || memchr(text, '\n', entry->body_len)) {
		json_decref(body);
		return error_set(err, ERROR_CORRUPT,
				 "event %" PRId64
				 " is no JSON document on one line: it was edited; `rollcall audit verify` says "
				 "more. `--after %" PRId64 "` goes on behind it",
				 entry->seq, entry->seq);
	}
	json_decref(body);
	return 0;
}

static int export_event(void *ctx, const struct event_row *row, struct error *err)
{
	struct exporting *exporting = ctx;
	const struct ledger_entry *entry = &row->entry;
	struct buffer line = BUFFER_INIT(LINE_MAX_BYTES);
	json_t *object;

	if (check_body(entry, err) < 0)
		return -1;
	object = json_pack("{s:I, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "seq", (json_int_t)entry->seq, "time",
			   output_time(entry->time_ms), "time_ms", (json_int_t)entry->time_ms, "actor",
			   output_text(entry->actor), "run", output_text(entry->run), "agent",
			   output_text(entry->agent_id), "hostname", output_text(row->hostname), "kind",
			   output_text(entry->kind), "previous", output_text(row->previous));
	json_write(object, false, &line);
	json_decref(object);
	/* without its closing brace */
	fwrite(buffer_text(&line), 1, line.len ? line.len - 1 : 0, exporting->stream);
	fprintf(exporting->stream, ",\"body\":%.*s,\"hash\":\"%s\"}\n", (int)entry->body_len, entry->body, entry->hash);
	buffer_clear(&line);
	exporting->count++;
	return 0;
}

/* Whoever has later events than the ledger knows that it was cut off; silence would look like nothing new. */
static int check_after(struct session *session, int64_t after)
{
	int64_t last = 0;

	if (store_find_int(session->store, &last, &session->error, "SELECT coalesce(max(seq), 0) FROM events", "") < 0)
		return -1;
	if (after > last)
		return error_set(&session->error, ERROR_USAGE,
				 "--after %" PRId64 ": the ledger of %s ends with event %" PRId64
				 ": it was cut off or put back to an older state since, or it is another database's",
				 after, store_path(session->store), last);
	return 0;
}

static int export_events(struct session *session, const char *since, int64_t after)
{
	struct event_filter filter = {.after = after};
	struct exporting exporting = {.stream = stdout};

	if (!session_store(session) || check_after(session, after) < 0 ||
	    (since && moment_parse("--since", since, clock_wall_ms(), &filter.since_ms, &session->error) < 0))
		return -1;
	return event_query(session->store, &filter, export_event, &exporting, &session->error);
}

int command_audit_export(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	const char *since = NULL;
	int64_t after = 0;
	const struct option own[] = {
		{"since", 0, OPTION_STRING, &since, "TIME",
		 "only what was recorded since: a date, or how long ago (2h, 7d)", 0, 0},
		{"after", 0, OPTION_INT, &after, "SEQ", "only what comes behind this event: the last one that you have",
		 0, INT64_MAX},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(ctx, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = export_events(ctx, since, after);
	arguments_clear(&operands);
	return result;
}
