/* SPDX-License-Identifier: Apache-2.0 */
/* The operation's rules, one by one; that they hold through crashes is shown in test_operation_crash.c. */
#include "tests/unit/protocol/simulated_supervisor.h"

static const struct operation_terms plain = {.start_timeout_ms = START_TIMEOUT_MS,
					     .verdict_timeout_ms = VERDICT_TIMEOUT_MS};

static void test_final_touches_nothing(void **state)
{
	struct error err = ERROR_INIT;
	struct operation op;
	struct host host;
	struct host before;

	(void)state;
	host_init(&host, &scenarios[0]);
	assert_true(apply(&host));
	before = host;
	assert_int_equal(operation_load(&op, &ops, &host, OPERATION_BY_SETTLE, &err), 0);
	op.word = WORD_UNDO;
	assert_int_equal(operation_advance(&op, &err), OPERATION_FINISHED);
	assert_int_equal(op.state.step, STEP_DONE);
	host.calls = before.calls;
	assert_memory_equal(&host, &before, sizeof host);
}

static void test_keep_comes_too_late(void **state)
{
	struct error err = ERROR_INIT;
	struct operation op;
	struct host host;

	(void)state;
	host_init(&host, &scenarios[2]);
	assert_int_equal(operation_begin(&op, &ops, &host, &plain, &err), 0);
	while (op.state.step != STEP_STARTED) {
		assert_int_not_equal(operation_advance(&op, &err), OPERATION_FAILED);
		tick(&host, false);
	}
	end_agent(&host);
	op.word = WORD_KEEP;
	assert_int_equal(operation_advance(&op, &err), OPERATION_ADVANCED);
	assert_int_equal(op.state.step, STEP_UNDOING);
	assert_text_has(op.state.reason, "ended with the new state");
}

static void test_guard_waits_while_files_are_written(void **state)
{
	struct error err = ERROR_INIT;
	struct operation op;
	struct host host;

	(void)state;
	host_init(&host, &scenarios[0]);
	assert_int_equal(operation_begin(&op, &ops, &host, &plain, &err), 0);
	while (op.state.step != STEP_RESTARTING) {
		assert_int_equal(operation_may_start(&ops, &host, false, &err), START_WAIT);
		assert_int_equal(operation_advance(&op, &err), OPERATION_ADVANCED);
	}
	/* The old agent still runs: nobody of ours asks. */
	assert_int_equal(operation_may_start(&ops, &host, false, &err), START_WAIT);
	assert_int_equal(host.starts, 0);
	end_agent(&host);
	assert_int_equal(operation_may_start(&ops, &host, false, &err), START_ALLOWED);
	assert_int_equal(host.starts, 1);
	assert_int_equal(operation_may_start(&ops, &host, false, &err), START_WAIT);
	assert_int_equal(host.starts, 2);
}

static void begin_and_restart(struct operation *op, struct host *host, const char *scenario)
{
	struct error err = ERROR_INIT;
	struct operation_terms terms;

	host_init(host, find_scenario(scenario));
	terms = terms_of(host);
	assert_int_equal(operation_begin(op, &ops, host, &terms, &err), 0);
	while (op->state.step != STEP_RESTARTING)
		assert_int_equal(operation_advance(op, &err), OPERATION_ADVANCED);
	assert_int_equal(operation_advance(op, &err), OPERATION_ADVANCED);
	host->now += TICK_MS;
}

/* A start command whose agentctl was killed, and the one of whoever took over: one agent, and nothing is taken back. */
static void test_start_beside_a_start(void **state)
{
	struct error err = ERROR_INIT;
	struct operation op;
	struct host host;

	(void)state;
	begin_and_restart(&op, &host, "forward");
	assert_int_equal(operation_may_start(&ops, &host, false, &err), START_ALLOWED);
	host.starting = true;
	host.twin_asks = true;
	for (int locked = 0; locked < 2; locked++)
		assert_int_equal(operation_may_start(&ops, &host, locked == 1, &err), START_WAIT);
	start_now(&host);
	for (int locked = 0; locked < 2; locked++)
		assert_int_equal(operation_may_start(&ops, &host, locked == 1, &err), START_WAIT);
	assert_int_equal(host.starts, 1);
	assert_int_equal(operation_advance(&op, &err), OPERATION_ADVANCED);
	assert_int_equal(op.state.step, STEP_STARTED);
	assert_int_equal(operation_may_start(&ops, &host, true, &err), START_WAIT);
	assert_int_equal(host.state.step, STEP_STARTED);
}

/* The start that is on its way comes to its end while another one asks: after so many of the guard's questions. */
static int questions_left;

static void ask_one(struct host *host)
{
	if (--questions_left == 0)
		start_now(host);
}

static int look_meanwhile(void *ctx, struct operation_look *out, struct error *err)
{
	int result = ops.look(ctx, out, err);

	ask_one(ctx);
	return result;
}

static int is_starting_meanwhile(void *ctx, bool *yes, struct error *err)
{
	int result = ops.is_starting(ctx, yes, err);

	ask_one(ctx);
	return result;
}

static void test_start_ends_beside_a_start(void **state)
{
	struct operation_ops meanwhile = ops;
	struct error err = ERROR_INIT;
	struct operation op;
	struct host host;

	(void)state;
	meanwhile.look = look_meanwhile;
	meanwhile.is_starting = is_starting_meanwhile;
	for (int question = 1; question <= 2; question++) {
		begin_and_restart(&op, &host, "forward");
		assert_int_equal(operation_may_start(&ops, &host, false, &err), START_ALLOWED);
		host.starting = true;
		host.twin_asks = true;
		questions_left = question;
		assert_int_equal(operation_may_start(&meanwhile, &host, true, &err), START_WAIT);
		assert_int_equal(host.starts, 1);
		assert_int_equal(host.state.step, STEP_RESTARTING);
	}
}

/* What was started before the guard was there, and overlooked by the stop, is about to refuse. */
static void test_stray_agent_is_no_evidence(void **state)
{
	struct error err = ERROR_INIT;
	struct operation op;
	struct host host;

	(void)state;
	begin_and_restart(&op, &host, "rescue");
	host.agent = (struct operation_process){.pid = 99, .start_ticks = host.state.restart_ticks - 1};
	assert_int_equal(operation_may_start(&ops, &host, false, &err), START_WAIT);
	assert_int_equal(operation_advance(&op, &err), OPERATION_WAITING);
	end_agent(&host);
	assert_int_equal(operation_may_start(&ops, &host, false, &err), START_ALLOWED);
	start_now(&host);
	assert_int_equal(operation_advance(&op, &err), OPERATION_ADVANCED);
	assert_int_equal(op.state.step, STEP_STARTED);
	/* One that did not ask the guard, but is young enough, is what the restart has started. */
	begin_and_restart(&op, &host, "rescue");
	host.agent = (struct operation_process){.pid = 99, .start_ticks = host.state.restart_ticks};
	assert_int_equal(operation_advance(&op, &err), OPERATION_ADVANCED);
	assert_int_equal(op.state.step, STEP_STARTED);
}

static struct host *slow_host; /* stops its agent later than it is asked to */

static int restart_later(void *ctx, const struct operation_process *before, struct error *err)
{
	(void)before;
	(void)err;
	slow_host = ctx;
	return 0;
}

/* The time to start begins when the old process has ended. */
static void test_slow_stop_is_no_slow_start(void **state)
{
	struct operation_ops slow_ops = ops;
	struct error err = ERROR_INIT;
	struct operation op;
	struct host host;

	(void)state;
	slow_ops.restart_agent = restart_later;
	host_init(&host, &scenarios[0]);
	assert_int_equal(operation_begin(&op, &slow_ops, &host, &plain, &err), 0);
	while (op.state.step != STEP_RESTARTING)
		assert_int_equal(operation_advance(&op, &err), OPERATION_ADVANCED);
	assert_int_equal(operation_advance(&op, &err), OPERATION_ADVANCED);
	assert_ptr_equal(slow_host, &host);
	host.now += 5L * START_TIMEOUT_MS;
	assert_int_equal(operation_advance(&op, &err), OPERATION_WAITING);
	end_agent(&host);
	host.now += START_TIMEOUT_MS - 1;
	assert_int_equal(operation_advance(&op, &err), OPERATION_WAITING);
	host.now += 1;
	assert_int_equal(operation_advance(&op, &err), OPERATION_ADVANCED);
	assert_int_equal(op.state.step, STEP_UNDOING);
	assert_text_has(op.state.reason, "did not appear in time");
}

static void test_needs_a_running_agent(void **state)
{
	struct error err = ERROR_INIT;
	struct operation op;
	struct host host;

	(void)state;
	host_init(&host, &scenarios[0]);
	end_agent(&host);
	assert_int_equal(operation_begin(&op, &ops, &host, &plain, &err), -1);
	assert_error(&err, ERROR_CONFLICT, "no agent runs");
	assert_int_equal(host.state.step, STEP_NONE);
}

/* It was never asked to restart, and runs with the old state: a reboot is no reason to restart it. */
static void test_reboot_before_the_guard_restarts_nothing(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, find_scenario("forward"));
	host.state = (struct operation_state){.step = STEP_PREPARED, .boot_id = "boot-0"};
	host.boot = 1;
	assert_true(settle(&host));
	assert_int_equal(host.state.step, STEP_UNDONE);
	assert_int_equal(host.stops + host.restarts, 0);
	judge(&host, "prepared");
}

static void test_undo_of_a_discard_says_what_is_lost(void **state)
{
	struct host host;

	(void)state;
	host_init(&host, find_scenario("discard undone"));
	assert_true(apply(&host));
	assert_text_has(host.state.reason, "its tasks had been ended");
	host_init(&host, find_scenario("discard whose executors stay"));
	assert_true(apply(&host));
	assert_text_has(host.state.reason, "an executor does not end");
	assert_text_has(host.state.reason, "may have been ended");
	host_init(&host, find_scenario("undo"));
	assert_true(apply(&host));
	assert_null(strstr(host.state.reason, "ended"));
}

static void test_stuck_becomes_undone_when_the_agent_comes_back(void **state)
{
	struct error err = ERROR_INIT;
	struct operation op;
	struct host host;

	(void)state;
	host_init(&host, &scenarios[1]);
	host.state = (struct operation_state){.step = STEP_UNDO_RESTARTING, .boot_id = "boot-0", .deadline_ms = 1500};
	host.guard = true;
	end_agent(&host);
	assert_int_equal(operation_load(&op, &ops, &host, OPERATION_BY_SETTLE, &err), 0);
	for (host.now = 1000; operation_advance(&op, &err) != OPERATION_FINISHED; host.now += TICK_MS)
		assert_true(host.now < 10000);
	assert_int_equal(op.state.step, STEP_STUCK);
	assert_int_equal(operation_may_start(&ops, &host, true, &err), START_ALLOWED);
	tick(&host, true);
	tick(&host, true);
	assert_true(settle(&host));
	judge(&host, "stuck");
}

/* A host whose agent starts with neither state until somebody mends it; each settle tries once. */
static void settle_stuck(struct host *host, bool starts, enum operation_step end)
{
	struct error err = ERROR_INIT;
	struct operation op;

	assert_int_equal(operation_load(&op, &ops, host, OPERATION_BY_SETTLE, &err), 0);
	op.start_again = true;
	for (int i = 0; operation_advance(&op, &err) != OPERATION_FINISHED; i++, host->now += TICK_MS) {
		if (starts)
			tick(host, false);
		assert_true(i < 1000);
	}
	assert_int_equal(op.state.step, end);
}

static void test_stuck_is_started_once_more_when_it_is_settled(void **state)
{
	char reason[OPERATION_REASON_SIZE];
	struct host host;

	(void)state;
	host_init(&host, &scenarios[1]);
	host.state = (struct operation_state){.step = STEP_UNDO_RESTARTING,
					      .boot_id = "boot-0",
					      .start_timeout_ms = START_TIMEOUT_MS,
					      .deadline_ms = 1500,
					      .reason = "its process ended"};
	host.guard = true;
	end_agent(&host);
	settle_stuck(&host, false, STEP_STUCK);
	memcpy(reason, host.state.reason, sizeof(reason));
	assert_text_has(reason, "its process ended; the old state is back, but the agent did not start");
	settle_stuck(&host, false, STEP_STUCK);
	assert_string_equal(host.state.reason, reason);
	settle_stuck(&host, true, STEP_UNDONE);
	judge(&host, "stuck");
}

static void test_names(void **state)
{
	struct error err = ERROR_INIT;
	enum operation_step step;

	(void)state;
	for (int i = 0; i < STEP_COUNT; i++) {
		assert_int_equal(operation_step_parse(operation_step_name((enum operation_step)i), &step, &err), 0);
		assert_int_equal(step, i);
	}
	assert_int_equal(operation_step_parse("half-way", &step, &err), -1);
	assert_error(&err, ERROR_CORRUPT, "half-way");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_final_touches_nothing),
		cmocka_unit_test(test_keep_comes_too_late),
		cmocka_unit_test(test_guard_waits_while_files_are_written),
		cmocka_unit_test(test_start_beside_a_start),
		cmocka_unit_test(test_start_ends_beside_a_start),
		cmocka_unit_test(test_stray_agent_is_no_evidence),
		cmocka_unit_test(test_slow_stop_is_no_slow_start),
		cmocka_unit_test(test_needs_a_running_agent),
		cmocka_unit_test(test_reboot_before_the_guard_restarts_nothing),
		cmocka_unit_test(test_undo_of_a_discard_says_what_is_lost),
		cmocka_unit_test(test_stuck_becomes_undone_when_the_agent_comes_back),
		cmocka_unit_test(test_stuck_is_started_once_more_when_it_is_settled),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
