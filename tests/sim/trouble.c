/* SPDX-License-Identifier: Apache-2.0 */
/* What happens at some moment of the run, whatever rollcall does just then. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/judge.h"

/* Most runs take some minutes; long ones are disturbed at their beginning. */
#define EARLY_MS      120000
#define FAULTS_END_MS (2 * 3600 * 1000)

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

static void act_no_space(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation;
	(void)detail;
	if (world->faults_over)
		return;
	world_say(world, "host %zu: its disk is full", host->index);
	host->full_until_ms = world->now + world_between(world, 1000, 600000);
}

static void act_impostor(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation;
	(void)detail;
	if (!world->faults_over)
		host_impersonate(host);
}

static void act_stale(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)host;
	(void)generation;
	(void)detail;
	world_say(world, "the master's answers stand still");
	sim_master_freeze(world, world_between(world, 1000, 300000));
}

static void act_slow(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)host;
	(void)generation;
	(void)detail;
	world_say(world, "the master takes long for its answers");
	world->slow_until_ms = world->now + world_between(world, 10000, 300000);
}

static void act_hidden(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation;
	(void)detail;
	if (world->faults_over)
		return;
	world_say(world, "host %zu: the master does not list it", host->index);
	host->hidden_until_ms = world->now + world_between(world, 500, 60000);
	judge_watch(host);
}

static void act_stop(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation;
	(void)detail;
	if (!world->faults_over)
		host_stop(host, world_between(world, 1000, world_between(world, 0, 1) ? 10000 : 900000));
}

static void act_meddle(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation;
	(void)detail;
	if (!world->faults_over)
		host_meddle(host);
}

static void act_push(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation;
	(void)detail;
	if (!world->faults_over)
		host_push(host);
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
	bool saw_all = world->process.number && world->answered_ms > world->life_began_ms;

	(void)host;
	(void)generation;
	world_say(world, "another master is elected");
	for (size_t i = 0; i < world->host_count; i++) {
		struct sim_host *other = &world->hosts[i];

		other->awaited = other->active && !other->shown_away && !other->has_new_id;
		host_failover(other);
	}
	world->masters++;
	world->master_is_old = world_fault(world, world->faults.master_old);
	if (world_fault(world, world->faults.master_clock))
		world->master_ahead_ms = world_between(world, 0, 86400000);
	world->failover_ms = world->now;
	world->awaiting = saw_all ? world->process.number : 0;
	/* One comes seldom alone. */
	if (detail == 0 && world_between(world, 0, 2) == 0)
		world_at(world, world_between(world, 1000, 60000), act_failover, NULL, 0, 1);
}

/* From another terminal: a process of its own writes it into the ledger. */
void trouble_order(struct world *world, const char *verb)
{
	const struct run_order order = {
		.run = (char *)(uintptr_t)world->run,
		.verb = (char *)(uintptr_t)verb,
		.actor = (char *)(uintptr_t) "mary",
	};

	world_say(world, "an operator orders: %s", order.verb);
	ledger_put_order(world->ledger, &order);
	ledger_commit(world->ledger, NULL);
}

static void act_order(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	static const char *const verbs[] = {"pause", "resume", "resume", "retry", "retry", "settle", "abort"};

	(void)host;
	(void)generation;
	trouble_order(world, verbs[detail]);
}

static void act_interrupt(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)host;
	(void)generation;
	(void)detail;
	world_say(world, "Ctrl-C");
	world->process.interrupts++;
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
	if (world_fault(world, faults->pushed))
		world_at(world, early(world), act_push, host, 0, 0);
	if (world_fault(world, faults->no_space))
		world_at(world, early(world), act_no_space, host, 0, 0);
	if (world_fault(world, faults->hidden))
		world_at(world, early(world), act_hidden, host, 0, 0);
	if (world_fault(world, faults->stopped))
		world_at(world, early(world), act_stop, host, 0, 0);
	if (world_fault(world, faults->impostor))
		world_at(world, early(world), act_impostor, host, 0, 0);
}

static void act_end(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)host;
	(void)generation;
	(void)detail;
	world->faults_over = true;
}

void trouble_end(struct world *world)
{
	world_at(world, FAULTS_END_MS, act_end, NULL, 0, 0);
}

void trouble_plan(struct world *world)
{
	for (size_t i = 0; i < world->host_count; i++)
		plan_host(world, &world->hosts[i]);
	if (world_fault(world, world->faults.master_outage))
		world_at(world, early(world), act_outage, NULL, 0, 0);
	if (world_fault(world, world->faults.master_stale))
		world_at(world, early(world), act_stale, NULL, 0, 0);
	if (world_fault(world, world->faults.master_slow))
		world_at(world, early(world), act_slow, NULL, 0, 0);
	if (world_fault(world, world->faults.failover))
		world_at(world, early(world), act_failover, NULL, 0, 0);
	for (int i = 0; i < world->faults.orders; i++) {
		/* One in ten is for ever. */
		uint64_t verb = (uint64_t)world_between(world, 0, world_between(world, 0, 9) ? 5 : 6);

		world_at(world, early(world), act_order, NULL, 0, verb);
	}
	for (int i = 0; i < world->faults.interrupts; i++)
		world_at(world, early(world), act_interrupt, NULL, 0, 0);
}
