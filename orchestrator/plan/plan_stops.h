/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLAN_STOPS_H
#define ORCHESTRATOR_PLAN_STOPS_H
/* Which failures stop a plan's run, in one sentence: everything that speaks of them says the same. */
#include <stdbool.h>

#include "base/buffer.h"
#include "orchestrator/plan/plan.h"

/* No number of failures stops it: every budget allows as many as there are agents. */
bool plan_stops_never(const struct plan *plan);
/* The first agent that fails stops it, wherever it is. */
bool plan_stops_at_first(const struct plan *plan);
/* "pauses when one fails", "is rolled back when more than 1 agent fails in one stage, or more than 3 in all", "no number of failures
 * stops it": each budget that may be spent before the others are. */
void plan_stops_text(const struct plan *plan, struct buffer *out);

/* Parts of a run, each with a number of agents of its own. */
enum plan_part { PLAN_STAGES, PLAN_DOMAINS };
/* What a percentage of each part's agents comes to: "0 of 1, 1 of 5, 20 of 100", each size once; of many, the smallest and the
 * largest: "0 of 1 up to 20 of 100". */
void plan_stops_shares(const struct plan *plan, enum plan_part part, int percent, struct buffer *out);

#endif
