/* SPDX-License-Identifier: Apache-2.0 */
/* The page as one file. Nothing in it is loaded from anywhere, and its policy allows no script and no style but its own two. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "orchestrator/report/html_parts.h"
#include "orchestrator/report/reports.h"

/* ---- small things */

void html_section(const struct html_run *run, const char *id, const char *title, struct buffer *out)
{
	buffer_printf(out, "<section id=\"r%zu-%s\" aria-labelledby=\"r%zu-%s-h\"><h3 id=\"r%zu-%s-h\">%s</h3>\n",
		      run->number, id, run->number, id, run->number, id, title);
}

void html_term(struct buffer *out, const char *name, const char *value)
{
	buffer_puts(out, "<dt>");
	escape_html(out, name);
	buffer_puts(out, "</dt><dd>");
	escape_html(out, value);
	buffer_puts(out, "</dd>");
}

void html_term_take(struct buffer *out, const char *name, char *value)
{
	html_term(out, name, value);
	free(value);
}

void html_time(struct buffer *out, int64_t ms)
{
	char text[CLOCK_TEXT_MAX];

	if (ms == 0) {
		buffer_puts(out, "\u2013");
		return;
	}
	clock_format(ms, text); /* 2026-11-23T12:25:03.120Z */
	buffer_printf(out, "<time datetime=\"%s\">%.10s %.8s UTC</time>", text, text, text + 11);
}

void html_outcome(struct buffer *out, enum outcome outcome)
{
	buffer_printf(out, "<span class=\"o\"><i aria-hidden=\"true\">%s</i>%s</span>", outcome_sign(outcome),
		      outcome_label(outcome));
}

/* ---- the frame */

static void add_hash(const char *directive, const char *text, struct buffer *out)
{
	unsigned char digest[DIGEST_SIZE];
	char *encoded;

	digest_bytes(text, strlen(text), digest);
	encoded = base64_encode(digest, sizeof digest);
	buffer_printf(out, "; %s 'sha256-%s'", directive, encoded);
	free(encoded);
}

static void add_title(const struct report_runs *runs, struct buffer *out)
{
	buffer_puts(out, runs->views[0].rescue ? "Rescue " : runs->count == 1 ? "Rollout " : "Rollouts ");
	for (size_t i = 0; i < runs->count; i++) {
		buffer_puts(out, i ? ", " : "");
		escape_html(out, runs->views[i].run.id);
	}
}

static void add_mark(const struct report_runs *runs, struct buffer *out)
{
	char *mark = report_mark(runs, REPORT_HTML);

	buffer_puts(out, "<meta name=\"rollcall\" content=\"");
	escape_html(out, mark);
	buffer_puts(out, "\">\n");
	free(mark);
}

static void add_head(const struct report_runs *runs, struct buffer *out)
{
	buffer_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
			 "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'");
	add_hash("style-src", report_css, out);
	add_hash("script-src", report_js, out);
	buffer_puts(out,
		    "; base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, "
		    "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" "
		    "content=\"no-referrer\">\n");
	add_mark(runs, out);
	buffer_puts(out, "<title>");
	add_title(runs, out);
	buffer_printf(out, "</title>\n<style>%s</style>\n<script>%s</script>\n</head>\n", report_css, report_js);
}

/* What failed bars are filled with: their meaning is not in their colour alone. */
static void add_patterns(struct buffer *out)
{
	buffer_puts(out, "<svg width=\"0\" height=\"0\" class=\"defs\" aria-hidden=\"true\"><defs><pattern "
			 "id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
			 "patternTransform=\"rotate(45)\"><rect class=\"p-back\" width=\"6\" height=\"6\"/><rect "
			 "class=\"p-line\" width=\"2\" height=\"6\"/></pattern></defs></svg>\n");
}

/* ---- several runs */

static void add_run_line(const struct html_run *run, struct buffer *out)
{
	const struct run_view *view = run->view;
	size_t trouble = run->sum.by[OUTCOME_STUCK] + run->sum.by[OUTCOME_REJECTED];
	char *state = run_view_state_text(view);

	buffer_printf(out, "<tr><th scope=\"row\"><a href=\"#r%zu\">", run->number);
	escape_html(out, view->run.id);
	buffer_puts(out, "</a></th><td>");
	escape_html(out, view->plan.config);
	buffer_puts(out, "</td><td>");
	escape_html(out, view->plan.cluster);
	buffer_puts(out, "</td><td>");
	escape_html(out, state);
	buffer_puts(out, "</td><td>");
	html_time(out, view->run.created_ms);
	buffer_printf(out,
		      "</td><td class=\"n\">%zu</td><td class=\"n\">%zu</td><td class=\"n%s\">%zu</td><td "
		      "class=\"n\">%zu</td><td class=\"n\">%zu</td></tr>\n",
		      view->count, run->sum.by[OUTCOME_DONE], trouble ? " over" : "", trouble, run->sum.kept,
		      run->sum.lost + run->sum.unproven);
	free(state);
}

static void add_across(const struct html_run *runs, size_t count, struct buffer *out)
{
	size_t agents = 0, done = 0;

	for (size_t i = 0; i < count; i++) {
		agents += runs[i].view->count;
		done += runs[i].sum.by[OUTCOME_DONE];
	}
	buffer_printf(
		out,
		"<section id=\"across\" aria-labelledby=\"across-h\"><h2 id=\"across-h\">%zu rollouts: %zu of %zu "
		"times an agent was changed as planned</h2>\n<div class=\"scroll\"><table data-sort><caption>Each run "
		"has its own part below</caption><thead><tr><th scope=\"col\">Run</th><th scope=\"col\">Config</th><th "
		"scope=\"col\">Cluster</th><th scope=\"col\">State</th><th scope=\"col\">Started</th><th scope=\"col\" "
		"class=\"n\">Agents</th><th scope=\"col\" class=\"n\">As planned</th><th scope=\"col\" "
		"class=\"n\">Need a person</th><th scope=\"col\" class=\"n\">Tasks kept</th><th scope=\"col\" "
		"class=\"n\">Lost or not proven</th></tr></thead><tbody>\n",
		count, done, agents);
	for (size_t i = 0; i < count; i++)
		add_run_line(&runs[i], out);
	buffer_puts(out, "</tbody></table></div></section>\n");
}

/* ---- one run */

static void add_links(const struct html_run *run, struct buffer *out)
{
	static const struct {
		const char *id, *title;
	} links[] = {{"todo", "What to do"},   {"failures", "What went wrong"},
		     {"timeline", "Timeline"}, {"spread", "Time away"},
		     {"zones", "Zones"},       {"agents", "Agents"},
		     {"proofs", "Proofs"},     {"plan", "Plan"},
		     {"events", "Events"},     {"ledger", "How to check"}};

	buffer_puts(out, "<nav class=\"parts\" aria-label=\"Parts of the report on ");
	escape_html(out, run->view->run.id);
	buffer_puts(out, "\"><ul>");
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		if ((strcmp(links[i].id, "failures") == 0 && run->sum.cause_count == 0) ||
		    (strcmp(links[i].id, "spread") == 0 && run->sum.away.count == 0) ||
		    (strcmp(links[i].id, "events") == 0 && run->view->note_count + run->view->gate_count == 0))
			continue;
		buffer_printf(out, "<li><a href=\"#r%zu-%s\">%s</a></li>", run->number, links[i].id, links[i].title);
	}
	buffer_puts(out, "</ul></nav>\n");
}

static void add_run(const struct html_run *run, struct buffer *out)
{
	buffer_printf(out, "<section class=\"run\" id=\"r%zu\" aria-labelledby=\"r%zu-title\">\n", run->number,
		      run->number);
	html_summary(run, out);
	add_links(run, out);
	html_failures(run, out);
	html_timeline(run, out);
	html_spread(run, out);
	html_zones(run, out);
	html_agents(run, out);
	html_proofs(run, out);
	html_plan(run, out);
	html_events(run, out);
	html_ledger(run, out);
	html_data(run, out);
	buffer_puts(out, "</section>\n");
}

void report_html(const struct report_runs *runs, struct buffer *out)
{
	struct html_run *parts = xcalloc(runs->count, sizeof *parts);

	for (size_t i = 0; i < runs->count; i++) {
		parts[i] = (struct html_run){.view = &runs->views[i], .number = i + 1};
		if (parts[i].view->rescue)
			continue;
		outcome_sum(parts[i].view, &parts[i].sum);
		timeline_make(parts[i].view, &parts[i].timeline);
	}
	add_head(runs, out);
	buffer_puts(out, "<body>\n<a class=\"skip\" href=\"#main\">Skip to the report</a>\n");
	add_patterns(out);
	buffer_puts(out, "<header class=\"top\"><h1>");
	add_title(runs, out);
	buffer_puts(out, "</h1><p>rollcall: audit report, written ");
	html_time(out, runs->views[0].now_ms);
	buffer_puts(out, "</p></header>\n<main id=\"main\">\n");
	if (runs->count > 1)
		add_across(parts, runs->count, out);
	for (size_t i = 0; i < runs->count; i++) {
		if (parts[i].view->rescue)
			html_rescue(&parts[i], out);
		else
			add_run(&parts[i], out);
		outcome_sum_clear(&parts[i].sum);
		timeline_clear(&parts[i].timeline);
	}
	buffer_puts(out, "</main>\n</body>\n</html>\n");
	free(parts);
}
