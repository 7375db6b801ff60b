/* SPDX-License-Identifier: Apache-2.0 */
/* What runs where, and what becomes of it: the agents' word on their tasks, and the master's own. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/core/shapes.h"
#include "lab/core/wire.h"
#include "lab/master/master.h"
#include "mesos/pb.h"
#include "mesos/task_state.h"

static void task_free(struct master_task *task)
{
	pb_free(task->task);
	free(task);
}

static void free_list(struct master_task *list)
{
	while (list != NULL) {
		struct master_task *task = list;
		list = task->next;
		task_free(task);
	}
}

void master_tasks_free(struct master *master)
{
	for (struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		free_list(agent->tasks);
		agent->tasks = NULL;
	}
	free_list(master->completed);
	master->completed = NULL;
}

static bool is_task(const struct master_task *task, const char *framework_id, const char *task_id)
{
	return strcmp(task->task->task_id->value, task_id) == 0 &&
	       strcmp(task->framework->info->id->value, framework_id) == 0;
}

static struct master_task *task_find(const struct master_agent *agent, const char *framework_id, const char *task_id)
{
	for (struct master_task *task = agent->tasks; task != NULL; task = task->next) {
		if (is_task(task, framework_id, task_id))
			return task;
	}
	return NULL;
}

void master_task_add(struct master_framework *framework, struct master_agent *agent, Mesos__Task *message)
{
	struct master_task *task = xcalloc(1, sizeof(*task));
	*task = (struct master_task){.next = agent->tasks, .framework = framework, .agent = agent, .task = message};
	agent->tasks = task;
	agent->settled = false;
}

static void unlink_task(struct master_task **list, const struct master_task *task)
{
	for (struct master_task **at = list; *at != NULL; at = &(*at)->next) {
		if (*at != task)
			continue;
		*at = task->next;
		return;
	}
}

static void forget_oldest_completed(struct master *master)
{
	struct master_task **at = &master->completed;
	if (++master->completed_count <= MASTER_COMPLETED_TASKS_MAX)
		return;
	while ((*at)->next != NULL)
		at = &(*at)->next;
	task_free(*at);
	*at = NULL;
	master->completed_count--;
}

static void complete(struct master *master, struct master_task *task)
{
	unlink_task(&task->agent->tasks, task);
	task->agent->settled = false;
	task->agent = NULL;
	task->unreachable = false;
	task->next = master->completed;
	master->completed = task;
	forget_oldest_completed(master);
}

static void count_state(struct master *master, Mesos__TaskState state)
{
	if (task_state_is_terminal(state))
		master->counters.terminal[state]++;
}

static bool partition_aware(const struct master_task *task)
{
	const Mesos__FrameworkInfo *info = task->framework->info;
	for (size_t i = 0; i < info->n_capabilities; i++) {
		if (info->capabilities[i]->type == MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE)
			return true;
	}
	return false;
}

/* The master's own word on a task. A framework that is not aware of partitions hears TASK_LOST. */
struct verdict_on_task {
	Mesos__TaskState aware;
	Mesos__TaskStatus__Reason reason, reason_unaware;
	const char *message;
};

static void set_state(struct master *master, struct master_task *task, const struct verdict_on_task *verdict)
{
	bool aware = partition_aware(task);
	Mesos__TaskStatus *status = pb_new(&mesos__task_status__descriptor);
	status->task_id = pb_copy(task->task->task_id);
	status->slave_id = pb_copy(task->task->slave_id);
	status->state = aware ? verdict->aware : MESOS__TASK_STATE__TASK_LOST;
	status->has_timestamp = true;
	status->timestamp = master_now();
	status->has_source = true;
	status->source = MESOS__TASK_STATUS__SOURCE__SOURCE_MASTER;
	status->has_reason = true;
	status->reason = aware ? verdict->reason : verdict->reason_unaware;
	status->message = xstrdup(verdict->message);
	PB_APPEND(task->task->statuses, task->task->n_statuses, status);
	task->task->state = status->state;
	count_state(master, status->state);
	scheduler_update(task->framework, status);
}

static struct verdict_on_task verdict_of(Mesos__TaskState aware, Mesos__TaskStatus__Reason reason, const char *message)
{
	return (struct verdict_on_task){.aware = aware, .reason = reason, .reason_unaware = reason, .message = message};
}

/* ---- what agents say of tasks */

/* Also what it has been told already, until it says that it knows. */
static void forward(const struct master *master, const char *framework_id, const Mesos__TaskStatus *status)
{
	const struct master_framework *framework = master_framework_find(master, framework_id);
	if (framework != NULL)
		scheduler_update(framework, status);
}

static bool is_repeated(const struct master_task *task, const Mesos__TaskStatus *status)
{
	for (size_t i = 0; i < task->task->n_statuses && status->has_uuid; i++) {
		const Mesos__TaskStatus *old = task->task->statuses[i];
		if (old->has_uuid && old->uuid.len == status->uuid.len &&
		    memcmp(old->uuid.data, status->uuid.data, status->uuid.len) == 0)
			return true;
	}
	return false;
}

void master_update(struct master *master, struct master_agent *agent, const json_t *update)
{
	const char *framework_id = json_string_value(json_object_get(update, "framework"));
	Mesos__TaskStatus *status = wire_unpack(&mesos__task_status__descriptor, json_object_get(update, "status"));
	struct master_task *task = NULL;
	if (status != NULL && framework_id != NULL) {
		task = task_find(agent, framework_id, status->task_id->value);
		forward(master, framework_id, status);
	}
	if (task == NULL || is_repeated(task, status)) {
		pb_free(status);
		return;
	}
	master->counters.status_updates++;
	task->task->state = status->state;
	PB_APPEND(task->task->statuses, task->task->n_statuses, status);
	if (!task_state_is_terminal(status->state))
		return;
	count_state(master, status->state);
	complete(master, task);
	operate_check_drained(master, agent);
}

static struct master_framework *framework_of(struct master *master, const json_t *packed)
{
	Mesos__FrameworkInfo *info = wire_unpack(&mesos__framework_info__descriptor, packed);
	struct master_framework *framework = info != NULL && info->id != NULL
						     ? master_framework_find(master, info->id->value)
						     : NULL;
	if (framework == NULL && info != NULL && info->id != NULL)
		framework = scheduler_recover(master, info);
	if (framework == NULL || framework->info != info)
		pb_free(info);
	return framework;
}

/* What was given up for lost and runs again is no longer completed. */
static void forget_completed(struct master *master, const char *framework_id, const char *task_id)
{
	for (struct master_task *task = master->completed; task != NULL; task = task->next) {
		if (!is_task(task, framework_id, task_id))
			continue;
		unlink_task(&master->completed, task);
		master->completed_count--;
		task_free(task);
		return;
	}
}

static void take_task(struct master *master, struct master_agent *agent, const json_t *item)
{
	struct master_framework *framework = framework_of(master, json_object_get(item, "framework"));
	Mesos__Task *said = wire_unpack(&mesos__task__descriptor, json_object_get(item, "task"));
	if (framework == NULL || said == NULL) {
		pb_free(said);
		return;
	}
	struct master_task *known = task_find(agent, framework->info->id->value, said->task_id->value);
	if (known == NULL) {
		forget_completed(master, framework->info->id->value, said->task_id->value);
		master_task_add(framework, agent, said);
		return;
	}
	pb_free(known->task);
	known->task = said;
	known->unreachable = false;
	agent->settled = false;
}

static bool is_named(const json_t *tasks, const struct master_task *task)
{
	const json_t *item;
	size_t index;
	bool named = false;
	json_array_foreach(tasks, index, item)
	{
		Mesos__Task *said = wire_unpack(&mesos__task__descriptor, json_object_get(item, "task"));
		named |= said != NULL && is_task(task, said->framework_id->value, said->task_id->value);
		pb_free(said);
	}
	return named;
}

void master_reconcile(struct master *master, struct master_agent *agent, const json_t *tasks)
{
	const struct verdict_on_task verdict = verdict_of(MESOS__TASK_STATE__TASK_DROPPED,
							  MESOS__TASK_STATUS__REASON__REASON_RECONCILIATION,
							  "Reconciliation: task unknown to the agent");
	const json_t *item;
	size_t index;
	for (struct master_task *task = agent->tasks, *next; task != NULL; task = next) {
		next = task->next;
		if (is_named(tasks, task))
			continue;
		set_state(master, task, &verdict);
		complete(master, task);
	}
	json_array_foreach(tasks, index, item) take_task(master, agent, item);
}

/* ---- the master's own word */

void master_tasks_unreachable(struct master *master, struct master_agent *agent, const char *why)
{
	const struct verdict_on_task verdict = verdict_of(MESOS__TASK_STATE__TASK_UNREACHABLE,
							  MESOS__TASK_STATUS__REASON__REASON_SLAVE_REMOVED, why);
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
		complete(master, task);
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

static void add_used(const struct master_agent *agent, const struct master_framework *framework, struct resources *out)
{
	for (const struct master_task *task = agent->tasks; task != NULL; task = task->next) {
		struct resources own = {.items = NULL};
		if ((framework != NULL && task->framework != framework) || task->unreachable)
			continue;
		shape_take_resources(&own, task->task->resources, task->task->n_resources);
		resources_add(out, &own);
		resources_clear(&own);
	}
}

void master_used(const struct master *master, const struct master_agent *agent,
		 const struct master_framework *framework, struct resources *out)
{
	if (agent != NULL) {
		add_used(agent, framework, out);
		return;
	}
	for (agent = master->agents; agent != NULL; agent = agent->next)
		add_used(agent, framework, out);
}
