/* SPDX-License-Identifier: Apache-2.0 */
/* Frameworks and tasks in the JSON of the older endpoints. */
#include <stdlib.h>
#include <string.h>

#include "lab/core/shapes.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

void answer_put_framework(const struct master *master, const struct master_framework *framework, struct writer *writer)
{
	const Mesos__FrameworkInfo *info = framework->info;
	struct resources used = {.items = NULL}, none = {.items = NULL};
	master_used(master, NULL, framework, &used);
	writer_put_string(writer, "id", info->id->value);
	writer_put_string(writer, "name", info->name);
	writer_key(writer, "used_resources");
	shape_resources(writer, &used, NULL);
	writer_key(writer, "offered_resources");
	shape_resources(writer, &none, NULL);
	writer_key(writer, "capabilities");
	writer_open(writer, '[');
	for (size_t i = 0; i < info->n_capabilities; i++)
		writer_string(writer, pb_enum_name(&mesos__framework_info__capability__type__descriptor,
						   (int)info->capabilities[i]->type));
	writer_close(writer, ']');
	writer_put_string(writer, "hostname", "");
	writer_put_string(writer, "webui_url", "");
	writer_put_bool(writer, "active", true);
	writer_put_bool(writer, "connected", true);
	writer_put_bool(writer, "recovered", false);
	resources_clear(&used);
}

static void put_list(const struct master_task *list, const struct master_framework *framework, bool unreachable,
		     struct writer *writer)
{
	for (const struct master_task *task = list; task != NULL; task = task->next) {
		if (task->framework == framework && task->unreachable == unreachable)
			shape_task(writer, task->task);
	}
}

static void put_living(const struct master *master, const struct master_framework *framework, bool unreachable,
		       const char *key, struct writer *writer)
{
	writer_key(writer, key);
	writer_open(writer, '[');
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next)
		put_list(agent->tasks, framework, unreachable, writer);
	writer_close(writer, ']');
}

static void show_framework(const struct master *master, const struct master_framework *framework, struct writer *writer)
{
	struct resources used = {.items = NULL};
	master_used(master, NULL, framework, &used);
	writer_open(writer, '{');
	answer_put_framework(master, framework, writer);
	writer_put_string(writer, "user", framework->info->user);
	writer_put_number(writer, "failover_timeout", framework->info->failover_timeout);
	writer_put_bool(writer, "checkpoint", framework->info->checkpoint);
	writer_put_number(writer, "registered_time", framework->registered);
	writer_put_number(writer, "unregistered_time", 0);
	writer_key(writer, "resources");
	shape_resources(writer, &used, NULL);
	writer_put_string(writer, "role", "*");
	put_living(master, framework, false, "tasks", writer);
	put_living(master, framework, true, "unreachable_tasks", writer);
	writer_key(writer, "completed_tasks");
	writer_open(writer, '[');
	put_list(master->completed, framework, false, writer);
	writer_close(writer, ']');
	writer_put_raw(writer, "offers", "[]");
	writer_put_raw(writer, "executors", "[]");
	writer_put_raw(writer, "offer_constraints", "{}");
	writer_close(writer, '}');
	resources_clear(&used);
}

void answer_put_frameworks(const struct master *master, struct writer *writer)
{
	writer_key(writer, "frameworks");
	writer_open(writer, '[');
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next)
		show_framework(master, framework, writer);
	writer_close(writer, ']');
	writer_put_raw(writer, "completed_frameworks", "[]");
}

void answer_frameworks(const struct master *master, const struct master_query *query, struct writer *writer)
{
	(void)query;
	writer_open(writer, '{');
	answer_put_frameworks(master, writer);
	writer_put_raw(writer, "unregistered_frameworks", "[]");
	writer_close(writer, '}');
}

static bool task_wanted(const struct master_task *task, const struct master_query *query)
{
	return (query->framework_id == NULL || strcmp(query->framework_id, task->framework->info->id->value) == 0) &&
	       (query->task_id == NULL || strcmp(query->task_id, task->task->task_id->value) == 0);
}

#define TASK_LIMIT 100 /* Mesos' own: who asks for no limit does not get all tasks */

struct page { /* what is left to leave out, and to show */
	int64_t skip, limit;
};

static void show_tasks(const struct master_task *list, const struct master_query *query, struct page *page,
		       struct writer *writer)
{
	for (const struct master_task *task = list; task != NULL; task = task->next) {
		if (!task_wanted(task, query) || page->skip-- > 0 || page->limit <= 0)
			continue;
		shape_task(writer, task->task);
		page->limit--;
	}
}

void answer_tasks(const struct master *master, const struct master_query *query, struct writer *writer)
{
	struct page page = {.limit = query->limit >= 0 ? query->limit : TASK_LIMIT,
			    .skip = query->offset > 0 ? query->offset : 0};
	writer_open(writer, '{');
	writer_key(writer, "tasks");
	writer_open(writer, '[');
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next)
		show_tasks(agent->tasks, query, &page, writer);
	show_tasks(master->completed, query, &page, writer);
	writer_close(writer, ']');
	writer_close(writer, '}');
}
