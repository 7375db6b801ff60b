/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the way of a change, found before anything is touched. */
#include "tests/support/cmocka.h"

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
#include "tests/support/scratch.h"

#define NAMED "cpus:4;mem:4096;disk:10000;ports:[31000-32000]"

struct fixture {
	char *folder;
	struct facts facts;
	struct request request;
	struct findings findings;
	pid_t child;
};

static Mesos__SlaveInfo *info_of(const struct flags *flags)
{
	struct detected detected = {.hostname = "n1", .cpus = 8, .mem_mb = 8000, .disk_mb = 8000};
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info = slaveinfo_from_flags(flags, &detected, &mesos_version_newest, &err);

	assert_non_null(info);
	slaveinfo_set_id(info, "id-S1");
	return info;
}

/* An agent that is this very program, with a checkpoint that goes with its flags, and an environment file. */
static int set_up(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof *fixture);
	struct facts *facts = &fixture->facts;

	fixture->folder = scratch_new();
	facts->host.root = xstrdup(fixture->folder);
	facts->host.work_dir = xstrdup("/");
	facts->running = true;
	facts->agent.process.pid = getpid();
	facts->version = mesos_version_newest;
	flags_set(&facts->agent.flags, "hostname", "n1");
	flags_set(&facts->agent.flags, "resources", NAMED);
	flags_set(&facts->agent.flags, "attributes", "rack:r1");
	flags_copy(&facts->agent.from_env, &facts->agent.flags);
	flags_copy(&facts->store.flags, &facts->agent.flags);
	facts->store.kind = facts->store.form = FLAG_STORE_ENVFILE;
	facts->store.path = xstrdup("/env");
	facts->checkpoint.info = info_of(&facts->agent.flags);
	facts->checkpoint.agent_id = xstrdup("id-S1");
	facts->checkpoint.boot_id = xstrdup("b1");
	memcpy(facts->boot_id, "b1", 3);
	store_add_file(&facts->store, "/env", true, "", 0);
	request_init(&fixture->request, REQUEST_APPLY);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->child > 0) {
		kill(fixture->child, SIGKILL);
		waitpid(fixture->child, NULL, 0);
	}
	findings_clear(&fixture->findings);
	facts_clear(&fixture->facts);
	request_clear(&fixture->request);
	scratch_remove(fixture->folder);
	free(fixture);
	return 0;
}

static const struct finding *find(const struct fixture *fixture, const char *code)
{
	for (size_t i = 0; i < fixture->findings.count; i++)
		if (strcmp(fixture->findings.items[i].code, code) == 0)
			return &fixture->findings.items[i];
	return NULL;
}

static void expect(const struct fixture *fixture, const char *code, enum finding_severity severity, const char *words)
{
	const struct finding *finding = find(fixture, code);

	if (finding == NULL)
		fail_msg("%s was not found", code);
	assert_int_equal(finding->severity, severity);
	assert_text_has(finding->text, words);
}

static void look(struct fixture *fixture)
{
	findings_clear(&fixture->findings);
	preflight_host(&fixture->facts, &fixture->findings);
}

/* The request edits one flag, of a store that has all of them in its file. */
static void ask(struct fixture *fixture, const char *name, const char *value)
{
	struct buffer *bytes = &fixture->facts.store.files[0].bytes;

	buffer_reset(bytes);
	for (size_t i = 0; i < fixture->facts.store.flags.count; i++) {
		const struct flag *flag = &fixture->facts.store.flags.items[i];

		buffer_puts(bytes, "MESOS_");
		for (const char *c = flag->name; *c != '\0'; c++)
			buffer_putc(bytes, (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c));
		buffer_printf(bytes, "='%s'\n", flag->value);
	}
	request_clear(&fixture->request);
	request_init(&fixture->request, REQUEST_APPLY);
	fixture->request.edits = xcalloc(1, sizeof *fixture->request.edits);
	fixture->request.edits[0].name = xstrdup(name);
	fixture->request.edits[0].value = value == NULL ? NULL : xstrdup(value);
	fixture->request.edit_count = 1;
	findings_clear(&fixture->findings);
	preflight_request(&fixture->facts, &fixture->request, &fixture->findings);
}

static pid_t start_child(struct fixture *fixture, int (*prepare)(void))
{
	int ready[2];
	char byte = 0;

	assert_int_equal(pipe(ready), 0);
	fixture->child = fork();
	if (fixture->child == 0) {
		byte = prepare == NULL || prepare() == 0 ? 'y' : 'n';
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return byte == 'y' ? fixture->child : 0;
}

/* ---- how findings are told */

static void test_judging(void **state)
{
	struct findings findings = {.items = NULL, .count = 0};
	struct error err = ERROR_INIT;
	json_t *array;

	(void)state;
	findings_add(&findings, "one", FINDING_WARN, "of %d", 1);
	assert_ok(findings_judge(&findings, &err), &err);
	findings_add(&findings, "two", FINDING_REFUSE, "first reason");
	findings_add(&findings, "three", FINDING_TASK_LOSS, "second reason");
	assert_int_equal(findings_judge(&findings, &err), -1);
	assert_error(&err, ERROR_REFUSED, "first reason; and second reason");
	array = findings_to_json(&findings);
	assert_int_equal(json_array_size(array), 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(array, 0), "severity")), "warn");
	assert_string_equal(json_string_value(json_object_get(json_array_get(array, 2), "severity")), "refuse");
	assert_string_equal(json_string_value(json_object_get(json_array_get(array, 0), "text")), "of 1");
	json_decref(array);
	findings_clear(&findings);
}

static void test_nothing_stands_in_the_way(void **state)
{
	struct fixture *fixture = *state;

	look(fixture);
	assert_int_equal(fixture->findings.count, 0);
	ask(fixture, "attributes", "rack:r2");
	assert_int_equal(fixture->findings.count, 0);
}

/* ---- the host */

static void test_checkpoints_and_flags_that_differ(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->facts.agent.flags, "attributes", "rack:r1;zone:a");
	look(fixture);
	expect(fixture, "checkpoint-differs", FINDING_WARN, "attributes");
	flags_set(&fixture->facts.agent.flags, "reconfiguration_policy", "additive");
	look(fixture);
	expect(fixture, "checkpoint-older", FINDING_WARN, "never written back");
	assert_null(find(fixture, "checkpoint-differs"));
}

static void test_flags_edited_since_the_start(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->facts.store.flags, "attributes", "rack:r9");
	look(fixture);
	expect(fixture, "flags-edited", FINDING_WARN, "--attributes");
}

static void test_reboots(void **state)
{
	struct fixture *fixture = *state;

	memcpy(fixture->facts.boot_id, "b2", 3);
	look(fixture);
	expect(fixture, "rebooted", FINDING_WARN, "since the agent's last recovery");
	fixture->facts.running = false;
	flags_set(&fixture->facts.store.flags, "attributes", "rack:r9");
	look(fixture);
	expect(fixture, "rebooted", FINDING_REFUSE, "throws its ID");
}

static void test_broken_checkpoint(void **state)
{
	struct fixture *fixture = *state;

	error_set(&fixture->facts.checkpoint_error, ERROR_CORRUPT, "it is cut off");
	look(fixture);
	expect(fixture, "checkpoint-broken", FINDING_REFUSE, "it is cut off");
}

static void test_missing_work_dir(void **state)
{
	struct fixture *fixture = *state;

	free(fixture->facts.host.work_dir);
	fixture->facts.host.work_dir = xstrdup("/not/there");
	look(fixture);
	expect(fixture, "work-dir-missing", FINDING_REFUSE, "/not/there");
}

static int become_nobody(void)
{
	return setgid(65534) == 0 && setuid(65534) == 0 ? 0 : -1;
}

static void test_foreign_owner(void **state)
{
	struct fixture *fixture = *state;

	free(scratch_write(fixture->folder, "slave.info", ""));
	fixture->facts.checkpoint.slave_info_path = xstrdup("/slave.info");
	look(fixture);
	assert_null(find(fixture, "foreign-owner"));
	if (geteuid() != 0 || start_child(fixture, become_nobody) == 0)
		skip();
	fixture->facts.agent.process.pid = fixture->child;
	look(fixture);
	expect(fixture, "foreign-owner", FINDING_REFUSE, "runs as the user 65534");
}

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
	struct fixture *fixture = *state;
	struct facts *facts = &fixture->facts;
	struct checkpoint_task *task;

	if (start_child(fixture, enter_container) == 0)
		skip();
	facts->agent.process.pid = child_of(fixture->child);
	look(fixture);
	expect(fixture, "container", FINDING_REFUSE, "inside a container");
	set_commands(facts);
	facts->checkpoint.tasks = task = xcalloc(1, sizeof *task);
	facts->checkpoint.task_count = 1;
	task->framework_id = xstrdup("f1");
	task->executor_id = xstrdup("e1");
	task->executor_pid = 17;
	task->framework_checkpoints = true;
	look(fixture);
	expect(fixture, "container", FINDING_WARN, "start and stop are believed");
	expect(fixture, "tasks-in-container", FINDING_TASK_LOSS, "f1/e1");
}

/* ---- who else writes the flags */

static void write_below(const struct fixture *fixture, const char *folder, const char *name, const char *text)
{
	struct error err = ERROR_INIT;
	char *dir = path_join(fixture->folder, folder);

	assert_ok(file_make_dirs(dir, 0755, &err), &err);
	free(scratch_write(dir, name, text));
	free(dir);
}

static void set_store_text(struct fixture *fixture, const char *text)
{
	buffer_reset(&fixture->facts.store.files[0].bytes);
	buffer_puts(&fixture->facts.store.files[0].bytes, text);
	look(fixture);
}

static void test_notices_of_configuration_management(void **state)
{
	struct fixture *fixture = *state;

	set_store_text(fixture, "# Please do not edit puppet strings\nMESOS_X='managed by chef'\n");
	assert_null(find(fixture, "config-management"));
	set_store_text(fixture, "\n  # This file is MANAGED by Salt: do not touch\n");
	expect(fixture, "config-management", FINDING_WARN, "/env is managed by Salt");
	set_store_text(fixture, "# Generated by Chef for node7\nA=1\n");
	expect(fixture, "config-management", FINDING_WARN, "Chef");
	fixture->facts.store.kind = FLAG_STORE_EXTERNAL;
	look(fixture);
	assert_null(find(fixture, "config-management"));
}

static void test_puppet_lists_the_file(void **state)
{
	struct fixture *fixture = *state;

	write_below(fixture, "var/lib/puppet/state", "resources.txt", "service[mesos]\nfile[/env2]\n");
	look(fixture);
	assert_null(find(fixture, "config-management"));
	write_below(fixture, "var/lib/puppet/state", "resources.txt", "service[mesos]\nfile[/env]\n");
	look(fixture);
	expect(fixture, "config-management", FINDING_WARN, "Puppet");
}

static void test_chef_keeps_what_it_has_replaced(void **state)
{
	struct fixture *fixture = *state;

	write_below(fixture, "var/chef/backup", "env.chef-20240101120000.000000", "");
	look(fixture);
	expect(fixture, "config-management", FINDING_WARN, "Chef");
}

static void test_external_store_nobody_reads(void **state)
{
	struct fixture *fixture = *state;

	fixture->facts.store.kind = FLAG_STORE_EXTERNAL;
	fixture->facts.store.form = FLAG_STORE_UNKNOWN;
	look(fixture);
	expect(fixture, "external-unread", FINDING_WARN, "give \"flag_store\" its path");
	expect(fixture, "external-no-undo", FINDING_WARN, "puts the checkpoint back and not the flags");
}

/* ---- tasks */

static void add_task(struct fixture *fixture, bool checkpoints, bool completed)
{
	struct checkpoint_state *checkpoint = &fixture->facts.checkpoint;
	struct checkpoint_task *task;

	checkpoint->tasks = xreallocarray(checkpoint->tasks, checkpoint->task_count + 1, sizeof *checkpoint->tasks);
	task = &checkpoint->tasks[checkpoint->task_count++];
	memset(task, 0, sizeof *task);
	task->framework_id = xstrdup("f1");
	task->executor_id = xasprintf("e%zu", checkpoint->task_count);
	task->executor_pid = fixture->child;
	task->framework_checkpoints = checkpoints;
	task->completed = completed;
}

static void test_tasks_of_frameworks_that_do_not_checkpoint(void **state)
{
	struct fixture *fixture = *state;

	start_child(fixture, NULL);
	add_task(fixture, true, false);
	add_task(fixture, false, true);
	look(fixture);
	assert_null(find(fixture, "tasks-not-checkpointed"));
	add_task(fixture, false, false);
	look(fixture);
	expect(fixture, "tasks-not-checkpointed", FINDING_TASK_LOSS, "1 executor would end");
	assert_text_has(find(fixture, "tasks-not-checkpointed")->text, "f1/e3");
	fixture->request.allow_task_loss = true;
	findings_clear(&fixture->findings);
	preflight_request(&fixture->facts, &fixture->request, &fixture->findings);
	expect(fixture, "tasks-not-checkpointed", FINDING_WARN, "f1/e3");
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
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < 3; i++) {
		pid_t pid = 0;

		assert_ok(process_detach(argv, environments[i], &pid, &err), &err);
		usleep(100000);
		look(fixture);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (i < 2)
			assert_null(find(fixture, "tasks-not-checkpointed"));
		else
			expect(fixture, "tasks-not-checkpointed", FINDING_TASK_LOSS, "f7/e7");
	}
}

static void test_tasks_in_the_units_control_group(void **state)
{
	struct fixture *fixture = *state;
	struct facts *facts = &fixture->facts;

	start_child(fixture, NULL); /* a child lives in our group */
	add_task(fixture, true, false);
	facts->host.control = CONTROL_SYSTEMD;
	facts->host.unit = xstrdup("mesos-agent.service");
	memcpy(facts->control.kill_mode, "process", 8);
	look(fixture);
	assert_null(find(fixture, "tasks-in-unit"));
	memcpy(facts->control.kill_mode, "control-group", 14);
	look(fixture);
	expect(fixture, "tasks-in-unit", FINDING_TASK_LOSS, "KillMode=process first");
	memcpy(facts->control.kill_mode, "mixed", 6);
	fixture->request.mechanism = MECHANISM_DISCARD; /* which is asked for to end them */
	findings_clear(&fixture->findings);
	preflight_request(facts, &fixture->request, &fixture->findings);
	expect(fixture, "tasks-in-unit", FINDING_WARN, "f1/e1");
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

/* ---- requests */

static void test_identity(void **state)
{
	struct fixture *fixture = *state;

	ask(fixture, "hostname", "n2");
	expect(fixture, "hostname-change", FINDING_REFUSE, "from n1 to n2");
	ask(fixture, "ip", "10.0.0.2");
	expect(fixture, "ip-change", FINDING_REFUSE, "(not set) to 10.0.0.2");
	ask(fixture, "port", "6000");
	expect(fixture, "port-change", FINDING_REFUSE, "from 5051 to 6000");
	fixture->request.allow_port_change = true;
	findings_clear(&fixture->findings);
	preflight_request(&fixture->facts, &fixture->request, &fixture->findings);
	expect(fixture, "port-change", FINDING_WARN, "6000");
}

static void test_reservations(void **state)
{
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;
	json_t *reserved = json_pack("[{s:s, s:s, s:{s:f}, s:[{s:s, s:s, s:s}]}]", "name", "mem", "type", "SCALAR",
				     "scalar", "value", 2048.0, "reservations", "role", "web", "type", "DYNAMIC",
				     "principal", "p");

	assert_ok(resources_from_json(reserved, &fixture->facts.checkpoint.reserved, &err), &err);
	json_decref(reserved);
	ask(fixture, "resources", "cpus:4;mem:3000;disk:10000;ports:[31000-32000]");
	assert_null(find(fixture, "reservations"));
	ask(fixture, "resources", "cpus:4;mem:2000;disk:10000;ports:[31000-32000]");
	expect(fixture, "reservations", FINDING_REFUSE, "no longer fit");
}

static void test_values(void **state)
{
	static const struct {
		const char *flag, *value, *words;
	} cases[] = {
		{"attributes", "rack:", "would not start"},
		{"attributes", "a:{b,c}", "would not start"},
		{"executor_reregistration_timeout", "16secs", "at most 15secs"},
		{"recovery_timeout", "15", "recovery_timeout=15"},
		{"reconfiguration_policy", "any", "policy"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ask(fixture, cases[i].flag, cases[i].value);
		expect(fixture, "flag-value", FINDING_REFUSE, cases[i].words);
	}
	ask(fixture, "executor_reregistration_timeout", "15secs");
	assert_null(find(fixture, "flag-value"));
	fixture->facts.version = (struct mesos_version){1, 4, 0};
	ask(fixture, "reconfiguration_policy", "additive");
	expect(fixture, "flag-value", FINDING_REFUSE, "came with Mesos 1.5");
}

static void test_what_help_lists(void **state)
{
	static const char help[] = "Usage: mesos-agent [options]\n\n"
				   "  --attributes=VALUE                  Attributes of the agent, in the form:\n"
				   "                                      --colour=blue is none\n"
				   "  --[no-]strict                       If `strict=true`…\n"
				   "  --help\n"
				   "  -x\n";
	struct known_flags known = {.names = NULL, .count = 0};

	(void)state;
	known_flags_parse(help, &known);
	assert_int_equal(known.count, 3);
	assert_true(known_flags_have(&known, "attributes"));
	assert_true(known_flags_have(&known, "strict"));
	assert_false(known_flags_have(&known, "colour"));
	known_flags_clear(&known);
}

static void write_agent(struct fixture *fixture, const char *help)
{
	char *text = xasprintf("#!/bin/sh\n%s\n", help);
	char *path = scratch_write(fixture->folder, "mesos-agent", text);

	assert_int_equal(chmod(path, 0755), 0);
	free(fixture->facts.agent.executable);
	fixture->facts.agent.executable = path;
	free(text);
}

static void test_flags_the_agent_does_not_know(void **state)
{
	struct fixture *fixture = *state;

	write_agent(fixture, "echo '  --attributes=VALUE  x'; exit 1");
	ask(fixture, "attributes", "rack:r2");
	assert_int_equal(fixture->findings.count, 0);
	ask(fixture, "colour", "blue");
	expect(fixture, "unknown-flag", FINDING_REFUSE, "--colour");
	ask(fixture, "colour", NULL); /* what is taken away need not be known */
	assert_null(find(fixture, "unknown-flag"));
	write_agent(fixture, "echo nothing of the kind");
	ask(fixture, "colour", "blue");
	expect(fixture, "help-unknown", FINDING_WARN, "lists no flags");
}

#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judging),
		WITH_HOST(test_nothing_stands_in_the_way),
		WITH_HOST(test_checkpoints_and_flags_that_differ),
		WITH_HOST(test_flags_edited_since_the_start),
		WITH_HOST(test_reboots),
		WITH_HOST(test_broken_checkpoint),
		WITH_HOST(test_missing_work_dir),
		WITH_HOST(test_foreign_owner),
		WITH_HOST(test_container),
		WITH_HOST(test_notices_of_configuration_management),
		WITH_HOST(test_puppet_lists_the_file),
		WITH_HOST(test_chef_keeps_what_it_has_replaced),
		WITH_HOST(test_external_store_nobody_reads),
		WITH_HOST(test_tasks_of_frameworks_that_do_not_checkpoint),
		WITH_HOST(test_executors_that_only_their_environment_tells_of),
		WITH_HOST(test_tasks_in_the_units_control_group),
		cmocka_unit_test(test_control_groups),
		WITH_HOST(test_identity),
		WITH_HOST(test_reservations),
		WITH_HOST(test_values),
		cmocka_unit_test(test_what_help_lists),
		WITH_HOST(test_flags_the_agent_does_not_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
