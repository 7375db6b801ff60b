/* SPDX-License-Identifier: Apache-2.0 */
/* A report as bytes, and the line that says how it was made. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/report/reports.h"
#include "orchestrator/report/rescue_view.h"
#include "orchestrator/version.h"

/* The names of some thousand runs. */
#define MARK_MAX 65536

const char *const report_format_names[REPORT_FORMAT_COUNT] = {"text", "markdown", "json", "csv", "html"};

int report_format_parse(const char *name)
{
	for (int i = 0; i < REPORT_FORMAT_COUNT; i++)
		if (strcmp(name, report_format_names[i]) == 0)
			return i;
	return -1;
}

char *report_mark(const struct report_runs *runs, enum report_format format)
{
	struct buffer out = BUFFER_INIT(MARK_MAX);

	buffer_printf(&out, REPORT_MARK "version=%s format=%s made=%" PRId64 " head=%s runs=", ROLLCALL_VERSION,
		      report_format_names[format], runs->views[0].now_ms, runs->views[0].head);
	for (size_t i = 0; i < runs->count; i++)
		buffer_printf(&out, "%s%s", i ? "," : "", runs->views[i].run.id);
	return buffer_take(&out);
}

static bool is_there(const struct report_runs *runs, const char *run)
{
	for (size_t i = 0; i < runs->count; i++)
		if (strcmp(runs->views[i].run.id, run) == 0)
			return true;
	return false;
}

static int add_view(struct report_runs *runs, const struct run_view *view)
{
	runs->views = xreallocarray(runs->views, runs->count + 1, sizeof *runs->views);
	runs->views[runs->count++] = *view;
	return 0;
}

/* By itself: what a rescue came to and what a rollout came to do not add up. */
static int add_rescue(struct report_runs *runs, struct store *store, const char *name, int64_t now_ms,
		      struct error *err)
{
	struct run_view view;

	if (runs->count > 0)
		return error_set(err, ERROR_USAGE, "%s is a rescue, which has a report of its own: name it alone",
				 name);
	return rescue_view_load(store, name, now_ms, &view, err) < 0 ? -1 : add_view(runs, &view);
}

int report_runs_add(struct report_runs *runs, struct store *store, const char *name, int64_t now_ms, struct error *err)
{
	struct run_view view;

	if (rescue_is_name(name))
		return add_rescue(runs, store, name, now_ms, err);
	if (runs->count > 0 && runs->views[0].rescue)
		return error_set(err, ERROR_USAGE, "%s is a rescue, which has a report of its own: name it alone",
				 runs->views[0].run.id);
	if (run_view_load(store, name, now_ms, &view, err) < 0)
		return -1;
	if (is_there(runs, view.run.id)) {
		run_view_clear(&view);
		return error_set(err, ERROR_USAGE, "%s is the same run as one before: name each run once", name);
	}
	if (run_view_load_later(store, &view, err) < 0) {
		run_view_clear(&view);
		return -1;
	}
	return add_view(runs, &view);
}

/* Between two runs a survey may write an event: read one by one they would have two heads, and the report's mark has one. */
int report_runs_load(struct report_runs *runs, struct store *store, const char *const *names, size_t count,
		     int64_t now_ms, struct error *err)
{
	int result = store_begin_reading(store, err);

	for (size_t i = 0; result == 0 && i < count; i++)
		result = report_runs_add(runs, store, names[i], now_ms, err);
	store_rollback(store);
	return result;
}

static void write_text(const struct report_runs *runs, struct buffer *out)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		abort();
	report_text(runs, stream);
	fclose(stream);
	buffer_append(out, text, len);
	free(text);
}

static void write_json(const struct report_runs *runs, struct buffer *out)
{
	json_t *document = report_json(runs);
	char *text = json_dumps(document, JSON_INDENT(2));

	buffer_puts(out, text);
	buffer_putc(out, '\n');
	free(text);
	json_decref(document);
}

void report_write(const struct report_runs *runs, enum report_format format, struct buffer *out)
{
	switch (format) {
	case REPORT_HTML:
		report_html(runs, out);
		break;
	case REPORT_CSV:
		report_csv(runs, out);
		break;
	case REPORT_MARKDOWN:
		report_markdown(runs, out);
		break;
	case REPORT_JSON:
		write_json(runs, out);
		break;
	default:
		write_text(runs, out);
	}
}
