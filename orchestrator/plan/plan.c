/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "mesos/recovery.h"

#define PLAN_FORMAT 1

void plan_init(struct plan *plan)
{
	*plan = (struct plan){.options = engine_default_options};
}

static void clear_expectation(struct request_expectation *expect)
{
	free(expect->agent_id);
	free(expect->boot_id);
	free(expect->agent_version);
	free(expect->checkpoint_sha256);
	free(expect->store_sha256);
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static void clear_tasks(struct plan_agent *agent)
{
	for (size_t i = 0; i < agent->task_count; i++) {
		free(agent->tasks[i].id);
		free(agent->tasks[i].name);
		free(agent->tasks[i].framework_id);
		free(agent->tasks[i].framework_name);
	}
	free(agent->tasks);
}

static void clear_edits(struct plan_agent *agent)
{
	for (size_t i = 0; i < agent->edit_count; i++) {
		free(agent->edits[i].name);
		free(agent->edits[i].value);
	}
	free(agent->edits);
	flags_clear(&agent->before_flags);
}

void plan_agent_clear(struct plan_agent *agent)
{
	free(agent->agent_id);
	free(agent->hostname);
	free(agent->ip);
	free(agent->domain);
	host_settings_clear(&agent->host);
	free(agent->why);
	free(agent->stock_message);
	clear_edits(agent);
	slaveinfo_free(agent->before);
	slaveinfo_free(agent->after);
	clear_expectation(&agent->expect);
	clear_tasks(agent);
	free_texts(agent->notes, agent->note_count);
	memset(agent, 0, sizeof(*agent));
}

void plan_clear(struct plan *plan)
{
	free(plan->cluster);
	free(plan->config);
	free(plan->config_sha256);
	free(plan->where);
	for (size_t i = 0; i < plan->agent_count; i++)
		plan_agent_clear(&plan->agents[i]);
	free(plan->agents);
	free_texts(plan->unchanged, plan->unchanged_count);
	plan_init(plan);
}

/* ---- writing: every object's keys come in the order they are set */

static json_t *text_or_null(const char *text)
{
	return text == NULL ? json_null() : json_string(text);
}

static json_t *texts_to_json(char *const *texts, size_t count)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(texts[i]));
	return array;
}

static json_t *options_to_json(const struct engine_options *options)
{
	return json_pack("{s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "window", options->window,
			 "domain_window", options->domain_window, "max_failures", options->max_failures, "check_ms",
			 (json_int_t)options->check_ms, "change_ms", (json_int_t)options->change_ms, "return_ms",
			 (json_int_t)options->return_ms, "prove_ms", (json_int_t)options->prove_ms, "unknown_ms",
			 (json_int_t)options->unknown_ms, "soak_ms", (json_int_t)options->soak_ms, "keep_ms",
			 (json_int_t)options->keep_ms);
}

static json_t *changes_to_json(const struct plan_agent *agent)
{
	struct slaveinfo_changes changes = {.count = 0};
	slaveinfo_changes(agent->before, agent->after, &changes);
	json_t *array = json_array();
	for (size_t i = 0; i < changes.count; i++) {
		const struct slaveinfo_change *change = &changes.items[i];
		json_t *entry = json_object();
		json_object_set_new(entry, "part", json_string(slaveinfo_part_name(change->part)));
		json_object_set_new(entry, "what", json_string(change->what));
		json_object_set_new(entry, "before", text_or_null(change->before));
		json_object_set_new(entry, "after", text_or_null(change->after));
		json_array_append_new(array, entry);
	}
	slaveinfo_changes_clear(&changes);
	return array;
}

static json_t *edits_to_json(const struct plan_agent *agent)
{
	json_t *array = json_array();
	for (size_t i = 0; i < agent->edit_count; i++) {
		const struct flag_edit *edit = &agent->edits[i];
		json_t *entry = json_object();
		json_object_set_new(entry, "name", json_string(edit->name));
		json_object_set_new(entry, "before", text_or_null(flags_get(&agent->before_flags, edit->name)));
		json_object_set_new(entry, "after", text_or_null(edit->value));
		json_array_append_new(array, entry);
	}
	return array;
}

/* The bytes, because nothing of a SlaveInfo may get lost between plan and host; `changes` is for people. */
static json_t *info_to_json(const Mesos__SlaveInfo *info)
{
	struct buffer bytes = BUFFER_INIT(REQUEST_MAX);
	slaveinfo_pack(info, &bytes);
	char *text = base64_encode(buffer_text(&bytes), bytes.len);
	json_t *value = json_string(text);
	free(text);
	buffer_clear(&bytes);
	return value;
}

static json_t *expectation_to_json(const struct request_expectation *expect)
{
	json_t *object = json_object();
	json_object_set_new(object, "agent_id", text_or_null(expect->agent_id));
	json_object_set_new(object, "boot_id", text_or_null(expect->boot_id));
	json_object_set_new(object, "agent_version", text_or_null(expect->agent_version));
	json_object_set_new(object, "checkpoint_sha256", text_or_null(expect->checkpoint_sha256));
	json_object_set_new(object, "store_sha256", text_or_null(expect->store_sha256));
	return object;
}

static json_t *tasks_to_json(const struct plan_agent *agent)
{
	json_t *array = json_array();
	for (size_t i = 0; i < agent->task_count; i++) {
		const struct plan_task *task = &agent->tasks[i];
		json_t *entry = json_object();
		json_object_set_new(entry, "id", json_string(task->id));
		json_object_set_new(entry, "name", json_string(task->name));
		json_object_set_new(entry, "framework_id", json_string(task->framework_id));
		json_object_set_new(entry, "framework", json_string(task->framework_name));
		json_object_set_new(entry, "survives", json_boolean(task->survives));
		json_array_append_new(array, entry);
	}
	return array;
}

static json_t *agent_to_json(const struct plan_agent *agent)
{
	json_t *object = json_object();
	json_object_set_new(object, "id", json_string(agent->agent_id));
	json_object_set_new(object, "hostname", json_string(agent->hostname));
	json_object_set_new(object, "ip", json_string(agent->ip));
	json_object_set_new(object, "port", json_integer(agent->port));
	json_object_set_new(object, "domain", text_or_null(agent->domain));
	json_object_set_new(object, "mechanism", json_string(mechanism_name(agent->mechanism)));
	json_object_set_new(object, "why", json_string(agent->why));
	json_object_set_new(object, "differs", slaveinfo_parts_to_json(agent->differs));
	json_object_set_new(object, "stock_accepts", json_boolean(agent->stock_accepts));
	json_object_set_new(object, "stock_message", text_or_null(agent->stock_message));
	json_object_set_new(object, "changes", changes_to_json(agent));
	json_object_set_new(object, "flags", edits_to_json(agent));
	json_object_set_new(object, "before", info_to_json(agent->before));
	json_object_set_new(object, "after", info_to_json(agent->after));
	json_object_set_new(object, "expect", expectation_to_json(&agent->expect));
	json_object_set_new(object, "start_ticks", json_integer((json_int_t)agent->start_ticks));
	json_object_set_new(object, "host", host_settings_to_json(&agent->host));
	json_object_set_new(object, "tasks", tasks_to_json(agent));
	json_object_set_new(object, "notes", texts_to_json(agent->notes, agent->note_count));
	return object;
}

static json_t *plan_to_json(const struct plan *plan)
{
	json_t *object = json_object();
	json_object_set_new(object, "format", json_integer(PLAN_FORMAT));
	json_object_set_new(object, "cluster", json_string(plan->cluster));
	json_object_set_new(object, "config",
			    json_pack("{s:s, s:i, s:s}", "name", plan->config, "version", plan->config_version,
				      "sha256", plan->config_sha256));
	json_object_set_new(object, "created_ms", json_integer(plan->created_ms));
	json_object_set_new(object, "surveyed_ms", json_integer(plan->surveyed_ms));
	json_object_set_new(object, "where", text_or_null(plan->where));
	json_object_set_new(object, "ignore", recovery_ignore_to_json(plan->ignore));
	json_object_set_new(object, "options", options_to_json(&plan->options));
	json_t *agents = json_array();
	for (size_t i = 0; i < plan->agent_count; i++)
		json_array_append_new(agents, agent_to_json(&plan->agents[i]));
	json_object_set_new(object, "agents", agents);
	json_object_set_new(object, "unchanged", texts_to_json(plan->unchanged, plan->unchanged_count));
	return object;
}

void plan_write(struct plan *plan, struct buffer *out)
{
	size_t start = out->len;
	json_t *document = plan_to_json(plan);
	json_write(document, false, out);
	json_decref(document);
	digest_hex(buffer_text(out) + start, out->len - start, plan->hash);
}
