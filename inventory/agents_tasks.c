/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and frameworks in the database: the part of agents.h that is about what runs on agents. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/agents.h"
#include "inventory/agents_internal.h"

static char *copy_column(const struct store_cursor *rows, int column)
{
	const char *text = store_text(rows, column);

	return xstrdup(text ? text : "");
}

void agent_tasks_clear(struct agent_tasks *tasks)
{
	for (size_t i = 0; i < tasks->count; i++) {
		task_view_clear(&tasks->items[i].task);
		free(tasks->items[i].framework_name);
	}
	free(tasks->items);
	*tasks = (struct agent_tasks){NULL, 0};
}

static void read_task(const struct store_cursor *rows, struct agent_task *out)
{
	*out = (struct agent_task){
		.task = {.agent_id = copy_column(rows, 0),
			 .framework_id = copy_column(rows, 1),
			 .id = copy_column(rows, 2),
			 .name = copy_column(rows, 3),
			 .executor_id = copy_column(rows, 4),
			 .state = copy_column(rows, 5),
			 .reason = copy_column(rows, 6)},
		.framework_name = copy_column(rows, 7),
		.framework_checkpoints = store_int(rows, 8) != 0,
	};
}

int agents_tasks(struct store *store, int64_t cluster, const char *agent_id, struct agent_tasks *out, struct error *err)
{
	struct agent_tasks tasks = {NULL, 0};
	struct store_cursor rows;
	int more;

	if (store_query(
		    store, &rows, err,
		    "SELECT t.agent, t.framework, t.id, t.name, t.executor, t.state, t.reason, ifnull(f.name, ''), "
		    "f.checkpoint FROM tasks t LEFT JOIN frameworks f ON f.cluster = t.cluster AND f.id = t.framework "
		    "WHERE t.cluster = ?1 AND t.agent = ?2 ORDER BY t.framework, t.id",
		    "it", cluster, agent_id) < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		tasks.items = xreallocarray(tasks.items, tasks.count + 1, sizeof(*tasks.items));
		read_task(&rows, &tasks.items[tasks.count++]);
	}
	store_done(&rows);
	if (more < 0) {
		agent_tasks_clear(&tasks);
		return -1;
	}
	*out = tasks;
	return 0;
}

/* The answer's tasks, in a temporary table: the differences can then be moved by two statements. */
static int fill_tasks_now(struct store *store, const struct agents_answer *answer, struct error *err)
{
	if (store_run(store, err,
		      "CREATE TEMP TABLE IF NOT EXISTS tasks_now (agent TEXT, framework TEXT, id TEXT, name TEXT, "
		      "executor "
		      "TEXT, state TEXT, reason TEXT, PRIMARY KEY (agent, framework, id)) WITHOUT ROWID",
		      "") < 0 ||
	    store_run(store, err, "DELETE FROM temp.tasks_now", "") < 0)
		return -1;
	for (size_t i = 0; i < answer->task_count; i++) {
		const struct task_view *task = &answer->tasks[i];

		if (store_run(store, err, "INSERT OR REPLACE INTO temp.tasks_now VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
			      "ttttttt", task->agent_id, task->framework_id, task->id, task->name, task->executor_id,
			      task->state, task->reason) < 0)
			return -1;
	}
	return 0;
}

int agents_sync_tasks(struct store *store, int64_t cluster, const struct agents_answer *answer, struct error *err)
{
	if (fill_tasks_now(store, answer, err) < 0 ||
	    store_run(store, err,
		      "DELETE FROM tasks WHERE cluster = ?1 AND NOT EXISTS (SELECT 1 FROM temp.tasks_now n WHERE "
		      "n.agent = tasks.agent AND n.framework = tasks.framework AND n.id = tasks.id)",
		      "i", cluster) < 0)
		return -1;
	return store_run(store, err,
			 "INSERT INTO tasks SELECT ?1, agent, framework, id, name, executor, state, reason FROM "
			 "temp.tasks_now WHERE true ON CONFLICT DO UPDATE SET name = excluded.name, executor = "
			 "excluded.executor, state = excluded.state, reason = excluded.reason WHERE (tasks.name, "
			 "tasks.executor, tasks.state, tasks.reason) IS NOT (excluded.name, excluded.executor, "
			 "excluded.state, excluded.reason)",
			 "i", cluster);
}

static int write_framework(struct store *store, int64_t cluster, const struct framework_view *framework,
			   struct error *err)
{
	return store_run(store, err,
			 "INSERT INTO frameworks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET "
			 "name = excluded.name, role = excluded.role, active = excluded.active, "
			 "checkpoint = excluded.checkpoint, partition_aware = excluded.partition_aware "
			 "WHERE (frameworks.name, frameworks.role, frameworks.active, frameworks.checkpoint, "
			 "frameworks.partition_aware) IS NOT (excluded.name, excluded.role, excluded.active, "
			 "excluded.checkpoint, excluded.partition_aware)",
			 "itttddd", cluster, framework->id, framework->name, framework->role, (int)framework->active,
			 (int)framework->checkpoint, (int)framework->partition_aware);
}

static bool is_listed(const struct agents_answer *answer, const char *framework)
{
	for (size_t i = 0; i < answer->framework_count; i++)
		if (strcmp(answer->frameworks[i].id, framework) == 0)
			return true;
	return false;
}

/* A framework the master no longer lists is kept as long as tasks name it. */
int agents_sync_frameworks(struct store *store, int64_t cluster, const struct agents_answer *answer, struct error *err)
{
	struct store_cursor rows;
	int more;

	for (size_t i = 0; i < answer->framework_count; i++)
		if (write_framework(store, cluster, &answer->frameworks[i], err) < 0)
			return -1;
	if (store_query(store, &rows, err,
			"SELECT id FROM frameworks f WHERE cluster = ?1 AND NOT EXISTS (SELECT 1 FROM tasks t WHERE "
			"t.cluster = f.cluster AND t.framework = f.id)",
			"i", cluster) < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		const char *id = store_text(&rows, 0);

		if (!is_listed(answer, id) &&
		    store_run(store, err, "DELETE FROM frameworks WHERE cluster = ?1 AND id = ?2", "it", cluster, id) <
			    0)
			more = -1;
		if (more < 0)
			break;
	}
	store_done(&rows);
	return more;
}
