/* SPDX-License-Identifier: Apache-2.0 */
/* Who may start, what has waited too long, which question is due, and when to look again. */
#include "orchestrator/engine/internal.h"

#include <stdio.h>

/* ---- the window */

static bool domain_has_room(const struct engine *engine, size_t index, int used_by_itself)
{
	const struct engine_agent *agent = &engine->agents[index];

	return engine->options.domain_window == 0 || agent->domain < 0 ||
	       engine->domain_away[agent->domain] - used_by_itself < engine->options.domain_window;
}

/* Invariant 2 is kept here: an agent takes a slot only below both limits, and whoever is away for any reason counts. */
static bool has_room(const struct engine *engine, size_t index)
{
	int itself = agent_state_is_away(engine->agents[index].state) || engine->agents[index].absent;

	return engine->away - itself < engine->options.window && domain_has_room(engine, index, itself);
}

/* Invariant 4 is kept here: RUN_RUNNING ends with the failure budget and with a pause. */
static bool may_start(const struct engine *engine)
{
	return engine->state == RUN_RUNNING && engine->must_ask == 0;
}

bool engine_may_change(const struct engine *engine, size_t index)
{
	return may_start(engine) && has_room(engine, index) && !engine->agents[index].absent;
}

static void start_waiting(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	while (engine->next_waiting < engine->count && engine->agents[engine->next_waiting].state != AGENT_WAITING)
		engine->next_waiting++;
	for (size_t i = engine->next_waiting; i < engine->count && engine->away < engine->options.window; i++) {
		const struct engine_agent *agent = &engine->agents[i];

		if (agent->state == AGENT_WAITING && !agent->absent && has_room(engine, i))
			engine_step(engine, i, EVENT_TURN, now_ms, output);
	}
}

/* ---- time */

static int64_t patience(const struct engine *engine, const struct engine_agent *agent)
{
	const struct engine_options *options = &engine->options;

	switch (agent->state) {
	case AGENT_CHECKING:
		return options->check_ms;
	case AGENT_CHANGING:
		return options->change_ms;
	case AGENT_RETURNING:
		return options->return_ms;
	case AGENT_PROVING:
	case AGENT_REVERTING:
		return options->prove_ms;
	case AGENT_SOAKING:
		return agent->kept ? options->soak_ms : options->keep_ms;
	case AGENT_UNKNOWN:
		return options->unknown_ms;
	default:
		return -1;
	}
}

static int64_t deadline(const struct engine *engine, const struct engine_agent *agent)
{
	int64_t limit = patience(engine, agent), at = agent->since_ms + limit;

	if (limit < 0)
		return -1;
	if (agent->state == AGENT_UNKNOWN && agent->ask_at_ms >= 0 && agent->ask_at_ms < at)
		return agent->ask_at_ms;
	return at;
}

void engine_finish_soak(struct engine *engine, size_t index, int64_t now_ms, struct engine_output *output)
{
	const struct engine_agent *agent = &engine->agents[index];

	if (agent->state == AGENT_SOAKING && agent->kept && now_ms - agent->since_ms >= engine->options.soak_ms)
		engine_step(engine, index, EVENT_SOAKED, now_ms, output);
}

static void check_time(struct engine *engine, size_t index, int64_t now_ms, struct engine_output *output)
{
	const struct engine_agent *agent = &engine->agents[index];
	int64_t limit = patience(engine, agent);

	engine_finish_soak(engine, index, now_ms, output);
	if (agent->state == AGENT_SOAKING && agent->kept)
		return;
	if (limit >= 0 && agent_state_is_under_way(agent->state) && now_ms - agent->since_ms >= limit)
		engine_step(engine, index, EVENT_TIMEOUT, now_ms, output);
	else if (agent->state == AGENT_UNKNOWN && agent->ask_at_ms >= 0 && now_ms >= agent->ask_at_ms)
		engine_ask(engine, index, output);
}

/* Everybody waiting, nobody under way, and no room: stuck agents or others hold the window. That may pass, but not for
 * ever, because every run ends. */
static void check_blocked(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	char reason[sizeof engine->reason];
	bool blocked = engine->state == RUN_RUNNING && engine->under_way_count == 0 &&
		       engine->by_state[AGENT_WAITING] > 0;

	if (!blocked) {
		engine->blocked_since_ms = -1;
		return;
	}
	if (engine->blocked_since_ms < 0)
		engine->blocked_since_ms = now_ms;
	if (now_ms - engine->blocked_since_ms < engine->options.check_ms)
		return;
	if (engine->away >= engine->options.window)
		snprintf(reason, sizeof reason, "no room in the window: %d agents are away, %d may be", engine->away,
			 engine->options.window);
	else
		snprintf(reason, sizeof reason,
			 "none of the %d agents that wait may start: they are not active at the master, or their "
			 "failure domain has no room",
			 engine->by_state[AGENT_WAITING]);
	engine_pause(engine, reason, now_ms, output);
}

static void check_finished(struct engine *engine, struct engine_output *output)
{
	if (engine->state == RUN_DONE || engine->under_way_count > 0 || engine->by_state[AGENT_WAITING] > 0)
		return;
	/* A stuck agent that nobody has seen yet keeps the run open: it can be resumed when a person has looked. */
	if (engine->state == RUN_PAUSED && engine->by_state[AGENT_STUCK] > 0)
		return;
	engine->state = RUN_DONE;
	engine->reason[0] = '\0';
	output->run_changed = true;
}

void engine_schedule(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	for (size_t i = engine->under_way_count; i-- > 0;)
		if (i < engine->under_way_count)
			check_time(engine, engine->under_way[i], now_ms, output);
	if (may_start(engine))
		start_waiting(engine, now_ms, output);
	check_blocked(engine, now_ms, output);
	check_finished(engine, output);
}

int64_t engine_next_ms(const struct engine *engine)
{
	int64_t next = -1;

	for (size_t i = 0; i < engine->under_way_count; i++) {
		int64_t at = deadline(engine, &engine->agents[engine->under_way[i]]);

		if (at >= 0 && (next < 0 || at < next))
			next = at;
	}
	if (engine->blocked_since_ms >= 0 && engine->state == RUN_RUNNING) {
		int64_t at = engine->blocked_since_ms + engine->options.check_ms;

		if (next < 0 || at < next)
			next = at;
	}
	return next;
}
