/* SPDX-License-Identifier: Apache-2.0 */
/* What the leading master says of itself: GET_MASTER, and its flags. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "remote/master_parse.h"
#include "schema/mesos.pb-c.h"

int64_t master_seconds_to_ns(double seconds)
{
	if (!(seconds > 0 && seconds < 9.2e9))
		return 0;
	return (int64_t)(seconds * 1e9); /* as Mesos itself makes nanoseconds of it */
}

/* ---- flags */

static int read_duration(const struct master_body *body, const json_t *flags, const char *name, int64_t *ms,
			 struct error *err)
{
	struct error why = ERROR_INIT;
	const char *text = json_string_value(json_object_get(flags, name));
	if (text == NULL || clock_parse_duration(text, ms, &why) == 0)
		return 0;
	return error_set(err, ERROR_CORRUPT, "%s: flag %s: %s", body->url, name, why.text);
}

int master_read_flags(const struct master_body *body, const json_t *flags, struct master_facts *facts,
		      struct error *err)
{
	const char *cluster = json_string_value(json_object_get(flags, "cluster"));
	const char *pings = json_string_value(json_object_get(flags, "max_agent_ping_timeouts"));
	const char *domain = json_string_value(json_object_get(flags, "require_agent_domain"));
	if (cluster != NULL) {
		free(facts->cluster);
		facts->cluster = xstrdup(cluster);
	}
	if (pings != NULL)
		facts->max_agent_ping_timeouts = strtol(pings, NULL, 10);
	facts->require_agent_domain = domain != NULL && strcmp(domain, "true") == 0;
	if (read_duration(body, flags, "agent_ping_timeout", &facts->agent_ping_timeout_ms, err) < 0)
		return -1;
	return read_duration(body, flags, "agent_reregister_timeout", &facts->agent_reregister_timeout_ms, err);
}

int master_parse_flags(const struct master_body *body, struct master_snapshot *snapshot, struct error *err)
{
	json_t *root = master_json(body, err);
	if (root == NULL)
		return -1;
	const json_t *flags = json_object_get(root, "flags");
	int result = -1;
	if (!json_is_object(flags))
		error_set(err, ERROR_CORRUPT, "%s: the answer has no object \"flags\"", body->url);
	else
		result = master_read_flags(body, flags, &snapshot->facts, err);
	json_decref(root);
	return result;
}

/* ---- GET_MASTER */

static bool stores_new_states(const Mesos__MasterInfo *info)
{
	for (size_t i = 0; i < info->n_capabilities; i++) {
		if (info->capabilities[i]->type == MESOS__MASTER_INFO__CAPABILITY__TYPE__AGENT_UPDATE)
			return true;
	}
	return false;
}

static void set_domain(struct master_facts *facts, const Mesos__DomainInfo *domain)
{
	if (domain == NULL || domain->fault_domain == NULL)
		return;
	facts->has_domain = true;
	facts->region = xstrdup(domain->fault_domain->region->name);
	facts->zone = xstrdup(domain->fault_domain->zone->name);
}

static int set_facts(const struct master_body *body, const char *where, void *message, struct master_snapshot *snapshot,
		     struct error *err)
{
	const Mesos__Master__Response__GetMaster *answer = message;
	const Mesos__MasterInfo *info = answer->master_info;
	struct master_facts *facts = &snapshot->facts;
	if (info == NULL || info->version == NULL || facts->id != NULL)
		return error_set(err, ERROR_CORRUPT, "%s: %s does not say which master this is", body->url, where);
	facts->id = xstrdup(info->id);
	facts->version = xstrdup(info->version);
	facts->cluster = xstrdup(""); /* a flag */
	facts->agent_update = stores_new_states(info);
	facts->elected_ns = answer->has_elected_time ? master_seconds_to_ns(answer->elected_time) : 0;
	set_domain(facts, info->domain);
	return 0;
}

int master_parse_get_master(const struct master_body *body, struct master_snapshot *snapshot, struct error *err)
{
	static const struct master_items items[] = {
		{NULL, 0, &mesos__master__response__get_master__descriptor, set_facts},
		{.descriptor = NULL},
	};
	static const struct master_call call = {
		.type = "GET_MASTER",
		.type_number = MESOS__MASTER__RESPONSE__TYPE__GET_MASTER,
		.member = "get_master",
		.member_number = 16,
		.items = items,
	};
	return master_parse_call(&call, body, snapshot, err);
}
