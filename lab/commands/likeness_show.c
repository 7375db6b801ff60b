/* SPDX-License-Identifier: Apache-2.0 */
/* A likeness as the lab's agents and its master get it: flags, and tasks with what they use. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "lab/commands/likeness.h"
#include "lab/core/lab.h"
#include "lab/core/wire.h"
#include "mesos/attributes.h"
#include "mesos/pb.h"
#include "mesos/resource.h"
#include "mesos/value.h"

#define FLAG_MAX (4u << 20)

/* ---- flags */

/* NAME="value": what the double quotes of a shell and of systemd need. */
static void put_line(const char *name, const char *value, struct buffer *out)
{
	buffer_printf(out, "%s=\"", name);
	for (const char *at = value; *at != '\0'; at++) {
		if (strchr("\"\\$`", *at) != NULL)
			buffer_putc(out, '\\');
		buffer_putc(out, *at);
	}
	buffer_puts(out, "\"\n");
}

static void put_json(const char *name, json_t *value, struct buffer *out)
{
	char *text = json_dumps(value, JSON_COMPACT);
	put_line(name, text, out);
	free(text);
	json_decref(value);
}

static void put_attributes(const Mesos__SlaveInfo *info, struct buffer *out)
{
	struct buffer text = BUFFER_INIT(FLAG_MAX);
	for (size_t i = 0; i < info->n_attributes; i++) {
		const Mesos__Attribute *attribute = info->attributes[i];
		buffer_printf(&text, "%s%s:", i > 0 ? ";" : "", attribute->name);
		attribute_value_text(attribute, &text);
	}
	if (text.len > 0)
		put_line("MESOS_ATTRIBUTES", text.data, out);
	buffer_clear(&text);
}

/* Whether name(role):value says all of it. */
static bool is_plain(const Mesos__Resource *resource)
{
	return resource->disk == NULL && resource->provider_id == NULL && resource->shared == NULL &&
	       resource->revocable == NULL && resource->n_reservations <= 1 &&
	       (resource->n_reservations == 0 ||
		(!resource_is_dynamic(resource) && resource->reservations[0]->principal == NULL &&
		 resource->reservations[0]->labels == NULL));
}

/* What an agent detects unless it is named. What the real one had none of is not to be detected here. */
static const struct {
	const char *name, *nothing, *nothing_json;
} detected[] = {
	{"cpus", "cpus:0", "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":0}}"},
	{"mem", "mem:0", "{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":0}}"},
	{"disk", "disk:0", "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":0}}"},
	{"ports", "ports:[]", "{\"name\":\"ports\",\"type\":\"RANGES\",\"ranges\":{\"range\":[]}}"},
};
#define DETECTED (sizeof(detected) / sizeof(detected[0]))

static bool names(const struct resources *all, const char *name)
{
	for (size_t i = 0; i < all->count; i++) {
		if (strcmp(all->items[i]->name, name) == 0)
			return true;
	}
	return false;
}

static void put_plain_resources(const struct resources *all, struct buffer *out)
{
	struct buffer text = BUFFER_INIT(FLAG_MAX);
	for (size_t i = 0; i < all->count; i++) {
		const Mesos__Resource *resource = all->items[i];
		buffer_printf(&text, "%s%s", i > 0 ? ";" : "", resource->name);
		if (resource->n_reservations > 0)
			buffer_printf(&text, "(%s)", resource->reservations[0]->role);
		buffer_putc(&text, ':');
		resource_value_print(resource, &text);
	}
	for (size_t i = 0; i < DETECTED; i++) {
		if (!names(all, detected[i].name))
			buffer_printf(&text, "%s%s", text.len > 0 ? ";" : "", detected[i].nothing);
	}
	put_line("MESOS_RESOURCES", buffer_text(&text), out);
	buffer_clear(&text);
}

static void put_resources(const Mesos__SlaveInfo *info, struct buffer *out)
{
	struct resources all = {.items = NULL};
	bool plain = true;
	resources_copy(&all, info->resources, info->n_resources);
	resources_normalise(&all);
	for (size_t i = 0; i < all.count; i++)
		plain &= is_plain(all.items[i]);
	if (plain) {
		put_plain_resources(&all, out);
	} else {
		json_t *array = resources_to_json(&all);
		for (size_t i = 0; i < DETECTED; i++) {
			if (!names(&all, detected[i].name))
				json_array_append_new(array, json_loads(detected[i].nothing_json, 0, NULL));
		}
		put_json("MESOS_RESOURCES", array, out);
	}
	resources_clear(&all);
}

void likeness_put_flags(const struct likeness_host *host, struct buffer *out)
{
	put_attributes(host->info, out);
	put_resources(host->info, out);
	if (host->info->domain != NULL)
		put_json("MESOS_DOMAIN", pb_to_json(host->info->domain), out);
}

/* ---- tasks */

/* The index-th of count equal parts; thousandths that do not divide go to the first. What is no scalar goes to it
 * whole. NULL: nothing. */
static Mesos__Resource *share_of(const Mesos__Resource *whole, size_t index, size_t count)
{
	bool is_scalar = whole->scalar != NULL;
	if (!is_scalar && index > 0)
		return NULL;
	Mesos__Resource *part = pb_copy(whole);
	if (is_scalar) {
		long long all = scalar_fixed(whole->scalar->value), each = all / (long long)count;
		part->scalar->value = scalar_from_fixed(index == 0 ? all - each * ((long long)count - 1) : each);
	}
	return part;
}

static json_t *resources_of_task(const struct likeness_host *host, size_t index, size_t count)
{
	json_t *array = json_array();
	for (size_t i = 0; i < host->used.count; i++) {
		Mesos__Resource *part = share_of(host->used.items[i], index, count);
		if (part != NULL && !resource_is_empty(part))
			json_array_append_new(array, wire_pack(part));
		pb_free(part);
	}
	return array;
}

static json_t *tasks_of(const struct likeness_host *host)
{
	json_t *tasks = json_array(), *task;
	size_t index, count = json_array_size(host->tasks);
	json_array_foreach(host->tasks, index, task)
	{
		json_t *copy = json_copy(task);
		json_object_set_new(copy, "resources", resources_of_task(host, index, count));
		json_array_append_new(tasks, copy);
	}
	return tasks;
}

json_t *likeness_for_master(const struct likeness *likeness)
{
	json_t *tasks = json_object();
	for (size_t i = 0; i < likeness->count; i++)
		json_object_set_new(tasks, likeness->hosts[i].hostname, tasks_of(&likeness->hosts[i]));
	return json_pack("{sO so ss* ss*}", "frameworks", likeness->frameworks, "tasks", tasks, "region",
			 likeness->region, "zone", likeness->zone);
}
