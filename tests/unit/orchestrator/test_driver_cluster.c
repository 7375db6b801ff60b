/* SPDX-License-Identifier: Apache-2.0 */
/* Gates, a change of leader, and a cluster that melts, as the driver sees them. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/driver_fixture.h"

/* ---- gates */

static char *words[] = {(char *)(uintptr_t) "check", NULL};
static struct plan_gate commands[2] = {{.kind = GATE_COMMAND, .argv = words, .argc = 1, .timeout_ms = 1000},
				       {.kind = GATE_COMMAND, .argv = words, .argc = 1, .timeout_ms = 1000}};

static void gate_agents(struct fixture *fixture, size_t count)
{
	fixture->plan.agent_gates = commands;
	fixture->plan.agent_gate_count = count;
	fixture->plan.options.agent_gates = true;
	fixture->plan.options.gate_ms = 60000;
}

static void gate_stages(struct fixture *fixture)
{
	fixture->plan.stage_gates = commands;
	fixture->plan.stage_gate_count = 1;
	fixture->plan.options.stage_gates = true;
	fixture->plan.options.gate_ms = 60000;
}

/* The gates are this file's, not the plan's to free. */
static void close_gated(struct fixture *fixture)
{
	fixture->plan.agent_gates = fixture->plan.stage_gates = NULL;
	fixture->plan.agent_gate_count = fixture->plan.stage_gate_count = 0;
	fixture_close(fixture);
}

static void test_every_gate_is_asked_after_every_agent(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	gate_agents(&fixture, 2);
	gate_stages(&fixture);
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_int_equal(fixture.gates_asked, 2 * FIXTURE_AGENTS + 1);
	close_gated(&fixture);
}

static void test_a_failed_gate_rejects_the_agent(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	gate_agents(&fixture, 2);
	fixture.gate_answer = GATE_FAIL;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "rejected");
	fixture_expect_error(&fixture, 0, "what was ? seen");
	fixture_expect_state(&fixture, 1, "waiting");
	fixture_expect_run(&fixture, "paused", "budget");
	assert_int_equal(fixture.gates_asked, 1); /* the second is not asked any more */
	close_gated(&fixture);
}

static void test_a_gate_without_an_answer_pauses_and_is_asked_again(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	gate_agents(&fixture, 1);
	fixture.gate_answer = GATE_INCONCLUSIVE;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "gating");
	fixture_expect_state(&fixture, 1, "waiting");
	fixture_expect_run(&fixture, "paused", "");
	fixture.gate_answer = GATE_PASS;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_int_equal(fixture.gates_asked, 1 + FIXTURE_AGENTS);
	close_gated(&fixture);
}

/* The engine's patience ends; what was asked is called back (fixture_drive sees to that). */
static void test_a_gate_that_is_never_answered(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	gate_agents(&fixture, 1);
	fixture.gates_silent = true;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "gating");
	fixture_expect_run(&fixture, "paused", "");
	close_gated(&fixture);
}

static void test_a_stage_ends_with_its_gate(void **state)
{
	struct engine_stage stages[] = {{.end = 1, .window = 1}, {.end = FIXTURE_AGENTS, .window = 2}};
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	gate_stages(&fixture);
	fixture.plan.stages = stages;
	fixture.plan.stage_count = 2;
	fixture.gate_answer = GATE_FAIL;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "done");
	fixture_expect_state(&fixture, 1, "waiting");
	fixture_expect_run(&fixture, "paused", "what was ? seen");
	fixture.gate_answer = GATE_PASS;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_int_equal(fixture.gates_asked, 3);
	fixture.plan.stages = NULL;
	fixture.plan.stage_count = 0;
	close_gated(&fixture);
}

/* In the middle of a gate or beside it: whoever resumes asks again, and the table is the same in the end. */
static void test_a_crash_at_every_commit_with_gates(void **state)
{
	bool whole = false;

	(void)state;
	for (int at = 0; !whole; at++) {
		struct engine_stage stages[] = {{.end = 1, .window = 1}, {.end = FIXTURE_AGENTS, .window = 2}};
		struct fixture fixture;

		fixture_open(&fixture);
		gate_agents(&fixture, 2);
		gate_stages(&fixture);
		fixture.plan.stages = stages;
		fixture.plan.stage_count = 2;
		whole = fixture_drive_until(&fixture, at);
		if (!whole)
			assert_ok(fixture_drive(&fixture), &fixture.err);
		fixture_expect_done(&fixture);
		assert_true(fixture.gates_asked >= 2 * FIXTURE_AGENTS + 2);
		fixture.plan.stages = NULL;
		fixture.plan.stage_count = 0;
		close_gated(&fixture);
		assert_true(at < 1000);
	}
}

/* ---- gates about the cluster */

static struct plan_gate unreachable = {.kind = GATE_UNREACHABLE, .max_new = 0};

static void lose_the_last(struct fixture *fixture, struct master_snapshot *snapshot)
{
	if (fixture->hosts[0].step == HOST_KEPT)
		snapshot->agents[FIXTURE_AGENTS - 1].active = false;
}

static void test_agents_that_vanish_fail_a_gate(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	gate_agents(&fixture, 1);
	fixture.plan.agent_gates = &unreachable;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	close_gated(&fixture);

	fixture_open(&fixture);
	gate_agents(&fixture, 1);
	fixture.plan.agent_gates = &unreachable;
	fixture.on_snapshot = lose_the_last;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "rejected");
	fixture_expect_error(&fixture, 0, "agent-S2");
	close_gated(&fixture);
}

/* What the run found before it changed anything is durable, and a resume does not take it again. */
static void test_the_figures_are_taken_once(void **state)
{
	struct fixture fixture;
	struct run_row run;
	char *first;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[0].behaviour = REFUSES;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	run = fixture_run(&fixture);
	assert_text_has(run.before, "agent-S2");
	first = xstrdup(run.before);
	run_row_clear(&run);
	fixture.on_snapshot = lose_the_last;
	fixture.hosts[0].step = HOST_KEPT;
	fixture_drive(&fixture);
	run = fixture_run(&fixture);
	assert_string_equal(run.before, first);
	run_row_clear(&run);
	free(first);
	fixture_close(&fixture);
}

/* ---- another leader */

static void fail_over(struct fixture *fixture)
{
	if (fixture->hosts[0].step == HOST_KEPT && fixture->failovers == 0)
		fixture->failovers = 1;
}

/* The new leader does not know the last agent before some time has passed. */
static void show_the_last_late(struct fixture *fixture, struct master_snapshot *snapshot)
{
	if (fixture->failovers && fixture->now < 60000)
		snapshot->agents[FIXTURE_AGENTS - 1].active = false;
}

static void nothing_before_it_is_back(struct fixture *fixture, struct fixture_host *host,
				      const struct fixture_exec *exec)
{
	if (strcmp(exec->word, "apply") == 0 && host != &fixture->hosts[0])
		assert_true(fixture->now >= 60000);
}

static void test_a_new_leader_is_waited_for(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.plan.options.window = 2;
	fixture.plan.options.hold_ms = 600000;
	fixture.plan.options.check_ms = 600000;
	fixture.plan.agent_count = 3;
	/* The second waits for room until the first is done. */
	fixture.plan.options.window = 1;
	fixture.on_wait = fail_over;
	fixture.on_snapshot = show_the_last_late;
	fixture.on_exec = nothing_before_it_is_back;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	fixture_close(&fixture);
}

/* One agent is back at the second leader when a third takes over; a network that comes and goes takes the masters along first. */
static void fail_over_twice(struct fixture *fixture)
{
	if (fixture->hosts[0].step == HOST_KEPT && fixture->failovers < 2)
		fixture->failovers += fixture->failovers == 0 || fixture->now >= 20000;
}

static void show_the_others_late(struct fixture *fixture, struct master_snapshot *snapshot)
{
	for (size_t i = 1; i < FIXTURE_AGENTS && fixture->failovers && fixture->now < 60000; i++)
		snapshot->agents[i].active = false;
}

static void test_who_was_not_back_at_one_leader_is_awaited_at_the_next(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.plan.options.meltdown_percent = 20;
	fixture.plan.options.hold_ms = 600000;
	fixture.on_wait = fail_over_twice;
	fixture.on_snapshot = show_the_others_late;
	fixture.on_exec = nothing_before_it_is_back;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_int_equal(fixture.failovers, 2);
	fixture_close(&fixture);
}

/* It leads since before this driver began, so no change of leaders is seen; but it says itself for whom it waits. */
static void await_the_others(struct fixture *fixture, struct master_snapshot *snapshot)
{
	if (fixture->now >= 60000)
		return;
	snapshot->recovered = xcalloc(FIXTURE_AGENTS, sizeof(*snapshot->recovered));
	for (size_t i = 0; i < FIXTURE_AGENTS; i++) {
		snapshot->agents[i].active = false;
		snapshot->recovered[snapshot->recovered_count++] = xstrdup(snapshot->agents[i].id);
	}
}

static void nobody_before_all_are_back(struct fixture *fixture, struct fixture_host *host,
				       const struct fixture_exec *exec)
{
	(void)host;
	(void)exec;
	assert_true(fixture->now >= 60000);
}

static void test_a_leader_that_waits_for_its_agents_is_waited_for(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.plan.options.meltdown_percent = 20;
	fixture.plan.options.hold_ms = 600000;
	fixture.on_snapshot = await_the_others;
	fixture.on_exec = nobody_before_all_are_back;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	fixture_close(&fixture);
}

static void never_show_the_last(struct fixture *fixture, struct master_snapshot *snapshot)
{
	if (fixture->failovers)
		snapshot->agents[FIXTURE_AGENTS - 1].active = false;
}

static void test_a_hold_that_lasts_pauses(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.plan.options.window = 2;
	fixture.plan.options.hold_ms = 120000;
	fixture.on_wait = fail_over;
	fixture.on_snapshot = never_show_the_last;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_run(&fixture, "paused", "");
	fixture_close(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_gate_is_asked_after_every_agent),
		cmocka_unit_test(test_a_failed_gate_rejects_the_agent),
		cmocka_unit_test(test_a_gate_without_an_answer_pauses_and_is_asked_again),
		cmocka_unit_test(test_a_gate_that_is_never_answered),
		cmocka_unit_test(test_a_stage_ends_with_its_gate),
		cmocka_unit_test(test_a_crash_at_every_commit_with_gates),
		cmocka_unit_test(test_agents_that_vanish_fail_a_gate),
		cmocka_unit_test(test_the_figures_are_taken_once),
		cmocka_unit_test(test_a_new_leader_is_waited_for),
		cmocka_unit_test(test_who_was_not_back_at_one_leader_is_awaited_at_the_next),
		cmocka_unit_test(test_a_leader_that_waits_for_its_agents_is_waited_for),
		cmocka_unit_test(test_a_hold_that_lasts_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
