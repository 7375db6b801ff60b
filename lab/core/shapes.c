/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/shapes.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/core/lab.h"
#include "mesos/attributes.h"
#include "mesos/pb.h"
#include "mesos/resource.h"

#define TEXT_MAX (1u << 20)

/* In the order of their numbers, with the minor version of Mesos 1 whose agents have it first; 0: 1.4 has it. */
static const struct {
	const char *name;
	int since;
} agent_capabilities[] = {
	{"MULTI_ROLE", 0},        {"HIERARCHICAL_ROLE", 0},     {"RESERVATION_REFINEMENT", 0},
	{"RESOURCE_PROVIDER", 6}, {"RESIZE_VOLUME", 6},         {"AGENT_OPERATION_FEEDBACK", 8},
	{"AGENT_DRAINING", 9},    {"TASK_RESOURCE_LIMITS", 10},
};

const char *shape_agent_capability(size_t index, const struct mesos_version *version)
{
	if (index >= sizeof(agent_capabilities) / sizeof(agent_capabilities[0]) ||
	    !mesos_version_at_least(version, 1, agent_capabilities[index].since))
		return NULL;
	return agent_capabilities[index].name;
}

void shape_version(struct writer *writer)
{
	shape_version_of(writer, LAB_MESOS_VERSION);
}

void shape_version_of(struct writer *writer, const char *version)
{
	writer_put_string(writer, "build_date", SHAPE_BUILD_DATE);
	writer_put_number(writer, "build_time", SHAPE_BUILD_TIME);
	writer_put_string(writer, "build_user", SHAPE_BUILD_USER);
	writer_put_string(writer, "version", version);
}

void shape_agent_capabilities(struct writer *writer, const struct mesos_version *version)
{
	const char *name;
	writer_open(writer, '[');
	for (size_t i = 0; (name = shape_agent_capability(i, version)) != NULL; i++)
		writer_string(writer, name);
	writer_close(writer, ']');
}

void shape_take_resources(struct resources *out, Mesos__Resource *const *items, size_t count)
{
	resources_copy(out, items, count);
	resources_normalise(out);
}

/* What a reservation or volume was made of: unreserved, and no volume. What is statically reserved stays so. */
static Mesos__Resource *origin_of(const Mesos__Resource *resource)
{
	Mesos__Resource *origin = pb_copy(resource);
	while (resource_is_dynamic(origin))
		pb_free(origin->reservations[--origin->n_reservations]);
	if (resource_is_volume(origin)) {
		pb_free(origin->disk->persistence);
		pb_free(origin->disk->volume);
		origin->disk->persistence = NULL;
		origin->disk->volume = NULL;
		if (origin->disk->source == NULL) {
			pb_free(origin->disk);
			origin->disk = NULL;
		}
	}
	return origin;
}

void shape_apply_reserved(struct resources *total, const struct resources *reserved)
{
	for (size_t i = 0; i < reserved->count; i++) {
		Mesos__Resource *origin = origin_of(reserved->items[i]);
		if (resources_have(total, origin)) {
			resources_subtract(total, origin);
			resources_take(total, pb_copy(reserved->items[i]));
		}
		pb_free(origin);
	}
}

static const char *role_of(const Mesos__Resource *resource)
{
	return resource->n_reservations > 0 ? resource->reservations[resource->n_reservations - 1]->role : "*";
}

static bool counts(const Mesos__Resource *resource, const char *role)
{
	return role == NULL || strcmp(role_of(resource), role) == 0;
}

static double sum_of(const struct resources *resources, const char *name, const char *role)
{
	double sum = 0;
	for (size_t i = 0; i < resources->count; i++) {
		const Mesos__Resource *resource = resources->items[i];
		if (resource->scalar != NULL && strcmp(resource->name, name) == 0 && counts(resource, role))
			sum += resource->scalar->value;
	}
	return sum;
}

static bool is_first_of_name(const struct resources *resources, size_t index, const char *role)
{
	for (size_t i = 0; i < index; i++) {
		if (counts(resources->items[i], role) &&
		    strcmp(resources->items[i]->name, resources->items[index]->name) == 0)
			return false;
	}
	return true;
}

void shape_resources(struct writer *writer, const struct resources *resources, const char *role)
{
	static const char *const always[] = {"disk", "mem", "gpus", "cpus"};
	writer_open(writer, '{');
	for (size_t i = 0; i < 4; i++)
		writer_put_number(writer, always[i], sum_of(resources, always[i], role));
	for (size_t i = 0; i < resources->count; i++) {
		const Mesos__Resource *resource = resources->items[i];
		bool shown = false;
		for (size_t j = 0; j < 4; j++)
			shown |= strcmp(resource->name, always[j]) == 0;
		if (shown || !counts(resource, role) || !is_first_of_name(resources, i, role))
			continue;
		if (resource->scalar != NULL) {
			writer_put_number(writer, resource->name, sum_of(resources, resource->name, role));
		} else {
			struct buffer text = BUFFER_INIT(TEXT_MAX);
			resource_value_print(resource, &text);
			writer_put_string(writer, resource->name, buffer_text(&text));
			buffer_clear(&text);
		}
	}
	writer_close(writer, '}');
}

/* Calls back once for every role something is reserved for. */
static void each_role(struct writer *writer, const struct resources *resources,
		      void (*show)(struct writer *writer, const struct resources *resources, const char *role))
{
	writer_open(writer, '{');
	for (size_t i = 0; i < resources->count; i++) {
		const char *role = role_of(resources->items[i]);
		bool first = strcmp(role, "*") != 0;
		for (size_t j = 0; first && j < i; j++)
			first = strcmp(role_of(resources->items[j]), role) != 0;
		if (!first)
			continue;
		writer_key(writer, role);
		show(writer, resources, role);
	}
	writer_close(writer, '}');
}

void shape_reserved(struct writer *writer, const struct resources *resources)
{
	each_role(writer, resources, shape_resources);
}

/* The one reservation of the older form: who made it, and why. */
static json_t *older_reservation(const json_t *resource)
{
	const json_t *stack = json_object_get(resource, "reservations");
	json_t *older = json_deep_copy(json_array_get(stack, json_array_size(stack) - 1));
	json_object_del(older, "type");
	json_object_del(older, "role");
	return older;
}

/* With both forms of a reservation, as endpoints give them. */
static void full_resource(struct writer *writer, const Mesos__Resource *resource)
{
	json_t *json = resource_to_json(resource);
	json_object_set_new(json, "role", json_string(role_of(resource)));
	if (resource_is_dynamic(resource) && json_object_get(json, "reservation") == NULL)
		json_object_set_new(json, "reservation", older_reservation(json));
	char *text = json_dumps(json, JSON_COMPACT);
	writer_raw(writer, text);
	free(text);
	json_decref(json);
}

void shape_resources_full(struct writer *writer, const struct resources *resources, const char *role)
{
	writer_open(writer, '[');
	for (size_t i = 0; i < resources->count; i++) {
		if (counts(resources->items[i], role))
			full_resource(writer, resources->items[i]);
	}
	writer_close(writer, ']');
}

void shape_reserved_full(struct writer *writer, const struct resources *resources)
{
	each_role(writer, resources, shape_resources_full);
}

void shape_attributes(struct writer *writer, const Mesos__SlaveInfo *info)
{
	writer_open(writer, '{');
	for (size_t i = 0; i < info->n_attributes; i++) {
		const Mesos__Attribute *attribute = info->attributes[i];
		writer_key(writer, attribute->name);
		if (attribute->scalar != NULL) {
			writer_number(writer, attribute->scalar->value);
			continue;
		}
		struct buffer text = BUFFER_INIT(TEXT_MAX);
		attribute_value_text(attribute, &text);
		writer_string(writer, buffer_text(&text));
		buffer_clear(&text);
	}
	writer_close(writer, '}');
}

void shape_put_domain(struct writer *writer, const Mesos__DomainInfo *domain)
{
	if (domain == NULL)
		return;
	json_t *json = pb_to_json(domain);
	char *text = json_dumps(json, JSON_COMPACT);
	writer_put_raw(writer, "domain", text);
	free(text);
	json_decref(json);
}

const char *shape_task_state(Mesos__TaskState state)
{
	const char *name = pb_enum_name(&mesos__task_state__descriptor, (int)state);
	return name != NULL ? name : "TASK_UNKNOWN";
}

static void shape_status(struct writer *writer, const Mesos__TaskStatus *status)
{
	writer_open(writer, '{');
	writer_put_string(writer, "state", shape_task_state(status->state));
	writer_put_number(writer, "timestamp", status->timestamp);
	if (status->container_status != NULL && status->container_status->container_id != NULL) {
		const Mesos__ContainerStatus *container = status->container_status;
		const char *ip = container->n_network_infos > 0 && container->network_infos[0]->n_ip_addresses > 0
					 ? container->network_infos[0]->ip_addresses[0]->ip_address
					 : "";
		json_t *json = json_pack("{s{ss}s[{s[{ssss}]}]}", "container_id", "value",
					 container->container_id->value, "network_infos", "ip_addresses", "protocol",
					 "IPv4", "ip_address", ip);
		char *text = json_dumps(json, JSON_COMPACT);
		writer_put_raw(writer, "container_status", text);
		free(text);
		json_decref(json);
	}
	writer_close(writer, '}');
}

/* What the task's resources are allocated to. */
static const char *role_of_task(const Mesos__Task *task)
{
	const Mesos__Resource *first = task->n_resources > 0 ? task->resources[0] : NULL;
	return first != NULL && first->allocation_info != NULL && first->allocation_info->role != NULL
		       ? first->allocation_info->role
		       : "*";
}

void shape_task(struct writer *writer, const Mesos__Task *task)
{
	struct resources resources = {.items = NULL};
	shape_take_resources(&resources, task->resources, task->n_resources);
	writer_open(writer, '{');
	writer_put_string(writer, "id", task->task_id->value);
	writer_put_string(writer, "name", task->name);
	writer_put_string(writer, "framework_id", task->framework_id->value);
	writer_put_string(writer, "executor_id", task->executor_id != NULL ? task->executor_id->value : "");
	writer_put_string(writer, "slave_id", task->slave_id->value);
	writer_put_string(writer, "state", shape_task_state(task->state));
	writer_key(writer, "resources");
	shape_resources(writer, &resources, NULL);
	writer_put_string(writer, "role", role_of_task(task));
	writer_key(writer, "statuses");
	writer_open(writer, '[');
	for (size_t i = 0; i < task->n_statuses; i++)
		shape_status(writer, task->statuses[i]);
	writer_close(writer, ']');
	writer_close(writer, '}');
	resources_clear(&resources);
}

/* ---- v1 */

/* REASON_SLAVE_REMOVED is REASON_AGENT_REMOVED in v1. The proposal's REASON_SLAVE_STATE_CHANGED has no other name. */
static void rename_value(json_t *object, const char *key, const char *prefix, const char *instead)
{
	const char *text = json_string_value(json_object_get(object, key));
	if (text == NULL || strncmp(text, prefix, strlen(prefix)) != 0 || strstr(text, "_STATE_CHANGED") != NULL)
		return;
	char *renamed = xasprintf("%s%s", instead, text + strlen(prefix));
	json_object_set_new(object, key, json_string(renamed));
	free(renamed);
}

/* In v1 a slave is an agent. */
void shape_as_v1(json_t *value)
{
	json_t *member;
	void *next;
	const char *key;
	size_t index;
	if (json_is_array(value)) {
		json_array_foreach(value, index, member) shape_as_v1(member);
		return;
	}
	json_t *id = json_object_get(value, "slave_id");
	if (id != NULL) {
		json_object_set(value, "agent_id", id);
		json_object_del(value, "slave_id");
	}
	rename_value(value, "reason", "REASON_SLAVE_", "REASON_AGENT_");
	rename_value(value, "source", "SOURCE_SLAVE", "SOURCE_AGENT");
	json_object_foreach_safe(value, next, key, member) shape_as_v1(member);
}
