/* SPDX-License-Identifier: Apache-2.0 */
/* Failure budgets, each with its words; what a person has seen counts no longer, also after a crash. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "tests/support/engine_fixture.h"

static const int none[6] = {-1, -1, -1, -1, -1, -1};

static void test_run_budget_stops_when_it_is_exceeded(void **ctx)
{
	struct engine_options options = unlimited();
	struct fixture fixture;

	(void)ctx;
	options.max_failures = 2;
	open_fixture(&fixture, &options, none, 6);
	begin(&fixture);
	fail_agent(&fixture, 0);
	fail_agent(&fixture, 1);
	expect_run(&fixture, RUN_RUNNING, "");
	fail_agent(&fixture, 2);
	expect_run(&fixture, RUN_PAUSED, "the failure budget is spent: 3 agents have failed, more than 2 stop the run");
	close_fixture(&fixture);
}

static void test_first_failure_stops_without_a_budget(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, none, 2);
	begin(&fixture);
	fail_agent(&fixture, 0);
	expect_run(&fixture, RUN_PAUSED, "the failure budget is spent: 1 agent has failed, one failure stops the run");
	close_fixture(&fixture);
}

static void test_failures_in_a_row_stop_when_reached(void **ctx)
{
	struct engine_options options = unlimited();
	struct fixture fixture;

	(void)ctx;
	options.max_consecutive = 2;
	open_fixture(&fixture, &options, none, 6);
	begin(&fixture);
	fail_agent(&fixture, 5);
	finish(&fixture, 0); /* in the order in which they end, not of position */
	fail_agent(&fixture, 4);
	expect_run(&fixture, RUN_RUNNING, "");
	fail_agent(&fixture, 1);
	expect_run(&fixture, RUN_PAUSED, "2 agents have failed one after the other: 2 in a row stop the run");
	close_fixture(&fixture);
}

static void test_failures_in_a_row_are_counted_across_a_crash(void **ctx)
{
	struct engine_options options = unlimited();
	struct fixture fixture;

	(void)ctx;
	options.max_consecutive = 2;
	open_fixture(&fixture, &options, none, 6);
	begin(&fixture);
	fail_agent(&fixture, 0);
	assert_int_equal(fixture.engine.in_a_row, 1);
	restart(&fixture, 0);
	fail_agent(&fixture, 1);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	restart(&fixture, -1);
	assert_int_equal(fixture.engine.in_a_row, 0);
	close_fixture(&fixture);
}

static void test_on_failure(void **ctx)
{
	const enum run_state ends[ON_FAILURE_COUNT] = {RUN_PAUSED, RUN_PAUSED, RUN_ABORTED};

	(void)ctx;
	for (int policy = 0; policy < ON_FAILURE_COUNT; policy++) {
		struct engine_options options = engine_default_options;
		struct fixture fixture;

		options.window = 2;
		options.on_failure = (enum engine_on_failure)policy;
		open_fixture(&fixture, &options, none, 4);
		begin(&fixture);
		step(&fixture, 1, EVENT_CLEAR);
		fail_agent(&fixture, 0);
		assert_int_equal(fixture.engine.state, ends[policy]);
		assert_int_equal(fixture.engine.wants_rollback, policy == ON_FAILURE_ROLLBACK);
		assert_int_equal(state(&fixture, 1), AGENT_CHANGING); /* what is under way finishes */
		walk(&fixture, 1, good + 1, GOOD - 1);
		schedule(&fixture);
		assert_int_equal(fixture.engine.state, ends[policy]);
		assert_true(engine_is_idle(&fixture.engine));
		assert_int_equal(fixture.engine.by_state[AGENT_WAITING], 2);
		close_fixture(&fixture);
	}
}

/* The last agent of all fails: there is nothing to stop, but there is something to roll back. */
static void test_rollback_is_still_wanted_when_all_are_over(void **ctx)
{
	struct engine_options options = engine_default_options;
	struct fixture fixture;

	(void)ctx;
	options.on_failure = ON_FAILURE_ROLLBACK;
	open_fixture(&fixture, &options, none, 2);
	begin(&fixture);
	finish(&fixture, 0);
	fail_agent(&fixture, 1);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	restart(&fixture, 0);
	assert_true(fixture.engine.wants_rollback); /* a crash forgets it not */
	restart(&fixture, -1);
	assert_false(fixture.engine.wants_rollback); /* whoever resumes decides otherwise */
	assert_int_equal(fixture.engine.state, RUN_DONE);
	close_fixture(&fixture);
}

/* A stuck agent pauses a run that would only pause; one that would abort or roll back does so. */
static void test_stuck_agent_and_policy(void **ctx)
{
	(void)ctx;
	for (int policy = 0; policy < ON_FAILURE_COUNT; policy++) {
		struct engine_options options = engine_default_options;
		struct fixture fixture;

		options.on_failure = (enum engine_on_failure)policy;
		open_fixture(&fixture, &options, none, 2);
		begin(&fixture);
		step(&fixture, 0, EVENT_CLEAR);
		step(&fixture, 0, EVENT_HOST_STUCK);
		assert_int_equal(fixture.engine.state, policy == ON_FAILURE_ABORT ? RUN_ABORTED : RUN_PAUSED);
		assert_int_equal(fixture.engine.wants_rollback, policy == ON_FAILURE_ROLLBACK);
		if (policy == ON_FAILURE_PAUSE)
			assert_non_null(strstr(fixture.engine.reason, "needs a person"));
		else
			assert_non_null(strstr(fixture.engine.reason, "failure budget"));
		close_fixture(&fixture);
	}
}

static void test_what_was_seen_counts_no_longer(void **ctx)
{
	const int domains[6] = {0, 0, 0, 0, 0, 0};
	struct engine_options options = unlimited();
	struct fixture fixture;

	(void)ctx;
	options.domain_max_failures = 0;
	open_fixture(&fixture, &options, domains, 6);
	begin(&fixture);
	fail_agent(&fixture, 0);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	restart(&fixture, -1); /* a person resumes */
	assert_int_equal(fixture.engine.domain_failures[0], 0);
	assert_int_equal(fixture.engine.forgiven, 1);
	restart(&fixture, fixture.engine.forgiven); /* a crash */
	assert_int_equal(fixture.engine.domain_failures[0], 0);
	assert_int_equal(fixture.engine.state, RUN_RUNNING);
	fail_agent(&fixture, 1);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	close_fixture(&fixture);
}

/* Tried again and failed again, it is a new failure. */
static void test_retry_is_not_forgiven_beforehand(void **ctx)
{
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, none, 2);
	begin(&fixture);
	fail_agent(&fixture, 0);
	engine_unpause(&fixture.engine, fixture.now, &fixture.output);
	step(&fixture, 0, EVENT_RETRY);
	assert_true(fixture.output.run_changed);
	assert_int_equal(fixture.engine.forgiven, 0);
	schedule(&fixture);
	fail_agent(&fixture, 0);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	close_fixture(&fixture);
}

static void test_memory_reads_back(void **ctx)
{
	static const int domains[6] = {0, 1, 0, 1, -1, -1};
	static const char *const good_ones[] = {"",
						"passed 1",
						"row 2",
						"row 50",
						"stage_rows 0:7",
						"domain_rows 0:2,1:1",
						"passed 1 row 1 stage_rows 0:3 domain_rows 1:9 rollback 1 seen 0-2,4"};
	static const char *const bad_ones[] = {"seen",
					       "seen ",
					       "seen 9",
					       "seen 3-1",
					       "seen 1-",
					       "passed",
					       "passed x",
					       "passed 7",
					       "nonsense 1",
					       "row 1 ,",
					       "seen 1,,2",
					       "row 99999999999999",
					       "stage_rows",
					       "stage_rows 1:1",
					       "stage_rows 0",
					       "stage_rows 0:",
					       "domain_rows 2:1",
					       "domain_rows 0:1,",
					       "domain_rows 0:1;1:1"};

	(void)ctx;
	for (size_t i = 0; i < sizeof good_ones / sizeof *good_ones + sizeof bad_ones / sizeof *bad_ones; i++) {
		bool bad = i >= sizeof good_ones / sizeof *good_ones;
		const char *text = bad ? bad_ones[i - sizeof good_ones / sizeof *good_ones] : good_ones[i];
		struct buffer out = BUFFER_INIT(1000);
		struct error err = ERROR_INIT;
		struct fixture fixture;

		open_fixture(&fixture, &engine_default_options, domains, 6);
		for (size_t j = 0; j < 6; j++)
			engine_restore(&fixture.engine, j, AGENT_FAILED, 1);
		assert_int_equal(engine_restore_memory(&fixture.engine, text, &err), bad ? -1 : 0);
		if (bad)
			assert_int_equal(err.kind, ERROR_CORRUPT);
		engine_write_memory(&fixture.engine, &out);
		if (!bad)
			assert_string_equal(buffer_text(&out), text);
		buffer_clear(&out);
		close_fixture(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_budget_stops_when_it_is_exceeded),
		cmocka_unit_test(test_first_failure_stops_without_a_budget),
		cmocka_unit_test(test_failures_in_a_row_stop_when_reached),
		cmocka_unit_test(test_failures_in_a_row_are_counted_across_a_crash),
		cmocka_unit_test(test_on_failure),
		cmocka_unit_test(test_rollback_is_still_wanted_when_all_are_over),
		cmocka_unit_test(test_stuck_agent_and_policy),
		cmocka_unit_test(test_what_was_seen_counts_no_longer),
		cmocka_unit_test(test_retry_is_not_forgiven_beforehand),
		cmocka_unit_test(test_memory_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
