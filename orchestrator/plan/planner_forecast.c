/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/planner_forecast.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

/* An agent ends within a second of SIGTERM, and answers pings until then; this is a host that swaps. */
#define STOP_MS           10000
/* What agentctl gives a new process at most, and what a busy host needs at least. */
#define START_MAX_MS      60000
#define START_MIN_MS      10000
/* An agent's own, when the flag is not given. */
#define RECOVERY_MS       900000
#define REREGISTRATION_MS 2000
#define BACKOFF_MS        1000
/* Stopping, starting, and the next look at the master. */
#define OVERHEAD_MS       1100

/* ---- what holds for all */

static void tighten(struct engine_clocks *clocks, const struct master_facts *facts)
{
	int64_t silent = facts->agent_ping_timeout_ms * facts->max_agent_ping_timeouts;

	if (silent > 0 && silent < clocks->ping_ms * clocks->pings) {
		clocks->ping_ms = facts->agent_ping_timeout_ms;
		clocks->pings = facts->max_agent_ping_timeouts;
	}
	if (facts->agent_reregister_timeout_ms > 0 && facts->agent_reregister_timeout_ms < clocks->reregister_ms)
		clocks->reregister_ms = facts->agent_reregister_timeout_ms;
}

static struct engine_clocks strictest(const struct planner_input *input)
{
	const struct engine_clocks endless = {.ping_ms = INT64_MAX, .pings = 1, .reregister_ms = INT64_MAX};
	struct engine_clocks clocks = endless;

	if (input->facts)
		tighten(&clocks, input->facts);
	for (size_t i = 0; i < input->master_count; i++)
		if (input->masters[i].facts)
			tighten(&clocks, input->masters[i].facts);
	if (clocks.ping_ms == INT64_MAX) {
		clocks.ping_ms = engine_default_clocks.ping_ms;
		clocks.pings = engine_default_clocks.pings;
	}
	if (clocks.reregister_ms == INT64_MAX)
		clocks.reregister_ms = engine_default_clocks.reregister_ms;
	return clocks;
}

int planner_times_load(const struct planner_input *input, const struct planner_options *options,
		       struct planner_times *out, struct error *err)
{
	*out = (struct planner_times){.clocks = strictest(input), .options = engine_default_options};
	if (options->return_ms > 0)
		out->options.return_ms = options->return_ms;
	return ledger_past_away(input->store, input->cluster->name, &out->past, err);
}

/* ---- one agent */

static int64_t duration_of(const struct flags *flags, const char *name, int64_t fallback)
{
	const char *text = flags_get(flags, name);
	struct error ignored = ERROR_INIT;
	int64_t ms = fallback;

	if (text && clock_parse_duration(text, &ms, &ignored) < 0)
		return fallback;
	return ms;
}

static bool keeps_tasks(const struct plan_agent *agent)
{
	for (size_t i = 0; i < agent->task_count; i++)
		if (agent->tasks[i].survives)
			return true;
	return false;
}

static struct engine_timing timing_of(const struct planner_times *times, const struct flags *flags,
				      const struct plan_agent *agent)
{
	const struct engine_options *options = &times->options;

	return (struct engine_timing){
		.stop_ms = STOP_MS,
		.verdict_ms = options->change_ms + options->return_ms + options->prove_ms + options->keep_ms,
		.executor_ms = keeps_tasks(agent)
				       ? duration_of(flags, "executor_reregistration_timeout", REREGISTRATION_MS)
				       : 0,
		.backoff_ms = duration_of(flags, "registration_backoff_factor", BACKOFF_MS),
	};
}

static int refuse(const struct engine_clocks *clocks, struct engine_timing *timing, struct error *err)
{
	struct buffer text = BUFFER_INIT(ERROR_TEXT_MAX);
	struct engine_worst worst;

	timing->start_ms = START_MIN_MS;
	engine_worst_case(clocks, timing, &worst);
	engine_worst_text(clocks, &worst, &text);
	error_set(
		err, ERROR_REFUSED,
		"its clocks leave no room for a restart that has to be undone. %s Raise that flag first, or wait less "
		"for its return with --return-timeout",
		buffer_text(&text));
	buffer_clear(&text);
	return -1;
}

int planner_check_times(const struct planner_times *times, const struct flags *flags, struct plan_agent *agent,
			struct error *err)
{
	struct engine_clocks clocks = times->clocks;
	struct engine_timing timing = timing_of(times, flags, agent);
	int64_t before = duration_of(&agent->before_flags, "recovery_timeout", INT64_MAX);
	struct engine_worst worst;

	agent->recovery_ms = duration_of(flags, "recovery_timeout", RECOVERY_MS);
	/* Executors were told when they were launched, under the old flags. */
	if (before < agent->recovery_ms)
		agent->recovery_ms = before;
	clocks.recovery_ms = keeps_tasks(agent) ? agent->recovery_ms : 0;
	timing.start_ms = engine_longest_start_ms(&clocks, &timing);
	if (timing.start_ms < START_MIN_MS)
		return refuse(&clocks, &timing, err);
	if (timing.start_ms > START_MAX_MS)
		timing.start_ms = START_MAX_MS;
	engine_worst_case(&clocks, &timing, &worst);
	agent->start_timeout_ms = timing.start_ms;
	agent->worst_away_ms = worst.undo_ms[CLOCK_DISCONNECTED];
	agent->expected_away_ms = times->past.agents > 0 && agent->mechanism != MECHANISM_DISCARD
					  ? times->past.median_ms
					  : OVERHEAD_MS + timing.executor_ms + timing.backoff_ms / 2;
	return 0;
}

/* ---- the run */

/* Agents under way and when each gives its place back. */
struct simulation {
	const struct plan *plan;
	const int64_t *durations;
	int64_t now;
	size_t *running;
	int64_t *ends;
	size_t count;
	size_t *waiting; /* of the current stage, in order */
	size_t waiting_count;
};

static bool has_room(const struct simulation *simulation, size_t index)
{
	const struct plan_agent *agents = simulation->plan->agents;
	int limit = simulation->plan->options.domain_window, away = 0;

	if (limit == 0 || !agents[index].domain)
		return true;
	for (size_t i = 0; i < simulation->count; i++) {
		const char *domain = agents[simulation->running[i]].domain;

		away += domain && strcmp(domain, agents[index].domain) == 0;
	}
	return away < limit;
}

static void start_some(struct simulation *simulation, size_t window)
{
	size_t left = 0;

	for (size_t i = 0; i < simulation->waiting_count; i++) {
		size_t index = simulation->waiting[i];

		if (simulation->count < window && has_room(simulation, index)) {
			simulation->running[simulation->count] = index;
			simulation->ends[simulation->count++] = simulation->now + simulation->durations[index];
		} else {
			simulation->waiting[left++] = index;
			if (simulation->count == window) {
				memmove(simulation->waiting + left, simulation->waiting + i + 1,
					(simulation->waiting_count - i - 1) * sizeof(*simulation->waiting));
				left += simulation->waiting_count - i - 1;
				break;
			}
		}
	}
	simulation->waiting_count = left;
}

static void end_next(struct simulation *simulation)
{
	size_t next = 0;

	for (size_t i = 1; i < simulation->count; i++)
		if (simulation->ends[i] < simulation->ends[next])
			next = i;
	simulation->now = simulation->ends[next];
	simulation->count--;
	simulation->ends[next] = simulation->ends[simulation->count];
	simulation->running[next] = simulation->running[simulation->count];
}

static void run_stage(struct simulation *simulation, size_t begin, size_t end, int window)
{
	simulation->waiting_count = 0;
	for (size_t i = begin; i < end; i++)
		simulation->waiting[simulation->waiting_count++] = i;
	while (simulation->waiting_count > 0 || simulation->count > 0) {
		start_some(simulation, (size_t)window);
		end_next(simulation);
	}
}

int64_t planner_duration(const struct plan *plan, const int64_t *durations)
{
	struct simulation simulation = {.plan = plan, .durations = durations};
	size_t begin = 0;

	simulation.running = xcalloc(plan->agent_count + 1, sizeof(*simulation.running));
	simulation.waiting = xcalloc(plan->agent_count + 1, sizeof(*simulation.waiting));
	simulation.ends = xcalloc(plan->agent_count + 1, sizeof(*simulation.ends));
	for (size_t i = 0; i < plan->stage_count; i++) {
		run_stage(&simulation, begin, plan->stages[i].end, plan->stages[i].window);
		begin = plan->stages[i].end;
	}
	if (begin < plan->agent_count)
		run_stage(&simulation, begin, plan->agent_count, plan->options.window);
	free(simulation.running);
	free(simulation.waiting);
	free(simulation.ends);
	return simulation.now;
}

void planner_forecast(const struct planner_times *times, struct plan *plan)
{
	const struct engine_options *options = &plan->options;
	int64_t *durations = xcalloc(plan->agent_count + 1, sizeof(*durations));
	int64_t stages = options->stage_gates ? (int64_t)plan->stage_count * options->gate_ms : 0;

	plan->clocks.silent_ms = times->clocks.ping_ms * times->clocks.pings;
	plan->clocks.reregister_ms = times->clocks.reregister_ms;
	plan->forecast.past_agents = times->past.agents;
	plan->forecast.past_runs = times->past.runs;
	for (size_t i = 0; i < plan->agent_count; i++)
		durations[i] = plan->agents[i].expected_away_ms + options->soak_ms;
	plan->forecast.expected_ms = planner_duration(plan, durations);
	for (size_t i = 0; i < plan->agent_count; i++)
		durations[i] = options->check_ms + plan->agents[i].worst_away_ms + options->keep_ms + options->soak_ms +
			       (options->agent_gates ? options->gate_ms : 0);
	plan->forecast.worst_ms = planner_duration(plan, durations) + stages;
	free(durations);
}
