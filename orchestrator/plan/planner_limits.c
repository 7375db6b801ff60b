/* SPDX-License-Identifier: Apache-2.0 */
/* What stops a run: its options as numbers; of percentages of the run, what the plan has turned out to be. */
#include "orchestrator/plan/planner_internal.h"

static int budget_of(const struct planner_amount *amount, size_t agents)
{
	return amount->percent ? engine_share(agents, (int)amount->number) : (int)amount->number;
}

/* Stages and failure domains differ in size: a percentage is each one's own, worked out by whoever counts. */
static void set_part_budget(const struct planner_amount *amount, int *most, int *percent)
{
	*most = amount->percent ? -1 : (int)amount->number;
	*percent = amount->percent ? (int)amount->number : 0;
}

static int meltdown_of(const struct plan *plan, const struct planner_options *options, size_t cluster_agents)
{
	if (options->meltdown_percent >= 0)
		return (int)options->meltdown_percent;
	int own = cluster_agents > 0 ? (int)((size_t)plan->options.window * 100 / cluster_agents) : 0;
	int limit = own > PLANNER_MELTDOWN - PLANNER_MELTDOWN_BEYOND ? own + PLANNER_MELTDOWN_BEYOND : PLANNER_MELTDOWN;

	return limit < 100 ? limit : 100;
}

void planner_fill_options(struct plan *plan, const struct planner_options *options, size_t cluster_agents)
{
	plan->options.domain_window = planner_amount_of(&options->domain_window, plan->agent_count);
	plan->options.max_failures = budget_of(&options->max_failures, plan->agent_count);
	set_part_budget(&options->stage_max_failures, &plan->options.stage_max_failures,
			&plan->options.stage_max_percent);
	set_part_budget(&options->domain_max_failures, &plan->options.domain_max_failures,
			&plan->options.domain_max_percent);
	plan->options.max_consecutive = (int)options->max_consecutive;
	plan->options.stage_max_consecutive = (int)options->stage_max_consecutive;
	plan->options.domain_max_consecutive = (int)options->domain_max_consecutive;
	plan->options.on_failure = options->on_failure;
	plan->options.meltdown_percent = meltdown_of(plan, options, cluster_agents);
	plan->options.soak_ms = options->soak_ms;
	plan->options.stage_soak_ms = options->stage_soak_ms;
	if (options->return_ms > 0)
		plan->options.return_ms = options->return_ms;
	if (options->after_agent && options->after_stage)
		plan_take_gates(plan, options->after_agent, options->after_stage);
}
