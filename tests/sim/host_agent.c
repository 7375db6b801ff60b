/* SPDX-License-Identifier: Apache-2.0 */
/* The agent on a host: it behaves as a stock agent does with a checkpoint that does not fit its flags, and registers with the master. */
#include "tests/sim/judge.h"

void host_leave_master(struct sim_host *host)
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
	host_leave_master(host);
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

const Mesos__SlaveInfo *host_info(const struct sim_host *host, enum side side, bool amended)
{
	return amended ? host->world->figures[side] : host->world->info[side];
}

bool host_lacks_figures(const struct sim_host *host)
{
	return (host->traits & HAS_FIGURES) && !host->world->same_info && !host->world->native &&
	       host->checkpoint == NEW && host->flags == NEW && !host->amended[NEW];
}

bool host_record_stays(const struct sim_host *host)
{
	/* With only other flags there is nothing to store. */
	return !host->world->same_info && ((host->traits & RECORD_STAYS) || host->world->master_is_old);
}

static void note_registration(struct sim_host *host)
{
	const struct world *world = host->world;

	host->reregistered_ms = world->now;
	host->reregistered_ns = (world->now + world->master_ahead_ms) * 1000000 + (int64_t)host->index;
}

static void act_register(struct world *world, struct sim_host *host, int generation, uint64_t detail);

/* Its connection to the master breaks, once, and it registers again. */
static void act_flap(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)detail;
	if (generation != host->life || !host->pid || !host->active)
		return;
	world_say(world, "host %zu: the agent loses the master", host->index);
	host_leave_master(host);
	host->disturbed_ms = world->now;
	world_at(world, world_between(world, 500, 5000), act_register, host, host->life, 1);
}

static void act_register(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	struct sim_operation *op = host_last_operation(host);
	bool lags;

	if (generation != host->life || !host->pid)
		return;
	if (!host_record_stays(host) || (!host->listed && !(host->traits & RECORD_STAYS)))
		host->recorded = host->running_flags, host->recorded_amended = host->amended[host->running_flags];
	host->active = host->listed = true;
	host->by_impostor = host->awaited = false;
	note_registration(host);
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

static void act_lost_pings(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)detail;
	if (generation != host->life || !host->pid || host->frozen_until_ms <= world->now)
		return;
	world_say(world, "host %zu: its frozen agent is taken for unreachable", host->index);
	host_leave_master(host);
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
	note_registration(host);
	if (!world->master_is_old)
		host->recorded = OLD, host->recorded_amended = host->amended[OLD];
	host->registered_pid = 0;
	host->impostor_ms = host->disturbed_ms = world->now;
	if (host->pid)
		world_at(world, PING_TIMEOUT_MS + world_between(world, 0, 5000), act_register, host, host->life, 1);
}

void host_failover(struct sim_host *host)
{
	int64_t most = world_between(host->world, 0, 7) ? 20000 : 120000;

	host_leave_master(host);
	host->listed = false;
	if (host->pid && host->registered_pid == host->pid)
		world_at(host->world, world_between(host->world, 100, most), act_register, host, host->life, 0);
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

/* Recovering with other flags than those of the checkpoint, it writes that anew. */
static void act_write(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)world;
	(void)detail;
	if (generation == host->life && host->pid)
		host->checkpoint = host->running_checkpoint = host->running_flags;
}

static void accept_difference(struct sim_host *host)
{
	struct sim_operation *op = host_open_operation(host);

	if (op && ++op->trial_starts > 1)
		world_violation(host->world, "invariant 3: host %zu starts twice with temporary flags", host->index);
	if (host->world->discards && host->task == TASK_ALIVE && host_last_operation(host)) {
		host->task = TASK_KILLED;
		host_last_operation(host)->discarded = true;
	}
	world_at(host->world, world_between(host->world, 20, 300), act_write, host, host->life, 0);
}

static bool refuses(const struct sim_host *host)
{
	return (host->checkpoint != host->flags && !host->trial) || host_lacks_figures(host) ||
	       (host->flags == NEW && (host->traits & FAILS_WITH_NEW));
}

void host_spawn_agent(struct sim_host *host)
{
	struct world *world = host->world;
	int64_t recovery = world_between(world, 300, 4000);

	if (host->traits & IS_SLOW)
		recovery += world_between(world, 10000, 90000);
	host->pid = ++world->last_pid;
	host->started_ms = world->now;
	host->running_flags = host->flags;
	host->running_checkpoint = host->checkpoint;
	host->unguarded = !host->guard;
	host->running_trial = host->trial;
	suffer_restart(host);
	judge_start(world, host);
	if (host->trial)
		accept_difference(host);
	if (refuses(host))
		world_at(world, world_between(world, 20, 1500), act_exit, host, host->life, 0);
	else if (host->flags == NEW && (host->traits & LATE_WITH_NEW))
		world_at(world, world_between(world, 30000, 600000), act_register, host, host->life, 0);
	else if (host->flags == OLD || !(host->traits & HANGS_WITH_NEW))
		world_at(world, recovery + world_between(world, 0, 1000), act_register, host, host->life, 0);
}
