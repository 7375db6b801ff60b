/* SPDX-License-Identifier: Apache-2.0 */
/* /roles: every role that something is allocated to or reserved for, or that a framework is subscribed to. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/core/shapes.h"
#include "lab/master/master.h"

/* {"role": {"reserved": {"cpus": 1.0}, "allocated": {…}, "frameworks": ["ID"]}} */
static json_t *role_named(json_t *roles, const char *name)
{
	json_t *role = json_object_get(roles, name);
	if (role != NULL)
		return role;
	role = json_pack("{s{} s{} s[]}", "reserved", "allocated", "frameworks");
	json_object_set_new(roles, name, role);
	return role;
}

/* How much of it there is, as Mesos counts quantities: sets and ranges by their members. */
static double quantity(const Mesos__Resource *resource)
{
	double count = 0;
	if (resource->scalar != NULL)
		return resource->scalar->value;
	if (resource->set != NULL)
		return (double)resource->set->n_item;
	for (size_t i = 0; resource->ranges != NULL && i < resource->ranges->n_range; i++)
		count += (double)(resource->ranges->range[i]->end - resource->ranges->range[i]->begin + 1);
	return count;
}

static void add_quantity(json_t *sums, const Mesos__Resource *resource)
{
	double sum = json_number_value(json_object_get(sums, resource->name)) + quantity(resource);
	json_object_set_new(sums, resource->name, json_real(sum));
}

static void add_reserved(const struct master *master, json_t *roles)
{
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		struct resources total = {.items = NULL};
		if (agent->standing != STANDING_REGISTERED)
			continue;
		master_agent_total(agent, &total);
		for (size_t i = 0; i < total.count; i++) {
			const Mesos__Resource *resource = total.items[i];
			size_t stack = resource->n_reservations;
			if (stack > 0)
				add_quantity(json_object_get(role_named(roles, resource->reservations[stack - 1]->role),
							     "reserved"),
					     resource);
		}
		resources_clear(&total);
	}
}

static void add_frameworks(const struct master *master, json_t *roles)
{
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next) {
		size_t count;
		if (framework->completed)
			continue;
		const char *const *own = master_framework_roles(framework, &count);
		for (size_t i = 0; i < count; i++)
			json_array_append_new(json_object_get(role_named(roles, own[i]), "frameworks"),
					      json_string(framework->info->id->value));
	}
}

static void add_allocated(const struct master *master, json_t *roles)
{
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		for (const struct master_task *task = agent->tasks; task != NULL; task = task->next) {
			json_t *sums = json_object_get(role_named(roles, master_task_role(task)), "allocated");
			for (size_t i = 0; i < task->task->n_resources && !task->unreachable; i++)
				add_quantity(sums, task->task->resources[i]);
		}
	}
}

static void put_quantities(struct writer *writer, const char *key, const json_t *sums)
{
	char *text = json_dumps(sums, JSON_COMPACT | JSON_SORT_KEYS);
	writer_put_raw(writer, key, text);
	free(text);
}

static void put_role(struct writer *writer, const char *name, const json_t *role)
{
	const json_t *reserved = json_object_get(role, "reserved"), *allocated = json_object_get(role, "allocated");
	json_t *consumed = json_deep_copy(allocated), *value;
	const char *key;
	json_object_foreach((json_t *)(uintptr_t)reserved, key, value) json_object_set_new(
		consumed, key, json_real(json_number_value(json_object_get(consumed, key)) + json_number_value(value)));
	writer_open(writer, '{');
	writer_put_string(writer, "name", name);
	writer_put_number(writer, "weight", 1);
	writer_key(writer, "quota");
	writer_open(writer, '{');
	writer_put_string(writer, "role", name);
	writer_put_raw(writer, "guarantee", "{}");
	writer_put_raw(writer, "limit", "{}");
	put_quantities(writer, "consumed", consumed);
	writer_close(writer, '}');
	put_quantities(writer, "resources", allocated);
	put_quantities(writer, "allocated", allocated);
	writer_put_raw(writer, "offered", "{}");
	put_quantities(writer, "reserved", reserved);
	put_quantities(writer, "frameworks", json_object_get(role, "frameworks"));
	writer_close(writer, '}');
	json_decref(consumed);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void answer_roles(const struct master *master, const struct master_query *query, struct writer *writer)
{
	json_t *roles = json_object(), *role;
	size_t count = 0;
	const char *name;
	(void)query;
	add_reserved(master, roles);
	add_frameworks(master, roles);
	add_allocated(master, roles);
	const char **names = xcalloc(json_object_size(roles) + 1, sizeof(*names));
	json_object_foreach(roles, name, role) names[count++] = name;
	qsort(names, count, sizeof(*names), by_text);
	writer_open(writer, '{');
	writer_key(writer, "roles");
	writer_open(writer, '[');
	for (size_t i = 0; i < count; i++)
		put_role(writer, names[i], json_object_get(roles, names[i]));
	writer_close(writer, ']');
	writer_close(writer, '}');
	free(names);
	json_decref(roles);
}
