/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host: a disk that survives, a supervisor that starts the agent (through the guard when one is placed), and the agent
 * itself, which behaves as a stock agent does with a checkpoint that does not fit its flags.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/sim/world.h"

/* ---- journal */

struct sim_operation *host_find_operation(struct sim_host *host, const char *id)
{
	for (struct sim_operation *op = host->operations; op; op = op->next)
		if (strcmp(op->id, id) == 0)
			return op;
	return NULL;
}

struct sim_operation *host_open_operation(struct sim_host *host)
{
	for (struct sim_operation *op = host->operations; op; op = op->next)
		if (op->state.step != STEP_NONE && !operation_is_final(op->state.step))
			return op;
	return NULL;
}

void host_init(struct world *world, size_t index)
{
	struct sim_host *host = &world->hosts[index];

	*host = (struct sim_host){.world = world, .index = index, .up = true, .boot = 1, .meta_boot = 1};
	host->fails_with_new = world_between(world, 0, 999) < world->faults.new_state_fails;
	host->hangs_with_new = !host->fails_with_new && world_between(world, 0, 999) < world->faults.new_state_hangs;
	host->pid = ++world->last_pid;
	host->active = true;
	host->reregistered_ns = 1000000 + (int64_t)index;
	host->tasks_alive_since_boot = 1;
	host->wanted = true;
}

void host_clear(struct sim_host *host)
{
	while (host->operations) {
		struct sim_operation *next = host->operations->next;

		free(host->operations->request);
		free(host->operations);
		host->operations = next;
	}
}

/* ---- the agent */

static void leave_master(struct sim_host *host)
{
	if (host->active)
		host->left_ms = host->world->now;
	host->active = false;
}

static void agent_ends(struct sim_host *host)
{
	host->pid = 0;
	host->life++;
	leave_master(host);
}

void host_kill_agent(struct sim_host *host)
{
	if (host->pid)
		agent_ends(host);
}

static void act_exit(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)detail;
	if (generation != host->life || !host->pid)
		return;
	world_say(world, "host %zu: the agent ends by itself", host->index);
	agent_ends(host);
	if (++host->failures >= 5) {
		host->start_failed = true;
		return;
	}
	host_want_start(host, 1000);
}

static void act_register(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)detail;
	if (generation != host->life || !host->pid)
		return;
	host->active = true;
	host->reregistered_ns = world->now * 1000000 + (int64_t)host->index;
	host->recorded = host->running_flags;
	host->meta_boot = host->boot;
	host->failures = 0;
	world_say(world, "host %zu: reregistered with the %s state", host->index,
		  host->recorded == NEW ? "new" : "old");
}

static void spawn_agent(struct sim_host *host)
{
	struct world *world = host->world;
	int64_t recovery = world_between(world, 300, 4000);

	host->pid = ++world->last_pid;
	host->started_ms = world->now;
	host->running_flags = host->flags;
	judge_start(world, host);
	if (host->checkpoint != host->flags || (host->flags == NEW && host->fails_with_new))
		world_at(world, world_between(world, 20, 1500), act_exit, host, host->life, 0);
	else if (host->flags == OLD || !host->hangs_with_new)
		world_at(world, recovery + world_between(world, 0, 1000), act_register, host, host->life, 0);
}

/* ---- the supervisor */

static void act_start(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	struct error err = ERROR_INIT;

	(void)detail;
	if (generation != host->start_generation || !host->up || !host->wanted || host->pid)
		return;
	if (host->guard) {
		switch (operation_may_start(host_operation_ops(), host, !host->locked, &err)) {
		case START_ALLOWED:
			break;
		case START_WAIT:
			world_at(world, 200, act_start, host, generation, 0);
			return;
		case START_FAILED:
		case START_CRASHED:
			world_at(world, 1000, act_start, host, generation, 0);
			return;
		}
	}
	spawn_agent(host);
}

void host_want_start(struct sim_host *host, int64_t delay_ms)
{
	host->wanted = true;
	host->start_failed = false;
	host->start_generation++;
	world_at(host->world, delay_ms, act_start, host, host->start_generation, 0);
}

/* ---- power */

static void act_boot(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation;
	(void)detail;
	host->up = true;
	host->boot++;
	host->failures = 0;
	world_say(world, "host %zu: boots", host->index);
	host_want_start(host, world_between(world, 10, 500));
}

void host_power_cut(struct sim_host *host)
{
	if (!host->up)
		return;
	world_say(host->world, "host %zu: power cut", host->index);
	host->up = false;
	host->start_generation++;
	host_kill_agent(host);
	agentctl_die(host);
	world_at(host->world, world_between(host->world, 3000, 60000), act_boot, host, 0, 0);
}

/* ---- the operation's hands */

static bool crashes(struct sim_host *host)
{
	return world_fault(host->world, host->world->faults.agentctl_crash);
}

/* An effect between two moments at which agentctl may be killed. */
#define EFFECT(host, ...)                                                                                              \
	do {                                                                                                           \
		if (crashes(host))                                                                                     \
			return OPERATION_CRASH;                                                                        \
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

static void save(struct sim_host *host, struct sim_operation *op, const struct operation_state *state)
{
	if (state->step == STEP_DONE && op->state.step != STEP_DONE)
		host->changed_for_good++;
	op->state = *state;
}

static int op_save_state(void *ctx, const struct operation_state *state, struct error *err)
{
	struct sim_host *host = ctx;
	struct sim_operation *op = at_work(host);

	(void)err;
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

	(void)err;
	EFFECT(host, at_work(host)->starts = count);
}

static int op_place_guard(void *ctx, struct error *err)
{
	struct sim_host *host = ctx;

	(void)err;
	EFFECT(host, host->guard = true);
}

static int op_remove_guard(void *ctx, bool starting, struct error *err)
{
	struct sim_host *host = ctx;

	(void)starting;
	(void)err;
	EFFECT(host, host->guard = false);
}

static int op_write_checkpoint(void *ctx, enum operation_side side, struct error *err)
{
	struct sim_host *host = ctx;

	(void)err;
	EFFECT(host, host->checkpoint = (enum side)side);
}

static int op_write_flags(void *ctx, enum operation_side side, struct error *err)
{
	struct sim_host *host = ctx;

	(void)err;
	EFFECT(host, host->flags = (enum side)side);
}

static void restart(struct sim_host *host, const struct operation_process *before)
{
	if (host->pid && (host->pid != before->pid || host->started_ms != before->start_ticks))
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

	(void)err;
	EFFECT(host, restart(host, before));
}

static void stop(struct sim_host *host)
{
	host_kill_agent(host);
	host->wanted = false;
	host->start_generation++;
}

static int op_stop_agent(void *ctx, struct error *err)
{
	struct sim_host *host = ctx;

	(void)err;
	EFFECT(host, stop(host));
}

static void start(struct sim_host *host)
{
	if (host->pid)
		return;
	at_work(host)->undo_starts++;
	host_want_start(host, world_between(host->world, 20, 300));
}

static int op_start_agent(void *ctx, struct error *err)
{
	struct sim_host *host = ctx;

	(void)err;
	EFFECT(host, start(host));
}

static int op_look(void *ctx, struct operation_look *out, struct error *err)
{
	const struct sim_host *host = ctx;

	(void)err;
	memset(out, 0, sizeof *out);
	out->agent = host->pid ? AGENT_RUNNING : host->start_failed ? AGENT_ENDED : AGENT_ABSENT;
	out->process.pid = host->pid;
	out->process.start_ticks = host->pid ? host->started_ms : 0;
	return 0;
}

static int op_boot_id(void *ctx, char out[OPERATION_BOOT_ID_SIZE], struct error *err)
{
	const struct sim_host *host = ctx;

	(void)err;
	snprintf(out, OPERATION_BOOT_ID_SIZE, "boot-%d", host->boot);
	return 0;
}

static int64_t op_now(void *ctx)
{
	const struct sim_host *host = ctx;

	return host->world->now;
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
	.restart_agent = op_restart_agent,
	.stop_agent = op_stop_agent,
	.start_agent = op_start_agent,
	.look = op_look,
	.boot_id = op_boot_id,
	.now_ms = op_now,
};

const struct operation_ops *host_operation_ops(void)
{
	return &operation_ops;
}
