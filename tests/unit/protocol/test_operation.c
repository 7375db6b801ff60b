/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operation's steps on a simulated host, crashed before and after every call of an ops function (once, and a second time
 * while it recovers). Each first crash is followed by a settle, by a reboot that starts the agent first, or by the supervisor
 * starting the agent again. Judged by the host alone.
 */
#include "tests/support/cmocka.h"

#include "protocol/operation.h"

#define START_TIMEOUT_MS   1000
#define VERDICT_TIMEOUT_MS 2000
#define TICK_MS            20
/* An operation takes some 20 advances, and waits for at most start, verdict and start again. */
#define MAX_TICKS          1000

enum recovery { RECOVER_SETTLE, RECOVER_REBOOT, RECOVER_SUPERVISOR, RECOVERIES };
enum end { END_EITHER, END_DONE, END_UNDONE };

struct scenario {
	const char *name;
	enum operation_word word; /* said as soon as the agent was seen */
	bool dies;                /* the agent ends when it was started with the new state */
	bool never_appears;       /* a start with the new state shows no process */
	bool fails_to_write;      /* the new flags cannot be written */
	enum end end;             /* without crashes */
};

static const struct scenario scenarios[] = {
	{"forward", WORD_KEEP, false, false, false, END_DONE},
	{"undo", WORD_UNDO, false, false, false, END_UNDONE},
	{"lost connection", WORD_NONE, false, false, false, END_DONE},
	{"agent ends", WORD_NONE, true, false, false, END_UNDONE},
	{"agent never appears", WORD_NONE, false, true, false, END_UNDONE},
	{"disk full", WORD_KEEP, false, false, true, END_UNDONE},
};

struct host {
	const struct scenario *scenario;

	/* what a crash leaves */
	struct operation_state state;
	int starts;
	bool guard;
	enum operation_side checkpoint, flags;
	int boot;
	struct operation_process agent; /* pid 0: none */
	enum operation_side agent_side; /* what it was started with */
	bool start_wanted;              /* the supervisor has a start to do */

	/* judged at the end */
	bool id_lost;
	int restarts, stops; /* of a running agent */
	int starts_with_new;

	/* the test's own */
	int64_t now;
	int64_t next_pid;
	int calls;
	int crash_at; /* at this call; 0: never */
	bool crash_after;
};

/* ---- the ops struct */

static bool crash(struct host *host, bool after)
{
	return host->crash_at == host->calls && host->crash_after == after;
}

#define ENTER(ctx)                                                                                                     \
	struct host *host = (ctx);                                                                                     \
	(void)err;                                                                                                     \
	host->calls++;                                                                                                 \
	if (crash(host, false))                                                                                        \
	return OPERATION_CRASH
#define LEAVE(host) return crash(host, true) ? OPERATION_CRASH : 0

static int load_state(void *ctx, struct operation_state *out, struct error *err)
{
	ENTER(ctx);
	*out = host->state;
	LEAVE(host);
}

static int save_state(void *ctx, const struct operation_state *state, struct error *err)
{
	ENTER(ctx);
	host->state = *state;
	LEAVE(host);
}

static int load_starts(void *ctx, int *count, struct error *err)
{
	ENTER(ctx);
	*count = host->starts;
	LEAVE(host);
}

static int save_starts(void *ctx, int count, struct error *err)
{
	ENTER(ctx);
	host->starts = count;
	LEAVE(host);
}

static int place_guard(void *ctx, struct error *err)
{
	ENTER(ctx);
	host->guard = true;
	LEAVE(host);
}

static int remove_guard(void *ctx, bool starting, struct error *err)
{
	ENTER(ctx);
	(void)starting;
	host->guard = false;
	LEAVE(host);
}

static int write_checkpoint(void *ctx, enum operation_side side, struct error *err)
{
	ENTER(ctx);
	host->checkpoint = side;
	LEAVE(host);
}

static int write_flags(void *ctx, enum operation_side side, struct error *err)
{
	ENTER(ctx);
	if (side == SIDE_NEW && host->scenario->fails_to_write)
		return error_set(err, ERROR_SYSTEM, "no space left on device");
	host->flags = side;
	LEAVE(host);
}

static void end_agent(struct host *host)
{
	memset(&host->agent, 0, sizeof host->agent);
}

static int restart_agent(void *ctx, const struct operation_process *before, struct error *err)
{
	ENTER(ctx);
	if (host->agent.pid != 0 && operation_process_equal(&host->agent, before)) {
		host->restarts++;
		end_agent(host);
	}
	host->start_wanted = host->start_wanted || host->agent.pid == 0;
	LEAVE(host);
}

static int stop_agent(void *ctx, struct error *err)
{
	ENTER(ctx);
	host->stops += host->agent.pid != 0;
	end_agent(host);
	host->start_wanted = false;
	LEAVE(host);
}

static int start_agent(void *ctx, struct error *err)
{
	ENTER(ctx);
	host->start_wanted = host->start_wanted || host->agent.pid == 0;
	LEAVE(host);
}

static int look(void *ctx, struct operation_look *out, struct error *err)
{
	ENTER(ctx);
	memset(out, 0, sizeof *out);
	out->agent = host->agent.pid != 0 ? AGENT_RUNNING : AGENT_ABSENT;
	out->process = host->agent;
	LEAVE(host);
}

static int boot_id(void *ctx, char out[OPERATION_BOOT_ID_SIZE], struct error *err)
{
	ENTER(ctx);
	snprintf(out, OPERATION_BOOT_ID_SIZE, "boot-%d", host->boot);
	LEAVE(host);
}

static int64_t now_ms(void *ctx)
{
	return ((struct host *)ctx)->now;
}

static const struct operation_ops ops = {
	load_state,  save_state,    load_starts, save_starts, place_guard, remove_guard, write_checkpoint,
	write_flags, restart_agent, stop_agent,  start_agent, look,        boot_id,      now_ms,
};

/* ---- the supervisor */

static void start_now(struct host *host)
{
	host->start_wanted = false;
	host->id_lost = host->id_lost || host->checkpoint != host->flags;
	if (host->flags == SIDE_NEW && host->state.step != STEP_DONE && host->state.step != STEP_KEEPING)
		host->starts_with_new++;
	if (host->flags == SIDE_NEW && host->scenario->never_appears)
		return;
	host->agent.pid = ++host->next_pid;
	host->agent.start_ticks = host->now;
	host->agent_side = host->flags;
}

/* One moment: an agent that cannot live ends, and is started again; a start that is wanted asks the guard. */
static void tick(struct host *host, bool lock_is_free)
{
	struct error err = ERROR_INIT;

	host->now += TICK_MS;
	if (host->agent.pid != 0 && host->agent_side == SIDE_NEW && host->scenario->dies) {
		end_agent(host);
		host->start_wanted = true;
	} else if (host->start_wanted &&
		   (!host->guard || operation_may_start(&ops, host, lock_is_free, &err) == START_ALLOWED)) {
		start_now(host);
	}
}

/* Drives until it ends or crashes. True when it is final. */
static bool drive(struct operation *op, struct host *host)
{
	for (int i = 0; i < MAX_TICKS; i++) {
		struct error err = ERROR_INIT;

		if (op->state.step == STEP_STARTED)
			op->word = host->scenario->word;
		switch (operation_advance(op, &err)) {
		case OPERATION_FINISHED:
			return operation_is_final(op->state.step);
		case OPERATION_CRASHED:
			return false;
		case OPERATION_FAILED:
			fail_msg("%s: %s", host->scenario->name, err.text);
			break;
		default:
			break;
		}
		tick(host, false);
	}
	fail_msg("%s: no end in sight at step %s", host->scenario->name, operation_step_name(op->state.step));
	return false;
}

static bool settle(struct host *host)
{
	struct error err = ERROR_INIT;
	struct operation op;

	if (operation_load(&op, &ops, host, OPERATION_BY_SETTLE, &err) != 0)
		return false;
	return op.state.step == STEP_NONE || drive(&op, host);
}

static void misfortune(struct host *host, enum recovery recovery)
{
	if (recovery == RECOVER_REBOOT)
		host->boot++;
	if (recovery != RECOVER_SETTLE) {
		end_agent(host);
		host->start_wanted = true;
		for (int i = 0; i < 5; i++)
			tick(host, true);
	}
}

/* ---- judging */

static void judge(const struct host *host, const char *what)
{
	enum operation_step step = host->state.step;
	enum operation_side side = step == STEP_DONE ? SIDE_NEW : SIDE_OLD;

	if (host->id_lost)
		fail_msg("%s: the agent started while checkpoint and flags differed", what);
	if (step != STEP_NONE && step != STEP_DONE && step != STEP_UNDONE)
		fail_msg("%s: ended %s", what, operation_step_name(step));
	if (host->checkpoint != side || host->flags != side)
		fail_msg("%s: ended %s with the other side's files", what, operation_step_name(step));
	if (host->guard)
		fail_msg("%s: the guard is still there", what);
	if (host->agent.pid == 0 || host->agent_side != side)
		fail_msg("%s: the agent does not run with what ended %s", what, operation_step_name(step));
	if (host->restarts > 1 || host->stops > 1)
		fail_msg("%s: %d restarts, %d stops", what, host->restarts, host->stops);
	if (host->starts_with_new > 1)
		fail_msg("%s: started %d times with the new state", what, host->starts_with_new);
}

static void host_init(struct host *host, const struct scenario *scenario)
{
	memset(host, 0, sizeof *host);
	host->scenario = scenario;
	host->now = 1000;
	host->next_pid = 100;
	host->agent.pid = 100;
	host->agent.start_ticks = 1;
	host->checkpoint = host->flags = host->agent_side = SIDE_OLD;
}

static bool apply(struct host *host)
{
	struct error err = ERROR_INIT;
	struct operation op;
	int result = operation_begin(&op, &ops, host, START_TIMEOUT_MS, VERDICT_TIMEOUT_MS, &err);

	assert_int_not_equal(result, -1);
	return result == 0 && drive(&op, host);
}

/* Runs it with crashes at the first-th call of apply and the second-th of what follows. Returns how many calls there were after
 * the first crash (or in all, when it did not crash). */
static int run(const struct scenario *scenario, int first, bool after, enum recovery recovery, int second)
{
	char what[128];
	struct host host;
	bool final;
	int calls;

	snprintf(what, sizeof what, "%s, crash %s call %d, then %d, then crash at call %d", scenario->name,
		 after ? "after" : "before", first, (int)recovery, second);
	host_init(&host, scenario);
	host.crash_at = first;
	host.crash_after = after;
	final = apply(&host);
	calls = host.calls;
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
	return calls;
}

/* ---- tests */

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
	assert_int_equal(operation_begin(&op, &ops, &host, START_TIMEOUT_MS, VERDICT_TIMEOUT_MS, &err), 0);
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
	assert_int_equal(operation_begin(&op, &ops, &host, START_TIMEOUT_MS, VERDICT_TIMEOUT_MS, &err), 0);
	while (op.state.step != STEP_RESTARTING) {
		assert_int_equal(operation_may_start(&ops, &host, false, &err), START_WAIT);
		assert_int_equal(operation_advance(&op, &err), OPERATION_ADVANCED);
	}
	assert_int_equal(operation_may_start(&ops, &host, false, &err), START_ALLOWED);
	assert_int_equal(host.starts, 1);
	assert_int_equal(operation_may_start(&ops, &host, false, &err), START_WAIT);
	assert_int_equal(host.starts, 2);
}

static void test_needs_a_running_agent(void **state)
{
	struct error err = ERROR_INIT;
	struct operation op;
	struct host host;

	(void)state;
	host_init(&host, &scenarios[0]);
	end_agent(&host);
	assert_int_equal(operation_begin(&op, &ops, &host, START_TIMEOUT_MS, VERDICT_TIMEOUT_MS, &err), -1);
	assert_error(&err, ERROR_CONFLICT, "no agent runs");
	assert_int_equal(host.state.step, STEP_NONE);
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
	assert_true(settle(&host));
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
		cmocka_unit_test(test_without_crashes),
		cmocka_unit_test(test_crash_everywhere),
		cmocka_unit_test(test_crash_while_recovering),
		cmocka_unit_test(test_final_touches_nothing),
		cmocka_unit_test(test_keep_comes_too_late),
		cmocka_unit_test(test_guard_waits_while_files_are_written),
		cmocka_unit_test(test_needs_a_running_agent),
		cmocka_unit_test(test_stuck_becomes_undone_when_the_agent_comes_back),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
