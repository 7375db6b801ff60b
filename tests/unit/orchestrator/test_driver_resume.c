/* SPDX-License-Identifier: Apache-2.0 */
/* The driver is interrupted, and resumed. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/driver_fixture.h"

static void interrupt_when_started(struct fixture *fixture)
{
	if (fixture->hosts[0].step == HOST_STARTING)
		fixture->interrupts = 1;
}

static void test_one_interrupt_finishes_what_is_under_way(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.on_wait = interrupt_when_started;
	assert_int_equal(fixture_drive(&fixture), -1);
	assert_int_equal(fixture.err.kind, ERROR_INTERRUPTED);
	assert_text_has(fixture.err.text, "rollout resume " FIXTURE_RUN);
	fixture_expect_run(&fixture, "paused", "interrupted by the operator");
	fixture_expect_state(&fixture, 0, "done");
	fixture_expect_state(&fixture, 1, "waiting");
	fixture.on_wait = NULL;
	fixture.interrupts = 0;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	fixture_close(&fixture);
}

static void interrupt_the_last(struct fixture *fixture)
{
	if (fixture->hosts[FIXTURE_AGENTS - 1].step == HOST_STARTING)
		fixture->interrupts = 1;
}

/* With nothing left to do the run is done, and the interrupt came too late to mean anything. */
static void test_an_interrupt_of_the_last_agent_changes_nothing(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.on_wait = interrupt_the_last;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	fixture_close(&fixture);
}

static void interrupt_twice(struct fixture *fixture)
{
	if (fixture->hosts[0].step == HOST_STARTED)
		fixture->interrupts = 2;
}

/* Driven until its first agent runs with the new flags, then left. */
static void leave_at_once(struct fixture *fixture)
{
	fixture->on_wait = interrupt_twice;
	assert_int_equal(fixture_drive(fixture), -1);
	assert_int_equal(fixture->err.kind, ERROR_INTERRUPTED);
	fixture->on_wait = NULL;
	fixture->interrupts = 0;
}

static void test_two_interrupts_leave_at_once(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	leave_at_once(&fixture);
	assert_text_has(fixture.err.text, "1 agent is under way");
	assert_int_equal(fixture.hosts[0].step, HOST_STARTED);
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_string_equal(fixture_exec(&fixture, 0, 1)->word, "settle");
	fixture_close(&fixture);
}

static int64_t answered_ms[2];
static size_t answers;

static void note_answer(struct fixture *fixture, struct master_snapshot *snapshot)
{
	(void)snapshot;
	if (answers < 2)
		answered_ms[answers++] = fixture->now;
}

/* When it begins only the host is asked; as soon as that says that its agent runs, the master's word is what is missing. */
static void test_the_master_is_asked_as_soon_as_somebody_waits(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	leave_at_once(&fixture);
	fixture.on_snapshot = note_answer;
	answers = 0;
	error_clear(&fixture.err);
	assert_ok(fixture_drive(&fixture), &fixture.err);
	assert_int_equal(answers, 2);
	assert_in_range(answered_ms[1] - answered_ms[0], 1, 1000);
	fixture_close(&fixture);
}

/* agentctl says only "done" of an operation that is over; that is the evidence the proof needs. */
static void test_a_resume_proves_what_was_kept_meanwhile(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	leave_at_once(&fixture);
	fixture.hosts[0].step = HOST_KEPT; /* by its deadline */
	fixture.now += 600000;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_int_equal(fixture.hosts[0].exec_count, 2);
	fixture_close(&fixture);
}

/* Resumed by a person, the run goes on with the failures that were seen; the stuck agent is asked first. */
static void test_a_paused_run_is_resumed(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[0].behaviour = SAYS_NOTHING;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "stuck");
	fixture.hosts[0].behaviour = BEHAVES;
	fixture.plan.options.window = 2;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	fixture_close(&fixture);
}

static void test_a_row_that_cannot_be_is_corrupt(void **state)
{
	struct fixture fixture;
	struct run_agent row;

	(void)state;
	fixture_open(&fixture);
	row = fixture_row(&fixture, 1);
	free(row.state);
	row.state = xstrdup("half-way");
	ledger_put_agent(fixture.ledger, &row);
	run_agent_clear(&row);
	assert_ok(ledger_commit(fixture.ledger, &fixture.err), &fixture.err);
	assert_int_equal(fixture_drive(&fixture), -1);
	assert_error(&fixture.err, ERROR_CORRUPT, "half-way");
	assert_int_equal(fixture_count(&fixture, "apply"), 0);
	fixture_close(&fixture);

	fixture_open(&fixture);
	fixture.plan.agent_count = 2;
	assert_int_equal(fixture_drive(&fixture), -1);
	assert_error(&fixture.err, ERROR_CORRUPT, "its plan");
	fixture.plan.agent_count = FIXTURE_AGENTS;
	fixture_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_interrupt_finishes_what_is_under_way),
		cmocka_unit_test(test_an_interrupt_of_the_last_agent_changes_nothing),
		cmocka_unit_test(test_two_interrupts_leave_at_once),
		cmocka_unit_test(test_the_master_is_asked_as_soon_as_somebody_waits),
		cmocka_unit_test(test_a_resume_proves_what_was_kept_meanwhile),
		cmocka_unit_test(test_a_paused_run_is_resumed),
		cmocka_unit_test(test_a_row_that_cannot_be_is_corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
