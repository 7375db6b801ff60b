/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* A stretch is left out when it is longer than both: shorter ones tell something. */
#define FOLD_LEAST_MS   60000
#define FOLD_LEAST_PART 0.15 /* of the time in which agents were away */
#define FOLD_WIDTH      0.03 /* on the axis */
#define FOLDS_MAX       8

int64_t timeline_end(const struct timeline *timeline, const struct run_agent *row)
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

/* ---- who left when */

struct leaver {
	int64_t from_ms, until_ms;
	size_t agent;
};

static int compare_leavers(const void *a, const void *b)
{
	const struct leaver *x = a, *y = b;

	if (x->from_ms != y->from_ms)
		return x->from_ms < y->from_ms ? -1 : 1;
	return x->agent < y->agent ? -1 : 1;
}

static struct leaver *list_leavers(const struct run_view *view, const struct timeline *timeline, size_t *count)
{
	struct leaver *leavers = xcalloc(view->count + 1, sizeof *leavers);

	*count = 0;
	for (size_t i = 0; i < view->count; i++) {
		const struct run_agent *row = view->agents[i].row;

		if (row->away_from_ms > 0)
			leavers[(*count)++] = (struct leaver){row->away_from_ms, timeline_end(timeline, row), i};
	}
	qsort(leavers, *count, sizeof *leavers, compare_leavers);
	return leavers;
}

static void set_span(const struct run_view *view, const struct leaver *leavers, size_t count, struct timeline *out)
{
	out->from_ms = view->run.created_ms;
	out->until_ms = view->run.finished_ms ? view->run.finished_ms : out->known_ms;
	for (size_t i = 0; i < count; i++) {
		if (out->from_ms == 0 || leavers[i].from_ms < out->from_ms)
			out->from_ms = leavers[i].from_ms;
		if (leavers[i].until_ms > out->until_ms)
			out->until_ms = leavers[i].until_ms;
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

static int64_t busy_time(const struct leaver *leavers, size_t count)
{
	int64_t busy = 0, until = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t from = leavers[i].from_ms > until ? leavers[i].from_ms : until;

		if (leavers[i].until_ms > from) {
			busy += leavers[i].until_ms - from;
			until = leavers[i].until_ms;
		}
	}
	return busy;
}

static void fold_axis(const struct leaver *leavers, size_t count, struct timeline *out)
{
	int64_t part = (int64_t)((double)busy_time(leavers, count) * FOLD_LEAST_PART), until = out->from_ms;
	int64_t least = part > FOLD_LEAST_MS ? part : FOLD_LEAST_MS, left_out = 0;

	for (size_t i = 0; i < count; i++) {
		add_fold(out, until, leavers[i].from_ms, least);
		until = leavers[i].until_ms > until ? leavers[i].until_ms : until;
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
static int first_free(int64_t *free_from, int *lane_count, const struct leaver *leaver)
{
	int lane = 0;

	while (lane < *lane_count && free_from[lane] > leaver->from_ms)
		lane++;
	if (lane == *lane_count)
		(*lane_count)++;
	free_from[lane] = leaver->until_ms > leaver->from_ms ? leaver->until_ms : leaver->from_ms + 1;
	return lane;
}

static void assign_lanes(const struct run_view *view, const struct leaver *leavers, size_t count, struct timeline *out)
{
	int64_t *free_from = xcalloc(count + 1, sizeof *free_from);

	out->rows = view->count <= TIMELINE_ROWS_MAX;
	out->lanes = xcalloc(view->count + 1, sizeof *out->lanes);
	out->order = xcalloc(count + 1, sizeof *out->order);
	for (size_t i = 0; i < view->count; i++)
		out->lanes[i] = TIMELINE_NO_LANE;
	for (size_t i = 0; i < count; i++) {
		out->order[out->order_count++] = leavers[i].agent;
		out->lanes[leavers[i].agent] = out->rows ? out->lane_count++
							 : first_free(free_from, &out->lane_count, &leavers[i]);
	}
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

static void count_levels(const struct leaver *leavers, size_t count, struct timeline *out)
{
	struct timeline_level *levels = xcalloc(2 * count + 1, sizeof *levels);
	int away = 0;

	for (size_t i = 0; i < count; i++) {
		levels[2 * i] = (struct timeline_level){leavers[i].from_ms, 1};
		levels[2 * i + 1] = (struct timeline_level){leavers[i].until_ms, -1};
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
	size_t count;
	struct leaver *leavers;

	*out = (struct timeline){.known_ms = last_moment(view)};
	leavers = list_leavers(view, out, &count);
	set_span(view, leavers, count, out);
	fold_axis(leavers, count, out);
	assign_lanes(view, leavers, count, out);
	count_levels(leavers, count, out);
	free(leavers);
}

void timeline_clear(struct timeline *timeline)
{
	free(timeline->folds);
	free(timeline->lanes);
	free(timeline->order);
	free(timeline->levels);
}
