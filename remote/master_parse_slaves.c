/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /slaves, for masters without GET_AGENTS. Each agent is rewritten into the shape it has in GET_AGENTS. Two things
 * cannot be had: of two attributes with one name only one is there (attributes_complete is false), and the resources
 * the agent registered with are not said; they are worked out by taking the dynamic reservations and volumes, which the
 * master adds, away again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "remote/master_parse.h"
#include "schema/mesos.pb-c.h"

/* ---- attributes: {"rack": "r1", "level": 4.5, "keys": "[10-20, 30-40]"} */

static int parse_range(const char **at, json_t *range)
{
	char *end;
	*at += strspn(*at, " ");
	if (**at < '0' || **at > '9')
		return -1;
	unsigned long long begin = strtoull(*at, &end, 10);
	if (*end != '-' || end[1] < '0' || end[1] > '9')
		return -1;
	unsigned long long last = strtoull(end + 1, &end, 10);
	*at = end + strspn(end, " ");
	json_object_set_new(range, "begin", json_integer((json_int_t)begin));
	json_object_set_new(range, "end", json_integer((json_int_t)last));
	return 0;
}

/* NULL when text is no "[a-b, c-d]". */
static json_t *ranges_from_text(const char *text)
{
	if (*text++ != '[')
		return NULL;
	json_t *array = json_array();
	text += strspn(text, " ");
	while (*text != ']') {
		json_t *range = json_object();
		int result = parse_range(&text, range);
		json_array_append_new(array, range);
		if (result < 0 || (*text != ',' && *text != ']')) {
			json_decref(array);
			return NULL;
		}
		if (*text == ',')
			text++;
	}
	return json_pack("{s:o}", "range", array);
}

static json_t *attribute_of(const char *name, json_t *value)
{
	json_t *ranges = json_is_string(value) ? ranges_from_text(json_string_value(value)) : NULL;
	if (ranges != NULL)
		return json_pack("{s:s, s:s, s:o}", "name", name, "type", "RANGES", "ranges", ranges);
	if (json_is_number(value))
		return json_pack("{s:s, s:s, s:{s:O}}", "name", name, "type", "SCALAR", "scalar", "value", value);
	return json_pack("{s:s, s:s, s:{s:O}}", "name", name, "type", "TEXT", "text", "value", value);
}

static json_t *attributes_of(const json_t *agent)
{
	json_t *list = json_array(), *value;
	const char *name;
	json_object_foreach(json_object_get(agent, "attributes"), name, value)
		json_array_append_new(list, attribute_of(name, value));
	return list;
}

/* ---- resources */

static json_t *total_of(const json_t *agent)
{
	json_t *list = json_array(), *of_role;
	const char *role;
	json_array_extend(list, json_object_get(agent, "unreserved_resources_full"));
	json_object_foreach(json_object_get(agent, "reserved_resources_full"), role, of_role)
		json_array_extend(list, of_role);
	return list;
}

static bool is_dynamic(const json_t *reservation)
{
	const char *type = json_string_value(json_object_get(reservation, "type"));
	return type != NULL && strcmp(type, "DYNAMIC") == 0;
}

/* Reservations are a stack; dynamic ones lie on top of the static one. */
static json_t *static_reservations(const json_t *resource)
{
	json_t *kept = json_array(), *reservation;
	size_t i;
	json_array_foreach(json_object_get(resource, "reservations"), i, reservation)
	{
		if (!is_dynamic(reservation))
			json_array_append(kept, reservation);
	}
	return kept;
}

/* What the agent offered before anyone reserved it or made a volume on it. A disk's source is the agent's own; only
 * volumes are shared. */
static json_t *as_registered(const json_t *resource)
{
	json_t *copy = json_copy((json_t *)resource);
	const json_t *source = json_object_get(json_object_get(resource, "disk"), "source");
	bool refined = json_object_get(resource, "reservations") != NULL;
	if (refined || json_object_get(resource, "reservation") != NULL)
		json_object_del(copy, "role"); /* said again by `reservations`, or that of a dynamic one */
	if (refined)
		json_object_set_new(copy, "reservations", static_reservations(resource));
	json_object_del(copy, "reservation");
	json_object_del(copy, "shared");
	json_object_del(copy, "disk");
	if (source != NULL)
		json_object_set_new(copy, "disk", json_pack("{s:O}", "source", source));
	return copy;
}

static json_t *registered_of(const json_t *total)
{
	json_t *list = json_array(), *resource;
	size_t i;
	json_array_foreach(total, i, resource) json_array_append_new(list, as_registered(resource));
	return list;
}

/* ---- the agent */

static void copy_member(json_t *to, const char *to_key, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);
	if (value != NULL)
		json_object_set(to, to_key, value);
}

static json_t *info_of(const json_t *agent, const json_t *total)
{
	json_t *info = json_object();
	json_t *id = json_object_get(agent, "id");
	copy_member(info, "hostname", agent, "hostname");
	copy_member(info, "port", agent, "port");
	copy_member(info, "domain", agent, "domain");
	if (id != NULL)
		json_object_set_new(info, "id", json_pack("{s:O}", "value", id));
	json_object_set_new(info, "attributes", attributes_of(agent));
	json_object_set_new(info, "resources", registered_of(total));
	json_object_set_new(info, "checkpoint", json_true()); /* the master takes no agent without since 1.0 */
	return info;
}

static void set_time(json_t *to, const json_t *agent, const char *key)
{
	int64_t ns = master_seconds_to_ns(json_number_value(json_object_get(agent, key)));
	if (ns != 0)
		json_object_set_new(to, key, json_pack("{s:I}", "nanoseconds", (json_int_t)ns));
}

static int add_slave(struct master_reading *reading, const struct master_item *item, struct error *err)
{
	return master_add_agent(reading, item, false, err);
}

static json_t *reshape(const json_t *agent)
{
	json_t *total = total_of(agent);
	json_t *shaped = json_pack("{s:o, s:o}", "agent_info", info_of(agent, total), "total_resources", total);
	copy_member(shaped, "active", agent, "active");
	copy_member(shaped, "deactivated", agent, "deactivated");
	copy_member(shaped, "version", agent, "version");
	copy_member(shaped, "pid", agent, "pid");
	copy_member(shaped, "allocated_resources", agent, "used_resources_full");
	set_time(shaped, agent, "registered_time");
	set_time(shaped, agent, "reregistered_time");
	return shaped;
}

/* The items of the answer, as rules and names have them. */
enum { LISTED, RECOVERED };

static int add(struct master_reading *reading, int item, const char *where, const json_t *value,
	       const struct master_item *raw, struct error *err)
{
	static const struct master_items items = {"slaves", 0, &mesos__master__response__get_agents__agent__descriptor,
						  add_slave, true};
	const char *id = json_string_value(json_object_get(value, "id"));
	if (item == RECOVERED && (id == NULL || *id == '\0'))
		return error_set(err, ERROR_CORRUPT, "%s: %s has no ID", reading->url, where);
	if (item == RECOVERED)
		return master_add_recovered(reading, id, err);
	json_t *shaped = reshape(value);
	int result = master_add_json(&items, reading, raw, shaped, err);
	json_decref(shaped);
	return result;
}

static int finish(struct master_reading *reading, const json_t *rest, struct error *err)
{
	if (json_is_array(json_object_get(rest, "slaves")))
		return 0;
	return error_set(err, ERROR_CORRUPT, "%s: the answer has no array \"slaves\"", reading->url);
}

/* Everything is there twice, and what is on offer changes by the second. */
static const struct json_split_rule rules[] = {
	{"slaves.*", LISTED},
	{"slaves.*.resources", JSON_SPLIT_DROP},
	{"slaves.*.used_resources", JSON_SPLIT_DROP},
	{"slaves.*.offered_resources", JSON_SPLIT_DROP},
	{"slaves.*.offered_resources_full", JSON_SPLIT_DROP},
	{"slaves.*.reserved_resources", JSON_SPLIT_DROP},
	{"slaves.*.unreserved_resources", JSON_SPLIT_DROP},
	{"slaves.*.unreserved_resources_allocated", JSON_SPLIT_DROP},
	{"slaves.*.reserved_resources_allocated", JSON_SPLIT_DROP},
	{"slaves.*.capabilities", JSON_SPLIT_DROP},
	{"slaves.*.resource_providers", JSON_SPLIT_DROP},
	{"recovered_slaves.*", RECOVERED},
};
static const char *const names[] = {"slaves", "recovered_slaves"};

const struct master_document master_slaves = {
	.rules = rules,
	.rule_count = sizeof(rules) / sizeof(rules[0]),
	.names = names,
	.known = true,
	.slaves = true,
	.add = add,
	.finish = finish,
};
