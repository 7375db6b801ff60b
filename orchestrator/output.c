/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/invocation.h"
#include "base/text.h"
#include "mesos/attributes.h"
#include "orchestrator/session.h"

/* Documents are as large as the fleet; stdout takes what there is. */
static int write_chunk(const char *chunk, size_t len, void *stream)
{
	return fwrite(chunk, 1, len, stream) == len ? 0 : -1;
}

int output_json(json_t *document)
{
	/* A stdout that cannot be written is found out once, by main. */
	json_dump_callback(document, write_chunk, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(document);
	return 0;
}

json_t *output_time(int64_t wall_ms)
{
	char text[CLOCK_TEXT_MAX];

	return wall_ms ? json_string(clock_format(wall_ms, text)) : json_null();
}

json_t *output_text(const char *text)
{
	json_t *value;
	char *shown;

	if (!text)
		return json_null();
	value = json_string(text);
	if (value)
		return value;
	shown = text_printable(text, true);
	value = json_string(shown);
	free(shown);
	return value;
}

char *output_age(int64_t wall_ms, int64_t now_ms, char out[32])
{
	int64_t seconds = (now_ms - wall_ms) / 1000;

	if (!wall_ms)
		snprintf(out, 32, "never");
	else if (seconds < 90)
		snprintf(out, 32, "%" PRId64 " s ago", seconds > 0 ? seconds : 0);
	else if (seconds < 5400)
		snprintf(out, 32, "%" PRId64 " min ago", seconds / 60);
	else if (seconds < 172800)
		snprintf(out, 32, "%" PRId64 " h ago", seconds / 3600);
	else
		snprintf(out, 32, "%" PRId64 " d ago", seconds / 86400);
	return out;
}

char *output_number(double number, char out[32])
{
	size_t len;

	snprintf(out, 32, "%.3f", number);
	len = strlen(out);
	while (len > 0 && out[len - 1] == '0')
		len--;
	if (len > 0 && out[len - 1] == '.')
		len--;
	out[len] = '\0';
	return out;
}

const char *output_agent_state(const struct agent_record *agent)
{
	if (agent->gone_ms)
		return "gone";
	if (agent->view.deactivated)
		return "deactivated";
	return agent->view.active ? "active" : "inactive";
}

static json_t *attributes_json(const Mesos__SlaveInfo *info)
{
	json_t *array = json_array();

	for (size_t i = 0; i < info->n_attributes; i++) {
		struct buffer value = BUFFER_INIT(1u << 20);

		attribute_value_text(info->attributes[i], &value);
		json_array_append_new(array, json_pack("{s:o,s:o}", "name", output_text(info->attributes[i]->name),
						       "value", output_text(buffer_text(&value))));
		buffer_clear(&value);
	}
	return array;
}

static json_t *resources_text(const struct resources *resources)
{
	struct buffer text = BUFFER_INIT(4u << 20);
	json_t *value;

	resources_to_text(resources, &text);
	value = output_text(buffer_text(&text));
	buffer_clear(&text);
	return value;
}

json_t *output_agent(const struct agent_record *agent)
{
	const struct agent_view *view = &agent->view;

	return json_pack("{s:o,s:o,s:o,s:i,s:o,s:s,s:b,s:b,s:o,s:o,s:o,s:o,s:b,s:o,s:{s:o,s:o},s:I,s:o,s:o}", "id",
			 output_text(view->id), "hostname", output_text(view->hostname), "ip", output_text(view->ip),
			 "port", view->port, "version", output_text(view->version), "state", output_agent_state(agent),
			 "active", view->active, "deactivated", view->deactivated, "region", output_text(agent->region),
			 "zone", output_text(agent->zone), "registered", output_time(view->registered_ns / 1000000),
			 "reregistered", output_time(view->reregistered_ns / 1000000), "attributes_complete",
			 view->attributes_complete, "attributes", attributes_json(view->info), "resources", "total",
			 resources_text(&view->total), "used", resources_text(&view->used), "tasks",
			 (json_int_t)agent->tasks, "first_seen", output_time(agent->first_seen_ms), "changed",
			 output_time(agent->changed_ms));
}

json_t *output_survey_state(const struct survey_record *record)
{
	if (!record)
		return json_null();
	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "time", output_time(record->time_ms), "host_key",
			 output_text(record->host_key), "failed", output_time(record->failed_ms), "failure_kind",
			 output_text(record->failure_kind), "failure", output_text(record->failure));
}

/* ---- commands to be pasted */

static const char bare[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";

void output_shell_word(const char *word, struct buffer *out)
{
	if (*word && word[strspn(word, bare)] == '\0')
		buffer_puts(out, word);
	else if (!strpbrk(word, "\"$`\\!"))
		buffer_printf(out, "\"%s\"", word);
	else
		text_single_quote(word, out);
}

static void put_option(const char *name, const char *value, struct buffer *out)
{
	if (!value)
		return;
	buffer_printf(out, " --%s ", name);
	output_shell_word(value, out);
}

void output_program(const struct session *session, struct buffer *out)
{
	buffer_puts(out, "rollcall");
	put_option("config", session->config_file, out);
	put_option("cluster", session->cluster_name, out);
	put_option("db", session->db_path, out);
}

void output_told(const struct session *session, FILE *stream, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = xvasprintf(format, args), *whole = invocation_put(text, "rollcall", session_program(session));
	va_end(args);
	fputs(whole, stream);
	free(whole);
	free(text);
}
