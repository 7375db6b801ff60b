/* SPDX-License-Identifier: Apache-2.0 */
/* The guard's question (operation_may_start), and the names of the steps. */
#include <string.h>

#include "protocol/operation.h"

static enum operation_start start_of(int result)
{
	return result == OPERATION_CRASH ? START_CRASHED : START_FAILED;
}

/* The old state is the one the agent could not start with; after a reboot it would even lose its ID over it. */
static enum operation_start refuse_unrescued(const struct operation *op, struct error *err)
{
	error_set(err, ERROR_REFUSED, "a rescue of this agent %s: checkpoint and flags do not fit each other",
		  op->state.step == STEP_UNDONE ? "failed and was taken back"
						: "is being taken back, which agentctl settle brings to its end");
	return START_FAILED;
}

/* With the lock: nobody else is at work, so what is left of the operation is settled here. */
static enum operation_start settle_for_start(struct operation *op, struct error *err)
{
	for (;;) {
		switch (operation_advance(op, err)) {
		case OPERATION_ADVANCED:
			/* The first start with the new state was counted: it is this one. */
			if (op->state.step == STEP_RESTARTING && op->issued)
				return START_ALLOWED;
			break;
		case OPERATION_FINISHED:
			return START_ALLOWED;
		case OPERATION_WAITING:
			return op->state.rescue && op->state.step >= STEP_UNDOING ? refuse_unrescued(op, err)
										  : START_WAIT;
		case OPERATION_FAILED:
			return START_FAILED;
		case OPERATION_CRASHED:
			return START_CRASHED;
		}
	}
}

/* A second start tells whoever is at work, durably, that the first process has ended. */
static enum operation_start count_second(const struct operation *op, int starts, struct error *err)
{
	int result = starts >= 2 ? 0 : op->ops->save_starts(op->ctx, 2, err);

	return result == 0 ? START_WAIT : start_of(result);
}

/* The state is loaded again after counting, because whoever is at work may have given up waiting in between. */
static enum operation_start count_first(const struct operation *op, struct error *err)
{
	struct operation again;
	int result = op->ops->save_starts(op->ctx, 1, err);

	if (result == 0)
		result = operation_load(&again, op->ops, op->ctx, OPERATION_BY_GUARD, err);
	if (result != 0)
		return start_of(result);
	return again.state.step == STEP_RESTARTING ? START_ALLOWED : START_WAIT;
}

static enum operation_start ask_without_lock(const struct operation *op, struct error *err)
{
	char boot_id[OPERATION_BOOT_ID_SIZE];
	int starts = 0;
	int result = op->ops->boot_id(op->ctx, boot_id, err);

	if (result == 0)
		result = op->ops->load_starts(op->ctx, &starts, err);
	if (result != 0)
		return start_of(result);
	switch (op->state.step) {
	case STEP_UNDO_CLEANING:
		return op->state.rescue ? START_WAIT : START_ALLOWED;
	case STEP_KEEPING:
		return op->state.native ? START_WAIT : START_ALLOWED;
	case STEP_NONE:
	case STEP_DONE:
	case STEP_UNDO_RESTARTING:
	case STEP_UNDONE:
	case STEP_STUCK:
		return START_ALLOWED; /* checkpoint and flags agree, and nothing is about to be written */
	default:
		break;
	}
	if (strcmp(boot_id, op->state.boot_id) != 0)
		return START_WAIT;
	if (op->state.step != STEP_RESTARTING && op->state.step != STEP_STARTED && op->state.step != STEP_TAKING_OUT)
		return START_WAIT;
	return op->state.step == STEP_RESTARTING && starts == 0 ? count_first(op, err) : count_second(op, starts, err);
}

/* Beside an agent that runs, or another start that is on its way, a start says nothing of the first process, and what is done in the
 * middle of a start (no agent is stopped) would be wrong. */
static int is_beside(const struct operation *op, bool *beside, struct error *err)
{
	struct operation_look look = {.agent = AGENT_ABSENT};
	int starts = 0;
	int result = 0;

	*beside = false;
	/* First, because what that start has started is there by the time it has ended. */
	if (op->state.step == STEP_RESTARTING && op->ops->is_starting != NULL) {
		result = op->ops->load_starts(op->ctx, &starts, err);
		if (result == 0 && starts > 0)
			result = op->ops->is_starting(op->ctx, beside, err);
	}
	if (result != 0 || *beside)
		return result;
	result = op->ops->look(op->ctx, &look, err);
	*beside = look.agent == AGENT_RUNNING;
	return result;
}

/* It was open when the guard first asked. */
static enum operation_start ask_after_the_end(const struct operation *op, struct error *err)
{
	struct operation_look look = {.agent = AGENT_ABSENT};
	int result;

	if (op->state.rescue && op->state.step == STEP_UNDONE)
		return refuse_unrescued(op, err);
	result = op->ops->look(op->ctx, &look, err);
	if (result != 0)
		return start_of(result);
	if (look.agent != AGENT_RUNNING)
		return START_ALLOWED;
	error_set(err, ERROR_CONFLICT, "the agent runs already (process %lld)", (long long)look.process.pid);
	return START_FAILED;
}

enum operation_start operation_may_start(const struct operation_ops *ops, void *ctx, bool locked, struct error *err)
{
	struct operation op;
	bool beside = false;
	int result = operation_load(&op, ops, ctx, OPERATION_BY_GUARD, err);

	if (result != 0)
		return start_of(result);
	if (op.state.step == STEP_NONE)
		return START_ALLOWED;
	if (operation_is_final(op.state.step) || op.state.step == STEP_STUCK)
		return ask_after_the_end(&op, err);
	result = is_beside(&op, &beside, err);
	if (result != 0)
		return start_of(result);
	if (beside)
		return START_WAIT;
	return locked ? settle_for_start(&op, err) : ask_without_lock(&op, err);
}

/* ---- names */

static const char *const step_names[STEP_COUNT] = {
	[STEP_NONE] = "none",
	[STEP_PREPARED] = "prepared",
	[STEP_GUARDED] = "guarded",
	[STEP_STOPPING] = "agent-stopping",
	[STEP_CLEANING] = "agent-cleaning",
	[STEP_CLEANED] = "agent-cleaned",
	[STEP_CHECKPOINT] = "checkpoint",
	[STEP_FLAGS] = "flags",
	[STEP_RESTARTING] = "restarting",
	[STEP_TAKING_OUT] = "flags-back",
	[STEP_STARTED] = "started",
	[STEP_AMENDING] = "amending",
	[STEP_KEEPING] = "keeping",
	[STEP_DONE] = "done",
	[STEP_UNDOING] = "undoing",
	[STEP_UNDO_CHECKPOINT] = "undo-checkpoint",
	[STEP_UNDO_FLAGS] = "undo-flags",
	[STEP_UNDO_RESTARTING] = "undo-restarting",
	[STEP_UNDO_CLEANING] = "undo-cleaning",
	[STEP_UNDONE] = "undone",
	[STEP_STUCK] = "stuck",
};

const char *operation_step_name(enum operation_step step)
{
	return step_names[step];
}

int operation_step_parse(const char *text, enum operation_step *out, struct error *err)
{
	for (int i = 0; i < STEP_COUNT; i++) {
		if (strcmp(step_names[i], text) == 0) {
			*out = (enum operation_step)i;
			return 0;
		}
	}
	return error_set(err, ERROR_CORRUPT, "'%s' is no step of an operation", text);
}

enum operation_fate operation_fate(enum operation_step step)
{
	switch (step) {
	case STEP_NONE:
		return FATE_ABSENT;
	case STEP_DONE:
		return FATE_DONE;
	case STEP_UNDONE:
		return FATE_UNDONE;
	case STEP_STUCK:
		return FATE_STUCK;
	default:
		return FATE_OPEN;
	}
}

bool operation_is_final(enum operation_step step)
{
	return step == STEP_DONE || step == STEP_UNDONE;
}

bool operation_process_equal(const struct operation_process *a, const struct operation_process *b)
{
	return a->pid == b->pid && a->start_ticks == b->start_ticks;
}
