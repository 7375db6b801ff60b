/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/engine_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/support/cmocka.h"

const enum agent_event good[5] = {EVENT_CLEAR, EVENT_STARTED, EVENT_RETURNED, EVENT_PROVEN, EVENT_HOST_DONE};

void open_staged(struct fixture *fixture, const struct engine_options *options, const struct engine_stage *stages,
		 size_t stage_count, const int *domains, size_t count)
{
	memset(fixture, 0, sizeof *fixture);
	fixture->now = 1000;
	engine_init(&fixture->engine, options, stages, stage_count, domains, count);
}

void open_fixture(struct fixture *fixture, const struct engine_options *options, const int *domains, size_t count)
{
	open_staged(fixture, options, NULL, 0, domains, count);
}

struct engine_options unlimited(void)
{
	struct engine_options options = engine_default_options;

	options.max_failures = -1;
	options.window = 6;
	return options;
}

void expect_run(const struct fixture *fixture, enum run_state run, const char *reason)
{
	assert_int_equal(fixture->engine.state, run);
	assert_string_equal(fixture->engine.reason, reason);
}

void close_fixture(struct fixture *fixture)
{
	engine_output_clear(&fixture->output);
	engine_clear(&fixture->engine);
}

void begin(struct fixture *fixture)
{
	engine_begin(&fixture->engine, 0, fixture->now, &fixture->output);
	engine_schedule(&fixture->engine, fixture->now, &fixture->output);
}

void step(struct fixture *fixture, size_t agent, enum agent_event event)
{
	engine_output_reset(&fixture->output);
	engine_step(&fixture->engine, agent, event, fixture->now, &fixture->output);
}

void schedule(struct fixture *fixture)
{
	engine_output_reset(&fixture->output);
	engine_schedule(&fixture->engine, fixture->now, &fixture->output);
}

void pass_time(struct fixture *fixture, int64_t ms)
{
	fixture->now += ms;
	schedule(fixture);
}

enum agent_state state(const struct fixture *fixture, size_t agent)
{
	return fixture->engine.agents[agent].state;
}

int effects(const struct fixture *fixture, enum engine_effect_kind kind)
{
	int count = 0;

	for (size_t i = 0; i < fixture->output.effect_count; i++)
		count += fixture->output.effects[i].kind == kind;
	return count;
}

void walk(struct fixture *fixture, size_t agent, const enum agent_event *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		step(fixture, agent, events[i]);
}

void finish(struct fixture *fixture, size_t agent)
{
	walk(fixture, agent, good, GOOD);
	schedule(fixture);
}

void fail_agent(struct fixture *fixture, size_t agent)
{
	step(fixture, agent, EVENT_UNFIT);
	assert_int_equal(state(fixture, agent), AGENT_FAILED);
	schedule(fixture);
}

static void carry_over(const struct engine *from, struct engine *to)
{
	struct buffer memory = BUFFER_INIT(1u << 20);

	for (size_t i = 0; i < from->count; i++)
		engine_restore(to, i, from->agents[i].state, from->agents[i].attempt);
	engine_write_memory(from, &memory);
	assert_int_equal(engine_restore_memory(to, buffer_text(&memory), NULL), 0);
	buffer_clear(&memory);
}

void restart(struct fixture *fixture, int forgiven)
{
	struct engine old = fixture->engine;
	int *domains = xcalloc(old.count + 1, sizeof *domains);

	for (size_t i = 0; i < old.count; i++)
		domains[i] = old.agents[i].domain;
	engine_init(&fixture->engine, &old.options, old.stages, (size_t)old.stage_count, domains, old.count);
	free(domains);
	carry_over(&old, &fixture->engine);
	engine_clear(&old);
	engine_output_reset(&fixture->output);
	engine_begin(&fixture->engine, forgiven, fixture->now, &fixture->output);
	engine_schedule(&fixture->engine, fixture->now, &fixture->output);
}
