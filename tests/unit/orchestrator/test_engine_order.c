/* SPDX-License-Identifier: Apache-2.0 */
/* The engine with whatever events in whatever order: its counters are true, its limits hold, what is final stays. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "orchestrator/engine/engine.h"

struct fixture {
	struct engine engine;
	struct engine_output output;
	int64_t now;
};

static void open_fixture(struct fixture *fixture, const struct engine_options *options, const int *domains,
			 size_t count)
{
	memset(fixture, 0, sizeof *fixture);
	fixture->now = 1000;
	engine_init(&fixture->engine, options, domains, count);
}

static void close_fixture(struct fixture *fixture)
{
	engine_output_clear(&fixture->output);
	engine_clear(&fixture->engine);
}

static uint64_t draw(uint64_t *seed, uint64_t below)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*seed >> 33) % below;
}

/* Every counter against a count of the agents. */
static void recount(const struct engine *engine)
{
	int away = 0, must_ask = 0, by_state[AGENT_STATE_COUNT] = {0}, domain_away[3] = {0};
	size_t under_way = 0;

	for (size_t i = 0; i < engine->count; i++) {
		const struct engine_agent *agent = &engine->agents[i];
		int is_away = agent_state_is_away(agent->state) || agent->absent;

		by_state[agent->state]++;
		away += is_away;
		must_ask += agent->must_ask;
		under_way += agent_state_is_under_way(agent->state);
		if (agent->domain >= 0)
			domain_away[agent->domain] += is_away;
	}
	assert_int_equal(engine->away, away);
	assert_int_equal(engine->must_ask, must_ask);
	assert_int_equal(engine->under_way_count, under_way);
	assert_memory_equal(engine->by_state, by_state, sizeof by_state);
	assert_memory_equal(engine->domain_away, domain_away, sizeof domain_away);
}

static void check_output(const struct fixture *fixture, const struct engine_options *options, int away_before)
{
	for (size_t i = 0; i < fixture->output.record_count; i++) {
		const struct engine_record *record = &fixture->output.records[i];

		/* A final state is left only by a resume. */
		assert_false(agent_state_is_final(record->from) && record->event != EVENT_RESUME);
		if (record->event == EVENT_TURN || record->event == EVENT_CLEAR)
			assert_in_range(fixture->engine.away, 0,
					away_before > options->window ? away_before : options->window);
	}
}

static void test_any_events_in_any_order(void **ctx)
{
	(void)ctx;
	for (uint64_t run = 0; run < 200; run++) {
		const int domains[8] = {0, 0, 0, 1, 1, 2, -1, -1};
		struct engine_options options = engine_default_options;
		struct fixture fixture;
		uint64_t seed = run;

		options.window = 1 + (int)draw(&seed, 4);
		options.domain_window = (int)draw(&seed, 3);
		options.max_failures = (int)draw(&seed, 6);
		open_fixture(&fixture, &options, domains, 8);
		for (size_t i = 0; i < 8 && run % 2; i++)
			engine_restore(&fixture.engine, i, (enum agent_state)draw(&seed, AGENT_STATE_COUNT), 1);
		engine_begin(&fixture.engine, run % 3 ? -1 : 0, fixture.now, &fixture.output);
		for (int i = 0; i < 500; i++) {
			size_t agent = draw(&seed, 8);
			int away_before = fixture.engine.away;

			engine_output_reset(&fixture.output);
			if (draw(&seed, 20) == 0)
				engine_set_absent(&fixture.engine, agent, draw(&seed, 2));
			/* TURN, SOAKED, HALT, NEVER and RESUME are the engine's own. */
			enum agent_event event = (enum agent_event)draw(&seed, AGENT_EVENT_COUNT);
			if (event != EVENT_TURN && event != EVENT_SOAKED && event != EVENT_HALT &&
			    event != EVENT_NEVER && event != EVENT_RESUME)
				engine_step(&fixture.engine, agent, event, fixture.now, &fixture.output);
			fixture.now += (int64_t)draw(&seed, 10) * 1000;
			engine_schedule(&fixture.engine, fixture.now, &fixture.output);
			recount(&fixture.engine);
			check_output(&fixture, &options, away_before);
		}
		close_fixture(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_events_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
