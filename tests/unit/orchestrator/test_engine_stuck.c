/* SPDX-License-Identifier: Apache-2.0 */
/* Agents that a person must look at: stuck ones, those that are tried once more, and those that leave after they were done. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "tests/support/engine_fixture.h"

static void test_a_stuck_agent_seen_before_does_not_pause_again(void **ctx)
{
	struct engine_options options = engine_default_options;
	const int domains[2] = {-1, -1};
	struct fixture fixture;

	(void)ctx;
	options.window = 2;
	open_fixture(&fixture, &options, domains, 2);
	engine_restore(&fixture.engine, 0, AGENT_STUCK, 1);
	engine_begin(&fixture.engine, -1, fixture.now, &fixture.output);
	assert_int_equal(state(&fixture, 0), AGENT_UNKNOWN);
	step(&fixture, 0, EVENT_STARTED);
	step(&fixture, 0, EVENT_RETURNED);
	step(&fixture, 0, EVENT_DISPROVEN);
	assert_int_equal(state(&fixture, 0), AGENT_STUCK);
	assert_int_equal(fixture.engine.state, RUN_RUNNING);
	schedule(&fixture);
	assert_int_equal(state(&fixture, 1), AGENT_CHECKING);
	close_fixture(&fixture);
}

/* It holds nobody up, but a run that would leave it behind is not done, however often it is resumed. */
static void test_a_run_with_a_stuck_agent_is_never_done(void **ctx)
{
	struct engine_options options = engine_default_options;
	const int domains[2] = {-1, -1};
	struct fixture fixture;

	(void)ctx;
	options.window = 2;
	open_fixture(&fixture, &options, domains, 2);
	engine_restore(&fixture.engine, 0, AGENT_STUCK, 1);
	engine_begin(&fixture.engine, -1, fixture.now, &fixture.output);
	step(&fixture, 0, EVENT_HOST_STUCK);
	schedule(&fixture);
	finish(&fixture, 1);
	assert_int_equal(state(&fixture, 1), AGENT_DONE);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	assert_non_null(strstr(fixture.engine.reason, "1 agent is still stuck"));
	assert_true(engine_is_idle(&fixture.engine));

	engine_unpause(&fixture.engine, fixture.now, &fixture.output);
	assert_int_equal(state(&fixture, 0), AGENT_UNKNOWN);
	step(&fixture, 0, EVENT_TIMEOUT);
	schedule(&fixture);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);

	restart(&fixture, -1);
	step(&fixture, 0, EVENT_UNDONE);
	step(&fixture, 0, EVENT_PROVEN);
	schedule(&fixture);
	assert_int_equal(state(&fixture, 0), AGENT_REVERTED);
	assert_int_equal(fixture.engine.state, RUN_DONE);
	close_fixture(&fixture);
}

/* Ordered while their fate was open, and carried out when it is known: by whoever drives then. */
static void test_a_retry_waits_for_what_is_not_settled(void **ctx)
{
	const int domains[2] = {-1, -1};

	(void)ctx;
	for (int crash = 0; crash <= 1; crash++) {
		struct fixture fixture;

		open_fixture(&fixture, &engine_default_options, domains, 2);
		begin(&fixture);
		step(&fixture, 0, EVENT_CLEAR);
		step(&fixture, 0, EVENT_UNDONE);
		assert_int_equal(state(&fixture, 0), AGENT_REVERTING);
		assert_int_equal(engine_retry(&fixture.engine, fixture.now, &fixture.output), 1);
		assert_true(fixture.output.run_changed);
		if (crash) {
			restart(&fixture, 0);
			step(&fixture, 0, EVENT_UNDONE);
		}
		step(&fixture, 0, EVENT_PROVEN);
		assert_int_equal(state(&fixture, 0), AGENT_WAITING);
		/* Once: the next failure is one. */
		schedule(&fixture);
		fail_agent(&fixture, 0);
		assert_int_equal(fixture.engine.state, RUN_PAUSED);
		close_fixture(&fixture);
	}
}

/* Whose host has answered is under way like any other: what becomes of it is a failure of its own, which nobody has seen. */
static void test_a_retry_does_not_speak_of_what_is_under_way(void **ctx)
{
	static const enum agent_event answers[] = {EVENT_OPEN, EVENT_STARTED};
	const int domains[2] = {-1, -1};

	(void)ctx;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct fixture fixture;

		open_fixture(&fixture, &engine_default_options, domains, 2);
		begin(&fixture);
		step(&fixture, 0, EVENT_CLEAR);
		step(&fixture, 0, EVENT_LOST);
		step(&fixture, 0, answers[i]);
		assert_int_equal(engine_retry(&fixture.engine, fixture.now, &fixture.output), 0);
		step(&fixture, 0, EVENT_UNDONE);
		assert_int_equal(fixture.engine.state, RUN_PAUSED);
		step(&fixture, 0, EVENT_PROVEN);
		assert_int_equal(state(&fixture, 0), AGENT_REVERTED);
		close_fixture(&fixture);
	}
}

/* Every run ends: nobody under way, no room, and nobody who makes any. */
static void test_a_full_window_of_stuck_agents_pauses(void **ctx)
{
	const int domains[2] = {-1, -1};
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, domains, 2);
	engine_restore(&fixture.engine, 0, AGENT_STUCK, 1);
	engine_begin(&fixture.engine, -1, fixture.now, &fixture.output);
	step(&fixture, 0, EVENT_STARTED);
	step(&fixture, 0, EVENT_RETURNED);
	step(&fixture, 0, EVENT_DISPROVEN);
	schedule(&fixture);
	assert_int_equal(fixture.engine.state, RUN_RUNNING);
	fixture.now = engine_next_ms(&fixture.engine);
	schedule(&fixture);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	assert_true(engine_is_idle(&fixture.engine));
	close_fixture(&fixture);
}

/* What a person has seen stuck is forgiven with its operation, and gives nobody else's failure a free place. */
static void test_a_stuck_agent_is_forgiven_once(void **ctx)
{
	const int domains[3] = {-1, -1, -1};
	struct engine_options options = engine_default_options;
	struct fixture fixture;

	(void)ctx;
	options.window = 3;
	/* It comes to a good end after all; then the first failure is one too many. */
	open_fixture(&fixture, &options, domains, 3);
	engine_restore(&fixture.engine, 0, AGENT_STUCK, 1);
	engine_begin(&fixture.engine, -1, fixture.now, &fixture.output);
	walk(&fixture, 0, good + 1, GOOD - 1);
	assert_int_equal(state(&fixture, 0), AGENT_DONE);
	schedule(&fixture);
	step(&fixture, 1, EVENT_UNFIT);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	close_fixture(&fixture);

	/* It turns out never to have begun, is begun anew, and is stuck again: that is news. */
	open_fixture(&fixture, &options, domains, 3);
	engine_restore(&fixture.engine, 0, AGENT_STUCK, 1);
	engine_begin(&fixture.engine, -1, fixture.now, &fixture.output);
	step(&fixture, 0, EVENT_ABSENT);
	schedule(&fixture);
	step(&fixture, 0, EVENT_CLEAR);
	step(&fixture, 0, EVENT_HOST_STUCK);
	assert_int_equal(state(&fixture, 0), AGENT_STUCK);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	close_fixture(&fixture);
}

/* ---- done, and gone */

/* It may be back soon; else no run ends as if all were well. Whoever resumes has seen it. */
static void test_an_agent_that_leaves_when_it_is_done(void **ctx)
{
	const int domains[2] = {-1, -1};
	struct engine_options options = engine_default_options;
	struct fixture fixture;

	(void)ctx;
	options.window = 2;
	for (int back = 0; back <= 1; back++) {
		open_fixture(&fixture, &options, domains, 2);
		begin(&fixture);
		finish(&fixture, 0);
		engine_set_absent(&fixture.engine, 0, true);
		finish(&fixture, 1);
		assert_int_equal(fixture.engine.state, RUN_RUNNING);
		assert_false(engine_is_idle(&fixture.engine));
		assert_int_equal(engine_next_ms(&fixture.engine), fixture.now + options.return_ms);
		pass_time(&fixture, options.return_ms - 1);
		assert_int_equal(fixture.engine.state, RUN_RUNNING);
		if (back)
			engine_set_absent(&fixture.engine, 0, false);
		pass_time(&fixture, 1);
		assert_int_equal(fixture.engine.state, back ? RUN_DONE : RUN_PAUSED);
		assert_true(engine_is_idle(&fixture.engine));
		if (!back) {
			assert_non_null(strstr(fixture.engine.reason, "1 agent that was done is not active"));
			pass_time(&fixture, 1);
			assert_int_equal(fixture.engine.state, RUN_PAUSED);
			restart(&fixture, -1);
			assert_int_equal(fixture.engine.state, RUN_DONE);
		}
		close_fixture(&fixture);
	}
}

/* Of one that has failed the run says so anyway. */
static void test_a_failed_agent_that_leaves(void **ctx)
{
	const int domains[2] = {-1, -1};
	struct engine_options options = engine_default_options;
	struct fixture fixture;

	(void)ctx;
	options.window = 2;
	options.max_failures = -1;
	open_fixture(&fixture, &options, domains, 2);
	begin(&fixture);
	fail_agent(&fixture, 0);
	engine_set_absent(&fixture.engine, 0, true);
	finish(&fixture, 1);
	assert_int_equal(fixture.engine.state, RUN_DONE);
	close_fixture(&fixture);
}

/* Who has just been started has not heard of any agent yet: that everything was done before does not mean that all are there. */
static void test_nothing_is_done_before_a_master_has_answered(void **ctx)
{
	const int domains[1] = {-1};
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, domains, 1);
	engine_restore(&fixture.engine, 0, AGENT_DONE, 1);
	fixture.engine.unseen = true;
	engine_begin(&fixture.engine, -1, fixture.now, &fixture.output);
	schedule(&fixture);
	assert_int_equal(fixture.engine.state, RUN_RUNNING);
	assert_false(engine_is_idle(&fixture.engine));
	fixture.engine.unseen = false;
	schedule(&fixture);
	assert_int_equal(fixture.engine.state, RUN_DONE);
	close_fixture(&fixture);

	open_fixture(&fixture, &engine_default_options, domains, 1);
	engine_restore(&fixture.engine, 0, AGENT_DONE, 1);
	fixture.engine.unseen = true;
	engine_begin(&fixture.engine, -1, fixture.now, &fixture.output);
	schedule(&fixture);
	fixture.now = engine_next_ms(&fixture.engine);
	schedule(&fixture);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	assert_non_null(strstr(fixture.engine.reason, "no master has said"));
	close_fixture(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_stuck_agent_seen_before_does_not_pause_again),
		cmocka_unit_test(test_a_run_with_a_stuck_agent_is_never_done),
		cmocka_unit_test(test_a_retry_waits_for_what_is_not_settled),
		cmocka_unit_test(test_a_retry_does_not_speak_of_what_is_under_way),
		cmocka_unit_test(test_a_full_window_of_stuck_agents_pauses),
		cmocka_unit_test(test_a_stuck_agent_is_forgiven_once),
		cmocka_unit_test(test_an_agent_that_leaves_when_it_is_done),
		cmocka_unit_test(test_a_failed_agent_that_leaves),
		cmocka_unit_test(test_nothing_is_done_before_a_master_has_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
