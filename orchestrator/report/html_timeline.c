/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who was away when. X is in percent of the drawing, so that it fits every width without scaling its texts; where there are thousands of
 * agents, all bars of an outcome are one path in a drawing of its own that is stretched.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/report/html_parts.h"

#define ROW_HEIGHT   22 /* px */
#define LANE_MAX     12
#define LANES_HEIGHT 560 /* of all lanes together, at most */
#define LEVELS       72
#define UNITS        10000 /* across a stretched drawing */
#define MARKS_MAX    200

static double percent(const struct html_run *run, int64_t ms)
{
	return 100 * timeline_x(&run->timeline, ms);
}

/* ---- the axis */

static int64_t nice_step(int64_t span_ms)
{
	static const int64_t seconds[] = {1,   2,    5,    10,   15,    30,    60,    120,   300,
					  600, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800};
	size_t i = 0;

	while (i + 1 < sizeof seconds / sizeof *seconds && span_ms / (seconds[i] * 1000) > 7)
		i++;
	return seconds[i] * 1000;
}

static int64_t drawn_span(const struct timeline *timeline)
{
	int64_t span = timeline->until_ms - timeline->from_ms;

	for (size_t i = 0; i < timeline->fold_count; i++)
		span -= timeline->folds[i].until_ms - timeline->folds[i].from_ms;
	return span;
}

static bool is_folded(const struct timeline *timeline, int64_t ms)
{
	for (size_t i = 0; i < timeline->fold_count; i++)
		if (ms > timeline->folds[i].from_ms && ms < timeline->folds[i].until_ms)
			return true;
	return false;
}

/* The next moment from ms on that gets a line, or the end. A long fold is not walked through. */
static int64_t next_tick(const struct timeline *timeline, int64_t ms, int64_t step)
{
	for (size_t i = 0; i < timeline->fold_count; i++)
		if (ms > timeline->folds[i].from_ms && ms < timeline->folds[i].until_ms)
			ms = timeline->folds[i].until_ms;
	return (ms + step - 1) / step * step;
}

static void add_ticks(const struct html_run *run, int height, bool labels, struct buffer *out)
{
	const struct timeline *timeline = &run->timeline;
	int64_t step = nice_step(drawn_span(timeline));
	double last = -100;
	char text[CLOCK_TEXT_MAX];

	for (int64_t ms = next_tick(timeline, timeline->from_ms, step); ms <= timeline->until_ms;
	     ms = next_tick(timeline, ms + 1, step)) {
		double x = percent(run, ms);

		if (is_folded(timeline, ms) || x - last < 7 || x > 96)
			continue;
		last = x;
		if (!labels)
			buffer_printf(out, "<line class=\"grid\" x1=\"%.2f%%\" x2=\"%.2f%%\" y2=\"%d\"/>", x, x,
				      height);
		else /* the clock's part of "2026-11-23T12:25:03.120Z" */
			buffer_printf(out, "<text x=\"%.2f%%\" y=\"13\"%s>%.8s</text>", x,
				      x < 4 ? "" : " text-anchor=\"middle\"",
				      clock_format(ms, text) + (step < 86400000 ? 11 : 2));
	}
}

static void add_folds(const struct html_run *run, int height, bool labels, struct buffer *out)
{
	char span[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < run->timeline.fold_count; i++) {
		const struct timeline_fold *fold = &run->timeline.folds[i];
		double from = percent(run, fold->from_ms), to = percent(run, fold->until_ms);

		if (labels)
			buffer_printf(
				out, "<text class=\"fold\" x=\"%.2f%%\" y=\"27\" text-anchor=\"%s\">%s left out</text>",
				(from + to) / 2,
				from < 8  ? "start"
				: to > 92 ? "end"
					  : "middle",
				clock_format_span(fold->until_ms - fold->from_ms, span));
		else
			buffer_printf(
				out,
				"<rect class=\"fold\" x=\"%.2f%%\" width=\"%.2f%%\" height=\"%d\"><title>%s in which "
				"nobody else was away</title></rect>",
				from, to - from, height, clock_format_span(fold->until_ms - fold->from_ms, span));
	}
}

/* What happened to the run as a whole: pauses, orders, other leaders. */
static void add_notes(const struct html_run *run, int height, struct buffer *out)
{
	const struct run_view *view = run->view;

	for (size_t i = 0; i < view->note_count && i < MARKS_MAX; i++) {
		double x = percent(run, view->notes[i].time_ms);

		buffer_printf(out, "<line class=\"event\" x1=\"%.2f%%\" x2=\"%.2f%%\" y2=\"%d\"><title>", x, x, height);
		escape_html(out, view->notes[i].text);
		buffer_puts(out, "</title></line>");
	}
}

/* ---- how many at once, against the window */

static void add_levels(const struct html_run *run, struct buffer *out)
{
	const struct timeline *timeline = &run->timeline;
	int window = outcome_window(&run->view->plan), top = window > timeline->most ? window : timeline->most,
	    last = 0;
	double scale = (double)(LEVELS - 20) / top, y = LEVELS - window * scale;

	buffer_printf(
		out,
		"<svg class=\"levels\" width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"Agents away at once: "
		"at most %d; the window allowed %d\">",
		LEVELS + 1, timeline->most, window);
	add_ticks(run, LEVELS, false, out);
	buffer_printf(out,
		      "<svg width=\"100%%\" height=\"%d\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">"
		      "<path class=\"area\" d=\"M0 %d",
		      LEVELS, UNITS, LEVELS, LEVELS);
	for (size_t i = 0; i < timeline->level_count; i++) {
		const struct timeline_level *level = &timeline->levels[i];
		int x = (int)(UNITS * timeline_x(timeline, level->ms));

		/* Of several changes at one moment the last one is what holds. */
		if (i + 1 < timeline->level_count && timeline->levels[i + 1].ms == level->ms)
			continue;
		if (level->away != last)
			buffer_printf(out, "H%dV%.1f", x, LEVELS - level->away * scale);
		last = level->away;
	}
	buffer_printf(out, "V%dz\"/></svg>", LEVELS);
	buffer_printf(out, "<line class=\"limit\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>", y, y);
	buffer_printf(out, "<text x=\"0\" y=\"%.1f\">window: %d</text>", y - 5, window);
	add_folds(run, LEVELS, false, out);
	buffer_puts(out, "</svg>\n");
}

/* ---- one bar per agent */

/* Beside the bar, on the side that has room; inside where it is long. */
static void add_row_label(const struct html_run *run, const struct timeline_bar *bar, double from, double to, int y,
			  struct buffer *out)
{
	const struct agent_result *agent = &run->view->agents[bar->agent];
	bool solid = bar->state == AGENT_DONE || (agent_state_is_failure(bar->state) && bar->state != AGENT_REVERTED);
	bool inside = solid && to - from > 45, left = !inside && to > 72;
	char span[CLOCK_TEXT_MAX];

	buffer_printf(out, "<text class=\"name%s\" x=\"%.2f%%\" y=\"%d\" dx=\"%d\"%s>", inside ? " inside" : "",
		      inside || left ? from : to, y, left ? -6 : 6, left ? " text-anchor=\"end\"" : "");
	if (bar->state != AGENT_DONE)
		buffer_printf(out, "%s ", outcome_sign(outcome_of(bar->state)));
	escape_html(out, agent->row->hostname);
	buffer_printf(out, "<tspan class=\"dim\" dx=\"6\">%s</tspan></text>",
		      bar->last && !agent->row->away_until_ms ? "not proven back"
							      : clock_format_span(bar->until_ms - bar->from_ms, span));
}

static void add_row(const struct html_run *run, const struct timeline_bar *bar, struct buffer *out)
{
	int y = bar->lane * ROW_HEIGHT;
	double from = percent(run, bar->from_ms), to = percent(run, bar->until_ms);

	buffer_printf(out, "<g><rect class=\"b b-%s\" x=\"%.2f%%\" y=\"%d\" width=\"%.2f%%\" height=\"%d\" rx=\"2\"/>",
		      outcome_name(outcome_of(bar->state)), from, y + 4, to - from < 0.25 ? 0.25 : to - from,
		      ROW_HEIGHT - 8);
	add_row_label(run, bar, from, to, y + ROW_HEIGHT - 7, out);
	buffer_puts(out, "</g>\n");
}

/* ---- one path per outcome */

static void add_path(const struct html_run *run, enum outcome outcome, double lane, struct buffer *out)
{
	const struct timeline *timeline = &run->timeline;
	size_t count = 0;

	for (size_t i = 0; i < timeline->bar_count; i++) {
		const struct timeline_bar *bar = &timeline->bars[i];
		int from = (int)(UNITS * timeline_x(timeline, bar->from_ms));
		int to = (int)(UNITS * timeline_x(timeline, bar->until_ms));
		double top = bar->lane * lane, height = lane > 3 ? lane - 1 : lane * 0.8;

		if (outcome_of(bar->state) != outcome)
			continue;
		if (count++ == 0)
			buffer_printf(out, "<path class=\"b b-%s\" d=\"", outcome_name(outcome));
		buffer_printf(out, "M%d %.1fh%dv%.1fh-%dz", from, top, to - from < 4 ? 4 : to - from, height,
			      to - from < 4 ? 4 : to - from);
	}
	buffer_puts(out, count ? "\"/>" : "");
}

/* Above the lanes, where a bar of a pixel or two cannot be overlooked. */
static void add_failure_marks(const struct html_run *run, struct buffer *out)
{
	size_t count = 0;

	for (size_t i = 0; i < run->timeline.bar_count && count < MARKS_MAX; i++) {
		const struct timeline_bar *bar = &run->timeline.bars[i];

		if (!agent_state_is_failure(bar->state))
			continue;
		count++;
		buffer_printf(out, "<text class=\"mark o-%s\" x=\"%.2f%%\" y=\"11\" text-anchor=\"middle\">%s</text>",
			      outcome_name(outcome_of(bar->state)), percent(run, bar->from_ms),
			      outcome_sign(outcome_of(bar->state)));
	}
}

static double lane_height(const struct timeline *timeline)
{
	double height = timeline->lane_count > 0 ? (double)LANES_HEIGHT / timeline->lane_count : LANE_MAX;

	return timeline->rows ? ROW_HEIGHT : height > LANE_MAX ? LANE_MAX : height;
}

static void add_lanes(const struct html_run *run, struct buffer *out)
{
	const struct timeline *timeline = &run->timeline;
	double lane = lane_height(timeline);
	int height = (int)(lane * timeline->lane_count + 0.999);

	if (!timeline->rows) {
		buffer_puts(out, "<svg width=\"100%\" height=\"15\" aria-hidden=\"true\">");
		add_failure_marks(run, out);
		buffer_puts(out, "</svg>\n");
	}
	buffer_printf(out,
		      "<svg class=\"lanes\" data-lane=\"%.4f\" width=\"100%%\" height=\"%d\" aria-hidden=\"true\">",
		      lane, height + 1);
	add_ticks(run, height, false, out);
	add_folds(run, height, false, out);
	add_notes(run, height, out);
	if (timeline->rows) {
		for (size_t i = 0; i < timeline->bar_count; i++)
			add_row(run, &timeline->bars[i], out);
	} else {
		buffer_printf(out,
			      "<svg width=\"100%%\" height=\"%d\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">",
			      height, UNITS, height);
		for (int outcome = OUTCOME_COUNT; outcome-- > 0;)
			add_path(run, (enum outcome)outcome, lane, out);
		buffer_puts(out, "</svg>");
	}
	buffer_puts(out, "<rect class=\"cursor\" width=\"0\" height=\"0\"/></svg>\n");
}

static bool is_drawn(const struct timeline *timeline, enum outcome outcome)
{
	for (size_t i = 0; i < timeline->bar_count; i++)
		if (outcome_of(timeline->bars[i].state) == outcome)
			return true;
	return false;
}

static void add_legend(const struct html_run *run, struct buffer *out)
{
	buffer_puts(out, "<p class=\"legend\">");
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		if (!is_drawn(&run->timeline, (enum outcome)i))
			continue;
		buffer_printf(out,
			      "<span><svg width=\"22\" height=\"10\" aria-hidden=\"true\"><rect class=\"b b-%s\" "
			      "width=\"22\" height=\"10\" rx=\"2\"/></svg> %s %s</span> ",
			      outcome_name((enum outcome)i), outcome_sign((enum outcome)i),
			      outcome_label((enum outcome)i));
	}
	if (run->view->note_count > 0)
		buffer_puts(out, "<span><svg width=\"6\" height=\"10\" aria-hidden=\"true\"><line class=\"event\" "
				 "x1=\"3\" x2=\"3\" "
				 "y2=\"10\"/></svg> something happened to the run: see its events</span>");
	buffer_puts(out, "</p>\n");
}

void html_timeline(const struct html_run *run, struct buffer *out)
{
	const struct timeline *timeline = &run->timeline;
	char day[CLOCK_TEXT_MAX];

	html_section(run, "timeline", "Who was away when", out);
	if (timeline->bar_count == 0) {
		buffer_puts(out, "<p>No agent has been away.</p></section>\n");
		return;
	}
	buffer_printf(
		out,
		"<figure><figcaption>%s <span class=\"keys\" hidden>Point at a bar, or come here with Tab and step "
		"with the arrow keys; Enter opens the proof.</span> Times are UTC, from the intent until proven, on "
		"%.10s.</figcaption>\n",
		timeline->rows
			? "Above, how many agents were away at once; below, a bar for each."
			: "Above, how many agents were away at once; below, a bar for each, in the first place of the "
			  "window that was free. The signs mark where a failure began.",
		clock_format(timeline->from_ms, day));
	add_legend(run, out);
	buffer_printf(out, "<div class=\"plot\" data-plot=\"%zu\">\n", run->number);
	add_levels(run, out);
	add_lanes(run, out);
	buffer_printf(out, "<svg class=\"axis\" width=\"100%%\" height=\"%d\" aria-hidden=\"true\">",
		      timeline->fold_count ? 32 : 18);
	add_ticks(run, 0, true, out);
	add_folds(run, 0, true, out);
	buffer_puts(
		out,
		"</svg>\n<p class=\"tip\" role=\"status\" aria-live=\"polite\" hidden></p></div></figure></section>\n");
}
