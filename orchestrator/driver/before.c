/* SPDX-License-Identifier: Apache-2.0 */
/* The before-picture: taken once per operation, stored with its intent, read back by a restart. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "orchestrator/driver/proof.h"

static void clear_task(struct plan_task *task)
{
	free(task->id);
	free(task->name);
	free(task->framework_id);
	free(task->framework_name);
}

void before_picture_clear(struct before_picture *before)
{
	for (size_t i = 0; i < before->task_count; i++)
		clear_task(&before->tasks[i]);
	for (size_t i = 0; i < before->other_count; i++)
		clear_task(&before->others[i]);
	free(before->tasks);
	free(before->others);
	free(before->master_id);
	free(before->accepted_by);
	slaveinfo_free(before->info);
	memset(before, 0, sizeof *before);
}

/* ---- taking it */

static const struct framework_view *find_framework(const struct master_snapshot *snapshot, const char *id)
{
	for (size_t i = 0; i < snapshot->framework_count; i++)
		if (strcmp(snapshot->frameworks[i].id, id) == 0)
			return &snapshot->frameworks[i];
	return NULL;
}

/* The plan showed that this framework loses tasks here, and whoever started it has accepted that. */
static bool loss_was_planned(const struct plan_agent *agent, const char *framework_id)
{
	for (size_t i = 0; i < agent->task_count; i++)
		if (!agent->tasks[i].survives && strcmp(agent->tasks[i].framework_id, framework_id) == 0)
			return true;
	return false;
}

static int add_task(const struct plan_agent *agent, const struct master_snapshot *snapshot,
		    const struct task_view *task, struct before_picture *out, struct error *err)
{
	const struct framework_view *framework = find_framework(snapshot, task->framework_id);
	bool announced = loss_was_planned(agent, task->framework_id);
	bool survives = framework && framework->checkpoint && agent->mechanism != MECHANISM_DISCARD && !announced;

	/* After a failover frameworks come back one by one. */
	if (!framework && agent->mechanism != MECHANISM_DISCARD && !announced)
		return error_set(
			err, ERROR_UNREACHABLE,
			"the master does not know framework %s of task %s just now: whether it would survive the "
			"restart cannot be said",
			task->framework_id, task->id);

	if (!survives && agent->mechanism != MECHANISM_DISCARD && !announced)
		return error_set(
			err, ERROR_REFUSED,
			"task %s of framework %s would die with the restart (the framework does not checkpoint), "
			"and the plan did not show it; plan again",
			task->id, framework ? framework->name : task->framework_id);
	out->tasks = xreallocarray(out->tasks, out->task_count + 1, sizeof *out->tasks);
	out->tasks[out->task_count++] = (struct plan_task){
		.id = xstrdup(task->id),
		.name = xstrdup(task->name),
		.framework_id = xstrdup(task->framework_id),
		.framework_name = framework ? xstrdup(framework->name) : NULL,
		.survives = survives,
	};
	return 0;
}

static int take_tasks(const struct plan_agent *agent, const struct snapshot_index *shown, struct before_picture *out,
		      struct error *err)
{
	const struct task_view *task;
	uint32_t place = 0;

	while ((task = snapshot_index_task(shown, agent->agent_id, &place)))
		if (strcmp(task->state, "TASK_RUNNING") == 0 && add_task(agent, shown->snapshot, task, out, err) < 0)
			return -1;
	return 0;
}

static int check_fitness(const struct plan_agent *agent, const struct agent_view *view, struct error *err)
{
	if (!view)
		return error_set(err, ERROR_UNREACHABLE, "the master does not list it any more");
	if (!view->active && !view->deactivated)
		return error_set(err, ERROR_UNREACHABLE, "it is not active at the master: it is away already");
	if (!view->info || !view->attributes_complete)
		return error_set(err, ERROR_UNREACHABLE,
				 "the master does not answer GET_AGENTS, and /slaves hides one of two attributes with "
				 "the same name: what becomes of it could not be proven");
	if (strcmp(view->hostname, agent->hostname) != 0 || strcmp(view->ip, agent->ip) != 0)
		return error_set(err, ERROR_REFUSED, "it is %s at %s now, the plan saw %s at %s; plan again",
				 view->hostname, view->ip, agent->hostname, agent->ip);
	return 0;
}

int before_picture_take(const struct plan_agent *agent, const struct snapshot_index *shown, struct before_picture *out,
			struct error *err)
{
	const struct master_snapshot *snapshot = shown->snapshot;
	const struct agent_view *view = master_snapshot_agent(snapshot, agent->agent_id);
	struct before_picture before = {0};

	if (check_fitness(agent, view, err) < 0)
		return -1;
	before.registered_ns = view->registered_ns;
	before.reregistered_ns = view->reregistered_ns;
	before.active = view->active;
	before.deactivated = view->deactivated;
	before.master_id = xstrdup(snapshot->facts.id ? snapshot->facts.id : "");
	before.info = slaveinfo_copy(view->info);
	if (take_tasks(agent, shown, &before, err) < 0) {
		before_picture_clear(&before);
		return -1;
	}
	*out = before;
	return 0;
}

void before_picture_note_others(struct before_picture *before, const char *agent_id, const struct snapshot_index *shown)
{
	const struct task_view *task;
	uint32_t place = 0;

	before->knows_others = true;
	while ((task = snapshot_index_task(shown, agent_id, &place))) {
		if (strcmp(task->state, "TASK_RUNNING") == 0)
			continue;
		before->others = xreallocarray(before->others, before->other_count + 1, sizeof *before->others);
		before->others[before->other_count++] = (struct plan_task){.id = xstrdup(task->id),
									   .framework_id = xstrdup(task->framework_id)};
	}
}

/* ---- keeping it */

static json_t *task_to_json(const struct plan_task *task)
{
	return json_pack("{s:s, s:s*, s:s, s:s*, s:b}", "id", task->id, "name", task->name, "framework",
			 task->framework_id, "framework_name", task->framework_name, "survives", task->survives);
}

static json_t *others_to_json(const struct before_picture *before)
{
	json_t *others = before->knows_others ? json_array() : NULL;

	for (size_t i = 0; i < before->other_count; i++)
		json_array_append_new(others, json_pack("{s:s, s:s}", "id", before->others[i].id, "framework",
							before->others[i].framework_id));
	return others;
}

json_t *before_picture_to_json(const struct before_picture *before)
{
	json_t *tasks = json_array(), *forgotten = before->forgotten ? json_true() : NULL;

	for (size_t i = 0; i < before->task_count; i++)
		json_array_append_new(tasks, task_to_json(&before->tasks[i]));
	return json_pack("{s:I, s:I, s:b, s:b, s:s, s:o, s:o, s:o*, s:o*}", "registered_ns",
			 (json_int_t)before->registered_ns, "reregistered_ns", (json_int_t)before->reregistered_ns,
			 "active", before->active, "deactivated", before->deactivated, "master", before->master_id,
			 "slave_info", slaveinfo_to_json(before->info), "tasks", tasks, "others",
			 others_to_json(before), "forgotten", forgotten);
}

static int read_task(const json_t *entry, const struct json_place *place, struct plan_task *out, struct error *err)
{
	const char *id = NULL, *name = NULL, *framework = NULL, *framework_name = NULL;
	bool survives = false;

	if (json_required_string(entry, "id", &id, place, err) < 0 ||
	    json_required_string(entry, "framework", &framework, place, err) < 0 ||
	    json_optional_string(entry, "name", &name, place, err) < 0 ||
	    json_optional_string(entry, "framework_name", &framework_name, place, err) < 0 ||
	    json_optional_bool(entry, "survives", &survives, place, err) < 0)
		return -1;
	*out = (struct plan_task){
		.id = xstrdup(id),
		.name = name ? xstrdup(name) : NULL,
		.framework_id = xstrdup(framework),
		.framework_name = framework_name ? xstrdup(framework_name) : NULL,
		.survives = survives,
	};
	return 0;
}

static int read_tasks(const json_t *array, const struct json_place *place, struct plan_task **tasks, size_t *count,
		      struct error *err)
{
	*tasks = xcalloc(json_array_size(array) + 1, sizeof **tasks);
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (read_task(json_array_get(array, i), place, &(*tasks)[i], err) < 0)
			return -1;
		++*count;
	}
	return 0;
}

static int read_picture(const json_t *document, const struct json_place *place, struct before_picture *out,
			struct error *err)
{
	const json_t *info = NULL, *tasks = NULL, *others = NULL;
	const char *master = "";

	if (json_required_int(document, "registered_ns", &out->registered_ns, place, err) < 0 ||
	    json_required_int(document, "reregistered_ns", &out->reregistered_ns, place, err) < 0 ||
	    json_optional_bool(document, "active", &out->active, place, err) < 0 ||
	    json_optional_bool(document, "deactivated", &out->deactivated, place, err) < 0 ||
	    json_optional_bool(document, "forgotten", &out->forgotten, place, err) < 0 ||
	    json_optional_string(document, "master", &master, place, err) < 0 ||
	    json_optional_object(document, "slave_info", &info, place, err) < 0 ||
	    json_optional_array(document, "tasks", &tasks, place, err) < 0 ||
	    json_optional_array(document, "others", &others, place, err) < 0)
		return -1;
	out->master_id = xstrdup(master);
	out->info = slaveinfo_from_json(info, err);
	out->knows_others = others != NULL;
	if (!out->info || read_tasks(tasks, place, &out->tasks, &out->task_count, err) < 0)
		return -1;
	return read_tasks(others, place, &out->others, &out->other_count, err);
}

int before_picture_from_json(const char *text, struct before_picture *out, struct error *err)
{
	static const struct json_place place = {.source = "before-picture"};
	struct before_picture before = {0};
	json_t *document = json_parse("before-picture", text, strlen(text), err);
	int result = document ? read_picture(document, &place, &before, err) : -1;

	json_decref(document);
	if (result < 0) {
		before_picture_clear(&before);
		return -1;
	}
	before_picture_clear(out);
	*out = before;
	return 0;
}
