/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that a restart would end. */
#include "tests/support/cmocka.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agentctl/preflight.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/process.h"
#include "tests/support/preflight_fixture.h"
#include "tests/support/scratch.h"

static void test_tasks_of_frameworks_that_do_not_checkpoint(void **state)
{
	struct preflight_fixture *fixture = *state;

	preflight_start_child(fixture, NULL);
	preflight_add_task(fixture, true, false);
	preflight_add_task(fixture, false, true);
	preflight_look(fixture);
	assert_null(preflight_find(fixture, "tasks-not-checkpointed"));
	preflight_add_task(fixture, false, false);
	preflight_look(fixture);
	preflight_expect(fixture, "tasks-not-checkpointed", FINDING_TASK_LOSS, "1 executor would end");
	assert_text_has(preflight_find(fixture, "tasks-not-checkpointed")->text, "f1/e3");
	fixture->request.allow_task_loss = true;
	findings_clear(&fixture->findings);
	preflight_request(&fixture->facts, &fixture->request, &fixture->findings);
	preflight_expect(fixture, "tasks-not-checkpointed", FINDING_WARN, "f1/e3");
}

/* Until the child has become another program: that variable is in its environment then. */
static void wait_for_environment(pid_t pid, const char *wanted)
{
	char *path = xasprintf("/proc/%d/environ", (int)pid);
	bool found = false;

	for (int i = 0; i < 6000 && !found; i++) {
		size_t len = 0;
		char *text = scratch_read(path, &len);

		found = memmem(text, len, wanted, strlen(wanted)) != NULL;
		free(text);
		if (!found)
			usleep(10000);
	}
	assert_true(found);
	free(path);
}

/* Nothing below meta says that they are there: their environment does. */
static void test_executors_that_only_their_environment_tells_of(void **state)
{
	static const char *const argv[] = {"sleep", "60", NULL};
	static const char *const ours[] = {"PATH=/bin:/usr/bin",    "MESOS_SLAVE_ID=id-S1", "MESOS_CHECKPOINT=0",
					   "MESOS_FRAMEWORK_ID=f7", "MESOS_EXECUTOR_ID=e7", NULL};
	static const char *const kept[] = {"PATH=/bin:/usr/bin", "MESOS_SLAVE_ID=id-S1", "MESOS_CHECKPOINT=1", NULL};
	static const char *const theirs[] = {"PATH=/bin:/usr/bin", "MESOS_SLAVE_ID=id-S2", "MESOS_CHECKPOINT=0", NULL};
	static const char *const *const environments[] = {kept, theirs, ours};
	struct preflight_fixture *fixture = *state;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < 3; i++) {
		pid_t pid = 0;

		assert_ok(process_detach(argv, environments[i], &pid, &err), &err);
		wait_for_environment(pid, environments[i][1]);
		preflight_look(fixture);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (i < 2)
			assert_null(preflight_find(fixture, "tasks-not-checkpointed"));
		else
			preflight_expect(fixture, "tasks-not-checkpointed", FINDING_TASK_LOSS, "f7/e7");
	}
}

static void test_tasks_in_the_units_control_group(void **state)
{
	struct preflight_fixture *fixture = *state;
	struct facts *facts = &fixture->facts;

	preflight_start_child(fixture, NULL); /* a child lives in our group */
	preflight_add_task(fixture, true, false);
	facts->host.control = CONTROL_SYSTEMD;
	facts->host.unit = xstrdup("mesos-agent.service");
	memcpy(facts->control.kill_mode, "process", 8);
	preflight_look(fixture);
	assert_null(preflight_find(fixture, "tasks-in-unit"));
	memcpy(facts->control.kill_mode, "control-group", 14);
	preflight_look(fixture);
	preflight_expect(fixture, "tasks-in-unit", FINDING_TASK_LOSS, "KillMode=process first");
	memcpy(facts->control.kill_mode, "mixed", 6);
	fixture->request.mechanism = MECHANISM_DISCARD; /* which is asked for to end them */
	findings_clear(&fixture->findings);
	preflight_request(facts, &fixture->request, &fixture->findings);
	preflight_expect(fixture, "tasks-in-unit", FINDING_WARN, "f1/e1");
}

static void test_control_groups(void **state)
{
	static const struct {
		const char *text, *group;
	} cases[] = {
		{"0::/system.slice/mesos-agent.service\n", "/system.slice/mesos-agent.service"},
		{"4:memory:/x\n1:name=systemd:/system.slice/a.service\n0::/y\n", "/system.slice/a.service"},
		{"4:memory:/x\n0::/y:z", "/y:z"},
		{"4:memory:/x\n", NULL},
		{"nonsense", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *group = preflight_cgroup_parse(cases[i].text);

		if (cases[i].group == NULL)
			assert_null(group);
		else
			assert_string_equal(group, cases[i].group);
		free(group);
	}
}

/* ---- containers */

static int enter_container(void)
{
	pid_t inner;

	if (unshare(CLONE_NEWPID) != 0 || (inner = fork()) < 0)
		return -1;
	if (inner > 0)
		return 0; /* the one whose processes are its own is the child's child */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pause();
	_exit(0);
}

static void set_commands(struct facts *facts)
{
	facts->host.control = CONTROL_COMMANDS;
	facts->host.start = xcalloc(2, sizeof *facts->host.start);
	facts->host.start[0] = xstrdup("start");
	facts->host.stop = xcalloc(2, sizeof *facts->host.stop);
	facts->host.stop[0] = xstrdup("stop");
}

static pid_t child_of(pid_t pid)
{
	char *path = xasprintf("/proc/%d/task/%d/children", (int)pid, (int)pid);
	char *text = scratch_read(path, NULL);
	pid_t child = (pid_t)strtol(text, NULL, 10);

	free(text);
	free(path);
	return child;
}

static void test_container(void **state)
{
	struct preflight_fixture *fixture = *state;
	struct facts *facts = &fixture->facts;
	struct checkpoint_task *task;

	if (preflight_start_child(fixture, enter_container) == 0)
		skip();
	facts->agent.process.pid = child_of(fixture->child);
	preflight_look(fixture);
	preflight_expect(fixture, "container", FINDING_REFUSE, "inside a container");
	set_commands(facts);
	facts->checkpoint.tasks = task = xcalloc(1, sizeof *task);
	facts->checkpoint.task_count = 1;
	task->framework_id = xstrdup("f1");
	task->executor_id = xstrdup("e1");
	task->executor_pid = 17;
	task->framework_checkpoints = true;
	preflight_look(fixture);
	preflight_expect(fixture, "container", FINDING_WARN, "start and stop are believed");
	preflight_expect(fixture, "tasks-in-container", FINDING_TASK_LOSS, "f1/e1");
}

/* A control group below the hierarchy that preflight_cgroup reads; NULL where none may be made. */
static char *make_group(const char *name)
{
	static const char *const roots[] = {"/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"};

	for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
		char *procs = xasprintf("%s/cgroup.procs", roots[i]);
		char *path = xasprintf("%s/%s-%d", roots[i], name, (int)getpid());
		bool made = file_exists(procs) && mkdir(path, 0755) == 0;

		free(procs);
		if (made)
			return path;
		free(path);
	}
	return NULL;
}

/* A process of its own in that group; 0: it may not be put there. */
static pid_t start_in_group(const char *group)
{
	static const char *const argv[] = {"sleep", "60", NULL};
	char *procs = xasprintf("%s/cgroup.procs", group);
	FILE *file = fopen(procs, "we");
	struct error err = ERROR_INIT;
	pid_t pid = 0;
	bool put;

	assert_ok(process_detach(argv, NULL, &pid, &err), &err);
	put = file != NULL && fprintf(file, "%d", (int)pid) > 0;
	put = (file == NULL || fclose(file) == 0) && put;
	free(procs);
	if (put)
		return pid;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}

static void end_group(char *group, pid_t pid)
{
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	/* The kernel lets go of the process a moment after it was waited for. */
	for (int i = 0; i < 3000 && rmdir(group) != 0 && errno == EBUSY; i++)
		usleep(10000);
	free(group);
}

/* An agent in a container with the host's processes ends everything in its control group. */
static void test_container_with_the_hosts_processes(void **state)
{
	struct preflight_fixture *fixture = *state;
	char *theirs = make_group("docker-agent");
	char *other = theirs == NULL ? NULL : make_group("docker-executor");
	pid_t agent = theirs == NULL ? 0 : start_in_group(theirs);
	pid_t apart = other == NULL ? 0 : start_in_group(other);
	pid_t beside = agent == 0 ? 0 : start_in_group(theirs);

	if (agent > 0 && apart > 0 && beside > 0) {
		fixture->facts.agent.process.pid = agent;
		preflight_add_task(fixture, true, false)->executor_pid = apart;
		preflight_look(fixture);
		preflight_expect(fixture, "container", FINDING_REFUSE, "inside a container");
		assert_null(preflight_find(fixture, "tasks-in-container"));
		preflight_add_task(fixture, true, false)->executor_pid = beside;
		preflight_look(fixture);
		preflight_expect(fixture, "tasks-in-container", FINDING_TASK_LOSS,
				 "1 executor would end with 1 task (t2)");
	}
	if (beside > 0) {
		kill(beside, SIGKILL);
		waitpid(beside, NULL, 0);
	}
	if (theirs != NULL)
		end_group(theirs, agent);
	if (other != NULL)
		end_group(other, apart);
	if (agent == 0 || apart == 0 || beside == 0)
		skip();
}

#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, preflight_set_up, preflight_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOST(test_tasks_of_frameworks_that_do_not_checkpoint),
		WITH_HOST(test_executors_that_only_their_environment_tells_of),
		WITH_HOST(test_tasks_in_the_units_control_group),
		cmocka_unit_test(test_control_groups),
		WITH_HOST(test_container),
		WITH_HOST(test_container_with_the_hosts_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
