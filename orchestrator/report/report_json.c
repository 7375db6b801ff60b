/* SPDX-License-Identifier: Apache-2.0 */
/* The audit report as a document. */
#include <stdlib.h>

#include "mesos/recovery.h"
#include "orchestrator/output.h"
#include "orchestrator/report/attempts.h"

static json_t *member(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return value ? json_incref(value) : json_null();
}

static json_t *line_found(const struct agent_result *agent, const char *what)
{
	return member(agent_result_line(agent, what), "found");
}

static json_t *steps_to_json(const struct agent_result *agent)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < agent->step_count; i++) {
		const struct view_step *step = &agent->steps[i];

		json_array_append_new(steps,
				      json_pack("{s:o, s:o, s:o, s:o, s:o}", "time", output_time(step->time_ms), "from",
						output_text(step->from), "to", output_text(step->to), "event",
						output_text(step->event), "note", output_text(step->note)));
	}
	return steps;
}

static json_t *changes_to_json(const struct plan_agent *planned)
{
	struct slaveinfo_changes changes = {.count = 0};
	json_t *array = json_array();

	slaveinfo_changes(planned->before, planned->after, &changes);
	for (size_t i = 0; i < changes.count; i++) {
		const struct slaveinfo_change *change = &changes.items[i];

		json_array_append_new(array,
				      json_pack("{s:s, s:s, s:o, s:o}", "part", slaveinfo_part_name(change->part),
						"what", change->what, "before", output_text(change->before), "after",
						output_text(change->after)));
	}
	slaveinfo_changes_clear(&changes);
	return array;
}

static json_t *earlier_to_json(const struct agent_result *agent)
{
	const struct view_step *step = attempts_mended(agent);

	if (!step)
		return json_null();
	return json_pack("{s:s, s:o, s:o}", "state", step->to, "time", output_time(step->time_ms), "error",
			 output_text(attempts_error(agent)));
}

static json_t *agent_to_json(const struct run_view *view, const struct agent_result *agent)
{
	char *next = next_steps(view, agent);
	json_t *object = json_object();
	const struct run_agent *row = agent->row;

	json_object_set_new(object, "id", json_string(row->agent_id));
	json_object_set_new(object, "hostname", json_string(row->hostname));
	json_object_set_new(object, "state", json_string(row->state));
	json_object_set_new(object, "error", output_text(row->error));
	json_object_set_new(object, "next", output_text(next));
	free(next);
	json_object_set_new(object, "mechanism", json_string(mechanism_name(agent->planned->mechanism)));
	json_object_set_new(object, "operation", output_text(row->operation));
	json_object_set_new(object, "attempts", json_integer(row->attempt));
	json_object_set_new(object, "id_before", json_string(row->agent_id));
	json_object_set_new(object, "id_after", output_text(agent->id_after));
	json_object_set_new(object, "reregistered_before_ns", member(agent->before, "reregistered_ns"));
	json_object_set_new(object, "reregistered_after_ns", line_found(agent, "reregistered_time"));
	json_object_set_new(object, "planned_changes", changes_to_json(agent->planned));
	json_object_set_new(object, "slave_info_before", member(agent->before, "slave_info"));
	json_object_set_new(object, "slave_info_planned", slaveinfo_to_json(agent->planned->after));
	json_object_set_new(object, "slave_info_found", line_found(agent, "slave_info"));
	json_object_set_new(object, "taken_back", json_boolean(agent->taken_back));
	json_object_set_new(object, "not_taken_back", output_text(agent->not_back));
	json_object_set_new(object, "killed_before",
			    agent->killed_before ? json_incref(agent->killed_before) : json_array());
	json_object_set_new(object, "tasks", agent->tasks ? json_incref(agent->tasks) : json_null());
	json_object_set_new(object, "away_seconds",
			    agent->away_ms < 0 ? json_null() : json_real((double)agent->away_ms / 1000));
	json_object_set_new(object, "away_before_seconds", json_real((double)attempts_away_before(agent) / 1000));
	json_object_set_new(object, "earlier", earlier_to_json(agent));
	json_object_set_new(object, "away_budget_seconds", json_real((double)view->plan.clocks.silent_ms / 1000));
	json_object_set_new(object, "proof", agent->proof ? json_incref(agent->proof) : json_null());
	json_object_set_new(object, "host_said", agent->started ? json_incref(agent->started) : json_null());
	json_object_set_new(object, "steps", steps_to_json(agent));
	return object;
}

static json_t *plan_to_json(const struct run_view *view)
{
	const struct plan *plan = &view->plan;

	return json_pack("{s:s, s:s, s:s, s:i, s:s, s:o, s:o, s:o, s:{s:i, s:i, s:i}}", "hash", view->run.plan,
			 "author", view->author, "config", plan->config, "config_version", plan->config_version,
			 "config_sha256", plan->config_sha256, "created", output_time(plan->created_ms), "where",
			 output_text(plan->where), "ignore", recovery_ignore_to_json(plan->ignore), "limits", "window",
			 plan->options.window, "domain_window", plan->options.domain_window, "max_failures",
			 plan->options.max_failures);
}

static json_t *summary_to_json(const struct run_view *view)
{
	size_t kept = 0, lost = 0, unproven = 0, same = 0;

	for (size_t i = 0; i < view->count; i++) {
		const struct agent_result *agent = &view->agents[i];
		const json_t *line = agent_result_line(agent, "id");

		kept += agent->kept;
		lost += agent->lost;
		unproven += agent->unproven;
		same += json_is_true(json_object_get(line, "ok"));
	}
	return json_pack("{s:I, s:i, s:i, s:i, s:I, s:I, s:I, s:I}", "agents", (json_int_t)view->count, "done",
			 view->by_state[AGENT_DONE], "failed", run_view_failures(view), "stuck",
			 view->by_state[AGENT_STUCK], "same_id", (json_int_t)same, "tasks_kept", (json_int_t)kept,
			 "tasks_lost", (json_int_t)lost, "tasks_unproven", (json_int_t)unproven);
}

json_t *run_view_report(const struct run_view *view)
{
	json_t *agents = json_array();

	for (size_t i = 0; i < view->count; i++)
		json_array_append_new(agents, agent_to_json(view, &view->agents[i]));
	json_t *report = json_pack(
		"{s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:s, s:s}}",
		"run", view->run.id, "state", view->run.state, "reason", output_text(view->run.reason), "summary",
		summary_to_json(view), "cluster", view->plan.cluster, "started_by", output_text(view->actor), "started",
		output_time(view->run.created_ms), "finished", output_time(view->run.finished_ms), "epoch",
		(json_int_t)view->run.epoch, "resumed", (json_int_t)view->resumed, "plan", plan_to_json(view), "stages",
		run_view_stages_to_json(view), "gates", run_view_gates_to_json(view), "events",
		run_view_notes_to_json(view), "rolls_back", output_text(view->run.rolls_back), "rolled_back_by",
		output_text(view->taken_back.run), "agents", agents, "ledger", "head", view->head, "run_last_event",
		view->run_hash);

	json_object_set_new(report, "taken_back", run_view_taken_back_to_json(view));
	json_object_set_new(report, "left_out", run_view_left_out_to_json(view));
	return report;
}
