/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the table. move() is the only function that changes an agent's state, and it keeps every counter; so the window
 * is what the counters say. Questions to hosts, timeouts and new starts are engine_schedule's (schedule.c).
 */
#include "orchestrator/engine/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

const struct engine_options engine_default_options = {
	.window = 1,
	.domain_window = 0,
	.max_failures = 0,
	.check_ms = 60000,
	/* agentctl gives the agent start_timeout (60 s) and may then have to undo, which is the same again. */
	.change_ms = 180000,
	/* Recovery (up to 15 s of executor reregistration) and registration backoff (up to 60 s) fit twice. */
	.return_ms = 150000,
	.prove_ms = 60000,
	.unknown_ms = 300000,
	.soak_ms = 0,
	.keep_ms = 30000,
};

/* Questions in a row, each after a conversation that broke soon, before a person must look: about ten minutes. */
#define ASKS_MAX     20
/* A conversation that lasted so long was none that breaks each time. */
#define LASTED_MS    60000
/* An operation that was sent and never began, so often in a row, is not sent again. */
#define ABSENCES_MAX 3

void engine_output_reset(struct engine_output *output)
{
	output->record_count = 0;
	output->effect_count = 0;
	output->run_changed = false;
}

void engine_output_clear(struct engine_output *output)
{
	free(output->records);
	free(output->effects);
	memset(output, 0, sizeof *output);
}

static void add_record(struct engine_output *output, struct engine_record record)
{
	if (output->record_count == output->record_cap) {
		output->record_cap = output->record_cap ? output->record_cap * 2 : 16;
		output->records = xreallocarray(output->records, output->record_cap, sizeof *output->records);
	}
	output->records[output->record_count++] = record;
}

void engine_add_effect(struct engine_output *output, enum engine_effect_kind kind, size_t agent)
{
	if (kind == EFFECT_NONE)
		return;
	if (output->effect_count == output->effect_cap) {
		output->effect_cap = output->effect_cap ? output->effect_cap * 2 : 16;
		output->effects = xreallocarray(output->effects, output->effect_cap, sizeof *output->effects);
	}
	output->effects[output->effect_count++] = (struct engine_effect){.kind = kind, .agent = agent};
}

void engine_init(struct engine *engine, const struct engine_options *options, const int *domains, size_t count)
{
	memset(engine, 0, sizeof *engine);
	engine->options = *options;
	engine->count = count;
	engine->agents = xcalloc(count + 1, sizeof *engine->agents);
	engine->under_way = xcalloc(count + 1, sizeof *engine->under_way);
	engine->blocked_since_ms = -1;
	for (size_t i = 0; i < count; i++) {
		engine->agents[i].domain = domains[i];
		if (domains[i] >= engine->domain_count)
			engine->domain_count = domains[i] + 1;
	}
	engine->domain_away = xcalloc((size_t)engine->domain_count + 1, sizeof *engine->domain_away);
	engine->by_state[AGENT_WAITING] = (int)count;
}

void engine_clear(struct engine *engine)
{
	free(engine->agents);
	free(engine->under_way);
	free(engine->domain_away);
	memset(engine, 0, sizeof *engine);
}

/* ---- the counters */

static bool counts_as_away(const struct engine_agent *agent)
{
	return agent_state_is_away(agent->state) || agent->absent;
}

static void count_away(struct engine *engine, const struct engine_agent *agent, int change)
{
	engine->away += change;
	if (agent->domain >= 0)
		engine->domain_away[agent->domain] += change;
}

static void forget_under_way(struct engine *engine, size_t agent)
{
	for (size_t i = 0; i < engine->under_way_count; i++)
		if (engine->under_way[i] == agent) {
			engine->under_way[i] = engine->under_way[--engine->under_way_count];
			return;
		}
}

static void set_state(struct engine *engine, size_t index, enum agent_state next)
{
	struct engine_agent *agent = &engine->agents[index];
	bool was_away = counts_as_away(agent), was_under_way = agent_state_is_under_way(agent->state);

	engine->by_state[agent->state]--;
	if (agent->was_stuck)
		engine->seen_failures += (int)agent_state_is_failure(next) - (int)agent_state_is_failure(agent->state);
	agent->state = next;
	engine->by_state[next]++;
	count_away(engine, agent, (int)counts_as_away(agent) - (int)was_away);
	if (was_under_way && !agent_state_is_under_way(next))
		forget_under_way(engine, index);
	if (!was_under_way && agent_state_is_under_way(next))
		engine->under_way[engine->under_way_count++] = index;
	if (next == AGENT_WAITING && index < engine->next_waiting)
		engine->next_waiting = index;
}

void engine_set_absent(struct engine *engine, size_t index, bool absent)
{
	struct engine_agent *agent = &engine->agents[index];
	bool was_away = counts_as_away(agent);

	agent->absent = absent;
	count_away(engine, agent, (int)counts_as_away(agent) - (int)was_away);
}

int engine_failures(const struct engine *engine)
{
	int failures = 0;

	for (int state = 0; state < AGENT_STATE_COUNT; state++)
		if (agent_state_is_failure((enum agent_state)state))
			failures += engine->by_state[state];
	return failures;
}

bool engine_is_idle(const struct engine *engine)
{
	return engine->under_way_count == 0 && (engine->state != RUN_RUNNING || engine->by_state[AGENT_WAITING] == 0);
}

/* ---- transitions */

static const struct engine_row *find_row(enum agent_state state, enum agent_event event)
{
	for (size_t i = 0; i < engine_table_size; i++)
		if (engine_table[i].state == state && engine_table[i].event == event)
			return &engine_table[i];
	return NULL;
}

static void answered(struct engine *engine, struct engine_agent *agent)
{
	if (agent->must_ask) {
		agent->must_ask = false;
		engine->must_ask--;
	}
}

/* Has the host answered? Whoever an operator has seen stuck may stay silent: its room is counted, its failure known. */
static bool settles_question(const struct engine_agent *agent, const struct engine_row *row)
{
	if (row->state != AGENT_UNKNOWN || row->event == EVENT_RESUME)
		return false;
	return row->next != AGENT_UNKNOWN || agent->was_stuck;
}

/* The first question at once; then 1, 2, 4 … 32 s between questions that got no answer, or whose conversation broke
 * soon. A host whose agentctl breaks every conversation is left to a person in the end. */
static void plan_question(const struct engine *engine, struct engine_agent *agent, const struct engine_row *row,
			  int64_t now_ms)
{
	if (row->state != AGENT_UNKNOWN && row->event != EVENT_TIMEOUT && now_ms - agent->since_ms >= LASTED_MS)
		agent->asks = 0;
	if (row->state != AGENT_UNKNOWN)
		agent->since_ms = agent->asks < ASKS_MAX ? now_ms : now_ms - engine->options.unknown_ms;
	agent->ask_at_ms = agent->asks == 0 ? now_ms : now_ms + (1000 << (agent->asks < 6 ? agent->asks - 1 : 5));
}

/* What a transition means for the agent's own memory. */
static void remember(struct engine *engine, struct engine_agent *agent, const struct engine_row *row, int64_t now_ms)
{
	if (row->event == EVENT_ABSENT)
		agent->absences++;
	if (settles_question(agent, row))
		answered(engine, agent);
	if (row->next == AGENT_UNKNOWN)
		plan_question(engine, agent, row, now_ms);
	else if (row->next != row->state)
		agent->since_ms = now_ms;
	if (row->event == EVENT_CLEAR) {
		agent->attempt++;
		agent->asks = 0;
		agent->kept = false;
	}
	if (row->next == AGENT_WAITING)
		agent->was_stuck = false;
	if (row->event == EVENT_HOST_DONE)
		agent->kept = true;
}

/* The row's effect; a question only if it is due, else engine_schedule asks it later. */
static void add_row_effect(struct engine *engine, size_t index, const struct engine_row *row, int64_t now_ms,
			   struct engine_output *output)
{
	struct engine_agent *agent = &engine->agents[index];

	if (row->effect != EFFECT_ASK)
		engine_add_effect(output, row->effect, index);
	else if (agent->ask_at_ms <= now_ms)
		engine_ask(engine, index, output);
}

void engine_ask(struct engine *engine, size_t index, struct engine_output *output)
{
	struct engine_agent *agent = &engine->agents[index];

	agent->ask_at_ms = -1;
	agent->asks++;
	engine_add_effect(output, EFFECT_ASK, index);
}

/* A known failure that has come to its end is forgiven like the others, by number: that survives a crash. */
static void forgive(struct engine *engine, struct engine_agent *agent, struct engine_output *output)
{
	if (!agent->was_stuck || !agent_state_is_failure(agent->state) || !agent_state_is_final(agent->state) ||
	    agent->state == AGENT_STUCK)
		return;
	agent->was_stuck = false;
	engine->seen_failures--;
	engine->forgiven++;
	output->run_changed = true;
}

static void move(struct engine *engine, size_t index, const struct engine_row *row, int64_t now_ms,
		 struct engine_output *output)
{
	struct engine_agent *agent = &engine->agents[index];

	remember(engine, agent, row, now_ms);
	set_state(engine, index, row->next);
	forgive(engine, agent, output);
	add_record(output, (struct engine_record){
				   .agent = index,
				   .from = row->state,
				   .to = row->next,
				   .event = row->event,
				   .attempt = agent->attempt,
			   });
	add_row_effect(engine, index, row, now_ms, output);
	if (row->pause && !agent->was_stuck) {
		char reason[sizeof engine->reason];

		snprintf(reason, sizeof reason, "an agent needs a person: %s", row->why);
		engine_pause(engine, row->state == AGENT_CHECKING ? row->why : reason, now_ms, output);
	}
	if (agent_state_is_failure(row->next))
		engine_check_budget(engine, now_ms, output);
}

void engine_step(struct engine *engine, size_t index, enum agent_event event, int64_t now_ms,
		 struct engine_output *output)
{
	const struct engine_row *row = find_row(engine->agents[index].state, event);

	/* The last moment before the intent: the run may have stopped, or the room may be gone, since the turn came. */
	if (row && event == EVENT_CLEAR && !engine_may_change(engine, index))
		row = find_row(AGENT_CHECKING, EVENT_HALT);
	if (row && row->event == EVENT_ABSENT && engine->agents[index].absences + 1 >= ABSENCES_MAX)
		row = find_row(AGENT_UNKNOWN, EVENT_NEVER);
	if (!row)
		return;
	move(engine, index, row, now_ms, output);
	engine_finish_soak(engine, index, now_ms, output);
}

void engine_check_budget(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	int failures = engine_failures(engine) - engine->forgiven - engine->seen_failures;
	char reason[sizeof engine->reason];

	if (failures <= engine->options.max_failures || engine->state != RUN_RUNNING)
		return;
	snprintf(reason, sizeof reason, "the failure budget is spent: %d failed, %d allowed", failures,
		 engine->options.max_failures);
	engine_pause(engine, reason, now_ms, output);
}

void engine_pause(struct engine *engine, const char *reason, int64_t now_ms, struct engine_output *output)
{
	if (engine->state != RUN_RUNNING)
		return;
	engine->state = RUN_PAUSED;
	snprintf(engine->reason, sizeof engine->reason, "%s", reason);
	output->run_changed = true;
	for (size_t i = engine->under_way_count; i-- > 0;)
		engine_step(engine, engine->under_way[i], EVENT_HALT, now_ms, output);
}

void engine_lost_time(struct engine *engine, int64_t ms)
{
	for (size_t i = 0; i < engine->under_way_count; i++) {
		struct engine_agent *agent = &engine->agents[engine->under_way[i]];

		agent->since_ms += ms;
		if (agent->ask_at_ms >= 0)
			agent->ask_at_ms += ms;
	}
	if (engine->blocked_since_ms >= 0)
		engine->blocked_since_ms += ms;
}

/* ---- start and resume */

void engine_restore(struct engine *engine, size_t index, enum agent_state state, int attempt)
{
	struct engine_agent *agent = &engine->agents[index];

	set_state(engine, index, state);
	agent->attempt = attempt;
}

void engine_begin(struct engine *engine, int forgiven, int64_t now_ms, struct engine_output *output)
{
	engine->state = RUN_RUNNING;
	engine->reason[0] = '\0';
	engine->forgiven = forgiven < 0 ? engine_failures(engine) - engine->by_state[AGENT_STUCK] : forgiven;
	output->run_changed = true;
	for (size_t i = 0; i < engine->count; i++) {
		struct engine_agent *agent = &engine->agents[i];

		if (agent_state_is_open(agent->state)) {
			agent->must_ask = true;
			engine->must_ask++;
		}
		if (agent->state == AGENT_STUCK) {
			agent->was_stuck = true;
			engine->seen_failures++;
		}
		agent->since_ms = now_ms;
		engine_step(engine, i, EVENT_RESUME, now_ms, output);
	}
}
