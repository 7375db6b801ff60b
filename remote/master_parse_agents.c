/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "remote/master_parse.h"
#include "schema/mesos.pb-c.h"

#define DEFAULT_PORT 5051 /* of SlaveInfo.port */

/* ---- one agent */

/* "slave(1)@127.0.0.1:5051", "slave(1)@[::1]:5051": the address between @ and the last colon. */
static char *address_of(const char *pid)
{
	const char *at = pid != NULL ? strchr(pid, '@') : NULL;
	const char *colon = at != NULL ? strrchr(at, ':') : NULL;
	if (colon == NULL)
		return xstrdup("");
	const char *start = at + 1;
	if (*start == '[' && colon > start + 1 && colon[-1] == ']')
		return xstrndup(start + 1, (size_t)(colon - start) - 2);
	return xstrndup(start, (size_t)(colon - start));
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

static int add_agent(const struct master_body *body, const char *where, void *data, struct master_snapshot *snapshot,
		     struct error *err)
{
	Mesos__Master__Response__GetAgents__Agent *message = data;
	const Mesos__SlaveInfo *info = message->agent_info;
	if (info->id == NULL || info->id->value[0] == '\0')
		return error_set(err, ERROR_CORRUPT, "%s: %s (hostname %s) has no ID", body->url, where,
				 info->hostname);
	struct agent_view agent = {
		.id = xstrdup(info->id->value),
		.hostname = xstrdup(info->hostname),
		.ip = address_of(message->pid),
		.port = info->has_port ? info->port : DEFAULT_PORT,
		.version = xstrdup(message->version),
		.active = message->active,
		.deactivated = message->deactivated,
		.attributes_complete = true,
		.registered_ns = nanoseconds(message->registered_time),
		.reregistered_ns = nanoseconds(message->reregistered_time),
		.info = message->agent_info,
	};
	message->agent_info = NULL;
	take_resources(&agent.total, &message->total_resources, &message->n_total_resources);
	take_resources(&agent.used, &message->allocated_resources, &message->n_allocated_resources);
	forget_allocation(&agent.used);
	snapshot->agents = xreallocarray(snapshot->agents, snapshot->agent_count + 1, sizeof(agent));
	snapshot->agents[snapshot->agent_count++] = agent;
	return 0;
}

static int compare_agents(const void *a, const void *b)
{
	return strcmp(((const struct agent_view *)a)->id, ((const struct agent_view *)b)->id);
}

int master_sort_agents(const struct master_body *body, struct master_snapshot *snapshot, struct error *err)
{
	if (snapshot->agent_count == 0)
		return 0;
	qsort(snapshot->agents, snapshot->agent_count, sizeof(*snapshot->agents), compare_agents);
	for (size_t i = 1; i < snapshot->agent_count; i++) {
		const char *id = snapshot->agents[i].id;
		if (strcmp(id, snapshot->agents[i - 1].id) == 0)
			return error_set(err, ERROR_CORRUPT, "%s: the answer lists agent %s twice", body->url, id);
	}
	return 0;
}

/* ---- the call */

const struct master_items master_agent_items[] = {
	{"agents", 1, &mesos__master__response__get_agents__agent__descriptor, add_agent},
	{.descriptor = NULL},
};

int master_parse_get_agents(const struct master_body *body, struct master_snapshot *snapshot, struct error *err)
{
	static const struct master_call call = {
		.type = "GET_AGENTS",
		.type_number = MESOS__MASTER__RESPONSE__TYPE__GET_AGENTS,
		.member = "get_agents",
		.member_number = 10,
		.items = master_agent_items,
	};
	if (master_parse_call(&call, body, snapshot, err) < 0)
		return -1;
	return master_sort_agents(body, snapshot, err);
}
