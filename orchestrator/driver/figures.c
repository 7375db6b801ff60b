/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/driver/figures.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"

bool figures_is_there(const struct agent_view *agent)
{
	return agent->active || agent->deactivated;
}

static bool runs(const struct task_view *task)
{
	return strcmp(task->state, "TASK_RUNNING") == 0;
}

/* ---- taking them */

static void take_agents(const struct master_snapshot *snapshot, struct figures *out)
{
	out->agents = (int64_t)snapshot->agent_count;
	out->present = xcalloc(snapshot->agent_count + 1, sizeof(*out->present));
	for (size_t i = 0; i < snapshot->agent_count; i++) {
		if (figures_is_there(&snapshot->agents[i]))
			out->present[out->present_count++] = xstrdup(snapshot->agents[i].id);
	}
}

static int compare_frameworks(const void *a, const void *b)
{
	return strcmp(((const struct framework_figure *)a)->id, ((const struct framework_figure *)b)->id);
}

static int compare_with_framework(const void *id, const void *figure)
{
	return strcmp(id, ((const struct framework_figure *)figure)->id);
}

static void take_frameworks(const struct master_snapshot *snapshot, struct figures *out)
{
	out->framework_count = snapshot->framework_count;
	out->frameworks = xcalloc(out->framework_count + 1, sizeof(*out->frameworks));
	for (size_t i = 0; i < out->framework_count; i++)
		out->frameworks[i] = (struct framework_figure){.id = xstrdup(snapshot->frameworks[i].id),
							       .name = xstrdup(snapshot->frameworks[i].name)};
	qsort(out->frameworks, out->framework_count, sizeof(*out->frameworks), compare_frameworks);
	for (size_t i = 0; i < snapshot->task_count; i++) {
		struct framework_figure *figure = bsearch(snapshot->tasks[i].framework_id, out->frameworks,
							  out->framework_count, sizeof(*out->frameworks),
							  compare_with_framework);

		if (figure)
			figure->running += runs(&snapshot->tasks[i]);
	}
}

void figures_take(const struct master_snapshot *snapshot, struct figures *out)
{
	*out = (struct figures){.master_id = xstrdup(snapshot->facts.id ? snapshot->facts.id : "")};
	take_agents(snapshot, out);
	take_frameworks(snapshot, out);
}

void figures_clear(struct figures *figures)
{
	for (size_t i = 0; i < figures->present_count; i++)
		free(figures->present[i]);
	for (size_t i = 0; i < figures->framework_count; i++) {
		free(figures->frameworks[i].id);
		free(figures->frameworks[i].name);
	}
	free(figures->present);
	free(figures->frameworks);
	free(figures->master_id);
	memset(figures, 0, sizeof(*figures));
}

/* ---- keeping them */

static json_t *frameworks_to_json(const struct figures *figures)
{
	json_t *array = json_array();

	for (size_t i = 0; i < figures->framework_count; i++) {
		const struct framework_figure *framework = &figures->frameworks[i];

		json_array_append_new(array, json_pack("{s:s, s:s, s:I}", "id", framework->id, "name", framework->name,
						       "running", (json_int_t)framework->running));
	}
	return array;
}

json_t *figures_summary(const struct figures *figures)
{
	return json_pack("{s:s, s:I, s:I, s:o}", "master", figures->master_id, "agents", (json_int_t)figures->agents,
			 "active", (json_int_t)figures->present_count, "frameworks", frameworks_to_json(figures));
}

json_t *figures_to_json(const struct figures *figures)
{
	json_t *document = figures_summary(figures), *present = json_array();

	for (size_t i = 0; i < figures->present_count; i++)
		json_array_append_new(present, json_string(figures->present[i]));
	json_object_set_new(document, "present", present);
	return document;
}

static int read_present(const json_t *array, struct figures *out)
{
	size_t i;
	const json_t *id;

	out->present = xcalloc(json_array_size(array) + 1, sizeof(*out->present));
	json_array_foreach(array, i, id)
	{
		if (!json_is_string(id))
			return -1;
		out->present[out->present_count++] = xstrdup(json_string_value(id));
	}
	return 0;
}

static int read_frameworks(const json_t *array, struct figures *out)
{
	size_t i;
	const json_t *entry;

	out->frameworks = xcalloc(json_array_size(array) + 1, sizeof(*out->frameworks));
	json_array_foreach(array, i, entry)
	{
		const char *id = json_string_value(json_object_get(entry, "id"));
		const char *name = json_string_value(json_object_get(entry, "name"));

		if (!id || !name)
			return -1;
		out->frameworks[out->framework_count++] = (struct framework_figure){
			.id = xstrdup(id),
			.name = xstrdup(name),
			.running = json_integer_value(json_object_get(entry, "running")),
		};
	}
	return 0;
}

int figures_from_json(const char *text, struct figures *out, struct error *err)
{
	json_t *document = json_parse("the cluster's figures", text, strlen(text), NULL);
	const char *master = json_string_value(json_object_get(document, "master"));
	struct figures figures = {.agents = json_integer_value(json_object_get(document, "agents"))};
	int result = -1;

	if (master) {
		figures.master_id = xstrdup(master);
		result = read_present(json_object_get(document, "present"), &figures);
		if (result == 0)
			result = read_frameworks(json_object_get(document, "frameworks"), &figures);
	}
	json_decref(document);
	if (result == 0) {
		*out = figures;
		return 0;
	}
	figures_clear(&figures);
	return error_set(err, ERROR_CORRUPT, "the figures of the cluster that were kept with the run are damaged");
}

/* ---- tasks */

static bool is_one_of(const char *id, const char *const *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(ids[i], id) == 0)
			return true;
	return false;
}

int64_t figures_count_running(const struct master_snapshot *snapshot, const char *framework)
{
	/* The ID itself, and those of the frameworks with that name: mostly one. */
	const char **ids = xcalloc(snapshot->framework_count + 1, sizeof(*ids));
	size_t id_count = 0;
	int64_t count = 0;

	ids[id_count++] = framework;
	for (size_t i = 0; i < snapshot->framework_count; i++)
		if (strcmp(snapshot->frameworks[i].name, framework) == 0)
			ids[id_count++] = snapshot->frameworks[i].id;
	for (size_t i = 0; i < snapshot->task_count; i++)
		count += runs(&snapshot->tasks[i]) && is_one_of(snapshot->tasks[i].framework_id, ids, id_count);
	free(ids);
	return count;
}

int64_t figures_running_before(const struct figures *figures, const char *framework)
{
	int64_t count = 0;

	for (size_t i = 0; i < figures->framework_count; i++)
		if (strcmp(figures->frameworks[i].id, framework) == 0 ||
		    strcmp(figures->frameworks[i].name, framework) == 0)
			count += figures->frameworks[i].running;
	return count;
}
