/* SPDX-License-Identifier: Apache-2.0 */
/* Frameworks, their executors and tasks in the agent's /state: those that run, and those that have ended. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/agent/agent.h"
#include "lab/core/shapes.h"

static void put_list(const struct agent_task *task, const char *key, bool shown, struct writer *writer)
{
	writer_key(writer, key);
	writer_open(writer, '[');
	if (shown)
		shape_task(writer, task->task);
	writer_close(writer, ']');
}

/* What a task uses counts as its executor's for as long as it runs. */
static void show_executor(const struct agent *agent, const struct agent_task *task, bool completed,
			  struct writer *writer)
{
	struct resources resources = {.items = NULL}, own = {.items = NULL};
	char *directory = xasprintf("%s/slaves/%s/frameworks/%s/executors/%s/runs/%s", agent->work_dir,
				    agent->info->id->value, task->framework->id->value,
				    task->executor->executor_id->value, task->container);
	shape_take_resources(&resources, task->executor->resources, task->executor->n_resources);
	if (!completed)
		shape_take_resources(&own, task->task->resources, task->task->n_resources);
	resources_add(&resources, &own);
	writer_open(writer, '{');
	writer_put_string(writer, "id", task->executor->executor_id->value);
	writer_put_string(writer, "name", task->executor->name != NULL ? task->executor->name : "");
	writer_put_string(writer, "source", task->executor->executor_id->value);
	writer_put_string(writer, "container", task->container);
	writer_put_string(writer, "directory", directory);
	writer_key(writer, "resources");
	shape_resources(writer, &resources, NULL);
	writer_put_string(writer, "role", "*");
	put_list(task, "tasks", !completed, writer);
	put_list(task, "queued_tasks", false, writer);
	put_list(task, "completed_tasks", completed, writer);
	writer_close(writer, '}');
	free(directory);
	resources_clear(&resources);
	resources_clear(&own);
}

static bool same_framework(const struct agent_task *a, const struct agent_task *b)
{
	return strcmp(a->framework->id->value, b->framework->id->value) == 0;
}

static const struct agent_task *first_of_framework(const struct agent_task *list, const struct agent_task *wanted)
{
	while (list != NULL && !same_framework(list, wanted))
		list = list->next;
	return list;
}

static void put_executors(const struct agent *agent, const struct agent_task *first, bool completed,
			  struct writer *writer)
{
	writer_key(writer, completed ? "completed_executors" : "executors");
	writer_open(writer, '[');
	for (const struct agent_task *task = completed ? agent->completed : agent->tasks; task != NULL;
	     task = task->next) {
		if (same_framework(task, first))
			show_executor(agent, task, completed, writer);
	}
	writer_close(writer, ']');
}

static void show_framework(const struct agent *agent, const struct agent_task *first, struct writer *writer)
{
	const Mesos__FrameworkInfo *framework = first->framework;
	writer_open(writer, '{');
	writer_put_string(writer, "id", framework->id->value);
	writer_put_string(writer, "name", framework->name);
	writer_put_string(writer, "user", framework->user);
	writer_put_number(writer, "failover_timeout", framework->failover_timeout);
	writer_put_bool(writer, "checkpoint", framework->checkpoint);
	writer_put_string(writer, "hostname", framework->hostname != NULL ? framework->hostname : "");
	writer_put_string(writer, "role", framework->role != NULL ? framework->role : "*");
	put_executors(agent, first, false, writer);
	put_executors(agent, first, true, writer);
	writer_close(writer, '}');
}

/* A framework is completed here when nothing of it runs. */
void agent_put_frameworks(const struct agent *agent, struct writer *writer)
{
	bool known = agent->info->id != NULL;
	writer_key(writer, "frameworks");
	writer_open(writer, '[');
	for (const struct agent_task *task = agent->tasks; task != NULL && known; task = task->next) {
		if (first_of_framework(agent->tasks, task) == task)
			show_framework(agent, task, writer);
	}
	writer_close(writer, ']');
	writer_key(writer, "completed_frameworks");
	writer_open(writer, '[');
	for (const struct agent_task *task = agent->completed; task != NULL && known; task = task->next) {
		if (first_of_framework(agent->completed, task) == task &&
		    first_of_framework(agent->tasks, task) == NULL)
			show_framework(agent, task, writer);
	}
	writer_close(writer, ']');
}
