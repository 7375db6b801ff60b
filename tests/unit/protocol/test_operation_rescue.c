/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a rescue, one by one: who takes it over goes forward, and no start finds its old state while it is open. */
#include "tests/unit/protocol/simulated_supervisor.h"

static const enum operation_step undo_steps[] = {STEP_UNDOING, STEP_UNDO_CHECKPOINT, STEP_UNDO_FLAGS,
						 STEP_UNDO_CLEANING};
#define UNDO_STEPS (sizeof undo_steps / sizeof undo_steps[0])

/* What a killed agentctl has left: its files are new from STEP_CHECKPOINT on, until the undo has written them back. */
static void leave_at(struct host *host, enum operation_step step)
{
	bool undoing = step >= STEP_UNDOING;

	host_init(host, find_scenario("rescue"));
	host->state = (struct operation_state){.step = step,
					       .boot_id = "boot-0",
					       .rescue = true,
					       .asked = step != STEP_PREPARED,
					       .start_timeout_ms = START_TIMEOUT_MS,
					       .verdict_timeout_ms = VERDICT_TIMEOUT_MS,
					       .deadline_ms = host->now + START_TIMEOUT_MS};
	if (step == STEP_STARTED)
		host->state.started = (struct operation_process){.pid = 99, .start_ticks = 7};
	host->guard = step != STEP_PREPARED;
	host->starts = step == STEP_STARTED || undoing ? 1 : 0;
	host->checkpoint = step >= STEP_CHECKPOINT && step < STEP_UNDO_FLAGS ? SIDE_NEW : SIDE_OLD;
	host->flags = step >= STEP_FLAGS && step < STEP_UNDO_CLEANING ? SIDE_NEW : SIDE_OLD;
}

static void assert_kept(struct host *host, const char *reason)
{
	assert_int_equal(host->state.step, STEP_DONE);
	assert_int_equal(host->checkpoint, SIDE_NEW);
	assert_int_equal(host->flags, SIDE_NEW);
	assert_false(host->guard);
	if (reason == NULL)
		assert_string_equal(host->state.reason, "");
	else
		assert_text_has(host->state.reason, reason);
}

static void test_needs_an_agent_that_does_not_run(void **state)
{
	static const struct operation_terms rescue = {
		.start_timeout_ms = START_TIMEOUT_MS, .verdict_timeout_ms = VERDICT_TIMEOUT_MS, .rescue = true};
	struct error err = ERROR_INIT;
	struct operation op;
	struct host host;

	(void)state;
	host_init(&host, &scenarios[0]);
	assert_int_equal(operation_begin(&op, &ops, &host, &rescue, &err), -1);
	assert_error(&err, ERROR_CONFLICT, "nothing to rescue");
	assert_int_equal(host.state.step, STEP_NONE);
}

/* Nobody is there who would take it back: the agent that is being started again has the state that fits. */
static void test_second_start_keeps_it(void **state)
{
	static const enum operation_step steps[] = {STEP_RESTARTING, STEP_STARTED};
	struct error err = ERROR_INIT;
	struct host host;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		leave_at(&host, steps[i]);
		host.starts = 1;
		assert_int_equal(operation_may_start(&ops, &host, true, &err), START_ALLOWED);
		assert_kept(&host, "was being started again; it is kept");
		assert_false(host.start_wanted);
	}
}

/* Nobody else may start it: settle does, once, and says that it had ended. */
static void test_settle_keeps_it_when_the_agent_has_ended(void **state)
{
	struct host host;

	(void)state;
	leave_at(&host, STEP_STARTED);
	assert_true(settle(&host));
	tick(&host, true);
	tick(&host, true);
	assert_kept(&host, "the agent's process ended with the new state; it is kept");
	assert_int_not_equal(host.agent.pid, 0);
	judge(&host, "settled");
}

static void test_settle_keeps_it_when_no_agent_appears(void **state)
{
	struct host host;

	(void)state;
	leave_at(&host, STEP_RESTARTING);
	host.starts = 1;
	assert_true(settle(&host));
	tick(&host, true);
	tick(&host, true);
	assert_kept(&host, "did not appear in time; it is kept");
	judge(&host, "settled");
}

/* A first start is watched by whoever settles it; the reason is empty, because nothing went wrong. */
static void test_goes_on_after_a_reboot(void **state)
{
	struct error err = ERROR_INIT;
	struct host host;

	(void)state;
	leave_at(&host, STEP_CHECKPOINT);
	host.boot = 1;
	assert_int_equal(operation_may_start(&ops, &host, true, &err), START_ALLOWED);
	assert_int_equal(host.flags, SIDE_NEW);
	assert_int_equal(host.state.step, STEP_RESTARTING);
	assert_string_equal(host.state.boot_id, "boot-1");
	leave_at(&host, STEP_STARTED);
	host.boot = 1;
	assert_int_equal(operation_may_start(&ops, &host, true, &err), START_ALLOWED);
	assert_kept(&host, NULL);
}

/* The word counts, whoever hears it; then nothing is started, and a start that had asked is refused. */
static void test_undone_by_word(void **state)
{
	struct error err = ERROR_INIT;
	struct operation op;
	struct host host;

	(void)state;
	leave_at(&host, STEP_RESTARTING);
	assert_int_equal(operation_load(&op, &ops, &host, OPERATION_BY_SETTLE, &err), 0);
	op.word = WORD_UNDO;
	assert_true(drive(&op, &host));
	assert_int_equal(host.state.step, STEP_UNDONE);
	assert_string_equal(host.state.reason, "rollcall asked for it");
	judge(&host, "undone");
	assert_int_equal(operation_may_start(&ops, &host, true, &err), START_FAILED);
	assert_error(&err, ERROR_REFUSED, "taken back");
}

/* Letting the start through would have the agent refuse, and removing the guard would let the next one through. */
static void test_guard_leaves_an_undo_to_settle(void **state)
{
	struct error err = ERROR_INIT;
	struct host host;
	struct host before;

	(void)state;
	for (size_t i = 0; i < UNDO_STEPS; i++) {
		leave_at(&host, undo_steps[i]);
		before = host;
		assert_int_equal(operation_may_start(&ops, &host, false, &err), START_WAIT);
		assert_int_equal(operation_may_start(&ops, &host, true, &err), START_FAILED);
		assert_error(&err, ERROR_REFUSED, "agentctl settle brings to its end");
		error_clear(&err);
		host.calls = before.calls;
		assert_memory_equal(&host, &before, sizeof host);
		host.start_wanted = true;
		assert_true(settle(&host));
		assert_int_equal(host.state.step, STEP_UNDONE);
		assert_false(host.start_wanted);
		judge(&host, operation_step_name(undo_steps[i]));
	}
}

/* With the old state the rebooted agent would lose its ID. */
static void test_undo_turns_round_at_a_reboot(void **state)
{
	struct error err = ERROR_INIT;
	struct host host;

	(void)state;
	for (size_t i = 0; i < 2 * UNDO_STEPS; i++) {
		const char *what = operation_step_name(undo_steps[i / 2]);

		leave_at(&host, undo_steps[i / 2]);
		memcpy(host.state.reason, "it ended", sizeof "it ended");
		host.boot = 1;
		if (i % 2 == 0) {
			assert_int_equal(operation_may_start(&ops, &host, true, &err), START_ALLOWED);
			assert_int_equal(host.state.step, STEP_RESTARTING);
			assert_true(host.guard && host.starts == 1);
			start_now(&host);
		}
		assert_true(settle(&host));
		assert_kept(&host, NULL);
		judge(&host, what);
		assert_int_equal(host.starts, 1);
	}
}

/* Where no guard was (any more) the agent has started with what it found, and is left alone. */
static void test_agent_that_a_reboot_has_started_is_not_stopped(void **state)
{
	static const enum operation_step steps[] = {STEP_PREPARED, STEP_UNDO_CLEANING};
	struct host host;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		leave_at(&host, steps[i]);
		host.boot = 1;
		host.guard = false;
		host.agent = (struct operation_process){.pid = 200, .start_ticks = 3};
		assert_true(settle(&host));
		assert_int_equal(host.state.step, STEP_UNDONE);
		assert_int_equal(host.agent.pid, 200);
		assert_int_equal(host.stops + host.restarts, 0);
		assert_int_equal(host.checkpoint, SIDE_OLD);
	}
}

/* What cannot be written now is tried again, behind the guard. */
static void test_failure_leaves_it_open(void **state)
{
	struct error err = ERROR_INIT;
	struct operation op;
	struct host host;

	(void)state;
	leave_at(&host, STEP_CHECKPOINT);
	host.scenario = find_scenario("rescue, disk full");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(operation_may_start(&ops, &host, true, &err), START_FAILED);
		assert_error(&err, ERROR_SYSTEM, "no space left");
		error_clear(&err);
		assert_int_equal(operation_load(&op, &ops, &host, OPERATION_BY_SETTLE, &err), 0);
		assert_int_equal(operation_advance(&op, &err), OPERATION_FAILED);
		error_clear(&err);
		assert_int_equal(host.state.step, STEP_CHECKPOINT);
		assert_true(host.guard);
	}
	host.has_room = true;
	assert_true(settle(&host));
	assert_kept(&host, NULL);
}

static int amend_never(void *ctx, struct error *err)
{
	(void)ctx;
	return error_set(err, ERROR_REFUSED, "its figures can no longer be read");
}

/* That alone never ends by trying again. */
static void test_amendment_that_fails_ends_it(void **state)
{
	struct operation_ops never = ops;
	struct error err = ERROR_INIT;
	struct operation op;
	struct host host;

	(void)state;
	never.amend = amend_never;
	for (int driver = OPERATION_BY_APPLY; driver <= OPERATION_BY_SETTLE; driver++) {
		leave_at(&host, STEP_AMENDING);
		assert_int_equal(operation_load(&op, &never, &host, (enum operation_driver)driver, &err), 0);
		while (operation_advance(&op, &err) == OPERATION_ADVANCED) {
		}
		assert_int_equal(op.state.step, driver == OPERATION_BY_APPLY ? STEP_UNDONE : STEP_DONE);
		assert_text_has(op.state.reason, "can no longer be read");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needs_an_agent_that_does_not_run),
		cmocka_unit_test(test_second_start_keeps_it),
		cmocka_unit_test(test_settle_keeps_it_when_the_agent_has_ended),
		cmocka_unit_test(test_settle_keeps_it_when_no_agent_appears),
		cmocka_unit_test(test_goes_on_after_a_reboot),
		cmocka_unit_test(test_undone_by_word),
		cmocka_unit_test(test_guard_leaves_an_undo_to_settle),
		cmocka_unit_test(test_undo_turns_round_at_a_reboot),
		cmocka_unit_test(test_agent_that_a_reboot_has_started_is_not_stopped),
		cmocka_unit_test(test_failure_leaves_it_open),
		cmocka_unit_test(test_amendment_that_fails_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
