/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host: a disk that survives, a supervisor that starts the agent (through the guard when one is placed), and the agent
 * itself, which behaves as a stock agent does with a checkpoint that does not fit its flags.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/sim/judge.h"

/* agent_ping_timeout x max_agent_ping_timeouts of a master with default flags. */
#define PING_TIMEOUT_MS 75000

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

void host_draw_traits(struct sim_host *host)
{
	struct world *world = host->world;

	for (int bit = 0; bit < TRAITS; bit++)
		if (world_between(world, 0, 999) < world->faults.trait && (world->faults.traits & (1u << bit)))
			host->traits |= 1u << bit;
	if (world->same_info)
		host->traits &= ~(unsigned)RECORD_STAYS; /* there is nothing to store */
	if (host->traits & CANNOT_GO_BACK)
		host->traits |= world_between(world, 0, 1) ? FAILS_LATE : FAILS_WITH_NEW;
}

void host_init(struct world *world, size_t index)
{
	struct sim_host *host = &world->hosts[index];

	*host = (struct sim_host){.world = world,
				  .index = index,
				  .position = index,
				  .up = true,
				  .boot = 1,
				  .planned_boot = 1,
				  .meta_boot = 1};
	host_draw_traits(host);
	host->pid = host->registered_pid = ++world->last_pid;
	host->active = host->listed = true;
	host->reregistered_ns = 1000000 + (int64_t)index;
	host->wanted = true;
}

void host_clear(struct sim_host *host)
{
	run_agent_clear(&host->row);
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
	judge_watch(host);
}

/* Its socket closes, and the master knows. */
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
	if (host->flags == OLD || (host->traits & FAILS_LATE))
		host->disturbed_ms = world->now;
	if (++host->failures >= 5) {
		host->start_failed = true;
		return;
	}
	host_want_start(host, 1000);
}

struct sim_operation *host_last_operation(const struct sim_host *host)
{
	struct sim_operation *op = host->operations;

	return op && op->state.step != STEP_NONE && !op->turned ? op : NULL;
}

void host_note_back(struct sim_host *host)
{
	struct sim_operation *op = host_last_operation(host);

	if (op && operation_is_final(op->state.step) && host->active && host->pid &&
	    (host->registered_pid == host->pid || host->by_impostor))
		op->back = true;
}

static void act_register(struct world *world, struct sim_host *host, int generation, uint64_t detail);

/* Its connection to the master breaks, once, and it registers again. */
static void act_flap(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)detail;
	if (generation != host->life || !host->pid || !host->active)
		return;
	world_say(world, "host %zu: the agent loses the master", host->index);
	leave_master(host);
	host->disturbed_ms = world->now;
	world_at(world, world_between(world, 500, 5000), act_register, host, host->life, 1);
}

static void act_register(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	struct sim_operation *op = host_last_operation(host);
	bool lags;

	if (generation != host->life || !host->pid)
		return;
	host->active = host->listed = true;
	host->by_impostor = host->awaited = false;
	host->reregistered_ns = world->now * 1000000 + (int64_t)host->index;
	if (!(host->traits & RECORD_STAYS))
		host->recorded = host->running_flags;
	host->registered_pid = host->pid;
	host->meta_boot = host->boot;
	host->failures = 0;
	lags = !world->measures && ((host->traits & FAILS_LATE) || world_between(world, 0, 3) == 0);
	host->task_shown_ms = world->now + (lags ? world_between(world, 0, 5000) : 0);
	if (op && host->started_ms >= op->began_ms)
		op->registered[host->running_flags] = true;
	if ((host->traits & FAILS_LATE) && host->running_flags == NEW && host_open_operation(host))
		world_at(world, world_between(world, 0, world_between(world, 0, 1) ? 700 : 6000), act_exit, host,
			 host->life, 0);
	if ((host->traits & FLAPS) && detail == 0)
		world_at(world, world_between(world, 100, 5000), act_flap, host, host->life, 0);
	host_note_back(host);
	world_say(world, "host %zu: reregistered with the %s state", host->index,
		  host->running_flags == NEW ? "new" : "old");
}

void host_repair(struct sim_host *host)
{
	if (!(host->traits & CANNOT_GO_BACK))
		return;
	host->traits &= ~(unsigned)CANNOT_GO_BACK;
	if (host->up && !host->pid && host->wanted)
		host_want_start(host, 1000);
}

static void act_lost_pings(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)detail;
	if (generation != host->life || !host->pid || host->frozen_until_ms <= world->now)
		return;
	world_say(world, "host %zu: its frozen agent is taken for unreachable", host->index);
	leave_master(host);
	host->listed = false;
	host->disturbed_ms = world->now;
	world_at(world, host->frozen_until_ms - world->now + 1000, act_register, host, host->life, 1);
}

void host_freeze(struct sim_host *host, int64_t ms)
{
	if (!host->pid || host->registered_pid != host->pid)
		return;
	host->frozen_until_ms = host->world->now + ms;
	world_at(host->world, PING_TIMEOUT_MS, act_lost_pings, host, host->life, 0);
}

/* It has the old state. Our agent hears no pings any more, and registers again. */
void host_impersonate(struct sim_host *host)
{
	struct world *world = host->world;

	if (!host->listed || host->has_new_id)
		return;
	world_say(world, "host %zu: another machine registers with its ID", host->index);
	host->active = host->by_impostor = true;
	host->reregistered_ns = world->now * 1000000 + (int64_t)host->index;
	host->recorded = OLD;
	host->registered_pid = 0;
	host->impostor_ms = host->disturbed_ms = world->now;
	if (host->pid)
		world_at(world, PING_TIMEOUT_MS + world_between(world, 0, 5000), act_register, host, host->life, 1);
}

void host_meddle(struct sim_host *host)
{
	if (!host->up || host->flags == OLD)
		return;
	world_say(host->world, "host %zu: configuration management puts the flags back", host->index);
	host->flags = OLD;
	host->meddled_with = true;
	host->disturbed_ms = host->world->now;
	if (!host->pid)
		return;
	host_kill_agent(host);
	host_want_start(host, 500);
}

void host_failover(struct sim_host *host)
{
	leave_master(host);
	host->listed = false;
	if (host->pid && host->registered_pid == host->pid)
		world_at(host->world, world_between(host->world, 100, 20000), act_register, host, host->life, 0);
}

/* What the restart does to tasks and ID on a host where something is wrong. */
static void suffer_restart(struct sim_host *host)
{
	if (!host_last_operation(host))
		return;
	if (host->world->discards && host->task == TASK_ALIVE)
		return; /* nothing is written before its executors have ended */
	if (host->task == TASK_ALIVE && (host->traits & LOSES_TASKS))
		host->task = TASK_KILLED;
	if (host->task == TASK_ALIVE && (host->traits & TASKS_VANISH))
		host->task = TASK_FORGOTTEN;
	if (host->task == TASK_ALIVE && (host->traits & TASKS_END))
		host->task = TASK_DONE;
	if (host->traits & GETS_NEW_ID)
		host->has_new_id = true;
}

static void spawn_agent(struct sim_host *host)
{
	struct world *world = host->world;
	int64_t recovery = world_between(world, 300, 4000);

	if (host->traits & IS_SLOW)
		recovery += world_between(world, 10000, 90000);
	host->pid = ++world->last_pid;
	host->started_ms = world->now;
	host->running_flags = host->flags;
	suffer_restart(host);
	judge_start(world, host);
	if (host->checkpoint != host->flags || (host->flags == NEW && (host->traits & FAILS_WITH_NEW)))
		world_at(world, world_between(world, 20, 1500), act_exit, host, host->life, 0);
	else if (host->flags == NEW && (host->traits & LATE_WITH_NEW))
		world_at(world, world_between(world, 30000, 600000), act_register, host, host->life, 0);
	else if (host->flags == OLD || !(host->traits & HANGS_WITH_NEW))
		world_at(world, recovery + world_between(world, 0, 1000), act_register, host, host->life, 0);
}

/* ---- the supervisor */

static void act_start(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	struct error err = ERROR_INIT;

	(void)detail;
	if (generation != host->start_generation || !host->up || !host->wanted || host->pid)
		return;
	if ((host->traits & CANNOT_GO_BACK) && host_last_operation(host) && (host->flags == OLD || host->index % 2))
		return; /* not even the start hook is called */
	if (host->guard) {
		switch (operation_may_start(host_operation_ops(), host, !host->locked, &err)) {
		case START_ALLOWED:
			break;
		case START_WAIT:
			world_at(world, 200, act_start, host, generation, 0);
			return;
		case START_FAILED:
			if (err.kind == ERROR_BUG)
				world_violation(world, "host %zu: the guard: %s", host->index, err.text);
			/* fall through */
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
	host->booted_ms = world->now;
	host->failures = 0;
	world_say(world, "host %zu: boots", host->index);
	host_want_start(host, world_between(world, 10, 500));
}

static void act_unreachable(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation;
	(void)detail;
	if (host->active && host->registered_pid != host->pid) {
		leave_master(host);
		host->listed = false;
		world_say(world, "host %zu: the master takes it for unreachable", host->index);
	}
}

void host_power_cut(struct sim_host *host)
{
	bool long_boot;

	if (!host->up)
		return;
	world_say(host->world, "host %zu: power cut", host->index);
	host->up = false;
	host->start_generation++;
	host->disturbed_ms = host->world->now;
	host->pid = 0;
	host->life++;
	if (host->task == TASK_ALIVE)
		host->task = TASK_FORGOTTEN;
	/* Nobody closes its connections: the master waits for pings. */
	world_at(host->world, PING_TIMEOUT_MS, act_unreachable, host, host->life, 0);
	agentctl_die(host);
	long_boot = world_between(host->world, 0, 9) == 0;
	world_at(host->world, world_between(host->world, 3000, long_boot ? 900000 : 60000), act_boot, host, 0, 0);
}
