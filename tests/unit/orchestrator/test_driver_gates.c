/* SPDX-License-Identifier: Apache-2.0 */
/* Gates about the cluster while another master takes the lead, after a resume, and about what is launched on changed agents. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/driver_fixture.h"

/* The new leader knows the last agent from here on. */
#define BACK_MS 60000
#define GATE_MS 20000

static void gate_agents(struct fixture *fixture, struct plan_gate *gate)
{
	fixture->plan.agent_gates = gate;
	fixture->plan.agent_gate_count = 1;
	fixture->plan.options.agent_gates = true;
	fixture->plan.options.gate_ms = GATE_MS;
	fixture->plan.options.hold_ms = 600000;
}

static void gate_stages(struct fixture *fixture, struct plan_gate *gate)
{
	static const struct engine_stage stages[] = {{.end = 1, .window = 1}, {.end = FIXTURE_AGENTS, .window = 2}};

	fixture->plan.stages = xcalloc(2, sizeof(*stages));
	memcpy(fixture->plan.stages, stages, sizeof(stages));
	fixture->plan.stage_count = 2;
	fixture->plan.stage_gates = gate;
	fixture->plan.stage_gate_count = 1;
	fixture->plan.options.stage_gates = true;
	fixture->plan.options.gate_ms = GATE_MS;
	fixture->plan.options.hold_ms = 600000;
}

/* The gates are this file's, not the plan's to free. */
static void close_gated(struct fixture *fixture)
{
	free(fixture->plan.stages);
	fixture->plan.stages = NULL;
	fixture->plan.stage_count = 0;
	fixture->plan.agent_gates = fixture->plan.stage_gates = NULL;
	fixture->plan.agent_gate_count = fixture->plan.stage_gate_count = 0;
	fixture_close(fixture);
}

/* ---- another leader, while the first agent's or stage's gate is asked */

static void fail_over(struct fixture *fixture)
{
	if (fixture->hosts[0].step == HOST_KEPT)
		fixture->failovers = 1;
}

static void show_the_last_late(struct fixture *fixture, struct master_snapshot *snapshot)
{
	if (fixture->failovers && fixture->now < BACK_MS)
		snapshot->agents[FIXTURE_AGENTS - 1].active = false;
}

static void not_before_it_is_back(struct fixture *fixture, const struct gate_question *question)
{
	assert_non_null(question->master);
	assert_true(!fixture->failovers || fixture->now >= BACK_MS);
}

static void test_gates_of_the_cluster_wait_for_its_agents(void **state)
{
	static struct plan_gate gates[] = {
		{.kind = GATE_UNREACHABLE, .max_new = 0},
		{.kind = GATE_METRIC, .metric = (char *)(uintptr_t) "m", .has_max = true, .timeout_ms = 1000}};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct fixture fixture;

		fixture_open(&fixture);
		if (i / 2)
			gate_stages(&fixture, &gates[i % 2]);
		else
			gate_agents(&fixture, &gates[i % 2]);
		fixture.on_wait = fail_over;
		fixture.on_snapshot = show_the_last_late;
		fixture.on_gate = not_before_it_is_back;
		assert_ok(fixture_drive(&fixture), &fixture.err);
		assert_true(fixture.now >= BACK_MS);
		fixture_expect_done(&fixture);
		close_gated(&fixture);
	}
}

/* ---- a resume, before any master has answered */

static void test_a_resumed_gate_knows_the_leader(void **state)
{
	static struct plan_gate metric = {
		.kind = GATE_METRIC, .metric = (char *)(uintptr_t) "m", .has_max = true, .timeout_ms = 1000};
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	gate_agents(&fixture, &metric);
	fixture.gate_answer = GATE_INCONCLUSIVE;
	fixture.on_gate = not_before_it_is_back;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "gating");
	fixture.gate_answer = GATE_PASS;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	close_gated(&fixture);
}

/* ---- launches */

static struct plan_gate launch = {.kind = GATE_LAUNCH, .within_ms = 10000};

static void add_task(struct master_snapshot *snapshot, const char *id, const char *state, const char *reason)
{
	snapshot->completed = xreallocarray(snapshot->completed, snapshot->completed_count + 1,
					    sizeof(*snapshot->completed));
	snapshot->completed[snapshot->completed_count++] = (struct task_view){
		.id = xstrdup(id),
		.name = xstrdup("web"),
		.framework_id = xstrdup("F"),
		.executor_id = xstrdup(""),
		.agent_id = xstrdup("agent-S0"),
		.state = xstrdup(state),
		.reason = xstrdup(reason),
	};
}

/* One that failed long before the run, and one that fails after the change. */
static void fail_launches(struct fixture *fixture, struct master_snapshot *snapshot)
{
	add_task(snapshot, "old", "TASK_FAILED", "REASON_CONTAINER_LAUNCH_FAILED");
	if (fixture->hosts[0].step == HOST_KEPT)
		add_task(snapshot, "new", "TASK_FAILED", "REASON_CONTAINER_LAUNCH_FAILED");
}

static void only_old_failures(struct fixture *fixture, struct master_snapshot *snapshot)
{
	(void)fixture;
	add_task(snapshot, "old", "TASK_FAILED", "REASON_CONTAINER_LAUNCH_FAILED");
	add_task(snapshot, "older", "TASK_FINISHED", "");
}

static void test_a_launch_that_fails_rejects(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	gate_agents(&fixture, &launch);
	fixture.on_snapshot = fail_launches;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "rejected");
	fixture_expect_error(&fixture, 0, "task new was to be launched");
	fixture_expect_state(&fixture, 1, "waiting");
	close_gated(&fixture);
}

/* What had ended before is no evidence of anything, also after a resume. */
static void test_old_tasks_say_nothing(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	gate_agents(&fixture, &launch);
	fixture.on_snapshot = only_old_failures;
	for (int i = 0; i < 2; i++) {
		assert_ok(fixture_drive(&fixture), &fixture.err);
		fixture_expect_state(&fixture, 0, "gating");
		fixture_expect_run(&fixture, "paused", "gave no answer");
	}
	fixture.on_snapshot = fail_launches;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "rejected");
	close_gated(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gates_of_the_cluster_wait_for_its_agents),
		cmocka_unit_test(test_a_resumed_gate_knows_the_leader),
		cmocka_unit_test(test_a_launch_that_fails_rejects),
		cmocka_unit_test(test_old_tasks_say_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
