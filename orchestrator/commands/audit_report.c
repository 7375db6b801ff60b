/* SPDX-License-Identifier: Apache-2.0 */
/* audit report: what one run did or several, with the proof for each agent, for people, tickets, spreadsheets and programs. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"
#include "orchestrator/report/reports.h"

enum format { FORMAT_TEXT, FORMAT_MARKDOWN, FORMAT_JSON, FORMAT_CSV, FORMAT_HTML, FORMAT_COUNT };

static const char *const names[FORMAT_COUNT] = {"text", "markdown", "json", "csv", "html"};

static int parse_format(struct session *session, const char *name, enum format *out)
{
	if (!name) {
		*out = session->json ? FORMAT_JSON : FORMAT_TEXT;
		return 0;
	}
	for (int i = 0; i < FORMAT_COUNT; i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		if (session->json && i != FORMAT_JSON)
			return error_set(&session->error, ERROR_USAGE, "--json and --format %s: leave out one of them",
					 name);
		*out = (enum format)i;
		return 0;
	}
	return error_set(&session->error, ERROR_USAGE, "--format %s: text, markdown, json, csv or html", name);
}

static bool is_named_twice(const struct report_runs *runs)
{
	const char *last = runs->views[runs->count - 1].run.id;

	for (size_t i = 0; i + 1 < runs->count; i++)
		if (strcmp(runs->views[i].run.id, last) == 0)
			return true;
	return false;
}

static int load(struct session *session, const struct arguments *operands, struct report_runs *runs)
{
	struct store *store = session_store(session);
	int64_t now_ms = clock_wall_ms();

	if (!store)
		return -1;
	runs->views = xcalloc(operands->count, sizeof *runs->views);
	for (size_t i = 0; i < operands->count; i++) {
		if (run_view_load(store, operands->items[i], now_ms, &runs->views[i], &session->error) < 0)
			return -1;
		runs->count++;
		if (is_named_twice(runs))
			return error_set(&session->error, ERROR_USAGE,
					 "%s is the same run as one before: name each run once", operands->items[i]);
	}
	return 0;
}

/* Whatever the format, the whole document. */
static void write_stream(const struct report_runs *runs, enum format format, struct buffer *out)
{
	char *text = NULL;
	size_t len = 0;

	if (format == FORMAT_JSON) {
		json_t *document = report_json(runs);

		text = json_dumps(document, JSON_INDENT(2));
		json_decref(document);
		buffer_puts(out, text);
		buffer_putc(out, '\n');
	} else {
		FILE *stream = open_memstream(&text, &len);

		if (!stream)
			abort();
		report_text(runs, stream);
		fclose(stream);
		buffer_append(out, text, len);
	}
	free(text);
}

static void write_report(const struct report_runs *runs, enum format format, struct buffer *out)
{
	switch (format) {
	case FORMAT_HTML:
		report_html(runs, out);
		break;
	case FORMAT_CSV:
		report_csv(runs, out);
		break;
	case FORMAT_MARKDOWN:
		report_markdown(runs, out);
		break;
	default:
		write_stream(runs, format, out);
	}
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

static int report(struct session *session, const struct report_runs *runs, enum format format, const char *path)
{
	struct buffer out = BUFFER_INIT(REPORT_MAX);
	int result = 0;

	/* On a terminal people get colours, which a buffer would lose. */
	if (!path && format == FORMAT_TEXT) {
		report_text(runs, stdout);
	} else if (!path && format == FORMAT_JSON) {
		output_json(report_json(runs));
	} else {
		write_report(runs, format, &out);
		result = deliver(session, &out, path);
	}
	buffer_clear(&out);
	return result;
}

int command_audit_report(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	const char *name = NULL, *path = NULL;
	enum format format = FORMAT_TEXT;
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
