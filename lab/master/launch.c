/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's frameworks, and the tasks they launch on every new agent. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "lab/core/wire.h"
#include "lab/master/master.h"
#include "lab/master/scheduler.h"
#include "mesos/pb.h"

/* What a task of the lab takes: two of them use more than half of an agent's memory, so that lowering it is felt. */
#define TASK_CPUS     0.5
#define TASK_MEM      1024
#define EXECUTOR_CPUS 0.1
#define EXECUTOR_MEM  32

/* The lab's frameworks, in turn for an agent's tasks. The last one does not checkpoint. */
static const struct framework_shape lab_frameworks[] = {
	{"web", "*", true, true},
	{"batch", "*", true, false},
	{"scratch", "*", false, true},
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

bool master_framework_is_active(const struct master_framework *framework)
{
	return !framework->completed && (framework->scheduler == NULL || framework->scheduler->stream != NULL);
}

static void add_capability(Mesos__FrameworkInfo *info, Mesos__FrameworkInfo__Capability__Type type)
{
	Mesos__FrameworkInfo__Capability *capability = pb_new(&mesos__framework_info__capability__descriptor);
	capability->has_type = true;
	capability->type = type;
	PB_APPEND(info->capabilities, info->n_capabilities, capability);
}

void master_framework_make(struct master *master, size_t index, const struct framework_shape *shape)
{
	struct master_framework *framework = xcalloc(1, sizeof(*framework));
	Mesos__FrameworkInfo *info = pb_new(&mesos__framework_info__descriptor);
	info->user = xstrdup(master->lab->user);
	info->name = xstrdup(shape->name);
	info->id = pb_new(&mesos__framework_id__descriptor);
	info->id->value = xasprintf("%s-%04zu", master->framework_origin, index);
	info->has_checkpoint = true;
	info->checkpoint = shape->checkpoint;
	info->role = xstrdup(shape->role);
	add_capability(info, MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__RESERVATION_REFINEMENT);
	add_capability(info, MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__TASK_KILLING_STATE);
	if (shape->partition_aware)
		add_capability(info, MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE);
	*framework = (struct master_framework){.next = master->frameworks, .info = info, .registered = master_now()};
	master->frameworks = framework;
}

void master_make_frameworks(struct master *master)
{
	size_t wanted = master->lab->loose_tasks_per_agent > 0 ? FRAMEWORKS : CHECKPOINTING;
	if (master_likeness_frameworks(master))
		return;
	for (size_t i = 0; i < wanted; i++)
		master_framework_make(master, i, &lab_frameworks[i]);
}

void master_frameworks_free(struct master *master)
{
	while (master->frameworks != NULL) {
		struct master_framework *framework = master->frameworks;
		master->frameworks = framework->next;
		scheduler_free(framework->scheduler);
		pb_free(framework->info);
		free(framework);
	}
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

Mesos__Task *master_task_make(const struct master_framework *framework, const struct master_agent *agent,
			      const char *name)
{
	char hex[RANDOM_ID_SIZE];
	Mesos__Task *task = pb_new(&mesos__task__descriptor);
	random_id(hex);
	task->task_id = pb_new(&mesos__task_id__descriptor);
	task->task_id->value = xasprintf("%s.%.8s", framework->info->name, hex);
	task->name = xstrdup(name);
	task->framework_id = pb_copy(framework->info->id);
	task->slave_id = pb_new(&mesos__slave_id__descriptor);
	task->slave_id->value = xstrdup(agent->id);
	task->state = MESOS__TASK_STATE__TASK_STAGING;
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
	Mesos__Task *task = master_task_make(framework, agent, framework->info->name);
	add_scalar(&task->resources, &task->n_resources, "cpus", TASK_CPUS);
	add_scalar(&task->resources, &task->n_resources, "mem", TASK_MEM);
	master_task_launch(master, agent, framework, task);
}

void master_task_launch(struct master *master, struct master_agent *agent, struct master_framework *framework,
			Mesos__Task *task)
{
	Mesos__ExecutorInfo *executor = make_executor(task);
	link_send(agent->link, json_pack("{ss so so so}", "type", "launch", "framework", wire_pack(framework->info),
					 "executor", wire_pack(executor), "task", wire_pack(task)));
	master->counters.launches++;
	master_task_add(framework, agent, task);
	pb_free(executor);
}

void master_launch_tasks(struct master *master, struct master_agent *agent)
{
	if (master_likeness_launch(master, agent))
		return;
	for (int64_t i = 0; i < master->lab->tasks_per_agent; i++)
		launch(master, agent, lab_frameworks[i % CHECKPOINTING].name);
	for (int64_t i = 0; i < master->lab->loose_tasks_per_agent; i++)
		launch(master, agent, lab_frameworks[FRAMEWORKS - 1].name);
}
