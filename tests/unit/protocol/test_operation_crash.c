/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operation's steps, crashed before and after every call of an ops function (once, and a second time while it recovers). Each
 * first crash is followed by a settle, by a reboot that starts the agent first, by the supervisor starting the agent again, by a second
 * supervisor that starts it beside the first one, or by an agent that somebody starts before the guard is there.
 */
#include "tests/unit/protocol/simulated_supervisor.h"

enum recovery { RECOVER_SETTLE, RECOVER_REBOOT, RECOVER_SUPERVISOR, RECOVER_TWIN, RECOVER_STRAY, RECOVERIES };

static void misfortune(struct host *host, enum recovery recovery)
{
	if (recovery == RECOVER_REBOOT)
		host->boot++;
	if (recovery == RECOVER_TWIN) {
		host->twin_wanted = is_ours_to_start(host);
		for (int i = 0; i < 5; i++)
			tick(host, true);
	} else if (recovery == RECOVER_STRAY) {
		if (host->agent.pid == 0 && !host->starting && host->state.step > STEP_NONE &&
		    host->state.step < STEP_RESTARTING) {
			host->agent.pid = ++host->next_pid;
			host->agent.start_ticks = host->now;
			host->agent_side = SIDE_OLD;
			host->stray = 3;
		}
	} else if (recovery != RECOVER_SETTLE) {
		end_agent(host);
		host->starting = false;
		host->start_wanted = is_ours_to_start(host);
		for (int i = 0; i < 5; i++)
			tick(host, true);
	}
}

/* How it must end, by what was durable when the first crash came. */
static enum end end_after(const struct host *host, enum recovery recovery)
{
	enum operation_step step = host->state.step;

	if (step == STEP_NONE)
		return END_EITHER;
	if (step == STEP_KEEPING || step == STEP_DONE)
		return END_DONE;
	/* Whoever takes a rescue over goes forward; only an undo that was begun is brought to its end, on the same boot. */
	if (host->scenario->kind == KIND_RESCUE)
		return step < STEP_UNDOING || (recovery == RECOVER_REBOOT && step != STEP_UNDONE) ? END_DONE
												  : END_UNDONE;
	if (step < STEP_RESTARTING || step >= STEP_UNDOING || recovery == RECOVER_REBOOT)
		return END_UNDONE;
	/* Whether the agent was seen to refuse before it was started again is a matter of moments. */
	if ((recovery == RECOVER_SUPERVISOR || recovery == RECOVER_TWIN) && host->scenario->kind == KIND_AMEND)
		return END_EITHER;
	/* The first start with the new state goes on; a second one means that the first process has ended. */
	if (recovery == RECOVER_SUPERVISOR && (step == STEP_STARTED || step == STEP_TAKING_OUT || host->starts > 0))
		return END_UNDONE;
	return host->scenario->end;
}

static void judge_end(const struct host *host, enum end end, const char *what)
{
	if (end != END_EITHER && (host->state.step == STEP_DONE) != (end == END_DONE))
		fail_msg("%s: ended %s", what, operation_step_name(host->state.step));
}

/* Runs it with crashes at the first-th call of apply and the second-th of what follows. Returns how many calls there were after
 * the first crash (or in all, when it did not crash). */
static int run(const struct scenario *scenario, int first, bool after, enum recovery recovery, int second)
{
	char what[128];
	struct host host;
	enum end end;
	bool final;
	int calls;

	snprintf(what, sizeof what, "%s, crash %s call %d, then %d, then crash at call %d", scenario->name,
		 after ? "after" : "before", first, (int)recovery, second);
	host_init(&host, scenario);
	host.crash_at = first;
	host.crash_after = after;
	final = apply(&host);
	calls = host.calls;
	end = end_after(&host, recovery);
	if (first > 0) {
		host.calls = 0;
		host.crash_at = second;
		host.crash_after = second % 2 == 0;
		misfortune(&host, recovery);
		final = settle(&host);
		calls = host.calls;
	}
	for (int i = 0; !final && i < 3; i++)
		final = settle(&host);
	host.crash_at = 0;
	for (int i = 0; i < 5; i++)
		tick(&host, true);
	judge(&host, what);
	if (second == 0)
		judge_end(&host, end, what);
	return calls;
}

static void test_without_crashes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
		struct host host;

		host_init(&host, &scenarios[i]);
		assert_true(apply(&host));
		judge(&host, scenarios[i].name);
		assert_int_equal(host.state.step, scenarios[i].end == END_DONE ? STEP_DONE : STEP_UNDONE);
		assert_int_equal(host.state.kept_by_deadline,
				 scenarios[i].word == WORD_NONE && scenarios[i].end == END_DONE);
		assert_int_equal(host.state.reason[0] != '\0', scenarios[i].end == END_UNDONE);
	}
}

static void test_crash_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
		int calls = run(&scenarios[i], 0, false, RECOVER_SETTLE, 0);

		assert_true(calls > 20);
		for (int at = 1; at <= calls; at++)
			for (int recovery = 0; recovery < RECOVERIES; recovery++) {
				run(&scenarios[i], at, false, (enum recovery)recovery, 0);
				run(&scenarios[i], at, true, (enum recovery)recovery, 0);
			}
	}
}

static void test_crash_while_recovering(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
		int calls = run(&scenarios[i], 0, false, RECOVER_SETTLE, 0);

		/* Waiting repeats itself: the first calls have all the steps. */
		for (int at = 1; at <= calls && at <= 80; at++)
			for (int recovery = 0; recovery < RECOVERIES; recovery++) {
				int after = run(&scenarios[i], at, true, (enum recovery)recovery, 0);

				for (int second = 1; second <= after && second <= 60; second++)
					run(&scenarios[i], at, true, (enum recovery)recovery, second);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_crashes),
		cmocka_unit_test(test_crash_everywhere),
		cmocka_unit_test(test_crash_while_recovering),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
