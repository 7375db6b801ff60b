/* SPDX-License-Identifier: Apache-2.0 */
/* /state-summary: counts in place of tasks. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/core/shapes.h"
#include "lab/master/master.h"

static const Mesos__TaskState shown[] = {
	MESOS__TASK_STATE__TASK_STAGING,     MESOS__TASK_STATE__TASK_STARTING, MESOS__TASK_STATE__TASK_RUNNING,
	MESOS__TASK_STATE__TASK_KILLING,     MESOS__TASK_STATE__TASK_FINISHED, MESOS__TASK_STATE__TASK_KILLED,
	MESOS__TASK_STATE__TASK_FAILED,      MESOS__TASK_STATE__TASK_LOST,     MESOS__TASK_STATE__TASK_ERROR,
	MESOS__TASK_STATE__TASK_UNREACHABLE,
};

/* How many tasks, running, unreachable and completed, there are in each state. */
struct counts {
	int64_t of[MESOS__TASK_STATE__TASK_UNKNOWN + 1];
};

static void count(struct counts *counts, const struct master_task *task)
{
	counts->of[task->task->state]++;
}

static void put_counts(const struct counts *counts, struct writer *writer)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		writer_put_int(writer, shape_task_state(shown[i]), counts->of[shown[i]]);
}

/* The agent's own list, and what was completed on it. */
static bool belongs(const struct master_task *task, const struct master_agent *agent)
{
	return task->agent == agent || (task->agent == NULL && strcmp(task->task->slave_id->value, agent->id) == 0);
}

static bool ran_on(const struct master *master, const struct master_framework *framework,
		   const struct master_agent *agent)
{
	const struct master_task *lists[2] = {agent->tasks, master->completed};
	for (size_t i = 0; i < 2; i++) {
		for (const struct master_task *task = lists[i]; task != NULL; task = task->next) {
			if (task->framework == framework && belongs(task, agent))
				return true;
		}
	}
	return false;
}

static void summarise_agent(const struct master *master, const struct master_agent *agent, struct writer *writer)
{
	struct counts counts = {.of = {0}};
	for (const struct master_task *task = agent->tasks; task != NULL; task = task->next)
		count(&counts, task);
	for (const struct master_task *task = master->completed; task != NULL; task = task->next) {
		if (belongs(task, agent) && !task->framework->completed)
			count(&counts, task);
	}
	writer_open(writer, '{');
	answer_put_agent(master, agent, writer);
	put_counts(&counts, writer);
	writer_key(writer, "framework_ids");
	writer_open(writer, '[');
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next) {
		if (!framework->completed && ran_on(master, framework, agent))
			writer_string(writer, framework->info->id->value);
	}
	writer_close(writer, ']');
	writer_close(writer, '}');
}

static void count_framework(const struct master *master, const struct master_framework *framework,
			    struct counts *counts)
{
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		for (const struct master_task *task = agent->tasks; task != NULL; task = task->next) {
			if (task->framework == framework)
				count(counts, task);
		}
	}
	for (const struct master_task *task = master->completed; task != NULL; task = task->next) {
		if (task->framework == framework)
			count(counts, task);
	}
}

static void summarise_framework(const struct master *master, const struct master_framework *framework,
				struct writer *writer)
{
	struct counts counts = {.of = {0}};
	count_framework(master, framework, &counts);
	writer_open(writer, '{');
	answer_put_framework(master, framework, writer);
	put_counts(&counts, writer);
	writer_key(writer, "slave_ids");
	writer_open(writer, '[');
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (ran_on(master, framework, agent))
			writer_string(writer, agent->id);
	}
	writer_close(writer, ']');
	writer_close(writer, '}');
}

void answer_state_summary(const struct master *master, const struct master_query *query, struct writer *writer)
{
	writer_open(writer, '{');
	writer_put_string(writer, "hostname", master->ip);
	writer_put_string(writer, "cluster", "lab");
	writer_key(writer, "slaves");
	writer_open(writer, '[');
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (answer_wants_agent(agent, query))
			summarise_agent(master, agent, writer);
	}
	writer_close(writer, ']');
	writer_key(writer, "frameworks");
	writer_open(writer, '[');
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next) {
		if (!framework->completed)
			summarise_framework(master, framework, writer);
	}
	writer_close(writer, ']');
	writer_close(writer, '}');
}
