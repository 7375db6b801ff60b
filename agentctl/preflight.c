/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/preflight.h"

#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"

/* Texts of several findings; an error holds less. */
#define REASONS_MAX 65536

void findings_clear(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		free(findings->items[i].text);
	free(findings->items);
	memset(findings, 0, sizeof *findings);
}

void findings_add(struct findings *findings, const char *code, enum finding_severity severity, const char *format, ...)
{
	struct buffer text = BUFFER_INIT(REASONS_MAX);
	struct finding *finding;
	char line[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	buffer_puts(&text, line);
	findings->items = xreallocarray(findings->items, findings->count + 1, sizeof *findings->items);
	finding = &findings->items[findings->count++];
	finding->code = code;
	finding->severity = severity;
	finding->text = buffer_take(&text);
}

json_t *findings_to_json(const struct findings *findings)
{
	json_t *array = json_array();

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];
		json_t *text = json_string(finding->text);
		json_t *object = json_object();

		json_object_set_new(object, "code", json_string(finding->code));
		json_object_set_new(object, "severity",
				    json_string(finding->severity == FINDING_WARN ? "warn" : "refuse"));
		json_object_set_new(object, "text", text != NULL ? text : json_string("(not printable)"));
		json_array_append_new(array, object);
	}
	return array;
}

int findings_judge(const struct findings *findings, struct error *err)
{
	struct buffer text = BUFFER_INIT(REASONS_MAX);
	int result = 0;

	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].severity != FINDING_WARN)
			buffer_printf(&text, "%s%s", text.len == 0 ? "" : "; and ", findings->items[i].text);
	if (text.len > 0)
		result = error_set(err, ERROR_REFUSED, "%s", buffer_text(&text));
	buffer_clear(&text);
	return result;
}

void preflight_host(const struct facts *facts, struct findings *out)
{
	preflight_process(facts, out);
	preflight_work_dir(facts, out);
	preflight_checkpoint(facts, out);
	preflight_store(facts, out);
	preflight_tasks(facts, out);
}

/* What a request allows, or does not touch, is no reason to refuse it. */
static void allow(const struct request *request, struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		struct finding *finding = &findings->items[i];

		if (finding->severity == FINDING_TASK_LOSS &&
		    (request->allow_task_loss || request->mechanism == MECHANISM_DISCARD || !request->recover_state))
			finding->severity = FINDING_WARN;
		if (request->allow_port_change && strcmp(finding->code, "port-change") == 0)
			finding->severity = FINDING_WARN;
	}
}

void preflight_request(const struct facts *facts, const struct request *request, struct findings *out)
{
	preflight_host(facts, out);
	preflight_change(facts, request, out);
	allow(request, out);
}
