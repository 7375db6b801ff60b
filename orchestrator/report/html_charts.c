/* SPDX-License-Identifier: Apache-2.0 */
/* Sums: how the times away spread, and what became of each zone. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/report/html_parts.h"

#define BINS           32
#define HEIGHT         120 /* px, of the bars */
/* Bars further away from the budget than this would all stand in its first column: then it is said in words. */
#define BUDGET_IN_VIEW 3

/* ---- the spread */

struct spread {
	int64_t top_ms; /* the axis' end */
	size_t bins[BINS], most;
};

static void count_bins(const struct html_run *run, struct spread *spread)
{
	const struct away_sum *away = &run->sum.away;
	bool in_view = away->budget_ms > 0 && away->budget_ms <= BUDGET_IN_VIEW * away->longest_ms;

	*spread = (struct spread){.top_ms = away->longest_ms + 1};
	if (in_view && away->budget_ms * 21 / 20 > spread->top_ms)
		spread->top_ms = away->budget_ms * 21 / 20;
	for (size_t i = 0; i < run->view->count; i++) {
		const struct agent_result *agent = &run->view->agents[i];

		if (agent->away_ms < 0 || agent->row->away_until_ms == 0 || agent->state == AGENT_FAILED)
			continue;
		size_t *bin = &spread->bins[agent->away_ms * BINS / spread->top_ms];
		++*bin;
		spread->most = *bin > spread->most ? *bin : spread->most;
	}
}

static void add_line(const struct spread *spread, int64_t ms, const char *class, const char *text, int y,
		     struct buffer *out)
{
	double x = 100 * (double)ms / (double)spread->top_ms;

	buffer_printf(out,
		      "<line class=\"%s\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/><text x=\"%.2f%%\" y=\"%d\" "
		      "dx=\"%d\"%s>",
		      class, x, x, y - 9, HEIGHT + 30, x, y, x > 60 ? -5 : 5, x > 60 ? " text-anchor=\"end\"" : "");
	escape_html(out, text);
	buffer_puts(out, "</text>");
}

static void add_bins(const struct spread *spread, struct buffer *out)
{
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];

	for (int i = 0; i < BINS; i++) {
		double height = spread->most ? (double)HEIGHT * (double)spread->bins[i] / (double)spread->most : 0;

		if (spread->bins[i] == 0)
			continue;
		height = height < 2 ? 2 : height;
		buffer_printf(
			out,
			"<rect class=\"b b-done\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%.1f\" height=\"%.1f\"><title>%zu "
			"agent%s: %s to %s</title></rect>",
			100.0 * i / BINS, 92.0 / BINS, HEIGHT + 30 - height, height, spread->bins[i],
			spread->bins[i] == 1 ? "" : "s", clock_format_span(spread->top_ms * i / BINS, from),
			clock_format_span(spread->top_ms * (i + 1) / BINS, to));
	}
}

static void add_scale(const struct spread *spread, struct buffer *out)
{
	char span[CLOCK_TEXT_MAX];

	for (int i = 0; i <= 4; i++)
		buffer_printf(out, "<text x=\"%d%%\" y=\"%d\"%s>%s</text>", 25 * i, HEIGHT + 46,
			      i == 0   ? ""
			      : i == 4 ? " text-anchor=\"end\""
				       : " text-anchor=\"middle\"",
			      clock_format_span(spread->top_ms * i / 4, span));
}

static void add_histogram(const struct html_run *run, struct buffer *out)
{
	const struct away_sum *away = &run->sum.away;
	struct spread spread;
	char span[CLOCK_TEXT_MAX], *text;

	count_bins(run, &spread);
	buffer_printf(out,
		      "<svg class=\"spread\" width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"How many agents "
		      "were away how long\">",
		      HEIGHT + 52);
	add_bins(&spread, out);
	buffer_printf(out, "<line class=\"base\" x1=\"0\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>", HEIGHT + 30,
		      HEIGHT + 30);
	text = xasprintf("half were back after %s", clock_format_span(away->median_ms, span));
	add_line(&spread, away->median_ms, "median", text, 10, out);
	free(text);
	if (away->budget_ms > 0 && away->budget_ms <= spread.top_ms) {
		text = xasprintf("the master waits %s", clock_format_span(away->budget_ms, span));
		add_line(&spread, away->budget_ms, "limit", text, 24, out);
		free(text);
	}
	add_scale(&spread, out);
	buffer_puts(out, "</svg>\n");
}

/* 95 of 100 say nothing of a dozen. */
static void add_spread_figures(const struct away_sum *away, struct buffer *out)
{
	char median[CLOCK_TEXT_MAX], p95[CLOCK_TEXT_MAX], longest[CLOCK_TEXT_MAX];

	clock_format_span(away->longest_ms, longest);
	if (away->count == 1) {
		buffer_printf(out, "One agent was away and came back, after %s.", longest);
		return;
	}
	buffer_printf(out, "Of %zu agents that were away and came back, half were back after %s", away->count,
		      clock_format_span(away->median_ms, median));
	if (away->count >= 40)
		buffer_printf(out, ", 95 of 100 after %s", clock_format_span(away->p95_ms, p95));
	buffer_printf(out, ", all after %s.", longest);
}

static void add_spread_words(const struct away_sum *away, struct buffer *out)
{
	char budget[CLOCK_TEXT_MAX];

	buffer_puts(out, "<figcaption>");
	add_spread_figures(away, out);
	if (away->budget_ms > 0) {
		clock_format_span(away->budget_ms, budget);
		if (away->over_budget > 0)
			buffer_printf(
				out,
				" <strong>%zu took longer than the %s</strong> for which the master waits for a silent "
				"agent; what is measured begins earlier, with the intent, and ends later, with the "
				"proof.",
				away->over_budget, budget);
		else
			buffer_printf(out,
				      " The master waits %s for a silent agent; nobody was away for longer than that.",
				      budget);
	}
	if (away->still > 0)
		buffer_printf(out, " %zu %s not proven to be back.", away->still, away->still == 1 ? "is" : "are");
	buffer_puts(out, "</figcaption>\n");
}

void html_spread(const struct html_run *run, struct buffer *out)
{
	if (run->sum.away.count == 0)
		return;
	html_section(run, "spread", "How long agents were away", out);
	buffer_puts(out, "<figure>");
	add_spread_words(&run->sum.away, out);
	add_histogram(run, out);
	buffer_puts(out, "</figure></section>\n");
}

/* ---- zones */

static void add_share(const struct zone_sum *zone, struct buffer *out)
{
	double x = 0;

	buffer_puts(out, "<svg width=\"100%\" height=\"12\" aria-hidden=\"true\">");
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		double width = 100 * (double)zone->by[i] / (double)zone->count;

		if (zone->by[i] > 0)
			buffer_printf(out, "<rect class=\"b b-%s\" x=\"%.2f%%\" width=\"%.2f%%\" height=\"12\"/>",
				      outcome_name((enum outcome)i), x, width);
		x += width;
	}
	buffer_puts(out, "</svg>");
}

static void add_zone(const struct html_run *run, const struct zone_sum *zone, struct buffer *out)
{
	buffer_printf(out, "<tr><th scope=\"row\"><a href=\"#r%zu-agents\" data-zone=\"", run->number);
	escape_html(out, zone->name);
	buffer_puts(out, "\"><bdi>");
	escape_html(out, zone->name);
	buffer_printf(out, "</bdi></a></th><td class=\"n\">%zu</td>", zone->count);
	for (int i = 0; i < OUTCOME_COUNT; i++)
		if (run->sum.by[i] > 0)
			buffer_printf(out, "<td class=\"n%s\">%zu</td>", zone->by[i] ? "" : " zero", zone->by[i]);
	buffer_puts(out, "<td class=\"share\">");
	add_share(zone, out);
	buffer_puts(out, "</td></tr>\n");
}

void html_zones(const struct html_run *run, struct buffer *out)
{
	html_section(run, "zones", "Zones", out);
	buffer_puts(out,
		    "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Agents by zone and outcome\">"
		    "<table class=\"zones\" data-sort><caption>Agents by zone and outcome; zones with "
		    "failures first</caption><thead><tr><th scope=\"col\">Zone</th><th scope=\"col\" "
		    "class=\"n\">Agents</th>");
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		if (run->sum.by[i] == 0)
			continue;
		buffer_puts(out, "<th scope=\"col\" class=\"n\">");
		html_outcome(out, (enum outcome)i);
		buffer_puts(out, "</th>");
	}
	buffer_puts(out, "<th class=\"share\" scope=\"col\" data-fixed>Share</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < run->sum.zone_count; i++)
		add_zone(run, &run->sum.zones[i], out);
	buffer_puts(out, "</tbody></table></div></section>\n");
}
