/* SPDX-License-Identifier: Apache-2.0 */
/* A plan's bytes: every object's keys come in the order they are set here, which is never changed within a format. */
#include <stdlib.h>

#include "base/json.h"
#include "mesos/recovery.h"
#include "orchestrator/plan/plan.h"

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

static void put_number(json_t *object, const char *key, int64_t number)
{
	json_object_set_new(object, key, json_integer(number));
}

/* Limits and a time that came later than format 2: they are there only where they hold, so that plans made before stay as they are. */
static void put_part_limits(json_t *object, const struct engine_options *options)
{
	if (options->stage_max_percent > 0)
		put_number(object, "stage_max_percent", options->stage_max_percent);
	if (options->domain_max_percent > 0)
		put_number(object, "domain_max_percent", options->domain_max_percent);
	if (options->stage_max_consecutive > 0)
		put_number(object, "stage_max_consecutive", options->stage_max_consecutive);
	if (options->domain_max_consecutive > 0)
		put_number(object, "domain_max_consecutive", options->domain_max_consecutive);
	if (options->stage_soak_ms > 0)
		put_number(object, "stage_soak_ms", options->stage_soak_ms);
}

static json_t *options_to_json(const struct plan *plan)
{
	const struct engine_options *options = &plan->options;
	json_t *object = json_object();

	put_number(object, "window", options->window);
	put_number(object, "domain_window", options->domain_window);
	put_number(object, "max_failures", options->max_failures);
	put_number(object, "check_ms", options->check_ms);
	put_number(object, "change_ms", options->change_ms);
	put_number(object, "return_ms", options->return_ms);
	put_number(object, "prove_ms", options->prove_ms);
	put_number(object, "unknown_ms", options->unknown_ms);
	put_number(object, "soak_ms", options->soak_ms);
	put_number(object, "keep_ms", options->keep_ms);
	if (plan->format < 2)
		return object;
	put_number(object, "stage_max_failures", options->stage_max_failures);
	put_number(object, "domain_max_failures", options->domain_max_failures);
	put_number(object, "max_consecutive", options->max_consecutive);
	json_object_set_new(object, "on_failure", json_string(engine_on_failure_name(options->on_failure)));
	put_number(object, "meltdown_percent", options->meltdown_percent);
	put_number(object, "gate_ms", options->gate_ms);
	put_number(object, "hold_ms", options->hold_ms);
	json_object_set_new(object, "allow_port_change", json_boolean(plan->allow_port_change));
	json_object_set_new(object, "accept_stale_master", json_boolean(plan->accept_stale_master));
	json_object_set_new(object, "hold_configuration_management", json_boolean(plan->hold_configuration_management));
	put_part_limits(object, options);
	return object;
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

/* What format 2 added. */
static void put_agent_2(json_t *object, const struct plan_agent *agent)
{
	json_object_set_new(object, "native_discard", json_boolean(agent->native_discard));
	json_object_set_new(object, "reservations", texts_to_json(agent->reservations, agent->reservation_count));
	put_number(object, "expected_away_ms", agent->expected_away_ms);
	put_number(object, "worst_away_ms", agent->worst_away_ms);
	put_number(object, "recovery_ms", agent->recovery_ms);
	put_number(object, "start_timeout_ms", agent->start_timeout_ms);
}

static json_t *agent_to_json(const struct plan_agent *agent, int format)
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
	if (format >= 2)
		put_agent_2(object, agent);
	return object;
}

static json_t *stages_to_json(const struct plan *plan)
{
	json_t *array = json_array();
	size_t begin = 0;

	for (size_t i = 0; i < plan->stage_count; i++) {
		json_t *entry = json_object();

		json_object_set_new(entry, "name", json_string(plan->stage_names[i]));
		put_number(entry, "agents", (int64_t)(plan->stages[i].end - begin));
		put_number(entry, "window", plan->stages[i].window);
		json_array_append_new(array, entry);
		begin = plan->stages[i].end;
	}
	return array;
}

static json_t *gates_to_json(const struct plan *plan)
{
	const struct plan_gates agent = {.items = plan->agent_gates, .count = plan->agent_gate_count};
	const struct plan_gates stage = {.items = plan->stage_gates, .count = plan->stage_gate_count};

	return plan_gates_to_json(&agent, &stage);
}

static json_t *findings_to_json(const struct plan *plan)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->finding_count; i++) {
		const struct plan_finding *finding = &plan->findings[i];
		json_t *entry = json_object();

		json_object_set_new(entry, "level", json_string(finding->risk ? "risk" : "note"));
		json_object_set_new(entry, "about", json_string(finding->about));
		json_object_set_new(entry, "text", json_string(finding->text));
		json_object_set_new(entry, "remedy", text_or_null(finding->remedy));
		json_array_append_new(array, entry);
	}
	return array;
}

static json_t *left_out_to_json(const struct plan *plan)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->left_out_count; i++) {
		const struct plan_left_out *left = &plan->left_out[i];
		json_t *entry = json_object();

		json_object_set_new(entry, "id", json_string(left->agent_id));
		json_object_set_new(entry, "hostname", json_string(left->hostname));
		json_object_set_new(entry, "why", json_string(plan_left_why_name(left->why)));
		json_object_set_new(entry, "reason", json_string(left->reason));
		json_array_append_new(array, entry);
	}
	return array;
}

static json_t *clocks_to_json(const struct plan_clocks *clocks)
{
	json_t *object = json_object();

	put_number(object, "silent_ms", clocks->silent_ms);
	put_number(object, "reregister_ms", clocks->reregister_ms);
	return object;
}

static json_t *master_to_json(const struct plan_master *master)
{
	json_t *object = json_object();

	json_object_set_new(object, "known", json_boolean(master->known));
	json_object_set_new(object, "has_domain", json_boolean(master->has_domain));
	json_object_set_new(object, "require_domain", json_boolean(master->require_domain));
	return object;
}

static json_t *forecast_to_json(const struct plan_forecast *forecast)
{
	json_t *object = json_object();

	put_number(object, "expected_ms", forecast->expected_ms);
	put_number(object, "worst_ms", forecast->worst_ms);
	put_number(object, "past_agents", forecast->past_agents);
	put_number(object, "past_runs", forecast->past_runs);
	return object;
}

static void put_head(json_t *object, const struct plan *plan)
{
	put_number(object, "format", plan->format);
	json_object_set_new(object, "cluster", json_string(plan->cluster));
	json_object_set_new(object, "config",
			    json_pack("{s:s, s:i, s:s}", "name", plan->config, "version", plan->config_version,
				      "sha256", plan->config_sha256));
	put_number(object, "created_ms", plan->created_ms);
	put_number(object, "surveyed_ms", plan->surveyed_ms);
	json_object_set_new(object, "where", text_or_null(plan->where));
	json_object_set_new(object, "ignore", recovery_ignore_to_json(plan->ignore));
	json_object_set_new(object, "options", options_to_json(plan));
}

static void put_plan_2(json_t *object, const struct plan *plan)
{
	json_object_set_new(object, "rolls_back", text_or_null(plan->rolls_back));
	json_object_set_new(object, "exclude", text_or_null(plan->exclude));
	json_object_set_new(object, "by", text_or_null(plan->order));
	json_object_set_new(object, "offline", json_boolean(plan->offline));
	put_number(object, "synced_ms", plan->synced_ms);
	json_object_set_new(object, "stages", stages_to_json(plan));
	json_object_set_new(object, "gates", gates_to_json(plan));
	json_object_set_new(object, "clocks", clocks_to_json(&plan->clocks));
	json_object_set_new(object, "master", master_to_json(&plan->master));
	json_object_set_new(object, "forecast", forecast_to_json(&plan->forecast));
	json_object_set_new(object, "findings", findings_to_json(plan));
	json_object_set_new(object, "left_out", left_out_to_json(plan));
}

static json_t *plan_to_json(const struct plan *plan)
{
	json_t *object = json_object(), *agents = json_array();

	put_head(object, plan);
	for (size_t i = 0; i < plan->agent_count; i++)
		json_array_append_new(agents, agent_to_json(&plan->agents[i], plan->format));
	json_object_set_new(object, "agents", agents);
	json_object_set_new(object, "unchanged", texts_to_json(plan->unchanged, plan->unchanged_count));
	if (plan->format >= 2)
		put_plan_2(object, plan);
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
