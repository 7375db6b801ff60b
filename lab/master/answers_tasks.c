/* SPDX-License-Identifier: Apache-2.0 */
/* Frameworks and tasks in the JSON of the older endpoints. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
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
	writer_put_bool(writer, "active", master_framework_is_active(framework));
	writer_put_bool(writer, "connected", master_framework_is_active(framework));
	writer_put_bool(writer, "recovered", framework->recovered);
	resources_clear(&used);
}

/* Those that may have several say so. */
static void put_roles(const Mesos__FrameworkInfo *info, struct writer *writer)
{
	if (info->role != NULL || info->n_roles == 0) {
		writer_put_string(writer, "role", info->role != NULL ? info->role : "*");
		return;
	}
	writer_key(writer, "roles");
	writer_open(writer, '[');
	for (size_t i = 0; i < info->n_roles; i++)
		writer_string(writer, info->roles[i]);
	writer_close(writer, ']');
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
	writer_put_number(writer, "unregistered_time", framework->unregistered);
	if (framework->reregistered > 0)
		writer_put_number(writer, "reregistered_time", framework->reregistered);
	writer_key(writer, "resources");
	shape_resources(writer, &used, NULL);
	put_roles(framework->info, writer);
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

static void show_frameworks(const struct master *master, const char *only, bool completed, struct writer *writer)
{
	writer_open(writer, '[');
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next) {
		if (framework->completed == completed &&
		    (only == NULL || strcmp(framework->info->id->value, only) == 0))
			show_framework(master, framework, writer);
	}
	writer_close(writer, ']');
}

void answer_put_frameworks(const struct master *master, const char *only, struct writer *writer)
{
	writer_key(writer, "frameworks");
	show_frameworks(master, only, false, writer);
	writer_key(writer, "completed_frameworks");
	show_frameworks(master, only, true, writer);
}

void answer_frameworks(const struct master *master, const struct master_query *query, struct writer *writer)
{
	writer_open(writer, '{');
	answer_put_frameworks(master, query->framework_id, writer);
	writer_put_raw(writer, "unregistered_frameworks", "[]");
	writer_close(writer, '}');
}

static bool task_wanted(const struct master_task *task, const struct master_query *query)
{
	return (query->framework_id == NULL || strcmp(query->framework_id, task->framework->info->id->value) == 0) &&
	       (query->task_id == NULL || strcmp(query->task_id, task->task->task_id->value) == 0);
}

#define TASK_LIMIT 100 /* Mesos' own: who asks for no limit does not get all tasks */

struct list {
	const struct master_task **items;
	size_t count, room;
};

static void collect(const struct master_task *from, const struct master_query *query, struct list *to)
{
	for (const struct master_task *task = from; task != NULL; task = task->next) {
		if (!task_wanted(task, query))
			continue;
		if (to->count == to->room) {
			to->room = to->room * 2 + 64;
			to->items = xrealloc(to->items, to->room * sizeof(*to->items));
		}
		to->items[to->count++] = task;
	}
}

/* By its first status; one that has none is the newest. */
static int by_age(const void *a, const void *b)
{
	const Mesos__Task *one = (*(const struct master_task *const *)a)->task;
	const Mesos__Task *other = (*(const struct master_task *const *)b)->task;
	if (one->n_statuses == 0 || other->n_statuses == 0)
		return (one->n_statuses == 0) - (other->n_statuses == 0);
	double first = one->statuses[0]->timestamp, second = other->statuses[0]->timestamp;
	return (first > second) - (first < second);
}

void answer_tasks(const struct master *master, const struct master_query *query, struct writer *writer)
{
	int64_t limit = query->limit >= 0 ? query->limit : TASK_LIMIT, skip = query->offset > 0 ? query->offset : 0;
	struct list list = {.items = NULL};
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next)
		collect(agent->tasks, query, &list);
	collect(master->completed, query, &list);
	if (list.count > 0)
		qsort(list.items, list.count, sizeof(*list.items), by_age);
	writer_open(writer, '{');
	writer_key(writer, "tasks");
	writer_open(writer, '[');
	for (size_t i = (size_t)skip; i < list.count && limit > 0; i++, limit--)
		shape_task(writer, list.items[query->ascending ? i : list.count - 1 - i]->task);
	writer_close(writer, ']');
	writer_close(writer, '}');
	free(list.items);
}
