/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/agent_sheet.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "mesos/attributes.h"
#include "mesos/domain.h"
#include "orchestrator/report/attempts.h"
#include "orchestrator/report/outcome.h"
#include "orchestrator/report/proof_text.h"

#define TEXT_MAX (4u << 20)

/* value is taken; NULL: there is nothing to say. */
static void add_fact(struct agent_sheet *sheet, const char *name, char *value)
{
	if (!value)
		return;
	sheet->facts = xreallocarray(sheet->facts, sheet->fact_count + 1, sizeof *sheet->facts);
	sheet->facts[sheet->fact_count++] = (struct sheet_fact){name, value};
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

/* ---- facts */

static char *id_text(const struct agent_result *agent)
{
	if (!agent->id_after)
		return xasprintf("%s before; not shown by the master after", agent->row->agent_id);
	if (strcmp(agent->id_after, agent->row->agent_id) == 0)
		return xasprintf("%s before and after", agent->id_after);
	return xasprintf("%s before, %s AFTER", agent->row->agent_id, agent->id_after);
}

static char *time_text(const json_t *nanoseconds)
{
	int64_t ms = (int64_t)json_integer_value(nanoseconds) / 1000000;
	char text[CLOCK_TEXT_MAX];

	return ms ? xstrdup(clock_format(ms, text)) : NULL;
}

static char *reregistered_text(const struct agent_result *agent)
{
	const json_t *line = agent_result_line(agent, "reregistered_time");
	char *before = time_text(json_object_get(agent->before, "reregistered_ns"));
	char *after = time_text(json_object_get(line, "found")), *text = NULL;

	if (agent->before)
		text = xasprintf("%s; before: %s", after ? after : "not shown",
				 before ? before : "not since it registered");
	free(before);
	free(after);
	return text;
}

static char *mended_text(const struct agent_result *agent)
{
	const struct view_step *step = attempts_mended(agent);
	char time[CLOCK_TEXT_MAX];

	if (!step)
		return NULL;
	return xasprintf("an attempt ended as %s at %s: %s", outcome_label(outcome_of(attempts_mended_state(agent))),
			 clock_format(step->time_ms, time),
			 attempts_error(agent) ? attempts_error(agent) : "no reason was recorded");
}

static char *last_away_text(const struct run_view *view, const struct agent_result *agent)
{
	char from[CLOCK_TEXT_MAX], span[CLOCK_TEXT_MAX], budget[CLOCK_TEXT_MAX];
	int64_t silent_ms = view->plan.clocks.silent_ms;

	if (agent->away_ms < 0)
		return xstrdup("never");
	clock_format(agent->row->away_from_ms, from);
	clock_format_span(agent->away_ms, span);
	if (agent->row->away_until_ms == 0)
		return xasprintf("since %s, and not proven to be back", from);
	if (silent_ms <= 0)
		return xasprintf("%s, from %s", span, from);
	return xasprintf("%s%s the %s that the master waits, from %s", span,
			 agent->away_ms > silent_ms ? ", longer than" : " of", clock_format_span(silent_ms, budget),
			 from);
}

static char *away_text(const struct run_view *view, const struct agent_result *agent)
{
	char *last = last_away_text(view, agent), *text, span[CLOCK_TEXT_MAX];
	int64_t before_ms = attempts_away_before(agent);

	if (before_ms == 0)
		return last;
	text = xasprintf("%s; and %s in attempts before", last, clock_format_span(before_ms, span));
	free(last);
	return text;
}

/* Its name, which the plan has of every task that it saw, or its ID. NULL: not known. Borrowed. */
static const char *framework_of(const struct agent_result *agent, const json_t *task)
{
	const char *id = json_string_value(json_object_get(task, "framework"));

	for (size_t i = 0; id && i < agent->planned->task_count; i++) {
		const struct plan_task *planned = &agent->planned->tasks[i];

		if (strcmp(planned->framework_id, id) == 0 && *planned->framework_name)
			return planned->framework_name;
	}
	return id;
}

/* harmless: some are enough; of others everybody wants to know who runs them. */
static void add_names(const struct agent_result *agent, const json_t *list, bool harmless, struct buffer *out)
{
	json_t *task;
	size_t i, count = json_array_size(list), most = harmless ? SHEET_TASKS_NAMED : SIZE_MAX;

	json_array_foreach(list, i, task)
	{
		const char *name = json_string_value(json_object_get(task, "task"));
		const char *framework = harmless ? NULL : framework_of(agent, task);

		if (i == most)
			break;
		buffer_printf(out, "%s%s", i ? ", " : ": ", name ? name : "?");
		if (framework)
			buffer_printf(out, " (of %s)", framework);
	}
	if (count > most)
		buffer_printf(out, " and %zu more", count - most);
}

static char *tasks_text(const struct agent_result *agent)
{
	static const struct {
		const char *fate;
		bool harmless;
	} fates[] = {{"survived", true}, {"killed", false}, {"unproven", false}, {"ended", false}, {"new", true}};
	struct buffer out = BUFFER_INIT(TEXT_MAX);

	if (!agent->tasks && !agent->killed_before)
		return NULL;
	for (size_t i = 0; i < sizeof fates / sizeof *fates; i++) {
		const json_t *list = json_object_get(agent->tasks, fates[i].fate);

		if (i > 1 && json_array_size(list) == 0)
			continue;
		buffer_printf(&out, "%s%zu %s", i ? "; " : "", json_array_size(list), fates[i].fate);
		add_names(agent, list, fates[i].harmless, &out);
	}
	if (agent->killed_before) {
		buffer_printf(&out, "; %zu killed in attempts before", json_array_size(agent->killed_before));
		add_names(agent, agent->killed_before, false, &out);
	}
	return buffer_take(&out);
}

static char *operation_text(const struct agent_result *agent)
{
	const struct run_agent *row = agent->row;
	const char *how = mechanism_words(agent->planned->mechanism);

	if (!row->operation)
		return xasprintf("none yet; by %s (%s)", mechanism_name(agent->planned->mechanism), how);
	return xasprintf("%s, attempt %lld, by %s (%s)", row->operation, (long long)row->attempt,
			 mechanism_name(agent->planned->mechanism), how);
}

/* Of an agent that was changed, in a run that another one takes back. */
static char *taken_back_text(const struct run_view *view, const struct agent_result *agent)
{
	if (agent->taken_back)
		return xasprintf("by run %s, and proven to be as before", agent->back_by);
	if (agent->not_back)
		return xasprintf("%s by run %s: %s", taken_back_words(&view->taken_back), view->taken_back.run,
				 agent->not_back);
	return NULL;
}

static void add_facts(const struct run_view *view, const struct agent_result *agent, struct agent_sheet *sheet)
{
	char *next = next_steps(view, agent);

	add_fact(sheet, "Taken back", taken_back_text(view, agent));
	add_fact(sheet, "What happened", copy(agent->row->error));
	add_fact(sheet, "Earlier", mended_text(agent));
	add_fact(sheet, "agentctl said", copy(json_string_value(json_object_get(agent->started, "reason"))));
	if (agent_state_is_failure(agent->state))
		add_fact(sheet, "What was done", xstrdup(what_was_done(view, agent)));
	add_fact(sheet, "What to do", next);
	add_fact(sheet, "Since then", copy(agent->rescued));
	add_fact(sheet, "ID", id_text(agent));
	add_fact(sheet, "Zone", copy(agent->planned->domain));
	add_fact(sheet, "Away", away_text(view, agent));
	add_fact(sheet, "Reregistered", reregistered_text(agent));
	add_fact(sheet, "Tasks", tasks_text(agent));
	add_fact(sheet, "Used", proof_used(agent->proof));
	add_fact(sheet, "Operation", operation_text(agent));
}

/* ---- the SlaveInfo and the flags, field by field */

bool sheet_field_is_flag(const struct sheet_field *field)
{
	return strncmp(field->name, "--", 2) == 0;
}

static char *attributes_text(const Mesos__SlaveInfo *info)
{
	struct buffer out = BUFFER_INIT(TEXT_MAX);

	for (size_t i = 0; info && i < info->n_attributes; i++) {
		buffer_printf(&out, "%s%s:", i ? "; " : "", info->attributes[i]->name);
		attribute_value_text(info->attributes[i], &out);
	}
	return info ? buffer_take(&out) : NULL;
}

static char *resources_text(const Mesos__SlaveInfo *info)
{
	struct buffer out = BUFFER_INIT(TEXT_MAX);

	if (!info)
		return NULL;
	struct resources resources = slaveinfo_resources(info);
	resources_to_text(&resources, &out);
	resources_clear(&resources);
	return buffer_take(&out);
}

static char *domain_text(const Mesos__SlaveInfo *info)
{
	if (!info)
		return NULL;
	return info->domain ? xasprintf("%s/%s", domain_region(info->domain), domain_zone(info->domain))
			    : xstrdup("none");
}

static char *address_text(const Mesos__SlaveInfo *info)
{
	return info ? xasprintf("%s:%d", info->hostname, slaveinfo_port(info)) : NULL;
}

/* The three texts are taken. */
static void add_field(struct agent_sheet *sheet, char *name, char *before, char *planned, char *found, bool wrong)
{
	bool changes = (before == NULL) != (planned == NULL) || (before && strcmp(before, planned) != 0);

	sheet->fields = xreallocarray(sheet->fields, sheet->field_count + 1, sizeof *sheet->fields);
	sheet->fields[sheet->field_count++] = (struct sheet_field){name, before, planned, found, changes, wrong};
}

static void add_info(const struct agent_result *agent, struct agent_sheet *sheet)
{
	static const struct {
		const char *name;
		enum slaveinfo_part part;
		char *(*text)(const Mesos__SlaveInfo *info);
	} parts[] = {
		{"attributes", PART_ATTRIBUTES, attributes_text},
		{"resources", PART_RESOURCES, resources_text},
		{"domain", PART_DOMAIN, domain_text},
		{"address", PART_HOSTNAME | PART_PORT, address_text},
	};
	const Mesos__SlaveInfo *before = agent->planned->before, *planned = agent->planned->after;
	const char *of = json_string_value(json_object_get(agent->proof, "of"));
	const json_t *line = agent_result_line(agent, "slave_info");
	Mesos__SlaveInfo *found = line ? slaveinfo_from_json(json_object_get(line, "found"), NULL) : NULL;
	const Mesos__SlaveInfo *wanted = of && strcmp(of, "the state before") == 0 ? before : planned;
	unsigned differs = found && !json_is_true(json_object_get(line, "ok")) ? slaveinfo_diff(wanted, found) : 0;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		add_field(sheet, xstrdup(parts[i].name), parts[i].text(before), parts[i].text(planned),
			  parts[i].text(found), differs & parts[i].part);
	slaveinfo_free(found);
}

static void add_flags(const struct agent_result *agent, struct agent_sheet *sheet)
{
	const struct plan_agent *planned = agent->planned;

	for (size_t i = 0; i < planned->edit_count; i++) {
		const struct flag_edit *edit = &planned->edits[i];
		bool secret = flag_is_secret(edit->name);
		char *what = xasprintf("flag %s", edit->name);
		const json_t *line = agent_result_line(agent, what);
		const json_t *found = json_object_get(line, "found");
		bool wrong = line && !json_is_true(json_object_get(line, "ok"));
		char *before = copy(flags_get(&planned->before_flags, edit->name));

		free(what);
		if (secret) {
			free(before);
			before = NULL;
		}
		add_field(sheet, xasprintf("--%s", edit->name), before,
			  secret ? xstrdup("(secret)") : copy(edit->value),
			  secret ? NULL : copy(json_string_value(found)), wrong);
	}
}

/* ---- the proof, and the way there */

static void add_proof(const struct agent_result *agent, struct agent_sheet *sheet)
{
	const char *of = json_string_value(json_object_get(agent->proof, "of"));
	const char *result = json_string_value(json_object_get(agent->proof, "result"));
	const json_t *lines = json_object_get(agent->proof, "lines"), *line;
	size_t i;

	if (!agent->proof)
		return;
	sheet->verdict = xasprintf("of %s: %s", of ? of : "?", result ? result : "?");
	sheet->lines = xcalloc(json_array_size(lines) + 1, sizeof *sheet->lines);
	json_array_foreach(lines, i, line) sheet->lines[sheet->line_count++] = (struct sheet_line){
		.what = xstrdup(json_string_length(json_object_get(line, "what"))
					? json_string_value(json_object_get(line, "what"))
					: "?"),
		.detail = proof_line_detail(line),
		.ok = json_is_true(json_object_get(line, "ok")),
	};
}

static void add_steps(const struct agent_result *agent, struct agent_sheet *sheet)
{
	sheet->steps = xcalloc(agent->step_count + 1, sizeof *sheet->steps);
	for (size_t i = 0; i < agent->step_count; i++)
		sheet->steps[sheet->step_count++] = (struct sheet_step){agent->steps[i].time_ms,
									view_step_text(&agent->steps[i])};
}

void agent_sheet_make(const struct run_view *view, const struct agent_result *agent, struct agent_sheet *out)
{
	const char *said = json_string_value(json_object_get(agent->started, "agent_said"));

	*out = (struct agent_sheet){.fact_count = 0};
	add_facts(view, agent, out);
	add_info(agent, out);
	add_flags(agent, out);
	add_proof(agent, out);
	add_steps(agent, out);
	if (said && *said)
		out->said = xstrdup(said);
}

void agent_sheet_clear(struct agent_sheet *sheet)
{
	for (size_t i = 0; i < sheet->fact_count; i++)
		free(sheet->facts[i].value);
	for (size_t i = 0; i < sheet->field_count; i++) {
		free(sheet->fields[i].name);
		free(sheet->fields[i].before);
		free(sheet->fields[i].planned);
		free(sheet->fields[i].found);
	}
	for (size_t i = 0; i < sheet->line_count; i++) {
		free(sheet->lines[i].what);
		free(sheet->lines[i].detail);
	}
	for (size_t i = 0; i < sheet->step_count; i++)
		free(sheet->steps[i].text);
	free(sheet->facts);
	free(sheet->fields);
	free(sheet->verdict);
	free(sheet->lines);
	free(sheet->steps);
	free(sheet->said);
}
