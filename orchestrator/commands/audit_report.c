/* SPDX-License-Identifier: Apache-2.0 */
/* audit report: what one run did or several, with the proof for each agent, for people, tickets, spreadsheets and programs. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/log.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"
#include "orchestrator/report/reports.h"
#include "orchestrator/session_ledger.h"

static int parse_format(struct session *session, const char *name, enum report_format *out)
{
	int format = name ? report_format_parse(name) : session->json ? REPORT_JSON : REPORT_TEXT;

	if (format < 0)
		return error_set(&session->error, ERROR_USAGE, "--format %s: text, markdown, json, csv or html", name);
	if (session->json && format != REPORT_JSON)
		return error_set(&session->error, ERROR_USAGE, "--json and --format %s: leave out one of them", name);
	*out = (enum report_format)format;
	return 0;
}

static int load(struct session *session, const struct arguments *operands, struct report_runs *runs)
{
	struct store *store = session_run_store(session);

	return store ? report_runs_load(runs, store, operands->items, operands->count, clock_wall_ms(), &session->error)
		     : -1;
}

static json_t *event_body(const struct report_runs *runs, enum report_format format, const struct buffer *out,
			  const char *path)
{
	char sha256[DIGEST_HEX_SIZE];
	json_t *names = json_array();

	digest_hex(buffer_text(out), out->len, sha256);
	for (size_t i = 0; i < runs->count; i++)
		json_array_append_new(names, json_string(runs->views[i].run.id));
	return json_pack("{s:o, s:s, s:o, s:s, s:I, s:s, s:I}", "runs", names, "format", report_format_names[format],
			 "file", output_text(path), "sha256", sha256, "bytes", (json_int_t)out->len, "head",
			 runs->views[0].head, "made_ms", (json_int_t)runs->views[0].now_ms);
}

/* Whoever holds the file can ask later whether it is the one that was written. */
static int record(struct session *session, const struct report_runs *runs, enum report_format format,
		  const struct buffer *out, const char *path)
{
	struct ledger *ledger = session_ledger(session);
	int result = -1;

	if (ledger) {
		ledger_event(ledger, "audit.reported", NULL, NULL, event_body(runs, format, out, path));
		result = ledger_commit(ledger, &session->error);
	}
	ledger_close(ledger);
	return result < 0 ? error_prefix(&session->error, "%s is written, and not recorded in the ledger", path) : 0;
}

static int deliver(struct session *session, const struct buffer *out, const char *path)
{
	if (out->overflow)
		return error_set(&session->error, ERROR_SYSTEM, "the report is longer than %u MiB: name fewer runs",
				 REPORT_MAX >> 20);
	if (path && strcmp(path, "-") != 0)
		return file_replace(path, buffer_text(out), out->len, NULL, &session->error);
	if (fwrite(buffer_text(out), 1, out->len, stdout) != out->len || fflush(stdout) != 0)
		return error_set(&session->error, ERROR_SYSTEM, "the report could not be written to stdout");
	return 0;
}

static void tell(const struct session *session, const struct buffer *out, enum report_format format, const char *path)
{
	char sha256[DIGEST_HEX_SIZE];

	digest_hex(buffer_text(out), out->len, sha256);
	log_info("%s is written: %s, %zu bytes, SHA-256 %s, which the ledger has recorded", path,
		 report_format_names[format], out->len, sha256);
	log_info("to check it later: %s audit verify --report %s", session_program(session), path);
}

static int report(struct session *session, const struct report_runs *runs, enum report_format format, const char *path)
{
	struct buffer out = BUFFER_INIT(REPORT_MAX);
	int result = 0;

	/* On a terminal people get colours, which a buffer would lose. */
	if (!path && format == REPORT_TEXT) {
		report_text(runs, stdout);
		return 0;
	}
	report_write(runs, format, &out);
	result = deliver(session, &out, path);
	if (result == 0 && path && strcmp(path, "-") != 0) {
		result = record(session, runs, format, &out, path);
		if (result == 0)
			tell(session, &out, format, path);
	}
	buffer_clear(&out);
	return result;
}

int command_audit_report(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	const char *name = NULL, *path = NULL;
	enum report_format format = REPORT_TEXT;
	const struct option own[] = {
		{"format", 0, OPTION_STRING, &name, "FORMAT", "text (the default), markdown, json, csv or html", 0, 0},
		{"out", 'o', OPTION_STRING, &path, "FILE", "write it there, whole or not at all; -: stdout", 0, 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	struct report_runs runs = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = parse_format(session, name, &format);
	if (parsed == 0 && result == 0)
		result = load(session, &operands, &runs);
	if (parsed == 0 && result == 0)
		result = report(session, &runs, format, path);
	report_runs_clear(&runs);
	arguments_clear(&operands);
	return result;
}
