/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks that a restart would end. What the checkpoint knows is only half: of a framework that does not checkpoint nothing is written
 * below meta, so its executors are found by their environment, where every agent says MESOS_CHECKPOINT.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentctl/doomed.h"
#include "agentctl/preflight.h"
#include "base/alloc.h"
#include "base/process.h"

#define ENVIRON_MAX (4u << 20)

/* ---- frameworks that do not checkpoint */

static bool read_environ(long pid, struct buffer *out)
{
	char path[64];
	char chunk[8192];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%ld/environ", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	buffer_reset(out);
	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		buffer_append(out, chunk, (size_t)n);
	close(fd);
	return n == 0;
}

static const char *variable(const struct buffer *env, const char *name)
{
	size_t len = strlen(name);

	for (size_t at = 0; at < env->len; at += strlen(env->data + at) + 1)
		if (strncmp(env->data + at, name, len) == 0 && env->data[at + len] == '=')
			return env->data + at + len + 1;
	return NULL;
}

/* A host below a root of its own marks its processes; one that bears another mark belongs to another host. */
static bool is_of_another_root(const struct buffer *env, const char *root)
{
	const char *marked = variable(env, "ROLLCALL_ROOT");

	return marked != NULL && strcmp(marked, root) != 0;
}

static void look_at(long pid, const struct facts *facts, struct buffer *env, struct doomed *out)
{
	const char *agent;
	const char *checkpoint;

	if (!read_environ(pid, env) || env->len == 0)
		return;
	agent = variable(env, "MESOS_SLAVE_ID");
	if (agent == NULL)
		agent = variable(env, "MESOS_AGENT_ID");
	checkpoint = variable(env, "MESOS_CHECKPOINT");
	if (agent == NULL || strcmp(agent, facts->checkpoint.agent_id) != 0 || checkpoint == NULL ||
	    strcmp(checkpoint, "0") != 0 || is_of_another_root(env, facts->host.root))
		return;
	doomed_add(out, variable(env, "MESOS_FRAMEWORK_ID"), variable(env, "MESOS_EXECUTOR_ID"), NULL);
}

static void find_in_proc(const struct facts *facts, struct doomed *out)
{
	struct buffer env = BUFFER_INIT(ENVIRON_MAX);
	DIR *proc = opendir("/proc");
	struct dirent *item;

	while (proc != NULL && (item = readdir(proc)) != NULL)
		if (item->d_name[0] >= '1' && item->d_name[0] <= '9')
			look_at(strtol(item->d_name, NULL, 10), facts, &env, out);
	if (proc != NULL)
		closedir(proc);
	buffer_clear(&env);
}

static bool is_alive(const struct checkpoint_task *task)
{
	return !task->completed && task->executor_pid > 0 && process_start_ticks((pid_t)task->executor_pid) != 0;
}

static void find_not_checkpointed(const struct facts *facts, struct findings *out)
{
	struct doomed doomed = DOOMED_INIT;

	for (size_t i = 0; i < facts->checkpoint.task_count; i++) {
		const struct checkpoint_task *task = &facts->checkpoint.tasks[i];

		if (!task->framework_checkpoints && is_alive(task))
			doomed_add_task(&doomed, task);
	}
	find_in_proc(facts, &doomed);
	doomed_report(&doomed, "tasks-not-checkpointed", FINDING_TASK_LOSS,
		      "their frameworks do not checkpoint, and any restart ends them", out);
}

/* ---- the unit's control group */

static bool is_below(const char *group, const char *unit)
{
	size_t len = strlen(unit);

	return strcmp(group, unit) == 0 || (len > 1 && strncmp(group, unit, len) == 0 && group[len] == '/');
}

static void find_in_unit(const struct facts *facts, struct findings *out)
{
	const char *mode = facts->control.kill_mode;
	char *unit = preflight_cgroup(facts->agent.process.pid);
	struct doomed doomed = DOOMED_INIT;
	char *why;

	/* "mixed" sends SIGKILL to what is left of the group; "process" and "none" leave it alone. */
	if (unit == NULL || (strcmp(mode, "control-group") != 0 && strcmp(mode, "mixed") != 0)) {
		free(unit);
		return;
	}
	for (size_t i = 0; i < facts->checkpoint.task_count; i++) {
		const struct checkpoint_task *task = &facts->checkpoint.tasks[i];
		char *group = is_alive(task) ? preflight_cgroup(task->executor_pid) : NULL;

		if (group != NULL && is_below(group, unit))
			doomed_add_task(&doomed, task);
		free(group);
	}
	why = xasprintf("they live in the control group of %s, whose KillMode=%s kills them when it stops; set "
			"KillMode=process first",
			facts->host.unit, mode);
	doomed_report(&doomed, "tasks-in-unit", FINDING_TASK_LOSS, why, out);
	free(why);
	free(unit);
}

/* ---- the agent's container */

/* In a container with processes of its own, the process IDs in the checkpoint are its own, too; who is who in there we cannot tell, and
 * all end with it. (Executors in containers of their own, by --docker_mesos_image, need the host's.) In one with the host's processes,
 * all in its control group end. */
static void find_in_container(const struct facts *facts, struct findings *out)
{
	bool own = preflight_has_own_processes(facts);
	char *container = own ? NULL : preflight_container_group(facts);
	struct doomed doomed = DOOMED_INIT;

	for (size_t i = 0; (own || container != NULL) && i < facts->checkpoint.task_count; i++) {
		const struct checkpoint_task *task = &facts->checkpoint.tasks[i];
		char *group = container != NULL && is_alive(task) ? preflight_cgroup(task->executor_pid) : NULL;

		if ((own && !task->completed && task->executor_pid > 0) ||
		    (group != NULL && is_below(group, container)))
			doomed_add_task(&doomed, task);
		free(group);
	}
	doomed_report(&doomed, "tasks-in-container", FINDING_TASK_LOSS,
		      "they live in the agent's container, which ends with it", out);
	free(container);
}

void preflight_tasks(const struct facts *facts, struct findings *out)
{
	if (!facts->running || facts->checkpoint.agent_id == NULL)
		return;
	find_not_checkpointed(facts, out);
	if (facts->host.control == CONTROL_SYSTEMD)
		find_in_unit(facts, out);
	find_in_container(facts, out);
	preflight_executors(facts, out);
}
