/* SPDX-License-Identifier: Apache-2.0 */
/* What the master says of tasks itself, when their agents cannot: they are unreachable, lost, gone, dropped, or killed
 * with their framework. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lab/master/master.h"
#include "lab/master/tasks.h"
#include "mesos/pb.h"

static bool partition_aware(const struct master_task *task)
{
	const Mesos__FrameworkInfo *info = task->framework->info;
	for (size_t i = 0; i < info->n_capabilities; i++) {
		if (info->capabilities[i]->type == MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE)
			return true;
	}
	return false;
}

Mesos__TaskStatus *master_word(const Mesos__Task *task, Mesos__TaskState state)
{
	Mesos__TaskStatus *status = pb_new(&mesos__task_status__descriptor);
	status->task_id = pb_copy(task->task_id);
	status->slave_id = pb_copy(task->slave_id);
	status->state = state;
	status->has_timestamp = true;
	status->timestamp = master_now();
	status->has_source = true;
	status->source = MESOS__TASK_STATUS__SOURCE__SOURCE_MASTER;
	return status;
}

/* A framework that is not aware of partitions hears TASK_LOST. */
struct verdict_on_task {
	Mesos__TaskState aware, unaware;
	Mesos__TaskStatus__Reason reason, reason_unaware;
	const char *message;
	bool unreachable;
};

static struct verdict_on_task verdict_of(Mesos__TaskState aware, Mesos__TaskStatus__Reason reason, const char *message)
{
	return (struct verdict_on_task){.aware = aware,
					.unaware = MESOS__TASK_STATE__TASK_LOST,
					.reason = reason,
					.reason_unaware = reason,
					.message = message};
}

static void set_state(struct master *master, struct master_task *task, const struct verdict_on_task *verdict)
{
	bool aware = partition_aware(task);
	Mesos__TaskStatus *status = master_word(task->task, aware ? verdict->aware : verdict->unaware);
	status->has_reason = true;
	status->reason = aware ? verdict->reason : verdict->reason_unaware;
	status->message = xstrdup(verdict->message);
	if (verdict->unreachable) {
		status->unreachable_time = pb_new(&mesos__time_info__descriptor);
		status->unreachable_time->nanoseconds = (int64_t)status->timestamp * 1000000000;
	}
	PB_APPEND(task->task->statuses, task->task->n_statuses, status);
	task->task->state = status->state;
	master_task_count(master, status->state);
	scheduler_update(task->framework, status);
}

void master_task_dropped(struct master *master, struct master_task *task)
{
	const struct verdict_on_task verdict = verdict_of(MESOS__TASK_STATE__TASK_DROPPED,
							  MESOS__TASK_STATUS__REASON__REASON_RECONCILIATION,
							  "Reconciliation: task unknown to the agent");
	set_state(master, task, &verdict);
	master_task_complete(master, task);
}

void master_tasks_unreachable(struct master *master, struct master_agent *agent, const char *why)
{
	struct verdict_on_task verdict = verdict_of(MESOS__TASK_STATE__TASK_UNREACHABLE,
						    MESOS__TASK_STATUS__REASON__REASON_SLAVE_REMOVED, why);
	verdict.unreachable = true;
	for (struct master_task *task = agent->tasks; task != NULL; task = task->next) {
		if (task->unreachable)
			continue;
		set_state(master, task, &verdict);
		task->unreachable = true;
		agent->settled = false;
	}
}

static void end_tasks(struct master *master, struct master_agent *agent, bool loose_only,
		      const struct verdict_on_task *verdict)
{
	for (struct master_task *task = agent->tasks, *next; task != NULL; task = next) {
		next = task->next;
		if (loose_only && task->framework->info->checkpoint)
			continue;
		set_state(master, task, verdict);
		master_task_complete(master, task);
	}
}

void master_tasks_disconnected(struct master *master, struct master_agent *agent)
{
	char *why = xasprintf("Agent %s disconnected", agent->info->hostname);
	const struct verdict_on_task verdict = verdict_of(MESOS__TASK_STATE__TASK_LOST,
							  MESOS__TASK_STATUS__REASON__REASON_SLAVE_DISCONNECTED, why);
	end_tasks(master, agent, true, &verdict);
	free(why);
}

void master_tasks_gone(struct master *master, struct master_agent *agent)
{
	const struct verdict_on_task verdict = {.aware = MESOS__TASK_STATE__TASK_GONE_BY_OPERATOR,
						.unaware = MESOS__TASK_STATE__TASK_LOST,
						.reason = MESOS__TASK_STATUS__REASON__REASON_SLAVE_REMOVED_BY_OPERATOR,
						.reason_unaware = MESOS__TASK_STATUS__REASON__REASON_SLAVE_REMOVED,
						.message = "Agent has been marked gone"};
	end_tasks(master, agent, false, &verdict);
}

void master_tasks_removed(struct master *master, struct master_agent *agent, const char *why)
{
	char *message = xasprintf("Agent %s removed: %s", agent->info->hostname, why);
	const struct verdict_on_task verdict = verdict_of(MESOS__TASK_STATE__TASK_LOST,
							  MESOS__TASK_STATUS__REASON__REASON_SLAVE_REMOVED, message);
	end_tasks(master, agent, false, &verdict);
	free(message);
}

static void end_task_of(struct master *master, struct master_agent *agent, struct master_task *task)
{
	struct verdict_on_task verdict = verdict_of(MESOS__TASK_STATE__TASK_KILLED,
						    MESOS__TASK_STATUS__REASON__REASON_FRAMEWORK_REMOVED, NULL);
	const char *id = task->framework->info->id->value;
	char *why = xasprintf("Framework %s removed", id);
	verdict.unaware = verdict.aware;
	verdict.message = why;
	if (agent->link != NULL)
		link_send(agent->link,
			  json_pack("{ss ss ss}", "type", "kill", "framework", id, "task", task->task->task_id->value));
	set_state(master, task, &verdict);
	master_task_complete(master, task);
	free(why);
}

void master_framework_end(struct master *master, struct master_framework *framework)
{
	framework->completed = true;
	framework->recovered = false;
	framework->unregistered = master_now();
	for (struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		for (struct master_task *task = agent->tasks, *next; task != NULL; task = next) {
			next = task->next;
			if (task->framework == framework)
				end_task_of(master, agent, task);
		}
		operate_check_drained(master, agent);
	}
}
