/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_PROTOCOL_SIMULATED_SUPERVISOR_H
#define TESTS_UNIT_PROTOCOL_SIMULATED_SUPERVISOR_H
/*
 * What lives on a simulated host beside agentctl: supervisors that ask the guard (one, or two that want the same start), agents that end; who
 * drives an operation there to its end; and a judge that looks at the host alone.
 */
#include "tests/unit/protocol/simulated_host.h"

static inline const struct scenario *find_scenario(const char *name)
{
	for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	fail_msg("no scenario %s", name);
	return NULL;
}

/* ---- the supervisor */

static inline void start_now(struct host *host)
{
	bool trial = host->flags == SIDE_TRIAL;
	bool bad = (!trial && host->checkpoint != host->flags) ||
		   (host->scenario->kind == KIND_RESCUE && host->flags == SIDE_OLD);

	host->starting = false;
	host->id_lost = host->id_lost || bad;
	host->tasks_carried = host->tasks_carried ||
			      (host->scenario->kind == KIND_DISCARD && host->tasks && host->checkpoint == SIDE_NEW);
	if (host->flags != SIDE_OLD && host->state.step != STEP_DONE && host->state.step != STEP_KEEPING)
		host->starts_with_new++;
	if (host->flags != SIDE_OLD && host->scenario->never_appears)
		return;
	if (trial && host->scenario->kind == KIND_NATIVE_ENDS) {
		host->ended_twice = host->ended_twice || !host->tasks;
		host->tasks = false;
	}
	if (trial && host->scenario->kind != KIND_NATIVE_LAZY)
		host->checkpoint = SIDE_NEW;
	host->agent.pid = ++host->next_pid;
	host->agent.start_ticks = host->now;
	host->agent_side = host->flags == SIDE_OLD ? SIDE_OLD : SIDE_NEW;
	host->agent_amended = host->amended;
}

/* Without a guard a host that needs a rescue is lost whatever we do: that start is none of ours. */
static inline bool is_ours_to_start(const struct host *host)
{
	return host->scenario->kind != KIND_RESCUE || host->guard || host->flags == SIDE_NEW;
}

static inline bool cannot_live(const struct host *host)
{
	bool refuses = host->scenario->kind == KIND_AMEND && !host->agent_amended;

	return host->agent.pid != 0 && host->agent_side == SIDE_NEW && (host->scenario->dies || refuses);
}

/* The second one of two supervisors asks as long as there is a guard. */
static inline void ask_for_twin(struct host *host, bool lock_is_free)
{
	struct error err = ERROR_INIT;
	enum operation_start answer;

	host->twin_asks = true;
	answer = host->guard || host->twin_waits ? operation_may_start(&ops, host, lock_is_free, &err) : START_ALLOWED;
	host->twin_waits = answer == START_WAIT;
	host->twin_asks = false;
	if (answer == START_ALLOWED && host->starting && host->state.step == STEP_RESTARTING)
		fail_msg("%s: a second agent was allowed to start", host->scenario->name);
	host->starting_twin = answer == START_ALLOWED && host->agent.pid == 0;
	host->starting = host->starting || host->starting_twin;
	host->twin_wanted = answer == START_WAIT || (answer == START_CRASHED && is_ours_to_start(host));
}

/* It is so young that a stop overlooks it. Its supervisor starts the next one through the guard. */
static inline void live_as_stray(struct host *host)
{
	if (host->state.step < STEP_RESTARTING || --host->stray > 0)
		return;
	end_agent(host);
	host->start_wanted = host->guard;
}

/* One moment: an agent that cannot live ends, and is started again; a start that is wanted asks the guard. */
static inline void tick(struct host *host, bool lock_is_free)
{
	struct error err = ERROR_INIT;

	host->now += TICK_MS;
	host->start_wanted = host->start_wanted && (host->waits || is_ours_to_start(host));
	host->twin_wanted = host->twin_wanted && (host->twin_waits || is_ours_to_start(host));
	if (host->stray > 0) {
		live_as_stray(host);
	} else if (cannot_live(host)) {
		end_agent(host);
		host->start_wanted = true;
	} else if (host->twin_wanted && host->now / TICK_MS % 2 == 0) {
		ask_for_twin(host, lock_is_free);
	} else if (host->starting) {
		start_now(host);
	} else if (host->start_wanted) {
		enum operation_start answer = host->guard || host->waits
						      ? operation_may_start(&ops, host, lock_is_free, &err)
						      : START_ALLOWED;

		host->waits = answer == START_WAIT;

		if (answer == START_ALLOWED && host->starting)
			fail_msg("%s: a second agent was allowed to start", host->scenario->name);
		/* One that has waited beside an agent that runs is not needed any more. */
		host->starting = answer == START_ALLOWED && host->agent.pid == 0;
		host->starting_twin = false;
		host->start_wanted = answer == START_WAIT || (answer == START_CRASHED && is_ours_to_start(host));
	}
}

/* What nobody takes back stays open, behind its guard, until there is room. */
static inline void make_room(const struct operation *op, struct host *host, const struct error *err)
{
	if (host->scenario->kind != KIND_RESCUE || !host->scenario->fails_to_write || host->has_room)
		fail_msg("%s: %s", host->scenario->name, err->text);
	if (op->driver == OPERATION_BY_APPLY || op->state.step != STEP_CHECKPOINT || !host->guard)
		fail_msg("%s: failed at %s", host->scenario->name, operation_step_name(op->state.step));
	host->has_room = true;
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
			make_room(op, host, &err);
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
		/* Kept by whoever took it over, because the state is whole; what else ails the agent is not ours to know. */
	} else if (host->agent.pid == 0 || host->agent_side != side)
		fail_msg("%s: the agent does not run with what ended %s", what, operation_step_name(step));
	if (host->tasks_carried)
		fail_msg("%s: tasks that were to be ended live under the new SlaveInfo", what);
	if (kind == KIND_DISCARD && step == STEP_DONE && host->tasks)
		fail_msg("%s: the tasks were not ended", what);
	if (host->ended_twice)
		fail_msg("%s: tasks were ended a second time", what);
	if (kind == KIND_NATIVE_ENDS && step == STEP_DONE && host->tasks)
		fail_msg("%s: the tasks were not ended", what);
	if (kind != KIND_DISCARD && kind != KIND_NATIVE_ENDS && !host->tasks)
		fail_msg("%s: the tasks were ended", what);
	/* A discard stops the agent instead of restarting it. */
	if (host->restarts + host->stops > 2 || host->restarts > 1 || host->stops > (kind == KIND_DISCARD ? 2 : 1))
		fail_msg("%s: %d restarts, %d stops", what, host->restarts, host->stops);
	/* A rescue begins anew when the host reboots in the midst of its undo. */
	if (host->starts_with_new > (host->amended ? 2 : 1) + (kind == KIND_RESCUE ? host->boot : 0))
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
					.rescue = host->scenario->kind == KIND_RESCUE,
					.native = is_native(host),
					.ends_tasks = host->scenario->kind == KIND_NATIVE_ENDS};
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
