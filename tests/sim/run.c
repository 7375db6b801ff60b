/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall in the simulated world: driven, stopped, killed and resumed until its run ends. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

/* More virtual time than any run can need after the faults are over. */
#define RUN_LIMIT_MS (24 * 3600 * 1000)

static int64_t back_now(void *ctx)
{
	const struct world *world = ctx;

	return world->now;
}

static int64_t back_wall(void *ctx)
{
	const struct world *world = ctx;

	return 1700000000000 + world->now + world->wall_offset_ms;
}

/* rollcall is stopped (Ctrl-Z, a sleeping machine), and the wall clock is set meanwhile. */
static void stall(struct world *world)
{
	int64_t began = world->now,
		until = began + world_between(world, 2000, world_between(world, 0, 3) ? 20000 : 600000);

	world_say(world, "rollcall is stopped");
	while (world->now < until)
		world_advance(world, until);
	world_say(world, "rollcall goes on");
	world->wall_offset_ms += world_between(world, -86400000, 86400000);
	judge_stall(world, world->now - began);
}

static int back_wait(void *ctx, int64_t timeout_ms)
{
	struct world *world = ctx;

	world->spins = world->now == world->waited_ms ? world->spins + 1 : 0;
	world->waited_ms = world->now;
	if (world->spins > 10000)
		world_violation(world, "rollcall spins");
	if (world_fault(world, world->faults.rollcall_stall))
		stall(world);
	else
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

	if (durable)
		judge_commit(world);
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
	judge_transition(world, record, row);
}

static void tell_run(void *ctx, const struct engine *engine)
{
	(void)engine;
	judge_run(ctx);
}

static void tell_time(void *ctx, const struct engine *engine, int64_t now_ms)
{
	(void)engine;
	(void)now_ms;
	judge_tick(ctx);
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
	const struct driver_observer observer = {.agent = tell_agent, .run = tell_run, .tick = tell_time, .ctx = world};

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

static int live_and_die(struct world *world, struct error *err)
{
	int result;

	world->dying = false;
	network_attach(world);
	world->master = sim_master_new(world);
	judge_life(world);
	ledger_set_commit_hook(world->ledger, on_commit, world);
	result = live_once(world, err);
	ledger_set_commit_hook(world->ledger, NULL, NULL);
	ledger_discard(world->ledger);
	transport_free(world->transport);
	for (size_t i = 0; i < world->host_count; i++)
		world->hosts[i].exec = 0;
	master_source_free(world->master);
	world->master = NULL;
	world->lives++; /* from here on, what was on its way to the old life has nobody to hear its answer */
	return result;
}

static bool is_paused(struct world *world)
{
	struct run_row run;
	bool paused = false;

	if (ledger_load_run(world->ledger, "run", &run, NULL) == 0) {
		paused = run_state_parse(run.state) == RUN_PAUSED;
		run_row_clear(&run);
	}
	return paused;
}

void scenario_run(struct world *world)
{
	int resumes = (int)world_between(world, 0, 2);

	make_run(world);
	world->lives = 1;
	for (;;) {
		struct error err = ERROR_INIT;
		int result = live_and_die(world, &err);

		if (result < 0 && !world->dying)
			world_violation(world, "rollcall ended with: %s", err.text);
		if (world->violation[0] || (result == 0 && (!is_paused(world) || world->resumes++ == resumes)))
			return;
		world->crashed = result < 0;
		for (size_t i = 0; result == 0 && i < world->host_count; i++)
			if (world_between(world, 0, 1))
				host_repair(&world->hosts[i]);
		world_say(world, result < 0 ? "rollcall is killed, and will be resumed" : "the operator resumes");
		for (int64_t until = world->now + world_between(world, 10, world_between(world, 0, 7) ? 30000 : 900000);
		     world->now < until;)
			world_advance(world, until);
	}
}
