/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/outgoing/changed.h"

#include <string.h>

#include "orchestrator/output.h"

/* Texts as they come from a master: what is no UTF-8 in them is replaced, and not left out. */
static json_t *named(const char *id, const char *name)
{
	json_t *object = json_object();

	json_object_set_new(object, "id", output_text(id));
	if (name)
		json_object_set_new(object, "name", output_text(name));
	return object;
}

static bool lists(const json_t *frameworks, const json_t *id)
{
	const json_t *framework;
	size_t i;

	json_array_foreach(frameworks, i, framework) if (json_equal(json_object_get(framework, "id"), id)) return true;
	return false;
}

static void add_framework(json_t *frameworks, const struct master_snapshot *snapshot, const char *id)
{
	const struct framework_view *found = NULL;

	for (size_t i = 0; i < snapshot->framework_count && !found; i++)
		if (strcmp(snapshot->frameworks[i].id, id) == 0)
			found = &snapshot->frameworks[i];
	json_t *object = named(id, found ? found->name : NULL);
	if (found && found->role)
		json_object_set_new(object, "role", output_text(found->role));
	if (!lists(frameworks, json_object_get(object, "id")))
		json_array_append(frameworks, object);
	json_decref(object);
}

static void add_tasks(json_t *body, const char *agent_id, const struct master_snapshot *snapshot)
{
	json_t *tasks = json_object_get(body, "tasks"), *frameworks = json_object_get(body, "frameworks");

	for (size_t i = 0; i < snapshot->task_count; i++) {
		const struct task_view *task = &snapshot->tasks[i];

		if (strcmp(task->agent_id, agent_id) != 0 || strcmp(task->state, "TASK_RUNNING") != 0)
			continue;
		json_t *object = named(task->id, task->name);
		json_object_set_new(object, "framework", output_text(task->framework_id));
		json_array_append_new(tasks, object);
		add_framework(frameworks, snapshot, task->framework_id);
	}
}

json_t *changed_agent_event(const struct changed_agent *agent, const struct master_snapshot *snapshot)
{
	unsigned parts = agent->before ? slaveinfo_diff(agent->before, agent->after) : 0;

	if (!agent->reverted && agent->before && parts == 0)
		return NULL;
	json_t *body = json_pack("{s:s*, s:o, s:s*, s:b, s:o, s:o, s:[], s:[]}", "cluster", agent->cluster, "hostname",
				 output_text(agent->hostname), "operation", agent->operation, "reverted",
				 agent->reverted, "changed", slaveinfo_parts_to_json(parts), "slave_info",
				 slaveinfo_to_json(agent->after), "tasks", "frameworks");
	if (body && snapshot)
		add_tasks(body, agent->agent_id, snapshot);
	return body;
}
