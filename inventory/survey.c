/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an inspect document. It comes from a host, so nothing in it is believed to have the type it should have. */
#include "inventory/survey.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "inventory/survey_lists.h"

#define INSPECT_FORMAT 1

static void task_clear(struct survey_task *task)
{
	free(task->framework);
	free(task->executor);
	free(task->container);
	free(task->task);
}

static void operation_clear(struct survey_operation *operation)
{
	free(operation->operation);
	free(operation->state);
	free(operation->run);
	free(operation->database);
	free(operation->chain_head);
}

void survey_clear(struct survey *survey)
{
	char *texts[] = {survey->agentctl,
			 survey->node,
			 survey->boot_id,
			 survey->work_dir,
			 survey->agent_id,
			 survey->version,
			 survey->executable,
			 survey->checkpoint_error,
			 survey->checkpoint_path,
			 survey->checkpoint_sha256,
			 survey->store_error,
			 survey->checkpoint_boot_id,
			 survey->store_path,
			 survey->store_sha256,
			 survey->unit,
			 survey->kill_mode,
			 survey->detected_hostname,
			 survey->verdict_message,
			 survey->driver_database};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
	flags_clear(&survey->flags);
	flags_clear(&survey->store_flags);
	slaveinfo_free(survey->info);
	resources_clear(&survey->reserved);
	for (size_t i = 0; i < survey->task_count; i++)
		task_clear(&survey->tasks[i]);
	free(survey->tasks);
	for (size_t i = 0; i < survey->operation_count; i++)
		operation_clear(&survey->operations[i]);
	free(survey->operations);
	for (size_t i = 0; i < survey->finding_count; i++) {
		free(survey->findings[i].code);
		free(survey->findings[i].text);
	}
	free(survey->findings);
	for (size_t i = 0; i < survey->known_flag_count; i++)
		free(survey->known_flags[i]);
	free(survey->known_flags);
	*survey = (struct survey){.agentctl = NULL};
}

int survey_read_text(const json_t *object, const char *key, char **out, const struct json_place *place,
		     struct error *err)
{
	const char *text = NULL;

	if (json_optional_string(object, key, &text, place, err) < 0)
		return -1;
	*out = text ? xstrdup(text) : NULL;
	return 0;
}

/* Any number; a missing one leaves *out. */
static int read_number(const json_t *object, const char *key, double *out, const struct json_place *place,
		       struct error *err)
{
	struct json_place here = {.parent = place, .key = key};
	const json_t *value = json_object_get(object, key);

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_number(value))
		return json_error(&here, err, "must be a number");
	*out = json_number_value(value);
	return 0;
}

static int read_flags(const json_t *object, struct flags *out, const struct json_place *place, struct error *err)
{
	struct json_place here = {.parent = place, .key = "flags"};
	const json_t *flags = NULL;
	char *source;
	int result;

	if (json_optional_object(object, "flags", &flags, place, err) < 0)
		return -1;
	if (!flags)
		return 0;
	source = json_place_text(&here);
	result = flags_from_json(flags, source, out, err);
	free(source);
	return result;
}

static int read_agent(struct survey *survey, const json_t *root, const struct json_place *top, struct error *err)
{
	struct json_place here = {.parent = top, .key = "agent"};
	const json_t *agent = NULL;
	const char *from = "process";

	if (json_optional_object(root, "agent", &agent, top, err) < 0)
		return -1;
	if (!agent)
		return json_error(top, err, "\"agent\" is missing");
	if (survey_read_text(agent, "id", &survey->agent_id, &here, err) < 0 ||
	    json_optional_bool(agent, "running", &survey->running, &here, err) < 0 ||
	    json_optional_int(agent, "pid", &survey->pid, &here, err) < 0 ||
	    json_optional_int(agent, "start_ticks", &survey->start_ticks, &here, err) < 0 ||
	    survey_read_text(agent, "version", &survey->version, &here, err) < 0 ||
	    survey_read_text(agent, "executable", &survey->executable, &here, err) < 0 ||
	    read_flags(agent, &survey->flags, &here, err) < 0 ||
	    json_optional_string(agent, "flags_from", &from, &here, err) < 0)
		return -1;
	survey->flags_from_store = strcmp(from, "store") == 0;
	return survey_read_known_flags(survey, agent, &here, err);
}

static int read_slave_info(struct survey *survey, const json_t *checkpoint, const struct json_place *place,
			   struct error *err)
{
	struct json_place here = {.parent = place, .key = "slave_info"};
	struct error why = ERROR_INIT;
	const char *text = NULL;
	unsigned char *bytes;
	size_t len;

	if (json_optional_string(checkpoint, "slave_info", &text, place, err) < 0)
		return -1;
	if (!text)
		return 0;
	if (base64_decode(text, &bytes, &len, &why) < 0)
		return json_error(&here, err, "%s", why.text);
	survey->info = slaveinfo_unpack(bytes, len, &why);
	free(bytes);
	return survey->info ? 0 : json_error(&here, err, "%s", why.text);
}

static int read_checkpoint(struct survey *survey, const json_t *root, const struct json_place *top, struct error *err)
{
	struct json_place here = {.parent = top, .key = "checkpoint"};
	const json_t *checkpoint = NULL;

	if (json_optional_object(root, "checkpoint", &checkpoint, top, err) < 0 ||
	    survey_read_text(checkpoint, "error", &survey->checkpoint_error, &here, err) < 0 ||
	    survey_read_text(checkpoint, "path", &survey->checkpoint_path, &here, err) < 0 ||
	    survey_read_text(checkpoint, "sha256", &survey->checkpoint_sha256, &here, err) < 0 ||
	    survey_read_text(checkpoint, "boot_id", &survey->checkpoint_boot_id, &here, err) < 0)
		return -1;
	return read_slave_info(survey, checkpoint, &here, err);
}

static int read_flag_store(struct survey *survey, const json_t *root, const struct json_place *top, struct error *err)
{
	struct json_place here = {.parent = top, .key = "flag_store"};
	const json_t *store = NULL;
	const char *kind = "";

	if (json_optional_object(root, "flag_store", &store, top, err) < 0 ||
	    survey_read_text(store, "error", &survey->store_error, &here, err) < 0 ||
	    json_optional_string(store, "kind", &kind, &here, err) < 0 ||
	    survey_read_text(store, "path", &survey->store_path, &here, err) < 0 ||
	    survey_read_text(store, "sha256", &survey->store_sha256, &here, err) < 0)
		return -1;
	flag_store_kind_parse(kind, &survey->store_kind); /* one that we do not know stays unknown */
	return read_flags(store, &survey->store_flags, &here, err);
}

static int read_control(struct survey *survey, const json_t *root, const struct json_place *top, struct error *err)
{
	struct json_place here = {.parent = top, .key = "control"};
	const json_t *control = NULL;
	const char *kind = "";

	if (json_optional_object(root, "control", &control, top, err) < 0 ||
	    json_optional_string(control, "kind", &kind, &here, err) < 0 ||
	    survey_read_text(control, "unit", &survey->unit, &here, err) < 0 ||
	    json_optional_bool(control, "active", &survey->unit_active, &here, err) < 0 ||
	    survey_read_text(control, "kill_mode", &survey->kill_mode, &here, err) < 0)
		return -1;
	if (strcmp(kind, "systemd") == 0)
		survey->control = CONTROL_SYSTEMD;
	else if (strcmp(kind, "commands") == 0)
		survey->control = CONTROL_COMMANDS;
	return 0;
}

static int read_detected(struct survey *survey, const json_t *root, const struct json_place *top, struct error *err)
{
	struct json_place here = {.parent = top, .key = "detected"};
	struct detected *detected = &survey->detected;
	const json_t *object = NULL;

	*detected = (struct detected)DETECTED_UNKNOWN;
	if (json_optional_object(root, "detected", &object, top, err) < 0 ||
	    survey_read_text(object, "hostname", &survey->detected_hostname, &here, err) < 0 ||
	    read_number(object, "cpus", &detected->cpus, &here, err) < 0 ||
	    read_number(object, "mem_mb", &detected->mem_mb, &here, err) < 0 ||
	    read_number(object, "disk_mb", &detected->disk_mb, &here, err) < 0 ||
	    read_number(object, "gpus", &detected->gpus, &here, err) < 0)
		return -1;
	detected->hostname = survey->detected_hostname;
	return 0;
}

static int read_reserved(struct survey *survey, const json_t *root, const struct json_place *top, struct error *err)
{
	struct json_place here = {.parent = top, .key = "reserved"};
	struct error why = ERROR_INIT;
	const json_t *reserved = NULL;

	if (json_optional_array(root, "reserved", &reserved, top, err) < 0)
		return -1;
	if (reserved && resources_from_json(reserved, &survey->reserved, &why) < 0)
		return json_error(&here, err, "%s", why.text);
	return 0;
}

static int read_driver(struct survey *survey, const json_t *root, const struct json_place *top, struct error *err)
{
	struct json_place here = {.parent = top, .key = "driver"};
	const json_t *driver = NULL;

	if (json_optional_object(root, "driver", &driver, top, err) < 0)
		return -1;
	return survey_read_text(driver, "database", &survey->driver_database, &here, err);
}

static unsigned part_of(const char *name)
{
	for (unsigned part = PART_HOSTNAME; part <= PART_CHECKPOINT; part <<= 1)
		if (strcmp(slaveinfo_part_name((enum slaveinfo_part)part), name) == 0)
			return part;
	return 0;
}

static int read_verdict(struct survey *survey, const json_t *root, const struct json_place *top, struct error *err)
{
	struct json_place here = {.parent = top, .key = "verdict"};
	const json_t *verdict = NULL, *differs = NULL;

	if (json_optional_object(root, "verdict", &verdict, top, err) < 0 ||
	    json_optional_bool(verdict, "accepted", &survey->verdict_accepted, &here, err) < 0 ||
	    json_optional_array(verdict, "differs", &differs, &here, err) < 0 ||
	    survey_read_text(verdict, "message", &survey->verdict_message, &here, err) < 0)
		return -1;
	survey->has_verdict = json_is_boolean(json_object_get(verdict, "accepted"));
	for (size_t i = 0; i < json_array_size(differs); i++) {
		const char *name = json_string_value(json_array_get(differs, i));

		survey->verdict_differs |= name ? part_of(name) : 0;
	}
	return 0;
}

static int read_head(struct survey *survey, const json_t *root, const struct json_place *top, struct error *err)
{
	int64_t format = 0;

	if (json_required_int(root, "format", &format, top, err) < 0)
		return -1;
	if (format != INSPECT_FORMAT)
		return json_error(top, err, "this agentctl speaks format %lld, this rollcall format %d",
				  (long long)format, INSPECT_FORMAT);
	if (survey_read_text(root, "agentctl", &survey->agentctl, top, err) < 0 ||
	    survey_read_text(root, "node", &survey->node, top, err) < 0 ||
	    survey_read_text(root, "boot_id", &survey->boot_id, top, err) < 0 ||
	    json_optional_int(root, "time_ms", &survey->time_ms, top, err) < 0)
		return -1;
	return survey_read_text(root, "work_dir", &survey->work_dir, top, err);
}

static int read_all(struct survey *survey, const json_t *root, const char *source, struct error *err)
{
	struct json_place top = {.source = source};

	if (!json_is_object(root))
		return json_error(&top, err, "must be an object");
	if (read_head(survey, root, &top, err) < 0 || read_agent(survey, root, &top, err) < 0 ||
	    read_checkpoint(survey, root, &top, err) < 0 || read_flag_store(survey, root, &top, err) < 0 ||
	    read_control(survey, root, &top, err) < 0 || read_detected(survey, root, &top, err) < 0 ||
	    read_reserved(survey, root, &top, err) < 0 || read_driver(survey, root, &top, err) < 0 ||
	    read_verdict(survey, root, &top, err) < 0)
		return -1;
	return survey_read_lists(survey, root, &top, err);
}

int survey_parse(const char *source, const void *bytes, size_t len, struct survey *out, struct error *err)
{
	struct survey survey = {.agentctl = NULL};
	struct error why = ERROR_INIT;
	json_t *root = json_parse(source, bytes, len, &why);
	int result = root ? read_all(&survey, root, source, &why) : -1;

	json_decref(root);
	if (result < 0) {
		survey_clear(&survey);
		/* Whatever is wrong with it: the user did not write it. */
		return error_set(err, ERROR_CORRUPT, "%s", why.text);
	}
	*out = survey;
	return 0;
}
