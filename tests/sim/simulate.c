/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulate [--seeds N] [--first S] [--verbose]: whole rollouts from seeds, each under its own faults, each judged. A seed that
 * breaks an invariant is printed and replays exactly with --first S --seeds 1 --verbose.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "tests/sim/world.h"

/* More virtual time than any run with the options below can need after the faults are over. */
#define RUN_LIMIT_MS  (24 * 3600 * 1000)
#define FAULTS_END_MS (2 * 3600 * 1000)

struct outcome {
	int by_state[AGENT_STATE_COUNT];
	char *table; /* one letter per agent */
	enum run_state run;
	int lives;
	uint64_t trace;
};

/* ---- a scenario from a seed */

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
	agent->mechanism = MECHANISM_RELAX;
	agent->before = slaveinfo_copy(world->info[OLD]);
	agent->after = slaveinfo_copy(world->info[NEW]);
	agent->edits = xcalloc(1, sizeof *agent->edits);
	agent->edits[0] = (struct flag_edit){.name = xstrdup("attributes"), .value = xstrdup("rack:new")};
	agent->edit_count = 1;
	flags_set(&agent->before_flags, "attributes", "rack:old");
	world->targets[index] =
		(struct transport_target){.name = xasprintf("%zu", index), .address = agent->ip, .port = 22};
}

static void fill_plan(struct world *world)
{
	int zones = (int)world_between(world, 0, 4);

	plan_init(&world->plan);
	world->info[OLD] = make_info("rack:old");
	world->info[NEW] = make_info("rack:new");
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

enum family { CRASHES_ONLY, EVERYTHING };

static void choose_faults(struct world *world, enum family family)
{
	struct faults *faults = &world->faults;

	faults->rollcall_crash = (int)world_between(world, 0, 60);
	faults->new_state_fails = chance(world, 300);
	if (family == CRASHES_ONLY)
		return;
	faults->agentctl_crash = chance(world, 40);
	faults->parent_dies_too = chance(world, 1000);
	faults->power_cut = chance(world, 150);
	faults->connection_lost = chance(world, 300);
	faults->late_request = chance(world, 1000);
	faults->refused = chance(world, 200);
	faults->new_state_hangs = chance(world, 100);
	faults->agent_crash = chance(world, 100);
	faults->master_silent = chance(world, 300);
}

static void act_agent_crash(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation;
	(void)detail;
	if (world->faults_over || !host->up || !host->pid)
		return;
	world_say(world, "host %zu: the agent crashes", host->index);
	host_kill_agent(host);
	host_want_start(host, 1000);
}

static void act_faults_end(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)host;
	(void)generation;
	(void)detail;
	world->faults_over = true;
}

static void build(struct world *world, enum family family)
{
	int64_t most = world_between(world, 0, 9) == 0 ? 60 : 14;

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
	world_at(world, FAULTS_END_MS, act_faults_end, NULL, 0, 0);
	world->ledger = ledger_open_memory("00000000-0000-4000-8000-000000000000");
}

static void take_down(struct world *world)
{
	for (size_t i = 0; i < world->host_count; i++)
		free((char *)(uintptr_t)world->targets[i].name);
	agentctl_forget_deliveries(world);
	ledger_close(world->ledger);
	world_clear(world);
}

/* ---- rollcall in it */

static int64_t back_now(void *ctx)
{
	const struct world *world = ctx;

	return world->now;
}

static int64_t back_wall(void *ctx)
{
	const struct world *world = ctx;

	return 1700000000000 + world->now;
}

static int back_wait(void *ctx, int64_t timeout_ms)
{
	struct world *world = ctx;

	world_advance(world, world->now + timeout_ms);
	if (world->now > RUN_LIMIT_MS)
		world_violation(world, "invariant 10: the run does not end");
	return world->violation[0] ? -1 : 0;
}

static void back_random(void *ctx, char out[RANDOM_ID_SIZE])
{
	struct world *world = ctx;

	snprintf(out, RANDOM_ID_SIZE, "%016" PRIx64 "%016" PRIx64, world_random(world), world_random(world));
}

static int on_commit(void *ctx, bool durable)
{
	struct world *world = ctx;

	(void)durable;
	world->dying = world_fault(world, world->faults.rollcall_crash);
	return world->dying ? -1 : 0;
}

static void tell_agent(void *ctx, const struct engine *engine, const struct engine_record *record,
		       const struct run_agent *row)
{
	struct world *world = ctx;

	(void)engine;
	world_say(world, "agent %zu: %s -> %s (%s) %s", record->agent, agent_state_name(record->from),
		  agent_state_name(record->to), agent_event_name(record->event), row->error ? row->error : "");
}

static int live_once(struct world *world, struct error *err)
{
	const struct driver_backends backends = {
		.ledger = world->ledger,
		.transport = world->transport,
		.master = world->master,
		.monotonic_ms = back_now,
		.wall_ms = back_wall,
		.wait = back_wait,
		.random_id = back_random,
		.ctx = world,
	};
	const struct driver_observer observer = {.agent = tell_agent, .ctx = world};

	return driver_run(&world->plan, world->targets, "run", &backends, &observer, err);
}

static void make_run(struct world *world)
{
	struct run_row run = {.id = (char *)(uintptr_t) "run",
			      .plan = (char *)(uintptr_t) "plan",
			      .state = (char *)(uintptr_t) "running"};

	ledger_put_run(world->ledger, &run);
	for (size_t i = 0; i < world->host_count; i++) {
		struct run_agent row = {
			.run = run.id,
			.position = (int64_t)i,
			.agent_id = world->plan.agents[i].agent_id,
			.hostname = world->plan.agents[i].hostname,
			.state = (char *)(uintptr_t) "waiting",
		};

		ledger_put_agent(world->ledger, &row);
	}
	ledger_commit(world->ledger, NULL);
}

static void run_to_the_end(struct world *world)
{
	make_run(world);
	world->lives = 1;
	for (;;) {
		struct error err = ERROR_INIT;
		int result;

		world->dying = false;
		agentctl_attach(world);
		world->master = sim_master_new(world);
		ledger_set_commit_hook(world->ledger, on_commit, world);
		result = live_once(world, &err);
		ledger_set_commit_hook(world->ledger, NULL, NULL);
		ledger_discard(world->ledger);
		transport_free(world->transport);
		for (size_t i = 0; i < world->host_count; i++)
			world->hosts[i].exec = 0;
		master_source_free(world->master);
		world->master = NULL;
		if (world->violation[0] || result == 0)
			return;
		if (!world->dying) {
			world_violation(world, "rollcall ended with: %s", err.text);
			return;
		}
		world_say(world, "rollcall is killed, and will be resumed");
		world->lives++; /* from here on, what was on its way to the old life has nobody to hear its answer */
		for (int64_t until = world->now + world_between(world, 10, 30000); world->now < until;)
			world_advance(world, until);
	}
}

/* ---- judging it */

static void read_outcome(struct world *world, struct outcome *outcome)
{
	struct run_agent *rows = NULL;
	struct run_row run;
	size_t count = 0;

	memset(outcome, 0, sizeof *outcome);
	outcome->lives = world->lives;
	outcome->trace = world->trace;
	outcome->table = xcalloc(world->host_count + 1, 1);
	if (ledger_load_run(world->ledger, "run", &run, NULL) == 0) {
		outcome->run = (enum run_state)run_state_parse(run.state);
		run_row_clear(&run);
	}
	if (ledger_load_agents(world->ledger, "run", &rows, &count, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		int state = agent_state_parse(rows[i].state);

		outcome->by_state[state]++;
		outcome->table[i] = (char)('a' + state);
		run_agent_clear(&rows[i]);
	}
	free(rows);
}

struct totals {
	int seeds, failed, lives;
	int by_state[AGENT_STATE_COUNT];
	int runs[RUN_STATE_COUNT];
};

static void simulate(uint64_t seed, enum family family, bool crashes, bool verbose, struct outcome *outcome,
		     char violation[512])
{
	struct world world;

	world_init(&world, seed);
	world.verbose = verbose;
	build(&world, family);
	if (!crashes)
		world.faults.rollcall_crash = 0;
	run_to_the_end(&world);
	if (!world.violation[0])
		judge_end(&world);
	read_outcome(&world, outcome);
	memcpy(violation, world.violation, 512);
	take_down(&world);
}

static void check_same_table(const struct outcome *a, const struct outcome *b, char violation[512])
{
	if (!violation[0] && strcmp(a->table, b->table) != 0)
		snprintf(violation, 512, "invariant 7: with crashes the table is %s, without %s", a->table, b->table);
}

/* One seed in four has crashes of rollcall as its only faults: its table is compared with the one of a run without. */
static void simulate_seed(uint64_t seed, bool verbose, struct totals *totals)
{
	enum family family = seed % 4 == 0 ? CRASHES_ONLY : EVERYTHING;
	struct outcome outcome, calm = {.table = NULL};
	char violation[512];

	simulate(seed, family, true, verbose, &outcome, violation);
	if (family == CRASHES_ONLY && !violation[0]) {
		simulate(seed, family, false, false, &calm, violation);
		check_same_table(&outcome, &calm, violation);
	}
	totals->seeds++;
	totals->lives += outcome.lives;
	totals->runs[outcome.run]++;
	for (int i = 0; i < AGENT_STATE_COUNT; i++)
		totals->by_state[i] += outcome.by_state[i];
	if (violation[0]) {
		totals->failed++;
		printf("seed %" PRIu64 ": %s\n  replay: simulate --first %" PRIu64 " --seeds 1 --verbose\n", seed,
		       violation, seed);
	}
	free(outcome.table);
	free(calm.table);
}

static void print_totals(const struct totals *totals, int64_t ms)
{
	printf("%d seeds, %d broke an invariant; rollcall started %d times; runs done %d, paused %d; agents:",
	       totals->seeds, totals->failed, totals->lives, totals->runs[RUN_DONE], totals->runs[RUN_PAUSED]);
	for (int i = 0; i < AGENT_STATE_COUNT; i++)
		if (totals->by_state[i])
			printf(" %s %d", agent_state_name((enum agent_state)i), totals->by_state[i]);
	printf("; %.1f s\n", (double)ms / 1000);
}

int main(int argc, char *argv[])
{
	uint64_t first = 1, count = 500;
	bool verbose = false;
	struct totals totals = {0};
	int64_t began = clock_monotonic_ms();

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--verbose") == 0)
			verbose = true;
		else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
			count = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--first") == 0 && i + 1 < argc)
			first = strtoull(argv[++i], NULL, 10);
		else
			return fprintf(stderr, "usage: simulate [--seeds N] [--first S] [--verbose]\n"), 2;
	}
	for (uint64_t seed = first; seed < first + count && totals.failed < 10; seed++)
		simulate_seed(seed, verbose, &totals);
	print_totals(&totals, clock_monotonic_ms() - began);
	return totals.failed ? 1 : 0;
}
