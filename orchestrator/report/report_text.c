/* SPDX-License-Identifier: Apache-2.0 */
/* The audit report for people: the summary first, then every agent, then what failed and what was done about it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "base/text.h"
#include "orchestrator/report/agent_sheet.h"
#include "orchestrator/report/attempts.h"
#include "orchestrator/report/plan_text.h"
#include "orchestrator/report/reports.h"

static void heading(FILE *stream, const char *text)
{
	fprintf(stream, "\n%s%s%s\n", term_on(stream, TERM_BOLD), text, term_off(stream));
}

static void fact(FILE *stream, const char *name, const char *value)
{
	char *shown = text_printable(value ? value : "-", false);

	fprintf(stream, "  %-14s %s\n", name, shown);
	free(shown);
}

static void fact_free(FILE *stream, const char *name, char *value)
{
	fact(stream, name, value);
	free(value);
}

static char *when(int64_t ms)
{
	char text[CLOCK_TEXT_MAX];

	return xstrdup(ms == 0 ? "-" : clock_format(ms, text));
}

static void print_head(const struct run_view *view, FILE *stream)
{
	const struct run_row *run = &view->run;
	const struct plan *plan = &view->plan;
	struct buffer parts = BUFFER_INIT(256);
	char *state = run_state_text(run->state, view->by_state[AGENT_STUCK]);
	char *resumed = count_text((int64_t)view->resumed, "time");
	char *failures = count_text(plan->options.max_failures, "failure");
	char domain[16] = "as many";

	if (plan->options.domain_window > 0)
		snprintf(domain, sizeof(domain), "%d", plan->options.domain_window);
	plan_parts_text(plan->ignore, &parts);
	heading(stream, "Who, when, what");
	fact_free(stream, "run", xasprintf("%s on cluster %s", run->id, plan->cluster));
	fact_free(stream, "state", xasprintf("%s%s%s", state, run->reason ? ": " : "", run->reason ? run->reason : ""));
	fact(stream, "started by", view->actor);
	fact_free(stream, "started", when(run->created_ms));
	fact_free(stream, "finished", when(run->finished_ms));
	fact_free(stream, "driven", xasprintf("resumed %s; the last epoch is %" PRId64, resumed, run->epoch));
	fact_free(stream, "plan", xasprintf("%s by %s", run->plan, view->author));
	fact_free(stream, "config",
		  xasprintf("%s@%d (SHA-256 %s)", plan->config, plan->config_version, plan->config_sha256));
	fact(stream, "chosen by", plan->where ? plan->where : "every agent the config's rules match");
	if (run->rolls_back)
		fact(stream, "takes back", run->rolls_back);
	if (view->rolled_back_by)
		fact(stream, "taken back by", view->rolled_back_by);
	fact_free(stream, "limits",
		  xasprintf("at most %d away at once, within a failure domain %s; at most %s; may differ: %s",
			    plan->options.window, domain, failures, buffer_text(&parts)));
	buffer_clear(&parts);
	free(state);
	free(resumed);
	free(failures);
}

/* ---- one agent */

static const char *or_none(const char *text)
{
	return text ? text : "(none)";
}

static void print_value(const char *name, const char *when, const char *value, FILE *stream)
{
	fact_free(stream, "", xasprintf("%-16s %-8s %s", name, when, value));
}

static void print_field(const struct sheet_field *field, FILE *stream)
{
	if (field->changes) {
		print_value(field->name, "before", or_none(field->before), stream);
		print_value("", "planned", or_none(field->planned), stream);
	} else {
		print_value(field->name, "stays", or_none(field->planned), stream);
	}
	if (field->found || field->wrong)
		print_value("", field->wrong ? "FOUND" : "found", or_none(field->found), stream);
}

static void print_proof(const struct agent_sheet *sheet, FILE *stream)
{
	if (sheet->verdict)
		fact(stream, "proof", sheet->verdict);
	for (size_t i = 0; i < sheet->line_count; i++) {
		const struct sheet_line *line = &sheet->lines[i];

		fact_free(stream, "",
			  xasprintf("%-6s%s%s%s", line->ok ? "ok" : "WRONG", line->what, *line->detail ? ": " : "",
				    line->detail));
	}
}

static void print_agent(const struct run_view *view, const struct agent_result *agent, FILE *stream)
{
	char *title = xasprintf("%s: %s", agent->row->hostname, agent->row->state);
	struct agent_sheet sheet;

	heading(stream, title);
	free(title);
	agent_sheet_make(view, agent, &sheet);
	for (size_t i = 0; i < sheet.fact_count; i++)
		fact(stream, sheet.facts[i].name, sheet.facts[i].value);
	fact(stream, "SlaveInfo", "");
	for (size_t i = 0; i < sheet.field_count; i++)
		print_field(&sheet.fields[i], stream);
	print_proof(&sheet, stream);
	agent_sheet_clear(&sheet);
}

/* ---- failures */

const char *what_was_done(const struct run_view *view, const struct agent_result *agent)
{
	if (attempts_mended(agent))
		return agent->state == AGENT_DONE ? "another attempt was made, and is proven to be as planned"
						  : "another attempt was made; it has not ended yet";
	switch (agent->state) {
	case AGENT_REVERTED:
		return "agentctl put the old flags and checkpoint back and started the agent; the master shows it as "
		       "it was";
	case AGENT_FAILED:
		return "nothing: the agent was not touched";
	case AGENT_STUCK:
		return strcmp(view->run.state, run_state_name(RUN_PAUSED)) == 0
			       ? "left as it is for a person; the run has paused"
			       : "left as it is for a person; the run went on without it";
	case AGENT_REJECTED:
		return "it stays changed, and is proven to be as planned; a gate after it has failed";
	case AGENT_SKIPPED:
		return "nothing: the agent was skipped";
	default:
		return "nothing yet";
	}
}

static void print_said(const struct agent_result *agent, FILE *stream)
{
	const char *reason = json_string_value(json_object_get(agent->started, "reason"));
	const char *said = json_string_value(json_object_get(agent->started, "agent_said"));

	if (reason)
		fact(stream, "agentctl said", reason);
	if (!said || !*said)
		return;
	char *shown = text_printable(said, true);
	const char *line = shown;

	fact(stream, "agent said", "");
	while (*line) {
		size_t len = strcspn(line, "\n");

		fprintf(stream, "      %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
	free(shown);
}

char *view_step_text(const struct view_step *step)
{
	const char *note = step->note ? step->note : "", *colon = step->note ? ": " : "";

	if (!step->from)
		return xstrdup(*note ? note : step->event);
	return xasprintf("%s \u2192 %s (%s)%s%s", step->from, step->to, step->event, colon, note);
}

static void print_steps(const struct agent_result *agent, FILE *stream)
{
	for (size_t i = 0; i < agent->step_count; i++) {
		char *time = when(agent->steps[i].time_ms), *text = view_step_text(&agent->steps[i]);

		fact_free(stream, i == 0 ? "steps" : "", xasprintf("%s  %s", time, text));
		free(time);
		free(text);
	}
}

static void print_failure(const struct run_view *view, const struct agent_result *agent, FILE *stream)
{
	bool mended = attempts_mended(agent) != NULL;
	char *title = xasprintf("What went wrong on %s%s", agent->row->hostname, mended ? ", and was tried again" : "");
	char *next = next_steps(view, agent);

	heading(stream, title);
	free(title);
	fact(stream, "what happened", attempts_error(agent) ? attempts_error(agent) : "not known");
	if (!mended)
		print_said(agent, stream);
	fact(stream, "what was done", what_was_done(view, agent));
	if (agent->rescued)
		fact(stream, "since then", agent->rescued);
	if (next)
		fact_free(stream, "what to do", next);
	print_steps(agent, stream);
}

void run_view_print_report(const struct run_view *view, FILE *stream)
{
	fprintf(stream, "%sRollout %s%s\n\n", term_on(stream, TERM_BOLD), view->run.id, term_off(stream));
	run_view_print_roll(view, stream);
	for (size_t i = 0; i < view->count; i++) {
		if (agent_state_is_failure(view->agents[i].state) || attempts_mended(&view->agents[i]))
			print_failure(view, &view->agents[i], stream);
	}
	print_head(view, stream);
	if (view->gate_count + view->note_count > 0)
		heading(stream, "The run as a whole");
	run_view_print_events(view, stream);
	for (size_t i = 0; i < view->count; i++)
		print_agent(view, &view->agents[i], stream);
	heading(stream, "Ledger");
	fact(stream, "head", view->head);
	fact(stream, "this run's last", view->run_hash);
}

void report_text_end(const struct report_runs *runs, FILE *stream)
{
	char *mark = report_mark(runs, REPORT_TEXT);

	heading(stream, "How to check this");
	fact(stream, "the ledger", "rollcall audit verify (--witness all: asks the hosts as well)");
	fact(stream, "this text", "rollcall audit verify --report FILE");
	fact(stream, "made", mark);
	free(mark);
}
