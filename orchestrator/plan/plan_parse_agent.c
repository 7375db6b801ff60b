/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one agent of a plan. */
#include "orchestrator/plan/plan_parse_agent.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/plan/plan_json.h"

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
	if (read_array(object, "differs", &array, place, err) < 0)
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
	if (read_array(object, "flags", &array, place, err) < 0)
		return -1;
	agent->edits = xcalloc(json_array_size(array) + 1, sizeof(*agent->edits));
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *entry = json_array_get(array, i);
		struct json_place here = {.parent = &list, .index = i};
		struct flag_edit *edit = &agent->edits[agent->edit_count++];
		const char *before = NULL;
		if (read_text(entry, "name", &edit->name, &here, err) < 0 ||
		    read_optional_text(entry, "after", &edit->value, &here, err) < 0 ||
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
	if (read_object(object, "expect", &expect, place, err) < 0)
		return -1;
	if (read_optional_text(expect, "agent_id", &out->agent_id, &here, err) < 0 ||
	    read_optional_text(expect, "boot_id", &out->boot_id, &here, err) < 0 ||
	    read_optional_text(expect, "agent_version", &out->agent_version, &here, err) < 0 ||
	    read_optional_text(expect, "checkpoint_sha256", &out->checkpoint_sha256, &here, err) < 0)
		return -1;
	return read_optional_text(expect, "store_sha256", &out->store_sha256, &here, err);
}

static int parse_tasks(const json_t *object, struct plan_agent *agent, const struct json_place *place,
		       struct error *err)
{
	const json_t *array;
	struct json_place list = {.parent = place, .key = "tasks"};
	if (read_array(object, "tasks", &array, place, err) < 0)
		return -1;
	agent->tasks = xcalloc(json_array_size(array) + 1, sizeof(*agent->tasks));
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *entry = json_array_get(array, i);
		struct json_place here = {.parent = &list, .index = i};
		struct plan_task *task = &agent->tasks[agent->task_count++];
		if (read_text(entry, "id", &task->id, &here, err) < 0 ||
		    read_text(entry, "name", &task->name, &here, err) < 0 ||
		    read_text(entry, "framework_id", &task->framework_id, &here, err) < 0 ||
		    read_text(entry, "framework", &task->framework_name, &here, err) < 0 ||
		    read_bool(entry, "survives", &task->survives, &here, err) < 0)
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
	if (read_object(object, "host", &host, place, err) < 0)
		return -1;
	return host_settings_from_json(host, &here, &agent->host, err);
}

static const char *const keys_1[] = {"id",          "hostname", "ip",      "port",          "domain",
				     "mechanism",   "why",      "differs", "stock_accepts", "stock_message",
				     "changes",     "flags",    "before",  "after",         "expect",
				     "start_ticks", "host",     "tasks",   "notes",         NULL};
static const char *const keys_2[] = {"id",
				     "hostname",
				     "ip",
				     "port",
				     "domain",
				     "mechanism",
				     "why",
				     "differs",
				     "stock_accepts",
				     "stock_message",
				     "changes",
				     "flags",
				     "before",
				     "after",
				     "expect",
				     "start_ticks",
				     "host",
				     "tasks",
				     "notes",
				     "native_discard",
				     "reservations",
				     "expected_away_ms",
				     "worst_away_ms",
				     "recovery_ms",
				     "start_timeout_ms",
				     NULL};

/* What format 2 added. */
static int parse_agent_2(const json_t *object, struct plan_agent *agent, const struct json_place *place,
			 struct error *err)
{
	if (read_bool(object, "native_discard", &agent->native_discard, place, err) < 0 ||
	    read_texts(object, "reservations", &agent->reservations, &agent->reservation_count, place, err) < 0 ||
	    read_number(object, "expected_away_ms", 0, INT64_MAX, &agent->expected_away_ms, place, err) < 0 ||
	    read_number(object, "worst_away_ms", 0, INT64_MAX, &agent->worst_away_ms, place, err) < 0)
		return -1;
	if (read_number(object, "recovery_ms", 0, INT64_MAX, &agent->recovery_ms, place, err) < 0)
		return -1;
	return read_number(object, "start_timeout_ms", 0, INT64_MAX, &agent->start_timeout_ms, place, err);
}

int plan_parse_agent(const json_t *object, int format, struct plan_agent *agent, const struct json_place *place,
		     struct error *err)
{
	if (json_check_keys(object, format >= 2 ? keys_2 : keys_1, place, err) < 0 ||
	    read_text(object, "id", &agent->agent_id, place, err) < 0 ||
	    read_text(object, "hostname", &agent->hostname, place, err) < 0 ||
	    read_text(object, "ip", &agent->ip, place, err) < 0 ||
	    read_int(object, "port", 0, &agent->port, place, err) < 0 ||
	    read_optional_text(object, "domain", &agent->domain, place, err) < 0 ||
	    parse_mechanism(object, agent, place, err) < 0 || read_text(object, "why", &agent->why, place, err) < 0 ||
	    parse_differs(object, &agent->differs, place, err) < 0 ||
	    read_bool(object, "stock_accepts", &agent->stock_accepts, place, err) < 0 ||
	    read_optional_text(object, "stock_message", &agent->stock_message, place, err) < 0)
		return -1;
	if (parse_edits(object, agent, place, err) < 0 ||
	    parse_info(object, "before", &agent->before, place, err) < 0 ||
	    parse_info(object, "after", &agent->after, place, err) < 0 ||
	    parse_expectation(object, &agent->expect, place, err) < 0 ||
	    read_number(object, "start_ticks", 0, INT64_MAX, &agent->start_ticks, place, err) < 0 ||
	    parse_host(object, agent, place, err) < 0 || parse_tasks(object, agent, place, err) < 0)
		return -1;
	if (read_texts(object, "notes", &agent->notes, &agent->note_count, place, err) < 0)
		return -1;
	return format >= 2 ? parse_agent_2(object, agent, place, err) : 0;
}
