/* SPDX-License-Identifier: Apache-2.0 */
/* A line for every agent, and its proof. Rows leave out the end tags that HTML does not ask for: there may be thousands. */
#include <string.h>

#include "base/clock.h"
#include "orchestrator/report/agent_sheet.h"
#include "orchestrator/report/attempts.h"
#include "orchestrator/report/html_parts.h"

bool html_has_proof(const struct html_run *run, size_t agent)
{
	size_t failed = 0;

	if (run->view->count <= HTML_PROOFS)
		return true;
	if (!agent_state_is_failure(run->view->agents[agent].state))
		return false;
	for (size_t i = 0; i < run->sum.cause_count; i++)
		failed += run->sum.causes[i].count;
	return failed <= HTML_FAILED_PROOFS;
}

void html_agent_link(const struct html_run *run, size_t agent, struct buffer *out)
{
	if (html_has_proof(run, agent))
		buffer_printf(out, "<a href=\"#r%zu-p%zu\" data-agent=\"%zu\"><bdi>", run->number, agent, agent);
	else
		buffer_printf(out, "<a href=\"#r%zu-proofs\" data-agent=\"%zu\"><bdi>", run->number, agent);
	escape_html(out, run->view->agents[agent].row->hostname);
	buffer_puts(out, "</bdi></a>");
}

/* ---- lines */

static const char *or_dash(const char *word)
{
	return word ? word : "\u2013";
}

static void add_tasks(const struct agent_result *agent, struct buffer *out)
{
	buffer_printf(out, "<td data-v=\"%zu\">%zu kept", agent->kept + 1000000 * (agent->lost + agent->unproven),
		      agent->kept);
	if (agent->lost > 0)
		buffer_printf(out, ", <strong>%zu lost</strong>", agent->lost);
	if (agent->unproven > 0)
		buffer_printf(out, ", %zu not proven", agent->unproven);
	if (agent->ended > 0)
		buffer_printf(out, ", %zu ended", agent->ended);
}

static void add_away(const struct html_run *run, const struct agent_result *agent, struct buffer *out)
{
	char span[CLOCK_TEXT_MAX];
	int64_t budget = run->sum.away.budget_ms;

	if (agent->away_ms < 0)
		buffer_puts(out, "<td class=\"n\" data-v=\"-1\">\u2013");
	else
		buffer_printf(out, "<td class=\"n%s\" data-v=\"%lld\">%s",
			      budget > 0 && agent->away_ms > budget ? " over" : "", (long long)agent->away_ms,
			      agent->row->away_until_ms ? clock_format_span(agent->away_ms, span) : "not back");
}

/* The first line of the reason; the proof has the rest. */
static void add_reason(const struct run_view *view, const struct agent_result *agent, struct buffer *out)
{
	const char *error = attempts_error(agent) ? attempts_error(agent) : "";
	size_t len = strcspn(error, "\n");
	struct buffer line = BUFFER_INIT(1u << 20);

	if (agent->not_back)
		buffer_printf(&line, "%s taken back: %s ", taken_back_words(&view->taken_back), agent->not_back);
	if (attempts_mended(agent))
		buffer_printf(&line, "earlier %s: ", outcome_label(outcome_of(attempts_mended_state(agent))));
	buffer_append(&line, error, len);
	buffer_puts(out, "<td class=\"why\">");
	escape_html(out, buffer_text(&line));
	buffer_clear(&line);
}

static void add_line(const struct html_run *run, size_t index, struct buffer *out)
{
	const struct agent_result *agent = &run->view->agents[index];
	enum outcome outcome = outcome_of(agent->state);

	buffer_printf(out, "<tr id=\"r%zu-a%zu\" class=\"o-%s\"><th scope=\"row\">", run->number, index,
		      outcome_name(outcome));
	html_agent_link(run, index, out);
	buffer_puts(out, "<td>");
	escape_html(out, zone_of(agent));
	buffer_printf(out, "<td data-v=\"%d\">", (int)outcome);
	html_outcome(out, outcome);
	buffer_printf(out, "<td>%s<td>%s", or_dash(agent_id_word(agent)), or_dash(agent_info_word(agent)));
	add_tasks(agent, out);
	add_away(run, agent, out);
	add_reason(run->view, agent, out);
	buffer_putc(out, '\n');
}

/* ---- the table */

static void add_controls(const struct html_run *run, struct buffer *out)
{
	buffer_printf(out,
		      "<form class=\"controls\" role=\"search\" aria-label=\"Filter the agents\" hidden>"
		      "<label>Find <input type=\"search\" name=\"text\" placeholder=\"host, zone, words of an error\" "
		      "autocomplete=\"off\" spellcheck=\"false\"></label>"
		      "<label>Outcome <select name=\"outcome\"><option value=\"\">all</option>"
		      "<option value=\"trouble\">everything but done</option>");
	for (int i = 0; i < OUTCOME_COUNT; i++)
		if (run->sum.by[i] > 0)
			buffer_printf(out, "<option value=\"%s\">%s (%zu)</option>", outcome_name((enum outcome)i),
				      outcome_label((enum outcome)i), run->sum.by[i]);
	buffer_puts(out, "</select></label><label>Zone <select name=\"zone\"><option value=\"\">all</option>");
	for (size_t i = 0; i < run->sum.zone_count; i++) {
		buffer_puts(out, "<option>");
		escape_html(out, run->sum.zones[i].name);
		buffer_puts(out, "</option>");
	}
	buffer_puts(out, "</select></label><button type=\"reset\">Clear</button>"
			 "<output aria-live=\"polite\"></output></form>\n");
}

/* Those that need somebody first, so that the first page of a long list has them; the others in the order of the plan. */
static int rank_of(const struct agent_result *agent)
{
	static const int ranks[OUTCOME_COUNT] = {
		[OUTCOME_REJECTED] = 1, [OUTCOME_REVERTED] = 2,  [OUTCOME_FAILED] = 3,
		[OUTCOME_DONE] = 5,     [OUTCOME_UNDER_WAY] = 5, [OUTCOME_WAITING] = 5,
	};

	return ranks[outcome_of(agent->state)]; /* stuck: 0 */
}

static void add_lines(const struct html_run *run, struct buffer *out)
{
	size_t written = 0;

	for (int rank = 0; rank <= 5; rank++) {
		for (size_t i = 0; i < run->view->count; i++) {
			if (rank_of(&run->view->agents[i]) != rank)
				continue;
			if (written++ == HTML_LINES)
				buffer_puts(out, "<tbody class=\"rest\">\n");
			add_line(run, i, out);
		}
	}
}

void html_agents(const struct html_run *run, struct buffer *out)
{
	html_section(run, "agents", "Agents", out);
	add_controls(run, out);
	buffer_printf(
		out,
		"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"All agents\">"
		"<table class=\"agents\" data-agents=\"%zu\" data-lines=\"%d\"><caption>Those that failed come first</caption><thead><tr><th scope=\"col\">Agent</th><th scope=\"col\">Zone</th><th "
		"scope=\"col\">Outcome</th><th scope=\"col\">ID</th><th scope=\"col\">SlaveInfo</th><th "
		"scope=\"col\">Tasks</th><th scope=\"col\" class=\"n\">Away</th><th "
		"scope=\"col\">Why</th></tr></thead><tbody>\n",
		run->number, HTML_LINES);
	add_lines(run, out);
	buffer_puts(out, "</tbody></table></div><p class=\"more\" hidden><button type=\"button\">Show "
			 "more</button></p></section>\n");
}

/* ---- proofs; report.js makes the same from the page's data */

static void add_fields(const struct agent_sheet *sheet, struct buffer *out)
{
	buffer_puts(
		out,
		"<div class=\"scroll\"><table class=\"fields\"><caption>SlaveInfo and flags</caption><thead><tr><th "
		"scope=\"col\">Field</th><th scope=\"col\">Before</th><th scope=\"col\">Planned</th><th "
		"scope=\"col\">Found</th></tr></thead><tbody>");
	for (size_t i = 0; i < sheet->field_count; i++) {
		const struct sheet_field *field = &sheet->fields[i];

		buffer_printf(out, "<tr%s><th scope=\"row\">",
			      field->wrong     ? " class=\"wrong\""
			      : field->changes ? " class=\"changes\""
					       : "");
		escape_html(out, field->name);
		buffer_puts(out, "</th><td>");
		escape_html(out, field->before);
		buffer_puts(out, "</td><td>");
		escape_html(out, field->planned);
		buffer_puts(out, "</td><td>");
		if (field->wrong)
			buffer_puts(out, "<strong>WRONG</strong> ");
		escape_html(out, field->found);
		buffer_puts(out, "</td></tr>");
	}
	buffer_puts(out, "</tbody></table></div>\n");
}

static void add_proof_lines(const struct agent_sheet *sheet, struct buffer *out)
{
	buffer_puts(out, "<h4>Proof ");
	escape_html(out, sheet->verdict ? sheet->verdict : "none was taken");
	buffer_puts(out, "</h4><ul class=\"lines\">");
	for (size_t i = 0; i < sheet->line_count; i++) {
		const struct sheet_line *line = &sheet->lines[i];

		buffer_printf(out, "<li class=\"%s\"><b>%s</b> ", line->ok ? "ok" : "wrong", line->ok ? "ok" : "WRONG");
		escape_html(out, line->what);
		if (*line->detail) {
			buffer_puts(out, ": <span>");
			escape_html(out, line->detail);
			buffer_puts(out, "</span>");
		}
		buffer_puts(out, "</li>");
	}
	buffer_puts(out, "</ul>\n");
}

static void add_steps(const struct agent_sheet *sheet, struct buffer *out)
{
	char time[CLOCK_TEXT_MAX];

	buffer_puts(out, "<h4>Steps</h4><ol class=\"steps\">");
	for (size_t i = 0; i < sheet->step_count; i++) {
		buffer_printf(out, "<li><time>%s</time> ", clock_format(sheet->steps[i].time_ms, time));
		escape_html(out, sheet->steps[i].text);
		buffer_puts(out, "</li>");
	}
	buffer_puts(out, "</ol>");
}

static void add_sheet(const struct agent_sheet *sheet, struct buffer *out)
{
	buffer_puts(out, "<dl class=\"facts\">");
	for (size_t i = 0; i < sheet->fact_count; i++)
		html_term(out, sheet->facts[i].name, sheet->facts[i].value);
	buffer_puts(out, "</dl>\n");
	add_fields(sheet, out);
	add_proof_lines(sheet, out);
	if (sheet->said) {
		buffer_puts(out, "<h4>The agent's own words</h4><pre>");
		escape_html(out, sheet->said);
		buffer_puts(out, "</pre>\n");
	}
	add_steps(sheet, out);
}

static void add_proof(const struct html_run *run, size_t index, struct buffer *out)
{
	const struct agent_result *agent = &run->view->agents[index];
	struct agent_sheet sheet;

	agent_sheet_make(run->view, agent, &sheet);
	buffer_printf(out, "<details class=\"proof o-%s\" id=\"r%zu-p%zu\"><summary><b>",
		      outcome_name(outcome_of(agent->state)), run->number, index);
	escape_html(out, agent->row->hostname);
	buffer_puts(out, "</b> ");
	html_outcome(out, outcome_of(agent->state));
	buffer_puts(out, "</summary><div class=\"sheet\">\n");
	add_sheet(&sheet, out);
	buffer_puts(out, "</div></details>\n");
	agent_sheet_clear(&sheet);
}

void html_proofs(const struct html_run *run, struct buffer *out)
{
	size_t shown = 0;

	html_section(run, "proofs", "Proof, agent by agent", out);
	for (size_t i = 0; i < run->view->count; i++) {
		if (!html_has_proof(run, i))
			continue;
		add_proof(run, i, out);
		shown++;
	}
	if (shown < run->view->count) {
		buffer_printf(
			out,
			"<p class=\"note\">The proofs of %zu more are in this file as data: choose an agent in the "
			"table above, which takes a browser that runs scripts. Printed, or without scripts, they "
			"are in <code>rollcall audit report ",
			run->view->count - shown);
		escape_html(out, run->view->run.id);
		buffer_puts(out, " --format text</code>, and in <code>--format json</code> for programs.</p>\n");
	}
	buffer_puts(out, "</section>\n");
}
