/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_REPORTS_H
#define ORCHESTRATOR_REPORT_REPORTS_H
/* The report of one run or several, in each of its formats. docs/audit.md says what each is for. */
#include "base/buffer.h"
#include "inventory/store.h"
#include "orchestrator/report/run_view.h"

/* More than anybody opens: 5,000 agents are some megabytes of HTML, and JSON has everything. */
#define REPORT_MAX (1024u << 20)

struct report_runs {
	struct run_view *views; /* in the order in which they were asked for */
	size_t count;           /* at least 1 */
};
void report_runs_clear(struct report_runs *runs);
/* Adds a run, as it is at now_ms; or a rescue, which is alone in its report. ERROR_USAGE: it is there already, or there is no such run. */
int report_runs_add(struct report_runs *runs, struct store *store, const char *name, int64_t now_ms, struct error *err);
/* Adds all of them as of one moment and under one head, whatever others write meanwhile. */
int report_runs_load(struct report_runs *runs, struct store *store, const char *const *names, size_t count,
		     int64_t now_ms, struct error *err);

enum report_format { REPORT_TEXT, REPORT_MARKDOWN, REPORT_JSON, REPORT_CSV, REPORT_HTML, REPORT_FORMAT_COUNT };
extern const char *const report_format_names[REPORT_FORMAT_COUNT];
/* -1: there is none of that name. */
int report_format_parse(const char *name);

/* The whole document. The same runs at the same moment and with the same head give the same bytes, always. */
void report_write(const struct report_runs *runs, enum report_format format, struct buffer *out);

/*
 * What a report says of its own making, in one line that all formats but CSV have somewhere:
 *
 *	rollcall-report 1 version=0.2.0 format=html made=1795459910164 head=<64 hex digits> runs=r-20261123-1,r-20261123-2
 */
#define REPORT_MARK "rollcall-report 1 "
/* The caller's. */
char *report_mark(const struct report_runs *runs, enum report_format format);

/* One file that needs nothing else; it opens without a network and without scripts. */
void report_html(const struct report_runs *runs, struct buffer *out);
/* One line per agent, RFC 4180, headings first; the first cell of each is its run, or its rescue. */
void report_csv(const struct report_runs *runs, struct buffer *out);
/* For a ticket: what came of it, what went wrong, what to do; a table of agents when there are few. */
void report_markdown(const struct report_runs *runs, struct buffer *out);
void report_text(const struct report_runs *runs, FILE *stream);
/* The end of the text: how to check it. */
void report_text_end(const struct report_runs *runs, FILE *stream);
/* schema/audit-report.schema.json: of several runs {"runs": [report…], "summary"}. The caller's. */
json_t *report_json(const struct report_runs *runs);

#endif
