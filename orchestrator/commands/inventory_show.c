/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall inventory show: everything that is known of one agent. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/term.h"
#include "base/text.h"
#include "mesos/attributes.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"

/* All of it, loaded. */
struct dossier {
	struct agent_record agent;
	struct agent_tasks tasks;
	struct survey_record record;
	bool surveyed; /* record is set */
	struct survey survey;
	bool read;            /* survey is set */
	const char *database; /* this one's name */
};

static void dossier_clear(struct dossier *dossier)
{
	agent_record_clear(&dossier->agent);
	agent_tasks_clear(&dossier->tasks);
	survey_record_clear(&dossier->record);
	if (dossier->read)
		survey_clear(&dossier->survey);
}

static int load(struct session *session, const char *name, struct dossier *out)
{
	struct error *err = &session->error;
	struct store *store;
	int64_t cluster;
	int found;

	if (session_cluster_id(session, &cluster) < 0)
		return -1;
	store = session_store(session);
	out->database = store_uuid(store);
	if (agents_find(store, cluster, name, &out->agent, err) < 0 ||
	    agents_tasks(store, cluster, out->agent.view.id, &out->tasks, err) < 0)
		return -1;
	found = survey_load(store, out->agent.row, &out->record, err);
	out->surveyed = found > 0;
	if (found > 0 && out->record.document) {
		if (survey_parse("the stored survey", out->record.document, out->record.document_len, &out->survey,
				 err) < 0)
			return -1;
		out->read = true;
	}
	return found < 0 ? -1 : 0;
}

static json_t *tasks_json(const struct agent_tasks *tasks)
{
	json_t *array = json_array();

	for (size_t i = 0; i < tasks->count; i++) {
		const struct agent_task *item = &tasks->items[i];

		json_array_append_new(array, json_pack("{s:o,s:o,s:o,s:o,s:o,s:b}", "id", output_text(item->task.id),
						       "name", output_text(item->task.name), "framework",
						       output_text(item->task.framework_id), "framework_name",
						       output_text(item->framework_name), "state",
						       output_text(item->task.state), "framework_checkpoints",
						       item->framework_checkpoints));
	}
	return array;
}

static int print_json(const struct dossier *dossier, struct error *err)
{
	json_t *object = output_agent(&dossier->agent), *state, *document = json_null();

	if (dossier->read) {
		document = json_parse("the stored survey", dossier->record.document, dossier->record.document_len, err);
		if (!document) {
			json_decref(object);
			return -1;
		}
	}
	state = output_survey_state(dossier->surveyed ? &dossier->record : NULL);
	json_object_set_new(object, "gone", output_time(dossier->agent.gone_ms));
	json_object_set_new(object, "slave_info", slaveinfo_to_json(dossier->agent.view.info));
	json_object_set_new(object, "running_tasks", tasks_json(&dossier->tasks));
	json_object_set_new(object, "survey", state);
	json_object_set_new(object, "inspect", document);
	return output_json(object);
}

static void line(const char *name, const char *value)
{
	char *shown = text_printable(value ? value : "-", false);

	printf("%-14s%s\n", name, shown);
	free(shown);
}

static void time_line(const char *name, int64_t wall_ms)
{
	char text[CLOCK_TEXT_MAX];

	line(name, wall_ms ? clock_format(wall_ms, text) : "-");
}

static void resources_line(const char *name, const struct resources *resources)
{
	struct buffer text = BUFFER_INIT(1u << 20);

	resources_to_text(resources, &text);
	line(name, buffer_text(&text));
	buffer_clear(&text);
}

static void print_attributes(const Mesos__SlaveInfo *info)
{
	for (size_t i = 0; i < info->n_attributes; i++) {
		struct buffer text = BUFFER_INIT(1u << 20);

		buffer_printf(&text, "%s:", info->attributes[i]->name);
		attribute_value_text(info->attributes[i], &text);
		line(i ? "" : "attributes", buffer_text(&text));
		buffer_clear(&text);
	}
}

static void print_agent(const struct agent_record *agent)
{
	const struct agent_view *view = &agent->view;
	char address[512];

	snprintf(address, sizeof(address), "%s:%d", view->ip, view->port);
	line("agent", view->id);
	line("hostname", view->hostname);
	line("address", address);
	line("state", output_agent_state(agent));
	line("version", view->version);
	line("region", agent->region);
	line("zone", agent->zone);
	time_line("registered", view->registered_ns / 1000000);
	time_line("reregistered", view->reregistered_ns / 1000000);
	print_attributes(view->info);
	resources_line("resources", &view->total);
	resources_line("used", &view->used);
	time_line("changed", agent->changed_ms);
	if (agent->gone_ms)
		time_line("gone", agent->gone_ms);
}

static void print_flags(const struct flags *flags)
{
	puts("\nFlags of the running agent");
	for (size_t i = 0; i < flags->count; i++) {
		char *name = text_printable(flags->items[i].name, false),
		     *value = text_printable(flags->items[i].value, false);

		printf("  --%s=%s\n", name, value);
		free(name);
		free(value);
	}
}

static const char *database_name(const struct dossier *dossier, const char *database)
{
	if (!database)
		return "-";
	return strcmp(database, dossier->database) == 0 ? "this one" : database;
}

static void print_driver(const struct dossier *dossier)
{
	const char *driver = dossier->survey.driver_database;

	if (driver)
		line("driven by", strcmp(driver, dossier->database) == 0 ? "this database" : driver);
}

/* What was done to the agent, of whatever database: a lost one leaves its traces here. */
static void print_operations(const struct dossier *dossier)
{
	static const char *const headings[] = {"OPERATION", "STATE", "RUN", "DATABASE"};
	const struct survey *survey = &dossier->survey;
	struct table *table = table_new(headings, 4);

	for (size_t i = 0; i < survey->operation_count; i++) {
		const struct survey_operation *operation = &survey->operations[i];
		const char *cells[] = {operation->operation ? operation->operation : "-",
				       operation->state ? operation->state : "-", operation->run ? operation->run : "-",
				       database_name(dossier, operation->database)};

		table_add(table, cells);
	}
	if (survey->operation_count > 0) {
		putchar('\n');
		table_print(table, stdout);
	}
	table_free(table);
}

static void print_survey(const struct dossier *dossier)
{
	const struct survey *survey = &dossier->survey;

	puts("\nHost");
	time_line("surveyed", dossier->record.time_ms);
	if (dossier->record.failed_ms) {
		time_line("failed", dossier->record.failed_ms);
		line("because", dossier->record.failure);
	}
	if (!dossier->read)
		return;
	line("host key", dossier->record.host_key);
	line("boot ID", survey->boot_id);
	line("work_dir", survey->work_dir);
	line("agent", survey->running ? "running" : "not running");
	line("flag store", survey->store_error ? survey->store_error : survey->store_path);
	line("unit", survey->unit);
	if (survey->unit)
		line("", survey->unit_active ? "active" : "not active");
	line("checkpoint", survey->checkpoint_error ? survey->checkpoint_error : survey->checkpoint_sha256);
	if (survey->has_verdict)
		line("restart",
		     survey->verdict_accepted ? "would come back with its ID" : "would refuse its checkpoint");
	print_driver(dossier);
	print_flags(&survey->flags);
	print_operations(dossier);
}

static void print_tasks(const struct agent_tasks *tasks)
{
	static const char *const headings[] = {"TASK", "FRAMEWORK", "STATE", "SURVIVES A RESTART"};
	struct table *table = table_new(headings, 4);

	for (size_t i = 0; i < tasks->count; i++) {
		const struct agent_task *item = &tasks->items[i];
		const char *cells[] = {item->task.id,
				       *item->framework_name ? item->framework_name : item->task.framework_id,
				       item->task.state, item->framework_checkpoints ? "yes" : "no"};

		table_add(table, cells);
	}
	putchar('\n');
	table_print(table, stdout);
	table_free(table);
}

static int show_agent(struct session *session, const char *name)
{
	struct dossier dossier = {.surveyed = false};
	int result = load(session, name, &dossier);

	if (result == 0 && session->json) {
		result = print_json(&dossier, &session->error);
	} else if (result == 0) {
		print_agent(&dossier.agent);
		if (dossier.surveyed)
			print_survey(&dossier);
		if (dossier.tasks.count)
			print_tasks(&dossier.tasks);
	}
	dossier_clear(&dossier);
	return result;
}

int command_inventory_show(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = show_agent(session, operands.items[0]);
	arguments_clear(&operands);
	return result;
}
