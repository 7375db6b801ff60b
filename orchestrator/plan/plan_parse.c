/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a plan's document: strictly, and then once more by writing it, so that nothing in it is other than
 * plan_write made it. */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "mesos/recovery.h"
#include "orchestrator/plan/plan.h"

#define PLAN_FORMAT 1

static int required_text(const json_t *object, const char *key, char **out, const struct json_place *place,
			 struct error *err)
{
	const char *text;
	if (json_required_string(object, key, &text, place, err) < 0)
		return -1;
	*out = xstrdup(text);
	return 0;
}

static int optional_text(const json_t *object, const char *key, char **out, const struct json_place *place,
			 struct error *err)
{
	const char *text = NULL;
	if (json_optional_string(object, key, &text, place, err) < 0)
		return -1;
	*out = text == NULL ? NULL : xstrdup(text);
	return 0;
}

static int required_number(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out,
			   const struct json_place *place, struct error *err)
{
	int64_t number = 0;
	if (json_required_int(object, key, &number, place, err) < 0)
		return -1;
	if (number < min || number > max) {
		struct json_place here = {.parent = place, .key = key};
		return json_error(&here, err, "%lld is out of range", (long long)number);
	}
	*out = number;
	return 0;
}

static int required_int(const json_t *object, const char *key, int min, int *out, const struct json_place *place,
			struct error *err)
{
	int64_t number = 0;
	if (required_number(object, key, min, INT_MAX, &number, place, err) < 0)
		return -1;
	*out = (int)number;
	return 0;
}

static int required_bool(const json_t *object, const char *key, bool *out, const struct json_place *place,
			 struct error *err)
{
	struct json_place here = {.parent = place, .key = key};
	if (!json_is_boolean(json_object_get(object, key)))
		return json_error(&here, err, "must be true or false");
	*out = json_is_true(json_object_get(object, key));
	return 0;
}

static int required_array(const json_t *object, const char *key, const json_t **out, const struct json_place *place,
			  struct error *err)
{
	struct json_place here = {.parent = place, .key = key};
	*out = json_object_get(object, key);
	if (!json_is_array(*out))
		return json_error(&here, err, "must be a list");
	return 0;
}

static int required_object(const json_t *object, const char *key, const json_t **out, const struct json_place *place,
			   struct error *err)
{
	struct json_place here = {.parent = place, .key = key};
	*out = json_object_get(object, key);
	if (!json_is_object(*out))
		return json_error(&here, err, "must be an object");
	return 0;
}

static int parse_texts(const json_t *object, const char *key, char ***out, size_t *count,
		       const struct json_place *place, struct error *err)
{
	const json_t *array;
	if (required_array(object, key, &array, place, err) < 0)
		return -1;
	struct json_place list = {.parent = place, .key = key};
	*out = xcalloc(json_array_size(array) + 1, sizeof(**out));
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));
		struct json_place here = {.parent = &list, .index = i};
		if (text == NULL)
			return json_error(&here, err, "must be a text");
		(*out)[(*count)++] = xstrdup(text);
	}
	return 0;
}

static int parse_options(const json_t *root, struct engine_options *out, const struct json_place *place,
			 struct error *err)
{
	const json_t *object;
	struct json_place here = {.parent = place, .key = "options"};
	if (required_object(root, "options", &object, place, err) < 0 ||
	    required_int(object, "window", 1, &out->window, &here, err) < 0 ||
	    required_int(object, "domain_window", 0, &out->domain_window, &here, err) < 0 ||
	    required_int(object, "max_failures", 0, &out->max_failures, &here, err) < 0)
		return -1;
	const struct {
		const char *key;
		int64_t *target;
	} times[] = {
		{"check_ms", &out->check_ms}, {"change_ms", &out->change_ms},   {"return_ms", &out->return_ms},
		{"prove_ms", &out->prove_ms}, {"unknown_ms", &out->unknown_ms}, {"soak_ms", &out->soak_ms},
		{"keep_ms", &out->keep_ms},
	};
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (required_number(object, times[i].key, 0, INT64_MAX, times[i].target, &here, err) < 0)
			return -1;
	}
	return 0;
}

static int parse_info(const json_t *object, const char *key, Mesos__SlaveInfo **out, const struct json_place *place,
		      struct error *err)
{
	const char *text;
	unsigned char *bytes;
	size_t len;
	if (json_required_string(object, key, &text, place, err) < 0)
		return -1;
	if (base64_decode(text, &bytes, &len, err) == 0) {
		*out = slaveinfo_unpack(bytes, len, err);
		free(bytes);
	}
	if (*out == NULL)
		return error_prefix(err, "%s: %s", place->source != NULL ? place->source : "plan", key);
	return 0;
}

static int parse_differs(const json_t *object, unsigned *out, const struct json_place *place, struct error *err)
{
	const json_t *array;
	struct json_place here = {.parent = place, .key = "differs"};
	if (required_array(object, "differs", &array, place, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *name = json_string_value(json_array_get(array, i));
		unsigned bit = PART_HOSTNAME;
		while (bit <= PART_CHECKPOINT &&
		       (name == NULL || strcmp(name, slaveinfo_part_name((enum slaveinfo_part)bit)) != 0))
			bit <<= 1;
		if (bit > PART_CHECKPOINT)
			return json_error(&here, err, "%s is no part of a SlaveInfo", name != NULL ? name : "this");
		*out |= bit;
	}
	return 0;
}

static int parse_edits(const json_t *object, struct plan_agent *agent, const struct json_place *place,
		       struct error *err)
{
	const json_t *array;
	struct json_place list = {.parent = place, .key = "flags"};
	if (required_array(object, "flags", &array, place, err) < 0)
		return -1;
	agent->edits = xcalloc(json_array_size(array) + 1, sizeof(*agent->edits));
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *entry = json_array_get(array, i);
		struct json_place here = {.parent = &list, .index = i};
		struct flag_edit *edit = &agent->edits[agent->edit_count++];
		const char *before = NULL;
		if (required_text(entry, "name", &edit->name, &here, err) < 0 ||
		    optional_text(entry, "after", &edit->value, &here, err) < 0 ||
		    json_optional_string(entry, "before", &before, &here, err) < 0)
			return -1;
		if (before != NULL)
			flags_set(&agent->before_flags, edit->name, before);
	}
	return 0;
}

static int parse_expectation(const json_t *object, struct request_expectation *out, const struct json_place *place,
			     struct error *err)
{
	const json_t *expect;
	struct json_place here = {.parent = place, .key = "expect"};
	if (required_object(object, "expect", &expect, place, err) < 0)
		return -1;
	if (optional_text(expect, "agent_id", &out->agent_id, &here, err) < 0 ||
	    optional_text(expect, "boot_id", &out->boot_id, &here, err) < 0 ||
	    optional_text(expect, "agent_version", &out->agent_version, &here, err) < 0 ||
	    optional_text(expect, "checkpoint_sha256", &out->checkpoint_sha256, &here, err) < 0)
		return -1;
	return optional_text(expect, "store_sha256", &out->store_sha256, &here, err);
}

static int parse_tasks(const json_t *object, struct plan_agent *agent, const struct json_place *place,
		       struct error *err)
{
	const json_t *array;
	struct json_place list = {.parent = place, .key = "tasks"};
	if (required_array(object, "tasks", &array, place, err) < 0)
		return -1;
	agent->tasks = xcalloc(json_array_size(array) + 1, sizeof(*agent->tasks));
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *entry = json_array_get(array, i);
		struct json_place here = {.parent = &list, .index = i};
		struct plan_task *task = &agent->tasks[agent->task_count++];
		if (required_text(entry, "id", &task->id, &here, err) < 0 ||
		    required_text(entry, "name", &task->name, &here, err) < 0 ||
		    required_text(entry, "framework_id", &task->framework_id, &here, err) < 0 ||
		    required_text(entry, "framework", &task->framework_name, &here, err) < 0 ||
		    required_bool(entry, "survives", &task->survives, &here, err) < 0)
			return -1;
	}
	return 0;
}

static int parse_mechanism(const json_t *object, struct plan_agent *agent, const struct json_place *place,
			   struct error *err)
{
	const char *name;
	if (json_required_string(object, "mechanism", &name, place, err) < 0)
		return -1;
	struct json_place here = {.parent = place, .key = "mechanism"};
	struct error why = ERROR_INIT;
	return mechanism_parse(name, &agent->mechanism, &why) < 0 ? json_error(&here, err, "%s", why.text) : 0;
}

static int parse_host(const json_t *object, struct plan_agent *agent, const struct json_place *place, struct error *err)
{
	const json_t *host;
	struct json_place here = {.parent = place, .key = "host"};
	host_settings_init(&agent->host);
	if (required_object(object, "host", &host, place, err) < 0)
		return -1;
	return host_settings_from_json(host, &here, &agent->host, err);
}

static int parse_agent(const json_t *object, struct plan_agent *agent, const struct json_place *place,
		       struct error *err)
{
	static const char *const keys[] = {"id",          "hostname", "ip",      "port",          "domain",
					   "mechanism",   "why",      "differs", "stock_accepts", "stock_message",
					   "changes",     "flags",    "before",  "after",         "expect",
					   "start_ticks", "host",     "tasks",   "notes",         NULL};
	if (json_check_keys(object, keys, place, err) < 0 ||
	    required_text(object, "id", &agent->agent_id, place, err) < 0 ||
	    required_text(object, "hostname", &agent->hostname, place, err) < 0 ||
	    required_text(object, "ip", &agent->ip, place, err) < 0 ||
	    required_int(object, "port", 0, &agent->port, place, err) < 0 ||
	    optional_text(object, "domain", &agent->domain, place, err) < 0 ||
	    parse_mechanism(object, agent, place, err) < 0 ||
	    required_text(object, "why", &agent->why, place, err) < 0 ||
	    parse_differs(object, &agent->differs, place, err) < 0 ||
	    required_bool(object, "stock_accepts", &agent->stock_accepts, place, err) < 0 ||
	    optional_text(object, "stock_message", &agent->stock_message, place, err) < 0)
		return -1;
	if (parse_edits(object, agent, place, err) < 0 ||
	    parse_info(object, "before", &agent->before, place, err) < 0 ||
	    parse_info(object, "after", &agent->after, place, err) < 0 ||
	    parse_expectation(object, &agent->expect, place, err) < 0 ||
	    required_number(object, "start_ticks", 0, INT64_MAX, &agent->start_ticks, place, err) < 0 ||
	    parse_host(object, agent, place, err) < 0 || parse_tasks(object, agent, place, err) < 0)
		return -1;
	return parse_texts(object, "notes", &agent->notes, &agent->note_count, place, err);
}

static int parse_agents(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	const json_t *array;
	struct json_place list = {.parent = place, .key = "agents"};
	if (required_array(root, "agents", &array, place, err) < 0)
		return -1;
	plan->agents = xcalloc(json_array_size(array) + 1, sizeof(*plan->agents));
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct json_place here = {.parent = &list, .index = i};
		const json_t *entry = json_array_get(array, i);
		if (!json_is_object(entry))
			return json_error(&here, err, "must be an object");
		if (parse_agent(entry, &plan->agents[plan->agent_count++], &here, err) < 0)
			return -1;
	}
	return 0;
}

static int parse_config(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	const json_t *config;
	struct json_place here = {.parent = place, .key = "config"};
	if (required_object(root, "config", &config, place, err) < 0 ||
	    required_text(config, "name", &plan->config, &here, err) < 0 ||
	    required_int(config, "version", 1, &plan->config_version, &here, err) < 0)
		return -1;
	return required_text(config, "sha256", &plan->config_sha256, &here, err);
}

static int parse_ignore(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	const json_t *array;
	if (required_array(root, "ignore", &array, place, err) < 0)
		return -1;
	struct buffer text = BUFFER_INIT(4096);
	json_write(array, false, &text);
	struct json_place here = {.parent = place, .key = "ignore"};
	struct error why = ERROR_INIT;
	int result = recovery_ignore_parse(buffer_text(&text), &plan->ignore, &why);
	if (result < 0)
		json_error(&here, err, "%s", why.text);
	buffer_clear(&text);
	return result;
}

static int parse_root(const json_t *root, struct plan *plan, const struct json_place *place, struct error *err)
{
	static const char *const keys[] = {"format", "cluster", "config", "created_ms", "surveyed_ms", "where",
					   "ignore", "options", "agents", "unchanged",  NULL};
	int format;
	if (!json_is_object(root))
		return json_error(place, err, "this is no plan");
	if (json_check_keys(root, keys, place, err) < 0 || required_int(root, "format", 0, &format, place, err) < 0)
		return -1;
	if (format != PLAN_FORMAT)
		return json_error(place, err, "a plan of format %d; this rollcall knows format %d", format,
				  PLAN_FORMAT);
	if (required_text(root, "cluster", &plan->cluster, place, err) < 0 ||
	    parse_config(root, plan, place, err) < 0 ||
	    required_number(root, "created_ms", 0, INT64_MAX, &plan->created_ms, place, err) < 0 ||
	    required_number(root, "surveyed_ms", 0, INT64_MAX, &plan->surveyed_ms, place, err) < 0 ||
	    optional_text(root, "where", &plan->where, place, err) < 0 || parse_ignore(root, plan, place, err) < 0 ||
	    parse_options(root, &plan->options, place, err) < 0 || parse_agents(root, plan, place, err) < 0)
		return -1;
	return parse_texts(root, "unchanged", &plan->unchanged, &plan->unchanged_count, place, err);
}

/* What is derived in the document (`changes`) or says the same in two ways must be as plan_write makes it. */
static int check_canonical(const char *source, const void *bytes, size_t len, struct plan *plan, struct error *err)
{
	struct buffer again = BUFFER_INIT(PLAN_MAX);
	plan_write(plan, &again);
	bool same = again.len == len && memcmp(buffer_text(&again), bytes, len) == 0;
	buffer_clear(&again);
	if (same)
		return 0;
	return error_set(err, ERROR_CORRUPT,
			 "%s: this plan is not as rollcall wrote it: it was edited; make a new one with "
			 "`rollcall rollout plan`",
			 source);
}

int plan_parse(const char *source, const void *bytes, size_t len, struct plan *out, struct error *err)
{
	const char *text = bytes;
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	json_t *root = json_parse(source, text, len, err);
	if (root == NULL)
		return -1;
	struct plan plan;
	struct json_place place = {.source = source};
	plan_init(&plan);
	int result = parse_root(root, &plan, &place, err);
	if (result == 0)
		result = check_canonical(source, bytes, len, &plan, err);
	json_decref(root);
	if (result == 0)
		*out = plan;
	else
		plan_clear(&plan);
	return result;
}
