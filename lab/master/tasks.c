/* SPDX-License-Identifier: Apache-2.0 */
/* What runs where: the book of tasks, and the agents' word on them. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/core/shapes.h"
#include "lab/core/wire.h"
#include "lab/master/master.h"
#include "lab/master/tasks.h"
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

static void forget_oldest_completed(struct master *master, struct master_framework *framework)
{
	struct master_task *oldest = NULL;
	if (++framework->completed_tasks <= MASTER_COMPLETED_TASKS_MAX)
		return;
	for (struct master_task *task = master->completed; task != NULL; task = task->next) {
		if (task->framework == framework)
			oldest = task;
	}
	unlink_task(&master->completed, oldest);
	task_free(oldest);
	framework->completed_tasks--;
}

void master_task_complete(struct master *master, struct master_task *task)
{
	unlink_task(&task->agent->tasks, task);
	task->agent->settled = false;
	task->agent = NULL;
	task->unreachable = false;
	task->next = master->completed;
	master->completed = task;
	forget_oldest_completed(master, task->framework);
}

void master_task_count(struct master *master, Mesos__TaskState state)
{
	if (task_state_is_terminal(state))
		master->counters.terminal[state]++;
}

/* ---- what agents say of tasks */

/* Also what it has been told already, until it says that it knows. */
static void forward(const struct master *master, const char *framework_id, const Mesos__TaskStatus *status)
{
	const struct master_framework *framework = master_framework_find(master, framework_id);
	if (framework != NULL)
		scheduler_update(framework, status);
}

/* What GET_TASKS shows of the last update that the agent has sent. */
static void say_forwarded(Mesos__Task *task, const Mesos__TaskStatus *status)
{
	task->has_status_update_state = true;
	task->status_update_state = status->state;
	free(task->status_update_uuid.data);
	task->has_status_update_uuid = status->has_uuid;
	task->status_update_uuid = (ProtobufCBinaryData){.data = NULL};
	if (status->has_uuid) {
		task->status_update_uuid.len = status->uuid.len;
		task->status_update_uuid.data = xmemdup(status->uuid.data, status->uuid.len);
	}
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
	say_forwarded(task->task, status);
	PB_APPEND(task->task->statuses, task->task->n_statuses, status);
	if (!task_state_is_terminal(status->state))
		return;
	master_task_count(master, status->state);
	master_task_complete(master, task);
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
		task->framework->completed_tasks--;
		task_free(task);
		return;
	}
}

/* Its agent is back, and with it the task. */
static void say_returned(const struct master_framework *framework, const Mesos__Task *task, const char *returned)
{
	Mesos__TaskStatus *status = master_word(task, task->state);
	const Mesos__TaskStatus *last = task->n_statuses > 0 ? task->statuses[task->n_statuses - 1] : NULL;
	status->has_reason = true;
	status->reason = MESOS__TASK_STATUS__REASON__REASON_SLAVE_REREGISTERED;
	status->message = xstrdup(returned);
	if (last != NULL && last->container_status != NULL)
		status->container_status = pb_copy(last->container_status);
	scheduler_update(framework, status);
	pb_free(status);
}

static void kill_orphan(const struct master_agent *agent, const Mesos__Task *task)
{
	if (agent->link != NULL)
		link_send(agent->link, json_pack("{ss ss ss}", "type", "kill", "framework", task->framework_id->value,
						 "task", task->task_id->value));
}

/* Takes said. The master goes on with what it has of a task of an agent that it had not given up. */
static void place_task(struct master *master, struct master_agent *agent, struct master_framework *framework,
		       Mesos__Task *said)
{
	struct master_task *known = task_find(agent, framework->info->id->value, said->task_id->value);
	if (known == NULL) {
		forget_completed(master, framework->info->id->value, said->task_id->value);
		master_task_add(framework, agent, said);
	} else if (!known->unreachable && known->task->state == said->state) {
		pb_free(said);
	} else {
		pb_free(known->task);
		known->task = said;
		known->unreachable = false;
		agent->settled = false;
	}
}

static void take_task(struct master *master, struct master_agent *agent, const json_t *item, const char *returned)
{
	struct master_framework *framework = framework_of(master, json_object_get(item, "framework"));
	Mesos__Task *said = wire_unpack(&mesos__task__descriptor, json_object_get(item, "task"));
	if (framework == NULL || said == NULL) {
		pb_free(said);
	} else if (framework->completed) {
		kill_orphan(agent, said);
		pb_free(said);
	} else {
		if (returned != NULL)
			say_returned(framework, said, returned);
		place_task(master, agent, framework, said);
	}
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

void master_tasks_archived(struct master *master, const json_t *tasks)
{
	const json_t *item;
	size_t index;
	json_array_foreach(tasks, index, item)
	{
		Mesos__Task *said = wire_unpack(&mesos__task__descriptor, item);
		struct master_framework *framework = said != NULL
							     ? master_framework_find(master, said->framework_id->value)
							     : NULL;
		if (framework == NULL || framework->completed) {
			pb_free(said);
			continue;
		}
		struct master_task *task = xcalloc(1, sizeof(*task));
		*task = (struct master_task){.next = master->completed, .framework = framework, .task = said};
		master->completed = task;
		forget_oldest_completed(master, framework);
	}
}

void master_reconcile(struct master *master, struct master_agent *agent, const json_t *tasks, const char *returned)
{
	const json_t *item;
	size_t index;
	for (struct master_task *task = agent->tasks, *next; task != NULL; task = next) {
		next = task->next;
		if (!is_named(tasks, task))
			master_task_dropped(master, task);
	}
	json_array_foreach(tasks, index, item) take_task(master, agent, item, returned);
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
