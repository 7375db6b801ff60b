/* SPDX-License-Identifier: Apache-2.0 */
/* Stages with their windows, the gates after agents and stages. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "tests/support/engine_fixture.h"

static const int domains[6] = {-1, -1, -1, -1, -1, -1};
static const struct engine_stage stages[3] = {{1, 1}, {3, 2}, {6, 3}};

static struct engine_options with_gates(bool agent, bool stage)
{
	struct engine_options options = engine_default_options;

	options.agent_gates = agent;
	options.stage_gates = stage;
	return options;
}

static void test_windows_grow_from_stage_to_stage(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_staged(&fixture, &engine_default_options, stages, 3, domains, 6);
	begin(&fixture);
	assert_int_equal(engine_window(&fixture.engine), 1);
	assert_int_equal(fixture.engine.away, 1);
	finish(&fixture, 0);
	assert_int_equal(fixture.engine.stage, 1);
	assert_int_equal(fixture.engine.away, 2);
	finish(&fixture, 1);
	assert_int_equal(fixture.engine.away, 1); /* the rest waits for the whole stage */
	finish(&fixture, 2);
	assert_int_equal(fixture.engine.away, 3);
	for (size_t i = 3; i < 6; i++)
		finish(&fixture, i);
	assert_int_equal(fixture.engine.state, RUN_DONE);
	close_fixture(&fixture);
}

static void test_stage_of_failures_is_over_too(void **ctx)
{
	struct engine_options options = engine_default_options;
	struct fixture fixture;

	(void)ctx;
	options.max_failures = -1;
	open_staged(&fixture, &options, stages, 3, domains, 6);
	begin(&fixture);
	fail_agent(&fixture, 0);
	assert_int_equal(fixture.engine.state, RUN_RUNNING);
	assert_int_equal(fixture.engine.stage, 1);
	close_fixture(&fixture);
}

static void test_gate_holds_the_next_stage(void **ctx)
{
	struct engine_options options = with_gates(false, true);
	struct fixture fixture;

	(void)ctx;
	open_staged(&fixture, &options, stages, 3, domains, 6);
	begin(&fixture);
	walk(&fixture, 0, good, GOOD);
	schedule(&fixture);
	assert_true(fixture.output.ask_stage_gate && fixture.output.run_changed);
	assert_int_equal(fixture.output.stage_gate, 0);
	schedule(&fixture);
	assert_false(fixture.output.ask_stage_gate); /* once */
	assert_int_equal(fixture.engine.away, 0);
	assert_false(engine_is_idle(&fixture.engine));
	engine_stage_answer(&fixture.engine, 1, GATE_PASS, NULL, fixture.now, &fixture.output);
	schedule(&fixture);
	assert_int_equal(fixture.engine.away, 0); /* that was another stage's */
	engine_stage_answer(&fixture.engine, 0, GATE_PASS, NULL, fixture.now, &fixture.output);
	schedule(&fixture);
	assert_int_equal(fixture.engine.away, 2);
	close_fixture(&fixture);
}

static void test_last_gate_is_asked_before_done(void **ctx)
{
	struct engine_options options = with_gates(false, true);
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &options, domains, 1);
	begin(&fixture);
	finish(&fixture, 0);
	assert_int_equal(fixture.engine.state, RUN_RUNNING);
	assert_true(fixture.output.ask_stage_gate);
	engine_stage_answer(&fixture.engine, 0, GATE_PASS, NULL, fixture.now, &fixture.output);
	schedule(&fixture);
	assert_int_equal(fixture.engine.state, RUN_DONE);
	close_fixture(&fixture);
}

static void test_failed_gate_stops_by_policy(void **ctx)
{
	const enum run_state ends[ON_FAILURE_COUNT] = {RUN_PAUSED, RUN_PAUSED, RUN_ABORTED};

	(void)ctx;
	for (int policy = 0; policy < ON_FAILURE_COUNT; policy++) {
		struct engine_options options = with_gates(false, true);
		struct fixture fixture;

		options.on_failure = (enum engine_on_failure)policy;
		open_fixture(&fixture, &options, domains, 1);
		begin(&fixture);
		finish(&fixture, 0);
		engine_stage_answer(&fixture.engine, 0, GATE_FAIL, "503", fixture.now, &fixture.output);
		schedule(&fixture);
		assert_int_equal(fixture.engine.state, ends[policy]);
		assert_string_equal(fixture.engine.reason, "the gate after stage 1 has failed: 503");
		assert_int_equal(fixture.engine.wants_rollback, policy == ON_FAILURE_ROLLBACK);
		assert_true(engine_is_idle(&fixture.engine));
		close_fixture(&fixture);
	}
}

static void test_stage_gate_that_takes_too_long_pauses_and_is_asked_again(void **ctx)
{
	struct engine_options options = with_gates(false, true);
	struct fixture fixture;

	(void)ctx;
	options.on_failure = ON_FAILURE_ABORT; /* no answer is no failure */
	open_fixture(&fixture, &options, domains, 1);
	begin(&fixture);
	finish(&fixture, 0);
	assert_int_equal(engine_next_ms(&fixture.engine), fixture.now + options.gate_ms);
	pass_time(&fixture, options.gate_ms - 1);
	assert_int_equal(fixture.engine.state, RUN_RUNNING);
	pass_time(&fixture, 1);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	assert_non_null(strstr(fixture.engine.reason, "took too long"));
	assert_true(engine_is_idle(&fixture.engine));
	engine_unpause(&fixture.engine, fixture.now, &fixture.output);
	schedule(&fixture);
	assert_true(fixture.output.ask_stage_gate);
	close_fixture(&fixture);
}

static void test_stage_gate_is_asked_again_after_a_crash(void **ctx)
{
	struct engine_options options = with_gates(false, true);
	struct fixture fixture;

	(void)ctx;
	open_staged(&fixture, &options, stages, 3, domains, 6);
	begin(&fixture);
	finish(&fixture, 0);
	engine_stage_answer(&fixture.engine, 0, GATE_PASS, NULL, fixture.now, &fixture.output);
	schedule(&fixture);
	finish(&fixture, 1);
	finish(&fixture, 2);
	assert_int_equal(fixture.output.stage_gate, 1);
	restart(&fixture, 0);
	assert_true(fixture.output.ask_stage_gate);
	assert_int_equal(fixture.output.stage_gate, 1); /* the first has passed for good */
	close_fixture(&fixture);
}

static void test_agent_gate_keeps_the_slot(void **ctx)
{
	struct engine_options options = with_gates(true, false);
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &options, domains, 2);
	begin(&fixture);
	walk(&fixture, 0, good, GOOD);
	assert_int_equal(state(&fixture, 0), AGENT_GATING);
	assert_int_equal(effects(&fixture, EFFECT_GATE), 1);
	schedule(&fixture);
	assert_int_equal(fixture.engine.away, 0);
	assert_int_equal(state(&fixture, 1), AGENT_WAITING);
	step(&fixture, 0, EVENT_GATE_PASSED);
	schedule(&fixture);
	assert_int_equal(state(&fixture, 0), AGENT_DONE);
	assert_int_equal(state(&fixture, 1), AGENT_CHECKING);
	close_fixture(&fixture);
}

static void test_agent_gate_that_fails_is_a_failure(void **ctx)
{
	struct engine_options options = with_gates(true, false);
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &options, domains, 2);
	begin(&fixture);
	finish(&fixture, 0);
	step(&fixture, 0, EVENT_GATE_FAILED);
	assert_int_equal(state(&fixture, 0), AGENT_REJECTED);
	assert_int_equal(fixture.engine.fresh_failures, 1);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	assert_true(engine_is_idle(&fixture.engine));
	step(&fixture, 0, EVENT_RETRY); /* never a second change: only its gates */
	assert_int_equal(state(&fixture, 0), AGENT_GATING);
	assert_int_equal(effects(&fixture, EFFECT_GATE), 1);
	close_fixture(&fixture);
}

/* No answer, a late one, or none in time: a person must look, and a resume asks again. */
static void test_agent_gate_without_an_answer_is_parked(void **ctx)
{
	struct engine_options options = with_gates(true, false);

	(void)ctx;
	for (int way = 0; way < 2; way++) {
		struct fixture fixture;

		open_fixture(&fixture, &options, domains, 2);
		begin(&fixture);
		finish(&fixture, 0);
		if (way)
			step(&fixture, 0, EVENT_GATE_OPEN);
		else
			pass_time(&fixture, options.gate_ms);
		assert_int_equal(state(&fixture, 0), AGENT_GATING);
		assert_int_equal(fixture.engine.state, RUN_PAUSED);
		assert_true(engine_is_idle(&fixture.engine));
		assert_int_equal(engine_next_ms(&fixture.engine), -1);
		engine_output_reset(&fixture.output);
		engine_unpause(&fixture.engine, fixture.now, &fixture.output);
		assert_int_equal(effects(&fixture, EFFECT_GATE), 1);
		assert_int_equal(fixture.engine.under_way_count, 1);
		step(&fixture, 0, EVENT_GATE_PASSED);
		assert_int_equal(state(&fixture, 0), AGENT_DONE);
		close_fixture(&fixture);
	}
}

static void test_gating_is_asked_again_after_a_crash(void **ctx)
{
	struct engine_options options = with_gates(true, false);
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &options, domains, 2);
	begin(&fixture);
	finish(&fixture, 0);
	restart(&fixture, 0);
	assert_int_equal(state(&fixture, 0), AGENT_GATING);
	assert_int_equal(effects(&fixture, EFFECT_GATE), 1);
	assert_int_equal(fixture.engine.must_ask, 0); /* nothing is open on its host */
	close_fixture(&fixture);
}

static void test_retried_agent_of_an_earlier_stage_goes_with_the_current_one(void **ctx)
{
	struct engine_options options = engine_default_options;
	struct fixture fixture;

	(void)ctx;
	options.max_failures = -1;
	open_staged(&fixture, &options, stages, 3, domains, 6);
	begin(&fixture);
	fail_agent(&fixture, 0);
	finish(&fixture, 1);
	step(&fixture, 0, EVENT_RETRY);
	schedule(&fixture);
	assert_int_equal(state(&fixture, 0), AGENT_CHECKING);
	finish(&fixture, 2);
	assert_int_equal(fixture.engine.stage, 1);
	finish(&fixture, 0);
	assert_int_equal(fixture.engine.stage, 2);
	close_fixture(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows_grow_from_stage_to_stage),
		cmocka_unit_test(test_stage_of_failures_is_over_too),
		cmocka_unit_test(test_gate_holds_the_next_stage),
		cmocka_unit_test(test_last_gate_is_asked_before_done),
		cmocka_unit_test(test_failed_gate_stops_by_policy),
		cmocka_unit_test(test_stage_gate_that_takes_too_long_pauses_and_is_asked_again),
		cmocka_unit_test(test_stage_gate_is_asked_again_after_a_crash),
		cmocka_unit_test(test_agent_gate_keeps_the_slot),
		cmocka_unit_test(test_agent_gate_that_fails_is_a_failure),
		cmocka_unit_test(test_agent_gate_without_an_answer_is_parked),
		cmocka_unit_test(test_gating_is_asked_again_after_a_crash),
		cmocka_unit_test(test_retried_agent_of_an_earlier_stage_goes_with_the_current_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
