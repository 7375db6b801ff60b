/* SPDX-License-Identifier: Apache-2.0 */
/* A config that takes a containerizer away, and the tasks that run in it. */
#include "tests/support/cmocka.h"

#include "tests/support/planner_fixture.h"

static const char only_mesos[] = "{\"name\": \"web\", \"rules\": [{\"flags\": {\"containerizers\": \"mesos\"}}]}";
static const char only_docker[] = "{\"name\": \"web\", \"rules\": [{\"flags\": {\"containerizers\": \"docker\"}}]}";
static const char none_named[] = "{\"name\": \"web\", \"rules\": [{\"flags\": {\"containerizers\": null}}]}";

/* A running agent with these containerizers and this task. */
static void survey_task(struct planner_fixture *fixture, const char *containerizers, bool checkpoint, bool docker)
{
	json_t *agent = json_object_get(fixture->survey, "agent");

	json_object_set_new(json_object_get(agent, "flags"), "containerizers", json_string(containerizers));
	json_object_set_new(fixture->survey, "tasks",
			    json_pack("[{s:s, s:s, s:s, s:s, s:i, s:b, s:b, s:b}]", "framework", "f1", "executor", "e1",
				      "container", "c1", "task", "t1", "executor_pid", 7, "alive", 1, "checkpoint",
				      checkpoint, "docker", docker));
}

static void what_runs_in_one_that_goes_would_end(void **state)
{
	struct planner_fixture *fixture = *state;

	survey_task(fixture, "docker,mesos", true, true);
	fixture_refused(fixture, only_mesos, "tasks-containerizer");
	fixture_refused(fixture, none_named, "runs 1 of its tasks");
	survey_task(fixture, "docker,mesos", true, false);
	fixture_refused(fixture, only_docker, "--allow-task-loss");
}

static void it_can_be_allowed_and_is_told(void **state)
{
	struct planner_fixture *fixture = *state;

	survey_task(fixture, "docker,mesos", true, true);
	fixture_add_task(fixture, true);
	fixture->options.allow_task_loss = true;
	assert_false(fixture_planned(fixture, only_mesos)->tasks[0].survives);
}

static void what_runs_in_the_other_stays(void **state)
{
	struct planner_fixture *fixture = *state;

	survey_task(fixture, "docker,mesos", true, false);
	fixture_add_task(fixture, true);
	assert_true(fixture_planned(fixture, only_mesos)->tasks[0].survives);
	survey_task(fixture, "docker,mesos", true, true);
	assert_true(fixture_planned(fixture, only_docker)->tasks[0].survives);
	fixture_planned(fixture, fixture_change);
	/* Nobody takes over what was not taken over before; and tasks that any restart ends are told of elsewhere. */
	survey_task(fixture, "mesos", true, true);
	fixture_planned(fixture, fixture_change);
	survey_task(fixture, "docker,mesos", false, true);
	fixture_planned(fixture, only_mesos);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_runs_in_one_that_goes_would_end, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(it_can_be_allowed_and_is_told, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(what_runs_in_the_other_stays, fixture_set_up, fixture_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
