/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_REPORTS_H
#define ORCHESTRATOR_REPORT_REPORTS_H
/* The report of one run or several, in each of its formats. docs/audit.md says what each is for. */
#include "base/buffer.h"
#include "orchestrator/report/run_view.h"

/* More than anybody opens: 5,000 agents are some megabytes of HTML, and JSON has everything. */
#define REPORT_MAX (1024u << 20)

struct report_runs {
	struct run_view *views; /* in the order in which they were asked for */
	size_t count;           /* at least 1 */
};
void report_runs_clear(struct report_runs *runs);

/* One file that needs nothing else; it opens without a network and without scripts. */
void report_html(const struct report_runs *runs, struct buffer *out);
/* One line per agent, RFC 4180, headings first. */
void report_csv(const struct report_runs *runs, struct buffer *out);
/* For a ticket: what came of it, what went wrong, what to do; a table of agents when there are few. */
void report_markdown(const struct report_runs *runs, struct buffer *out);
void report_text(const struct report_runs *runs, FILE *stream);
/* schema/audit-report.schema.json: of several runs {"runs": [report…], "summary"}. The caller's. */
json_t *report_json(const struct report_runs *runs);

#endif
