/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database with a run of a large fleet in it, for the reports' tests: the real engine, driver, proof and ledger in the simulator's
 * world, which costs seconds where a lab would cost an hour.
 *
 *   make_run DATABASE [--agents N] [--seed N] [--trouble PER_MILLE] [--hostile]
 *
 * --trouble: so many of 1000 hosts have something wrong with them. --hostile: names that want to be markup, script or formula. The run is
 * r-20231114-1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/store.h"
#include "orchestrator/ledger/ledger_backend.h"
#include "tests/sim/world.h"

#define RUN "r-20231114-1"

struct making {
	const char *database;
	size_t agents;
	uint64_t seed;
	int trouble;
	bool hostile;
};

/* The simulator's judge reads the number after the only dash. */
static const char *const zones[] = {"us/east-0", "us/west-1", "eu/north-2", "eu/south-3", "ap/east-4"};

static const char *const hostile_names[] = {
	"</script><script>window.attacked=1</script>",
	"\"><img src=x onerror=window.attacked=2>",
	"=HYPERLINK(\"http://x\",\"y\")",
	"\u202egnp.exe\u2028\u2029]]>",
	"<!--<script>`|@all [a](javascript:b)",
	"@SUM(1+1)*cmd|' /C calc'!A0",
};

static void replace(char **text, const char *with)
{
	free(*text);
	*text = xstrdup(with);
}

static void name_agent(const struct making *making, struct plan_agent *agent, size_t index)
{
	size_t zone = index % (sizeof zones / sizeof *zones);
	size_t hostiles = sizeof hostile_names / sizeof *hostile_names;
	char *name = xasprintf("mesos-agent-%05zu.example.net", index + 1);

	if (making->hostile && index < hostiles) {
		free(name);
		name = xasprintf("%s%zu", hostile_names[index], index);
	}
	replace(&agent->hostname, name);
	free(name);
	replace(&agent->domain, making->hostile && zone == 0 ? "</script><b>-0" : zones[zone]);
	replace(&agent->why, "the checkpoint is made to fit the new flags");
	replace(&agent->stock_message, "Incompatible agent info detected");
	agent->expected_away_ms = 5000;
	agent->worst_away_ms = 60000;
	agent->recovery_ms = 120000;
}

/* Everything a large cluster's agents have, and one attribute that changes. */
static Mesos__SlaveInfo *make_info(const char *attributes)
{
	struct flags flags = FLAGS_INIT;
	struct detected detected = DETECTED_UNKNOWN;
	struct error err = ERROR_INIT;

	flags_set(&flags, "hostname", "host");
	flags_set(&flags, "attributes", attributes);
	flags_set(&flags, "resources",
		  "cpus:32;mem:128000;disk:900000;gpus:2;ports:[31000-32000,8000-8080];cpus(web):4");
	Mesos__SlaveInfo *info = slaveinfo_from_flags(&flags, &detected, &mesos_version_newest, &err);
	flags_clear(&flags);
	if (!info) {
		fprintf(stderr, "make_run: %s\n", err.text);
		exit(70);
	}
	return info;
}

static void set_info(struct world *world, enum side side, const char *attributes)
{
	slaveinfo_free(world->info[side]);
	world->info[side] = make_info(attributes);
	for (size_t i = 0; i < world->host_count; i++) {
		struct plan_agent *agent = &world->plan.agents[i];
		Mesos__SlaveInfo **info = side == OLD ? &agent->before : &agent->after;

		slaveinfo_free(*info);
		*info = slaveinfo_copy(world->info[side]);
	}
}

static void fill_plan(const struct making *making, struct world *world)
{
	struct plan *plan = &world->plan;
	int window = (int)(world->host_count / 25);

	replace(&plan->cluster, "prod");
	replace(&plan->config, making->hostile ? hostile_names[1] : "web-tier");
	replace(&plan->config_sha256, "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00");
	plan->config_version = 7;
	plan->created_ms = 1699999000000;
	plan->surveyed_ms = 1699998000000;
	plan->ignore = PART_ATTRIBUTES;
	replace(&plan->where, making->hostile ? hostile_names[4] : "tier = 'web'");
	plan->options.window = window < 3 ? 3 : window;
	plan->options.domain_window = 0;
	plan->clocks.silent_ms = 75000;
	plan->clocks.reregister_ms = 600000;
	for (size_t i = 0; i < plan->stage_count; i++) {
		plan->stages[i].window = plan->options.window;
		if (!plan->stage_names[i])
			plan->stage_names[i] = xasprintf("stage %zu", i + 1);
	}
	for (size_t i = 0; i < world->host_count; i++)
		name_agent(making, &plan->agents[i], i);
	set_info(world, OLD, "rack:r12;tier:web;ssd:true;os:debian-12;generation:gen4");
	set_info(world, NEW,
		 making->hostile ? "rack:r12;tier:web;os:<script>window.attacked=3</script>"
				 : "rack:r12;tier:web-2;os:debian-12;generation:gen4;pool:blue");
}

/* What ends with an agent put back or untouched goes on; a stuck one pauses the run, so there are few, and late. */
static void spread_trouble(const struct making *making, struct world *world)
{
	static const unsigned traits[] = {FAILS_WITH_NEW, FAILS_WITH_NEW, REFUSES, IS_SLOW};
	size_t last = world->host_count - 1;

	for (size_t i = 0; i < world->host_count; i++) {
		bool troubled = (int)(world_random(world) % 1000) < making->trouble;

		world->hosts[i].traits = troubled ? traits[world_random(world) % (sizeof traits / sizeof *traits)] : 0;
	}
	if (making->trouble > 0 && last > 0)
		world->hosts[last].traits = world->hosts[last - 1].traits = GETS_NEW_ID;
}

/* ---- from the simulator's memory into a database, through the ledger that the product writes with */

struct copying {
	struct ledger *to;
	int64_t time_ms; /* of the event that is being copied */
};

static int64_t event_time(void *ctx)
{
	const struct copying *copying = ctx;

	return copying->time_ms;
}

static int64_t world_time(void *ctx)
{
	const struct world *world = ctx;

	return 1700000000000 + world->now; /* as the driver's clock in the simulator */
}

static int copy_event(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	struct copying *copying = ctx;
	json_t *body = json_loadb(entry->body, entry->body_len, 0, NULL);

	(void)err;
	copying->time_ms = entry->time_ms;
	ledger_event(copying->to, entry->kind, entry->run ? RUN : NULL, entry->agent_id, body);
	return 0;
}

static void copy_plan(const struct plan *plan, const struct buffer *document, struct ledger *to)
{
	const struct plan_row row = {
		.hash = (char *)(uintptr_t)plan->hash,
		.cluster = plan->cluster,
		.config = plan->config,
		.config_version = plan->config_version,
		.author = (char *)(uintptr_t) "bert@admin2",
		.created_ms = plan->created_ms,
		.agents = (int64_t)plan->agent_count,
		.document = document->data,
		.document_len = document->len,
	};

	ledger_put_plan(to, &row);
}

static int copy_rows(struct ledger *from, struct ledger *to, struct error *err)
{
	struct run_row run;
	struct run_agent *rows;
	size_t count;

	if (ledger_load_run(from, "run", &run, err) < 0 || ledger_load_agents(from, "run", &rows, &count, err) < 0)
		return -1;
	replace(&run.id, RUN);
	ledger_put_run(to, &run);
	run_row_clear(&run);
	for (size_t i = 0; i < count; i++) {
		replace(&rows[i].run, RUN);
		ledger_put_agent(to, &rows[i]);
		run_agent_clear(&rows[i]);
	}
	free(rows);
	return 0;
}

static int copy_run(const struct world *world, const struct buffer *plan, struct store *store, const char *actor,
		    struct error *err)
{
	struct copying copying = {.to = ledger_open(store, actor, err), .time_ms = world->plan.created_ms};
	int result = copying.to ? 0 : -1;

	if (result == 0) {
		ledger_set_clock(copying.to, event_time, &copying);
		copy_plan(&world->plan, plan, copying.to);
		ledger_event(copying.to, "run.created", RUN, NULL, NULL);
		result = copy_rows(world->ledger, copying.to, err);
	}
	if (result == 0)
		result = world->ledger->backend->walk(world->ledger, copy_event, &copying, err);
	if (result == 0)
		result = ledger_commit(copying.to, err);
	ledger_close(copying.to);
	return result;
}

static void build(const struct making *making, struct world *world, struct buffer *plan)
{
	/* The next seed whose scenario changes SlaveInfos and keeps tasks. */
	for (uint64_t seed = making->seed;; seed++) {
		world_init(world, seed);
		world->largest = world->exactly = making->agents;
		scenario_build(world, CRASHES_ONLY);
		if (!world->same_info && !world->discards)
			break;
		scenario_clear(world);
	}
	world->faults.rollcall_crash = world->faults.rollcall_stall = 0;
	fill_plan(making, world);
	spread_trouble(making, world);
	plan_write(&world->plan, plan);
}

static int make(const struct making *making)
{
	struct error err = ERROR_INIT;
	struct buffer plan = BUFFER_INIT(PLAN_MAX);
	struct world world;
	struct store *store = store_open(making->database, true, &err);
	int result = store ? 0 : -1;

	build(making, &world, &plan);
	ledger_set_clock(world.ledger, world_time, &world);
	scenario_run(&world);
	if (world.violation[0])
		result = error_set(&err, ERROR_CORRUPT, "the simulated run broke an invariant: %s", world.violation);
	if (result == 0)
		result = copy_run(&world, &plan, store, making->hostile ? hostile_names[2] : "anna@admin1", &err);
	if (result < 0)
		fprintf(stderr, "make_run: %s\n", err.text);
	buffer_clear(&plan);
	scenario_clear(&world);
	store_close(store);
	return result;
}

static int usage(void)
{
	fputs("make_run DATABASE [--agents N] [--seed N] [--trouble PER_MILLE] [--hostile]\n", stderr);
	return 2;
}

int main(int argc, char *argv[])
{
	struct making making = {.agents = 5000, .seed = 3, .trouble = 15};

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "--hostile") == 0)
			making.hostile = true;
		else if (argv[i][0] != '-' && !making.database)
			making.database = argv[i];
		else if (!value)
			return usage();
		else if (strcmp(argv[i], "--agents") == 0)
			making.agents = strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			making.seed = strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--trouble") == 0)
			making.trouble = (int)strtol(argv[++i], NULL, 10);
		else
			return usage();
	}
	if (!making.database || making.agents == 0)
		return usage();
	return make(&making) < 0;
}
