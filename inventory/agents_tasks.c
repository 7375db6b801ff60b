/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks of an agent, read from the database. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/agents.h"

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
