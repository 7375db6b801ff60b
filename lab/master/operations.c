/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reservations and volumes that operators and frameworks make: the master applies the operation to what it knows of the agent and
 * tells the agent what it has to checkpoint from now on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lab/core/shapes.h"
#include "lab/core/wire.h"
#include "lab/master/allocator.h"
#include "lab/master/master.h"
#include "mesos/pb.h"
#include "mesos/resource.h"

#define TEXT_MAX (1u << 20)

static const char *const names[] = {"RESERVE", "UNRESERVE", "CREATE", "DESTROY"};

/* What one resource of the operation takes away and gives. */
struct step {
	Mesos__Resource *from, *to;
};

static Mesos__Resource *without_reservation(const Mesos__Resource *resource)
{
	Mesos__Resource *from = pb_copy(resource);
	pb_free(from->reservations[--from->n_reservations]);
	return from;
}

static Mesos__Resource *without_volume(const Mesos__Resource *resource)
{
	Mesos__Resource *from = pb_copy(resource);
	pb_free(from->disk->persistence);
	pb_free(from->disk->volume);
	from->disk->persistence = NULL;
	from->disk->volume = NULL;
	if (from->disk->source == NULL) {
		pb_free(from->disk);
		from->disk = NULL;
	}
	return from;
}

static const char *role_of(const Mesos__Resource *resource)
{
	size_t depth = resource->n_reservations;
	return depth > 0 && resource->reservations[depth - 1]->role != NULL ? resource->reservations[depth - 1]->role
									    : "*";
}

static struct step make_step(enum master_operation kind, const Mesos__Resource *resource)
{
	switch (kind) {
	case OPERATION_RESERVE:
		return (struct step){.from = without_reservation(resource), .to = pb_copy(resource)};
	case OPERATION_UNRESERVE:
		return (struct step){.from = pb_copy(resource), .to = without_reservation(resource)};
	case OPERATION_CREATE:
		return (struct step){.from = without_volume(resource), .to = pb_copy(resource)};
	default:
		return (struct step){.from = pb_copy(resource), .to = without_volume(resource)};
	}
}

/* NULL: the operation may be tried on it. */
static const char *why_not(enum master_operation kind, const Mesos__Resource *resource)
{
	bool volumes = kind == OPERATION_CREATE || kind == OPERATION_DESTROY;
	if (volumes && !resource_is_volume(resource))
		return "does not have DiskInfo";
	if (kind == OPERATION_CREATE && !resource_is_reserved(resource))
		return "is not reserved, and persistent volumes cannot be created from unreserved resources";
	if (!volumes && !resource_is_dynamic(resource))
		return "is not dynamically reserved";
	if (kind == OPERATION_UNRESERVE && resource_is_volume(resource))
		return "is a persistent volume and cannot be unreserved directly: destroy the persistent volume first";
	return NULL;
}

static bool refuse_kind(enum master_operation kind, const struct master_agent *agent, const Mesos__Resource *resource,
			struct web_reply *reply)
{
	const char *why = why_not(kind, resource);
	if (why == NULL)
		return false;
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	char *where = master_agent_text(agent);
	bool no_volume = (kind == OPERATION_CREATE || kind == OPERATION_DESTROY) && !resource_is_volume(resource);
	resource_print(resource, &text);
	web_refuse(reply, 400, "Invalid %s operation on agent %s: %sResource %s %s", names[kind], where,
		   no_volume ? "Not a persistent volume: " : "", buffer_text(&text), why);
	free(where);
	buffer_clear(&text);
	return true;
}

/* The ID of a volume is its own among those of its role on the agent. */
static bool refuse_repeated(enum master_operation kind, const struct resources *total, const Mesos__Resource *wanted,
			    struct web_reply *reply)
{
	for (size_t i = 0; i < total->count && kind == OPERATION_CREATE; i++) {
		const Mesos__Resource *item = total->items[i];
		if (!resource_is_volume(item) ||
		    strcmp(item->disk->persistence->id, wanted->disk->persistence->id) != 0 ||
		    strcmp(role_of(item), role_of(wanted)) != 0)
			continue;
		web_refuse(reply, 400, "Invalid CREATE operation: the persistence ID '%s' is in use",
			   wanted->disk->persistence->id);
		return true;
	}
	return false;
}

static void refuse_missing(const struct resources *total, const Mesos__Resource *wanted, struct web_reply *reply)
{
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	resources_to_text(total, &text);
	buffer_puts(&text, " does not contain ");
	resource_print(wanted, &text);
	web_refuse(reply, 409, "%s", buffer_text(&text));
	buffer_clear(&text);
}

/* What an operation changes: all that the agent has, and what of it may be taken for this. */
struct stock {
	struct resources total, available;
};

static void change(struct resources *resources, const struct step *step)
{
	resources_subtract(resources, step->from);
	resources_take(resources, pb_copy(step->to));
}

/* Applies one resource; false when what it takes is not there to be taken. */
static bool apply(enum master_operation kind, const Mesos__Resource *resource, struct stock *stock,
		  struct web_reply *reply)
{
	struct step step = make_step(kind, resource);
	bool enough = resources_have(&stock->total, step.from) && resources_have(&stock->available, step.from);
	if (enough) {
		change(&stock->total, &step);
		change(&stock->available, &step);
	} else {
		refuse_missing(&stock->available, step.from, reply);
	}
	pb_free(step.from);
	pb_free(step.to);
	return enough;
}

static bool apply_all(enum master_operation kind, const struct master_agent *agent, Mesos__Resource *const *resources,
		      size_t count, struct stock *stock, struct web_reply *reply)
{
	bool good = true;
	for (size_t i = 0; i < count && good; i++) {
		Mesos__Resource *resource = pb_copy(resources[i]);
		pb_free(resource->allocation_info);
		resource->allocation_info = NULL;
		resource_upgrade(resource);
		good = !refuse_kind(kind, agent, resource, reply) &&
		       !refuse_repeated(kind, &stock->total, resource, reply) && apply(kind, resource, stock, reply);
		pb_free(resource);
	}
	return good;
}

static void tell_agent(struct master_agent *agent, const struct resources *total)
{
	json_t *list = json_array();
	resources_clear(&agent->checkpointed);
	agent->settled = false;
	for (size_t i = 0; i < total->count; i++) {
		if (!resource_is_dynamic(total->items[i]) && !resource_is_volume(total->items[i]))
			continue;
		resources_take(&agent->checkpointed, pb_copy(total->items[i]));
		json_array_append_new(list, wire_pack(total->items[i]));
	}
	json_t *message = json_pack("{ss so}", "type", "operation", "resources", list);
	if (agent->link != NULL)
		link_send(agent->link, message);
	else
		json_decref(message);
}

static void settle(struct master *master, enum master_operation kind, struct master_agent *agent,
		   const struct resources *total)
{
	tell_agent(agent, total);
	master->counters.operations[kind]++;
	log_info("Applied %s operation on agent %s", names[kind], agent->id);
}

void operations_apply(struct master *master, enum master_operation kind, const char *id,
		      Mesos__Resource *const *resources, size_t count, struct web_reply *reply)
{
	struct master_agent *agent = master_agent_find(master, id);
	struct stock stock = {.total = {.items = NULL}};
	struct resources used = {.items = NULL}, taken = {.items = NULL};
	reply->content_type = NULL;
	if (agent == NULL || agent->standing != STANDING_REGISTERED) {
		web_refuse(reply, 400, "No agent found with specified ID");
		return;
	}
	master_agent_total(agent, &stock.total);
	master_used(master, agent, NULL, &used);
	allocator_bare(&used, &taken);
	allocator_headroom(&stock.total, &taken, &stock.available); /* offers are rescinded for it */
	if (apply_all(kind, agent, resources, count, &stock, reply)) {
		settle(master, kind, agent, &stock.total);
		reply->status = 202;
	} else {
		master->counters.operations_dropped++;
	}
	resources_clear(&used);
	resources_clear(&taken);
	resources_clear(&stock.total);
	resources_clear(&stock.available);
}

bool operations_apply_offered(struct master *master, enum master_operation kind, struct master_agent *agent,
			      Mesos__Resource *const *resources, size_t count, struct resources *offered)
{
	struct stock stock = {.total = {.items = NULL}};
	struct web_reply why = {.status = 200, .body = BUFFER_INIT((size_t)2 * TEXT_MAX)};
	master_agent_total(agent, &stock.total);
	resources_copy(&stock.available, offered->items, offered->count);
	bool good = apply_all(kind, agent, resources, count, &stock, &why);
	if (good) {
		settle(master, kind, agent, &stock.total);
		resources_clear(offered);
		*offered = stock.available;
		stock.available = (struct resources){.items = NULL};
	} else {
		log_warning("Dropping a framework's %s operation: %s", names[kind], buffer_text(&why.body));
	}
	buffer_clear(&why.body);
	resources_clear(&stock.total);
	resources_clear(&stock.available);
	return good;
}
