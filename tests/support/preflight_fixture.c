/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/preflight_fixture.h"

#include "tests/support/cmocka.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/support/scratch.h"

#define NAMED "cpus:4;mem:4096;disk:10000;ports:[31000-32000]"

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
int preflight_set_up(void **state)
{
	struct preflight_fixture *fixture = xcalloc(1, sizeof *fixture);
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

int preflight_tear_down(void **state)
{
	struct preflight_fixture *fixture = *state;

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

const struct finding *preflight_find(const struct preflight_fixture *fixture, const char *code)
{
	for (size_t i = 0; i < fixture->findings.count; i++)
		if (strcmp(fixture->findings.items[i].code, code) == 0)
			return &fixture->findings.items[i];
	return NULL;
}

void preflight_expect(const struct preflight_fixture *fixture, const char *code, enum finding_severity severity,
		      const char *words)
{
	const struct finding *finding = preflight_find(fixture, code);

	if (finding == NULL)
		fail_msg("%s was not found", code);
	assert_int_equal(finding->severity, severity);
	assert_text_has(finding->text, words);
}

void preflight_look(struct preflight_fixture *fixture)
{
	findings_clear(&fixture->findings);
	preflight_host(&fixture->facts, &fixture->findings);
}

/* The request edits one flag, of a store that has all of them in its file. */
void preflight_ask(struct preflight_fixture *fixture, const char *name, const char *value)
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

pid_t preflight_start_child(struct preflight_fixture *fixture, int (*prepare)(void))
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

struct checkpoint_task *preflight_add_task(struct preflight_fixture *fixture, bool checkpoints, bool completed)
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
	task->task_id = xasprintf("t%zu", checkpoint->task_count);
	task->container_id = xasprintf("c%zu", checkpoint->task_count);
	task->executor_api = EXECUTOR_DRIVER;
	task->completed = completed;
	return task;
}
