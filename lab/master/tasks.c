/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "lab/core/shapes.h"
#include "lab/core/wire.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

/* What a task of the lab takes: two of them use more than half of an agent's memory, so that lowering it is felt. */
#define TASK_CPUS     0.5
#define TASK_MEM      1024
#define EXECUTOR_CPUS 0.1
#define EXECUTOR_MEM  32

/* The lab's frameworks, in turn for an agent's tasks. The last one does not checkpoint. */
static const struct {
	const char *name;
	bool checkpoint;
	bool partition_aware;
} lab_frameworks[] = {
	{"web", true, true},
	{"batch", true, false},
	{"scratch", false, true},
};
#define CHECKPOINTING 2
#define FRAMEWORKS    (sizeof(lab_frameworks) / sizeof(lab_frameworks[0]))

struct master_framework *master_framework_find(const struct master *master, const char *id)
{
	for (struct master_framework *framework = master->frameworks; framework != NULL; framework = framework->next) {
		if (strcmp(framework->info->id->value, id) == 0)
			return framework;
	}
	return NULL;
}

static void add_capability(Mesos__FrameworkInfo *info, Mesos__FrameworkInfo__Capability__Type type)
{
	Mesos__FrameworkInfo__Capability *capability = pb_new(&mesos__framework_info__capability__descriptor);
	capability->has_type = true;
	capability->type = type;
	PB_APPEND(info->capabilities, info->n_capabilities, capability);
}

static void make_framework(struct master *master, size_t index)
{
	struct master_framework *framework = xcalloc(1, sizeof(*framework));
	Mesos__FrameworkInfo *info = pb_new(&mesos__framework_info__descriptor);
	info->user = xstrdup(master->lab->user);
	info->name = xstrdup(lab_frameworks[index].name);
	info->id = pb_new(&mesos__framework_id__descriptor);
	info->id->value = xasprintf("%s-%04zu", master->framework_origin, index);
	info->has_checkpoint = true;
	info->checkpoint = lab_frameworks[index].checkpoint;
	info->role = xstrdup("*");
	add_capability(info, MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__RESERVATION_REFINEMENT);
	add_capability(info, MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__TASK_KILLING_STATE);
	if (lab_frameworks[index].partition_aware)
		add_capability(info, MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE);
	*framework = (struct master_framework){.next = master->frameworks, .info = info, .registered = master_now()};
	master->frameworks = framework;
}

void master_make_frameworks(struct master *master)
{
	size_t wanted = master->lab->loose_tasks_per_agent > 0 ? FRAMEWORKS : CHECKPOINTING;
	for (size_t i = 0; i < wanted; i++)
		make_framework(master, i);
}

static void task_free(struct master_task *task)
{
	pb_free(task->task);
	free(task);
}

void master_free_tasks(struct master *master)
{
	struct master_task *lists[2] = {master->tasks, master->completed};
	for (size_t i = 0; i < 2; i++) {
		while (lists[i] != NULL) {
			struct master_task *task = lists[i];
			lists[i] = task->next;
			task_free(task);
		}
	}
	while (master->frameworks != NULL) {
		struct master_framework *framework = master->frameworks;
		master->frameworks = framework->next;
		pb_free(framework->info);
		free(framework);
	}
	master->tasks = master->completed = NULL;
}

static struct master_task *task_find(const struct master *master, const char *framework_id, const char *task_id)
{
	for (struct master_task *task = master->tasks; task != NULL; task = task->next) {
		if (strcmp(task->task->task_id->value, task_id) == 0 &&
		    strcmp(task->framework->info->id->value, framework_id) == 0)
			return task;
	}
	return NULL;
}

/* Takes message. */
static void add_task(struct master *master, struct master_framework *framework, struct master_agent *agent,
		     Mesos__Task *message)
{
	struct master_task *task = xcalloc(1, sizeof(*task));
	*task = (struct master_task){.next = master->tasks, .framework = framework, .agent = agent, .task = message};
	master->tasks = task;
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
	for (struct master_task **at = &master->tasks; *at != NULL; at = &(*at)->next) {
		if (*at != task)
			continue;
		*at = task->next;
		break;
	}
	task->agent = NULL;
	task->next = master->completed;
	master->completed = task;
	forget_oldest_completed(master);
}

static bool is_terminal(Mesos__TaskState state)
{
	switch (state) {
	case MESOS__TASK_STATE__TASK_FINISHED:
	case MESOS__TASK_STATE__TASK_FAILED:
	case MESOS__TASK_STATE__TASK_KILLED:
	case MESOS__TASK_STATE__TASK_ERROR:
	case MESOS__TASK_STATE__TASK_LOST:
	case MESOS__TASK_STATE__TASK_DROPPED:
	case MESOS__TASK_STATE__TASK_GONE:
		return true;
	default:
		return false;
	}
}

/* The master's own word on a task. */
static void set_state(struct master_task *task, Mesos__TaskState state, Mesos__TaskStatus__Reason reason)
{
	Mesos__TaskStatus *status = pb_new(&mesos__task_status__descriptor);
	status->task_id = pb_copy(task->task->task_id);
	status->slave_id = pb_copy(task->task->slave_id);
	status->state = state;
	status->has_timestamp = true;
	status->timestamp = master_now();
	status->has_source = true;
	status->source = MESOS__TASK_STATUS__SOURCE__SOURCE_MASTER;
	status->has_reason = true;
	status->reason = reason;
	PB_APPEND(task->task->statuses, task->task->n_statuses, status);
	task->task->state = state;
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

static Mesos__TaskState lost_or(const struct master_task *task, Mesos__TaskState aware)
{
	return partition_aware(task) ? aware : MESOS__TASK_STATE__TASK_LOST;
}

/* ---- launching */

static void add_scalar(Mesos__Resource ***resources, size_t *count, const char *name, double value)
{
	Mesos__Resource *resource = pb_new(&mesos__resource__descriptor);
	resource->name = xstrdup(name);
	resource->type = MESOS__VALUE__TYPE__SCALAR;
	resource->scalar = pb_new(&mesos__value__scalar__descriptor);
	resource->scalar->value = value;
	resource->role = xstrdup("*");
	resource->allocation_info = pb_new(&mesos__resource__allocation_info__descriptor);
	resource->allocation_info->role = xstrdup("*");
	PB_APPEND(*resources, *count, resource);
}

static Mesos__Task *make_task(const struct master_framework *framework, const struct master_agent *agent)
{
	char hex[RANDOM_ID_SIZE];
	Mesos__Task *task = pb_new(&mesos__task__descriptor);
	random_id(hex);
	task->task_id = pb_new(&mesos__task_id__descriptor);
	task->task_id->value = xasprintf("%s.%.8s", framework->info->name, hex);
	task->name = xstrdup(framework->info->name);
	task->framework_id = pb_copy(framework->info->id);
	task->slave_id = pb_new(&mesos__slave_id__descriptor);
	task->slave_id->value = xstrdup(agent->id);
	task->state = MESOS__TASK_STATE__TASK_STAGING;
	add_scalar(&task->resources, &task->n_resources, "cpus", TASK_CPUS);
	add_scalar(&task->resources, &task->n_resources, "mem", TASK_MEM);
	return task;
}

static Mesos__ExecutorInfo *make_executor(const Mesos__Task *task)
{
	Mesos__ExecutorInfo *executor = pb_new(&mesos__executor_info__descriptor);
	executor->executor_id = pb_new(&mesos__executor_id__descriptor);
	executor->executor_id->value = xstrdup(task->task_id->value);
	executor->framework_id = pb_copy(task->framework_id);
	executor->name = xasprintf("Command Executor (Task: %s) (Command: sh -c 'sleep 86400')", task->task_id->value);
	executor->source = xstrdup(task->task_id->value);
	executor->command = pb_new(&mesos__command_info__descriptor);
	executor->command->value = xstrdup("/usr/libexec/mesos/mesos-executor");
	executor->command->has_shell = true;
	char *name = xstrdup("mesos-executor");
	PB_APPEND(executor->command->arguments, executor->command->n_arguments, name);
	add_scalar(&executor->resources, &executor->n_resources, "cpus", EXECUTOR_CPUS);
	add_scalar(&executor->resources, &executor->n_resources, "mem", EXECUTOR_MEM);
	return executor;
}

static void launch(struct master *master, struct master_agent *agent, const char *name)
{
	struct master_framework *framework = master->frameworks;
	while (framework != NULL && strcmp(framework->info->name, name) != 0)
		framework = framework->next;
	if (framework == NULL)
		return;
	Mesos__Task *task = make_task(framework, agent);
	Mesos__ExecutorInfo *executor = make_executor(task);
	link_send(agent->link, json_pack("{ss so so so}", "type", "launch", "framework", wire_pack(framework->info),
					 "executor", wire_pack(executor), "task", wire_pack(task)));
	add_task(master, framework, agent, task);
	pb_free(executor);
}

void master_launch_tasks(struct master *master, struct master_agent *agent)
{
	for (int64_t i = 0; i < master->lab->tasks_per_agent; i++)
		launch(master, agent, lab_frameworks[i % CHECKPOINTING].name);
	for (int64_t i = 0; i < master->lab->loose_tasks_per_agent; i++)
		launch(master, agent, lab_frameworks[FRAMEWORKS - 1].name);
}

/* ---- what agents say of tasks */

void master_update(struct master *master, struct master_agent *agent, const json_t *update)
{
	const char *framework_id = json_string_value(json_object_get(update, "framework"));
	Mesos__TaskStatus *status = wire_unpack(&mesos__task_status__descriptor, json_object_get(update, "status"));
	struct master_task *task = NULL;
	if (status != NULL && framework_id != NULL)
		task = task_find(master, framework_id, status->task_id->value);
	if (task == NULL || task->agent != agent) {
		pb_free(status);
		return;
	}
	task->task->state = status->state;
	PB_APPEND(task->task->statuses, task->task->n_statuses, status);
	if (is_terminal(status->state))
		complete(master, task);
}

static struct master_framework *framework_of(struct master *master, const json_t *packed)
{
	Mesos__FrameworkInfo *info = wire_unpack(&mesos__framework_info__descriptor, packed);
	struct master_framework *framework = info != NULL && info->id != NULL
						     ? master_framework_find(master, info->id->value)
						     : NULL;
	pb_free(info);
	return framework;
}

static void take_task(struct master *master, struct master_agent *agent, const json_t *item)
{
	struct master_framework *framework = framework_of(master, json_object_get(item, "framework"));
	Mesos__Task *said = wire_unpack(&mesos__task__descriptor, json_object_get(item, "task"));
	if (framework == NULL || said == NULL) {
		pb_free(said);
		return;
	}
	struct master_task *known = task_find(master, framework->info->id->value, said->task_id->value);
	if (known == NULL) {
		add_task(master, framework, agent, said);
		return;
	}
	pb_free(known->task);
	known->task = said;
	known->agent = agent;
	known->unreachable = false;
}

static bool is_named(const json_t *tasks, const struct master_task *task)
{
	const json_t *item;
	size_t index;
	bool named = false;
	json_array_foreach(tasks, index, item)
	{
		Mesos__Task *said = wire_unpack(&mesos__task__descriptor, json_object_get(item, "task"));
		named |= said != NULL && strcmp(said->task_id->value, task->task->task_id->value) == 0 &&
			 strcmp(said->framework_id->value, task->framework->info->id->value) == 0;
		pb_free(said);
	}
	return named;
}

void master_reconcile(struct master *master, struct master_agent *agent, const json_t *tasks)
{
	const json_t *item;
	size_t index;
	for (struct master_task *task = master->tasks, *next; task != NULL; task = next) {
		next = task->next;
		if (task->agent != agent || is_named(tasks, task))
			continue;
		set_state(task, lost_or(task, MESOS__TASK_STATE__TASK_DROPPED),
			  MESOS__TASK_STATUS__REASON__REASON_RECONCILIATION);
		complete(master, task);
	}
	json_array_foreach(tasks, index, item) take_task(master, agent, item);
}

void master_tasks_unreachable(struct master *master, struct master_agent *agent)
{
	for (struct master_task *task = master->tasks; task != NULL; task = task->next) {
		if (task->agent != agent || task->unreachable)
			continue;
		set_state(task, lost_or(task, MESOS__TASK_STATE__TASK_UNREACHABLE),
			  MESOS__TASK_STATUS__REASON__REASON_SLAVE_REMOVED);
		task->unreachable = true;
	}
}

static void end_tasks(struct master *master, struct master_agent *agent, bool loose_only, Mesos__TaskState state,
		      Mesos__TaskStatus__Reason reason)
{
	for (struct master_task *task = master->tasks, *next; task != NULL; task = next) {
		next = task->next;
		if (task->agent != agent || (loose_only && task->framework->info->checkpoint))
			continue;
		set_state(task, lost_or(task, state), reason);
		complete(master, task);
	}
}

void master_tasks_disconnected(struct master *master, struct master_agent *agent)
{
	end_tasks(master, agent, true, MESOS__TASK_STATE__TASK_LOST,
		  MESOS__TASK_STATUS__REASON__REASON_SLAVE_DISCONNECTED);
}

void master_tasks_removed(struct master *master, struct master_agent *agent)
{
	end_tasks(master, agent, false, MESOS__TASK_STATE__TASK_GONE, MESOS__TASK_STATUS__REASON__REASON_SLAVE_REMOVED);
}

void master_used(const struct master *master, const struct master_agent *agent,
		 const struct master_framework *framework, struct resources *out)
{
	for (const struct master_task *task = master->tasks; task != NULL; task = task->next) {
		struct resources own = {.items = NULL};
		if ((agent != NULL && task->agent != agent) || (framework != NULL && task->framework != framework) ||
		    task->unreachable)
			continue;
		shape_take_resources(&own, task->task->resources, task->task->n_resources);
		resources_add(out, &own);
		resources_clear(&own);
	}
}
