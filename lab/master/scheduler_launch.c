/* SPDX-License-Identifier: Apache-2.0 */
/* LAUNCH in an ACCEPT: the tasks, each of which is valid and fits into what is left of the offers, or is not launched. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/master/scheduler.h"
#include "mesos/pb.h"
#include "mesos/resource.h"

#define TEXT_MAX (1u << 20)

typedef Mesos__Scheduler__TaskInfo info_t;

static int read_resources(const info_t *info, const char *role, Mesos__Task *task, struct error *err)
{
	for (size_t i = 0; i < info->n_resources; i++) {
		Mesos__Resource *resource = pb_copy(info->resources[i]);
		int result = resource_validate(resource, err);
		if (result == 0 && resource_is_empty(resource))
			result = error_set(err, ERROR_USAGE, "Task uses nothing of %s", resource->name);
		if (result < 0) {
			pb_free(resource);
			return -1;
		}
		pb_free(resource->allocation_info);
		resource->allocation_info = pb_new(&mesos__resource__allocation_info__descriptor);
		resource->allocation_info->role = xstrdup(role);
		PB_APPEND(task->resources, task->n_resources, resource);
	}
	return task->n_resources > 0 ? 0 : error_set(err, ERROR_USAGE, "Task uses no resources");
}

static bool id_in_use(const struct master *master, const struct master_framework *framework, const char *task_id)
{
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		for (const struct master_task *task = agent->tasks; task != NULL; task = task->next) {
			if (task->framework == framework && strcmp(task->task->task_id->value, task_id) == 0)
				return true;
		}
	}
	return false;
}

static int check_words(const struct scheduler_acceptance *acceptance, const info_t *info, struct error *err)
{
	const struct scheduler_call *call = acceptance->call;
	const char *id = info->task_id->value, *agent_id = info->agent_id->value;
	if (*id == '\0' || strchr(id, '/') != NULL || id[0] == '.')
		return error_set(err, ERROR_USAGE, "Task ID '%s' is empty or no file name", id);
	if (strcmp(agent_id, acceptance->agent->id) != 0)
		return error_set(err, ERROR_USAGE, "Task uses invalid agent %s while agent %s is expected", agent_id,
				 acceptance->agent->id);
	if (id_in_use(call->master, call->scheduler->framework, id))
		return error_set(err, ERROR_USAGE, "Task has duplicate ID: %s", id);
	return 0;
}

static int refuse_amount(const struct resources *used, const struct resources *left, struct error *err)
{
	struct buffer wanted = BUFFER_INIT(TEXT_MAX), there = BUFFER_INIT(TEXT_MAX);
	resources_to_text(used, &wanted);
	resources_to_text(left, &there);
	error_set(err, ERROR_USAGE, "Total resources %s required by task and its executor is more than available %s",
		  buffer_text(&wanted), buffer_text(&there));
	buffer_clear(&wanted);
	buffer_clear(&there);
	return -1;
}

/* Takes what the task uses out of what is left of the offers. */
static int take_resources(struct scheduler_acceptance *acceptance, const Mesos__Task *task, struct error *err)
{
	const struct resources given = {.items = task->resources, .count = task->n_resources};
	struct resources used = {.items = NULL};
	allocator_bare(&given, &used);
	int result = resources_contain(&acceptance->left, &used) ? 0 : refuse_amount(&used, &acceptance->left, err);
	for (size_t i = 0; i < used.count && result == 0; i++)
		resources_subtract(&acceptance->left, used.items[i]);
	resources_clear(&used);
	return result;
}

/* NULL with err when it is not valid. */
static Mesos__Task *read_task(struct scheduler_acceptance *acceptance, const info_t *info, struct error *err)
{
	if (check_words(acceptance, info, err) < 0)
		return NULL;
	Mesos__Task *task = master_task_make(acceptance->call->scheduler->framework, acceptance->agent, info->name);
	pb_set_string(&task->task_id->value, info->task_id->value);
	if (read_resources(info, acceptance->role, task, err) == 0 && take_resources(acceptance, task, err) == 0)
		return task;
	pb_free(task);
	return NULL;
}

static void say_wrong(const struct scheduler_acceptance *acceptance, const info_t *info, const char *text)
{
	const struct scheduler_call *call = acceptance->call;
	bool aware = scheduler_has(call->scheduler->framework,
				   MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE);
	struct scheduler_word word = {.task_id = info->task_id->value,
				      .agent_id = info->agent_id->value,
				      .text = text,
				      .state = MESOS__TASK_STATE__TASK_ERROR,
				      .reason = MESOS__TASK_STATUS__REASON__REASON_TASK_INVALID};
	if (acceptance->agent == NULL) {
		word.state = aware ? MESOS__TASK_STATE__TASK_DROPPED : MESOS__TASK_STATE__TASK_LOST;
		word.reason = MESOS__TASK_STATUS__REASON__REASON_INVALID_OFFERS;
	}
	scheduler_say(call->scheduler, &word);
}

void scheduler_launch(struct scheduler_acceptance *acceptance, const Mesos__Scheduler__TaskInfo *info)
{
	const struct scheduler_call *call = acceptance->call;
	struct error err = ERROR_INIT;
	if (acceptance->agent == NULL) {
		char *text = xasprintf("Task launched with invalid offers: %s", acceptance->wrong);
		say_wrong(acceptance, info, text);
		free(text);
		return;
	}
	Mesos__Task *task = read_task(acceptance, info, &err);
	if (task != NULL)
		master_task_launch(call->master, acceptance->agent, call->scheduler->framework, task);
	else
		say_wrong(acceptance, info, err.text);
}
