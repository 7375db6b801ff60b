/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reservations and volumes that operators make: the master applies the operation to what it knows of the agent and
 * tells the agent what it has to checkpoint from now on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lab/core/shapes.h"
#include "lab/core/wire.h"
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

static bool refuse_kind(enum master_operation kind, const struct master_agent *agent, const Mesos__Resource *resource,
			struct web_reply *reply)
{
	bool volumes = kind == OPERATION_CREATE || kind == OPERATION_DESTROY;
	if (volumes ? resource_is_volume(resource) : resource_is_dynamic(resource))
		return false;
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	char *where = master_agent_text(agent);
	resource_print(resource, &text);
	if (volumes)
		web_refuse(
			reply, 400,
			"Invalid %s operation on agent %s: Not a persistent volume: Resource %s does not have DiskInfo",
			names[kind], where, buffer_text(&text));
	else
		web_refuse(reply, 400, "Invalid %s operation on agent %s: Resource %s is not dynamically reserved",
			   names[kind], where, buffer_text(&text));
	free(where);
	buffer_clear(&text);
	return true;
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

/* Applies one resource to total; false when total does not have what it takes. */
static bool apply(enum master_operation kind, const Mesos__Resource *resource, struct resources *total,
		  struct web_reply *reply)
{
	struct step step = make_step(kind, resource);
	bool enough = resources_have(total, step.from);
	if (enough) {
		resources_subtract(total, step.from);
		resources_take(total, step.to);
	} else {
		refuse_missing(total, step.from, reply);
		pb_free(step.to);
	}
	pb_free(step.from);
	return enough;
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

void operations_apply(struct master *master, enum master_operation kind, const char *id,
		      Mesos__Resource *const *resources, size_t count, struct web_reply *reply)
{
	struct master_agent *agent = master_agent_find(master, id);
	struct resources total = {.items = NULL};
	bool good = agent != NULL && agent->standing == STANDING_REGISTERED;
	reply->content_type = NULL;
	if (!good) {
		web_refuse(reply, 400, "No agent found with specified ID");
		return;
	}
	master_agent_total(agent, &total);
	for (size_t i = 0; i < count && good; i++) {
		Mesos__Resource *resource = pb_copy(resources[i]);
		resource_upgrade(resource);
		good = !refuse_kind(kind, agent, resource, reply) && apply(kind, resource, &total, reply);
		pb_free(resource);
	}
	if (good) {
		tell_agent(agent, &total);
		reply->status = 202;
		master->counters.operations[kind]++;
		log_info("Applied %s operation on agent %s", names[kind], agent->id);
	} else {
		master->counters.operations_dropped++;
	}
	resources_clear(&total);
}
