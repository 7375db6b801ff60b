/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run is taken back: the real inverse plan, made from what became of each agent and from how the hosts are now, is carried out as
 * a run of its own. What was the new state is the old one from then on, everywhere.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/plan/plan_invert.h"
#include "tests/sim/judge.h"

#define WITH_NEW                                                                                                       \
	(FAILS_WITH_NEW | HANGS_WITH_NEW | LATE_WITH_NEW | FAILS_LATE | CANNOT_GO_BACK | LOSES_TASKS | TASKS_VANISH |  \
	 GETS_NEW_ID | REFUSES | FAILS_GATES | HAS_FIGURES)

struct sim_host *world_host(struct world *world, size_t position)
{
	return &world->hosts[world->order[position]];
}

/* ---- the plan */

struct survey {
	struct plan_now *now;
	Mesos__SlaveInfo **info;
	struct flags *flags;
	struct request_expectation nothing;
};

static void look_at(struct world *world, size_t i, struct survey *survey)
{
	const struct sim_host *host = &world->hosts[i];

	survey->info[i] = slaveinfo_copy(host_info(host, host->checkpoint, host->amended[host->checkpoint]));
	slaveinfo_set_id(survey->info[i], world->first_plan.agents[i].agent_id);
	flags_set(&survey->flags[i], "recovery_timeout", world->flag_values[host->flags]);
	survey->now[i] = (struct plan_now){
		.why_not = host->up && host->listed && !host->has_new_id ? NULL : "it cannot be surveyed",
		.info = survey->info[i],
		.flags = &survey->flags[i],
		.expect = &survey->nothing,
		.native = world->native,
	};
}

static int invert(struct world *world, struct run_agent *rows, size_t count, struct plan *out)
{
	struct survey survey = {.now = xcalloc(count + 1, sizeof *survey.now),
				.info = xcalloc(count + 1, sizeof(Mesos__SlaveInfo *)),
				.flags = xcalloc(count + 1, sizeof *survey.flags)};
	struct plan_invert_input input = {
		.run = world->run, .plan = &world->plan, .rows = rows, .row_count = count, .now = survey.now};
	struct planner_refusals refusals = {.count = 0};
	struct error ignored = ERROR_INIT;
	int result;

	for (size_t i = 0; i < count; i++)
		look_at(world, i, &survey);
	result = plan_invert(&input, out, &refusals, &ignored);
	planner_refusals_clear(&refusals);
	for (size_t i = 0; i < count; i++) {
		slaveinfo_free(survey.info[i]);
		flags_clear(&survey.flags[i]);
	}
	free(survey.now);
	free(survey.info);
	free(survey.flags);
	return result;
}

/* Who is in it was changed and is known to be as the run left it; the last that was changed comes first. */
static void judge_inverse(struct world *world, const struct plan *plan, const struct run_agent *rows)
{
	int64_t last = INT64_MAX;

	for (size_t i = 0; i < plan->agent_count; i++) {
		const struct sim_host *host =
			&world->hosts[strtoul(strrchr(plan->agents[i].agent_id, 'S') + 1, NULL, 10)];

		if (host->checkpoint != NEW || host->flags != NEW || host->guard)
			world_violation(world,
					"invariant 6: host %zu is to be taken back, and is not as the run left it",
					host->index);
		if (rows[host->index].away_from_ms > last)
			world_violation(world, "host %zu is taken back too late: it was changed after the one before",
					host->index);
		last = rows[host->index].away_from_ms;
	}
}

static void judge_left_out(struct world *world, const struct plan *plan, size_t changed)
{
	if (plan->agent_count + plan->left_out_count < changed)
		world_violation(world,
				"invariant 6: %zu agents were changed, %zu are taken back, and the rest is not named",
				changed, plan->agent_count);
}

/* ---- the world turns round */

static enum side other(enum side side)
{
	return side == NEW ? OLD : NEW;
}

/* A person's rescue may still be under way. */
static void turn_operation(struct sim_operation *op)
{
	op->turned = true;
	op->fit = other(op->fit);
	op->unfit = other(op->unfit);
}

/* The judge begins anew with it, too. */
static void turn_host(struct sim_host *host)
{
	host->checkpoint = other(host->checkpoint);
	host->flags = other(host->flags);
	host->running_flags = other(host->running_flags);
	host->running_checkpoint = other(host->running_checkpoint);
	host->recorded = other(host->recorded);
	host->amended[OLD] = host->amended[NEW];
	host->amended[NEW] = false;
	host->planned_boot = host->boot;
	host->position = SIZE_MAX;
	host->traits &= ~(unsigned)WITH_NEW;
	host_draw_traits(host);
	for (struct sim_operation *op = host->operations; op; op = op->next)
		turn_operation(op);
	run_agent_clear(&host->row);
	host->known = AGENT_WAITING;
	judge_forget(host);
	host->changed_for_good = host->gates_passed = 0;
	host->told_failure = host->seen_failure = host->seen_stuck = host->sees_failure = host->sees_stuck = false;
	host->may_be_seen = host->is_failed = host->must_be_asked = host->gate_failed = false;
	/* A rescue that is still open may be undone, and then what somebody else has written is there again. */
	host->meddled_with = host->meddled_with && (host->checkpoint != host->flags || host_open_operation(host));
	host->again = false;
	host->impostor_ms = host->soaks_ms = host->wrong_ms = 0;
}

static void swap_sides(struct world *world)
{
	Mesos__SlaveInfo *info = world->info[NEW];
	Mesos__SlaveInfo *figures = world->figures[NEW];
	const char *value = world->flag_values[NEW];

	world->info[NEW] = world->info[OLD];
	world->info[OLD] = info;
	world->figures[NEW] = world->figures[OLD];
	world->figures[OLD] = figures;
	world->flag_values[NEW] = world->flag_values[OLD];
	world->flag_values[OLD] = value;
	for (size_t i = 0; i < world->host_count; i++)
		turn_host(&world->hosts[i]);
}

static void begin_anew(struct world *world)
{
	world->run = "rollback";
	world->stages_passed = 0;
	world->failed_count = 0;
	world->reason[0] = '\0';
	world->was_aborted = world->retried = world->ordered_on = world->crashed = false;
	world->paused_at = 0;
	world->rows = (struct sim_rows){.run = 0};
	world->resumes = 0;
	world->stale_until_ms = 0;
	world->idle_ms += world->now;
	world->faults_over = false;
	trouble_plan(world);
	trouble_end(world);
}

static void use(struct world *world, const struct plan *plan)
{
	if (world->plan.agents != world->first_plan.agents)
		plan_clear(&world->plan);
	world->plan = *plan;
	world->plan.options.window = (int)world_between(world, 1, 8);
	world->plan.options.max_failures = (int)world_between(world, 0, 3);
	for (size_t i = 0; i < plan->agent_count; i++) {
		size_t index = strtoul(strrchr(plan->agents[i].agent_id, 'S') + 1, NULL, 10);

		world->order[i] = index;
		world->hosts[index].position = i;
		world->plan_targets[i] = world->targets[index];
	}
}

bool scenario_turn(struct world *world)
{
	struct run_agent *rows = NULL;
	struct plan plan;
	size_t count = 0, changed = 0;
	bool made;

	if (ledger_load_agents(world->ledger, world->run, &rows, &count, NULL) < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		changed += plan_invert_concerns(&rows[i]);
	made = invert(world, rows, count, &plan) == 0;
	if (made) {
		judge_inverse(world, &plan, rows);
		judge_left_out(world, &plan, changed);
	}
	for (size_t i = 0; i < count; i++)
		run_agent_clear(&rows[i]);
	free(rows);
	if (!made)
		return false;
	world_say(world, "the run is taken back: %zu agents", plan.agent_count);
	swap_sides(world);
	use(world, &plan);
	begin_anew(world);
	return true;
}
