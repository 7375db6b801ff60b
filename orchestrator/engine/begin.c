/* SPDX-License-Identifier: Apache-2.0 */
/* An engine is made, filled with what the ledger says, and begins; a run that had paused goes on. */
#include "orchestrator/engine/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* ---- making */

static void make_stages(struct engine *engine, const struct engine_stage *stages, size_t count)
{
	engine->stage_count = count ? (int)count : 1;
	engine->stages = xcalloc((size_t)engine->stage_count, sizeof *engine->stages);
	if (count)
		memcpy(engine->stages, stages, count * sizeof *stages);
	else
		engine->stages[0].window = engine->options.window;
	engine->stages[engine->stage_count - 1].end = engine->count;
	engine->stage_failures = xcalloc((size_t)engine->stage_count, sizeof *engine->stage_failures);
	engine->stage_rows = xcalloc((size_t)engine->stage_count, sizeof *engine->stage_rows);
	engine->stage_open = xcalloc((size_t)engine->stage_count, sizeof *engine->stage_open);
}

static void make_agents(struct engine *engine, const int *domains)
{
	int stage = 0;

	for (size_t i = 0; i < engine->count; i++) {
		struct engine_agent *agent = &engine->agents[i];

		while (i >= engine->stages[stage].end)
			stage++;
		agent->stage = stage;
		agent->domain = domains[i];
		engine->stage_open[stage]++;
		if (domains[i] >= engine->domain_count)
			engine->domain_count = domains[i] + 1;
	}
	engine->by_state[AGENT_WAITING] = (int)engine->count;
	engine->open = engine->stage_open[0];
}

static size_t list_of(const struct engine *engine, size_t index)
{
	int domain = engine->agents[index].domain;

	return (size_t)(engine->options.domain_window && domain >= 0 ? domain : engine->domain_count);
}

/* Counting sort: stable, so every list is in order of position. */
static void make_lists(struct engine *engine)
{
	size_t lists = (size_t)engine->domain_count + 1;

	engine->domain_first = xcalloc(lists + 1, sizeof *engine->domain_first);
	engine->domain_next = xcalloc(lists, sizeof *engine->domain_next);
	for (size_t i = 0; i < engine->count; i++)
		engine->domain_first[list_of(engine, i) + 1]++;
	for (size_t list = 0; list < lists; list++) {
		engine->domain_first[list + 1] += engine->domain_first[list];
		engine->domain_next[list] = engine->domain_first[list];
	}
	for (size_t i = 0; i < engine->count; i++) {
		engine->agents[i].place = engine->domain_next[list_of(engine, i)]++;
		engine->members[engine->agents[i].place] = i;
	}
	memcpy(engine->domain_next, engine->domain_first, lists * sizeof *engine->domain_next);
}

void engine_init(struct engine *engine, const struct engine_options *options, const struct engine_stage *stages,
		 size_t stage_count, const int *domains, size_t count)
{
	memset(engine, 0, sizeof *engine);
	engine->options = *options;
	engine->count = count;
	engine->agents = xcalloc(count + 1, sizeof *engine->agents);
	engine->under_way = xcalloc(count + 1, sizeof *engine->under_way);
	engine->members = xcalloc(count + 1, sizeof *engine->members);
	engine->blocked_since_ms = engine->left_since_ms = engine->soak_since_ms = -1;
	engine->due_ms = INT64_MAX;
	make_stages(engine, stages, stage_count);
	make_agents(engine, domains);
	make_lists(engine);
	engine->domain_slots = xcalloc((size_t)engine->domain_count + 1, sizeof *engine->domain_slots);
	engine->domain_failures = xcalloc((size_t)engine->domain_count + 1, sizeof *engine->domain_failures);
	engine->domain_rows = xcalloc((size_t)engine->domain_count + 1, sizeof *engine->domain_rows);
	engine->domain_sizes = xcalloc((size_t)engine->domain_count + 1, sizeof *engine->domain_sizes);
	for (size_t i = 0; i < count; i++)
		if (domains[i] >= 0)
			engine->domain_sizes[domains[i]]++;
}

void engine_clear(struct engine *engine)
{
	free(engine->agents);
	free(engine->under_way);
	free(engine->members);
	free(engine->stages);
	free(engine->stage_failures);
	free(engine->stage_open);
	free(engine->domain_first);
	free(engine->domain_next);
	free(engine->domain_slots);
	free(engine->domain_failures);
	free(engine->stage_rows);
	free(engine->domain_rows);
	free(engine->domain_sizes);
	memset(engine, 0, sizeof *engine);
}

void engine_set_domain_names(struct engine *engine, const char *const *names)
{
	engine->domain_names = names;
}

/* ---- beginning */

void engine_restore(struct engine *engine, size_t index, enum agent_state state, int attempt)
{
	struct engine_agent next = engine->agents[index];

	next.state = state;
	next.attempt = attempt;
	engine_put(engine, index, &next);
}

/* Whoever kept only a number has kept no names: the first ones are taken. */
static void see_some(struct engine *engine, int count)
{
	for (size_t i = 0; i < engine->count && count > 0; i++) {
		struct engine_agent next = engine->agents[i];

		if (!agent_state_is_failure(next.state) || next.state == AGENT_STUCK)
			continue;
		next.seen = true;
		engine_put(engine, i, &next);
		count--;
	}
}

static void resume_agent(struct engine *engine, size_t index, int64_t now_ms, struct engine_output *output)
{
	struct engine_agent next = engine->agents[index];

	if (engine->settles && next.state == AGENT_GATING) {
		next.parked = true;
		engine_put(engine, index, &next);
		return;
	}
	if (agent_state_is_open(next.state) && !next.must_ask) {
		next.must_ask = true;
		engine->must_ask++;
	}
	if (next.state == AGENT_STUCK)
		next.was_stuck = true;
	next.since_ms = now_ms;
	engine_put(engine, index, &next);
	engine_step(engine, index, EVENT_RESUME, now_ms, output);
}

void engine_begin(struct engine *engine, int forgiven, int64_t now_ms, struct engine_output *output)
{
	engine->state = RUN_RUNNING;
	engine->reason[0] = '\0';
	output->run_changed = true;
	if (forgiven < 0) {
		engine_see_failures(engine);
		engine->wants_rollback = false;
	} else if (!engine->remembers) {
		see_some(engine, forgiven);
	}
	for (size_t i = 0; i < engine->count; i++)
		resume_agent(engine, i, now_ms, output);
}

void engine_begin_settling(struct engine *engine, enum run_state state, const char *reason, int forgiven,
			   int64_t now_ms, struct engine_output *output)
{
	/* Nobody will resume one that is over: its gates are asked now or never. */
	engine->settles = engine->settles && (state == RUN_RUNNING || state == RUN_PAUSED);
	engine_begin(engine, forgiven, now_ms, output);
	engine->state = state == RUN_RUNNING ? RUN_PAUSED : state;
	engine->wants_rollback = engine->wants_rollback && state != RUN_ABORTED;
	snprintf(engine->reason, sizeof engine->reason, "%s", reason);
}

static void resume_stuck(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	for (size_t i = 0; i < engine->count && engine->by_state[AGENT_STUCK] > 0; i++)
		if (engine->agents[i].state == AGENT_STUCK)
			resume_agent(engine, i, now_ms, output);
}

size_t engine_settle(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	if (engine->by_state[AGENT_STUCK] > 0)
		output->run_changed = true; /* that a person has seen them is in the run's memory */
	resume_stuck(engine, now_ms, output);
	return (size_t)engine->by_state[AGENT_UNKNOWN];
}

size_t engine_count_settling(const struct engine *engine)
{
	size_t count = 0;

	for (size_t i = 0; i < engine->count; i++)
		count += engine->agents[i].was_stuck && agent_state_is_open(engine->agents[i].state) &&
			 engine->agents[i].state != AGENT_UNKNOWN;
	return count;
}

void engine_unpause(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	if (engine->state != RUN_PAUSED)
		return;
	engine->state = RUN_RUNNING;
	engine->settles = false;
	engine->reason[0] = '\0';
	engine->wants_rollback = false;
	output->run_changed = true;
	engine_see_failures(engine);
	resume_stuck(engine, now_ms, output);
	engine_unpark(engine, now_ms, output);
}

/* ---- once more */

bool engine_can_retry(enum agent_state state)
{
	return agent_state_is_failure(state) && agent_state_is_final(state) && state != AGENT_STUCK;
}

/* One whose fate is not known may have failed; who was stuck before this driver began is being asked already. */
static bool is_open_failure(const struct engine_agent *agent)
{
	return agent->state == AGENT_UNKNOWN ||
	       (agent_state_is_failure(agent->state) && !engine_can_retry(agent->state)) ||
	       (agent->was_stuck && !agent_state_is_final(agent->state) && agent->state != AGENT_GATING);
}

static void retry_later(struct engine *engine, size_t index, int64_t now_ms, struct engine_output *output)
{
	struct engine_agent next = engine->agents[index];

	next.again = true;
	engine_put(engine, index, &next);
	output->run_changed = true;
	if (next.state == AGENT_STUCK)
		engine_step(engine, index, EVENT_RETRY, now_ms, output);
}

size_t engine_retry(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	size_t count = 0;

	engine->settles = false;
	for (size_t i = 0; i < engine->count; i++) {
		if (!is_open_failure(&engine->agents[i]))
			continue;
		retry_later(engine, i, now_ms, output);
		count++;
	}
	engine_unpause(engine, now_ms, output);
	for (size_t i = 0; i < engine->count; i++) {
		if (!engine_can_retry(engine->agents[i].state))
			continue;
		engine_step(engine, i, EVENT_RETRY, now_ms, output);
		count++;
	}
	return count;
}
