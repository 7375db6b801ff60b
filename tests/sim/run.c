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

	world_enter(world);
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
	world_leave(world);
	return world->violation[0] ? -1 : 0;
}

static void back_random(void *ctx, char out[RANDOM_ID_SIZE])
{
	struct world *world = ctx;

	snprintf(out, RANDOM_ID_SIZE, "%016" PRIx64 "%016" PRIx64, world_random(world), world_random(world));
}

int run_on_commit(void *ctx, bool durable)
{
	struct world *world = ctx;

	world_enter(world);
	if (durable)
		judge_commit(world);
	world_leave(world);
	world->commit_calls++;
	world->dying = world->dies_at ? world->commit_calls == world->dies_at
				      : world_fault(world, world->faults.rollcall_crash);
	return world->dying ? -1 : 0;
}

static int back_interrupts(void *ctx)
{
	const struct world *world = ctx;

	return world->interrupts;
}

static void tell_words(void *ctx, const struct engine *engine, const char *text)
{
	struct world *world = ctx;

	(void)engine;
	world_say(world, "%s", text);
	if (strstr(text, "abort (") && strstr(text, "nothing starts any more"))
		world->ordered_to_abort = true;
	if (strncmp(text, "retry (", 7) == 0)
		world->retried = world->ordered_on = true;
	if (!strstr(text, ": it goes on") && !(world->ordered_on && judge_run_is(world, RUN_PAUSED)))
		return;
	world->ordered_on = true;
	judge_seen(world);
}

static void tell_agent(void *ctx, const struct engine *engine, const struct engine_record *record,
		       const struct run_agent *row)
{
	struct world *world = ctx;

	(void)engine;
	world_enter(world);
	world_say(world, "agent %zu: %s -> %s (%s) %s", record->agent, agent_state_name(record->from),
		  agent_state_name(record->to), agent_event_name(record->event), row->error ? row->error : "");
	judge_transition(world, record, row);
	world_leave(world);
}

static void tell_run(void *ctx, const struct engine *engine)
{
	(void)engine;
	world_enter(ctx);
	judge_run(ctx);
	world_leave(ctx);
}

static void tell_time(void *ctx, const struct engine *engine, int64_t now_ms)
{
	(void)engine;
	(void)now_ms;
	world_enter(ctx);
	judge_tick(ctx);
	world_leave(ctx);
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
		.interrupts = back_interrupts,
		.random_id = back_random,
		.gate_start = sim_gate_start,
		.gate_next = sim_gate_next,
		.gate_cancel = sim_gate_cancel,
		.ctx = world,
	};
	const struct driver_observer observer = {
		.agent = tell_agent, .run = tell_run, .tick = tell_time, .say = tell_words, .ctx = world};

	int result;

	world_leave(world);
	result = driver_run(&world->plan, world->targets, "run", &backends, &observer, err);
	world_enter(world);
	return result;
}

static void make_run(struct world *world)
{
	struct run_row run = {.id = (char *)(uintptr_t) "run",
			      .plan = world->plan.hash[0] ? world->plan.hash : (char *)(uintptr_t) "plan",
			      .state = (char *)(uintptr_t) "running",
			      .created_ms = back_wall(world)};

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

	world->dying = world->ordered_to_abort = false;
	world->interrupts = 0;
	world->gate_count = 0;
	network_attach(world);
	world->master = sim_master_new(world);
	judge_life(world);
	ledger_set_commit_hook(world->ledger, run_on_commit, world);
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

static enum run_state run_state_of(struct world *world, bool *rolls_back)
{
	enum run_state state = RUN_STATE_COUNT;
	struct run_row run;

	if (ledger_load_run(world->ledger, "run", &run, NULL) == 0) {
		state = (enum run_state)run_state_parse(run.state);
		*rolls_back = run.rollback_due;
		run_row_clear(&run);
	}
	return state;
}

/* Does the operator leave it at that? */
static bool is_over(struct world *world, bool ended, int resumes)
{
	bool rolls_back = false;
	enum run_state state = run_state_of(world, &rolls_back);

	if (!ended && state != RUN_PAUSED)
		return false;
	return state != RUN_PAUSED || rolls_back || world->resumes++ >= resumes;
}

static void pass_time(struct world *world)
{
	int64_t until = world->now + world_between(world, 10, world_between(world, 0, 7) ? 30000 : 900000);

	while (world->now < until)
		world_advance(world, until);
}

void scenario_run(struct world *world)
{
	int resumes = (int)world_between(world, 0, 2);

	make_run(world);
	world->lives = 1;
	for (;;) {
		struct error err = ERROR_INIT;
		int result = live_and_die(world, &err);
		bool stopped = result < 0 && !world->dying && err.kind == ERROR_INTERRUPTED && world->interrupts < 2;

		if (result < 0 && !world->dying && err.kind != ERROR_INTERRUPTED)
			world_violation(world, "rollcall ended with: %s", err.text);
		judge_death(world);
		if (world->violation[0] || ((result == 0 || stopped) && is_over(world, result == 0, resumes)))
			return;
		world->crashed = result < 0 && !stopped;
		for (size_t i = 0; !world->crashed && i < world->host_count; i++)
			if (world_between(world, 0, 1))
				host_repair(&world->hosts[i]);
		world_say(world, world->crashed ? "rollcall is killed, and will be resumed" : "the operator resumes");
		pass_time(world);
	}
}
