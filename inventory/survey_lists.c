/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of an inspect document: tasks, operations, findings, and the flags that the agent knows. */
#include "inventory/survey_lists.h"

#include <string.h>

#include "base/alloc.h"

static int read_task(const json_t *value, struct survey_task *out, const struct json_place *place, struct error *err)
{
	if (!json_is_object(value))
		return json_error(place, err, "must be an object");
	if (survey_read_text(value, "framework", &out->framework, place, err) < 0 ||
	    survey_read_text(value, "executor", &out->executor, place, err) < 0 ||
	    survey_read_text(value, "container", &out->container, place, err) < 0 ||
	    survey_read_text(value, "task", &out->task, place, err) < 0 ||
	    json_optional_int(value, "executor_pid", &out->executor_pid, place, err) < 0 ||
	    json_optional_bool(value, "alive", &out->alive, place, err) < 0 ||
	    json_optional_bool(value, "docker", &out->docker, place, err) < 0)
		return -1;
	return json_optional_bool(value, "checkpoint", &out->checkpoint, place, err);
}

static int read_tasks(struct survey *survey, const json_t *root, const struct json_place *top, struct error *err)
{
	struct json_place here = {.parent = top, .key = "tasks"};
	const json_t *tasks = NULL;

	if (json_optional_array(root, "tasks", &tasks, top, err) < 0)
		return -1;
	survey->tasks = xcalloc(json_array_size(tasks) + 1, sizeof(*survey->tasks));
	for (size_t i = 0; i < json_array_size(tasks); i++) {
		struct json_place item = {.parent = &here, .index = i};

		if (read_task(json_array_get(tasks, i), &survey->tasks[survey->task_count++], &item, err) < 0)
			return -1;
	}
	return 0;
}

static int read_operation(const json_t *value, struct survey_operation *out, const struct json_place *place,
			  struct error *err)
{
	if (!json_is_object(value))
		return json_error(place, err, "must be an object");
	if (survey_read_text(value, "operation", &out->operation, place, err) < 0 ||
	    survey_read_text(value, "state", &out->state, place, err) < 0 ||
	    survey_read_text(value, "run", &out->run, place, err) < 0 ||
	    survey_read_text(value, "database", &out->database, place, err) < 0 ||
	    survey_read_text(value, "chain_head", &out->chain_head, place, err) < 0)
		return -1;
	return json_optional_int(value, "epoch", &out->epoch, place, err);
}

static int read_operations(struct survey *survey, const json_t *root, const struct json_place *top, struct error *err)
{
	struct json_place here = {.parent = top, .key = "operations"};
	const json_t *operations = NULL;

	if (json_optional_array(root, "operations", &operations, top, err) < 0)
		return -1;
	survey->operations = xcalloc(json_array_size(operations) + 1, sizeof(*survey->operations));
	for (size_t i = 0; i < json_array_size(operations); i++) {
		struct json_place item = {.parent = &here, .index = i};
		struct survey_operation *operation = &survey->operations[survey->operation_count++];

		if (read_operation(json_array_get(operations, i), operation, &item, err) < 0)
			return -1;
	}
	return 0;
}

static int read_finding(const json_t *value, struct survey_finding *out, const struct json_place *place,
			struct error *err)
{
	const char *severity = "";

	if (!json_is_object(value))
		return json_error(place, err, "must be an object");
	if (survey_read_text(value, "code", &out->code, place, err) < 0 ||
	    survey_read_text(value, "text", &out->text, place, err) < 0 ||
	    json_optional_string(value, "severity", &severity, place, err) < 0)
		return -1;
	if (!out->code || !out->text)
		return json_error(place, err, "lacks \"code\" or \"text\"");
	out->refuses = strcmp(severity, "warn") != 0;
	return 0;
}

static int read_findings(struct survey *survey, const json_t *root, const struct json_place *top, struct error *err)
{
	struct json_place here = {.parent = top, .key = "findings"};
	const json_t *findings = NULL;

	if (json_optional_array(root, "findings", &findings, top, err) < 0)
		return -1;
	survey->findings = xcalloc(json_array_size(findings) + 1, sizeof(*survey->findings));
	for (size_t i = 0; i < json_array_size(findings); i++) {
		struct json_place item = {.parent = &here, .index = i};
		struct survey_finding *finding = &survey->findings[survey->finding_count++];

		if (read_finding(json_array_get(findings, i), finding, &item, err) < 0)
			return -1;
	}
	return 0;
}

int survey_read_known_flags(struct survey *survey, const json_t *agent, const struct json_place *place,
			    struct error *err)
{
	const json_t *names = NULL;

	if (json_optional_array(agent, "known_flags", &names, place, err) < 0)
		return -1;
	survey->known_flags = xcalloc(json_array_size(names) + 1, sizeof(*survey->known_flags));
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (!name)
			return json_error(place, err, "known_flags must be names");
		survey->known_flags[survey->known_flag_count++] = xstrdup(name);
	}
	return 0;
}

int survey_read_lists(struct survey *survey, const json_t *root, const struct json_place *top, struct error *err)
{
	if (read_tasks(survey, root, top, err) < 0 || read_operations(survey, root, top, err) < 0)
		return -1;
	return read_findings(survey, root, top, err);
}
