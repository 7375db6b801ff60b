/* SPDX-License-Identifier: Apache-2.0 */
/* For a ticket: short enough to be read there, and it says where the rest is. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/report/agent_sheet.h"
#include "orchestrator/report/attempts.h"
#include "orchestrator/report/escape.h"
#include "orchestrator/report/outcome.h"
#include "orchestrator/report/reports.h"
#include "orchestrator/report/rescue_view.h"
#include "orchestrator/report/todo.h"

#define LINES_MAX  60 /* agents in the table; of more, those that failed */
#define CAUSE_SHOW 10 /* hostnames of a cause */
#define PROOFS_MAX 12 /* of more agents, those that failed */

static void add_span(int64_t ms, struct buffer *out)
{
	char span[CLOCK_TEXT_MAX];

	buffer_puts(out, ms < 0 ? "\u2013" : clock_format_span(ms, span));
}

static void add_row(struct buffer *out, const char *name, const char *value)
{
	buffer_printf(out, "| %s | ", name);
	escape_markdown(out, value);
	buffer_puts(out, " |\n");
}

static void add_time_row(struct buffer *out, const char *name, int64_t ms)
{
	char time[CLOCK_TEXT_MAX];

	add_row(out, name, ms ? clock_format(ms, time) : NULL);
}

static void add_facts(const struct run_view *view, const struct outcome_sum *sum, struct buffer *out)
{
	char *state = run_state_text(view->run.state, view->by_state[AGENT_STUCK]);

	buffer_puts(out, "| | |\n|---|---|\n");
	add_row(out, "State", state);
	if (view->run.reason)
		add_row(out, "Because", view->run.reason);
	add_row(out, "Cluster", view->plan.cluster);
	buffer_puts(out, "| Config | ");
	escape_markdown(out, view->plan.config);
	if (!view->plan.rolls_back)
		buffer_printf(out, "@%d", view->plan.config_version);
	buffer_puts(out, " |\n");
	add_row(out, "Started by", view->actor);
	add_time_row(out, "Started", view->run.created_ms);
	add_time_row(out, "Finished", view->run.finished_ms);
	if (view->settled_ms)
		add_time_row(out, "Settled until", view->settled_ms);
	if (view->taken_back.run)
		add_row(out, "Taken back by", view->taken_back.run);
	if (view->run.rolls_back)
		add_row(out, "Takes back", view->run.rolls_back);
	buffer_printf(out, "| Tasks | %zu kept, %zu lost, %zu not proven |\n| Time away | ", sum->kept, sum->lost,
		      sum->unproven);
	if (sum->away.count > 0) {
		buffer_printf(out, "of %zu that came back: half after ", sum->away.count);
		add_span(sum->away.median_ms, out);
		buffer_puts(out, ", all after ");
	}
	add_span(sum->away.count > 0 ? sum->away.longest_ms : -1, out);
	if (sum->away.still > 0)
		buffer_printf(out, "; %zu not proven to be back", sum->away.still);
	buffer_puts(out, " |\n");
	add_row(out, "Plan", view->run.plan);
	add_row(out, "Ledger's head", view->head);
	buffer_putc(out, '\n');
	free(state);
}

static void add_cause(const struct run_view *view, const struct cause *cause, struct buffer *out)
{
	const struct agent_result *first = &view->agents[cause->agents[0]];
	char *next = next_steps(view, first);

	buffer_printf(out, "- **%zu agent%s %s%s**: ", cause->count, cause->count == 1 ? "" : "s",
		      outcome_label(outcome_of(cause->state)), attempts_sequel(view, first));
	escape_markdown(out, cause->error ? cause->error : cause->pattern);
	buffer_puts(out, "\n  - Agents: ");
	for (size_t i = 0; i < cause->count && i < CAUSE_SHOW; i++) {
		buffer_puts(out, i ? ", " : "");
		escape_markdown(out, view->agents[cause->agents[i]].row->hostname);
	}
	if (cause->count > CAUSE_SHOW)
		buffer_printf(out, " and %zu more", cause->count - CAUSE_SHOW);
	buffer_puts(out, "\n  - Done: ");
	escape_markdown(out, what_was_done(view, first));
	if (first->rescued) {
		buffer_puts(out, "\n  - Since then: ");
		escape_markdown(out, first->rescued);
	}
	if (next) {
		buffer_puts(out, "\n  - To do: ");
		escape_markdown(out, next);
	}
	buffer_putc(out, '\n');
	free(next);
}

static void add_agent(const struct run_view *view, const struct agent_result *agent, struct buffer *out)
{
	bool same = agent->id_after && strcmp(agent->id_after, agent->row->agent_id) == 0;
	enum outcome outcome = outcome_of(agent->state);

	buffer_puts(out, "| ");
	escape_markdown(out, agent->row->hostname);
	buffer_puts(out, " | ");
	escape_markdown(out, zone_of(agent));
	buffer_printf(out, " | %s %s%s | %s | %zu kept, %zu lost | ", outcome_sign(outcome), outcome_label(outcome),
		      attempts_mended(agent) ? ", not at once" : "",
		      same              ? "same"
		      : agent->id_after ? "**new**"
					: "\u2013",
		      agent->kept, agent->lost);
	if (agent->away_ms >= 0 && agent->row->away_until_ms == 0)
		buffer_puts(out, "not back");
	else
		add_span(agent->away_ms, out);
	if (agent->taken_back || agent->not_back)
		buffer_printf(out, "; %s%staken back", agent->taken_back ? "" : taken_back_words(&view->taken_back),
			      agent->taken_back ? "" : " ");
	buffer_puts(out, " |\n");
}

static void add_agents(const struct run_view *view, struct buffer *out)
{
	size_t shown = 0, left_out = 0;

	buffer_puts(out, "| Agent | Zone | Outcome | ID | Tasks | Away |\n|---|---|---|---|---|--:|\n");
	for (size_t i = 0; i < view->count; i++) {
		bool fits = view->count <= LINES_MAX ||
			    (agent_state_is_failure(view->agents[i].state) && shown < LINES_MAX);

		if (!fits) {
			left_out++;
			continue;
		}
		add_agent(view, &view->agents[i], out);
		shown++;
	}
	if (left_out > 0)
		buffer_printf(out, "\n%zu more agent%s: `rollcall audit report --format csv` lists them all.\n",
			      left_out, left_out == 1 ? "" : "s");
	buffer_putc(out, '\n');
}

/* ---- proofs, folded away */

static void add_cell(const char *text, struct buffer *out)
{
	escape_markdown(out, text ? text : "");
	buffer_puts(out, " | ");
}

static void add_sheet(const struct agent_sheet *sheet, struct buffer *out)
{
	for (size_t i = 0; i < sheet->fact_count; i++) {
		buffer_printf(out, "- %s: ", sheet->facts[i].name);
		escape_markdown(out, sheet->facts[i].value);
		buffer_putc(out, '\n');
	}
	buffer_puts(out, "\n| SlaveInfo or flag | Before | Planned | Found | |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < sheet->field_count; i++) {
		const struct sheet_field *field = &sheet->fields[i];

		buffer_puts(out, "| ");
		add_cell(field->name, out);
		add_cell(field->before, out);
		add_cell(field->planned, out);
		add_cell(field->found, out);
		buffer_puts(out, field->wrong ? "**wrong** |\n" : field->changes ? "changes |\n" : " |\n");
	}
	buffer_putc(out, '\n');
	for (size_t i = 0; i < sheet->line_count; i++) {
		buffer_puts(out, sheet->lines[i].ok ? "- ok: " : "- **wrong**: ");
		escape_markdown(out, sheet->lines[i].what);
		buffer_puts(out, *sheet->lines[i].detail ? ": " : "");
		escape_markdown(out, sheet->lines[i].detail);
		buffer_putc(out, '\n');
	}
}

static void add_proof(const struct run_view *view, const struct agent_result *agent, struct buffer *out)
{
	struct agent_sheet sheet;

	agent_sheet_make(view, agent, &sheet);
	buffer_puts(out, "<details><summary>");
	escape_html(out, agent->row->hostname);
	buffer_puts(out, sheet.verdict ? ": proof " : ": ");
	escape_html(out, sheet.verdict ? sheet.verdict : "no proof was taken");
	buffer_puts(out, "</summary>\n\n");
	add_sheet(&sheet, out);
	buffer_puts(out, "\n</details>\n\n");
	agent_sheet_clear(&sheet);
}

static void add_proofs(const struct run_view *view, struct buffer *out)
{
	size_t shown = 0;

	buffer_puts(out, "### Proofs\n\n");
	for (size_t i = 0; i < view->count && shown < PROOFS_MAX; i++) {
		const struct agent_result *agent = &view->agents[i];

		if (view->count > PROOFS_MAX && !agent_state_is_failure(agent->state) && !attempts_mended(agent))
			continue;
		add_proof(view, agent, out);
		shown++;
	}
	if (shown < view->count)
		buffer_printf(out, "Of %zu more agents: `rollcall audit report --format text`, or `html`.\n\n",
			      view->count - shown);
}

static void add_todo(const struct run_view *view, struct buffer *out)
{
	struct todo_list todo;

	todo_make(view, &todo);
	if (todo.count > 0)
		buffer_puts(out, "### What to do\n\n");
	for (size_t i = 0; i < todo.count; i++) {
		const struct todo *item = &todo.items[i];

		buffer_puts(out, "- ");
		if (item->agents > 0)
			buffer_printf(out, "**%zu** %s ", item->agents, item->agents == 1 ? "agent is" : "agents are");
		buffer_printf(out, "%s: ", item->text);
		escape_markdown(out, item->command);
		buffer_putc(out, '\n');
	}
	buffer_puts(out, todo.count > 0 ? "\n" : "");
	todo_clear(&todo);
}

static void add_run(const struct run_view *view, struct buffer *out)
{
	struct outcome_sum sum;
	char *verdict = run_view_verdict(view);

	outcome_sum(view, &sum);
	buffer_puts(out, "## Rollout ");
	escape_markdown(out, view->run.id);
	buffer_puts(out, "\n\n");
	escape_markdown(out, verdict);
	buffer_puts(out, "\n\n");
	add_todo(view, out);
	add_facts(view, &sum, out);
	if (sum.cause_count > 0)
		buffer_puts(out, "### What went wrong\n\n");
	for (size_t i = 0; i < sum.cause_count; i++)
		add_cause(view, &sum.causes[i], out);
	buffer_puts(out, sum.cause_count > 0 ? "\n### Agents\n\n" : "### Agents\n\n");
	add_agents(view, out);
	add_proofs(view, out);
	outcome_sum_clear(&sum);
	free(verdict);
}

static void add_across(const struct report_runs *runs, struct buffer *out)
{
	buffer_printf(out, "# %zu rollouts\n\n| Run | State | Agents | As planned |\n|---|---|--:|--:|\n", runs->count);
	for (size_t i = 0; i < runs->count; i++) {
		const struct run_view *view = &runs->views[i];

		buffer_puts(out, "| ");
		escape_markdown(out, view->run.id);
		buffer_puts(out, " | ");
		char *state = run_view_state_text(view);
		escape_markdown(out, state);
		free(state);
		buffer_printf(out, " | %zu | %d |\n", view->count, view->by_state[AGENT_DONE]);
	}
	buffer_putc(out, '\n');
}

void report_markdown(const struct report_runs *runs, struct buffer *out)
{
	if (runs->count > 1)
		add_across(runs, out);
	for (size_t i = 0; i < runs->count; i++) {
		if (runs->views[i].rescue)
			rescue_report_markdown(&runs->views[i], out);
		else
			add_run(&runs->views[i], out);
	}
	char *mark = report_mark(runs, REPORT_MARKDOWN);

	buffer_printf(out, "Check this with `rollcall audit verify --report FILE`.\n<!-- %s -->\n", mark);
	free(mark);
}
