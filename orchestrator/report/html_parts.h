/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_HTML_PARTS_H
#define ORCHESTRATOR_REPORT_HTML_PARTS_H
/*
 * The parts of the page, in its order; each file writes its own. Whatever is data goes through escape_html or escape_script; formats hold
 * nothing but numbers and literals. IDs in the page begin with the run's number: r1-a17 is an agent's line, r1-p17 its proof.
 */
#include "orchestrator/report/escape.h"
#include "orchestrator/report/outcome.h"
#include "orchestrator/report/timeline.h"

/* Up to so many agents have their proof in the page itself; those that failed always, up to the second figure. The others' is data
 * from which the page's script makes it. */
#define HTML_PROOFS        250
#define HTML_FAILED_PROOFS 500
/* So many lines of a long table are laid out at once. report.js knows it from the table's attribute. */
#define HTML_LINES         200

struct html_run {
	const struct run_view *view;
	size_t number; /* from 1 */
	struct outcome_sum sum;
	struct timeline timeline;
};

void html_summary(const struct html_run *run, struct buffer *out);  /* the verdict, the counts, what to do */
void html_failures(const struct html_run *run, struct buffer *out); /* by cause */
void html_timeline(const struct html_run *run, struct buffer *out);
void html_spread(const struct html_run *run, struct buffer *out); /* of the time away */
void html_zones(const struct html_run *run, struct buffer *out);
void html_agents(const struct html_run *run, struct buffer *out);
void html_proofs(const struct html_run *run, struct buffer *out);
void html_data(const struct html_run *run, struct buffer *out);
void html_plan(const struct html_run *run, struct buffer *out);
void html_events(const struct html_run *run, struct buffer *out);
void html_ledger(const struct html_run *run, struct buffer *out);
/* All of it, when the run is a rescue: nothing but its view and number is set then. */
void html_rescue(const struct html_run *run, struct buffer *out);

/* Is the agent's proof in the page itself? */
bool html_has_proof(const struct html_run *run, size_t agent);

/* ---- small things */
/* A section's beginning: its heading is its name for who cannot see it. */
void html_section(const struct html_run *run, const char *id, const char *title, struct buffer *out);
void html_term(struct buffer *out, const char *name, const char *value); /* of a list of facts */
void html_term_take(struct buffer *out, const char *name, char *value);  /* value is taken */
void html_time(struct buffer *out, int64_t ms);
void html_outcome(struct buffer *out, enum outcome outcome); /* sign and label */
const char *html_tone_sign(const char *tone);                /* of "good", "warn" or "bad" */
/* A figure at the top: what is written between the two is the figure itself. more is taken. */
void html_tile_begin(struct buffer *out, const char *name);
void html_tile_end(struct buffer *out, char *more);
/* A link to an agent's proof, with its hostname. */
void html_agent_link(const struct html_run *run, size_t agent, struct buffer *out);

/* ---- made from report.css and report.js when the program is built */
extern const char report_css[], report_js[];

#endif
