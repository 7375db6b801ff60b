/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_PROTOCOL_SIMULATED_HOST_H
#define TESTS_UNIT_PROTOCOL_SIMULATED_HOST_H
/*
 * A host that lives in one struct, and the ops of an operation on it, with crashes before or after any call. Its supervisor and its judge
 * are in simulated_supervisor.h.
 */
#include "tests/support/cmocka.h"

#include "protocol/operation.h"

#define START_TIMEOUT_MS   1000
#define VERDICT_TIMEOUT_MS 2000
#define TICK_MS            20
/* An operation takes some 20 advances, and waits for at most start, verdict and start again. */
#define MAX_TICKS          1000

enum end { END_EITHER, END_DONE, END_UNDONE };
/* AMEND: a change whose agent ends until its new checkpoint was amended. NATIVE_LAZY: a native agent that has not written its
 * checkpoint by the time it is kept; NATIVE_ENDS: one that is to end its tasks. */
enum kind { KIND_CHANGE, KIND_DISCARD, KIND_RESCUE, KIND_AMEND, KIND_NATIVE, KIND_NATIVE_LAZY, KIND_NATIVE_ENDS };

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
	{"amended", WORD_NONE, false, false, false, END_DONE, KIND_AMEND, false},
	{"amended, and ends again", WORD_NONE, true, false, false, END_UNDONE, KIND_AMEND, false},
	{"native", WORD_KEEP, false, false, false, END_DONE, KIND_NATIVE, false},
	{"native, lost connection", WORD_NONE, false, false, false, END_DONE, KIND_NATIVE_LAZY, false},
	{"native undone", WORD_UNDO, false, false, false, END_UNDONE, KIND_NATIVE, false},
	{"native, agent ends", WORD_NONE, true, false, false, END_UNDONE, KIND_NATIVE, false},
	{"native, disk full", WORD_KEEP, false, false, true, END_UNDONE, KIND_NATIVE, false},
	{"native, agent never appears", WORD_NONE, false, true, false, END_UNDONE, KIND_NATIVE_LAZY, false},
	{"native that ends tasks", WORD_KEEP, false, false, false, END_DONE, KIND_NATIVE_ENDS, false},
	{"native that ends tasks, undone", WORD_UNDO, false, false, false, END_UNDONE, KIND_NATIVE_ENDS, false},
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
	bool waits;                     /* its guard has been told to wait, and asks on */
	bool twin_waits;
	bool twin_wanted;   /* a second supervisor has the same start to do */
	bool twin_asks;     /* it is the second one who asks the guard just now */
	bool starting_twin; /* it is the second one who was let through */
	int stray;          /* the agent was started without the guard: it refuses so many moments after RESTARTING */

	/* judged at the end */
	bool tasks;         /* its executors live */
	bool tasks_carried; /* they lived on under another SlaveInfo although they were to be ended */
	bool id_lost;
	int restarts, stops; /* of a running agent */
	int starts_with_new;
	bool ended_twice;   /* tasks were ended by a second start with --recover_state=false */
	bool amended;       /* the new checkpoint was written again; a crash leaves it */
	bool agent_amended; /* the agent found it so */

	/* the test's own */
	int64_t now;
	int64_t next_pid;
	int calls;
	bool has_room; /* the disk that was full is not any more */
	int crash_at;  /* at this call; 0: never */
	bool crash_after;
};

static inline bool is_native(const struct host *host)
{
	return host->scenario->kind >= KIND_NATIVE;
}

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
	if (side == (is_native(host) ? SIDE_TRIAL : SIDE_NEW) && host->scenario->fails_to_write && !host->has_room)
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
	if (host->stray > 0)
		return 0;
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

static inline int may_amend(void *ctx, bool *yes, struct error *err)
{
	ENTER(ctx);
	*yes = host->scenario->kind == KIND_AMEND && host->agent.pid == 0;
	LEAVE(host);
}

static inline int amend(void *ctx, struct error *err)
{
	ENTER(ctx);
	assert_int_equal(host->agent.pid, 0);
	assert_int_equal(host->checkpoint, SIDE_NEW);
	host->amended = true;
	LEAVE(host);
}

static inline int64_t now_ticks(void *ctx)
{
	return now_ms(ctx);
}

static inline int is_starting(void *ctx, bool *yes, struct error *err)
{
	ENTER(ctx);
	*yes = host->starting && host->twin_asks != host->starting_twin;
	LEAVE(host);
}

static const struct operation_ops ops = {
	load_state,  save_state, load_starts,   save_starts, place_guard, remove_guard, write_checkpoint,
	write_flags, clean_up,   restart_agent, stop_agent,  start_agent, look,         boot_id,
	now_ms,      may_amend,  amend,         now_ticks,   is_starting,
};

#endif
