/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery, its last part: the executors that live have executor_reregistration_timeout to come back. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lab/agent/agent.h"
#include "lab/core/processes.h"

bool agent_executor_lives(const struct agent_task *task)
{
	return task->pid > 0 && process_has_env(task->pid, "ROLLCALL_ROOT", task->agent->root) &&
	       process_has_env(task->pid, "MESOS_EXECUTOR_ID", task->executor->executor_id->value);
}

/* The executor and its task are one session. */
void agent_kill_executor(const struct agent_task *task)
{
	kill(-task->pid, SIGKILL);
	kill(task->pid, SIGKILL);
}

static bool partition_aware(const Mesos__FrameworkInfo *framework)
{
	for (size_t i = 0; i < framework->n_capabilities; i++) {
		if (framework->capabilities[i]->type == MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE)
			return true;
	}
	return false;
}

static void give_up(struct agent_task *task)
{
	char *text = xasprintf("Executor did not reregister within %s",
			       agent_flag(&task->agent->flags, "executor_reregistration_timeout"));
	Mesos__TaskState state = partition_aware(task->framework) ? MESOS__TASK_STATE__TASK_GONE
								  : MESOS__TASK_STATE__TASK_LOST;
	agent_kill_executor(task);
	agent_task_ended(task, state, MESOS__TASK_STATUS__REASON__REASON_EXECUTOR_REREGISTRATION_TIMEOUT, text);
	free(text);
}

/* The executors that came back for nothing, and those that did not, end before the new state is written. */
static void discard(struct agent *agent)
{
	struct error err = ERROR_INIT;
	if (agent_proposal_discard(agent, &err) == 0)
		return;
	log_error("%s", err.text);
	agent->failure = "Failed to checkpoint the agent's new state";
	events_stop(agent->events);
}

static void wait_is_over(void *ctx)
{
	struct agent *agent = ctx;
	if (agent->failure != NULL) /* it goes as it came */
		return;
	if (agent_proposal_waits(agent)) {
		agent_say(agent, 'I', "slave.cpp:7791", "Waiting for the master: what it can decides what is given up");
		return; /* until it has said so */
	}
	discard(agent);
	if (agent->failure != NULL)
		return;
	if (agent->tasks != NULL)
		agent_say(agent, 'I', "slave.cpp:5910", "Cleaning up un-reregistered executors");
	for (struct agent_task *task = agent->tasks, *next; task != NULL; task = next) {
		next = task->next;
		if (task->link != NULL)
			continue;
		if (agent_executor_lives(task))
			give_up(task);
		else
			agent_task_ended(task, MESOS__TASK_STATE__TASK_FAILED,
					 MESOS__TASK_STATUS__REASON__REASON_EXECUTOR_TERMINATED,
					 "Abnormal executor termination: unknown container");
	}
	agent_register(agent);
}

static void clean_up(struct agent *agent)
{
	while (agent->tasks != NULL) {
		struct agent_task *task = agent->tasks;
		if (agent_executor_lives(task))
			agent_kill_executor(task);
		agent_task_ended(task, MESOS__TASK_STATE__TASK_KILLED,
				 MESOS__TASK_STATUS__REASON__REASON_EXECUTOR_TERMINATED, "Executor terminated");
	}
	events_stop(agent->events);
}

void agent_await_executors(struct agent *agent)
{
	if (agent->cleanup) {
		clean_up(agent);
		return;
	}
	agent->recovery_timer = timer_new(agent->events, wait_is_over, agent);
	agent_say(agent, 'I', "slave.cpp:8235", "Recovering executors");
	bool wanted = agent->tasks != NULL && !agent->discards;
	int64_t wait = wanted ? agent_flag_ms(agent, "executor_reregistration_timeout") : 0;
	timer_set(agent->recovery_timer, wait + agent->slow_ms);
}
