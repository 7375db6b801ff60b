/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/countdown.h"

#include "base/alloc.h"
#include "base/clock.h"

static struct engine_clocks clocks_of(const struct plan *plan, const struct plan_agent *agent)
{
	struct engine_clocks clocks = engine_default_clocks;

	if (plan->clocks.silent_ms > 0) {
		clocks.ping_ms = plan->clocks.silent_ms;
		clocks.pings = 1;
	}
	if (plan->clocks.reregister_ms > 0)
		clocks.reregister_ms = plan->clocks.reregister_ms;
	if (agent->recovery_ms > 0)
		clocks.recovery_ms = agent->recovery_ms;
	if (agent->task_count == 0)
		clocks.recovery_ms = 0;
	return clocks;
}

static bool is_back(enum agent_state state)
{
	return state == AGENT_PROVING || state == AGENT_SOAKING;
}

bool countdown_left(const struct plan *plan, const struct plan_agent *agent, enum agent_state state,
		    int64_t away_from_ms, bool started, int64_t now_ms, struct engine_left *out)
{
	const struct engine_clocks clocks = clocks_of(plan, agent);
	const struct engine_away away = {
		.gone_ms = now_ms - away_from_ms,
		.silent_ms = started ? -1 : now_ms - away_from_ms,
		.back = is_back(state),
	};

	if (away_from_ms == 0 || !agent_state_is_open(state))
		return false;
	return engine_clocks_left(&clocks, &away, out);
}

char *countdown_text(const struct engine_left *left)
{
	static const char *const until[CLOCK_COUNT] = {
		[CLOCK_SILENT] = "until it is unreachable",
		[CLOCK_DISCONNECTED] = "until it must have reregistered",
		[CLOCK_EXECUTORS] = "until its executors end themselves",
	};
	static const char *const over[CLOCK_COUNT] = {
		[CLOCK_SILENT] = "the master takes it for unreachable",
		[CLOCK_DISCONNECTED] = "its time to reregister is over",
		[CLOCK_EXECUTORS] = "its executors end themselves",
	};
	int64_t ms = left->ms[left->soonest];
	char span[CLOCK_TEXT_MAX];

	if (ms < 0)
		return xasprintf("%s, since %s", over[left->soonest], clock_format_span(-ms, span));
	return xasprintf("%s %s", clock_format_span(ms, span), until[left->soonest]);
}

char *countdown_nearest(const struct plan *plan, enum agent_state state, int64_t in_state_ms,
			const struct engine_left *left)
{
	bool waits = state == AGENT_RETURNING || state == AGENT_REVERTING;
	int64_t ms = plan->options.return_ms - in_state_ms;
	char span[CLOCK_TEXT_MAX];

	if (waits && ms >= 0 && (!left || ms < left->ms[left->soonest]))
		return xasprintf("%s until it counts as stuck", clock_format_span(ms, span));
	return left ? countdown_text(left) : xstrdup("");
}

json_t *countdown_to_json(const struct engine_left *left)
{
	json_t *object = json_object();

	for (int clock = 0; clock < CLOCK_COUNT; clock++)
		if (left->ms[clock] != INT64_MAX)
			json_object_set_new(object, engine_clock_name((enum engine_clock)clock),
					    json_real((double)left->ms[clock] / 1000));
	return object;
}
