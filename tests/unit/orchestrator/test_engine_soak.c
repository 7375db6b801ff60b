/* SPDX-License-Identifier: Apache-2.0 */
/* The time that a stage is given when it has ended, before its gates are asked and the next one begins. */
#include "tests/support/cmocka.h"

#include "tests/support/engine_fixture.h"

#define SOAK_MS 600000

static const int domains[3] = {-1, -1, -1};
static const struct engine_stage stages[2] = {{1, 1}, {3, 2}};

static void open_soaking(struct fixture *fixture, bool gates)
{
	struct engine_options options = engine_default_options;

	options.stage_soak_ms = SOAK_MS;
	options.stage_gates = gates;
	open_staged(fixture, &options, stages, 2, domains, 3);
	begin(fixture);
}

static void test_the_next_stage_waits(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_soaking(&fixture, false);
	finish(&fixture, 0);
	assert_true(engine_is_soaking(&fixture.engine));
	assert_false(engine_is_idle(&fixture.engine));
	assert_int_equal(engine_next_ms(&fixture.engine), fixture.now + SOAK_MS);
	pass_time(&fixture, SOAK_MS - 1);
	assert_int_equal(fixture.engine.away, 0);
	assert_int_equal(fixture.engine.state, RUN_RUNNING); /* nobody under way is no blocked run */
	pass_time(&fixture, 1);
	assert_int_equal(fixture.engine.away, 2);
	assert_false(engine_is_soaking(&fixture.engine));
	finish(&fixture, 1);
	assert_false(engine_is_soaking(&fixture.engine));
	finish(&fixture, 2);
	/* The last one too, before the run is done. */
	assert_int_equal(fixture.engine.state, RUN_RUNNING);
	assert_false(engine_is_idle(&fixture.engine));
	pass_time(&fixture, SOAK_MS);
	assert_int_equal(fixture.engine.state, RUN_DONE);
	close_fixture(&fixture);
}

static void test_gates_are_asked_afterwards_and_without_it_again(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_soaking(&fixture, true);
	finish(&fixture, 0);
	assert_false(fixture.output.ask_stage_gate);
	pass_time(&fixture, SOAK_MS);
	assert_true(fixture.output.ask_stage_gate);
	engine_stage_answer(&fixture.engine, 0, GATE_INCONCLUSIVE, "?", fixture.now, &fixture.output);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	assert_true(engine_is_idle(&fixture.engine));
	/* What is over is over, also for who resumes. */
	restart(&fixture, -1);
	schedule(&fixture);
	assert_true(fixture.engine.gate_asked);
	engine_stage_answer(&fixture.engine, 0, GATE_PASS, NULL, fixture.now, &fixture.output);
	schedule(&fixture);
	assert_int_equal(fixture.engine.away, 2);
	close_fixture(&fixture);
}

static void test_a_pause_does_not_wait_for_it(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_soaking(&fixture, true);
	finish(&fixture, 0);
	pass_time(&fixture, 1000);
	engine_pause(&fixture.engine, "ordered", fixture.now, &fixture.output);
	schedule(&fixture);
	assert_true(engine_is_idle(&fixture.engine));
	assert_false(engine_is_soaking(&fixture.engine));
	pass_time(&fixture, SOAK_MS);
	assert_false(fixture.engine.gate_asked);
	/* Who resumes in another process waits all of it. */
	restart(&fixture, -1);
	schedule(&fixture);
	assert_int_equal(engine_next_ms(&fixture.engine), fixture.now + SOAK_MS);
	engine_abort(&fixture.engine, "ordered", fixture.now, &fixture.output);
	assert_true(engine_is_idle(&fixture.engine));
	close_fixture(&fixture);
}

static void test_a_crash_begins_it_again(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_soaking(&fixture, false);
	finish(&fixture, 0);
	pass_time(&fixture, SOAK_MS - 1);
	restart(&fixture, 0);
	schedule(&fixture);
	pass_time(&fixture, SOAK_MS - 1);
	assert_int_equal(fixture.engine.away, 0);
	pass_time(&fixture, 1);
	assert_int_equal(fixture.engine.away, 2);
	close_fixture(&fixture);
}

/* Nobody looked on while this process was stopped. */
static void test_lost_time_is_not_counted(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_soaking(&fixture, false);
	finish(&fixture, 0);
	engine_lost_time(&fixture.engine, SOAK_MS);
	pass_time(&fixture, SOAK_MS);
	assert_int_equal(fixture.engine.away, 0);
	pass_time(&fixture, SOAK_MS);
	assert_int_equal(fixture.engine.away, 2);
	close_fixture(&fixture);
}

static void test_it_can_fail_already(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_soaking(&fixture, true);
	finish(&fixture, 0);
	engine_stage_answer(&fixture.engine, 0, GATE_PASS, NULL, fixture.now, &fixture.output);
	engine_stage_answer(&fixture.engine, 0, GATE_INCONCLUSIVE, NULL, fixture.now, &fixture.output);
	schedule(&fixture);
	assert_true(engine_is_soaking(&fixture.engine)); /* neither counts before it was asked */
	engine_stage_answer(&fixture.engine, 0, GATE_FAIL, "two are gone", fixture.now, &fixture.output);
	expect_run(&fixture, RUN_PAUSED, "the gate after stage 1 has failed: two are gone");
	assert_true(engine_is_idle(&fixture.engine));
	engine_unpause(&fixture.engine, fixture.now, &fixture.output);
	schedule(&fixture);
	assert_int_equal(engine_next_ms(&fixture.engine), fixture.now + SOAK_MS); /* from the beginning */
	close_fixture(&fixture);
}

static void test_a_retry_ends_the_stage_anew(void **ctx)
{
	struct engine_options options = engine_default_options;
	struct fixture fixture;

	(void)ctx;
	options.stage_soak_ms = SOAK_MS;
	options.stage_gates = true;
	options.max_failures = -1;
	open_staged(&fixture, &options, stages, 2, domains, 3);
	begin(&fixture);
	fail_agent(&fixture, 0);
	pass_time(&fixture, SOAK_MS);
	assert_true(fixture.output.ask_stage_gate);
	engine_stage_answer(&fixture.engine, 0, GATE_FAIL, "503", fixture.now, &fixture.output);
	assert_int_equal(engine_retry(&fixture.engine, fixture.now, &fixture.output), 1);
	schedule(&fixture);
	finish(&fixture, 0);
	assert_true(engine_is_soaking(&fixture.engine));
	assert_int_equal(engine_next_ms(&fixture.engine), fixture.now + SOAK_MS);
	close_fixture(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_next_stage_waits),
		cmocka_unit_test(test_gates_are_asked_afterwards_and_without_it_again),
		cmocka_unit_test(test_a_pause_does_not_wait_for_it),
		cmocka_unit_test(test_a_crash_begins_it_again),
		cmocka_unit_test(test_lost_time_is_not_counted),
		cmocka_unit_test(test_it_can_fail_already),
		cmocka_unit_test(test_a_retry_ends_the_stage_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
