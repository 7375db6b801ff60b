/* SPDX-License-Identifier: Apache-2.0 */
/* A scenario from a seed: how many hosts, which plan, what goes wrong. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "tests/sim/world.h"

/* In one scenario of so many there is much to rescue. */
#define RESCUED_EVERY 10

static Mesos__SlaveInfo *make_info(const char *attributes, const char *resources)
{
	struct flags flags = FLAGS_INIT;
	struct detected detected = DETECTED_UNKNOWN;
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info;

	flags_set(&flags, "hostname", "host");
	flags_set(&flags, "attributes", attributes);
	flags_set(&flags, "resources", resources);
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

static void make_infos(struct world *world)
{
	static const char machine[] = "cpus:4;mem:4096;disk:10000;ports:[31000-32000]";
	static const char found[] = "cpus:3;mem:4000;disk:10000;ports:[31000-32000]";
	const char *changed = world->same_info ? "rack:old" : "rack:new";

	world->info[OLD] = make_info("rack:old", machine);
	world->info[NEW] = make_info(changed, machine);
	world->figures[OLD] = make_info("rack:old", found);
	world->figures[NEW] = make_info(changed, found);
}

/* One after the other, or mixed. */
static size_t zone_of(const struct world *world, size_t index, size_t zones)
{
	return world->by_zone ? index * zones / world->host_count : index % zones;
}

/* Whoever started the plan has agreed to what is named in it. */
static void add_task(struct plan_agent *agent, size_t index)
{
	agent->tasks = xcalloc(1, sizeof *agent->tasks);
	agent->tasks[0] = (struct plan_task){
		.id = xasprintf("task-%zu", index),
		.name = xstrdup("task"),
		.framework_id = xstrdup("framework"),
		.framework_name = xstrdup("web"),
	};
	agent->task_count = 1;
}

static void fill_plan_agent(struct world *world, size_t index, int zones)
{
	struct plan_agent *agent = &world->plan.agents[index];

	agent->agent_id = xasprintf("agent-S%06zu", index);
	agent->hostname = xasprintf("host-%zu", index);
	agent->ip = xasprintf("127.1.%zu.%zu", index / 250, index % 250 + 1);
	agent->port = 5051;
	agent->domain = zones > 0 ? xasprintf("zone-%zu", zone_of(world, index, (size_t)zones)) : NULL;
	host_settings_init(&agent->host);
	agent->mechanism = world->same_info  ? MECHANISM_RESTART
			   : world->native   ? MECHANISM_NATIVE
			   : world->discards ? MECHANISM_DISCARD
					     : MECHANISM_RELAX;
	agent->native_discard = world->native && world->discards;
	if (world->discards)
		add_task(agent, index);
	agent->before = slaveinfo_copy(world->info[OLD]);
	agent->after = slaveinfo_copy(world->info[NEW]);
	slaveinfo_set_id(agent->before, agent->agent_id);
	slaveinfo_set_id(agent->after, agent->agent_id);
	agent->edits = xcalloc(1, sizeof *agent->edits);
	agent->edits[0] = (struct flag_edit){.name = xstrdup("recovery_timeout"), .value = xstrdup("2mins")};
	agent->edit_count = 1;
	flags_set(&agent->before_flags, "recovery_timeout", "1mins");
	world->targets[index] =
		(struct transport_target){.name = xasprintf("%zu", index), .address = agent->ip, .port = 22};
	world->plan_targets[index] = world->targets[index];
	world->order[index] = index;
}

static void draw_stages(struct world *world)
{
	size_t end = 0;

	if (world_between(world, 0, 1))
		return;
	for (int64_t window = 1; end < world->host_count; window *= world_between(world, 1, 4)) {
		int64_t left = (int64_t)(world->host_count - end);
		int64_t size = world->plan.stage_count < 4 ? world_between(world, 1, left) : left;

		end += (size_t)size;
		if (window < (int64_t)world->host_count / 40)
			window = (int64_t)world->host_count / 40;
		plan_add_stage(&world->plan, "stage", end, (int)window);
	}
	/* Without names they go by number. */
	for (size_t i = 0; i < world->plan.stage_count; i++) {
		free(world->plan.stage_names[i]);
		world->plan.stage_names[i] = NULL;
	}
}

static void add_gates(struct plan_gates *gates, int64_t count)
{
	gates->items = xcalloc((size_t)count + 1, sizeof *gates->items);
	for (int64_t i = 0; i < count; i++)
		gates->items[gates->count++] = (struct plan_gate){
			.kind = GATE_HTTP, .url = xstrdup("http://simulated/health"), .timeout_ms = 10000};
}

static void draw_gates(struct world *world)
{
	struct plan_gates after_agent = {.count = 0}, after_stage = {.count = 0};

	add_gates(&after_agent, world_between(world, 0, 2) ? 0 : world_between(world, 1, 2));
	add_gates(&after_stage, world_between(world, 0, 2) ? 0 : world_between(world, 1, 2));
	plan_take_gates(&world->plan, &after_agent, &after_stage);
	world->plan.options.gate_ms = world_between(world, 10000, 60000);
}

static int draw_limit(struct world *world, int64_t most)
{
	return world_between(world, 0, 3) ? -1 : (int)world_between(world, 0, most);
}

/* In one scenario of six each; out of a stream of their own, so that all else is as it would be without them. */
static void draw_part_budgets(struct world *world)
{
	struct engine_options *options = &world->plan.options;
	uint64_t random = world->random;

	world->random ^= UINT64_C(0x5bd1e9955bd1e995);
	if (world_between(world, 0, 5) == 0) {
		options->stage_max_failures = -1;
		options->stage_max_percent = (int)world_between(world, 1, 60);
	}
	if (world_between(world, 0, 5) == 0) {
		options->domain_max_failures = -1;
		options->domain_max_percent = (int)world_between(world, 1, 60);
	}
	options->stage_max_consecutive = world_between(world, 0, 5) ? 0 : (int)world_between(world, 1, 4);
	options->domain_max_consecutive = world_between(world, 0, 5) ? 0 : (int)world_between(world, 1, 4);
	options->stage_soak_ms = world_between(world, 0, 5) ? 0 : world_between(world, 1000, 120000);
	world->random = random;
}

static void draw_budgets(struct world *world, enum family family)
{
	struct engine_options *options = &world->plan.options;

	options->max_failures = (int)world_between(world, 0, 3) * (int)world_between(world, 0, 20);
	/* A large fleet would stop at its beginning. */
	if (world->host_count > 50)
		options->max_failures += (int)(world_between(world, 0, 30) * (int64_t)world->host_count / 100);
	options->stage_max_failures = draw_limit(world, 4);
	options->domain_max_failures = draw_limit(world, 4);
	options->max_consecutive = world_between(world, 0, 3) ? 0 : (int)world_between(world, 1, 4);
	options->on_failure = world_between(world, 0, 3) ? ON_FAILURE_PAUSE
							 : (enum engine_on_failure)world_between(world, 0, 2);
	options->meltdown_percent = world_between(world, 0, 3) ? 0 : (int)world_between(world, 10, 60);
	draw_part_budgets(world);
	/* In the family whose tables are compared, a spent budget would make the table depend on who came first. */
	if (family != CRASHES_ONLY)
		return;
	options->max_failures = options->stage_max_failures = options->domain_max_failures = -1;
	options->max_consecutive = options->meltdown_percent = 0;
	options->stage_max_consecutive = options->domain_max_consecutive = 0;
	options->stage_max_percent = options->domain_max_percent = 0;
}

/* Where tables are compared, nobody may come to a person only because it was slow. */
static void draw_patience(struct world *world, enum family family)
{
	struct engine_options *options = &world->plan.options;

	if (family == CRASHES_ONLY)
		return;
	for (size_t i = 0; i < world->host_count; i++)
		world->plan.agents[i].start_timeout_ms = world_between(world, 3000, 60000);
	if (world_between(world, 0, 1))
		return;
	options->check_ms = world_between(world, 20000, 60000);
	options->change_ms = world_between(world, 60000, 180000);
	options->return_ms = world_between(world, 30000, 150000);
	options->prove_ms = world_between(world, 10000, 60000);
	options->keep_ms = world_between(world, 5000, 30000);
	options->unknown_ms = world_between(world, 60000, 300000);
}

static void draw_options(struct world *world, enum family family)
{
	struct engine_options *options = &world->plan.options;
	int least = (int)world->host_count / 40; /* thousands of agents one by one would take the simulator for ever */

	*options = engine_default_options;
	options->window = (int)world_between(world, 1, 8);
	if (options->window < least)
		options->window = least;
	options->domain_window = world_between(world, 0, 2) == 0 ? (int)world_between(world, 1, 3) : 0;
	if (options->domain_window && options->domain_window < least)
		options->domain_window = least;
	options->soak_ms = world_between(world, 0, 3) == 0 ? world_between(world, 0, 20000) : 0;
	options->hold_ms = world_between(world, 30000, 900000);
	draw_patience(world, family);
	draw_budgets(world, family);
}

static void fill_plan(struct world *world, enum family family)
{
	int zones = (int)world_between(world, 0, 4);

	plan_init(&world->plan);
	world->plan.cluster = xstrdup("simulated");
	world->plan.config = xstrdup("simulated");
	world->plan.config_sha256 = xstrdup("simulated");
	world->by_zone = world_between(world, 0, 1);
	world->plan.accept_stale_master = world_between(world, 0, 5) == 0;
	/* With only other flags nothing but the new registration tells the old agent from the new one. */
	world->same_info = world_between(world, 0, 3) == 0;
	world->discards = !world->same_info && world_between(world, 0, 5) == 0;
	world->native = !world->same_info && world_between(world, 0, 4) == 0;
	make_infos(world);
	world->plan.agents = xcalloc(world->host_count, sizeof *world->plan.agents);
	world->plan.agent_count = world->host_count;
	world->targets = xcalloc(world->host_count, sizeof *world->targets);
	world->plan_targets = xcalloc(world->host_count, sizeof *world->plan_targets);
	world->order = xcalloc(world->host_count, sizeof *world->order);
	world->flag_values[OLD] = "1mins";
	world->flag_values[NEW] = "2mins";
	for (size_t i = 0; i < world->host_count; i++)
		fill_plan_agent(world, i, zones);
	draw_options(world, family);
	draw_stages(world);
	draw_gates(world);
	world->first_plan = world->plan;
	world->stage_gates_passed = xcalloc(world->plan.stage_count + 1, sizeof *world->stage_gates_passed);
}

static int chance(struct world *world, int most)
{
	return world_between(world, 0, 1) ? 0 : (int)world_between(world, 0, most);
}

/* In one scenario of five. */
static int rarely(struct world *world, int most)
{
	return world_between(world, 0, 4) ? 0 : (int)world_between(world, 0, most);
}

static void choose_faults(struct world *world, enum family family)
{
	struct faults *faults = &world->faults;

	faults->rollcall_crash = (int)world_between(world, 0, 60);
	faults->rollcall_stall = chance(world, 10);
	faults->sleeps = rarely(world, 3);
	faults->second_operator = rarely(world, 10);
	faults->trait = chance(world, 300);
	/* And some that are no fault at all. */
	faults->traits = FAILS_WITH_NEW | TASKS_END | DEACTIVATED | IS_SLOW | FAILS_GATES;
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
	faults->agentctl_killed = chance(world, 150);
	faults->agent_killed = rarely(world, 200);
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
	faults->hangs = chance(world, 50);
	faults->freeze = chance(world, 100);
	faults->meddling = chance(world, 100);
	faults->pushed = rarely(world, 150);
	faults->undo = rarely(world, 200);
	faults->gate_unclear = chance(world, 100);
	faults->gate_silent = chance(world, 100);
	faults->garbled = rarely(world, 60);
	faults->no_space = rarely(world, 200);
	faults->impostor = rarely(world, 100);
	faults->master_stale = rarely(world, 1000);
	faults->master_hangs = rarely(world, 100);
	faults->master_slow = rarely(world, 1000);
	faults->master_old = rarely(world, 1000);
	faults->master_clock = rarely(world, 1000);
	faults->hidden = rarely(world, 100);
	faults->stopped = rarely(world, 100);
	faults->orders = chance(world, 4);
	faults->interrupts = chance(world, 2);
	if (world->seed % RESCUED_EVERY == 3) {
		faults->pushed = 400;
		faults->agentctl_crash += 30;
		faults->rescue_disturbed = (int)world_between(world, 100, 400);
	}
}

/* A large fleet has as many crashes as a small one, or it would never come to an end. */
static void scale_faults(struct world *world)
{
	world->faults.rollcall_crash /= 1 + (int)world->host_count / 20;
	world->faults.rollcall_stall /= 1 + (int)world->host_count / 20;
	world->faults.sleeps /= 1 + (int)world->host_count / 20;
	world->faults.second_operator /= 1 + (int)world->host_count / 20;
}

/* As many fleets between 10 and 100 as between 100 and 1000. */
static size_t draw_size(struct world *world)
{
	double most = log((double)world->largest + 1), at = (double)world_between(world, 0, 1000000) / 1000000;
	size_t size = (size_t)exp(at * most);

	return size < 1 ? 1 : size > world->largest ? world->largest : size;
}

void scenario_build(struct world *world, enum family family)
{
	world->host_count = draw_size(world);
	if (world->exactly)
		world->host_count = world->exactly;
	world->hosts = xcalloc(world->host_count, sizeof *world->hosts);
	world->watched = xcalloc(world->host_count + 1, sizeof *world->watched);
	world->failed = xcalloc(world->host_count + 1, sizeof *world->failed);
	choose_faults(world, family);
	scale_faults(world);
	fill_plan(world, family);
	for (size_t i = 0; i < world->host_count; i++)
		host_init(world, i);
	trouble_plan(world);
	trouble_end(world);
	if (family != CRASHES_ONLY)
		restore_plan(world);
	world->ledger = ledger_open_memory("00000000-0000-4000-8000-000000000000");
}

void scenario_clear(struct world *world)
{
	for (size_t i = 0; i < world->host_count; i++)
		free((char *)(uintptr_t)world->targets[i].name);
	network_forget(world);
	speech_forget(world);
	restore_forget(world);
	ledger_close(world->ledger);
	world_clear(world);
}
