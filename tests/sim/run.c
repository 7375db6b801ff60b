/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall in the simulated world: driven, stopped, killed and resumed until its run ends. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/judge.h"

/* More virtual time than any run can need after the faults are over; operators who come back after a week have theirs beside it. */
#define RUN_LIMIT_MS (24 * 3600 * 1000)
#define WEEK_MS      (7 * 24 * 3600 * INT64_C(1000))

int64_t run_clock(const struct world *world)
{
	return world->now;
}

static int64_t back_now(void *ctx)
{
	return run_clock(ctx);
}

static int64_t back_wall(void *ctx)
{
	const struct world *world = ctx;

	return 1700000000000 + world->now + world->wall_offset_ms;
}

static void pass(struct world *world, int64_t until)
{
	while (world->now < until)
		world_advance(world, until);
}

/* rollcall is stopped (Ctrl-Z), or its machine sleeps, and the wall clock is set meanwhile. */
static void stall(struct world *world, bool sleeps)
{
	int64_t began = world->now, most = world_between(world, 0, 3) ? 20000 : 600000;

	if (sleeps)
		most = 3 * 3600 * 1000;
	world_say(world, sleeps ? "rollcall's machine sleeps" : "rollcall is stopped");
	pass(world, began + world_between(world, 2000, most));
	world_say(world, "rollcall goes on");
	world->idle_ms += sleeps ? world->now - began : 0;
	world->wall_offset_ms += world_between(world, -86400000, 86400000);
	judge_stall(world, world->now - began);
}

static void take_over(struct world *world);

static void wait_or_suffer(struct world *world, int64_t timeout_ms)
{
	if (world_fault(world, world->faults.rollcall_stall))
		stall(world, false);
	else if (world_fault(world, world->faults.sleeps))
		stall(world, true);
	else if (!world->taken_over && !world->process.superseded && world_fault(world, world->faults.second_operator))
		take_over(world);
	else
		world_advance(world, world->now + timeout_ms);
}

static int back_wait(void *ctx, int64_t timeout_ms)
{
	struct world *world = ctx;

	world_enter(world);
	world->spins = world->now == world->waited_ms ? world->spins + 1 : 0;
	world->waited_ms = world->now;
	if (world->spins > 10000)
		world_violation(world, "rollcall spins");
	wait_or_suffer(world, timeout_ms);
	if (world->now > RUN_LIMIT_MS + world->idle_ms)
		world_violation(world, "invariant 10: the run does not end");
	world_leave(world);
	return world->violation[0] ? -1 : 0;
}

static void back_random(void *ctx, char out[RANDOM_ID_SIZE])
{
	struct world *world = ctx;

	snprintf(out, RANDOM_ID_SIZE, "%016" PRIx64 "%016" PRIx64, world_random(world), world_random(world));
}

/* The hook of the ledger's commits. */
static int run_on_commit(void *ctx, bool durable)
{
	struct world *world = ctx;

	world_enter(world);
	if (durable) {
		judge_commit(world);
		restore_note_commit(world);
	}
	world_leave(world);
	world->commit_calls++;
	world->process.drives |= durable;
	world->process.dying = world->dies_at ? world->commit_calls == world->dies_at
					      : world_fault(world, world->faults.rollcall_crash);
	/* Whoever takes over and dies before its epoch is durable has taken nothing. */
	if (world->taken_over && !world->process.drives)
		world->process.dying = false;
	return world->process.dying ? -1 : 0;
}

static int back_interrupts(void *ctx)
{
	const struct world *world = ctx;

	return world->process.interrupts;
}

static void tell_words(void *ctx, const struct engine *engine, const char *text)
{
	struct world *world = ctx;

	(void)engine;
	world_say(world, "%s", text);
	if (world->process.superseded)
		return; /* it cannot make it durable */
	if (strstr(text, "abort (") && strstr(text, "nothing starts any more"))
		world->process.ordered_to_abort = true;
	if (strncmp(text, "retry (", 7) == 0)
		world->retried = world->ordered_on = true;
	if (strncmp(text, "retry (", 7) == 0 && strstr(text, " once more"))
		judge_ordered_again(world);
	if (!strstr(text, ": it goes on") && !world->ordered_on)
		return;
	/* A retry also ends a pause of this very moment, which the ledger never held. */
	judge_seen(world, strstr(text, ": it goes on") || judge_run_is(world, RUN_PAUSED));
	world->ordered_on = true;
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
		.ledger = world->process.ledger,
		.transport = world->process.transport,
		.master = world->process.master,
		.monotonic_ms = back_now,
		.wall_ms = back_wall,
		.wait = back_wait,
		.interrupts = back_interrupts,
		.random_id = back_random,
		.gate_start = sim_gate_start,
		.gate_next = sim_gate_next,
		.gate_cancel = sim_gate_cancel,
		.adopt = world->adopts,
		.ctx = world,
	};
	const struct driver_observer observer = {
		.agent = tell_agent, .run = tell_run, .tick = tell_time, .say = tell_words, .ctx = world};

	int result;

	world_leave(world);
	result = driver_run(&world->plan, world->plan_targets, world->run, &backends, &observer, err);
	world_enter(world);
	return result;
}

static void make_run(struct world *world)
{
	struct run_row run = {.id = (char *)(uintptr_t)world->run,
			      .plan = world->plan.hash[0] ? world->plan.hash : (char *)(uintptr_t) "plan",
			      .state = (char *)(uintptr_t) "running",
			      .created_ms = back_wall(world)};

	ledger_put_run(world->ledger, &run);
	for (size_t i = 0; i < world->plan.agent_count; i++) {
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

/* What was said to a process that has ended is heard by nobody. */
static void forget_listeners(struct world *world)
{
	for (size_t i = 0; i < world->host_count; i++)
		if (world->hosts[i].listener == world->process.number)
			world->hosts[i].exec = 0;
}

static int live_and_die(struct world *world, struct error *err)
{
	int result;

	world->process = (struct process){.number = ++world->lives, .ledger = ledger_share_memory(world->ledger)};
	restore_resume(world);
	network_attach(world);
	world->process.master = sim_master_new(world);
	judge_life(world);
	ledger_set_commit_hook(world->process.ledger, run_on_commit, world);
	result = live_once(world, err);
	ledger_close(world->process.ledger);
	transport_free(world->process.transport);
	forget_listeners(world);
	master_source_free(world->process.master);
	free(world->process.gates);
	free(world->process.exec_hosts);
	world->process.number = 0; /* what was on its way to it has nobody to hear its answer */
	return result;
}

static bool is_stopped(const struct world *world, int result, const struct error *err)
{
	return result < 0 && !world->process.dying && err->kind == ERROR_INTERRUPTED && world->process.interrupts < 2;
}

/* Has it ended as a process may that nothing killed? */
static void judge_result(struct world *world, int result, const struct error *err)
{
	bool beaten = world->process.superseded && err->kind == ERROR_CONFLICT;

	if (result < 0 && !world->process.dying && err->kind != ERROR_INTERRUPTED && !beaten)
		world_violation(world, "rollcall ended with: %s", err->text);
}

/*
 * Another operator takes the run over while this process lives, but does nothing just now. He drives it to its end, to a pause, or
 * until he is killed. Then this one goes on, with all it believes, and may do nothing any more.
 */
static void take_over(struct world *world)
{
	struct process first = world->process;
	struct error err = ERROR_INIT;
	int64_t began = world->now;
	int result;

	world_say(world, "somebody else takes the run over");
	world->taken_over = true;
	result = live_and_die(world, &err);
	judge_result(world, result, &err);
	judge_death(world);
	world->is_settled = result == 0 || is_stopped(world, result, &err);
	world_say(world, "who took the run over has ended; the first rollcall goes on");
	world->taken_over = false;
	world->process = first;
	world->process.superseded = true;
	world->idle_ms += world->now - began;
}

static enum run_state run_state_of(struct world *world, bool *rolls_back)
{
	enum run_state state = RUN_STATE_COUNT;
	struct run_row run;

	if (ledger_load_run(world->ledger, world->run, &run, NULL) == 0) {
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

static void pass_idle(struct world *world, int64_t ms)
{
	int64_t began = world->now;

	pass(world, began + ms);
	world->idle_ms += world->now - began;
}

static void pass_time(struct world *world)
{
	int64_t most = world_between(world, 0, 7) ? 30000 : world_between(world, 0, 7) ? 900000 : WEEK_MS;

	pass_idle(world, world_between(world, 10, most));
}

/* The database comes back as it was, and rollcall is started with it. */
static void restore(struct world *world)
{
	pass_idle(world, restore_ms(world));
	restore_copy(world);
	world->crashed = false;
}

static void repair_some(struct world *world)
{
	for (size_t i = 0; i < world->host_count; i++)
		if (world_between(world, 0, 1))
			host_repair(&world->hosts[i]);
}

void scenario_run(struct world *world)
{
	int resumes = (int)world_between(world, 0, 2);

	make_run(world);
	for (;;) {
		struct error err = ERROR_INIT;
		int result = live_and_die(world, &err);
		bool stopped = is_stopped(world, result, &err), ended = result == 0;

		/* How the run stands only the last one knows who drove it. */
		if (world->process.superseded) {
			stopped = false;
			ended = world->is_settled;
		}
		judge_result(world, result, &err);
		judge_death(world);
		if (world->violation[0])
			return;
		bool over = (ended || stopped) && is_over(world, ended, resumes);
		if (restore_is_due(world, over)) {
			restore(world);
			continue;
		}
		if (over)
			return;
		world->crashed = !ended && !stopped;
		if (!world->crashed) {
			repair_some(world);
			/* … and wants what has failed tried again. */
			if (world->faults.orders && world_between(world, 0, 1))
				trouble_order(world, "retry");
		}
		world_say(world, world->crashed ? "rollcall is killed, and will be resumed" : "the operator resumes");
		pass_time(world);
	}
}
