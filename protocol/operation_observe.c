/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/operation_observe.h"

/* systemd gives a unit 90 s to stop before it kills it. */
#define STOP_TIMEOUT_MS 120000

static int observe_forward(struct operation *op, struct operation_sight *sight, struct error *err)
{
	enum operation_step step = op->state.step;
	if (op->driver != OPERATION_BY_APPLY && !op->state.rescue)
		sight->event = EVENT_TAKEOVER;
	else if (op->word == WORD_UNDO)
		sight->event = EVENT_UNDO;
	else if ((step == STEP_GUARDED || step == STEP_STOPPING) && op->state.discard)
		sight->event = EVENT_DISCARD;
	else if ((step == STEP_GUARDED || step == STEP_STOPPING) && op->state.rescue)
		sight->event = EVENT_RESCUE;
	else if ((step == STEP_GUARDED || step == STEP_CHECKPOINT) && op->state.native)
		sight->event = EVENT_NATIVE;
	else
		sight->event = EVENT_GO;
	/* The supervisor may have replaced the agent before the guard was placed: what runs now is what is restarted. The guard
	 * itself stands in the middle of a start. */
	if (((step == STEP_FLAGS && sight->event == EVENT_GO) ||
	     (step == STEP_GUARDED && sight->event == EVENT_DISCARD)) &&
	    op->driver != OPERATION_BY_GUARD)
		return op->ops->look(op->ctx, &sight->look, err);
	return 0;
}

static bool runs(const struct operation_sight *sight, const struct operation_process *process)
{
	return sight->look.agent == AGENT_RUNNING && operation_process_equal(&sight->look.process, process);
}

/* The time to start begins when the old process has ended: an agent that takes long to stop is no agent that does not
 * start. */
static bool is_overdue(struct operation *op, const struct operation_sight *sight)
{
	int64_t deadline = op->state.deadline_ms;

	if (sight->look.agent == AGENT_RUNNING) {
		op->absent_since_ms = sight->now;
		return sight->now >= deadline + STOP_TIMEOUT_MS;
	}
	if (op->absent_since_ms + op->state.start_timeout_ms > deadline)
		deadline = op->absent_since_ms + op->state.start_timeout_ms;
	return sight->now >= deadline;
}

/* An agent that a stop has overlooked, because it was just being started, is none that was awaited: it may be about to refuse. */
static bool is_awaited(const struct operation *op, const struct operation_sight *sight, int starts)
{
	if (sight->look.agent != AGENT_RUNNING || runs(sight, &op->state.before))
		return false;
	return starts > 0 || sight->look.process.start_ticks >= op->state.restart_ticks;
}

static enum operation_event judge_restarting(struct operation *op, const struct operation_sight *sight, int starts)
{
	bool running = sight->look.agent == AGENT_RUNNING;

	if (is_awaited(op, sight, starts))
		return op->state.native ? EVENT_NATIVE : EVENT_RUNNING;
	if (starts >= 2 || (starts == 1 && sight->look.agent == AGENT_ENDED))
		return EVENT_GONE;
	if (op->word == WORD_UNDO)
		return EVENT_UNDO;
	if (is_overdue(op, sight))
		return EVENT_TIMEOUT;
	/* A start that was let through but shows no process yet is on its way: asking again could start it twice. */
	if (!op->issued && (running || starts == 0))
		return EVENT_GO;
	return EVENT_WAIT;
}

/* Once, and never in the middle of a start: whoever called the guard has no agent to look at. */
static int look_for_amendment(struct operation *op, struct operation_sight *sight, struct error *err)
{
	bool yes = false;
	int result;

	if (sight->event != EVENT_GONE || op->state.amended || op->ops->may_amend == NULL)
		return 0;
	result = op->ops->may_amend(op->ctx, &yes, err);
	if (result == 0 && yes)
		sight->event = EVENT_AMEND;
	return result;
}

static int observe_restarting(struct operation *op, struct operation_sight *sight, struct error *err)
{
	int starts = 0;
	int result = op->ops->load_starts(op->ctx, &starts, err);

	if (result != 0)
		return result;
	if (op->driver == OPERATION_BY_GUARD) {
		sight->event = starts == 0 ? EVENT_FIRST_START : EVENT_SECOND_START;
		return 0;
	}
	result = op->ops->look(op->ctx, &sight->look, err);
	if (result != 0)
		return result;
	sight->event = judge_restarting(op, sight, starts);
	return look_for_amendment(op, sight, err);
}

static enum operation_event judge_started(const struct operation *op, const struct operation_sight *sight)
{
	/* First of all: a word about a process that has ended comes too late. */
	if (!runs(sight, &op->state.started))
		return EVENT_GONE;
	if (op->word == WORD_KEEP)
		return EVENT_KEEP;
	if (op->word == WORD_UNDO)
		return EVENT_UNDO;
	return sight->now >= op->state.deadline_ms ? EVENT_DEADLINE : EVENT_WAIT;
}

static int observe_started(struct operation *op, struct operation_sight *sight, struct error *err)
{
	int result;

	if (op->driver == OPERATION_BY_GUARD) {
		sight->event = EVENT_SECOND_START;
		return 0;
	}
	result = op->ops->look(op->ctx, &sight->look, err);
	if (result != 0)
		return result;
	sight->event = judge_started(op, sight);
	return look_for_amendment(op, sight, err);
}

static int observe_undo_restarting(struct operation *op, struct operation_sight *sight, struct error *err)
{
	int result;

	if (op->driver == OPERATION_BY_GUARD) {
		sight->event = EVENT_FIRST_START;
		return 0;
	}
	result = op->ops->look(op->ctx, &sight->look, err);
	if (result != 0)
		return result;
	if (sight->look.agent == AGENT_RUNNING)
		sight->event = EVENT_RUNNING;
	else if (sight->now >= op->state.deadline_ms)
		sight->event = EVENT_TIMEOUT;
	else
		sight->event = op->issued ? EVENT_WAIT : EVENT_GO;
	return 0;
}

static int observe_stuck(struct operation *op, struct operation_sight *sight, struct error *err)
{
	int result = op->ops->look(op->ctx, &sight->look, err);

	if (result != 0)
		return result;
	sight->event = sight->look.agent == AGENT_RUNNING ? EVENT_RUNNING : op->start_again ? EVENT_GO : EVENT_WAIT;
	op->start_again = false;
	return 0;
}

int operation_observe(struct operation *op, struct operation_sight *sight, struct error *err)
{
	sight->event = EVENT_GO;
	/* What is left of its undo is for a settle, which can stop what starts the agent. */
	if (op->state.rescue && op->state.step >= STEP_UNDOING && op->driver == OPERATION_BY_GUARD) {
		sight->event = EVENT_WAIT;
		return 0;
	}
	switch (op->state.step) {
	case STEP_PREPARED:
	case STEP_GUARDED:
	case STEP_STOPPING:
	case STEP_CLEANING:
	case STEP_CLEANED:
	case STEP_CHECKPOINT:
	case STEP_FLAGS:
		return observe_forward(op, sight, err);
	case STEP_RESTARTING:
		return observe_restarting(op, sight, err);
	case STEP_TAKING_OUT:
		if (op->driver == OPERATION_BY_GUARD)
			sight->event = EVENT_SECOND_START;
		return 0;
	case STEP_STARTED:
		return observe_started(op, sight, err);
	case STEP_AMENDING:
		if (op->word == WORD_UNDO)
			sight->event = EVENT_UNDO;
		return 0;
	case STEP_UNDO_FLAGS:
	case STEP_UNDO_CLEANING:
		sight->event = op->state.rescue ? EVENT_RESCUE : EVENT_GO;
		return 0;
	case STEP_UNDO_RESTARTING:
		return observe_undo_restarting(op, sight, err);
	case STEP_STUCK:
		return observe_stuck(op, sight, err);
	default:
		return 0;
	}
}
