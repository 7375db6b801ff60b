/* SPDX-License-Identifier: Apache-2.0 */
/* `settle` and `settle --accept-losses`: whose losses a person accepts, and what is left alone. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/driver_fixture.h"

static void order(struct fixture *fixture, const char *verb)
{
	const struct run_order given = {.run = (char *)(uintptr_t)FIXTURE_RUN,
					.verb = (char *)(uintptr_t)verb,
					.actor = (char *)(uintptr_t) "bert@admin2",
					.time_ms = 4711};

	ledger_put_order(fixture->ledger, &given);
	assert_ok(ledger_commit(fixture->ledger, &fixture->err), &fixture->err);
}

static bool tasks_are_lost;

/* A task of a framework that checkpoints runs on every agent, until all are lost. */
static void show_tasks(struct fixture *fixture, struct master_snapshot *snapshot)
{
	(void)fixture;
	snapshot->frameworks = xcalloc(1, sizeof *snapshot->frameworks);
	snapshot->frameworks[snapshot->framework_count++] =
		(struct framework_view){.id = xstrdup("F"), .name = xstrdup("web"), .checkpoint = true};
	snapshot->tasks = xcalloc(FIXTURE_AGENTS, sizeof *snapshot->tasks);
	for (size_t i = 0; i < FIXTURE_AGENTS; i++)
		snapshot->tasks[snapshot->task_count++] = (struct task_view){
			.id = xasprintf("T%zu", i),
			.name = xstrdup("task"),
			.framework_id = xstrdup("F"),
			.agent_id = xstrdup(snapshot->agents[i].id),
			.state = xstrdup(tasks_are_lost ? "TASK_LOST" : "TASK_RUNNING"),
			.reason = xstrdup(tasks_are_lost ? "REASON_EXECUTOR_TERMINATED" : ""),
		};
}

/* Somebody has put the old state back; what ran there is lost. */
static void mend(struct fixture *fixture, size_t index)
{
	struct fixture_host *host = &fixture->hosts[index];

	host->behaviour = BEHAVES;
	host->step = HOST_UNDONE;
	host->active = true;
	host->reregistered_ns = fixture->now;
}

/* The first two agents are stuck, and their tasks lost. */
static void leave_two_stuck(struct fixture *fixture)
{
	fixture_open(fixture);
	tasks_are_lost = false;
	fixture->on_snapshot = show_tasks;
	fixture->plan.options.window = 2;
	fixture->hosts[0].behaviour = fixture->hosts[1].behaviour = SAYS_NOTHING;
	assert_ok(fixture_drive(fixture), &fixture->err);
	fixture_expect_state(fixture, 0, "stuck");
	fixture_expect_state(fixture, 1, "stuck");
	tasks_are_lost = true;
	fixture->settles = true;
}

static void set_state(struct fixture *fixture, size_t index, const char *state)
{
	struct run_agent row = fixture_row(fixture, index);

	free(row.state);
	row.state = xstrdup(state);
	ledger_put_agent(fixture->ledger, &row);
	assert_ok(ledger_commit(fixture->ledger, &fixture->err), &fixture->err);
	run_agent_clear(&row);
}

static void expect_accepted(struct fixture *fixture, size_t index)
{
	struct run_agent row = fixture_row(fixture, index);

	assert_string_equal(row.state, "reverted");
	assert_text_has(row.proof, "\"accepted_by\":\"bert@admin2\"");
	assert_text_has(row.proof, "\"accepted_ms\":4711");
	run_agent_clear(&row);
}

/* Nobody has seen yet what the second one has lost: its fate was not known. */
static void only_losses_of_stuck_agents_are_accepted(void **state)
{
	struct fixture fixture;

	(void)state;
	leave_two_stuck(&fixture);
	set_state(&fixture, 1, "unknown");
	mend(&fixture, 0);
	mend(&fixture, 1);
	order(&fixture, "settle --accept-losses");
	assert_ok(fixture_drive(&fixture), &fixture.err);
	expect_accepted(&fixture, 0);
	fixture_expect_state(&fixture, 1, "stuck");
	fixture_expect_error(&fixture, 1, "T1");

	order(&fixture, "settle --accept-losses");
	assert_ok(fixture_drive(&fixture), &fixture.err);
	expect_accepted(&fixture, 1);
	fixture_close(&fixture);
}

/* Its agent comes back when both orders are carried out. */
static void come_back(struct fixture *fixture)
{
	struct run_order open;

	if (ledger_next_order(fixture->ledger, FIXTURE_RUN, &open, &fixture->err) > 0) {
		run_order_clear(&open);
		return;
	}
	fixture->on_wait = NULL;
	fixture->hosts[0].reregistered_ns = fixture->now;
}

/* Its host has answered: it is ordered again. */
static void order_again(struct fixture *fixture)
{
	struct run_agent row = fixture_row(fixture, 0);
	bool answered = strcmp(row.state, "reverting") == 0;

	run_agent_clear(&row);
	if (!answered)
		return;
	order(fixture, "settle --accept-losses");
	order(fixture, "settle");
	fixture->on_wait = come_back;
}

static void what_was_accepted_stays_so(void **state)
{
	struct fixture fixture;

	(void)state;
	leave_two_stuck(&fixture);
	mend(&fixture, 0);
	mend(&fixture, 1);
	fixture.hosts[0].reregistered_ns = 0;
	fixture.on_wait = order_again;
	order(&fixture, "settle --accept-losses");
	assert_ok(fixture_drive(&fixture), &fixture.err);
	assert_null(fixture.on_wait);
	expect_accepted(&fixture, 0);
	expect_accepted(&fixture, 1);
	fixture_close(&fixture);
}

/* ---- gates */

static char *words[] = {(char *)(uintptr_t) "check", NULL};
static struct plan_gate command = {.kind = GATE_COMMAND, .argv = words, .argc = 1, .timeout_ms = 1000};

/* The first agent waits for its gate, which gave no answer; the second is stuck. */
static void leave_gating(struct fixture *fixture)
{
	fixture_open(fixture);
	fixture->plan.agent_gates = &command;
	fixture->plan.agent_gate_count = 1;
	fixture->plan.options.agent_gates = true;
	fixture->plan.options.gate_ms = 60000;
	fixture->plan.options.window = 2;
	fixture->gate_answer = GATE_INCONCLUSIVE;
	fixture->hosts[1].behaviour = SAYS_NOTHING;
	assert_ok(fixture_drive(fixture), &fixture->err);
	fixture_expect_state(fixture, 0, "gating");
	fixture_expect_state(fixture, 1, "stuck");
	assert_int_equal(fixture->gates_asked, 1);
	mend(fixture, 1);
	fixture->gate_answer = GATE_FAIL;
	fixture->settles = true;
}

static void close_gated(struct fixture *fixture)
{
	fixture->plan.agent_gates = NULL;
	fixture->plan.agent_gate_count = 0;
	fixture_close(fixture);
}

static void to_settle_asks_no_gate(void **state)
{
	struct fixture fixture;

	(void)state;
	leave_gating(&fixture);
	order(&fixture, "settle");
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "gating");
	fixture_expect_state(&fixture, 1, "reverted");
	fixture_expect_run(&fixture, "paused", "");
	assert_int_equal(fixture.gates_asked, 1);
	/* Who goes on asks it. */
	fixture.settles = false;
	fixture.gate_answer = GATE_PASS;
	order(&fixture, "retry");
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_int_equal(fixture.gates_asked, 1 + FIXTURE_AGENTS);
	close_gated(&fixture);
}

/* It has the new state, and is proven: its gate is for a resume too. */
static void who_is_settled_as_meant_waits_for_its_gate(void **state)
{
	struct fixture fixture;

	(void)state;
	leave_gating(&fixture);
	fixture.hosts[1].step = HOST_KEPT;
	fixture.hosts[1].is_new = true;
	fixture.hosts[1].changed = 1;
	order(&fixture, "settle");
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "gating");
	fixture_expect_state(&fixture, 1, "gating");
	fixture_expect_run(&fixture, "paused", "");
	assert_int_equal(fixture.gates_asked, 1);
	fixture.settles = false;
	fixture.gate_answer = GATE_PASS;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	close_gated(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_losses_of_stuck_agents_are_accepted),
		cmocka_unit_test(what_was_accepted_stays_so),
		cmocka_unit_test(to_settle_asks_no_gate),
		cmocka_unit_test(who_is_settled_as_meant_waits_for_its_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
