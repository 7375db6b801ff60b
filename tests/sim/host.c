/* SPDX-License-Identifier: Apache-2.0 */
/* A host: a disk that survives, a supervisor that starts the agent (through the guard when one is placed), power, and people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/sim/judge.h"

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

struct sim_operation *host_last_operation(const struct sim_host *host)
{
	struct sim_operation *op = host->operations;

	while (op && op->rescue)
		op = op->next;
	return op && op->state.step != STEP_NONE && !op->turned ? op : NULL;
}

void host_draw_traits(struct sim_host *host)
{
	struct world *world = host->world;

	for (int bit = 0; bit < TRAITS; bit++)
		if (world_between(world, 0, 999) < world->faults.trait && (world->faults.traits & (1u << bit)))
			host->traits |= 1u << bit;
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

void host_note_back(struct sim_host *host)
{
	struct sim_operation *op = host_last_operation(host);

	if (op && operation_is_final(op->state.step) && host->active && host->pid &&
	    (host->registered_pid == host->pid || host->by_impostor))
		op->back = true;
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
			if (err.kind == ERROR_REFUSED)
				judge_refused_start(host);
			/* fall through */
		case START_CRASHED:
			world_at(world, 1000, act_start, host, generation, 0);
			return;
		}
	}
	host_spawn_agent(host);
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
	agentctl_call_after_boot(host);
	host_want_start(host, world_between(world, 10, 500));
}

static void act_unreachable(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation;
	(void)detail;
	if (host->active && host->registered_pid != host->pid) {
		host_leave_master(host);
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

/* ---- people and programs */

void host_repair(struct sim_host *host)
{
	if (!(host->traits & CANNOT_GO_BACK))
		return;
	host->traits &= ~(unsigned)CANNOT_GO_BACK;
	if (host->up && !host->pid && host->wanted)
		host_want_start(host, 1000);
}

void host_meddle(struct sim_host *host)
{
	if (!host->up || host->flags == OLD)
		return;
	world_say(host->world, "host %zu: configuration management puts the flags back", host->index);
	host->flags = OLD;
	host->trial = false;
	host->meddled_with = true;
	host->disturbed_ms = host->world->now;
	if (!host->pid)
		return;
	host_kill_agent(host);
	host_want_start(host, 500);
	agentctl_call_for_rescue(host);
}

void host_push(struct sim_host *host)
{
	if (!host->up || host->flags == NEW || !host->pid || host->locked || host_open_operation(host))
		return;
	world_say(host->world, "host %zu: configuration management writes the new flags", host->index);
	host->flags = NEW;
	host->meddled_with = true;
	host->disturbed_ms = host->world->now;
	host_kill_agent(host);
	host_want_start(host, 500);
	agentctl_call_for_rescue(host);
}

void host_stop(struct sim_host *host, int64_t ms)
{
	if (!host->up)
		return;
	world_say(host->world, "host %zu: somebody stops its agent", host->index);
	host_kill_agent(host);
	host->disturbed_ms = host->world->now;
	host_want_start(host, ms);
}
