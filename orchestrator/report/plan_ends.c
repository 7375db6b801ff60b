/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a plan's page: what stops it, and how it is taken back. */
#include <stdlib.h>

#include "base/alloc.h"
#include "mesos/resource.h"
#include "orchestrator/plan/plan_most.h"
#include "orchestrator/plan/plan_stops.h"
#include "orchestrator/report/plan_text_internal.h"

/* ---- what stops it */

static const char *then_text(enum engine_on_failure what)
{
	switch (what) {
	case ON_FAILURE_ROLLBACK:
		return "everything that was changed is taken back, last first";
	case ON_FAILURE_ABORT:
		return "the run is aborted: nothing of it starts any more";
	default:
		return "the run pauses until `rollout resume`, `rollback` or `abort`";
	}
}

static void add_budget(const struct plan *plan, struct plan_points *points, int max, const char *where)
{
	if (max == 0)
		plan_point_take(points, PLAN_MARK, xasprintf("the first agent that fails%s", where));
	else if (max > 0 && max < (int)plan->agent_count)
		plan_point_take(points, PLAN_MARK,
				xasprintf("more than %d failed agent%s%s: with %d it goes on, with %d it stops", max,
					  max == 1 ? "" : "s", where, max, max + 1));
}

/* A percentage of each stage's or failure domain's own. */
static void add_share(const struct plan *plan, struct plan_points *points, enum plan_part part, int percent,
		      const char *where)
{
	struct buffer shares = BUFFER_INIT(1024);

	if (percent == 0)
		return;
	plan_stops_shares(plan, part, percent, &shares);
	plan_point_take(points, PLAN_MARK,
			xasprintf("more than %d%% of the agents%s failed, rounded down: it goes on with %s, and one "
				  "more stops",
				  percent, where, buffer_text(&shares)));
	buffer_clear(&shares);
}

static void add_row(struct plan_points *points, int row, const char *where)
{
	if (row > 0)
		plan_point_take(
			points, PLAN_MARK,
			xasprintf("%d failure%s in a row%s: reaching that stops", row, row == 1 ? "" : "s", where));
}

/* Of one stage and of one failure domain. */
static void add_parts(const struct plan *plan, struct plan_points *points)
{
	static const char stage[] = " in one stage", domain[] = " in one failure domain";
	const struct engine_options *options = &plan->options;

	add_budget(plan, points, options->stage_max_failures, stage);
	add_share(plan, points, PLAN_STAGES, options->stage_max_percent, stage);
	add_budget(plan, points, options->domain_max_failures, domain);
	add_share(plan, points, PLAN_DOMAINS, options->domain_max_percent, domain);
	add_row(points, options->max_consecutive, "");
	add_row(points, options->stage_max_consecutive, stage);
	add_row(points, options->domain_max_consecutive, domain);
}

/* Those that are away when the last budget is spent may fail as well. */
static void add_most(const struct plan *plan, struct plan_points *points)
{
	const struct plan_most most = plan_most_of(plan);

	if (!plan_stops_never(plan) && most.failing > most.stopping)
		plan_point_take(
			points, "    ",
			xasprintf("(at most %zu fail: those that are away then may fail as well)", most.failing));
}

static void add_guards(const struct plan *plan, struct plan_points *points)
{
	const struct engine_options *options = &plan->options;

	if (options->agent_gates || options->stage_gates)
		plan_point(points, PLAN_MARK,
			   "a gate: one that fails counts as a failure of its agent, or of its stage, which is stopped "
			   "at once; one that gives no answer pauses the run");
	if (options->meltdown_percent > 0 && options->meltdown_percent < 100)
		plan_point_take(
			points, PLAN_MARK,
			xasprintf(
				"at any moment: more than %d%% of the cluster's agents unreachable or inactive, for "
				"whatever reason, unless all of them are being changed by this run. Counted are those "
				"that the master lists, and those that were there when the run began. Then nothing "
				"more starts, and the run pauses",
				options->meltdown_percent));
	plan_point(points, PLAN_MARK,
		   "at any moment: an agent that runs and does not reregister, a task lost that was to be kept, or an "
		   "agent that neither state brings back. The run pauses, and a person looks");
	plan_point(points, PLAN_MARK,
		   "you: Ctrl-C, or `rollcall rollout pause RUN` from any terminal; what is under way finishes first");
}

void plan_section_stops(const struct plan *plan, FILE *stream)
{
	struct plan_points points = {.title = "What stops it", .stream = stream};
	const struct engine_options *options = &plan->options;
	bool first = plan_stops_at_first(plan);

	if (plan->agent_count == 0)
		return;
	if (plan_stops_never(plan))
		plan_point_take(&points, PLAN_MARK,
				xasprintf("no number of failed agents: %zu may fail", plan->agent_count));
	add_budget(plan, &points, first ? 0 : options->max_failures, "");
	if (!first)
		add_parts(plan, &points);
	add_most(plan, &points);
	plan_point_take(&points, "    ",
			xasprintf("Then nothing more starts, what is under way finishes, and %s.",
				  then_text(options->on_failure)));
	add_guards(plan, &points);
}

/* ---- how to take it back */

/* What is added can be taken back only as long as nobody has reserved it. */
static size_t count_grown(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->agent_count; i++) {
		const Mesos__SlaveInfo *old = plan->agents[i].before, *new = plan->agents[i].after;
		const struct resources before = {.items = old->resources, .count = old->n_resources};
		const struct resources after = {.items = new->resources, .count = new->n_resources};

		count += (plan->agents[i].differs & PART_RESOURCES) && !resources_contain(&before, &after);
	}
	return count;
}

/* Tasks that no restart keeps, beside those that --discard ends on purpose. */
static bool any_restart_ends_tasks(const struct plan *plan)
{
	for (size_t i = 0; i < plan->agent_count; i++) {
		const struct plan_agent *agent = &plan->agents[i];

		for (size_t j = 0; j < agent->task_count && !plan_agent_is_discard(agent); j++)
			if (!agent->tasks[j].survives)
				return true;
	}
	return false;
}

void plan_section_back(const struct plan *plan, FILE *stream)
{
	struct plan_points points = {.title = "How to take it back", .stream = stream};
	size_t discards = plan_count_discards(plan);

	if (plan->agent_count == 0)
		return;
	plan_point(&points, PLAN_MARK,
		   "An agent that does not come up is put back as it was by its own host, at once and without being "
		   "asked.");
	if (discards < plan->agent_count)
		plan_point(&points, PLAN_MARK,
			   "`rollcall rollout rollback RUN` takes back what was changed, the last one first, as a "
			   "rollout of its own with the same proofs.");
	if (discards == plan->agent_count)
		plan_point(&points, PLAN_MARK, "No rollback takes this back: the tasks are ended.");
	else if (discards > 0)
		plan_point_take(&points, PLAN_MARK,
				xasprintf("It leaves out the %zu whose tasks are ended (--discard).", discards));
	if (any_restart_ends_tasks(plan))
		plan_point(
			&points, PLAN_MARK,
			"An undo restarts the agent, too, and ends what the frameworks whose tasks die with this have started "
			"there since; a rollback leaves out agents on which they have.");
	if (count_grown(plan) > 0)
		plan_point_take(
			&points, PLAN_MARK,
			xasprintf("%zu of them get%s more resources than before: once somebody has reserved those, "
				  "neither an undo nor a rollback can take them back.",
				  count_grown(plan), count_grown(plan) == 1 ? "s" : ""));
	if (plan->accept_stale_master)
		plan_point(
			&points, PLAN_MARK,
			"To finish where a master leads that keeps the old record: restart the leading master when the run is "
			"done; the one that takes over stores every agent as it reregisters.");
}
