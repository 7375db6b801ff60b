/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_PROTOCOL_SIMULATED_HOST_H
#define TESTS_UNIT_PROTOCOL_SIMULATED_HOST_H
/*
 * A host that lives in one struct: the ops of an operation on it, a supervisor that asks the guard, crashes before or after
 * any call, and a judge that looks at the host alone.
 */
#include "tests/support/cmocka.h"

#include "protocol/operation.h"

#define START_TIMEOUT_MS   1000
#define VERDICT_TIMEOUT_MS 2000
#define TICK_MS            20
/* An operation takes some 20 advances, and waits for at most start, verdict and start again. */
#define MAX_TICKS          1000

enum end { END_EITHER, END_DONE, END_UNDONE };
enum kind { KIND_CHANGE, KIND_DISCARD, KIND_RESCUE };

struct scenario {
	const char *name;
	enum operation_word word; /* said as soon as the agent was seen */
	bool dies;                /* the agent ends when it was started with the new state */
	bool never_appears;       /* a start with the new state shows no process */
	bool fails_to_write;      /* the new flags cannot be written */
	enum end end;             /* without crashes */
	enum kind kind;
	bool cleanup_fails; /* the agent does not end its executors */
};

static const struct scenario scenarios[] = {
	{"forward", WORD_KEEP, false, false, false, END_DONE, KIND_CHANGE, false},
	{"undo", WORD_UNDO, false, false, false, END_UNDONE, KIND_CHANGE, false},
	{"lost connection", WORD_NONE, false, false, false, END_DONE, KIND_CHANGE, false},
	{"agent ends", WORD_NONE, true, false, false, END_UNDONE, KIND_CHANGE, false},
	{"agent never appears", WORD_NONE, false, true, false, END_UNDONE, KIND_CHANGE, false},
	{"disk full", WORD_KEEP, false, false, true, END_UNDONE, KIND_CHANGE, false},
	{"discard", WORD_KEEP, false, false, false, END_DONE, KIND_DISCARD, false},
	{"discard undone", WORD_UNDO, false, false, false, END_UNDONE, KIND_DISCARD, false},
	{"discard whose agent ends", WORD_NONE, true, false, false, END_UNDONE, KIND_DISCARD, false},
	{"discard whose executors stay", WORD_KEEP, false, false, false, END_UNDONE, KIND_DISCARD, true},
	{"discard, disk full", WORD_KEEP, false, false, true, END_UNDONE, KIND_DISCARD, false},
	{"rescue", WORD_NONE, false, false, false, END_DONE, KIND_RESCUE, false},
	{"rescue kept", WORD_KEEP, false, false, false, END_DONE, KIND_RESCUE, false},
	{"rescue whose agent ends", WORD_NONE, true, false, false, END_UNDONE, KIND_RESCUE, false},
	{"rescue, disk full", WORD_NONE, false, false, true, END_UNDONE, KIND_RESCUE, false},
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
	bool starting;                  /* the guard said yes; the process is about to appear */

	/* judged at the end */
	bool tasks;         /* its executors live */
	bool tasks_carried; /* they lived on under another SlaveInfo although they were to be ended */
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

static inline bool crash(struct host *host, bool after)
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

static inline int load_state(void *ctx, struct operation_state *out, struct error *err)
{
	ENTER(ctx);
	*out = host->state;
	LEAVE(host);
}

static inline int save_state(void *ctx, const struct operation_state *state, struct error *err)
{
	ENTER(ctx);
	host->state = *state;
	LEAVE(host);
}

static inline int load_starts(void *ctx, int *count, struct error *err)
{
	ENTER(ctx);
	*count = host->starts;
	LEAVE(host);
}

static inline int save_starts(void *ctx, int count, struct error *err)
{
	ENTER(ctx);
	host->starts = count;
	LEAVE(host);
}

static inline int place_guard(void *ctx, struct error *err)
{
	ENTER(ctx);
	host->guard = true;
	LEAVE(host);
}

static inline int remove_guard(void *ctx, bool starting, struct error *err)
{
	ENTER(ctx);
	(void)starting;
	host->guard = false;
	LEAVE(host);
}

static inline int write_checkpoint(void *ctx, enum operation_side side, struct error *err)
{
	ENTER(ctx);
	host->checkpoint = side;
	LEAVE(host);
}

static inline int write_flags(void *ctx, enum operation_side side, struct error *err)
{
	ENTER(ctx);
	if (side == SIDE_NEW && host->scenario->fails_to_write)
		return error_set(err, ERROR_SYSTEM, "no space left on device");
	host->flags = side;
	LEAVE(host);
}

static inline void end_agent(struct host *host)
{
	memset(&host->agent, 0, sizeof host->agent);
}

static inline int restart_agent(void *ctx, const struct operation_process *before, struct error *err)
{
	ENTER(ctx);
	if (host->agent.pid != 0 && operation_process_equal(&host->agent, before)) {
		host->restarts++;
		end_agent(host);
	}
	host->start_wanted = host->start_wanted || host->agent.pid == 0;
	LEAVE(host);
}

static inline int stop_agent(void *ctx, struct error *err)
{
	ENTER(ctx);
	host->stops += host->agent.pid != 0;
	end_agent(host);
	host->start_wanted = host->starting = false;
	LEAVE(host);
}

/* Interrupted in the middle it has ended some, which counts as all. */
static inline int clean_up(void *ctx, struct error *err)
{
	ENTER(ctx);
	assert_int_equal(host->agent.pid, 0);
	assert_int_equal(host->checkpoint, SIDE_OLD);
	assert_int_equal(host->flags, SIDE_OLD);
	if (host->scenario->cleanup_fails)
		return error_set(err, ERROR_SYSTEM, "an executor does not end");
	host->tasks = false;
	LEAVE(host);
}

static inline int start_agent(void *ctx, struct error *err)
{
	ENTER(ctx);
	host->start_wanted = host->start_wanted || host->agent.pid == 0;
	LEAVE(host);
}

static inline int look(void *ctx, struct operation_look *out, struct error *err)
{
	ENTER(ctx);
	memset(out, 0, sizeof *out);
	out->agent = host->agent.pid != 0 ? AGENT_RUNNING : AGENT_ABSENT;
	out->process = host->agent;
	LEAVE(host);
}

static inline int boot_id(void *ctx, char out[OPERATION_BOOT_ID_SIZE], struct error *err)
{
	ENTER(ctx);
	snprintf(out, OPERATION_BOOT_ID_SIZE, "boot-%d", host->boot);
	LEAVE(host);
}

static inline int64_t now_ms(void *ctx)
{
	return ((struct host *)ctx)->now;
}

static const struct operation_ops ops = {
	load_state, save_state,    load_starts, save_starts, place_guard, remove_guard, write_checkpoint, write_flags,
	clean_up,   restart_agent, stop_agent,  start_agent, look,        boot_id,      now_ms,
};

/* ---- the supervisor */

static inline void start_now(struct host *host)
{
	bool bad = host->checkpoint != host->flags || (host->scenario->kind == KIND_RESCUE && host->flags == SIDE_OLD);

	host->starting = false;
	host->id_lost = host->id_lost || bad;
	host->tasks_carried = host->tasks_carried ||
			      (host->scenario->kind == KIND_DISCARD && host->tasks && host->checkpoint == SIDE_NEW);
	if (host->flags == SIDE_NEW && host->state.step != STEP_DONE && host->state.step != STEP_KEEPING)
		host->starts_with_new++;
	if (host->flags == SIDE_NEW && host->scenario->never_appears)
		return;
	host->agent.pid = ++host->next_pid;
	host->agent.start_ticks = host->now;
	host->agent_side = host->flags;
}

/* Without a guard a host that needs a rescue is lost whatever we do: that start is none of ours. */
static inline bool is_ours_to_start(const struct host *host)
{
	return host->scenario->kind != KIND_RESCUE || host->guard || host->flags == SIDE_NEW;
}

/* One moment: an agent that cannot live ends, and is started again; a start that is wanted asks the guard. */
static inline void tick(struct host *host, bool lock_is_free)
{
	struct error err = ERROR_INIT;

	host->now += TICK_MS;
	if (host->agent.pid != 0 && host->agent_side == SIDE_NEW && host->scenario->dies) {
		end_agent(host);
		host->start_wanted = true;
	} else if (host->starting) {
		start_now(host);
	} else if (host->start_wanted) {
		enum operation_start answer = host->guard ? operation_may_start(&ops, host, lock_is_free, &err)
							  : START_ALLOWED;

		host->starting = answer == START_ALLOWED;
		host->start_wanted = answer == START_WAIT || (answer == START_CRASHED && is_ours_to_start(host));
	}
}

/* Drives until it ends or crashes. True when it is final. */
static inline bool drive(struct operation *op, struct host *host)
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

static inline bool settle(struct host *host)
{
	struct error err = ERROR_INIT;
	struct operation op;

	if (operation_load(&op, &ops, host, OPERATION_BY_SETTLE, &err) != 0)
		return false;
	return op.state.step == STEP_NONE || drive(&op, host);
}

/* ---- judging */

static inline void judge(const struct host *host, const char *what)
{
	enum operation_step step = host->state.step;
	enum operation_side side = step == STEP_DONE ? SIDE_NEW : SIDE_OLD;
	enum kind kind = host->scenario->kind;

	if (host->id_lost)
		fail_msg("%s: the agent started while checkpoint and flags differed", what);
	if (step != STEP_NONE && step != STEP_DONE && step != STEP_UNDONE)
		fail_msg("%s: ended %s", what, operation_step_name(step));
	if (host->checkpoint != side || host->flags != side)
		fail_msg("%s: ended %s with the other side's files", what, operation_step_name(step));
	if (host->guard)
		fail_msg("%s: the guard is still there", what);
	if (kind == KIND_RESCUE && side == SIDE_OLD) {
		if (host->agent.pid != 0)
			fail_msg("%s: an agent runs with the state that it refuses", what);
	} else if (kind == KIND_RESCUE && host->scenario->dies) {
		/* Kept over a reboot, because the state is whole; what else ails the agent is not ours to know. */
	} else if (host->agent.pid == 0 || host->agent_side != side)
		fail_msg("%s: the agent does not run with what ended %s", what, operation_step_name(step));
	if (host->tasks_carried)
		fail_msg("%s: tasks that were to be ended live under the new SlaveInfo", what);
	if (kind == KIND_DISCARD && step == STEP_DONE && host->tasks)
		fail_msg("%s: the tasks were not ended", what);
	if (kind != KIND_DISCARD && !host->tasks)
		fail_msg("%s: the tasks were ended", what);
	/* A discard stops the agent instead of restarting it. */
	if (host->restarts + host->stops > 2 || host->restarts > 1 || host->stops > (kind == KIND_DISCARD ? 2 : 1))
		fail_msg("%s: %d restarts, %d stops", what, host->restarts, host->stops);
	if (host->starts_with_new > 1)
		fail_msg("%s: started %d times with the new state", what, host->starts_with_new);
}

static inline void host_init(struct host *host, const struct scenario *scenario)
{
	memset(host, 0, sizeof *host);
	host->scenario = scenario;
	host->now = 1000;
	host->next_pid = 100;
	host->agent.pid = 100;
	host->agent.start_ticks = 1;
	host->checkpoint = host->flags = host->agent_side = SIDE_OLD;
	host->tasks = true;
	if (scenario->kind == KIND_RESCUE)
		end_agent(host);
}

static inline struct operation_terms terms_of(const struct host *host)
{
	return (struct operation_terms){.start_timeout_ms = START_TIMEOUT_MS,
					.verdict_timeout_ms = VERDICT_TIMEOUT_MS,
					.discard = host->scenario->kind == KIND_DISCARD,
					.rescue = host->scenario->kind == KIND_RESCUE};
}

static inline bool apply(struct host *host)
{
	struct error err = ERROR_INIT;
	struct operation op;
	struct operation_terms terms = terms_of(host);
	int result = operation_begin(&op, &ops, host, &terms, &err);

	assert_int_not_equal(result, -1);
	return result == 0 && drive(&op, host);
}

#endif
