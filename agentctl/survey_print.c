/* SPDX-License-Identifier: Apache-2.0 */
/* The survey for people. It is printed from the document, so that both say the same. */
#include <string.h>

#include "agentctl/survey.h"
#include "base/alloc.h"
#include "base/term.h"
#include "base/text.h"

static const char *text_at(const json_t *object, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? otherwise : text;
}

/* What a host says never reaches the terminal raw. */
static void print_line(FILE *stream, const char *label, const char *text)
{
	char *shown = text_printable(text, false);

	fprintf(stream, "%-12s%s\n", label, shown);
	free(shown);
}

static void print_agent(const json_t *survey, FILE *stream)
{
	const json_t *agent = json_object_get(survey, "agent");
	char *state;

	print_line(stream, "agent", text_at(agent, "id", "no ID yet"));
	if (json_is_true(json_object_get(agent, "running")))
		state = xasprintf("process %lld, version %s",
				  (long long)json_integer_value(json_object_get(agent, "pid")),
				  text_at(agent, "version", "unknown"));
	else
		state = xstrdup("not running");
	print_line(stream, "", state);
	print_line(stream, "work_dir", text_at(survey, "work_dir", ""));
	free(state);
}

static void print_place(const json_t *survey, const char *key, const char *label, FILE *stream)
{
	const json_t *part = json_object_get(survey, key);
	const char *place;
	char *text;

	if (json_is_null(part)) {
		print_line(stream, label, "none");
		return;
	}
	if (json_object_get(part, "error") != NULL) {
		print_line(stream, label, text_at(part, "error", ""));
		return;
	}
	place = text_at(part, "path", text_at(part, "unit", ""));
	text = xasprintf("%s%s%s", text_at(part, "kind", ""),
			 place[0] != '\0' && json_object_get(part, "kind") != NULL ? ": " : "", place);
	print_line(stream, label, text);
	free(text);
}

static void print_verdict(const json_t *survey, FILE *stream)
{
	const json_t *verdict = json_object_get(survey, "verdict");
	struct buffer text = BUFFER_INIT(4096);
	const json_t *part;
	size_t i;

	if (!json_is_object(verdict))
		return;
	if (json_is_true(json_object_get(verdict, "accepted"))) {
		buffer_puts(&text, "a restart now would be accepted");
	} else {
		buffer_puts(&text, "a restart now would be REFUSED");
		json_array_foreach(json_object_get(verdict, "differs"), i, part)
			buffer_printf(&text, "%s%s", i == 0 ? ": " : ", ", json_string_value(part));
	}
	print_line(stream, "verdict", buffer_text(&text));
	buffer_clear(&text);
}

static void print_flags(const json_t *survey, FILE *stream)
{
	const json_t *agent = json_object_get(survey, "agent");
	const char *name;
	const json_t *value;
	char *label = xasprintf("\nflags (from its %s)", text_at(agent, "flags_from", "store"));

	fprintf(stream, "%s\n", label);
	json_object_foreach((json_t *)json_object_get(agent, "flags"), name, value)
	{
		char *shown = text_printable(json_string_value(value), false);

		fprintf(stream, "  --%s=%s\n", name, shown);
		free(shown);
	}
	free(label);
}

static void print_tasks(const json_t *survey, FILE *stream)
{
	static const char *const headings[] = {"TASK", "FRAMEWORK", "EXECUTOR PID", "SURVIVES A RESTART"};
	struct table *table = table_new(headings, 4);
	const json_t *tasks = json_object_get(survey, "tasks");
	const json_t *task;
	size_t i;

	json_array_foreach(tasks, i, task)
	{
		bool alive = json_is_true(json_object_get(task, "alive"));
		bool checkpoint = json_is_true(json_object_get(task, "checkpoint"));
		char *pid = xasprintf("%lld%s", (long long)json_integer_value(json_object_get(task, "executor_pid")),
				      alive ? "" : " (gone)");
		const char *cells[] = {text_at(task, "task", "-"), text_at(task, "framework", "-"), pid,
				       checkpoint ? "yes" : "no: its framework does not checkpoint"};

		table_add(table, cells);
		free(pid);
	}
	fprintf(stream, "\ntasks: %zu\n", json_array_size(tasks));
	if (json_array_size(tasks) > 0)
		table_print(table, stream);
	table_free(table);
}

static void print_findings(const json_t *survey, FILE *stream)
{
	const json_t *findings = json_object_get(survey, "findings");
	const json_t *finding;
	size_t i;

	if (json_array_size(findings) == 0)
		return;
	fprintf(stream, "\nbefore a change\n");
	json_array_foreach(findings, i, finding)
	{
		bool refuses = strcmp(text_at(finding, "severity", ""), "refuse") == 0;
		char *shown = text_printable(text_at(finding, "text", ""), false);

		fprintf(stream, "  %s  %s: %s\n", refuses ? "REFUSED" : "warning", text_at(finding, "code", "-"),
			shown);
		free(shown);
	}
}

static void print_operations(const json_t *survey, FILE *stream)
{
	static const char *const headings[] = {"OPERATION", "STATE", "RUN", "EPOCH"};
	struct table *table = table_new(headings, 4);
	const json_t *operations = json_object_get(survey, "operations");
	const json_t *operation;
	size_t i;

	json_array_foreach(operations, i, operation)
	{
		char *epoch = xasprintf("%lld", (long long)json_integer_value(json_object_get(operation, "epoch")));
		const char *cells[] = {text_at(operation, "operation", "-"), text_at(operation, "state", "-"),
				       text_at(operation, "run", "-"), epoch};

		table_add(table, cells);
		free(epoch);
	}
	fprintf(stream, "\noperations: %zu\n", json_array_size(operations));
	if (json_array_size(operations) > 0)
		table_print(table, stream);
	table_free(table);
}

void survey_print(const json_t *survey, FILE *stream)
{
	print_agent(survey, stream);
	print_place(survey, "checkpoint", "checkpoint", stream);
	print_place(survey, "flag_store", "flag store", stream);
	print_place(survey, "control", "control", stream);
	print_verdict(survey, stream);
	print_findings(survey, stream);
	print_flags(survey, stream);
	print_tasks(survey, stream);
	print_operations(survey, stream);
}
