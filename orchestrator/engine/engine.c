/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the table. engine_put is the only function that changes an agent, and it keeps every counter; so the window and the
 * budgets are what the counters say. Questions to hosts, timeouts and new starts are engine_schedule's (schedule.c).
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
	.stage_max_failures = -1,
	.domain_max_failures = -1,
	.max_consecutive = 0,
	.on_failure = ON_FAILURE_PAUSE,
	.meltdown_percent = 0,
	/* A command that asks a dashboard, with time to try it again. */
	.gate_ms = 600000,
	/* After a failover agents have agent_reregister_timeout (10 min) to come back. */
	.hold_ms = 900000,
};

/* Questions in a row, each after a conversation that broke soon, before a person must look: about ten minutes. */
#define ASKS_MAX     20
/* A conversation that lasted so long was none that breaks each time. */
#define LASTED_MS    60000
/* An operation that was sent and never began, so often in a row, is not sent again. */
#define ABSENCES_MAX 3

/* ---- output */

void engine_output_reset(struct engine_output *output)
{
	output->record_count = 0;
	output->effect_count = 0;
	output->run_changed = false;
	output->ask_stage_gate = false;
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

/* ---- the counters: what one agent adds to each */

/* Those of no domain are counted after the last domain. */
static int domain_of(const struct engine *engine, const struct engine_agent *agent)
{
	return agent->domain >= 0 ? agent->domain : engine->domain_count;
}

bool engine_is_busy(const struct engine_agent *agent)
{
	return agent_state_is_under_way(agent->state) && !agent->parked;
}

static void count_failure(struct engine *engine, const struct engine_agent *agent, int change)
{
	if (agent->was_stuck)
		return;
	if (agent->seen) {
		engine->forgiven += change;
		return;
	}
	engine->fresh_failures += change;
	engine->stage_failures[agent->stage] += change;
	engine->domain_failures[domain_of(engine, agent)] += change;
}

static void count(struct engine *engine, const struct engine_agent *agent, int change)
{
	bool away = agent_state_is_away(agent->state) || agent->absent, slot = away || agent->state == AGENT_GATING;

	engine->by_state[agent->state] += change;
	engine->away += away ? change : 0;
	engine->slots += slot ? change : 0;
	engine->left += agent->absent && agent->state == AGENT_DONE ? change : 0;
	engine->domain_slots[domain_of(engine, agent)] += slot ? change : 0;
	if (agent_state_is_failure(agent->state))
		count_failure(engine, agent, change);
	if (agent_state_is_final(agent->state))
		return;
	engine->stage_open[agent->stage] += change;
	engine->open += agent->stage <= engine->stage ? change : 0;
}

static void begin_under_way(struct engine *engine, size_t index)
{
	engine->agents[index].busy_at = engine->under_way_count;
	engine->under_way[engine->under_way_count++] = index;
}

/* The last one takes its place. */
static void forget_under_way(struct engine *engine, size_t index)
{
	size_t at = engine->agents[index].busy_at, last = engine->under_way[--engine->under_way_count];

	engine->under_way[at] = last;
	engine->agents[last].busy_at = at;
}

/* It stands first again among those of its list that wait. */
static void note_waiting(struct engine *engine, const struct engine_agent *agent)
{
	size_t *next_waiting =
		&engine->domain_next[engine->options.domain_window ? domain_of(engine, agent) : engine->domain_count];

	if (agent->place < *next_waiting)
		*next_waiting = agent->place;
}

void engine_put(struct engine *engine, size_t index, const struct engine_agent *next)
{
	struct engine_agent *agent = &engine->agents[index];
	bool was_busy = engine_is_busy(agent), is_busy = engine_is_busy(next);

	count(engine, agent, -1);
	*agent = *next;
	count(engine, agent, 1);
	if (was_busy && !is_busy)
		forget_under_way(engine, index);
	if (!was_busy && is_busy)
		begin_under_way(engine, index);
	if (is_busy)
		engine_note_deadline(engine, index);
	if (agent->state == AGENT_WAITING)
		note_waiting(engine, agent);
}

void engine_set_absent(struct engine *engine, size_t index, bool absent)
{
	struct engine_agent next = engine->agents[index];

	next.absent = absent;
	engine_put(engine, index, &next);
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
	if (engine->under_way_count > 0 || engine->gate_asked || engine_is_soaking(engine))
		return false;
	if (engine->state == RUN_RUNNING && engine->left_since_ms >= 0)
		return false;
	return engine->state != RUN_RUNNING || engine->by_state[AGENT_WAITING] == 0;
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
	if (row->event == EVENT_RETRY || row->state == AGENT_STUCK)
		agent->asks = agent->absences = 0;
	if (row->state == AGENT_STUCK)
		agent->was_stuck = true; /* whoever resumes or tries again has seen it */
	if (row->next == AGENT_UNKNOWN)
		plan_question(engine, agent, row, now_ms);
	else if (row->next != row->state || row->event == EVENT_RESUME)
		agent->since_ms = now_ms;
	if (row->event == EVENT_CLEAR) {
		agent->attempt++;
		agent->asks = 0;
		agent->kept = false;
	}
	if (row->next == AGENT_WAITING || row->next == AGENT_DONE)
		agent->was_stuck = agent->seen = false;
	/* Proven, it has not failed; what a gate after it says is news. */
	if (agent_state_is_final(row->next) || row->next == AGENT_WAITING || row->next == AGENT_GATING)
		agent->again = false;
	if (row->event == EVENT_HOST_DONE)
		agent->kept = true;
	agent->parked = row->next == AGENT_GATING &&
			(engine->settles || row->event == EVENT_GATE_OPEN || row->event == EVENT_TIMEOUT);
}

void engine_ask(struct engine *engine, size_t index, struct engine_output *output)
{
	struct engine_agent *agent = &engine->agents[index];

	agent->ask_at_ms = -1;
	agent->asks++;
	engine_add_effect(output, EFFECT_ASK, index);
}

/* The row's effect; a question only if it is due, else engine_schedule asks it later. */
static void add_row_effect(struct engine *engine, size_t index, const struct engine_row *row, int64_t now_ms,
			   struct engine_output *output)
{
	if (row->effect == EFFECT_GATE && engine->agents[index].parked)
		return;
	if (row->effect != EFFECT_ASK)
		engine_add_effect(output, row->effect, index);
	else if (engine->agents[index].ask_at_ms <= now_ms)
		engine_ask(engine, index, output);
}

/* A known failure that has come to its end is forgiven like the others: that survives a crash. */
static void forgive(struct engine_agent *agent)
{
	if (!agent->was_stuck || !agent_state_is_failure(agent->state) || !agent_state_is_final(agent->state) ||
	    agent->state == AGENT_STUCK)
		return;
	agent->was_stuck = false;
	agent->seen = true;
}

/* What a person must look at pauses, unless a person has. Gates that gave no answer are asked again by a resume only. */
static void pause_for(struct engine *engine, size_t index, const struct engine_row *row, int64_t now_ms,
		      struct engine_output *output)
{
	char reason[sizeof engine->reason];

	if (!row->pause || (engine->agents[index].was_stuck && row->next != AGENT_GATING))
		return;
	snprintf(reason, sizeof reason, "an agent needs a person: %s", row->why);
	engine_pause(engine, row->state == AGENT_CHECKING ? row->why : reason, now_ms, output);
}

static void move(struct engine *engine, size_t index, const struct engine_row *row, int64_t now_ms,
		 struct engine_output *output)
{
	struct engine_agent before = engine->agents[index], next = before;

	remember(engine, &next, row, now_ms);
	next.state = row->next;
	forgive(&next);
	engine_put(engine, index, &next);
	if (next.seen != before.seen || next.was_stuck != before.was_stuck || next.again != before.again)
		output->run_changed = true;
	add_record(output, (struct engine_record){
				   .agent = index,
				   .from = row->state,
				   .to = row->next,
				   .event = row->event,
				   .attempt = next.attempt,
			   });
	add_row_effect(engine, index, row, now_ms, output);
	if (agent_state_is_final(row->next) && !agent_state_is_final(row->state))
		engine_count_end(engine, &engine->agents[index], output);
	/* A run that only pauses says first what a person must look at. */
	if (engine->options.on_failure == ON_FAILURE_PAUSE)
		pause_for(engine, index, row, now_ms, output);
	if (agent_state_is_failure(row->next))
		engine_check_budgets(engine, index, now_ms, output);
	pause_for(engine, index, row, now_ms, output);
	if (before.again && engine_can_retry(row->next))
		engine_step(engine, index, EVENT_RETRY, now_ms, output);
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

/* ---- the run */

/* What is looked at and not yet intended stays as it is. */
static void halt(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	output->run_changed = true;
	for (size_t i = engine->under_way_count; i-- > 0;)
		engine_step(engine, engine->under_way[i], EVENT_HALT, now_ms, output);
}

void engine_pause(struct engine *engine, const char *reason, int64_t now_ms, struct engine_output *output)
{
	if (engine->state != RUN_RUNNING)
		return;
	engine->state = RUN_PAUSED;
	snprintf(engine->reason, sizeof engine->reason, "%s", reason);
	halt(engine, now_ms, output);
}

void engine_abort(struct engine *engine, const char *reason, int64_t now_ms, struct engine_output *output)
{
	if (engine->state == RUN_DONE || engine->state == RUN_ABORTED)
		return;
	engine->state = RUN_ABORTED;
	engine->wants_rollback = false;
	snprintf(engine->reason, sizeof engine->reason, "%s", reason);
	halt(engine, now_ms, output);
}

void engine_lost_time(struct engine *engine, int64_t ms)
{
	for (size_t i = 0; i < engine->under_way_count; i++) {
		struct engine_agent *agent = &engine->agents[engine->under_way[i]];

		agent->since_ms += ms;
		if (agent->ask_at_ms >= 0)
			agent->ask_at_ms += ms;
	}
	if (engine->due_ms != INT64_MAX)
		engine->due_ms += ms;
	engine_stages_lost_time(engine, ms);
	engine->hold_since_ms += ms;
	if (engine->blocked_since_ms >= 0)
		engine->blocked_since_ms += ms;
	if (engine->left_since_ms >= 0)
		engine->left_since_ms += ms;
}
