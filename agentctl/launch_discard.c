/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/launch_discard.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agentctl/agent.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/process.h"

/* Executors get executor_shutdown_grace_period (5 s by default) each; who gives them longer than this waits for the next start, which goes
 * on where this one ended. */
#define CLEANUP_TIMEOUT_MS 600000
#define LOOK_EVERY_MS      20

extern char **environ;

/* ---- running it */

static char *variable(const struct flag *flag)
{
	char *text = xasprintf("MESOS_%s=%s", flag->name, flag->value);

	for (char *c = text; *c != '='; c++)
		*c = (char)toupper((unsigned char)*c);
	return text;
}

/* Flags go through the environment: there no secret is for everybody to see. Variables of ours replace those that are there. */
static char **environment(const struct flags *flags)
{
	size_t count = 0;
	char **out;

	while (environ[count] != NULL)
		count++;
	out = xcalloc(count + flags->count + 1, sizeof *out);
	count = 0;
	for (char **item = environ; *item != NULL; item++)
		if (strncmp(*item, "MESOS_", 6) != 0)
			out[count++] = xstrdup(*item);
	for (size_t i = 0; i < flags->count; i++)
		out[count++] = variable(&flags->items[i]);
	return out;
}

static void __attribute__((noreturn)) become(const char *program, char **env, pid_t parent)
{
	char *const argv[] = {(char *)program, NULL};

	/* Whoever ends us must not leave an agent behind that goes on killing. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		execvpe(program, argv, env);
	_exit(127);
}

/* The exit status, -1 when the time was up. */
static int wait_for(pid_t pid)
{
	int64_t deadline = clock_monotonic_ms() + CLEANUP_TIMEOUT_MS;
	int status = 0;

	for (;;) {
		pid_t ended = waitpid(pid, &status, WNOHANG);

		if (ended == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (clock_monotonic_ms() >= deadline)
			break;
		usleep(LOOK_EVERY_MS * 1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

static int run_cleanup(const char *program, const struct flags *old, struct error *err)
{
	char **env = environment(old);
	pid_t parent = getpid();
	pid_t pid = fork();
	int status;

	if (pid == 0)
		become(program, env, parent);
	for (char **item = env; *item != NULL; item++)
		free(*item);
	free(env);
	if (pid < 0)
		return error_errno(err, ERROR_SYSTEM, errno, "cannot start a process");
	status = wait_for(pid);
	if (status == 0)
		return 0;
	if (status < 0)
		return error_set(err, ERROR_REFUSED, "%s has not ended the old executors in %d s", program,
				 CLEANUP_TIMEOUT_MS / 1000);
	return error_set(err, ERROR_REFUSED,
			 "%s, run with its old flags and --recover=cleanup to end the old executors, exited with %d; "
			 "what it said "
			 "stands above",
			 program, status);
}

/* ---- all of it */

static int old_flags(const struct launch *launch, const struct launch_comparison *comparison, struct flags *out,
		     struct error *err)
{
	struct flags base = FLAGS_INIT;
	bool found = false;
	int result;

	if (launch_flags_load(&launch->state, comparison->checkpoint.agent_id, &base, &found, err) != 0)
		return -1;
	if (!found)
		flags_copy(&base, &launch->flags);
	flags_set(&base, "work_dir", flags_get(&launch->flags, "work_dir"));
	result = launch_old_flags(comparison->checkpoint.info, &base, launch->root, &comparison->detected,
				  &comparison->version, out, err);
	flags_clear(&base);
	return result;
}

/* The agent that ended the executors must have left the ID and the checkpoint alone. */
static int check_same(const struct checkpoint_state *before, const struct checkpoint_state *now, struct error *err)
{
	if (now->agent_id != NULL && strcmp(now->agent_id, before->agent_id) == 0 &&
	    now->bytes.len == before->bytes.len &&
	    memcmp(buffer_text(&now->bytes), buffer_text(&before->bytes), now->bytes.len) == 0)
		return 0;
	return error_set(err, ERROR_CONFLICT,
			 "the checkpoint of agent %s has changed while its old executors were ended", before->agent_id);
}

/* Its word alone would be a thin ground for giving the agent another SlaveInfo. */
static int check_ended(const struct checkpoint_state *now, struct error *err)
{
	for (size_t i = 0; i < now->task_count; i++) {
		const struct checkpoint_task *task = &now->tasks[i];
		struct operation_process process = {.pid = task->executor_pid};

		if (task->completed || task->executor_pid <= 0)
			continue;
		process.start_ticks = (int64_t)process_start_ticks((pid_t)process.pid);
		if (process.start_ticks != 0 && agent_runs(&process))
			return error_set(
				err, ERROR_REFUSED,
				"the executor of task %s (process %lld) still runs after the agent was run with "
				"--recover=cleanup",
				task->task_id, (long long)process.pid);
	}
	return 0;
}

int launch_end_executors(const struct launch *launch, const struct launch_comparison *comparison, struct error *err)
{
	struct flags old = FLAGS_INIT;
	struct checkpoint_state now;
	int result;

	/* No process outlives its boot, and what an agent is run for may make it give up its ID then. */
	if (comparison->rebooted)
		return 0;
	if (old_flags(launch, comparison, &old, err) != 0)
		return -1;
	memset(&now, 0, sizeof now);
	result = run_cleanup(launch->argv[0], &old, err);
	if (result == 0)
		result = checkpoint_read(launch->root, launch->work_dir, &now, err);
	if (result == 0 && (check_same(&comparison->checkpoint, &now, err) != 0 || check_ended(&now, err) != 0))
		result = -1;
	checkpoint_state_clear(&now);
	flags_clear(&old);
	return result;
}
