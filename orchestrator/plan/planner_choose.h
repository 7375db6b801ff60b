/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLANNER_CHOOSE_H
#define ORCHESTRATOR_PLANNER_CHOOSE_H
/* Sets of agents by selector, for the planner's files. */
#include "orchestrator/plan/planner.h"

/* Agents by their keys in the database. */
struct planner_set {
	int64_t *rows; /* sorted */
	size_t count;
};
/* name says in errors where the selector stands. */
int planner_set_load(const struct planner_input *input, const char *name, const char *expr, struct planner_set *out,
		     struct error *err);
bool planner_set_has(const struct planner_set *set, int64_t row);
void planner_set_clear(struct planner_set *set);

/* Who is left out: the ignore list first, then --exclude. */
struct planner_filter_rule {
	enum plan_left_why why;
	char *reason;
	struct planner_set set;
};
struct planner_filter {
	struct planner_filter_rule *rules;
	size_t count;
};
int planner_filter_load(const struct planner_input *input, const struct planner_options *options,
			struct planner_filter *out, struct error *err);
/* NULL: nobody leaves it out. Borrowed. */
const struct planner_filter_rule *planner_filter_find(const struct planner_filter *filter, int64_t row);
void planner_filter_clear(struct planner_filter *filter);

#endif
