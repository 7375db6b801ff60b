/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lab's mesos-executor: runs one task as a process of its own, tells its agent how it goes, and outlives the agent
 * for as long as recovery_timeout lets it, when its framework checkpoints.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "lab/core/faults.h"
#include "lab/core/files.h"
#include "lab/core/link.h"
#include "lab/core/processes.h"
#include "lab/core/roles.h"
#include "lab/host/stand_in.h"

#define CONNECT_AGAIN_MS  50
#define RECOVERY_FALLBACK 900000  /* the agent's default */
#define TASK_SECONDS      "86400" /* a task of the lab sleeps for a day */

struct executor {
	struct lab *lab;
	char *root;
	const char *host;
	const char *framework, *task;
	bool checkpoint;
	bool known; /* the agent has it: from now on it reconnects */
	struct events *events;
	struct link *agent;
	struct timer *connect_timer;
	struct timer *give_up_timer;
	struct timer *kill_timer; /* SIGKILL: the grace is over */
	int64_t kill_ms;          /* clock_monotonic_ms of it; 0: not yet */
	pid_t pid;                /* of the task */
	bool killed;
};

/* text may be NULL */
static void send_state(struct executor *executor, const char *state, const char *text)
{
	if (executor->agent != NULL)
		link_send(executor->agent,
			  json_pack("{ss ss ss ss ss*}", "type", "update", "framework", executor->framework, "task",
				    executor->task, "state", state, "message", text));
}

static void __attribute__((noreturn)) become_task(void)
{
	events_reset_signals();
	/* The executor's death, however it comes, is the task's. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	char *program = process_own_path();
	execl(program, "sleep", TASK_SECONDS, (char *)NULL);
	_exit(127);
}

/* A sleep(1) that costs next to nothing: there are thousands. */
int role_task(int argc, const char *const argv[])
{
	prctl(PR_SET_NAME, "sleep");
	return sleep(argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0) == 0 ? 0 : 1;
}

static void run_task(struct executor *executor)
{
	executor->known = true;
	if (executor->pid > 0)
		return;
	send_state(executor, "TASK_STARTING", NULL);
	executor->pid = fork();
	if (executor->pid == 0)
		become_task();
	send_state(executor, executor->pid > 0 ? "TASK_RUNNING" : "TASK_FAILED", NULL);
	if (executor->pid < 0)
		events_stop(executor->events);
}

/* The task's end, told by SIGCHLD, ends the executor. */
static void end_task(struct executor *executor)
{
	executor->killed = true;
	if (executor->pid > 0)
		kill(executor->pid, SIGTERM);
	else
		events_stop(executor->events);
}

static void grace_is_over(void *ctx)
{
	const struct executor *executor = ctx;
	if (executor->pid > 0)
		kill(executor->pid, SIGKILL);
}

/* A grace that runs can be made shorter, not longer. */
static void set_grace(struct executor *executor, int64_t grace_ms)
{
	int64_t end = clock_monotonic_ms() + grace_ms;
	if (executor->kill_ms > 0 && executor->kill_ms <= end)
		return;
	executor->kill_ms = end;
	timer_set(executor->kill_timer, grace_ms);
}

/* The fault stubborn-tasks: they do not listen to SIGTERM. */
static void kill_task(struct executor *executor, const json_t *message)
{
	struct fault fault;
	set_grace(executor, json_integer_value(json_object_get(message, "grace_ms")));
	if (executor->killed)
		return;
	if (executor->pid > 0 && json_is_true(json_object_get(message, "killing")))
		send_state(executor, "TASK_KILLING", NULL);
	if (fault_is_armed(executor->lab, executor->host, "stubborn-tasks", &fault) && executor->pid > 0)
		executor->killed = true;
	else
		end_task(executor);
}

static void agent_line(void *ctx, struct link *link, const json_t *message)
{
	struct executor *executor = ctx;
	const char *type = link_type(message);
	(void)link;
	if (strcmp(type, "run") == 0)
		run_task(executor);
	else if (strcmp(type, "kill") == 0)
		kill_task(executor, message);
	else if (strcmp(type, "shutdown") == 0)
		end_task(executor);
}

static void agent_closed(void *ctx, struct link *link)
{
	struct executor *executor = ctx;
	int64_t recovery = RECOVERY_FALLBACK;
	const char *given = getenv("MESOS_RECOVERY_TIMEOUT");
	link_free(link);
	executor->agent = NULL;
	if (!executor->checkpoint) {
		end_task(executor);
		return;
	}
	if (given != NULL)
		clock_parse_duration(given, &recovery, NULL);
	struct fault late;
	int64_t wait = fault_is_armed(executor->lab, executor->host, "late-executors", &late)
			       ? lab_scaled_ms(executor->lab, late.amount)
			       : CONNECT_AGAIN_MS;
	timer_set(executor->connect_timer, wait);
	timer_set(executor->give_up_timer, lab_scaled_ms(executor->lab, recovery));
}

static const struct link_ops agent_ops = {.line = agent_line, .closed = agent_closed};

static void connect_agent(void *ctx)
{
	struct executor *executor = ctx;
	char *path = lab_path(executor->lab, "run/agents/%s.sock", executor->host);
	int fd = socket_connect_unix(path, NULL);
	free(path);
	if (fd < 0) {
		timer_set(executor->connect_timer, CONNECT_AGAIN_MS);
		return;
	}
	timer_set(executor->give_up_timer, -1);
	executor->agent = link_new(executor->events, fd, &agent_ops, executor);
	link_send(executor->agent, json_pack("{ss ss ss}", "type", executor->known ? "reregister" : "register",
					     "framework", executor->framework, "task", executor->task));
}

static void give_up(void *ctx)
{
	end_task(ctx);
}

static void on_signal(void *ctx, int number)
{
	struct executor *executor = ctx;
	int status;
	if (number != SIGCHLD) {
		end_task(executor);
		return;
	}
	if (executor->pid <= 0 || waitpid(executor->pid, &status, WNOHANG) != executor->pid)
		return;
	bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	char *text = WIFSIGNALED(status) ? xasprintf("Command terminated with signal %s", strsignal(WTERMSIG(status)))
					 : xasprintf("Command exited with status %d", WEXITSTATUS(status));
	send_state(executor, executor->killed ? "TASK_KILLED" : fine ? "TASK_FINISHED" : "TASK_FAILED", text);
	free(text);
	executor->pid = 0;
	events_stop(executor->events);
}

static int executor_open(struct executor *executor, struct error *err)
{
	static const int signals[] = {SIGCHLD, SIGTERM, SIGINT, 0};
	const char *checkpoint = getenv("MESOS_CHECKPOINT");
	executor->framework = getenv("MESOS_FRAMEWORK_ID");
	executor->task = getenv("MESOS_EXECUTOR_ID");
	executor->checkpoint = checkpoint != NULL && strcmp(checkpoint, "1") == 0;
	if (executor->framework == NULL || executor->task == NULL)
		return error_set(err, ERROR_USAGE, "the lab's executor is started by its agent");
	if (stand_in_host(&executor->lab, &executor->root, &executor->host, err) < 0)
		return -1;
	executor->events = events_new(err);
	if (executor->events == NULL || events_on_signals(executor->events, signals, on_signal, executor, err) < 0)
		return -1;
	executor->connect_timer = timer_new(executor->events, connect_agent, executor);
	executor->give_up_timer = timer_new(executor->events, give_up, executor);
	executor->kill_timer = timer_new(executor->events, grace_is_over, executor);
	return 0;
}

int role_executor(int argc, const char *const argv[])
{
	struct executor executor = {.pid = 0};
	struct error err = ERROR_INIT;
	(void)argc;
	(void)argv;
	prctl(PR_SET_NAME, "mesos-executor"); /* it was started by its path, which has another name */
	log_setup("mesos-executor", LOG_INFO);
	int result = executor_open(&executor, &err);
	if (result < 0) {
		log_error("%s", err.text);
	} else {
		connect_agent(&executor);
		events_run(executor.events);
	}
	link_free(executor.agent);
	timer_free(executor.connect_timer);
	timer_free(executor.give_up_timer);
	timer_free(executor.kill_timer);
	events_free(executor.events);
	lab_free(executor.lab);
	free(executor.root);
	return result < 0 ? 1 : 0;
}
