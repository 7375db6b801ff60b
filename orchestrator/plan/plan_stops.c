/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/plan_stops.h"

/* As many failures as there are agents are no limit. */
static bool limits(const struct plan *plan, int most)
{
	return most >= 0 && (size_t)most < plan->agent_count;
}

/* Within a part of the run a budget says something only where it is narrower than the run's. */
static bool is_narrower(const struct plan *plan, int most)
{
	int whole = plan->options.max_failures;

	return limits(plan, most) && (!limits(plan, whole) || most < whole);
}

/* So many in a row are spent before one more than the run's budget, or never. */
static bool row_limits(const struct plan *plan)
{
	int row = plan->options.max_consecutive, whole = plan->options.max_failures;

	return row > 0 && (size_t)row <= plan->agent_count && (!limits(plan, whole) || row <= whole);
}

bool plan_stops_never(const struct plan *plan)
{
	const struct engine_options *options = &plan->options;

	return !limits(plan, options->max_failures) && !limits(plan, options->stage_max_failures) &&
	       !limits(plan, options->domain_max_failures) && !row_limits(plan);
}

bool plan_stops_at_first(const struct plan *plan)
{
	const struct engine_options *options = &plan->options;

	/* Every agent is in a stage; not every one is in a failure domain. */
	return options->max_failures == 0 || options->stage_max_failures == 0 || options->max_consecutive == 1;
}

struct list {
	struct buffer *out;
	int count;
};

static void add(struct list *list, int most, const char *where)
{
	const char *noun = list->count > 0 ? "" : most <= 1 ? " agent" : " agents";
	const char *verb = list->count > 0 ? "" : most <= 1 ? " fails" : " fail";

	buffer_puts(list->out, list->count++ > 0 ? ", or " : "");
	if (most == 0)
		buffer_printf(list->out, "one%s%s%s", noun, verb, where);
	else
		buffer_printf(list->out, "more than %d%s%s%s", most, noun, verb, where);
}

static void add_row(struct list *list, int row)
{
	buffer_printf(list->out, "%s%d %sin a row", list->count > 0 ? ", or " : "", row,
		      list->count > 0 ? "" : "agents fail ");
	list->count++;
}

static void add_all(const struct plan *plan, struct buffer *out)
{
	const struct engine_options *options = &plan->options;
	struct list list = {.out = out};

	if (is_narrower(plan, options->domain_max_failures))
		add(&list, options->domain_max_failures, " in one failure domain");
	if (is_narrower(plan, options->stage_max_failures))
		add(&list, options->stage_max_failures, " in one stage");
	if (row_limits(plan))
		add_row(&list, options->max_consecutive);
	if (limits(plan, options->max_failures))
		add(&list, options->max_failures, list.count > 0 ? " in all" : "");
}

void plan_stops_text(const struct plan *plan, struct buffer *out)
{
	static const char *const verbs[ON_FAILURE_COUNT] = {
		[ON_FAILURE_PAUSE] = "pauses",
		[ON_FAILURE_ROLLBACK] = "is rolled back",
		[ON_FAILURE_ABORT] = "is aborted",
	};

	if (plan_stops_never(plan)) {
		buffer_puts(out, "no number of failures stops it");
		return;
	}
	buffer_printf(out, "%s when ", verbs[plan->options.on_failure]);
	if (plan_stops_at_first(plan))
		buffer_puts(out, "one fails");
	else
		add_all(plan, out);
}
