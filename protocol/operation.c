/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of steps. advance() looks (observe), finds the row for (step, event), performs the row's effect and saves
 * the next step: in this order, so that a saved step always comes before the effect that it announces.
 */
#include "protocol/operation.h"

#include <string.h>

#include "protocol/operation_observe.h"

struct row {
	enum operation_step step;
	enum operation_event event;
	int (*effect)(struct operation *op, struct error *err);
	enum operation_step next;
};

/* ---- effects */

/* Whoever is called by the guard need not place it. */
static int effect_place_guard(struct operation *op, struct error *err)
{
	if (op->driver == OPERATION_BY_GUARD)
		return 0;
	return op->ops->place_guard(op->ctx, err);
}

static int effect_remove_guard(struct operation *op, struct error *err)
{
	return op->ops->remove_guard(op->ctx, op->driver == OPERATION_BY_GUARD, err);
}

/* A native agent has written its checkpoint, or is to find it as if it had. Of a rescue that goes forward no process is known to run. */
static int effect_keep(struct operation *op, struct error *err)
{
	int result = op->state.native ? op->ops->write_checkpoint(op->ctx, SIDE_NEW, err) : 0;

	if (result == 0)
		result = effect_remove_guard(op, err);
	if (result == 0 && op->state.rescue && op->state.started.pid == 0 && op->driver != OPERATION_BY_GUARD)
		result = op->ops->start_agent(op->ctx, err);
	return result;
}

/* In the middle of a start no agent runs, and stopping it would end the guard itself. */
static int effect_stop_before(struct operation *op, struct error *err)
{
	if (op->driver == OPERATION_BY_GUARD)
		return 0;
	return op->ops->stop_agent(op->ctx, err);
}

static int effect_clean_up(struct operation *op, struct error *err)
{
	return op->ops->clean_up(op->ctx, err);
}

static int effect_new_checkpoint(struct operation *op, struct error *err)
{
	return op->ops->write_checkpoint(op->ctx, SIDE_NEW, err);
}

static int effect_trial_flags(struct operation *op, struct error *err)
{
	return op->ops->write_flags(op->ctx, SIDE_TRIAL, err);
}

static int effect_new_flags(struct operation *op, struct error *err)
{
	return op->ops->write_flags(op->ctx, SIDE_NEW, err);
}

static int effect_restart(struct operation *op, struct error *err)
{
	int result = op->ops->restart_agent(op->ctx, &op->state.before, err);

	op->issued = result == 0;
	op->absent_since_ms = op->ops->now_ms(op->ctx);
	return result;
}

static int effect_count_start(struct operation *op, struct error *err)
{
	int result = op->ops->save_starts(op->ctx, 1, err);

	op->issued = result == 0;
	return result;
}

/* What was never asked to restart runs with the old state in memory, and stays. The guard is called in the middle of a start, so
 * no process runs, and stopping the agent would end the guard itself. */
static int effect_stop(struct operation *op, struct error *err)
{
	if (op->driver == OPERATION_BY_GUARD || !op->state.asked)
		return 0;
	return op->ops->stop_agent(op->ctx, err);
}

static int effect_old_checkpoint(struct operation *op, struct error *err)
{
	return op->ops->write_checkpoint(op->ctx, SIDE_OLD, err);
}

static int effect_old_flags(struct operation *op, struct error *err)
{
	return op->ops->write_flags(op->ctx, SIDE_OLD, err);
}

static int effect_start(struct operation *op, struct error *err)
{
	int result = op->ops->start_agent(op->ctx, err);

	op->issued = result == 0;
	return result;
}

/* What its supervisor is about to start would find no guard, and the state that it refuses. */
static int effect_leave_unstarted(struct operation *op, struct error *err)
{
	int result = effect_stop(op, err);

	return result == 0 ? effect_remove_guard(op, err) : result;
}

/* What its supervisor is about to start waits for the guard; it is to find another checkpoint, and no start counted. */
static int effect_amend(struct operation *op, struct error *err)
{
	int result = effect_stop_before(op, err);

	if (result == 0)
		result = op->ops->amend(op->ctx, err);
	return result == 0 ? op->ops->save_starts(op->ctx, 0, err) : result;
}

/* No start that was counted says anything of what begins anew. */
static int effect_forget_starts(struct operation *op, struct error *err)
{
	return op->ops->save_starts(op->ctx, 0, err);
}

/* ---- the table */

static const struct row rows[] = {
	{STEP_PREPARED, EVENT_GO, effect_place_guard, STEP_GUARDED},
	{STEP_PREPARED, EVENT_TAKEOVER, NULL, STEP_UNDOING},
	{STEP_PREPARED, EVENT_UNDO, NULL, STEP_UNDOING},
	{STEP_PREPARED, EVENT_REBOOT, NULL, STEP_UNDOING},
	{STEP_PREPARED, EVENT_FAILED, NULL, STEP_UNDOING},

	{STEP_GUARDED, EVENT_GO, effect_new_checkpoint, STEP_CHECKPOINT},
	{STEP_GUARDED, EVENT_DISCARD, NULL, STEP_STOPPING},
	{STEP_GUARDED, EVENT_RESCUE, NULL, STEP_STOPPING},
	{STEP_GUARDED, EVENT_NATIVE, NULL, STEP_CHECKPOINT},
	{STEP_GUARDED, EVENT_TAKEOVER, NULL, STEP_UNDOING},
	{STEP_GUARDED, EVENT_UNDO, NULL, STEP_UNDOING},
	{STEP_GUARDED, EVENT_REBOOT, NULL, STEP_UNDOING},
	{STEP_GUARDED, EVENT_FAILED, NULL, STEP_UNDOING},

	{STEP_STOPPING, EVENT_DISCARD, effect_stop_before, STEP_CLEANING},
	{STEP_STOPPING, EVENT_RESCUE, effect_stop_before, STEP_CLEANED},
	{STEP_STOPPING, EVENT_TAKEOVER, NULL, STEP_UNDOING},
	{STEP_STOPPING, EVENT_UNDO, NULL, STEP_UNDOING},
	{STEP_STOPPING, EVENT_REBOOT, NULL, STEP_UNDOING},
	{STEP_STOPPING, EVENT_FAILED, NULL, STEP_UNDOING},

	{STEP_CLEANING, EVENT_GO, effect_clean_up, STEP_CLEANED},
	{STEP_CLEANING, EVENT_TAKEOVER, NULL, STEP_UNDOING},
	{STEP_CLEANING, EVENT_UNDO, NULL, STEP_UNDOING},
	{STEP_CLEANING, EVENT_REBOOT, NULL, STEP_UNDOING},
	{STEP_CLEANING, EVENT_FAILED, NULL, STEP_UNDOING},

	{STEP_CLEANED, EVENT_GO, effect_new_checkpoint, STEP_CHECKPOINT},
	{STEP_CLEANED, EVENT_TAKEOVER, NULL, STEP_UNDOING},
	{STEP_CLEANED, EVENT_UNDO, NULL, STEP_UNDOING},
	{STEP_CLEANED, EVENT_REBOOT, NULL, STEP_UNDOING},
	{STEP_CLEANED, EVENT_FAILED, NULL, STEP_UNDOING},

	{STEP_CHECKPOINT, EVENT_GO, effect_new_flags, STEP_FLAGS},
	{STEP_CHECKPOINT, EVENT_NATIVE, effect_trial_flags, STEP_FLAGS},
	{STEP_CHECKPOINT, EVENT_TAKEOVER, NULL, STEP_UNDOING},
	{STEP_CHECKPOINT, EVENT_UNDO, NULL, STEP_UNDOING},
	{STEP_CHECKPOINT, EVENT_REBOOT, NULL, STEP_UNDOING},
	{STEP_CHECKPOINT, EVENT_FAILED, NULL, STEP_UNDOING},

	{STEP_FLAGS, EVENT_GO, NULL, STEP_RESTARTING},
	{STEP_FLAGS, EVENT_TAKEOVER, NULL, STEP_UNDOING},
	{STEP_FLAGS, EVENT_UNDO, NULL, STEP_UNDOING},
	{STEP_FLAGS, EVENT_REBOOT, NULL, STEP_UNDOING},

	{STEP_RESTARTING, EVENT_GO, effect_restart, STEP_RESTARTING},
	{STEP_RESTARTING, EVENT_FAILED, NULL, STEP_UNDOING},
	{STEP_RESTARTING, EVENT_FIRST_START, effect_count_start, STEP_RESTARTING},
	{STEP_RESTARTING, EVENT_SECOND_START, NULL, STEP_UNDOING},
	{STEP_RESTARTING, EVENT_RUNNING, NULL, STEP_STARTED},
	{STEP_RESTARTING, EVENT_NATIVE, NULL, STEP_TAKING_OUT},
	{STEP_RESTARTING, EVENT_GONE, NULL, STEP_UNDOING},
	{STEP_RESTARTING, EVENT_AMEND, NULL, STEP_AMENDING},
	{STEP_RESTARTING, EVENT_TIMEOUT, NULL, STEP_UNDOING},
	{STEP_RESTARTING, EVENT_UNDO, NULL, STEP_UNDOING},
	{STEP_RESTARTING, EVENT_REBOOT, NULL, STEP_UNDOING},
	{STEP_RESTARTING, EVENT_REBOOT_RESCUED, NULL, STEP_KEEPING},
	{STEP_RESTARTING, EVENT_FORWARD, NULL, STEP_KEEPING},

	{STEP_TAKING_OUT, EVENT_GO, effect_new_flags, STEP_STARTED},
	{STEP_TAKING_OUT, EVENT_SECOND_START, NULL, STEP_UNDOING},
	{STEP_TAKING_OUT, EVENT_REBOOT, NULL, STEP_UNDOING},
	{STEP_TAKING_OUT, EVENT_FAILED, NULL, STEP_UNDOING},

	{STEP_STARTED, EVENT_KEEP, NULL, STEP_KEEPING},
	{STEP_STARTED, EVENT_DEADLINE, NULL, STEP_KEEPING},
	{STEP_STARTED, EVENT_UNDO, NULL, STEP_UNDOING},
	{STEP_STARTED, EVENT_GONE, NULL, STEP_UNDOING},
	{STEP_STARTED, EVENT_AMEND, NULL, STEP_AMENDING},
	{STEP_STARTED, EVENT_SECOND_START, NULL, STEP_UNDOING},
	{STEP_STARTED, EVENT_REBOOT, NULL, STEP_UNDOING},
	{STEP_STARTED, EVENT_REBOOT_RESCUED, NULL, STEP_KEEPING},
	{STEP_STARTED, EVENT_FORWARD, NULL, STEP_KEEPING},

	{STEP_AMENDING, EVENT_GO, effect_amend, STEP_RESTARTING},
	{STEP_AMENDING, EVENT_UNDO, NULL, STEP_UNDOING},
	{STEP_AMENDING, EVENT_REBOOT, NULL, STEP_UNDOING},
	{STEP_AMENDING, EVENT_FAILED, NULL, STEP_UNDOING},
	{STEP_AMENDING, EVENT_FORWARD, NULL, STEP_KEEPING},

	/* The decision stands, over a reboot too: checkpoint and flags agree. */
	{STEP_KEEPING, EVENT_GO, effect_keep, STEP_DONE},

	{STEP_UNDOING, EVENT_GO, effect_stop, STEP_UNDO_CHECKPOINT},
	{STEP_UNDOING, EVENT_REBOOT, NULL, STEP_UNDOING},
	{STEP_UNDOING, EVENT_REBOOT_RESCUED, effect_forget_starts, STEP_PREPARED},
	{STEP_UNDO_CHECKPOINT, EVENT_GO, effect_old_checkpoint, STEP_UNDO_FLAGS},
	{STEP_UNDO_CHECKPOINT, EVENT_REBOOT, NULL, STEP_UNDOING},
	{STEP_UNDO_CHECKPOINT, EVENT_REBOOT_RESCUED, effect_forget_starts, STEP_PREPARED},
	{STEP_UNDO_FLAGS, EVENT_GO, effect_old_flags, STEP_UNDO_RESTARTING},
	{STEP_UNDO_FLAGS, EVENT_RESCUE, effect_old_flags, STEP_UNDO_CLEANING},
	{STEP_UNDO_FLAGS, EVENT_REBOOT, NULL, STEP_UNDOING},
	{STEP_UNDO_FLAGS, EVENT_REBOOT_RESCUED, effect_forget_starts, STEP_PREPARED},
	{STEP_UNDO_RESTARTING, EVENT_GO, effect_start, STEP_UNDO_RESTARTING},
	{STEP_UNDO_RESTARTING, EVENT_FIRST_START, NULL, STEP_UNDO_CLEANING},
	{STEP_UNDO_RESTARTING, EVENT_RUNNING, NULL, STEP_UNDO_CLEANING},
	{STEP_UNDO_RESTARTING, EVENT_TIMEOUT, NULL, STEP_STUCK},
	{STEP_UNDO_RESTARTING, EVENT_REBOOT, NULL, STEP_UNDO_RESTARTING},
	{STEP_UNDO_CLEANING, EVENT_GO, effect_remove_guard, STEP_UNDONE},
	{STEP_UNDO_CLEANING, EVENT_RESCUE, effect_leave_unstarted, STEP_UNDONE},
	{STEP_UNDO_CLEANING, EVENT_TAKEOVER, effect_remove_guard, STEP_UNDONE},
	{STEP_UNDO_CLEANING, EVENT_REBOOT_RESCUED, effect_forget_starts, STEP_PREPARED},
	{STEP_STUCK, EVENT_RUNNING, NULL, STEP_UNDO_CLEANING},
	{STEP_STUCK, EVENT_GO, NULL, STEP_UNDO_RESTARTING},
};

static const struct row *find_row(enum operation_step step, enum operation_event event)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].step == step && rows[i].event == event)
			return &rows[i];
	return NULL;
}

/* Whoever takes a rescue over does not take it back where another change would be. */
static const struct row *row_for(const struct operation *op, enum operation_event event)
{
	bool goes_back = event == EVENT_SECOND_START || event == EVENT_GONE || event == EVENT_TIMEOUT ||
			 event == EVENT_FAILED;

	if (goes_back && op->state.rescue && op->driver != OPERATION_BY_APPLY)
		event = EVENT_FORWARD;
	return find_row(op->state.step, event);
}

/* An agent that runs was started while there was no guard: for its rescue it is too late, whatever has become of its ID. */
static int observe_reboot(struct operation *op, struct operation_sight *sight, struct error *err)
{
	bool guarded = op->state.step != STEP_PREPARED && op->state.step < STEP_UNDOING;
	int result;

	sight->event = op->state.rescue ? EVENT_REBOOT_RESCUED : EVENT_REBOOT;
	if (!op->state.rescue || guarded || op->driver == OPERATION_BY_GUARD)
		return 0;
	result = op->ops->look(op->ctx, &sight->look, err);
	if (result == 0 && sight->look.agent == AGENT_RUNNING)
		sight->event = EVENT_TAKEOVER;
	return result;
}

static int observe(struct operation *op, struct operation_sight *sight, struct error *err)
{
	int result;

	memset(sight, 0, sizeof *sight);
	sight->now = op->ops->now_ms(op->ctx);
	sight->ticks = op->ops->now_ticks == NULL ? 0 : op->ops->now_ticks(op->ctx);
	result = op->ops->boot_id(op->ctx, sight->boot_id, err);
	if (result != 0)
		return result;
	if (strcmp(sight->boot_id, op->state.boot_id) != 0) {
		result = observe_reboot(op, sight, err);
		if (result != 0 || find_row(op->state.step, sight->event) != NULL)
			return result;
	}
	return operation_observe(op, sight, err);
}

/* ---- advancing */

static enum operation_progress progress_of(int result)
{
	return result == OPERATION_CRASH ? OPERATION_CRASHED : OPERATION_FAILED;
}

static enum operation_progress save_step(struct operation *op, enum operation_step next,
					 const struct operation_sight *sight, const char *failure, struct error *err)
{
	struct operation_state state = op->state;
	int result;

	operation_enter(&state, next, sight, failure);
	result = op->ops->save_state(op->ctx, &state, err);
	if (result != 0)
		return progress_of(result);
	op->state = state;
	op->issued = false;
	return OPERATION_ADVANCED;
}

static enum operation_progress perform(struct operation *op, const struct row *row, struct operation_sight *sight,
				       struct error *err)
{
	struct error failure = ERROR_INIT;
	int result = row->effect == NULL ? 0 : row->effect(op, &failure);

	if (result == OPERATION_CRASH)
		return OPERATION_CRASHED;
	if (result != 0) {
		row = row_for(op, EVENT_FAILED);
		if (row == NULL) {
			error_set(err, failure.kind, "%s", failure.text);
			return OPERATION_FAILED;
		}
		sight->event = EVENT_FAILED;
	}
	/* A step that waits for what it has asked for is saved already. */
	if (row->next == op->state.step && sight->event != EVENT_REBOOT)
		return OPERATION_ADVANCED;
	return save_step(op, row->next, sight, failure.text, err);
}

/* ---- for callers; operation_begin and operation_load are in operation_begin.c */

enum operation_progress operation_advance(struct operation *op, struct error *err)
{
	struct operation_sight sight;
	const struct row *row;
	int result;

	if (op->state.step == STEP_NONE || operation_is_final(op->state.step))
		return OPERATION_FINISHED;
	result = observe(op, &sight, err);
	if (result != 0)
		return progress_of(result);
	if (sight.event == EVENT_WAIT)
		return op->state.step == STEP_STUCK ? OPERATION_FINISHED : OPERATION_WAITING;
	row = row_for(op, sight.event);
	if (row == NULL) {
		error_set(err, ERROR_BUG, "no row for step %s and event %d", operation_step_name(op->state.step),
			  (int)sight.event);
		return OPERATION_FAILED;
	}
	return perform(op, row, &sight, err);
}
