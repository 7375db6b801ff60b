/* SPDX-License-Identifier: Apache-2.0 */
/* Executors that the agent would not take over when it starts again: by its version, and by its new flags. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "agentctl/preflight.h"
#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/preflight_fixture.h"

static const char in_docker[] = "\x0b\0\0\0\x5a\x09\x08\x01\x1a\x05\x0a\x03img";
static const char in_none[] = "\x04\0\0\0\x5a\x02\x08\x02";

static void set_version(struct preflight_fixture *fixture, const char *version)
{
	struct error err = ERROR_INIT;

	free(fixture->facts.version_text);
	fixture->facts.version_text = xstrdup(version);
	assert_ok(mesos_version_parse(version, &fixture->facts.version, &err), &err);
}

static void set_containerizers(struct preflight_fixture *fixture, const char *value)
{
	flags_set(&fixture->facts.agent.flags, "containerizers", value);
	flags_set(&fixture->facts.agent.from_env, "containerizers", value);
	flags_set(&fixture->facts.store.flags, "containerizers", value);
}

/* An executor with its ExecutorInfo below the work_dir, which is the fixture's folder. */
static void add_executor(struct preflight_fixture *fixture, enum executor_api api, bool docker)
{
	struct checkpoint_task *task = preflight_add_task(fixture, true, false);
	char *folder = xasprintf("%s/meta/slaves/id-S1/frameworks/f1/executors/%s", fixture->folder, task->executor_id);
	char *path = path_join(folder, "executor.info");
	struct error err = ERROR_INIT;

	task->executor_api = api;
	assert_ok(file_make_dirs(folder, 0755, &err), &err);
	assert_ok(file_replace(path, docker ? in_docker : in_none, docker ? sizeof in_docker - 1 : sizeof in_none - 1,
			       NULL, &err),
		  &err);
	free(path);
	free(folder);
}

/* Process IDs of a test may be those of live processes: what else is found of them depends on the machine. */
static size_t count_ours(const struct preflight_fixture *fixture)
{
	static const char *const ours[] = {"tasks-docker-http", "tasks-containerizer", "tasks-starting"};
	size_t count = 0;

	for (size_t i = 0; i < fixture->findings.count; i++)
		for (size_t j = 0; j < sizeof ours / sizeof ours[0]; j++)
			count += strcmp(fixture->findings.items[i].code, ours[j]) == 0;
	return count;
}

static void test_which_tasks_are_in_docker(void **state)
{
	struct preflight_fixture *fixture = *state;
	bool *docker;

	add_executor(fixture, EXECUTOR_DRIVER, true);
	add_executor(fixture, EXECUTOR_DRIVER, false);
	add_executor(fixture, EXECUTOR_DRIVER, true);
	fixture->facts.checkpoint.tasks[2].completed = true;
	set_containerizers(fixture, "docker,mesos");
	docker = preflight_find_docker(&fixture->facts);
	assert_true(docker[0] && !docker[1] && !docker[2]);
	free(docker);
	/* With one of them alone there is nothing to look up. */
	set_containerizers(fixture, "docker");
	docker = preflight_find_docker(&fixture->facts);
	assert_true(docker[0] && docker[1] && !docker[2]);
	free(docker);
	set_containerizers(fixture, "mesos");
	docker = preflight_find_docker(&fixture->facts);
	assert_false(docker[0] || docker[1] || docker[2]);
	free(docker);
}

static void test_http_executors_in_docker(void **state)
{
	static const char *const keep[] = {"1.4.0", "1.4.1", "1.5.0"};
	static const char *const lose[] = {"1.4.2", "1.4.3", "1.5.1", "1.5.3",  "1.6.0", "1.6.2",
					   "1.7.3", "1.8.1", "1.9.0", "1.10.0", "1.11.0"};
	struct preflight_fixture *fixture = *state;

	set_containerizers(fixture, "docker,mesos");
	add_executor(fixture, EXECUTOR_DRIVER, true);
	add_executor(fixture, EXECUTOR_DRIVER, false);
	add_executor(fixture, EXECUTOR_HTTP, false);
	set_version(fixture, "1.11.0");
	preflight_look(fixture);
	assert_int_equal(count_ours(fixture), 0);
	add_executor(fixture, EXECUTOR_HTTP, true);
	for (size_t i = 0; i < sizeof keep / sizeof keep[0]; i++) {
		set_version(fixture, keep[i]);
		preflight_look(fixture);
		assert_int_equal(count_ours(fixture), 0);
	}
	for (size_t i = 0; i < sizeof lose / sizeof lose[0]; i++) {
		set_version(fixture, lose[i]);
		preflight_look(fixture);
		assert_int_equal(count_ours(fixture), 1);
		preflight_expect(fixture, "tasks-docker-http", FINDING_TASK_LOSS,
				 "1 executor would end with 1 task (t4)");
		preflight_expect(fixture, "tasks-docker-http", FINDING_TASK_LOSS, lose[i]);
		preflight_expect(fixture, "tasks-docker-http", FINDING_TASK_LOSS, "(f1/e4)");
	}
}

/* Where Docker is the only containerizer nobody need be asked; where it is none, nobody can be in it. */
static void test_one_containerizer(void **state)
{
	struct preflight_fixture *fixture = *state;

	add_executor(fixture, EXECUTOR_HTTP, false);
	preflight_look(fixture);
	assert_int_equal(count_ours(fixture), 0);
	set_containerizers(fixture, "docker");
	preflight_look(fixture);
	preflight_expect(fixture, "tasks-docker-http", FINDING_TASK_LOSS, "f1/e1");
}

static void test_the_loss_is_allowed(void **state)
{
	struct preflight_fixture *fixture = *state;
	struct error err = ERROR_INIT;

	set_containerizers(fixture, "docker,mesos");
	for (int i = 0; i < 5; i++)
		add_executor(fixture, EXECUTOR_HTTP, true);
	preflight_ask(fixture, "attributes", "rack:r2");
	preflight_expect(fixture, "tasks-docker-http", FINDING_TASK_LOSS,
			 "5 executors would end with 5 tasks (t1, t2, t3, …)");
	assert_int_equal(findings_judge(&fixture->findings, &err), -1);
	assert_int_equal(err.kind, ERROR_REFUSED);
	fixture->request.allow_task_loss = true;
	findings_clear(&fixture->findings);
	preflight_request(&fixture->facts, &fixture->request, &fixture->findings);
	preflight_expect(fixture, "tasks-docker-http", FINDING_WARN, "f1/e1, f1/e2, f1/e3, …");
	assert_int_equal(findings_judge(&fixture->findings, NULL), 0);
}

static void test_executors_that_have_not_registered(void **state)
{
	struct preflight_fixture *fixture = *state;

	add_executor(fixture, EXECUTOR_UNREGISTERED, false);
	preflight_add_task(fixture, true, true)->executor_api = EXECUTOR_UNREGISTERED;
	preflight_look(fixture);
	assert_int_equal(count_ours(fixture), 1);
	preflight_expect(fixture, "tasks-starting", FINDING_WARN, "1 executor would end with 1 task (t1)");
}

static void test_a_containerizer_that_is_left_out(void **state)
{
	struct preflight_fixture *fixture = *state;

	set_containerizers(fixture, "docker,mesos");
	add_executor(fixture, EXECUTOR_DRIVER, true);
	add_executor(fixture, EXECUTOR_DRIVER, false);
	preflight_add_task(fixture, true, true);
	preflight_ask(fixture, "containerizers", "mesos,docker");
	assert_null(preflight_find(fixture, "tasks-containerizer"));
	preflight_ask(fixture, "containerizers", "mesos");
	preflight_expect(fixture, "tasks-containerizer", FINDING_TASK_LOSS, "1 executor would end with 1 task (t1)");
	preflight_ask(fixture, "containerizers", NULL); /* the default is mesos */
	preflight_expect(fixture, "tasks-containerizer", FINDING_TASK_LOSS, "(f1/e1)");
	preflight_ask(fixture, "containerizers", "docker");
	preflight_expect(fixture, "tasks-containerizer", FINDING_TASK_LOSS, "(f1/e2)");
	set_containerizers(fixture, "mesos");
	preflight_ask(fixture, "containerizers", "docker,mesos");
	assert_null(preflight_find(fixture, "tasks-containerizer"));
}

#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, preflight_set_up, preflight_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOST(test_which_tasks_are_in_docker),
		WITH_HOST(test_http_executors_in_docker),
		WITH_HOST(test_one_containerizer),
		WITH_HOST(test_the_loss_is_allowed),
		WITH_HOST(test_executors_that_have_not_registered),
		WITH_HOST(test_a_containerizer_that_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
