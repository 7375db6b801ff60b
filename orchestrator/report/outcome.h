/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_OUTCOME_H
#define ORCHESTRATOR_REPORT_OUTCOME_H
/* What a run came to, added up for its reports: outcomes, zones, time away, and failures folded by cause. Pure. */
#include "orchestrator/report/run_view.h"

enum outcome {
	OUTCOME_DONE,
	OUTCOME_REVERTED,
	OUTCOME_REJECTED,
	OUTCOME_FAILED,
	OUTCOME_STUCK,
	OUTCOME_UNDER_WAY,
	OUTCOME_WAITING,
	OUTCOME_COUNT,
};
enum outcome outcome_of(enum agent_state state);
const char *outcome_name(enum outcome outcome);  /* a word for programs: "under-way" */
const char *outcome_label(enum outcome outcome); /* for people: "put back" */
const char *outcome_sign(enum outcome outcome);  /* one character that says it without colour */

/* "us-east/a", or "no zone". Borrowed. */
const char *zone_of(const struct agent_result *agent);

/* How many the plan lets be away at once; of stages, which come one after the other, the widest. */
int outcome_window(const struct plan *plan);

struct zone_sum {
	const char *name; /* borrowed from the view */
	size_t count;
	size_t by[OUTCOME_COUNT];
};

struct away_sum {
	size_t count; /* agents that were away and are proven to be back; who was not touched does not count */
	size_t still; /* agents that are not proven to be back */
	int64_t median_ms, p95_ms, longest_ms;
	int64_t budget_ms;  /* how long the master waits for a silent agent; 0: not known */
	size_t over_budget; /* agents away longer; the time runs from the intent, so silence was shorter */
};

/* Agents that failed alike: in the same state, with the same words but for names and numbers. */
struct cause {
	enum agent_state state;
	bool mended;       /* a later attempt has ended otherwise, or goes on */
	const char *error; /* the first one's own words, borrowed; NULL: nobody said */
	char *pattern;
	size_t *agents; /* by their index in the view */
	size_t count;
};

struct outcome_sum {
	size_t by[OUTCOME_COUNT];
	size_t kept, lost, unproven, ended, appeared; /* tasks */
	size_t same_id, new_id;
	struct away_sum away;
	struct zone_sum *zones; /* those with failures first, then by name */
	size_t zone_count;
	struct cause *causes; /* those with most agents first; what was mended last */
	size_t cause_count;
	size_t mended; /* agents */
};
/* Borrows from the view until it is cleared. */
void outcome_sum(const struct run_view *view, struct outcome_sum *out);
void outcome_sum_clear(struct outcome_sum *sum);

#endif
