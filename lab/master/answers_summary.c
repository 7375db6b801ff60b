/* SPDX-License-Identifier: Apache-2.0 */
/* /state-summary: counts in place of tasks. */
#include <string.h>

#include "lab/core/shapes.h"
#include "lab/master/master.h"

static void put_counts(const struct master *master, const struct master_agent *agent,
		       const struct master_framework *framework, struct writer *writer)
{
	static const char *const states[] = {"TASK_STAGING",  "TASK_STARTING",   "TASK_RUNNING", "TASK_KILLING",
					     "TASK_FINISHED", "TASK_KILLED",     "TASK_FAILED",  "TASK_LOST",
					     "TASK_ERROR",    "TASK_UNREACHABLE"};
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		int64_t count = 0;
		for (const struct master_task *task = master->tasks; task != NULL; task = task->next)
			count += (agent == NULL || task->agent == agent) &&
				 (framework == NULL || task->framework == framework) &&
				 strcmp(shape_task_state(task->task->state), states[i]) == 0;
		writer_put_int(writer, states[i], count);
	}
}

static bool runs_on(const struct master *master, const struct master_framework *framework,
		    const struct master_agent *agent)
{
	for (const struct master_task *task = master->tasks; task != NULL; task = task->next) {
		if (task->agent == agent && task->framework == framework)
			return true;
	}
	return false;
}

static void summarise_agent(const struct master *master, const struct master_agent *agent, struct writer *writer)
{
	writer_open(writer, '{');
	answer_put_agent(master, agent, writer);
	put_counts(master, agent, NULL, writer);
	writer_key(writer, "framework_ids");
	writer_open(writer, '[');
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next) {
		if (runs_on(master, framework, agent))
			writer_string(writer, framework->info->id->value);
	}
	writer_close(writer, ']');
	writer_close(writer, '}');
}

static void summarise_framework(const struct master *master, const struct master_framework *framework,
				struct writer *writer)
{
	writer_open(writer, '{');
	answer_put_framework(master, framework, writer);
	put_counts(master, NULL, framework, writer);
	writer_key(writer, "slave_ids");
	writer_open(writer, '[');
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (runs_on(master, framework, agent))
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
	     framework = framework->next)
		summarise_framework(master, framework, writer);
	writer_close(writer, ']');
	writer_close(writer, '}');
}
