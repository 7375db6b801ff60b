/* SPDX-License-Identifier: Apache-2.0 */
/* The engine with whatever events in whatever order: its counters are true, its limits hold, what is final stays. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "tests/support/engine_fixture.h"

static uint64_t draw(uint64_t *seed, uint64_t below)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*seed >> 33) % below;
}

/* Every counter against a count of the agents. */
static void recount(const struct engine *engine)
{
	int away = 0, slots = 0, must_ask = 0, by_state[AGENT_STATE_COUNT] = {0}, domain_slots[3] = {0};
	int fresh = 0, open = 0, stage_failures[3] = {0}, domain_failures[3] = {0};
	size_t under_way = 0;

	for (size_t i = 0; i < engine->count; i++) {
		const struct engine_agent *agent = &engine->agents[i];
		int is_away = agent_state_is_away(agent->state) || agent->absent;
		int takes_slot = is_away || agent->state == AGENT_GATING;
		int fails = agent_state_is_failure(agent->state) && !agent->seen && !agent->was_stuck;

		by_state[agent->state]++;
		away += is_away;
		must_ask += agent->must_ask;
		slots += takes_slot;
		under_way += agent_state_is_under_way(agent->state) && !agent->parked;
		fresh += fails;
		stage_failures[agent->stage] += fails;
		open += agent->stage <= engine->stage && !agent_state_is_final(agent->state);
		if (agent->domain >= 0) {
			domain_slots[agent->domain] += takes_slot;
			domain_failures[agent->domain] += fails;
		}
	}
	assert_int_equal(engine->away, away);
	assert_int_equal(engine->must_ask, must_ask);
	assert_int_equal(engine->under_way_count, under_way);
	assert_memory_equal(engine->by_state, by_state, sizeof by_state);
	assert_int_equal(engine->slots, slots);
	assert_int_equal(engine->fresh_failures, fresh);
	assert_int_equal(engine->open, open);
	assert_memory_equal(engine->stage_failures, stage_failures, (size_t)engine->stage_count * sizeof(int));
	assert_memory_equal(engine->domain_slots, domain_slots, sizeof domain_slots);
	assert_memory_equal(engine->domain_failures, domain_failures, sizeof domain_failures);
}

static void check_output(const struct fixture *fixture, int window, int before)
{
	for (size_t i = 0; i < fixture->output.record_count; i++) {
		const struct engine_record *record = &fixture->output.records[i];

		/* A final state is left only at a person's word. */
		assert_false(agent_state_is_final(record->from) && record->event != EVENT_RESUME &&
			     record->event != EVENT_RETRY);
		if (record->event == EVENT_TURN || record->event == EVENT_CLEAR)
			assert_in_range(fixture->engine.slots, 0, before > window ? before : window);
	}
}

static struct engine_options draw_options(uint64_t *seed)
{
	struct engine_options options = engine_default_options;

	options.window = 1 + (int)draw(seed, 4);
	options.domain_window = (int)draw(seed, 3);
	options.max_failures = (int)draw(seed, 6);
	options.stage_max_failures = (int)draw(seed, 4) - 1;
	options.domain_max_failures = (int)draw(seed, 4) - 1;
	options.max_consecutive = (int)draw(seed, 4);
	options.stage_max_consecutive = (int)draw(seed, 5);
	options.domain_max_consecutive = (int)draw(seed, 5);
	options.stage_max_percent = draw(seed, 3) ? 0 : 1 + (int)draw(seed, 99);
	options.domain_max_percent = draw(seed, 3) ? 0 : 1 + (int)draw(seed, 99);
	options.on_failure = (enum engine_on_failure)draw(seed, ON_FAILURE_COUNT);
	options.meltdown_percent = (int)draw(seed, 2) * 30;
	options.agent_gates = draw(seed, 2);
	options.stage_gates = draw(seed, 2);
	return options;
}

/* What belongs to the run and not to one agent. */
static void disturb(struct fixture *fixture, uint64_t *seed)
{
	struct engine *engine = &fixture->engine;

	switch (draw(seed, 60)) {
	case 0:
		engine_pause(engine, "a reason", fixture->now, &fixture->output);
		break;
	case 1:
	case 2:
		engine_unpause(engine, fixture->now, &fixture->output);
		break;
	case 3:
		engine_hold(engine, HOLD_LEADER, draw(seed, 2), fixture->now, &fixture->output);
		break;
	case 4:
		engine_set_cluster(engine, 10, (int)draw(seed, 7), (int)draw(seed, 3), "x", fixture->now,
				   &fixture->output);
		break;
	case 5:
	case 6:
		engine_stage_answer(engine, engine->stage, (enum gate_answer)draw(seed, 3), NULL, fixture->now,
				    &fixture->output);
		break;
	case 7:
		restart(fixture, (int)draw(seed, 2) - 1);
		break;
	default:
		break;
	}
}

static bool is_the_engines_own(enum agent_event event)
{
	return event == EVENT_TURN || event == EVENT_SOAKED || event == EVENT_HALT || event == EVENT_NEVER ||
	       event == EVENT_RESUME || event == EVENT_GATES || event == EVENT_TIMEOUT;
}

static void disorder(struct fixture *fixture, uint64_t *seed)
{
	size_t agent = draw(seed, 8);
	int before = fixture->engine.slots;
	enum agent_event event = (enum agent_event)draw(seed, AGENT_EVENT_COUNT);

	engine_output_reset(&fixture->output);
	disturb(fixture, seed);
	if (draw(seed, 20) == 0)
		engine_set_absent(&fixture->engine, agent, draw(seed, 2));
	if (!is_the_engines_own(event))
		engine_step(&fixture->engine, agent, event, fixture->now, &fixture->output);
	/* Whoever goes away by itself, or is asked about again, asks for no room. */
	if (before < fixture->engine.slots)
		before = fixture->engine.slots;
	fixture->now += (int64_t)draw(seed, 10) * 1000;
	engine_schedule(&fixture->engine, fixture->now, &fixture->output);
	recount(&fixture->engine);
	check_output(fixture, engine_window(&fixture->engine), before);
}

static void test_any_events_in_any_order(void **ctx)
{
	(void)ctx;
	for (uint64_t run = 0; run < 400; run++) {
		const int domains[8] = {0, 0, 0, 1, 1, 2, -1, -1};
		const struct engine_stage stages[3] = {{2, 1}, {5, 2}, {8, 3}};
		uint64_t seed = run;
		struct engine_options options = draw_options(&seed);
		struct fixture fixture;

		open_staged(&fixture, &options, stages, run % 3 ? 3 : 0, domains, 8);
		for (size_t i = 0; i < 8 && run % 2; i++)
			engine_restore(&fixture.engine, i, (enum agent_state)draw(&seed, AGENT_STATE_COUNT), 1);
		engine_begin(&fixture.engine, run % 3 ? -1 : 0, fixture.now, &fixture.output);
		for (int i = 0; i < 500; i++)
			disorder(&fixture, &seed);
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
