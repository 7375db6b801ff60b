/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_TIMELINE_H
#define ORCHESTRATOR_REPORT_TIMELINE_H
/*
 * Who was away when, laid out for drawing. The axis leaves out long stretches in which nobody was away (a run that was paused over
 * night), or only agents that are stuck. Agents get lanes: one each, or, when there are many, each the first lane that is free, so that there are as many lanes as
 * agents were ever away at once: places in the window. Pure.
 */
#include "orchestrator/report/run_view.h"

#define TIMELINE_ROWS_MAX 40 /* up to so many agents have a lane of their own */

/* A stretch that is left out. */
struct timeline_fold {
	int64_t from_ms, until_ms;
};

/* From that moment on so many were away. */
struct timeline_level {
	int64_t ms;
	int away;
};

/* An agent that was away: its last attempt, or an earlier one. */
struct timeline_bar {
	int64_t from_ms, until_ms; /* until >= from */
	int64_t calm_ms;           /* from then on it is only waited for: a stuck agent is away until a person comes */
	size_t agent;
	int lane;
	enum agent_state state; /* the agent's; of an earlier attempt, how that ended */
	bool last;
};

struct timeline {
	int64_t from_ms, until_ms; /* wall clock; until > from */
	int64_t known_ms;          /* the last moment of which the run tells: now while it is driven */
	struct timeline_fold *folds;
	size_t fold_count;
	double scale, fold_width;  /* per millisecond, and of a fold, in units of the whole axis (1) */
	struct timeline_bar *bars; /* by when they left */
	size_t bar_count;
	int lane_count;
	bool rows; /* a lane for each agent */
	struct timeline_level *levels;
	size_t level_count;
	int most; /* away at once */
};
void timeline_make(const struct run_view *view, struct timeline *out);
void timeline_clear(struct timeline *timeline);
/* 0 to 1. */
double timeline_x(const struct timeline *timeline, int64_t ms);

#endif
