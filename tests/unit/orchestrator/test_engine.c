/* SPDX-License-Identifier: Apache-2.0 */
/* The engine: the table is whole, the window and the budget hold, time moves what nobody else moves. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "tests/support/engine_fixture.h"

/* ---- the table */

static void test_no_pair_has_two_rows(void **ctx)
{
	(void)ctx;
	for (size_t i = 0; i < engine_table_size; i++)
		for (size_t j = i + 1; j < engine_table_size; j++)
			assert_false(engine_table[i].state == engine_table[j].state &&
				     engine_table[i].event == engine_table[j].event);
}

static bool has_row(enum agent_state from, enum agent_event event)
{
	for (size_t i = 0; i < engine_table_size; i++)
		if (engine_table[i].state == from && engine_table[i].event == event)
			return true;
	return false;
}

/* DRAINING is named but nothing leads to it; every other state under way must survive a crash and end by time. */
static void test_every_state_under_way_resumes_and_times_out(void **ctx)
{
	(void)ctx;
	for (int i = 0; i < AGENT_STATE_COUNT; i++) {
		enum agent_state each = (enum agent_state)i;

		if (each == AGENT_DRAINING || !agent_state_is_under_way(each))
			continue;
		assert_true(has_row(each, EVENT_RESUME));
		assert_true(has_row(each, EVENT_TIMEOUT));
	}
}

/* Whatever has an intent is asked about after a crash: never guessed, never begun again. */
static void test_open_states_resume_by_asking(void **ctx)
{
	(void)ctx;
	for (size_t i = 0; i < engine_table_size; i++) {
		const struct engine_row *row = &engine_table[i];

		if (row->event == EVENT_RESUME && agent_state_is_open(row->state)) {
			assert_int_equal(row->next, AGENT_UNKNOWN);
			assert_int_equal(row->effect, EFFECT_ASK);
		}
	}
}

/* There is one way to the intent, and it is the only row that sends a request. */
static void test_only_a_clear_check_applies(void **ctx)
{
	(void)ctx;
	for (size_t i = 0; i < engine_table_size; i++)
		if (engine_table[i].effect == EFFECT_APPLY) {
			assert_int_equal(engine_table[i].state, AGENT_CHECKING);
			assert_int_equal(engine_table[i].event, EVENT_CLEAR);
		}
}

static void test_done_comes_only_from_a_proof(void **ctx)
{
	(void)ctx;
	for (size_t i = 0; i < engine_table_size; i++) {
		if (engine_table[i].next == AGENT_DONE)
			assert_true(engine_table[i].state == AGENT_SOAKING || engine_table[i].state == AGENT_GATING);
		if (engine_table[i].next == AGENT_GATING && engine_table[i].state != AGENT_GATING)
			assert_true(engine_table[i].state == AGENT_SOAKING || engine_table[i].state == AGENT_REJECTED);
		if (engine_table[i].next == AGENT_SOAKING && engine_table[i].state != AGENT_SOAKING)
			assert_int_equal(engine_table[i].event, EVENT_PROVEN);
	}
}

static void test_names_read_back(void **ctx)
{
	(void)ctx;
	for (int i = 0; i < AGENT_STATE_COUNT; i++)
		assert_int_equal(agent_state_parse(agent_state_name((enum agent_state)i)), i);
	for (int i = 0; i < RUN_STATE_COUNT; i++)
		assert_int_equal(run_state_parse(run_state_name((enum run_state)i)), i);
	for (int i = 0; i < AGENT_EVENT_COUNT; i++)
		assert_non_null(agent_event_name((enum agent_event)i));
	assert_int_equal(agent_state_parse("nonsense"), -1);
}

/* ---- a run */

static void test_window_slides(void **ctx)
{
	struct engine_options options = engine_default_options;
	const int domains[5] = {-1, -1, -1, -1, -1};
	struct fixture fixture;

	(void)ctx;
	options.window = 2;
	open_fixture(&fixture, &options, domains, 5);
	begin(&fixture);
	assert_int_equal(effects(&fixture, EFFECT_LOOK), 2);
	assert_int_equal(state(&fixture, 2), AGENT_WAITING);
	walk(&fixture, 0, good, GOOD);
	assert_int_equal(state(&fixture, 0), AGENT_DONE);
	schedule(&fixture);
	/* One is done, one starts: no barrier. */
	assert_int_equal(state(&fixture, 2), AGENT_CHECKING);
	assert_int_equal(state(&fixture, 3), AGENT_WAITING);
	close_fixture(&fixture);
}

static void test_domain_window(void **ctx)
{
	struct engine_options options = engine_default_options;
	const int domains[4] = {0, 0, 1, 1};
	struct fixture fixture;

	(void)ctx;
	options.window = 4;
	options.domain_window = 1;
	open_fixture(&fixture, &options, domains, 4);
	begin(&fixture);
	assert_int_equal(state(&fixture, 0), AGENT_CHECKING);
	assert_int_equal(state(&fixture, 1), AGENT_WAITING);
	assert_int_equal(state(&fixture, 2), AGENT_CHECKING);
	assert_int_equal(state(&fixture, 3), AGENT_WAITING);
	close_fixture(&fixture);
}

static void test_others_away_take_room(void **ctx)
{
	struct engine_options options = engine_default_options;
	const int domains[3] = {-1, -1, -1};
	struct fixture fixture;

	(void)ctx;
	options.window = 1;
	open_fixture(&fixture, &options, domains, 3);
	engine_set_absent(&fixture.engine, 2, true);
	begin(&fixture);
	assert_int_equal(state(&fixture, 0), AGENT_WAITING);
	engine_set_absent(&fixture.engine, 2, false);
	schedule(&fixture);
	assert_int_equal(state(&fixture, 0), AGENT_CHECKING);
	/* And at the last moment before the intent again. */
	engine_set_absent(&fixture.engine, 2, true);
	step(&fixture, 0, EVENT_CLEAR);
	assert_int_equal(state(&fixture, 0), AGENT_WAITING);
	assert_int_equal(effects(&fixture, EFFECT_APPLY), 0);
	close_fixture(&fixture);
}

static void test_budget_stops_starts_and_lets_others_finish(void **ctx)
{
	struct engine_options options = engine_default_options;
	const int domains[4] = {-1, -1, -1, -1};
	struct fixture fixture;

	(void)ctx;
	options.window = 2;
	options.max_failures = 0;
	open_fixture(&fixture, &options, domains, 4);
	begin(&fixture);
	step(&fixture, 0, EVENT_CLEAR);
	step(&fixture, 1, EVENT_CLEAR);
	step(&fixture, 0, EVENT_REFUSED);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	assert_non_null(strstr(fixture.engine.reason, "failure budget"));
	schedule(&fixture);
	assert_int_equal(state(&fixture, 2), AGENT_WAITING);
	assert_false(engine_is_idle(&fixture.engine));
	walk(&fixture, 1, good + 1, GOOD - 1);
	assert_int_equal(state(&fixture, 1), AGENT_DONE);
	schedule(&fixture);
	assert_true(engine_is_idle(&fixture.engine));
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	close_fixture(&fixture);
}

static void test_pause_takes_back_what_has_no_intent(void **ctx)
{
	const int domains[1] = {-1};
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, domains, 1);
	begin(&fixture);
	assert_int_equal(state(&fixture, 0), AGENT_CHECKING);
	engine_pause(&fixture.engine, "asked to", fixture.now, &fixture.output);
	assert_int_equal(state(&fixture, 0), AGENT_WAITING);
	step(&fixture, 0, EVENT_CLEAR);
	assert_int_equal(state(&fixture, 0), AGENT_WAITING);
	close_fixture(&fixture);
}

static void test_stuck_pauses_and_keeps_its_slot(void **ctx)
{
	struct engine_options options = engine_default_options;
	const int domains[3] = {-1, -1, -1};
	struct fixture fixture;

	(void)ctx;
	options.window = 1;
	options.max_failures = 5;
	open_fixture(&fixture, &options, domains, 3);
	begin(&fixture);
	step(&fixture, 0, EVENT_CLEAR);
	step(&fixture, 0, EVENT_STARTED);
	fixture.now += options.return_ms;
	schedule(&fixture);
	assert_int_equal(state(&fixture, 0), AGENT_STUCK);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	assert_int_equal(fixture.engine.away, 1);
	assert_int_equal(state(&fixture, 1), AGENT_WAITING);
	close_fixture(&fixture);
}

static void test_lost_tasks_never_undo(void **ctx)
{
	const int domains[2] = {-1, -1};
	struct fixture fixture;

	(void)ctx;
	open_fixture(&fixture, &engine_default_options, domains, 2);
	begin(&fixture);
	walk(&fixture, 0, good, 3);
	step(&fixture, 0, EVENT_DISPROVEN);
	assert_int_equal(state(&fixture, 0), AGENT_STUCK);
	assert_int_equal(effects(&fixture, EFFECT_KEEP), 1);
	assert_int_equal(fixture.engine.state, RUN_PAUSED);
	close_fixture(&fixture);
}

static void test_done_needs_proof_kept_and_soak(void **ctx)
{
	struct engine_options options = engine_default_options;
	const int domains[1] = {-1};
	struct fixture fixture;

	(void)ctx;
	options.soak_ms = 5000;
	open_fixture(&fixture, &options, domains, 1);
	begin(&fixture);
	walk(&fixture, 0, good, 4);
	assert_int_equal(state(&fixture, 0), AGENT_SOAKING);
	assert_int_equal(effects(&fixture, EFFECT_KEEP), 1);
	step(&fixture, 0, EVENT_HOST_DONE);
	assert_int_equal(state(&fixture, 0), AGENT_SOAKING);
	assert_int_equal(engine_next_ms(&fixture.engine), fixture.now + 5000);
	fixture.now += 5000;
	schedule(&fixture);
	assert_int_equal(state(&fixture, 0), AGENT_DONE);
	assert_int_equal(fixture.engine.state, RUN_DONE);
	close_fixture(&fixture);
}

/* Whatever was known of it: agentctl's last word counts. */
static void test_agentctls_last_word_counts(void **ctx)
{
	static const enum agent_state from[] = {AGENT_CHANGING, AGENT_RETURNING, AGENT_PROVING, AGENT_SOAKING,
						AGENT_UNKNOWN};
	const int domains[2] = {-1, -1};
	struct engine_options options = engine_default_options;
	struct fixture fixture;

	(void)ctx;
	options.max_failures = 2;
	for (size_t i = 0; i < sizeof from / sizeof from[0]; i++)
		for (int stuck = 0; stuck <= 1; stuck++) {
			open_fixture(&fixture, &options, domains, 2);
			begin(&fixture);
			step(&fixture, 0, EVENT_CLEAR);
			if (from[i] == AGENT_UNKNOWN)
				step(&fixture, 0, EVENT_LOST);
			else
				walk(&fixture, 0, good + 1, (size_t)(from[i] - AGENT_CHANGING));
			assert_int_equal(state(&fixture, 0), from[i]);
			step(&fixture, 0, stuck ? EVENT_HOST_STUCK : EVENT_UNDONE);
			assert_int_equal(state(&fixture, 0), stuck ? AGENT_STUCK : AGENT_REVERTING);
			assert_int_equal(fixture.engine.state, stuck ? RUN_PAUSED : RUN_RUNNING);
			close_fixture(&fixture);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_pair_has_two_rows),
		cmocka_unit_test(test_every_state_under_way_resumes_and_times_out),
		cmocka_unit_test(test_open_states_resume_by_asking),
		cmocka_unit_test(test_only_a_clear_check_applies),
		cmocka_unit_test(test_done_comes_only_from_a_proof),
		cmocka_unit_test(test_names_read_back),
		cmocka_unit_test(test_window_slides),
		cmocka_unit_test(test_domain_window),
		cmocka_unit_test(test_others_away_take_room),
		cmocka_unit_test(test_budget_stops_starts_and_lets_others_finish),
		cmocka_unit_test(test_pause_takes_back_what_has_no_intent),
		cmocka_unit_test(test_stuck_pauses_and_keeps_its_slot),
		cmocka_unit_test(test_lost_tasks_never_undo),
		cmocka_unit_test(test_done_needs_proof_kept_and_soak),
		cmocka_unit_test(test_agentctls_last_word_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
