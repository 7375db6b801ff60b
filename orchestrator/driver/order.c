/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/driver/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/engine/engine.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/output.h"
#include "orchestrator/session_ledger.h"

/* The driver looks twice a second; a commit of it may wait for a slow disk. One that takes longer than this hangs. */
#define PATIENCE_MS 30000
#define LOOK_MS     100

bool order_is_driven(struct session *session, const char *run, struct driver_holder *holder)
{
	struct driver_holder found;

	if (!driver_lock_is_held(session_database_path(session), &found))
		return false;
	bool drives = found.run && strcmp(found.run, run) == 0;
	if (drives && holder)
		*holder = found;
	else
		driver_holder_clear(&found);
	return drives;
}

/* ---- with a driver */

static int put_order(struct session *session, const char *run, const char *verb, int64_t *seq)
{
	struct ledger *ledger = session_ledger(session);
	const struct run_order order = {
		.run = (char *)(uintptr_t)run,
		.verb = (char *)(uintptr_t)verb,
		.actor = (char *)(uintptr_t)session_actor(session),
		.time_ms = clock_wall_ms(),
	};

	if (!ledger)
		return -1;
	ledger_put_order(ledger, &order);
	int result = ledger_commit(ledger, &session->error);
	*seq = ledger_ordered(ledger);
	ledger_close(ledger);
	return result;
}

static int void_order(struct session *session, const char *run, const char *verb, int64_t seq)
{
	struct ledger *ledger = session_ledger(session);
	const struct run_order order = {
		.seq = seq,
		.run = (char *)(uintptr_t)run,
		.verb = (char *)(uintptr_t)verb,
		.actor = (char *)(uintptr_t)session_actor(session),
		.time_ms = clock_wall_ms(),
		.done_ms = clock_wall_ms(),
		.answer = (char *)(uintptr_t)ORDER_VOID "the driver did not carry it out",
	};

	if (!ledger)
		return -1;
	ledger_put_order(ledger, &order);
	int result = ledger_commit(ledger, &session->error);
	ledger_close(ledger);
	return result;
}

static int blame_holder(struct session *session, const char *run, const struct driver_holder *holder)
{
	return error_set(&session->error, ERROR_CONFLICT,
			 "process %ld on %s (%s) drives run %s since %s and %s. Nothing was ordered. `rollcall rollout "
			 "resume --take-over %s` goes on without it, and does what it is told",
			 holder->pid, holder->host ? holder->host : "?", holder->actor ? holder->actor : "?", run,
			 holder->since ? holder->since : "?",
			 holder->stopped ? "is stopped" : "does not do what it is told", run);
}

/* 1: done; 0: nobody drives it any more; -1. */
static int await(struct session *session, const char *run, int64_t seq, char **answer)
{
	int64_t deadline = clock_monotonic_ms() + PATIENCE_MS;
	struct driver_holder holder;

	for (;;) {
		int done = ledger_order_is_done(session_store(session), seq, answer, &session->error);
		if (done != 0)
			return done;
		if (!order_is_driven(session, run, &holder))
			return ledger_order_is_done(session_store(session), seq, answer, &session->error);
		bool hangs = holder.stopped || clock_monotonic_ms() >= deadline;
		if (hangs)
			blame_holder(session, run, &holder);
		driver_holder_clear(&holder);
		if (hangs)
			return -1;
		usleep(LOOK_MS * 1000);
	}
}

/* Nobody carries it out any more; unless somebody has at the last moment. result: what order_give returns otherwise. */
static int take_back(struct session *session, const char *run, const char *verb, int64_t seq, int result, char **answer)
{
	struct error why = session->error;

	error_clear(&session->error);
	if (void_order(session, run, verb, seq) == 0) {
		session->error = why;
		return result;
	}
	if (session->error.kind != ERROR_CONFLICT)
		return -1;
	error_clear(&session->error);
	return ledger_order_is_done(session_store(session), seq, answer, &session->error);
}

int order_give(struct session *session, const char *run, const char *verb, char **answer)
{
	int64_t seq = 0;

	if (put_order(session, run, verb, &seq) < 0)
		return -1;
	int result = await(session, run, seq, answer);
	if (result <= 0)
		result = take_back(session, run, verb, seq, result, answer);
	/* Somebody else has made it void: a driver that found it when it began. */
	if (result <= 0 || !*answer || strncmp(*answer, ORDER_VOID, strlen(ORDER_VOID)) != 0)
		return result;
	free(*answer);
	*answer = NULL;
	return 0;
}

/* ---- without one */

static bool is_under_way(const char *state)
{
	int found = agent_state_parse(state);

	return found >= 0 && agent_state_is_under_way((enum agent_state)found);
}

static int count_under_way(struct ledger *ledger, const char *run, size_t *under_way, struct error *err)
{
	struct run_agent *agents = NULL;
	size_t count = 0;

	*under_way = 0;
	if (ledger_load_agents(ledger, run, &agents, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		*under_way += is_under_way(agents[i].state);
		run_agent_clear(&agents[i]);
	}
	free(agents);
	return 0;
}

static int check_markable(const struct run_row *run, bool abort, struct error *err)
{
	int state = run_state_parse(run->state);

	if (state == RUN_DONE || state == RUN_ABORTED || (state == RUN_PAUSED && !abort))
		return error_set(err, ERROR_CONFLICT, "run %s %s%s%s", run->id,
				 state == RUN_PAUSED ? "has paused already" : "is ",
				 state == RUN_PAUSED ? "" : run->state,
				 state == RUN_PAUSED ? "" : ": there is nothing to stop");
	return 0;
}

static void put_mark(struct ledger *ledger, struct run_row *run, bool abort, const char *actor, size_t under_way)
{
	free(run->state);
	free(run->reason);
	free(run->before);
	run->before = NULL;
	run->state = xstrdup(run_state_name(abort ? RUN_ABORTED : RUN_PAUSED));
	run->reason = xasprintf("%s by %s", abort ? "aborted" : "paused", actor);
	if (abort) {
		run->rollback_due = 0;
		run->finished_ms = under_way ? 0 : clock_wall_ms();
	}
	ledger_event(ledger, "run", run->id, NULL,
		     json_pack("{s:s, s:s, s:I, s:I}", "state", run->state, "reason", run->reason, "epoch",
			       (json_int_t)run->epoch, "forgiven", (json_int_t)run->forgiven));
	ledger_put_run(ledger, run);
}

static char *mark_answer(const char *run, bool abort, size_t under_way)
{
	const char *what = abort ? "it is aborted: nothing starts ever again"
				 : "it has paused: nothing starts before it is resumed";

	if (under_way > 0)
		return xasprintf(
			"%s. Nobody drives it, and %zu agent%s left under way: `rollcall rollout %s %s` asks %s", what,
			under_way, under_way == 1 ? " was" : "s were", abort ? "settle" : "resume", run,
			under_way == 1 ? "its host" : "their hosts");
	return xstrdup(what);
}

static int mark(struct session *session, struct ledger *ledger, const char *name, const char *verb, char **answer)
{
	bool abort = strcmp(verb, "abort") == 0;
	struct run_row run = {.id = NULL};
	size_t under_way;

	if (ledger_load_run(ledger, name, &run, &session->error) < 0 ||
	    check_markable(&run, abort, &session->error) < 0 ||
	    count_under_way(ledger, name, &under_way, &session->error) < 0) {
		run_row_clear(&run);
		return -1;
	}
	put_mark(ledger, &run, abort, session_actor(session), under_way);
	*answer = mark_answer(name, abort, under_way);
	const struct run_order order = {.run = run.id,
					.verb = (char *)(uintptr_t)verb,
					.actor = (char *)(uintptr_t)session_actor(session),
					.time_ms = clock_wall_ms(),
					.done_ms = clock_wall_ms(),
					.answer = *answer};
	ledger_put_order(ledger, &order);
	int result = ledger_commit(ledger, &session->error);
	run_row_clear(&run);
	return result;
}

/* Whoever has just taken the lock says in a moment which run he drives. 1: the run may be marked, with the lock or because its
 * holder drives another one; 0: somebody drives it by now. */
static int hold_off_drivers(struct session *session, const char *run, struct driver_lock **lock)
{
	int64_t deadline = clock_monotonic_ms() + PATIENCE_MS;

	for (;;) {
		struct error ignored = ERROR_INIT;
		struct driver_holder holder = {.run = NULL};

		*lock = driver_lock_take(session_database_path(session), session_actor(session), clock_wall_ms(),
					 &ignored);
		bool held = !*lock && driver_lock_is_held(session_database_path(session), &holder);
		/* Of a new run the plan is known before the run has a name. */
		bool knows = held && (holder.run || holder.what);
		bool same = knows && holder.run && strcmp(holder.run, run) == 0;
		if (held)
			driver_holder_clear(&holder);
		if (*lock || (knows && !same))
			return 1;
		if (same)
			return 0;
		if (clock_monotonic_ms() >= deadline)
			return error_set(&session->error, ERROR_CONFLICT, "%s", ignored.text);
		usleep(LOOK_MS * 1000);
	}
}

int order_mark(struct session *session, const char *run, const char *verb, char **answer)
{
	struct driver_lock *lock = NULL;
	int result = hold_off_drivers(session, run, &lock);

	*answer = NULL;
	if (result <= 0)
		return result;
	struct ledger *ledger = session_ledger(session);
	result = ledger ? mark(session, ledger, run, verb, answer) : -1;
	ledger_close(ledger);
	driver_lock_release(lock);
	if (result == 0)
		return 1;
	free(*answer);
	*answer = NULL;
	return -1;
}

/* ---- both */

bool order_is_declined(const char *answer)
{
	return answer && strncmp(answer, ORDER_DECLINED, strlen(ORDER_DECLINED)) == 0;
}

int order_show(struct session *session, const char *run, const char *verb, const char *answer, const char *also)
{
	bool declined = order_is_declined(answer);
	const char *said = !answer ? verb : declined ? answer + strlen(ORDER_DECLINED) : answer;

	if (session->json)
		output_json(json_pack("{s:s, s:s, s:b, s:s}", "run", run, "order", verb, "declined", declined, "answer",
				      said));
	else if (!declined)
		output_told(session, stdout, "Run %s: %s%s\n", run, said, also);
	if (!declined)
		return 0;
	return error_set(&session->error, ERROR_CONFLICT,
			 "whoever drives run %s has declined to %s it: %s. `rollcall rollout status %s` shows where it "
			 "stands",
			 run, verb, said, run);
}

int order_carry_out(struct session *session, const char *name, const char *verb)
{
	struct run_row run;
	char *answer = NULL;
	int result = 0;

	if (!session_run_store(session) || ledger_find_run(session_store(session), name, &run, &session->error) < 0)
		return -1;
	/* Drivers come and go; either somebody obeys, or nobody is there. */
	while (result == 0) {
		if (order_is_driven(session, run.id, NULL))
			result = order_give(session, run.id, verb, &answer);
		if (result == 0)
			result = order_mark(session, run.id, verb, &answer);
	}
	if (result > 0)
		result = order_show(session, run.id, verb, answer, "");
	free(answer);
	run_row_clear(&run);
	return result;
}
