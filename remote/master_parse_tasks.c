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

static int take_task(struct master_reading *reading, const struct master_item *item, bool completed, struct error *err)
{
	const Mesos__Task *task = item->message;
	const char *state = pb_enum_name(&mesos__task_state__descriptor, (int)task->state);
	if (state == NULL)
		return error_set(err, ERROR_CORRUPT, "%s: %s (%s) is in a state nobody knows: %d", reading->url,
				 item->where, task->task_id->value, (int)task->state);
	struct task_view view = {
		.id = xstrdup(task->task_id->value),
		.name = xstrdup(task->name),
		.framework_id = xstrdup(task->framework_id->value),
		.executor_id = xstrdup(task->executor_id != NULL ? task->executor_id->value : ""),
		.agent_id = xstrdup(task->slave_id->value),
		.state = xstrdup(state),
		.reason = reason_of(task),
	};
	int result = reading->taker->task(reading->taker->ctx, &view, completed, err);
	task_view_clear(&view);
	return result < 0 ? error_prefix(err, "%s", reading->url) : 0;
}

static int add_task(struct master_reading *reading, const struct master_item *item, struct error *err)
{
	return take_task(reading, item, false, err);
}

static int add_completed(struct master_reading *reading, const struct master_item *item, struct error *err)
{
	return take_task(reading, item, true, err);
}

static const struct master_items task_items[] = {
	{"pending_tasks", 1, &mesos__task__descriptor, add_task, false},
	{"tasks", 2, &mesos__task__descriptor, add_task, false},
	{"completed_tasks", 3, &mesos__task__descriptor, add_completed, false},
	{"orphan_tasks", 4, &mesos__task__descriptor, add_task, false},
	{"unreachable_tasks", 5, &mesos__task__descriptor, add_task, false},
	{.descriptor = NULL},
};

static const struct json_split_rule task_rules[] = {
	{"get_tasks.pending_tasks.*", 0},     {"get_tasks.tasks.*", 1},
	{"get_tasks.completed_tasks.*", 2},   {"get_tasks.orphan_tasks.*", 3},
	{"get_tasks.unreachable_tasks.*", 4},
};

const struct master_call master_get_tasks = {
	.type = "GET_TASKS",
	.type_number = MESOS__MASTER__RESPONSE__TYPE__GET_TASKS,
	.member = "get_tasks",
	.member_number = 13,
	.items = task_items,
	.rules = task_rules,
	.rule_count = sizeof(task_rules) / sizeof(task_rules[0]),
};

/* ---- frameworks */

static bool has_capability(const Mesos__FrameworkInfo *info, Mesos__FrameworkInfo__Capability__Type type)
{
	for (size_t i = 0; i < info->n_capabilities; i++) {
		if (info->capabilities[i]->type == type)
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

static int add_framework(struct master_reading *reading, const struct master_item *item, struct error *err)
{
	const Mesos__Master__Response__GetFrameworks__Framework *framework = item->message;
	const Mesos__FrameworkInfo *info = framework->framework_info;
	if (info->id == NULL)
		return error_set(err, ERROR_CORRUPT, "%s: %s (%s) has no ID", reading->url, item->where, info->name);
	struct framework_view view = {
		.id = xstrdup(info->id->value),
		.name = xstrdup(info->name),
		.role = xstrdup(first_role(info)),
		.active = framework->active,
		.checkpoint = info->has_checkpoint && info->checkpoint,
		.partition_aware = has_capability(info, MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE),
		.region_aware = has_capability(info, MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__REGION_AWARE),
	};
	int result = reading->taker->framework(reading->taker->ctx, &view, err);
	framework_view_clear(&view);
	return result < 0 ? error_prefix(err, "%s", reading->url) : 0;
}

static const struct master_items framework_items[] = {
	{"frameworks", 1, &mesos__master__response__get_frameworks__framework__descriptor, add_framework, false},
	{.descriptor = NULL},
};

static const struct json_split_rule framework_rules[] = {
	{"get_frameworks.frameworks.*", 0},
	{"get_frameworks.frameworks.*.allocated_resources", JSON_SPLIT_DROP},
	{"get_frameworks.frameworks.*.offered_resources", JSON_SPLIT_DROP},
	{"get_frameworks.frameworks.*.offers", JSON_SPLIT_DROP},
	{"get_frameworks.completed_frameworks", JSON_SPLIT_DROP},
	{"get_frameworks.recovered_frameworks", JSON_SPLIT_DROP},
};

const struct master_call master_get_frameworks = {
	.type = "GET_FRAMEWORKS",
	.type_number = MESOS__MASTER__RESPONSE__TYPE__GET_FRAMEWORKS,
	.member = "get_frameworks",
	.member_number = 11,
	.items = framework_items,
	.rules = framework_rules,
	.rule_count = sizeof(framework_rules) / sizeof(framework_rules[0]),
};
