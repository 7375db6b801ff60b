/* SPDX-License-Identifier: Apache-2.0 */
/* What happens at some moment of the run, whatever rollcall does just then. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

/* Most runs take some minutes; long ones are disturbed at their beginning. */
#define EARLY_MS 120000

static void act_agent_crash(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation;
	(void)detail;
	if (world->faults_over || !host->up || !host->pid)
		return;
	world_say(world, "host %zu: the agent crashes", host->index);
	host_kill_agent(host);
	host->disturbed_ms = world->now;
	host_want_start(host, 1000);
}

static void act_taken_over(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation;
	(void)detail;
	world_say(world, "host %zu: a newer epoch was here", host->index);
	host->epoch += 1000;
}

static void act_freeze(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation;
	(void)detail;
	if (!world->faults_over)
		host_freeze(host, world_between(world, 10000, 300000));
}

static void act_meddle(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation;
	(void)detail;
	if (!world->faults_over)
		host_meddle(host);
}

static void act_outage(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)host;
	(void)generation;
	(void)detail;
	world->outage_until_ms = world->now + world_between(world, 10000, 200000);
	world_say(world, "no master answers");
}

static void act_failover(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)host;
	(void)generation;
	(void)detail;
	world->masters++;
	world->failover_ms = world->now;
	world_say(world, "another master is elected");
	for (size_t i = 0; i < world->host_count; i++)
		host_failover(&world->hosts[i]);
}

/* From another terminal: a process of its own writes it into the ledger. */
static void act_order(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	static const char *const verbs[] = {"pause", "resume", "resume", "retry", "retry", "abort"};
	const struct run_order order = {
		.run = (char *)(uintptr_t) "run",
		.verb = (char *)(uintptr_t)verbs[detail],
		.actor = (char *)(uintptr_t) "mary",
	};

	(void)host;
	(void)generation;
	world_say(world, "an operator orders: %s", order.verb);
	ledger_set_commit_hook(world->ledger, NULL, NULL);
	ledger_put_order(world->ledger, &order);
	ledger_commit(world->ledger, NULL);
	if (world->master) /* rollcall is alive */
		ledger_set_commit_hook(world->ledger, run_on_commit, world);
}

static void act_interrupt(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)host;
	(void)generation;
	(void)detail;
	world_say(world, "Ctrl-C");
	world->interrupts++;
}

static int64_t early(struct world *world)
{
	return world_between(world, 0, EARLY_MS);
}

static void plan_host(struct world *world, struct sim_host *host)
{
	const struct faults *faults = &world->faults;

	if (world_fault(world, faults->agent_crash))
		world_at(world, early(world), act_agent_crash, host, 0, 0);
	if (world_fault(world, faults->taken_over))
		world_at(world, early(world), act_taken_over, host, 0, 0);
	if (world_fault(world, faults->freeze))
		world_at(world, early(world), act_freeze, host, 0, 0);
	if (world_fault(world, faults->meddling))
		world_at(world, early(world), act_meddle, host, 0, 0);
}

void trouble_plan(struct world *world)
{
	for (size_t i = 0; i < world->host_count; i++)
		plan_host(world, &world->hosts[i]);
	if (world_fault(world, world->faults.master_outage))
		world_at(world, early(world), act_outage, NULL, 0, 0);
	if (world_fault(world, world->faults.failover))
		world_at(world, early(world), act_failover, NULL, 0, 0);
	for (int i = 0; i < world->faults.orders; i++) {
		/* One in ten is for ever. */
		uint64_t verb = (uint64_t)world_between(world, 0, world_between(world, 0, 9) ? 4 : 5);

		world_at(world, early(world), act_order, NULL, 0, verb);
	}
	for (int i = 0; i < world->faults.interrupts; i++)
		world_at(world, early(world), act_interrupt, NULL, 0, 0);
}
