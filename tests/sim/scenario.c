/* SPDX-License-Identifier: Apache-2.0 */
/* A scenario from a seed: how many hosts, which plan, what goes wrong. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "tests/sim/world.h"

#define FAULTS_END_MS (2 * 3600 * 1000)

static Mesos__SlaveInfo *make_info(const char *attributes)
{
	struct flags flags = FLAGS_INIT;
	struct detected detected = DETECTED_UNKNOWN;
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info;

	flags_set(&flags, "hostname", "host");
	flags_set(&flags, "attributes", attributes);
	flags_set(&flags, "resources", "cpus:4;mem:4096;disk:10000;ports:[31000-32000]");
	info = slaveinfo_from_flags(&flags, &detected, &mesos_version_newest, &err);
	if (!info) {
		fprintf(stderr, "simulate: %s\n", err.text);
		exit(70);
	}
	flags_clear(&flags);
	/* One resource will do: most of the time goes into copying these for the master's answers. */
	while (info->n_resources > 1)
		mesos__resource__free_unpacked(info->resources[--info->n_resources], NULL);
	return info;
}

static void fill_plan_agent(struct world *world, size_t index, int zones)
{
	struct plan_agent *agent = &world->plan.agents[index];

	agent->agent_id = xasprintf("agent-S%06zu", index);
	agent->hostname = xstrdup("host");
	agent->ip = xasprintf("127.1.%zu.%zu", index / 250, index % 250 + 1);
	agent->port = 5051;
	agent->domain = zones > 0 ? xasprintf("zone-%zu", index % (size_t)zones) : NULL;
	host_settings_init(&agent->host);
	agent->mechanism = world->same_info ? MECHANISM_RESTART : MECHANISM_RELAX;
	agent->before = slaveinfo_copy(world->info[OLD]);
	agent->after = slaveinfo_copy(world->info[NEW]);
	agent->edits = xcalloc(1, sizeof *agent->edits);
	agent->edits[0] = (struct flag_edit){.name = xstrdup("recovery_timeout"), .value = xstrdup("2mins")};
	agent->edit_count = 1;
	flags_set(&agent->before_flags, "recovery_timeout", "1mins");
	world->targets[index] =
		(struct transport_target){.name = xasprintf("%zu", index), .address = agent->ip, .port = 22};
}

static void fill_plan(struct world *world)
{
	int zones = (int)world_between(world, 0, 4);

	plan_init(&world->plan);
	world->info[OLD] = make_info("rack:old");
	/* With only other flags nothing but the new registration tells the old agent from the new one. */
	world->same_info = world_between(world, 0, 3) == 0;
	world->info[NEW] = make_info(world->same_info ? "rack:old" : "rack:new");
	world->plan.agents = xcalloc(world->host_count, sizeof *world->plan.agents);
	world->plan.agent_count = world->host_count;
	world->targets = xcalloc(world->host_count, sizeof *world->targets);
	for (size_t i = 0; i < world->host_count; i++)
		fill_plan_agent(world, i, zones);
	world->plan.options = engine_default_options;
	world->plan.options.window = (int)world_between(world, 1, 8);
	world->plan.options.domain_window = world_between(world, 0, 2) == 0 ? (int)world_between(world, 1, 3) : 0;
	world->plan.options.max_failures = (int)world_between(world, 0, 3) * (int)world_between(world, 0, 20);
	world->plan.options.soak_ms = world_between(world, 0, 3) == 0 ? world_between(world, 0, 20000) : 0;
}

static int chance(struct world *world, int most)
{
	return world_between(world, 0, 1) ? 0 : (int)world_between(world, 0, most);
}

static void choose_faults(struct world *world, enum family family)
{
	struct faults *faults = &world->faults;

	faults->rollcall_crash = (int)world_between(world, 0, 60);
	faults->rollcall_stall = chance(world, 10);
	faults->trait = chance(world, 300);
	/* And two that are no fault at all. */
	faults->traits = FAILS_WITH_NEW | TASKS_END | DEACTIVATED;
	if (family == CRASHES_ONLY)
		return;
	faults->trait = chance(world, 150);
	faults->traits = (unsigned)world_random(world) & ((1u << TRAITS) - 1);
	if (world_between(world, 0, 1)) { /* much of a little, so that one comes with the other */
		faults->trait = 300;
		faults->traits = 1u << world_between(world, 0, TRAITS - 1) | 1u << world_between(world, 0, TRAITS - 1);
	}
	faults->agentctl_crash = chance(world, 40);
	faults->parent_dies_too = chance(world, 1000);
	faults->power_cut = chance(world, 150);
	faults->connection_lost = chance(world, 300);
	faults->late_request = chance(world, 1000);
	faults->refused = chance(world, 200);
	faults->agentctl_hangs = chance(world, 20);
	faults->effect_fails = chance(world, 30);
	faults->agent_crash = chance(world, 100);
	faults->taken_over = chance(world, 50);
	faults->master_silent = chance(world, 300);
	faults->master_outage = chance(world, 500);
	faults->failover = chance(world, 500);
}

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
	world_say(world, "another master is elected");
	for (size_t i = 0; i < world->host_count; i++)
		host_failover(&world->hosts[i]);
}

static void act_faults_end(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)host;
	(void)generation;
	(void)detail;
	world->faults_over = true;
}

void scenario_build(struct world *world, enum family family)
{
	int64_t most = world_between(world, 0, 9) == 0 ? 50 : 12;

	world->host_count = (size_t)world_between(world, 1, most);
	world->hosts = xcalloc(world->host_count, sizeof *world->hosts);
	choose_faults(world, family);
	fill_plan(world);
	/* In the family whose tables are compared, a spent budget would make the table depend on who came first. */
	if (family == CRASHES_ONLY)
		world->plan.options.max_failures = (int)world->host_count;
	for (size_t i = 0; i < world->host_count; i++) {
		host_init(world, i);
		if (world_between(world, 0, 999) < world->faults.agent_crash)
			world_at(world, world_between(world, 0, 120000), act_agent_crash, &world->hosts[i], 0, 0);
	}
	for (size_t i = 0; i < world->host_count; i++)
		if (world_fault(world, world->faults.taken_over))
			world_at(world, world_between(world, 0, 120000), act_taken_over, &world->hosts[i], 0, 0);
	if (world_fault(world, world->faults.master_outage))
		world_at(world, world_between(world, 0, 120000), act_outage, NULL, 0, 0);
	if (world_fault(world, world->faults.failover))
		world_at(world, world_between(world, 0, 120000), act_failover, NULL, 0, 0);
	world_at(world, FAULTS_END_MS, act_faults_end, NULL, 0, 0);
	world->ledger = ledger_open_memory("00000000-0000-4000-8000-000000000000");
}

void scenario_clear(struct world *world)
{
	for (size_t i = 0; i < world->host_count; i++)
		free((char *)(uintptr_t)world->targets[i].name);
	network_forget(world);
	ledger_close(world->ledger);
	world_clear(world);
}
