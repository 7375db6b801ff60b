/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/planner_forecast.h"

#include "base/clock.h"
#include "orchestrator/plan/outlook.h"

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

void planner_forecast(const struct planner_times *times, struct plan *plan)
{
	struct forecast_outcome outcome;

	plan->clocks.silent_ms = times->clocks.ping_ms * times->clocks.pings;
	plan->clocks.reregister_ms = times->clocks.reregister_ms;
	plan->forecast.past_agents = times->past.agents;
	plan->forecast.past_runs = times->past.runs;
	outlook_expected(plan, &outcome);
	plan->forecast.expected_ms = outcome.ms;
	outlook_worst(plan, &outcome);
	plan->forecast.worst_ms = outcome.ms;
}
