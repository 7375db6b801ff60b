/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lab made in the likeness of a cluster (`up --from`): the frameworks and tasks come from DIR/likeness.json, which
 * commands/likeness_show.c has made.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "lab/core/wire.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? text : "";
}

int master_likeness_load(struct master *master, struct error *err)
{
	char *path = lab_path(master->lab, "likeness.json");
	bool exists = file_exists(path);
	master->likeness = exists ? json_load_file(path, 0, NULL) : NULL;
	int result = !exists || master->likeness != NULL ? 0 : error_set(err, ERROR_CORRUPT, "%s cannot be read", path);
	free(path);
	const json_t *region = json_object_get(master->likeness, "region");
	if (master->domain == NULL || !json_is_string(region))
		return result;
	pb_set_string(&master->domain->fault_domain->region->name, json_string_value(region));
	pb_set_string(&master->domain->fault_domain->zone->name, text_of(master->likeness, "zone"));
	return result;
}

bool master_likeness_frameworks(struct master *master)
{
	const json_t *list = json_object_get(master->likeness, "frameworks"), *item;
	size_t index;
	json_array_foreach(list, index, item)
	{
		const struct framework_shape shape = {
			.name = text_of(item, "name"),
			.role = text_of(item, "role"),
			.checkpoint = json_is_true(json_object_get(item, "checkpoint")),
			.partition_aware = json_is_true(json_object_get(item, "partition_aware"))};
		master_framework_make(master, index, &shape);
	}
	return master->likeness != NULL;
}

static struct master_framework *framework_at(const struct master *master, json_int_t index)
{
	char *id = xasprintf("%s-%04lld", master->framework_origin, (long long)index);
	struct master_framework *framework = master_framework_find(master, id);
	free(id);
	return framework;
}

static void launch_like(struct master *master, struct master_agent *agent, const json_t *item)
{
	struct master_framework *framework = framework_at(master,
							  json_integer_value(json_object_get(item, "framework")));
	const json_t *text;
	size_t index;
	if (framework == NULL)
		return;
	Mesos__Task *task = master_task_make(framework, agent, text_of(item, "name"));
	json_array_foreach(json_object_get(item, "resources"), index, text)
	{
		Mesos__Resource *resource = wire_unpack(&mesos__resource__descriptor, text);
		if (resource != NULL)
			PB_APPEND(task->resources, task->n_resources, resource);
	}
	master_task_launch(master, agent, framework, task);
}

bool master_likeness_launch(struct master *master, struct master_agent *agent)
{
	const json_t *tasks = json_object_get(json_object_get(master->likeness, "tasks"), agent->info->hostname), *item;
	size_t index;
	json_array_foreach(tasks, index, item) launch_like(master, agent, item);
	return master->likeness != NULL;
}
