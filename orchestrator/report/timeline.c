/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/report/attempts.h"

/* A stretch is left out when it is longer than both: shorter ones tell something. */
#define FOLD_LEAST_MS   60000
#define FOLD_LEAST_PART 0.15 /* of the time in which agents were away */
#define FOLD_WIDTH      0.03 /* on the axis */
#define FOLDS_MAX       8

/* Until when an agent was away, as far as the run tells; never before it left. */
static int64_t end_of(const struct timeline *timeline, const struct run_agent *row)
{
	int64_t end = row->away_until_ms ? row->away_until_ms : timeline->known_ms;

	return end < row->away_from_ms ? row->away_from_ms : end;
}

/* Of an agent that was left stuck a week ago nobody knows how it went on: its bar ends with what is known. */
static int64_t last_moment(const struct run_view *view)
{
	int64_t last = view->run.finished_ms;

	if (strcmp(view->run.state, run_state_name(RUN_RUNNING)) == 0)
		return view->now_ms;
	for (size_t i = 0; i < view->count; i++) {
		const struct agent_result *agent = &view->agents[i];
		int64_t step = agent->step_count > 0 ? agent->steps[agent->step_count - 1].time_ms : 0;

		last = step > last ? step : last;
		last = agent->row->away_until_ms > last ? agent->row->away_until_ms : last;
	}
	return last ? last : view->now_ms;
}

/* A stuck agent may be away for a week; what the others did in a minute is to be seen all the same. */
static int64_t calm_from(const struct agent_result *agent, int64_t until_ms)
{
	for (size_t i = 0; agent->state == AGENT_STUCK && i < agent->step_count; i++) {
		const struct view_step *step = &agent->steps[i];

		if (step->to && step->time_ms >= agent->row->away_from_ms && step->time_ms < until_ms &&
		    strcmp(step->to, agent_state_name(AGENT_STUCK)) == 0)
			return step->time_ms;
	}
	return until_ms;
}

/* ---- who left when */

static int compare_bars(const void *a, const void *b)
{
	const struct timeline_bar *x = a, *y = b;

	if (x->from_ms != y->from_ms)
		return x->from_ms < y->from_ms ? -1 : 1;
	return x->agent < y->agent ? -1 : x->agent > y->agent;
}

static void add_bar(struct timeline *timeline, size_t *cap, const struct timeline_bar *bar)
{
	if (timeline->bar_count == *cap) {
		*cap = *cap ? 2 * *cap : 64;
		timeline->bars = xreallocarray(timeline->bars, *cap, sizeof *timeline->bars);
	}
	timeline->bars[timeline->bar_count++] = *bar;
}

static void list_bars(const struct run_view *view, struct timeline *timeline)
{
	size_t cap = 0;

	for (size_t i = 0; i < view->count; i++) {
		const struct agent_result *agent = &view->agents[i];
		struct attempt *earlier;
		size_t count = attempts_earlier(agent, &earlier);

		for (size_t j = 0; j < count; j++)
			add_bar(timeline, &cap,
				&(struct timeline_bar){.from_ms = earlier[j].from_ms,
						       .until_ms = earlier[j].until_ms,
						       .calm_ms = earlier[j].until_ms,
						       .agent = i,
						       .state = earlier[j].state});
		free(earlier);
		if (agent->row->away_from_ms > 0)
			add_bar(timeline, &cap,
				&(struct timeline_bar){.from_ms = agent->row->away_from_ms,
						       .until_ms = end_of(timeline, agent->row),
						       .calm_ms = calm_from(agent, end_of(timeline, agent->row)),
						       .agent = i,
						       .state = agent->state,
						       .last = true});
	}
	if (timeline->bar_count > 0)
		qsort(timeline->bars, timeline->bar_count, sizeof *timeline->bars, compare_bars);
}

static void set_span(const struct run_view *view, const struct timeline_bar *bars, size_t count, struct timeline *out)
{
	out->from_ms = view->run.created_ms;
	out->until_ms = view->run.finished_ms ? view->run.finished_ms : out->known_ms;
	for (size_t i = 0; i < count; i++) {
		if (out->from_ms == 0 || bars[i].from_ms < out->from_ms)
			out->from_ms = bars[i].from_ms;
		if (bars[i].until_ms > out->until_ms)
			out->until_ms = bars[i].until_ms;
	}
	if (out->until_ms <= out->from_ms)
		out->until_ms = out->from_ms + 1000;
}

/* ---- the axis */

static void add_fold(struct timeline *out, int64_t from_ms, int64_t until_ms, int64_t least_ms)
{
	if (until_ms - from_ms <= least_ms || out->fold_count == FOLDS_MAX)
		return;
	out->folds = xreallocarray(out->folds, out->fold_count + 1, sizeof *out->folds);
	out->folds[out->fold_count++] = (struct timeline_fold){from_ms, until_ms};
}

static int64_t busy_time(const struct timeline_bar *bars, size_t count)
{
	int64_t busy = 0, until = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t from = bars[i].from_ms > until ? bars[i].from_ms : until;

		if (bars[i].calm_ms > from) {
			busy += bars[i].calm_ms - from;
			until = bars[i].calm_ms;
		}
	}
	return busy;
}

static void fold_axis(const struct timeline_bar *bars, size_t count, struct timeline *out)
{
	int64_t part = (int64_t)((double)busy_time(bars, count) * FOLD_LEAST_PART), until = out->from_ms;
	int64_t least = part > FOLD_LEAST_MS ? part : FOLD_LEAST_MS, left_out = 0;

	for (size_t i = 0; i < count; i++) {
		add_fold(out, until, bars[i].from_ms, least);
		until = bars[i].calm_ms > until ? bars[i].calm_ms : until;
	}
	if (count > 0)
		add_fold(out, until, out->until_ms, least);
	for (size_t i = 0; i < out->fold_count; i++)
		left_out += out->folds[i].until_ms - out->folds[i].from_ms;
	int64_t drawn = out->until_ms - out->from_ms - left_out;
	out->fold_width = FOLD_WIDTH;
	out->scale = drawn > 0 ? (1 - (double)out->fold_count * FOLD_WIDTH) / (double)drawn : 0;
}

double timeline_x(const struct timeline *timeline, int64_t ms)
{
	double x = 0;
	int64_t at = timeline->from_ms;

	if (ms > timeline->until_ms)
		ms = timeline->until_ms;
	for (size_t i = 0; i < timeline->fold_count && timeline->folds[i].from_ms < ms; i++) {
		const struct timeline_fold *fold = &timeline->folds[i];

		x += (double)(fold->from_ms - at) * timeline->scale;
		if (ms < fold->until_ms)
			return x + timeline->fold_width * (double)(ms - fold->from_ms) /
					   (double)(fold->until_ms - fold->from_ms);
		x += timeline->fold_width;
		at = fold->until_ms;
	}
	return ms > at ? x + (double)(ms - at) * timeline->scale : x;
}

/* ---- lanes */

/* The first lane that is free; `free_from` holds for each lane when it becomes so. */
static int first_free(int64_t *free_from, int *lane_count, const struct timeline_bar *bar)
{
	int lane = 0;

	while (lane < *lane_count && free_from[lane] > bar->from_ms)
		lane++;
	if (lane == *lane_count)
		(*lane_count)++;
	free_from[lane] = bar->until_ms > bar->from_ms ? bar->until_ms : bar->from_ms + 1;
	return lane;
}

static void assign_rows(const struct run_view *view, struct timeline *out)
{
	int *rows = xcalloc(view->count + 1, sizeof *rows); /* of each agent, from 1 */

	for (size_t i = 0; i < out->bar_count; i++) {
		int *row = &rows[out->bars[i].agent];

		if (*row == 0)
			*row = ++out->lane_count;
		out->bars[i].lane = *row - 1;
	}
	free(rows);
}

static void assign_lanes(const struct run_view *view, struct timeline *out)
{
	int64_t *free_from = xcalloc(out->bar_count + 1, sizeof *free_from);

	out->rows = view->count <= TIMELINE_ROWS_MAX;
	if (out->rows)
		assign_rows(view, out);
	for (size_t i = 0; !out->rows && i < out->bar_count; i++)
		out->bars[i].lane = first_free(free_from, &out->lane_count, &out->bars[i]);
	free(free_from);
}

/* ---- how many at once */

static int compare_levels(const void *a, const void *b)
{
	const struct timeline_level *x = a, *y = b;

	if (x->ms != y->ms)
		return x->ms < y->ms ? -1 : 1;
	return x->away - y->away; /* who comes back makes room for who leaves */
}

static void count_levels(const struct timeline_bar *bars, size_t count, struct timeline *out)
{
	struct timeline_level *levels = xcalloc(2 * count + 1, sizeof *levels);
	int away = 0;

	for (size_t i = 0; i < count; i++) {
		levels[2 * i] = (struct timeline_level){bars[i].from_ms, 1};
		levels[2 * i + 1] = (struct timeline_level){bars[i].until_ms, -1};
	}
	qsort(levels, 2 * count, sizeof *levels, compare_levels);
	for (size_t i = 0; i < 2 * count; i++) {
		away += levels[i].away;
		out->most = away > out->most ? away : out->most;
		levels[i].away = away;
	}
	out->levels = levels;
	out->level_count = 2 * count;
}

void timeline_make(const struct run_view *view, struct timeline *out)
{
	*out = (struct timeline){.known_ms = last_moment(view)};
	list_bars(view, out);
	set_span(view, out->bars, out->bar_count, out);
	fold_axis(out->bars, out->bar_count, out);
	assign_lanes(view, out);
	count_levels(out->bars, out->bar_count, out);
}

void timeline_clear(struct timeline *timeline)
{
	free(timeline->folds);
	free(timeline->bars);
	free(timeline->levels);
}
