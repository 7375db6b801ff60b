/* SPDX-License-Identifier: Apache-2.0 */
/* One line per agent, for spreadsheets and joins. docs/audit.md lists the columns. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/report/agent_sheet.h"
#include "orchestrator/report/attempts.h"
#include "orchestrator/report/escape.h"
#include "orchestrator/report/outcome.h"
#include "orchestrator/report/proof_text.h"
#include "orchestrator/report/reports.h"
#include "orchestrator/report/rescue_view.h"

#define CELL_MAX (4u << 20)

static const char headings[] =
	"run,agent_id,hostname,zone,mechanism,state,proven,id_after,same_id,slave_info,away_from,away_until,away_seconds,tasks_kept,tasks_lost,tasks_unproven,tasks_ended,tasks_new,attempts,operation,error,next,earlier_state,earlier_error,away_before_seconds,away_budget_seconds,reregistered_before,reregistered_after,active,deactivated,process,checkpoint,attributes_before,attributes_planned,attributes_found,resources_before,resources_planned,resources_found,domain_before,domain_planned,domain_found,address_before,address_planned,address_found,flags_planned,flags_found,survived,killed,new,used,proof,taken_back\r\n";

static void add_time(int64_t ms, struct buffer *out)
{
	char text[CLOCK_TEXT_MAX];

	buffer_putc(out, ',');
	escape_csv(out, ms ? clock_format(ms, text) : "");
}

static void add_text(const char *text, struct buffer *out)
{
	buffer_putc(out, ',');
	escape_csv(out, text);
}

static const char *info_word(const struct agent_result *agent)
{
	const json_t *line = agent_result_line(agent, "slave_info");
	const char *of = json_string_value(json_object_get(agent->proof, "of"));

	if (!line)
		return agent_master_is_behind(agent) ? "host" : "";
	if (!json_is_true(json_object_get(line, "ok")))
		return "differs";
	return of && strcmp(of, "the planned state") == 0 ? "planned" : "before";
}

static const char *same_id_word(const struct agent_result *agent)
{
	if (!agent->id_after)
		return "";
	return strcmp(agent->id_after, agent->row->agent_id) == 0 ? "yes" : "no";
}

static void add_away(const struct agent_result *agent, struct buffer *out)
{
	add_time(agent->row->away_from_ms, out);
	add_time(agent->row->away_until_ms, out);
	if (agent->away_ms >= 0)
		buffer_printf(out, ",%.3f", (double)agent->away_ms / 1000);
	else
		buffer_putc(out, ',');
}

/* ---- the proof */

static void add_nanoseconds(const json_t *time, struct buffer *out)
{
	add_time((int64_t)json_integer_value(time) / 1000000, out);
}

static void add_found(const struct agent_result *agent, const char *what, struct buffer *out)
{
	const json_t *line = agent_result_line(agent, what);
	char *detail = line ? proof_line_detail(line) : NULL;

	add_text(detail, out);
	free(detail);
}

static void add_checked(const struct agent_result *agent, const char *what, struct buffer *out)
{
	const json_t *line = agent_result_line(agent, what);

	add_text(!line ? "" : json_is_true(json_object_get(line, "ok")) ? "ok" : "differs", out);
}

/* The parts of the SlaveInfo come first; flags are told together. */
static void add_fields(const struct agent_sheet *sheet, struct buffer *out)
{
	struct buffer planned = BUFFER_INIT(CELL_MAX), found = BUFFER_INIT(CELL_MAX);

	for (size_t i = 0; i < sheet->field_count; i++) {
		const struct sheet_field *field = &sheet->fields[i];

		if (strncmp(field->name, "--", 2) != 0) {
			add_text(field->before, out);
			add_text(field->planned, out);
			add_text(field->found, out);
			continue;
		}
		buffer_printf(&planned, "%s%s=%s", planned.len ? " " : "", field->name,
			      field->planned ? field->planned : "(none)");
		if (field->found)
			buffer_printf(&found, "%s%s=%s", found.len ? " " : "", field->name, field->found);
	}
	add_text(buffer_text(&planned), out);
	add_text(buffer_text(&found), out);
	buffer_clear(&planned);
	buffer_clear(&found);
}

static void add_names(const json_t *tasks, struct buffer *names)
{
	const json_t *task;
	size_t i;

	json_array_foreach(tasks, i, task)
	{
		const char *name = json_string_value(json_object_get(task, "task"));

		buffer_printf(names, "%s%s", names->len ? " " : "", name ? name : "?");
	}
}

static void add_tasks(const struct agent_result *agent, const char *fate, struct buffer *out)
{
	struct buffer names = BUFFER_INIT(CELL_MAX);

	add_names(json_object_get(agent->tasks, fate), &names);
	add_text(buffer_text(&names), out);
	buffer_clear(&names);
}

static void add_killed(const struct agent_result *agent, struct buffer *out)
{
	struct buffer names = BUFFER_INIT(CELL_MAX);

	add_names(agent->killed_before, &names);
	add_names(json_object_get(agent->tasks, "killed"), &names);
	add_text(buffer_text(&names), out);
	buffer_clear(&names);
}

static void add_evidence(const struct run_view *view, const struct agent_result *agent, struct buffer *out)
{
	struct agent_sheet sheet;
	char *used = proof_used(agent->proof);

	agent_sheet_make(view, agent, &sheet);
	add_text(attempts_mended(agent) ? attempts_mended(agent)->to : "", out);
	add_text(attempts_mended(agent) ? attempts_error(agent) : "", out);
	buffer_printf(out, ",%.3f,%.3f", (double)attempts_away_before(agent) / 1000,
		      (double)view->plan.clocks.silent_ms / 1000);
	add_nanoseconds(json_object_get(agent->before, "reregistered_ns"), out);
	add_nanoseconds(json_object_get(agent_result_line(agent, "reregistered_time"), "found"), out);
	add_found(agent, "active", out);
	add_found(agent, "deactivated", out);
	add_found(agent, "process", out);
	add_checked(agent, "checkpoint", out);
	add_fields(&sheet, out);
	add_tasks(agent, "survived", out);
	add_killed(agent, out);
	add_tasks(agent, "new", out);
	add_text(used, out);
	add_text(sheet.verdict, out);
	add_text(agent->taken_back ? "yes" : agent->not_back ? "no" : "", out);
	agent_sheet_clear(&sheet);
	free(used);
}

static void add_agent(const struct run_view *view, const struct agent_result *agent, struct buffer *out)
{
	char *next = next_steps(view, agent);

	escape_csv(out, view->run.id);
	add_text(agent->row->agent_id, out);
	add_text(agent->row->hostname, out);
	add_text(agent->planned->domain, out);
	add_text(mechanism_name(agent->planned->mechanism), out);
	add_text(agent->row->state, out);
	add_text(agent_master_is_behind(agent) ? "host" : agent->proven ? "yes" : "no", out);
	add_text(agent->id_after, out);
	add_text(same_id_word(agent), out);
	add_text(info_word(agent), out);
	add_away(agent, out);
	buffer_printf(out, ",%zu,%zu,%zu,%zu,%zu,%lld", agent->kept, agent->lost, agent->unproven, agent->ended,
		      agent->appeared, (long long)agent->row->attempt);
	add_text(agent->row->operation, out);
	add_text(agent->row->error, out);
	add_text(next, out);
	add_evidence(view, agent, out);
	buffer_puts(out, "\r\n");
	free(next);
}

void report_csv(const struct report_runs *runs, struct buffer *out)
{
	if (runs->views[0].rescue) {
		rescue_report_csv(&runs->views[0], out);
		return;
	}
	buffer_puts(out, headings);
	for (size_t i = 0; i < runs->count; i++)
		for (size_t j = 0; j < runs->views[i].count; j++)
			add_agent(&runs->views[i], &runs->views[i].agents[j], out);
}
