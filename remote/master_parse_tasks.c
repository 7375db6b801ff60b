/* SPDX-License-Identifier: Apache-2.0 */
/* GET_TASKS and GET_FRAMEWORKS. Unlike /state they say why a task ended. */
#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "remote/master_parse.h"
#include "schema/mesos.pb-c.h"

/* ---- tasks */

/* Of the status that made the task's state: others may follow after its end, with reasons that are not its own. */
static char *reason_of(const Mesos__Task *task)
{
	const char *name = NULL;
	for (size_t i = 0; i < task->n_statuses; i++) {
		const Mesos__TaskStatus *status = task->statuses[i];
		if (status->state == task->state && status->has_reason)
			name = pb_enum_name(&mesos__task_status__reason__descriptor, (int)status->reason);
	}
	return xstrdup(name != NULL ? name : "");
}

static int append_task(const struct master_body *body, const char *where, const Mesos__Task *task,
		       struct task_view **tasks, size_t *count, struct error *err)
{
	const char *state = pb_enum_name(&mesos__task_state__descriptor, (int)task->state);
	if (state == NULL)
		return error_set(err, ERROR_CORRUPT, "%s: %s (%s) is in a state nobody knows: %d", body->url, where,
				 task->task_id->value, (int)task->state);
	*tasks = xreallocarray(*tasks, *count + 1, sizeof(**tasks));
	(*tasks)[(*count)++] = (struct task_view){
		.id = xstrdup(task->task_id->value),
		.name = xstrdup(task->name),
		.framework_id = xstrdup(task->framework_id->value),
		.executor_id = xstrdup(task->executor_id != NULL ? task->executor_id->value : ""),
		.agent_id = xstrdup(task->slave_id->value),
		.state = xstrdup(state),
		.reason = reason_of(task),
	};
	return 0;
}

static int add_task(const struct master_body *body, const char *where, void *task, struct master_snapshot *snapshot,
		    struct error *err)
{
	return append_task(body, where, task, &snapshot->tasks, &snapshot->task_count, err);
}

static int add_completed(const struct master_body *body, const char *where, void *task,
			 struct master_snapshot *snapshot, struct error *err)
{
	return append_task(body, where, task, &snapshot->completed, &snapshot->completed_count, err);
}

int master_parse_get_tasks(const struct master_body *body, struct master_snapshot *snapshot, struct error *err)
{
	static const struct master_items items[] = {
		{"pending_tasks", 1, &mesos__task__descriptor, add_task},
		{"tasks", 2, &mesos__task__descriptor, add_task},
		{"completed_tasks", 3, &mesos__task__descriptor, add_completed},
		{"orphan_tasks", 4, &mesos__task__descriptor, add_task},
		{"unreachable_tasks", 5, &mesos__task__descriptor, add_task},
		{.descriptor = NULL},
	};
	static const struct master_call call = {
		.type = "GET_TASKS",
		.type_number = MESOS__MASTER__RESPONSE__TYPE__GET_TASKS,
		.member = "get_tasks",
		.member_number = 13,
		.items = items,
	};
	return master_parse_call(&call, body, snapshot, err);
}

/* ---- frameworks */

static bool is_partition_aware(const Mesos__FrameworkInfo *info)
{
	for (size_t i = 0; i < info->n_capabilities; i++) {
		if (info->capabilities[i]->type == MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE)
			return true;
	}
	return false;
}

static const char *first_role(const Mesos__FrameworkInfo *info)
{
	if (info->n_roles > 0)
		return info->roles[0];
	return info->role != NULL ? info->role : "*";
}

static int add_framework(const struct master_body *body, const char *where, void *data,
			 struct master_snapshot *snapshot, struct error *err)
{
	const Mesos__Master__Response__GetFrameworks__Framework *framework = data;
	const Mesos__FrameworkInfo *info = framework->framework_info;
	if (info->id == NULL)
		return error_set(err, ERROR_CORRUPT, "%s: %s (%s) has no ID", body->url, where, info->name);
	snapshot->frameworks = xreallocarray(snapshot->frameworks, snapshot->framework_count + 1,
					     sizeof(*snapshot->frameworks));
	snapshot->frameworks[snapshot->framework_count++] = (struct framework_view){
		.id = xstrdup(info->id->value),
		.name = xstrdup(info->name),
		.role = xstrdup(first_role(info)),
		.active = framework->active,
		.checkpoint = info->has_checkpoint && info->checkpoint,
		.partition_aware = is_partition_aware(info),
	};
	return 0;
}

int master_parse_get_frameworks(const struct master_body *body, struct master_snapshot *snapshot, struct error *err)
{
	static const struct master_items items[] = {
		{"frameworks", 1, &mesos__master__response__get_frameworks__framework__descriptor, add_framework},
		{.descriptor = NULL},
	};
	static const struct master_call call = {
		.type = "GET_FRAMEWORKS",
		.type_number = MESOS__MASTER__RESPONSE__TYPE__GET_FRAMEWORKS,
		.member = "get_frameworks",
		.member_number = 11,
		.items = items,
	};
	return master_parse_call(&call, body, snapshot, err);
}
