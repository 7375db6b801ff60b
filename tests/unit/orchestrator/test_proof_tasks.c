/* SPDX-License-Identifier: Apache-2.0 */
/* The proof: what became of the tasks, and what must be so after an undo. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/proof_fixture.h"

/* ---- tasks */

static void set_task(struct proof_fixture *fixture, const char *task_state, const char *reason)
{
	proof_set_text(&fixture->snapshot.tasks[0].state, task_state);
	proof_set_text(&fixture->snapshot.tasks[0].reason, reason);
}

static void move_task_to_completed(struct proof_fixture *fixture)
{
	fixture->snapshot.completed = fixture->snapshot.tasks;
	fixture->snapshot.completed_count = fixture->snapshot.task_count;
	fixture->snapshot.tasks = NULL;
	fixture->snapshot.task_count = 0;
}

static void test_a_task_may_still_come_back(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	set_task(&fixture, "TASK_UNREACHABLE", "REASON_SLAVE_REMOVED");
	proof_expect(&fixture, PROOF_NOT_YET, "T1 of web is TASK_UNREACHABLE");

	proof_open(&fixture);
	proof_set_text(&fixture.snapshot.tasks[0].id, "T2");
	proof_expect(&fixture, PROOF_NOT_YET, "T1 of web is not there");

	/* The same ID on another agent, or of another framework, is another task. */
	proof_open(&fixture);
	proof_set_text(&fixture.snapshot.tasks[0].agent_id, "agent-S2");
	proof_expect(&fixture, PROOF_NOT_YET, "not there");
	proof_open(&fixture);
	proof_set_text(&fixture.snapshot.tasks[0].framework_id, "F2");
	proof_expect(&fixture, PROOF_NOT_YET, "not there");
}

static void accept(struct proof_fixture *fixture)
{
	fixture->before.accepted_by = xstrdup("bert@admin2");
	fixture->before.accepted_ms = 4711;
}

/* A person knows that it is lost: it keeps nobody from being proven, and is named all the same. */
static void test_a_loss_that_is_accepted(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	accept(&fixture);
	set_task(&fixture, "TASK_LOST", "REASON_EXECUTOR_TERMINATED");
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	assert_int_equal(proof_count_tasks(&fixture, "killed"), 1);
	assert_int_equal(proof_count_tasks(&fixture, "survived"), 0);
	proof_close(&fixture);

	/* As long as the agent is not back nothing is known of its tasks. */
	proof_open(&fixture);
	accept(&fixture);
	proof_view(&fixture)->reregistered_ns = EARLY;
	set_task(&fixture, "TASK_LOST", "REASON_EXECUTOR_TERMINATED");
	assert_int_equal(proof_judged(&fixture), PROOF_NOT_YET);
	proof_close(&fixture);
}

/* An agent that is not back: what the master lists as running only may be, and what it lists as lost may run again. */
static void test_tasks_of_an_agent_that_is_away(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	proof_view(&fixture)->reregistered_ns = EARLY;
	assert_int_equal(proof_judged(&fixture), PROOF_NOT_YET);
	assert_int_equal(proof_count_tasks(&fixture, "unproven"), 1);
	assert_int_equal(proof_count_tasks(&fixture, "survived"), 0);
	assert_int_equal(proof_count_tasks(&fixture, "killed"), 0);

	set_task(&fixture, "TASK_LOST", "REASON_SLAVE_REMOVED");
	assert_int_equal(proof_judged(&fixture), PROOF_NOT_YET);
	assert_int_equal(proof_count_tasks(&fixture, "unproven"), 1);
	assert_int_equal(proof_count_tasks(&fixture, "killed"), 0);

	agent_view_clear(proof_view(&fixture));
	fixture.snapshot.agent_count = 0;
	assert_int_equal(proof_judged(&fixture), PROOF_NOT_YET);
	assert_int_equal(proof_count_tasks(&fixture, "unproven"), 1);
	assert_int_equal(proof_count_tasks(&fixture, "killed"), 0);
	proof_close(&fixture);
}

static void test_a_lost_task_fails(void **state)
{
	static const struct {
		const char *state, *reason;
	} lost[] = {
		{"TASK_LOST", "REASON_SLAVE_RESTARTED"},
		{"TASK_FAILED", "REASON_EXECUTOR_REREGISTRATION_TIMEOUT"},
		{"TASK_FAILED", "REASON_EXECUTOR_TERMINATED"},
		{"TASK_GONE", ""},
		{"TASK_KILLED", "REASON_SLAVE_DRAINING"},
	};
	struct proof_fixture fixture;

	(void)state;
	for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++)
		for (int completed = 0; completed <= 1; completed++) {
			proof_open(&fixture);
			set_task(&fixture, lost[i].state, lost[i].reason);
			if (completed)
				move_task_to_completed(&fixture);
			assert_int_equal(proof_judged(&fixture), PROOF_FAIL);
			assert_int_equal(proof_count_tasks(&fixture, "killed"), 1);
			proof_expect(&fixture, PROOF_FAIL, lost[i].state);
		}
}

static void test_a_task_that_was_done_is_nobodys_loss(void **state)
{
	static const struct {
		const char *state, *reason;
	} ended[] = {
		{"TASK_FINISHED", ""},
		{"TASK_KILLED", ""},
		{"TASK_FAILED", "REASON_COMMAND_EXECUTOR_FAILED"},
	};
	struct proof_fixture fixture;

	(void)state;
	for (size_t i = 0; i < sizeof ended / sizeof ended[0]; i++) {
		proof_open(&fixture);
		set_task(&fixture, ended[i].state, ended[i].reason);
		move_task_to_completed(&fixture);
		assert_int_equal(proof_judged(&fixture), PROOF_PASS);
		assert_int_equal(proof_count_tasks(&fixture, "ended"), 1);
		proof_close(&fixture);
	}
}

static void test_a_loss_that_was_planned_is_only_listed(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	fixture.before.tasks[0].survives = false;
	set_task(&fixture, "TASK_LOST", "REASON_SLAVE_DISCONNECTED");
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	assert_int_equal(proof_count_tasks(&fixture, "killed"), 1);
	proof_close(&fixture);
}

static void test_new_tasks_are_listed(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	proof_add_task_view(&fixture.snapshot.tasks, &fixture.snapshot.task_count, "T2", "TASK_STAGING", "");
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	assert_int_equal(proof_count_tasks(&fixture, "survived"), 1);
	assert_int_equal(proof_count_tasks(&fixture, "new"), 1);
	proof_close(&fixture);
}

/* A failure is told although something else is only not there yet. */
static void test_failure_outweighs_not_yet(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	proof_view(&fixture)->reregistered_ns = EARLY;
	slaveinfo_set_id(fixture.started.info, "agent-S2");
	proof_expect(&fixture, PROOF_FAIL, "agent-S2");
}

/* ---- after an undo */

static void test_reverted_is_as_before(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	proof_revert(&fixture);
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	assert_string_equal(json_string_value(json_object_get(fixture.document, "of")), "the state before");
	proof_close(&fixture);

	proof_open(&fixture);
	proof_revert(&fixture);
	flags_set(&fixture.started.flags, "attributes", "rack:new");
	proof_expect(&fixture, PROOF_FAIL, "not as before");

	proof_open(&fixture);
	proof_revert(&fixture);
	flags_remove(&fixture.started.flags, "strict");
	proof_expect(&fixture, PROOF_FAIL, "strict unset, not as before");

	proof_open(&fixture);
	proof_revert(&fixture);
	slaveinfo_free(fixture.started.info);
	fixture.started.info = proof_info("rack:new", ID);
	proof_expect(&fixture, PROOF_FAIL, "the checkpoint on disk is not as before");
}

/* The undone state's registration may lag behind the new state's: that is waited for. */
static void test_reverted_waits_for_the_record(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	proof_revert(&fixture);
	slaveinfo_free(proof_view(&fixture)->info);
	proof_view(&fixture)->info = proof_info("rack:new", ID);
	proof_expect(&fixture, PROOF_NOT_YET, "the master's SlaveInfo is not as before");

	proof_open(&fixture);
	proof_revert(&fixture);
	proof_view(&fixture)->reregistered_ns = EARLY;
	proof_expect(&fixture, PROOF_NOT_YET, "has not reregistered");
}

/* Undone before anything was restarted: the old process and its old registration are as they were. */
static void test_reverted_without_a_restart(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	proof_revert(&fixture);
	proof_view(&fixture)->reregistered_ns = EARLY;
	fixture.started.restarted = false;
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	assert_non_null(proof_line(&fixture, "slave_info"));
	proof_close(&fixture);

	proof_open(&fixture);
	proof_revert(&fixture);
	proof_view(&fixture)->reregistered_ns = EARLY;
	proof_view(&fixture)->active = false;
	fixture.started.restarted = false;
	proof_expect(&fixture, PROOF_NOT_YET, "not active");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_task_may_still_come_back),
		cmocka_unit_test(test_a_loss_that_is_accepted),
		cmocka_unit_test(test_tasks_of_an_agent_that_is_away),
		cmocka_unit_test(test_a_lost_task_fails),
		cmocka_unit_test(test_a_task_that_was_done_is_nobodys_loss),
		cmocka_unit_test(test_a_loss_that_was_planned_is_only_listed),
		cmocka_unit_test(test_new_tasks_are_listed),
		cmocka_unit_test(test_failure_outweighs_not_yet),
		cmocka_unit_test(test_reverted_is_as_before),
		cmocka_unit_test(test_reverted_waits_for_the_record),
		cmocka_unit_test(test_reverted_without_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
