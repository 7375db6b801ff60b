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

static const char *required_text(const struct master_body *body, const char *where, const json_t *object,
				 const char *key, struct error *err)
{
	const char *text = json_string_value(json_object_get(object, key));
	if (text == NULL)
		error_set(err, ERROR_CORRUPT, "%s: %s has no text \"%s\"", body->url, where, key);
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

struct task_list {
	struct task_view **tasks;
	size_t *count;
};

static int add_task(const struct master_body *body, const char *where, const json_t *task, struct task_list list,
		    struct error *err)
{
	const char *id = required_text(body, where, task, "id", err);
	const char *framework = required_text(body, where, task, "framework_id", err);
	const char *agent = required_text(body, where, task, "slave_id", err);
	const char *state = required_text(body, where, task, "state", err);
	if (id == NULL || framework == NULL || agent == NULL || state == NULL)
		return -1;
	*list.tasks = xreallocarray(*list.tasks, *list.count + 1, sizeof(**list.tasks));
	(*list.tasks)[(*list.count)++] = (struct task_view){
		.id = xstrdup(id),
		.name = optional_text(task, "name"),
		.framework_id = xstrdup(framework),
		.executor_id = optional_text(task, "executor_id"),
		.agent_id = xstrdup(agent),
		.state = xstrdup(state),
		.reason = last_reason(task),
	};
	return 0;
}

static int add_tasks(const struct master_body *body, const char *where, const json_t *owner, const char *key,
		     struct task_list list, struct error *err)
{
	const json_t *tasks = json_object_get(owner, key);
	size_t i;
	json_t *task;
	json_array_foreach(tasks, i, task)
	{
		char place[128];
		snprintf(place, sizeof(place), "%s%s[%zu]", where, key, i);
		if (add_task(body, place, task, list, err) < 0)
			return -1;
	}
	return 0;
}

/* A framework of several roles has "roles" in place of "role". */
static char *first_role(const json_t *framework)
{
	const char *role = json_string_value(json_object_get(framework, "role"));
	if (role == NULL)
		role = json_string_value(json_array_get(json_object_get(framework, "roles"), 0));
	return xstrdup(role != NULL ? role : "*");
}

static int add_framework(const struct master_body *body, size_t index, const json_t *framework,
			 struct master_snapshot *snapshot, struct error *err)
{
	struct task_list current = {&snapshot->tasks, &snapshot->task_count};
	struct task_list completed = {&snapshot->completed, &snapshot->completed_count};
	char where[64];
	snprintf(where, sizeof(where), "frameworks[%zu]", index);
	const char *id = required_text(body, where, framework, "id", err);
	if (id == NULL)
		return -1;
	snapshot->frameworks = xreallocarray(snapshot->frameworks, snapshot->framework_count + 1,
					     sizeof(*snapshot->frameworks));
	snapshot->frameworks[snapshot->framework_count++] = (struct framework_view){
		.id = xstrdup(id),
		.name = optional_text(framework, "name"),
		.role = first_role(framework),
		.active = json_is_true(json_object_get(framework, "active")),
		.checkpoint = json_is_true(json_object_get(framework, "checkpoint")),
		.partition_aware = holds_text(json_object_get(framework, "capabilities"), "PARTITION_AWARE"),
	};
	snprintf(where, sizeof(where), "frameworks[%zu].", index);
	if (add_tasks(body, where, framework, "tasks", current, err) < 0 ||
	    add_tasks(body, where, framework, "unreachable_tasks", current, err) < 0)
		return -1;
	return add_tasks(body, where, framework, "completed_tasks", completed, err);
}

static int add_frameworks(const struct master_body *body, const json_t *root, struct master_snapshot *snapshot,
			  struct error *err)
{
	const json_t *frameworks = json_object_get(root, "frameworks");
	struct task_list current = {&snapshot->tasks, &snapshot->task_count};
	size_t i;
	json_t *framework;
	if (!json_is_array(frameworks))
		return error_set(err, ERROR_CORRUPT, "%s: the answer has no array \"frameworks\"", body->url);
	json_array_foreach(frameworks, i, framework)
	{
		if (add_framework(body, i, framework, snapshot, err) < 0)
			return -1;
	}
	return add_tasks(body, "", root, "orphan_tasks", current, err); /* of frameworks not back after a failover */
}

/* ---- facts */

static char *domain_part(const json_t *root, const char *part)
{
	const json_t *domain = json_object_get(json_object_get(root, "domain"), "fault_domain");
	const char *name = json_string_value(json_object_get(json_object_get(domain, part), "name"));
	return name != NULL ? xstrdup(name) : NULL;
}

static int read_facts(const struct master_body *body, const json_t *root, struct master_facts *facts, struct error *err)
{
	const char *version = required_text(body, "the answer", root, "version", err);
	if (version == NULL)
		return -1;
	facts->version = xstrdup(version);
	facts->cluster = optional_text(root, "cluster");
	facts->agent_update = holds_text(json_object_get(root, "capabilities"), "AGENT_UPDATE");
	facts->region = domain_part(root, "region");
	facts->zone = domain_part(root, "zone");
	facts->has_domain = facts->region != NULL && facts->zone != NULL;
	facts->elected_ns = master_seconds_to_ns(json_number_value(json_object_get(root, "elected_time")));
	return master_read_flags(body, json_object_get(root, "flags"), facts, err);
}

static int read_state(const struct master_body *body, const json_t *root, unsigned want,
		      struct master_snapshot *snapshot, struct error *err)
{
	const char *id = required_text(body, "the answer", root, "id", err);
	if (id == NULL)
		return -1;
	snapshot->facts.id = xstrdup(id);
	if ((want & WANT_FACTS) && read_facts(body, root, &snapshot->facts, err) < 0)
		return -1;
	return want & WANT_TASKS ? add_frameworks(body, root, snapshot, err) : 0;
}

int master_parse_state(const struct master_body *body, unsigned want, struct master_snapshot *snapshot,
		       bool *flags_hidden, struct error *err)
{
	json_t *root = master_json(body, err);
	if (root == NULL)
		return -1;
	*flags_hidden = !json_is_object(json_object_get(root, "flags"));
	int result = read_state(body, root, want, snapshot, err);
	json_decref(root);
	return result;
}
