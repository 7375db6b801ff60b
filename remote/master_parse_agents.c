/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "remote/master_parse.h"
#include "schema/mesos.pb-c.h"

static char *address_of(const char *pid)
{
	const struct bytes address = agent_address(pid, pid != NULL ? strlen(pid) : 0);
	return xstrndup(address.data, address.len);
}

static void take_resources(struct resources *to, Mesos__Resource ***items, size_t *count)
{
	to->items = *items;
	to->count = *count;
	*items = NULL;
	*count = 0;
}

/* To which role of a framework a resource went is no part of what is used: without it `used` compares with `total`. */
static void forget_allocation(struct resources *resources)
{
	for (size_t i = 0; i < resources->count; i++) {
		pb_free(resources->items[i]->allocation_info);
		resources->items[i]->allocation_info = NULL;
	}
}

static int64_t nanoseconds(const Mesos__TimeInfo *time)
{
	return time != NULL ? time->nanoseconds : 0;
}

static int check_info(const struct master_reading *reading, const char *where, const Mesos__SlaveInfo *info,
		      struct error *err)
{
	if (info->id == NULL || info->id->value[0] == '\0')
		return error_set(err, ERROR_CORRUPT, "%s: %s (hostname %s) has no ID", reading->url, where,
				 info->hostname);
	if (info->has_port && (info->port < 1 || info->port > 65535))
		return error_set(err, ERROR_CORRUPT, "%s: %s (hostname %s) has port %d, which is none", reading->url,
				 where, info->hostname, (int)info->port);
	return 0;
}

/* The view takes the info and the resources out of the message. */
static void make_view(Mesos__Master__Response__GetAgents__Agent *message, bool attributes_complete,
		      struct agent_view *out)
{
	const Mesos__SlaveInfo *info = message->agent_info;
	*out = (struct agent_view){
		.id = xstrdup(info->id->value),
		.hostname = xstrdup(info->hostname),
		.ip = address_of(message->pid),
		.port = info->has_port ? info->port : AGENT_DEFAULT_PORT,
		.version = xstrdup(message->version),
		.active = message->active,
		.deactivated = message->deactivated,
		.attributes_complete = attributes_complete,
		.registered_ns = nanoseconds(message->registered_time),
		.reregistered_ns = nanoseconds(message->reregistered_time),
		.info = message->agent_info,
	};
	message->agent_info = NULL;
	take_resources(&out->total, &message->total_resources, &message->n_total_resources);
	take_resources(&out->used, &message->allocated_resources, &message->n_allocated_resources);
	forget_allocation(&out->used);
}

int master_add_agent(struct master_reading *reading, const struct master_item *item, bool attributes_complete,
		     struct error *err)
{
	Mesos__Master__Response__GetAgents__Agent *message = item->message;
	const struct master_taker *taker = reading->taker;
	struct agent_view view;
	if (check_info(reading, item->where, message->agent_info, err) < 0)
		return -1;
	make_view(message, attributes_complete, &view);
	int result = taker->agent(taker->ctx, &view, item->raw, item->raw_len, err);
	agent_view_clear(&view);
	return result < 0 ? error_prefix(err, "%s", reading->url) : 0;
}

static int add(struct master_reading *reading, const struct master_item *item, struct error *err)
{
	return master_add_agent(reading, item, true, err);
}

int master_add_recovered(struct master_reading *reading, const char *id, struct error *err)
{
	const struct master_taker *taker = reading->taker;
	if (taker->recovered != NULL && taker->recovered(taker->ctx, id, err) < 0)
		return error_prefix(err, "%s", reading->url);
	return 0;
}

static int add_recovered(struct master_reading *reading, const struct master_item *item, struct error *err)
{
	const Mesos__SlaveInfo *info = item->message;
	if (check_info(reading, item->where, info, err) < 0)
		return -1;
	return master_add_recovered(reading, info->id->value, err);
}

static const struct master_items items[] = {
	{"agents", 1, &mesos__master__response__get_agents__agent__descriptor, add, true},
	{"recovered_agents", 2, &mesos__slave_info__descriptor, add_recovered, false},
	{.descriptor = NULL},
};

/* What is on offer changes by the second and is of no use to anyone. */
static const struct json_split_rule rules[] = {
	{"get_agents.agents.*", 0},
	{"get_agents.agents.*.offered_resources", JSON_SPLIT_DROP},
	{"get_agents.agents.*.capabilities", JSON_SPLIT_DROP},
	{"get_agents.agents.*.resource_providers", JSON_SPLIT_DROP},
	{"get_agents.recovered_agents.*", 1},
};

const struct master_call master_get_agents = {
	.type = "GET_AGENTS",
	.type_number = MESOS__MASTER__RESPONSE__TYPE__GET_AGENTS,
	.member = "get_agents",
	.member_number = 10,
	.items = items,
	.rules = rules,
	.rule_count = sizeof(rules) / sizeof(rules[0]),
};
