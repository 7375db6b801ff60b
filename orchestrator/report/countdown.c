/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/countdown.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/engine/clocks.h"
#include "orchestrator/report/run_view.h"

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

static bool masters_left(const struct plan *plan, const struct plan_agent *agent, const struct countdown *of,
			 int64_t now_ms, struct engine_left *out)
{
	const struct engine_clocks clocks = clocks_of(plan, agent);
	struct engine_away away = {
		.gone_ms = now_ms - of->away_from_ms,
		.silent_ms = now_ms - of->away_from_ms,
		.back = is_back(of->state),
	};

	if (of->away_from_ms == 0 || !agent_state_is_open(of->state))
		return false;
	/* That a process is there does not say that it answers pings; where it had to by now, the master knows better than we. */
	if (of->unlisted || (of->started && away.silent_ms >= engine_clock_ms(&clocks, CLOCK_SILENT)))
		away.silent_ms = -1;
	return engine_clocks_left(&clocks, &away, out);
}

/* How long a run waits in this state, before the agent counts as stuck; -1: it does not. */
static int64_t patience_of(const struct engine_options *options, enum agent_state state)
{
	switch (state) {
	case AGENT_RETURNING:
	case AGENT_REVERTING:
		return options->return_ms;
	case AGENT_PROVING:
		return options->prove_ms;
	case AGENT_UNKNOWN:
		return options->unknown_ms;
	default:
		return -1;
	}
}

/* What is left of that; INT64_MAX: nothing is waited for, or it is over and somebody will say so soon. */
static int64_t patience_left(const struct plan *plan, const struct countdown *of, int64_t now_ms)
{
	int64_t patience = patience_of(&plan->options, of->state), left = of->since_ms + patience - now_ms;

	return patience < 0 || of->since_ms == 0 || left < 0 ? INT64_MAX : left;
}

static char *masters_text(const struct engine_left *left, bool started)
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
	/* Its new process may answer pings, or not: nobody here sees that. */
	return xasprintf("%s %s", clock_format_span(ms, span),
			 started && left->soonest == CLOCK_SILENT ? "until unreachable, if silent"
								  : until[left->soonest]);
}

/* What its silence has come to by now, where the clock for that runs no longer: known from the master's answers, or from the time alone. */
static const char *given_up(const struct plan *plan, const struct plan_agent *agent, const struct countdown *of,
			    int64_t now_ms)
{
	const struct engine_clocks clocks = clocks_of(plan, agent);

	if (of->away_from_ms == 0 || (of->state != AGENT_RETURNING && of->state != AGENT_REVERTING))
		return "";
	if (of->unlisted)
		return "the master has given it up; ";
	if (of->started && now_ms - of->away_from_ms >= engine_clock_ms(&clocks, CLOCK_SILENT))
		return "if silent, the master has given it up; ";
	return "";
}

char *countdown_text(const struct plan *plan, const struct plan_agent *agent, const struct countdown *of,
		     int64_t now_ms)
{
	struct engine_left left;
	bool runs = masters_left(plan, agent, of, now_ms, &left);
	int64_t stuck_ms = patience_left(plan, of, now_ms);
	char span[CLOCK_TEXT_MAX], *next;

	if (stuck_ms != INT64_MAX && (!runs || stuck_ms < left.ms[left.soonest]))
		next = xasprintf("%s until it counts as stuck", clock_format_span(stuck_ms, span));
	else
		next = runs ? masters_text(&left, of->started) : xstrdup("");
	char *text = xasprintf("%s%s", given_up(plan, agent, of, now_ms), next);

	free(next);
	return text;
}

json_t *countdown_to_json(const struct plan *plan, const struct plan_agent *agent, const struct countdown *of,
			  int64_t now_ms)
{
	struct engine_left left;
	bool runs = masters_left(plan, agent, of, now_ms, &left);
	int64_t stuck_ms = patience_left(plan, of, now_ms);
	json_t *object = json_object();

	for (int clock = 0; runs && clock < CLOCK_COUNT; clock++)
		if (left.ms[clock] != INT64_MAX)
			json_object_set_new(object, engine_clock_name((enum engine_clock)clock),
					    json_real((double)left.ms[clock] / 1000));
	if (stuck_ms != INT64_MAX)
		json_object_set_new(object, "stuck", json_real((double)stuck_ms / 1000));
	if (json_object_size(object) > 0)
		return object;
	json_decref(object);
	return json_null();
}

static bool is(const char *name, const char *text)
{
	return text && strcmp(name, text) == 0;
}

/* Since when it is in its state: a resume begins anew what is waited for. */
static int64_t since(const struct agent_result *agent)
{
	for (size_t i = agent->step_count; i-- > 0;) {
		const struct view_step *step = &agent->steps[i];

		if (is(agent->row->state, step->to) &&
		    (!is(agent->row->state, step->from) || is(agent_event_name(EVENT_RESUME), step->event)))
			return step->time_ms;
	}
	return 0;
}

struct countdown countdown_of(const struct run_view *view, const struct agent_result *agent)
{
	return (struct countdown){
		.state = agent->state,
		.since_ms = view->driven ? since(agent) : 0,
		.away_from_ms = agent->row->away_from_ms,
		.started = agent->started != NULL,
	};
}
