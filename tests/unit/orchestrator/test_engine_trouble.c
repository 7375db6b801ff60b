/* SPDX-License-Identifier: Apache-2.0 */
/* The engine when things go wrong: lost connections, crashes and resumes. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "tests/support/engine_fixture.h"

/* ---- a lost connection, a crash */

static void test_unknown_is_asked_with_growing_pauses(void **ctx)
{
	const int domains[1] = {-1};
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, domains, 1);
	begin(&fixture);
	step(&fixture, 0, EVENT_CLEAR);
	step(&fixture, 0, EVENT_LOST);
	assert_int_equal(state(&fixture, 0), AGENT_UNKNOWN);
	assert_int_equal(effects(&fixture, EFFECT_ASK), 1);
	for (int64_t pause = 1000; pause <= 8000; pause *= 2) {
		step(&fixture, 0, EVENT_LOST);
		assert_in_range(engine_next_ms(&fixture.engine), fixture.now, fixture.now + pause);
		schedule(&fixture);
		assert_int_equal(effects(&fixture, EFFECT_ASK), 0);
		fixture.now += pause - 1;
		schedule(&fixture);
		assert_int_equal(effects(&fixture, EFFECT_ASK), 0);
		assert_int_equal(engine_next_ms(&fixture.engine), fixture.now + 1);
		fixture.now++;
		schedule(&fixture);
		assert_int_equal(effects(&fixture, EFFECT_ASK), 1);
	}
	step(&fixture, 0, EVENT_ABSENT);
	assert_int_equal(state(&fixture, 0), AGENT_WAITING);
	close_fixture(&fixture);
}

static void test_resume_asks_before_it_starts_anything(void **ctx)
{
	struct engine_options options = engine_default_options;
	const int domains[4] = {-1, -1, -1, -1};
	struct fixture fixture;

	(void)ctx;
	options.window = 3;
	open_fixture(&fixture, &options, domains, 4);
	engine_restore(&fixture.engine, 0, AGENT_DONE, 1);
	engine_restore(&fixture.engine, 1, AGENT_RETURNING, 1);
	engine_restore(&fixture.engine, 2, AGENT_CHECKING, 0);
	begin(&fixture);
	assert_int_equal(state(&fixture, 0), AGENT_DONE);
	assert_int_equal(state(&fixture, 1), AGENT_UNKNOWN);
	assert_int_equal(state(&fixture, 2), AGENT_WAITING);
	assert_int_equal(effects(&fixture, EFFECT_ASK), 1);
	assert_int_equal(effects(&fixture, EFFECT_LOOK), 0);
	/* An answer, whatever it is, frees the rest. */
	step(&fixture, 1, EVENT_OPEN);
	schedule(&fixture);
	assert_int_equal(effects(&fixture, EFFECT_LOOK), 2);
	close_fixture(&fixture);
}

static void test_a_crash_forgives_nothing_a_person_does(void **ctx)
{
	struct engine_options options = engine_default_options;
	const int domains[3] = {-1, -1, -1};
	struct fixture fixture;

	(void)ctx;
	options.max_failures = 1;
	for (int by_person = 0; by_person <= 1; by_person++) {
		open_fixture(&fixture, &options, domains, 3);
		engine_restore(&fixture.engine, 0, AGENT_FAILED, 1);
		engine_begin(&fixture.engine, by_person ? -1 : 0, fixture.now, &fixture.output);
		schedule(&fixture);
		step(&fixture, 1, EVENT_UNFIT);
		assert_int_equal(fixture.engine.state, by_person ? RUN_RUNNING : RUN_PAUSED);
		close_fixture(&fixture);
	}
}

static void test_late_words_are_ignored(void **ctx)
{
	const int domains[1] = {-1};
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, domains, 1);
	begin(&fixture);
	walk(&fixture, 0, good, GOOD);
	assert_int_equal(state(&fixture, 0), AGENT_DONE);
	for (int event = 0; event < AGENT_EVENT_COUNT; event++) {
		step(&fixture, 0, (enum agent_event)event);
		assert_int_equal(state(&fixture, 0), AGENT_DONE);
		assert_int_equal(fixture.output.record_count, 0);
	}
	close_fixture(&fixture);
}

/* An undo that was reported is a failure before it is proven: nobody starts meanwhile. */
static void test_an_undo_is_a_failure_at_once(void **ctx)
{
	const int domains[2] = {-1, -1};
	struct engine_options options = engine_default_options;
	struct fixture fixture;

	(void)ctx;
	options.window = 2;
	open_fixture(&fixture, &options, domains, 2);
	begin(&fixture);
	step(&fixture, 0, EVENT_CLEAR);
	step(&fixture, 0, EVENT_UNDONE);
	assert_int_equal(state(&fixture, 0), AGENT_REVERTING);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	assert_int_equal(state(&fixture, 1), AGENT_WAITING);
	step(&fixture, 0, EVENT_PROVEN);
	assert_int_equal(engine_failures(&fixture.engine), 1);
	close_fixture(&fixture);
}

/* An answer, and not only a try to get one, is what frees the others; but for whoever a person has seen. */
static void test_only_an_answer_frees_the_others(void **ctx)
{
	const int domains[2] = {-1, -1};
	struct engine_options options = engine_default_options;
	struct fixture fixture;

	(void)ctx;
	options.window = 2;
	for (int seen = 0; seen <= 1; seen++) {
		open_fixture(&fixture, &options, domains, 2);
		engine_restore(&fixture.engine, 0, seen ? AGENT_STUCK : AGENT_CHANGING, 1);
		begin(&fixture);
		step(&fixture, 0, EVENT_UNSENT);
		schedule(&fixture);
		assert_int_equal(state(&fixture, 1), seen ? AGENT_CHECKING : AGENT_WAITING);
		close_fixture(&fixture);
	}
}

/* A host where every conversation breaks is not asked for ever. */
static void test_breaking_conversations_end(void **ctx)
{
	const int domains[1] = {-1};
	struct fixture fixture;
	int asked = 0;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, domains, 1);
	begin(&fixture);
	step(&fixture, 0, EVENT_CLEAR);
	step(&fixture, 0, EVENT_STARTED);
	while (state(&fixture, 0) != AGENT_STUCK && asked < 100) {
		step(&fixture, 0, EVENT_LOST);
		asked += effects(&fixture, EFFECT_ASK);
		schedule(&fixture);
		if (state(&fixture, 0) == AGENT_UNKNOWN && effects(&fixture, EFFECT_ASK) == 0 &&
		    fixture.engine.agents[0].ask_at_ms >= 0) {
			fixture.now = engine_next_ms(&fixture.engine);
			schedule(&fixture);
		}
		asked += effects(&fixture, EFFECT_ASK);
		step(&fixture, 0, EVENT_OPEN);
		step(&fixture, 0, EVENT_STARTED);
	}
	assert_int_equal(state(&fixture, 0), AGENT_STUCK);
	assert_in_range(asked, 10, 30);
	close_fixture(&fixture);
}

/* Long conversations that break now and then are no such host. */
static void test_a_conversation_that_lasted_counts_anew(void **ctx)
{
	const int domains[1] = {-1};
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, domains, 1);
	begin(&fixture);
	step(&fixture, 0, EVENT_CLEAR);
	step(&fixture, 0, EVENT_STARTED);
	for (int i = 0; i < 100; i++) {
		fixture.now += 100000;
		step(&fixture, 0, EVENT_LOST);
		assert_int_equal(effects(&fixture, EFFECT_ASK), 1);
		step(&fixture, 0, EVENT_STARTED);
		assert_int_equal(state(&fixture, 0), AGENT_RETURNING);
	}
	close_fixture(&fixture);
}

static void test_a_request_that_never_arrives_is_given_up(void **ctx)
{
	const int domains[1] = {-1};
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, domains, 1);
	begin(&fixture);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(state(&fixture, 0), AGENT_CHECKING);
		step(&fixture, 0, EVENT_CLEAR);
		step(&fixture, 0, EVENT_LOST);
		step(&fixture, 0, EVENT_ABSENT);
		schedule(&fixture);
	}
	assert_int_equal(state(&fixture, 0), AGENT_FAILED);
	close_fixture(&fixture);

	/* Crashes of rollcall between intent and request are not the host's: they are not counted. */
	open_fixture(&fixture, &engine_default_options, domains, 1);
	engine_restore(&fixture.engine, 0, AGENT_CHANGING, 17);
	begin(&fixture);
	step(&fixture, 0, EVENT_ABSENT);
	assert_int_equal(state(&fixture, 0), AGENT_WAITING);
	close_fixture(&fixture);
}

static void test_time_that_was_lost_does_not_count(void **ctx)
{
	const int domains[1] = {-1};
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, domains, 1);
	begin(&fixture);
	step(&fixture, 0, EVENT_CLEAR);
	step(&fixture, 0, EVENT_STARTED);
	fixture.now += 3600000;
	engine_lost_time(&fixture.engine, 3600000);
	schedule(&fixture);
	assert_int_equal(state(&fixture, 0), AGENT_RETURNING);
	assert_in_range(engine_next_ms(&fixture.engine), fixture.now, fixture.now + engine_default_options.return_ms);
	fixture.now += engine_default_options.return_ms - 1;
	schedule(&fixture);
	assert_int_equal(state(&fixture, 0), AGENT_RETURNING);
	assert_int_equal(engine_next_ms(&fixture.engine), fixture.now + 1);
	close_fixture(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_is_asked_with_growing_pauses),
		cmocka_unit_test(test_resume_asks_before_it_starts_anything),
		cmocka_unit_test(test_a_crash_forgives_nothing_a_person_does),
		cmocka_unit_test(test_late_words_are_ignored),
		cmocka_unit_test(test_an_undo_is_a_failure_at_once),
		cmocka_unit_test(test_only_an_answer_frees_the_others),
		cmocka_unit_test(test_breaking_conversations_end),
		cmocka_unit_test(test_a_conversation_that_lasted_counts_anew),
		cmocka_unit_test(test_a_request_that_never_arrives_is_given_up),
		cmocka_unit_test(test_time_that_was_lost_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
