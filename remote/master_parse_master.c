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

static int read_duration(const struct master_reading *reading, const json_t *flags, const char *name, int64_t *ms,
			 struct error *err)
{
	struct error why = ERROR_INIT;
	const char *text = json_string_value(json_object_get(flags, name));
	if (text == NULL || clock_parse_duration(text, ms, &why) == 0)
		return 0;
	return error_set(err, ERROR_CORRUPT, "%s: flag %s: %s", reading->url, name, why.text);
}

static void read_text(const json_t *flags, const char *name, char **slot)
{
	const char *text = json_string_value(json_object_get(flags, name));
	if (text == NULL || text[0] == '\0')
		return;
	free(*slot);
	*slot = xstrdup(text);
}

int master_read_flags(const struct master_reading *reading, const json_t *flags, struct error *err)
{
	struct master_facts *facts = reading->facts;
	const char *pings = json_string_value(json_object_get(flags, "max_agent_ping_timeouts"));
	const char *domain = json_string_value(json_object_get(flags, "require_agent_domain"));
	read_text(flags, "cluster", &facts->cluster);
	read_text(flags, "acls", &facts->acls);
	read_text(flags, "agent_removal_rate_limit", &facts->agent_removal_rate_limit);
	if (pings != NULL)
		facts->max_agent_ping_timeouts = strtol(pings, NULL, 10);
	facts->require_agent_domain = domain != NULL && strcmp(domain, "true") == 0;
	if (read_duration(reading, flags, "agent_ping_timeout", &facts->agent_ping_timeout_ms, err) < 0)
		return -1;
	return read_duration(reading, flags, "agent_reregister_timeout", &facts->agent_reregister_timeout_ms, err);
}

static int finish_flags(struct master_reading *reading, const json_t *rest, struct error *err)
{
	const json_t *flags = json_object_get(rest, "flags");
	if (json_is_object(flags))
		return master_read_flags(reading, flags, err);
	return error_set(err, ERROR_CORRUPT, "%s: the answer has no object \"flags\"", reading->url);
}

const struct master_document master_flags = {.finish = finish_flags};

/* ---- what it counts */

static int64_t sum(const json_t *figures, const char *const *names)
{
	int64_t total = 0;
	for (; *names != NULL; names++) {
		const json_t *figure = json_object_get(figures, *names);
		if (!json_is_number(figure))
			return -1;
		total += (int64_t)json_number_value(figure);
	}
	return total;
}

static int finish_metrics(struct master_reading *reading, const json_t *rest, struct error *err)
{
	static const char *const agents[] = {"master/slaves_active", "master/slaves_inactive", NULL};
	static const char *const tasks[] = {"master/tasks_staging", "master/tasks_starting", "master/tasks_running",
					    NULL};
	(void)err;
	reading->facts->agent_count = sum(rest, agents);
	reading->facts->task_count = sum(rest, tasks);
	return 0;
}

const struct master_document master_metrics = {.finish = finish_metrics};

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

static int set_facts(struct master_reading *reading, const struct master_item *item, struct error *err)
{
	const Mesos__Master__Response__GetMaster *answer = item->message;
	const Mesos__MasterInfo *info = answer->master_info;
	struct master_facts *facts = reading->facts;
	if (info == NULL || info->version == NULL || facts->id != NULL)
		return error_set(err, ERROR_CORRUPT, "%s: %s does not say which master this is", reading->url,
				 item->where);
	facts->id = xstrdup(info->id);
	facts->version = xstrdup(info->version);
	facts->cluster = xstrdup(""); /* a flag */
	facts->agent_update = stores_new_states(info);
	facts->elected_ns = answer->has_elected_time ? master_seconds_to_ns(answer->elected_time) : 0;
	set_domain(facts, info->domain);
	return 0;
}

static const struct master_items items[] = {
	{NULL, 0, &mesos__master__response__get_master__descriptor, set_facts, false},
	{.descriptor = NULL},
};

const struct master_call master_get_master = {
	.type = "GET_MASTER",
	.type_number = MESOS__MASTER__RESPONSE__TYPE__GET_MASTER,
	.member = "get_master",
	.member_number = 16,
	.items = items,
};
