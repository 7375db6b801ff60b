/* SPDX-License-Identifier: Apache-2.0 */
/* Orders of other terminals: what the driver makes of them, whenever they come. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/ledger/ledger_backend.h"
#include "tests/support/driver_fixture.h"

static void order(struct fixture *fixture, const char *verb)
{
	const struct run_order given = {.run = (char *)(uintptr_t)FIXTURE_RUN,
					.verb = (char *)(uintptr_t)verb,
					.actor = (char *)(uintptr_t) "bert@admin2",
					.time_ms = 1};

	ledger_put_order(fixture->ledger, &given);
	assert_ok(ledger_commit(fixture->ledger, &fixture->err), &fixture->err);
}

static void expect_no_order(struct fixture *fixture)
{
	struct run_order open;

	assert_int_equal(ledger_next_order(fixture->ledger, FIXTURE_RUN, &open, &fixture->err), 0);
}

static int count_obeyed(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	int *count = ctx;

	(void)err;
	*count += strcmp(entry->kind, "run.obeyed") == 0;
	return 0;
}

static int obeyed(struct fixture *fixture)
{
	int count = 0;

	assert_int_equal(fixture->ledger->backend->walk(fixture->ledger, count_obeyed, &count, &fixture->err), 0);
	return count;
}

static void pause_when_started(struct fixture *fixture)
{
	if (fixture->hosts[0].step != HOST_STARTING)
		return;
	order(fixture, "pause");
	fixture->on_wait = NULL;
}

static void test_a_pause_finishes_what_is_under_way(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.on_wait = pause_when_started;
	assert_int_equal(fixture_drive(&fixture), -1);
	assert_error(&fixture.err, ERROR_INTERRUPTED, "paused by bert@admin2");
	fixture_expect_run(&fixture, "paused", "paused by bert@admin2");
	fixture_expect_state(&fixture, 0, "done");
	fixture_expect_state(&fixture, 1, "waiting");
	expect_no_order(&fixture);
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	fixture_close(&fixture);
}

static void pause_and_resume(struct fixture *fixture)
{
	if (fixture->hosts[0].step != HOST_STARTING)
		return;
	order(fixture, "pause");
	order(fixture, "resume");
	fixture->on_wait = NULL;
}

/* In the order in which they came; the run never stops. */
static void test_a_resume_takes_a_pause_back(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.on_wait = pause_and_resume;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	expect_no_order(&fixture);
	fixture_close(&fixture);
}

static void abort_when_started(struct fixture *fixture)
{
	if (fixture->hosts[0].step != HOST_STARTING)
		return;
	order(fixture, "abort");
	fixture->on_wait = NULL;
}

static void test_an_abort_is_for_good(void **state)
{
	struct run_row run;
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.on_wait = abort_when_started;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_run(&fixture, "aborted", "aborted by bert@admin2");
	fixture_expect_state(&fixture, 0, "done");
	fixture_expect_state(&fixture, 1, "waiting");
	run = fixture_run(&fixture);
	assert_int_not_equal(run.finished_ms, 0);
	run_row_clear(&run);
	/* Driven once more it changes nothing, whatever it is told. */
	order(&fixture, "resume");
	order(&fixture, "retry");
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_run(&fixture, "aborted", "aborted by bert@admin2");
	assert_int_equal(fixture_count(&fixture, "apply"), 1);
	fixture_close(&fixture);
}

static void leave_at_once(struct fixture *fixture)
{
	if (fixture->hosts[0].step == HOST_STARTED)
		fixture->interrupts = 2;
}

/* Aborted while nobody drove it: the one that was under way is brought to its end, and no other begins. */
static void test_an_aborted_run_is_settled(void **state)
{
	struct run_row run;
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.on_wait = leave_at_once;
	assert_int_equal(fixture_drive(&fixture), -1);
	fixture.on_wait = NULL;
	fixture.interrupts = 0;
	run = fixture_run(&fixture);
	free(run.state);
	run.state = xstrdup("aborted");
	run.reason = xstrdup("aborted by anna");
	ledger_put_run(fixture.ledger, &run);
	assert_ok(ledger_commit(fixture.ledger, &fixture.err), &fixture.err);
	run_row_clear(&run);
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_run(&fixture, "aborted", "aborted by anna");
	fixture_expect_state(&fixture, 0, "done");
	fixture_expect_state(&fixture, 1, "waiting");
	assert_int_equal(fixture_count(&fixture, "apply"), 1);
	fixture_close(&fixture);
}

static void test_a_retry_changes_what_failed(void **state)
{
	static const enum behaviour failures[] = {REFUSES, UNREACHABLE, UNDOES};

	(void)state;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		struct fixture fixture;

		fixture_open(&fixture);
		fixture.hosts[1].behaviour = failures[i];
		fixture.plan.options.max_failures = 1;
		assert_ok(fixture_drive(&fixture), &fixture.err);
		fixture_expect_state(&fixture, 2, "done");
		fixture_expect_run(&fixture, "done", NULL);
		fixture.hosts[1].behaviour = BEHAVES;
		order(&fixture, "retry");
		assert_ok(fixture_drive(&fixture), &fixture.err);
		fixture_expect_done(&fixture);
		/* Given before the driver was there, and obeyed once. */
		assert_int_equal(obeyed(&fixture), 1);
		assert_string_not_equal(fixture_exec(&fixture, 1, 0)->request.operation,
					fixture_exec(&fixture, 1, fixture.hosts[1].exec_count - 1)->request.operation);
		assert_int_equal(fixture.hosts[0].exec_count, 1);
		fixture_close(&fixture);
	}
}

/* A stuck one is asked first; once it is settled as it was, it is changed anew. */
static void test_a_retry_settles_the_stuck_ones_first(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[0].behaviour = SAYS_NOTHING;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "stuck");
	/* A person has been there, and has put the old state back. */
	fixture.hosts[0].behaviour = BEHAVES;
	fixture.hosts[0].step = HOST_UNDONE;
	fixture.hosts[0].active = true;
	fixture.hosts[0].reregistered_ns = fixture.now;
	order(&fixture, "retry");
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_string_equal(fixture_exec(&fixture, 0, fixture.hosts[0].exec_count - 1)->word, "apply");
	fixture_close(&fixture);
}

/* Asked, and stuck as before: the run does not end as if all were well. */
static void test_a_retry_that_stays_stuck_pauses(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.plan.options.window = 2;
	fixture.hosts[0].behaviour = SAYS_NOTHING;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "stuck");
	for (int i = 0; i < 2; i++) {
		order(&fixture, "retry");
		assert_ok(fixture_drive(&fixture), &fixture.err);
		fixture_expect_state(&fixture, 0, "stuck");
		fixture_expect_state(&fixture, 2, "done");
		fixture_expect_run(&fixture, "paused", "1 agent is still stuck");
		assert_int_equal(obeyed(&fixture), i + 1);
	}
	fixture_close(&fixture);
}

static int64_t finished_ms(struct fixture *fixture)
{
	struct run_row run = fixture_run(fixture);
	int64_t ms = run.finished_ms;

	run_row_clear(&run);
	return ms;
}

/* Each end has its time, and what is not over has none. */
static void test_a_retried_run_gets_an_end_of_its_own(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[1].behaviour = REFUSES;
	fixture.plan.options.max_failures = 1;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	int64_t first = finished_ms(&fixture);
	assert_int_not_equal(first, 0);
	fixture.now += 60000;
	fixture.hosts[1].behaviour = SAYS_NOTHING;
	order(&fixture, "retry");
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_run(&fixture, "paused", "needs a person");
	assert_int_equal(finished_ms(&fixture), 0);
	fixture.hosts[1].behaviour = BEHAVES;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_true(finished_ms(&fixture) > first);
	fixture_close(&fixture);
}

/* A run in the given state with its first agent stuck, which somebody has mended since. */
static void leave_stuck(struct fixture *fixture, const char *run_state)
{
	struct run_row run;

	fixture_open(fixture);
	fixture->hosts[0].behaviour = SAYS_NOTHING;
	assert_ok(fixture_drive(fixture), &fixture->err);
	fixture_expect_state(fixture, 0, "stuck");
	run = fixture_run(fixture);
	free(run.state);
	run.state = xstrdup(run_state);
	run.finished_ms = strcmp(run_state, "aborted") == 0 || strcmp(run_state, "done") == 0 ? 4711 : 0;
	ledger_put_run(fixture->ledger, &run);
	assert_ok(ledger_commit(fixture->ledger, &fixture->err), &fixture->err);
	run_row_clear(&run);
	fixture->hosts[0].behaviour = BEHAVES;
	fixture->hosts[0].step = HOST_UNDONE;
	fixture->hosts[0].active = true;
	fixture->hosts[0].reregistered_ns = fixture->now;
}

/* Whatever state the run is in: the agent is settled, nobody else is touched, and the run stays as it is. */
static void test_settling_settles_and_nothing_else(void **state)
{
	static const char *const states[][2] = {
		{"paused", "paused"}, {"aborted", "aborted"}, {"done", "done"}, {"running", "paused"}};

	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct fixture fixture;

		leave_stuck(&fixture, states[i][0]);
		fixture.settles = true;
		order(&fixture, "settle");
		assert_ok(fixture_drive(&fixture), &fixture.err);
		fixture_expect_state(&fixture, 0, "reverted");
		fixture_expect_state(&fixture, 1, "waiting");
		assert_int_equal(fixture_count(&fixture, "apply"), 1);
		assert_int_equal(finished_ms(&fixture), strcmp(states[i][0], "paused") < 0 ? 4711 : 0);
		struct run_row run = fixture_run(&fixture);
		assert_string_equal(run.state, states[i][1]);
		run_row_clear(&run);
		assert_int_equal(obeyed(&fixture), 1);
		fixture_close(&fixture);
	}
}

static void test_an_unknown_order_does_no_harm(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	order(&fixture, "dance");
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	expect_no_order(&fixture);
	fixture_close(&fixture);
}

/* An order is carried out once, or again by the next driver: never forgotten, wherever the first one died. */
static void test_a_crash_forgets_no_order(void **state)
{
	bool whole = false;

	(void)state;
	for (int at = 0; !whole; at++) {
		struct fixture fixture;

		fixture_open(&fixture);
		order(&fixture, "abort");
		whole = fixture_drive_until(&fixture, at);
		assert_int_equal(fixture_count(&fixture, "apply"), 0);
		assert_ok(fixture_drive(&fixture), &fixture.err);
		fixture_expect_run(&fixture, "aborted", "bert@admin2");
		expect_no_order(&fixture);
		assert_int_equal(fixture_count(&fixture, "apply"), 0);
		fixture_close(&fixture);
		assert_true(at < 100);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pause_finishes_what_is_under_way),
		cmocka_unit_test(test_a_resume_takes_a_pause_back),
		cmocka_unit_test(test_an_abort_is_for_good),
		cmocka_unit_test(test_an_aborted_run_is_settled),
		cmocka_unit_test(test_a_retry_changes_what_failed),
		cmocka_unit_test(test_a_retry_settles_the_stuck_ones_first),
		cmocka_unit_test(test_a_retry_that_stays_stuck_pauses),
		cmocka_unit_test(test_a_retried_run_gets_an_end_of_its_own),
		cmocka_unit_test(test_settling_settles_and_nothing_else),
		cmocka_unit_test(test_an_unknown_order_does_no_harm),
		cmocka_unit_test(test_a_crash_forgets_no_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
