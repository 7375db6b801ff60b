/* SPDX-License-Identifier: Apache-2.0 */
/* The operation's hands on a simulated host: what agentctl does to disk, supervisor and agent, and may be killed at. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/judge.h"

static bool crashes(struct sim_host *host)
{
	return world_fault(host->world, host->world->faults.agentctl_crash);
}

static bool fails(struct sim_host *host)
{
	return host->full_until_ms > host->world->now || world_fault(host->world, host->world->faults.effect_fails);
}

/* An effect between two moments at which agentctl may be killed. */
#define EFFECT(host, ...)                                                                                              \
	do {                                                                                                           \
		if (crashes(host))                                                                                     \
			return OPERATION_CRASH;                                                                        \
		if (fails(host))                                                                                       \
			return error_set(err, ERROR_SYSTEM, "no space left on device");                                \
		__VA_ARGS__;                                                                                           \
		return crashes(host) ? OPERATION_CRASH : 0;                                                            \
	} while (0)

static struct sim_operation *at_work(struct sim_host *host)
{
	return host->current ? host->current : host_open_operation(host);
}

static int op_load_state(void *ctx, struct operation_state *out, struct error *err)
{
	struct sim_operation *op = at_work(ctx);

	(void)err;
	memset(out, 0, sizeof *out);
	if (op)
		*out = op->state;
	return 0;
}

/* Whoever runs when it is over has found what is on the disk. */
static void judge_process(const struct sim_host *host, const struct sim_operation *op, enum operation_step step)
{
	bool agrees = host->running_flags == host->flags;

	if (op->rescue)
		agrees = host->running_checkpoint == host->checkpoint;
	else if (host->meddled_with)
		return;
	if (host->pid && !agrees)
		world_violation(host->world, "host %zu: its operation is %s, and the agent runs with another state",
				host->index, operation_step_name(step));
}

static void save(struct sim_host *host, struct sim_operation *op, const struct operation_state *state)
{
	if (state->step == STEP_DONE && op->state.step != STEP_DONE && !op->turned && !op->rescue)
		host->changed_for_good++;
	if (operation_is_final(state->step) && (host->guard || (host->trial && !host->meddled_with)))
		world_violation(host->world,
				"host %zu: its operation is %s, and its guard or temporary flags are there still",
				host->index, operation_step_name(state->step));
	if (operation_is_final(state->step))
		judge_process(host, op, state->step);
	if (op->rescue && operation_is_final(state->step))
		judge_rescue(host, op, state->step);
	if (state->step == STEP_RESTARTING && op->state.step != STEP_RESTARTING && op->starts != 0)
		world_violation(host->world, "host %zu: it is to start, and starts of before are counted", host->index);
	if (state->step == STEP_KEEPING && host->boot != op->began_boot && !op->rescue)
		world_violation(host->world, "host %zu keeps a state that was not kept before the reboot", host->index);
	op->state = *state;
	judge_watch(host);
	host_note_back(host);
}

static int op_save_state(void *ctx, const struct operation_state *state, struct error *err)
{
	struct sim_host *host = ctx;
	struct sim_operation *op = at_work(host);

	EFFECT(host, save(host, op, state));
}

static int op_load_starts(void *ctx, int *count, struct error *err)
{
	struct sim_operation *op = at_work(ctx);

	(void)err;
	*count = op ? op->starts : 0;
	return 0;
}

static int op_save_starts(void *ctx, int count, struct error *err)
{
	struct sim_host *host = ctx;

	EFFECT(host, at_work(host)->starts = count);
}

static int op_place_guard(void *ctx, struct error *err)
{
	struct sim_host *host = ctx;

	EFFECT(host, host->guard = true);
}

static int op_remove_guard(void *ctx, bool starting, struct error *err)
{
	struct sim_host *host = ctx;

	(void)starting;
	EFFECT(host, host->guard = false);
}

/* What an operation of the run before calls new is what this one calls old. */
static enum side side_of(struct sim_host *host, enum operation_side side)
{
	const struct sim_operation *op = at_work(host);

	if (op->rescue)
		return side == SIDE_OLD ? op->unfit : op->fit;
	return (side != SIDE_OLD) != op->turned ? NEW : OLD;
}

/* The bytes of the old side are kept, the new side's are those of the plan; but a native agent's own stay. */
static void write_checkpoint(struct sim_host *host, enum operation_side side)
{
	host->checkpoint = side_of(host, side);
	if (side == SIDE_NEW && !at_work(host)->rescue)
		host->amended[host->checkpoint] = false;
}

static int op_write_checkpoint(void *ctx, enum operation_side side, struct error *err)
{
	struct sim_host *host = ctx;

	EFFECT(host, write_checkpoint(host, side));
}

/* A rescue leaves them as they are. */
static void write_flags(struct sim_host *host, enum operation_side side)
{
	if (at_work(host)->rescue)
		return;
	host->flags = side_of(host, side);
	host->trial = side == SIDE_TRIAL;
}

static int op_write_flags(void *ctx, enum operation_side side, struct error *err)
{
	struct sim_host *host = ctx;

	EFFECT(host, write_flags(host, side));
}

static void restart(struct sim_host *host, const struct operation_process *before)
{
	if (host->pid && (host->pid != before->pid || host->started_ms - host->booted_ms != before->start_ticks))
		return;
	if (host->pid) {
		at_work(host)->forward_restarts++;
		host_kill_agent(host);
	}
	host_want_start(host, world_between(host->world, 20, 300));
}

static int op_restart_agent(void *ctx, const struct operation_process *before, struct error *err)
{
	struct sim_host *host = ctx;

	EFFECT(host, restart(host, before));
}

static void stop(struct sim_host *host)
{
	if (at_work(host)->rescue)
		judge_rescue_stops(host, at_work(host));
	if (at_work(host)->state.step == STEP_STOPPING)
		at_work(host)->forward_restarts += host->pid != 0;
	else if (at_work(host)->undo_boot != host->boot)
		at_work(host)->undo_boot = host->boot, at_work(host)->undo_stops = host->pid != 0;
	else
		at_work(host)->undo_stops += host->pid != 0;
	host_kill_agent(host);
	host->wanted = false;
	host->start_generation++;
}

static int op_stop_agent(void *ctx, struct error *err)
{
	struct sim_host *host = ctx;

	EFFECT(host, stop(host));
}

/* The agent runs once with its old flags, ends its executors and then itself. */
static void clean_up(struct sim_host *host)
{
	if (host->pid)
		world_violation(host->world, "host %zu: it is cleaned up while its agent runs", host->index);
	if (host->task == TASK_ALIVE)
		host->task = TASK_KILLED;
	at_work(host)->discarded = true;
}

static int op_clean_up(void *ctx, struct error *err)
{
	struct sim_host *host = ctx;

	EFFECT(host, clean_up(host));
}

static void start(struct sim_host *host)
{
	if (host->pid)
		return;
	host_want_start(host, world_between(host->world, 20, 300));
}

static int op_start_agent(void *ctx, struct error *err)
{
	struct sim_host *host = ctx;

	EFFECT(host, start(host));
}

static int op_look(void *ctx, struct operation_look *out, struct error *err)
{
	const struct sim_host *host = ctx;

	(void)err;
	memset(out, 0, sizeof *out);
	out->agent = host->pid ? AGENT_RUNNING : host->start_failed ? AGENT_ENDED : AGENT_ABSENT;
	out->process.pid = host->pid;
	out->process.start_ticks = host->pid ? host->started_ms - host->booted_ms : 0;
	return 0;
}

static int op_boot_id(void *ctx, char out[OPERATION_BOOT_ID_SIZE], struct error *err)
{
	const struct sim_host *host = ctx;

	(void)err;
	snprintf(out, OPERATION_BOOT_ID_SIZE, "boot-%d", host->boot);
	return 0;
}

/* A host's clock begins with its boot. */
static int64_t op_now(void *ctx)
{
	const struct sim_host *host = ctx;

	return host->world->now - host->booted_ms;
}

/* What the agent said when it ended. */
static int op_may_amend(void *ctx, bool *yes, struct error *err)
{
	const struct sim_host *host = ctx;

	(void)err;
	*yes = host_lacks_figures(host);
	return 0;
}

static void amend(struct sim_host *host)
{
	if (host->pid)
		world_violation(host->world, "host %zu: it is amended while its agent runs", host->index);
	if (!host->amended[NEW] && ++at_work(host)->amends > 1)
		world_violation(host->world, "host %zu: it is amended twice", host->index);
	host->amended[NEW] = true;
}

static int op_amend(void *ctx, struct error *err)
{
	struct sim_host *host = ctx;

	/* What some say cannot be taken over, however often it is tried. */
	if (host->index % 4 == 3)
		return error_set(err, ERROR_CONFLICT, "the agent's figures are not of this machine");
	EFFECT(host, amend(host));
}

static const struct operation_ops operation_ops = {
	.load_state = op_load_state,
	.save_state = op_save_state,
	.load_starts = op_load_starts,
	.save_starts = op_save_starts,
	.place_guard = op_place_guard,
	.remove_guard = op_remove_guard,
	.write_checkpoint = op_write_checkpoint,
	.write_flags = op_write_flags,
	.clean_up = op_clean_up,
	.restart_agent = op_restart_agent,
	.stop_agent = op_stop_agent,
	.start_agent = op_start_agent,
	.look = op_look,
	.boot_id = op_boot_id,
	.now_ms = op_now,
	.now_ticks = op_now,
	.may_amend = op_may_amend,
	.amend = op_amend,
};

const struct operation_ops *host_operation_ops(void)
{
	return &operation_ops;
}
