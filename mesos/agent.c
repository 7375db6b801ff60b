/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/agent.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static char *copy_text(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

void agent_view_clear(struct agent_view *agent)
{
	free(agent->id);
	free(agent->hostname);
	free(agent->ip);
	free(agent->version);
	slaveinfo_free(agent->info);
	resources_clear(&agent->total);
	resources_clear(&agent->used);
	memset(agent, 0, sizeof(*agent));
}

void agent_view_copy(struct agent_view *to, const struct agent_view *from)
{
	*to = *from;
	to->id = copy_text(from->id);
	to->hostname = copy_text(from->hostname);
	to->ip = copy_text(from->ip);
	to->version = copy_text(from->version);
	to->info = slaveinfo_copy(from->info);
	to->total = (struct resources){NULL, 0};
	to->used = (struct resources){NULL, 0};
	resources_copy(&to->total, from->total.items, from->total.count);
	resources_copy(&to->used, from->used.items, from->used.count);
}

void task_view_clear(struct task_view *task)
{
	free(task->id);
	free(task->name);
	free(task->framework_id);
	free(task->executor_id);
	free(task->agent_id);
	free(task->state);
	free(task->reason);
	memset(task, 0, sizeof(*task));
}

void framework_view_clear(struct framework_view *framework)
{
	free(framework->id);
	free(framework->name);
	free(framework->role);
	memset(framework, 0, sizeof(*framework));
}

void master_facts_clear(struct master_facts *facts)
{
	free(facts->version);
	free(facts->id);
	free(facts->cluster);
	free(facts->region);
	free(facts->zone);
	free(facts->acls);
	free(facts->agent_removal_rate_limit);
	memset(facts, 0, sizeof(*facts));
}
