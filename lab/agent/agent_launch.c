/* SPDX-License-Identifier: Apache-2.0 */
/* Launching: a sandbox, the checkpoint, and an executor that outlives this process. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "lab/agent/agent.h"
#include "lab/core/files.h"
#include "lab/core/processes.h"
#include "lab/core/wire.h"
#include "mesos/pb.h"

static void __attribute__((noreturn))
become_executor(const struct agent *agent, const struct agent_task *task, const char *sandbox)
{
	char *program = process_own_path();
	const char *const argv[] = {"mesos-executor", NULL};
	int null = open("/dev/null", O_RDWR);
	setsid();
	setenv("MESOS_FRAMEWORK_ID", task->framework->id->value, 1);
	setenv("MESOS_EXECUTOR_ID", task->executor->executor_id->value, 1);
	setenv("MESOS_SLAVE_ID", agent->info->id->value, 1);
	setenv("MESOS_DIRECTORY", sandbox, 1);
	setenv("MESOS_RECOVERY_TIMEOUT", agent_flag(&agent->flags, "recovery_timeout"), 1);
	setenv("MESOS_CHECKPOINT", task->framework->checkpoint ? "1" : "0", 1);
	dup2(null, 0);
	dup2(null, 1);
	events_reset_signals();
	if (chdir(sandbox) == 0)
		execv(program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

static char *make_sandbox(const struct agent *agent, const struct agent_task *task)
{
	char *inside = xasprintf("%s/slaves/%s/frameworks/%s/executors/%s/runs/%s", agent->work_dir,
				 agent->info->id->value, task->framework->id->value, task->executor->executor_id->value,
				 task->container);
	char *path = path_under(agent->root, inside);
	free(inside);
	if (files_make_dirs(path, NULL) < 0)
		log_warning("cannot make the sandbox %s", path);
	return path;
}

static char *new_uuid(void)
{
	char hex[RANDOM_ID_SIZE];
	random_id(hex);
	return xasprintf("%.8s-%.4s-4%.3s-8%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
}

static void start_executor(struct agent *agent, struct agent_task *task)
{
	struct error err = ERROR_INIT;
	char *sandbox = make_sandbox(agent, task);
	int result = agent_checkpoint_task(agent, task, &err);
	task->pid = result == 0 ? fork() : -1;
	if (task->pid == 0)
		become_executor(agent, task, sandbox);
	free(sandbox);
	if (task->pid > 0)
		result = agent_checkpoint_pid(agent, task, &err);
	if (task->pid > 0 && result == 0)
		return;
	log_error("cannot launch %s: %s", task->task->task_id->value, err.text);
	agent_task_ended(task, MESOS__TASK_STATE__TASK_FAILED,
			 MESOS__TASK_STATUS__REASON__REASON_CONTAINER_LAUNCH_FAILED, "Failed to launch container");
}

static void say_task(const struct agent *agent, const char *place, const char *what, const struct agent_task *task)
{
	char *text = xasprintf("%s task '%s' for framework %s", what, task->task->task_id->value,
			       task->framework->id->value);
	agent_say(agent, 'I', place, text);
	free(text);
}

void agent_launch(struct agent *agent, const json_t *message)
{
	struct agent_task *task = xcalloc(1, sizeof(*task));
	task->agent = agent;
	task->container = new_uuid();
	task->framework = wire_unpack(&mesos__framework_info__descriptor, json_object_get(message, "framework"));
	task->executor = wire_unpack(&mesos__executor_info__descriptor, json_object_get(message, "executor"));
	task->task = wire_unpack(&mesos__task__descriptor, json_object_get(message, "task"));
	if (task->framework == NULL || task->executor == NULL || task->task == NULL ||
	    agent_task_find(agent, task->framework->id->value, task->task->task_id->value) != NULL) {
		agent_task_free(task);
		return;
	}
	task->next = agent->tasks;
	agent->tasks = task;
	say_task(agent, "slave.cpp:2302", "Got assigned", task);
	say_task(agent, "slave.cpp:3183", "Launching", task);
	start_executor(agent, task);
}
