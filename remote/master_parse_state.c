/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /state, for masters without the operator API: tasks, frameworks, and what the master says of itself. It does not say
 * why a task ended.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "remote/master_parse.h"

/* ---- members; where is "frameworks[2].tasks[0]" */

static const char *required_text(const struct master_reading *reading, const char *where, const json_t *object,
				 const char *key, struct error *err)
{
	const char *text = json_string_value(json_object_get(object, key));
	if (text == NULL)
		error_set(err, ERROR_CORRUPT, "%s: %s has no text \"%s\"", reading->url, where, key);
	return text;
}

static char *optional_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return xstrdup(text != NULL ? text : "");
}

static bool holds_text(const json_t *array, const char *wanted)
{
	size_t i;
	json_t *item;
	json_array_foreach(array, i, item)
	{
		const char *text = json_string_value(item);
		if (text != NULL && strcmp(text, wanted) == 0)
			return true;
	}
	return false;
}

/* ---- tasks and frameworks */

static char *last_reason(const json_t *task)
{
	const json_t *statuses = json_object_get(task, "statuses");
	size_t count = json_array_size(statuses);
	return optional_text(count > 0 ? json_array_get(statuses, count - 1) : NULL, "reason");
}

enum state_item { ITEM_FRAMEWORK, ITEM_TASK, ITEM_UNREACHABLE, ITEM_COMPLETED, ITEM_ORPHAN };

static int take(const struct master_reading *reading, int result, struct error *err)
{
	return result < 0 ? error_prefix(err, "%s", reading->url) : 0;
}

static int add_task(const struct master_reading *reading, const char *where, const json_t *task, bool completed,
		    struct error *err)
{
	const char *id = required_text(reading, where, task, "id", err);
	const char *framework = required_text(reading, where, task, "framework_id", err);
	const char *agent = required_text(reading, where, task, "slave_id", err);
	const char *state = required_text(reading, where, task, "state", err);
	if (id == NULL || framework == NULL || agent == NULL || state == NULL)
		return -1;
	struct task_view view = {
		.id = xstrdup(id),
		.name = optional_text(task, "name"),
		.framework_id = xstrdup(framework),
		.executor_id = optional_text(task, "executor_id"),
		.agent_id = xstrdup(agent),
		.state = xstrdup(state),
		.reason = last_reason(task),
	};
	int result = reading->taker->task(reading->taker->ctx, &view, completed, err);
	task_view_clear(&view);
	return take(reading, result, err);
}

/* A framework of several roles has "roles" in place of "role". */
static char *first_role(const json_t *framework)
{
	const char *role = json_string_value(json_object_get(framework, "role"));
	if (role == NULL)
		role = json_string_value(json_array_get(json_object_get(framework, "roles"), 0));
	return xstrdup(role != NULL ? role : "*");
}

static int add_framework(const struct master_reading *reading, const char *where, const json_t *framework,
			 struct error *err)
{
	const char *id = required_text(reading, where, framework, "id", err);
	const json_t *capabilities = json_object_get(framework, "capabilities");
	if (id == NULL)
		return -1;
	struct framework_view view = {
		.id = xstrdup(id),
		.name = optional_text(framework, "name"),
		.role = first_role(framework),
		.active = json_is_true(json_object_get(framework, "active")),
		.checkpoint = json_is_true(json_object_get(framework, "checkpoint")),
		.partition_aware = holds_text(capabilities, "PARTITION_AWARE"),
		.region_aware = holds_text(capabilities, "REGION_AWARE"),
	};
	int result = reading->taker->framework(reading->taker->ctx, &view, err);
	framework_view_clear(&view);
	return take(reading, result, err);
}

static int add(struct master_reading *reading, int item, const char *where, const json_t *value,
	       const struct master_item *raw, struct error *err)
{
	(void)raw;
	if (item == ITEM_FRAMEWORK)
		return add_framework(reading, where, value, err);
	return add_task(reading, where, value, item == ITEM_COMPLETED, err);
}

/* ---- facts */

static char *domain_part(const json_t *root, const char *part)
{
	const json_t *domain = json_object_get(json_object_get(root, "domain"), "fault_domain");
	const char *name = json_string_value(json_object_get(json_object_get(domain, part), "name"));
	return name != NULL ? xstrdup(name) : NULL;
}

static int read_facts(const struct master_reading *reading, const json_t *root, struct error *err)
{
	struct master_facts *facts = reading->facts;
	const char *version = required_text(reading, "the answer", root, "version", err);
	if (version == NULL)
		return -1;
	facts->version = xstrdup(version);
	facts->cluster = optional_text(root, "cluster");
	facts->agent_update = holds_text(json_object_get(root, "capabilities"), "AGENT_UPDATE");
	facts->region = domain_part(root, "region");
	facts->zone = domain_part(root, "zone");
	facts->has_domain = facts->region != NULL && facts->zone != NULL;
	facts->elected_ns = master_seconds_to_ns(json_number_value(json_object_get(root, "elected_time")));
	return master_read_flags(reading, json_object_get(root, "flags"), err);
}

static int finish(struct master_reading *reading, const json_t *rest, struct error *err)
{
	const char *id = required_text(reading, "the answer", rest, "id", err);
	if (id == NULL)
		return -1;
	free(reading->facts->id);
	reading->facts->id = xstrdup(id);
	reading->flags_hidden = !json_is_object(json_object_get(rest, "flags"));
	if ((reading->want & WANT_FACTS) && read_facts(reading, rest, err) < 0)
		return -1;
	if ((reading->want & WANT_TASKS) && !json_is_array(json_object_get(rest, "frameworks")))
		return error_set(err, ERROR_CORRUPT, "%s: the answer has no array \"frameworks\"", reading->url);
	return 0;
}

/* ---- how it is cut up */

/* Agents, and what has long ended, are the most of it, and nobody asked for them here. */
#define DROPPED                                                                                                        \
	{"slaves", JSON_SPLIT_DROP}, {"recovered_slaves", JSON_SPLIT_DROP}, {"completed_frameworks", JSON_SPLIT_DROP}, \
	{                                                                                                              \
		"unregistered_frameworks", JSON_SPLIT_DROP                                                             \
	}

static const struct json_split_rule rules_of_tasks[] = {
	{"frameworks.*", ITEM_FRAMEWORK},
	{"frameworks.*.tasks.*", ITEM_TASK},
	{"frameworks.*.unreachable_tasks.*", ITEM_UNREACHABLE},
	{"frameworks.*.completed_tasks.*", ITEM_COMPLETED},
	{"frameworks.*.executors", JSON_SPLIT_DROP},
	{"frameworks.*.offers", JSON_SPLIT_DROP},
	{"orphan_tasks.*", ITEM_ORPHAN}, /* of frameworks not back after a failover */
	DROPPED,
};
static const struct json_split_rule rules_of_facts[] = {
	{"frameworks", JSON_SPLIT_DROP},
	{"orphan_tasks", JSON_SPLIT_DROP},
	DROPPED,
};
static const char *const names[] = {"frameworks", "tasks", "unreachable_tasks", "completed_tasks", "orphan_tasks"};

const struct master_document master_state_tasks = {
	.rules = rules_of_tasks,
	.rule_count = sizeof(rules_of_tasks) / sizeof(rules_of_tasks[0]),
	.names = names,
	.add = add,
	.finish = finish,
};
const struct master_document master_state_facts = {
	.rules = rules_of_facts,
	.rule_count = sizeof(rules_of_facts) / sizeof(rules_of_facts[0]),
	.names = names,
	.add = add,
	.finish = finish,
};
