/* SPDX-License-Identifier: Apache-2.0 */
/* Holds, the meltdown guard, abort and unpause. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "tests/support/engine_fixture.h"

static const int none[6] = {-1, -1, -1, -1, -1, -1};

static void test_nothing_starts_while_a_hold_is_on(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, none, 2);
	begin(&fixture);
	engine_hold(&fixture.engine, HOLD_LEADER, true, fixture.now, &fixture.output);
	step(&fixture, 0, EVENT_CLEAR); /* its turn had come, its intent has not */
	assert_int_equal(state(&fixture, 0), AGENT_WAITING);
	schedule(&fixture);
	assert_int_equal(fixture.engine.away, 0);
	engine_hold(&fixture.engine, HOLD_MASTER, true, fixture.now, &fixture.output);
	engine_hold(&fixture.engine, HOLD_LEADER, false, fixture.now, &fixture.output);
	schedule(&fixture);
	assert_int_equal(fixture.engine.away, 0); /* the other one is still on */
	engine_hold(&fixture.engine, HOLD_MASTER, false, fixture.now, &fixture.output);
	schedule(&fixture);
	assert_int_equal(fixture.engine.away, 1);
	assert_int_equal(fixture.engine.state, RUN_RUNNING);
	close_fixture(&fixture);
}

static void test_what_is_under_way_goes_on_in_a_hold(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, none, 1);
	begin(&fixture);
	step(&fixture, 0, EVENT_CLEAR);
	engine_hold(&fixture.engine, HOLD_LEADER, true, fixture.now, &fixture.output);
	walk(&fixture, 0, good + 1, GOOD - 1);
	schedule(&fixture);
	assert_int_equal(fixture.engine.state, RUN_DONE);
	close_fixture(&fixture);
}

static void test_long_hold_pauses(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, none, 2);
	engine_begin(&fixture.engine, 0, fixture.now, &fixture.output);
	engine_hold(&fixture.engine, HOLD_LEADER, true, fixture.now, &fixture.output);
	schedule(&fixture);
	assert_int_equal(engine_next_ms(&fixture.engine), fixture.now + engine_default_options.hold_ms);
	pass_time(&fixture, engine_default_options.check_ms + 1);
	assert_int_equal(fixture.engine.state, RUN_RUNNING); /* no room would have paused by now */
	pass_time(&fixture, engine_default_options.hold_ms);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	assert_string_equal(fixture.engine.reason,
			    "another master leads, and agents are not back at it yet, for longer than 15 min");
	close_fixture(&fixture);
}

static void test_time_in_which_the_process_slept_is_no_hold(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, none, 2);
	engine_begin(&fixture.engine, 0, fixture.now, &fixture.output);
	engine_hold(&fixture.engine, HOLD_LEADER, true, fixture.now, &fixture.output);
	engine_lost_time(&fixture.engine, engine_default_options.hold_ms);
	pass_time(&fixture, engine_default_options.hold_ms);
	assert_int_equal(fixture.engine.state, RUN_RUNNING);
	close_fixture(&fixture);
}

static void test_meltdown(void **ctx)
{
	static const struct {
		int percent, total, bad, own;
		bool stops;
	} cases[] = {
		{0, 10, 10, 0, false},    /* no guard */
		{20, 100, 20, 0, false},  /* 20% are not more than 20% */
		{20, 100, 21, 0, true},   /* for whatever reason, however large the window is */
		{20, 100, 21, 20, true},  /* … as soon as one of them is not its own */
		{20, 3, 1, 1, false},     /* what the run itself has taken away is no meltdown */
		{20, 100, 30, 30, false}, /* the same */
		{20, 3, 1, 0, true},      /* an agent of somebody else is */
		{20, 0, 0, 0, false},
	};

	(void)ctx;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct engine_options options = engine_default_options;
		struct fixture fixture;

		options.meltdown_percent = cases[i].percent;
		options.window = 30;
		open_fixture(&fixture, &options, none, 6);
		begin(&fixture);
		engine_set_cluster(&fixture.engine, cases[i].total, cases[i].bad, cases[i].own, "node3 and 9 more",
				   fixture.now, &fixture.output);
		assert_int_equal(fixture.engine.state, cases[i].stops ? RUN_PAUSED : RUN_RUNNING);
		if (cases[i].stops) {
			assert_non_null(
				strstr(fixture.engine.reason, "more than 20% of them stop the run (node3 and 9 more)"));
			assert_true(engine_is_meltdown(fixture.engine.reason));
			assert_int_equal(fixture.engine.by_state[AGENT_CHECKING], 0); /* taken back at once */
		}
		close_fixture(&fixture);
	}
}

static void test_abort_is_for_ever(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, none, 2);
	begin(&fixture);
	step(&fixture, 0, EVENT_CLEAR);
	engine_output_reset(&fixture.output);
	engine_abort(&fixture.engine, "by mary", fixture.now, &fixture.output);
	assert_true(fixture.output.run_changed);
	assert_false(engine_is_idle(&fixture.engine)); /* what is under way finishes */
	walk(&fixture, 0, good + 1, GOOD - 1);
	schedule(&fixture);
	assert_int_equal(state(&fixture, 0), AGENT_DONE);
	assert_int_equal(state(&fixture, 1), AGENT_WAITING);
	assert_int_equal(fixture.engine.state, RUN_ABORTED);
	assert_true(engine_is_idle(&fixture.engine));
	engine_unpause(&fixture.engine, fixture.now, &fixture.output);
	engine_pause(&fixture.engine, "no", fixture.now, &fixture.output);
	assert_int_equal(fixture.engine.state, RUN_ABORTED);
	assert_string_equal(fixture.engine.reason, "by mary");
	close_fixture(&fixture);
}

/* Its process died: the next one settles what was under way and begins nothing. */
static void test_aborted_run_settles_its_hosts(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, none, 2);
	engine_restore(&fixture.engine, 0, AGENT_CHANGING, 1);
	engine_begin(&fixture.engine, 0, fixture.now, &fixture.output);
	engine_abort(&fixture.engine, "by mary", fixture.now, &fixture.output);
	assert_int_equal(effects(&fixture, EFFECT_ASK), 1);
	schedule(&fixture);
	step(&fixture, 0, EVENT_ABSENT);
	schedule(&fixture);
	assert_int_equal(state(&fixture, 0), AGENT_WAITING);
	assert_true(engine_is_idle(&fixture.engine));
	close_fixture(&fixture);
}

static void test_unpause_goes_on_where_it_was(void **ctx)
{
	struct engine_options options = engine_default_options;
	struct fixture fixture;

	(void)ctx;
	options.window = 3;
	open_fixture(&fixture, &options, none, 5);
	begin(&fixture);
	step(&fixture, 1, EVENT_CLEAR);
	step(&fixture, 2, EVENT_CLEAR);
	step(&fixture, 2, EVENT_HOST_STUCK);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	engine_output_reset(&fixture.output);
	engine_unpause(&fixture.engine, fixture.now, &fixture.output);
	assert_int_equal(fixture.engine.state, RUN_RUNNING);
	assert_int_equal(state(&fixture, 1), AGENT_CHANGING); /* in its conversation */
	assert_int_equal(state(&fixture, 2), AGENT_UNKNOWN);  /* asked again */
	assert_int_equal(effects(&fixture, EFFECT_ASK), 1);
	schedule(&fixture);
	assert_int_equal(fixture.engine.by_state[AGENT_CHECKING], 0); /* not before that one has answered */
	step(&fixture, 2, EVENT_HOST_STUCK);
	schedule(&fixture);
	assert_int_equal(fixture.engine.state, RUN_RUNNING); /* a person knows */
	assert_int_equal(fixture.engine.by_state[AGENT_CHECKING], 1);
	close_fixture(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_starts_while_a_hold_is_on),
		cmocka_unit_test(test_what_is_under_way_goes_on_in_a_hold),
		cmocka_unit_test(test_long_hold_pauses),
		cmocka_unit_test(test_time_in_which_the_process_slept_is_no_hold),
		cmocka_unit_test(test_meltdown),
		cmocka_unit_test(test_abort_is_for_ever),
		cmocka_unit_test(test_aborted_run_settles_its_hosts),
		cmocka_unit_test(test_unpause_goes_on_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
