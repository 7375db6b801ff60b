/* SPDX-License-Identifier: Apache-2.0 */
/* The audit report for people: the outcome first, then who did what, what failed and what was done about it, and each agent's proof. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "base/text.h"
#include "inventory/hostset.h"
#include "orchestrator/plan/plan_stops.h"
#include "orchestrator/report/agent_sheet.h"
#include "orchestrator/report/attempts.h"
#include "orchestrator/report/outcome.h"
#include "orchestrator/report/plan_text.h"
#include "orchestrator/report/reports.h"

#define NAMES_BYTES (1u << 20)

static void heading(FILE *stream, const char *text)
{
	char *shown = text_printable(text, false);

	fprintf(stream, "\n%s%s%s\n", term_on(stream, TERM_BOLD), shown, term_off(stream));
	free(shown);
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

/* ---- who, when, what */

static char *limits_text(const struct plan *plan)
{
	struct buffer text = BUFFER_INIT(1024);

	buffer_printf(&text, "at most %d away at once", outcome_window(plan));
	if (plan->options.domain_window > 0)
		buffer_printf(&text, ", and %d in one failure domain", plan->options.domain_window);
	buffer_puts(&text, "; ");
	plan_stops_text(plan, &text);
	return buffer_take(&text);
}

static void print_state(const struct run_view *view, FILE *stream)
{
	const char *reason = view->run.reason;
	char *state = run_state_text(view->run.state, view->by_state[AGENT_STUCK]);

	fact_free(stream, "state", xasprintf("%s%s%s", state, reason ? ": " : "", reason ? reason : ""));
	free(state);
}

static void print_head(const struct run_view *view, FILE *stream)
{
	const struct run_row *run = &view->run;
	const struct plan *plan = &view->plan;
	struct buffer parts = BUFFER_INIT(256);

	plan_parts_text(plan->ignore, &parts);
	heading(stream, "Who, when, what (times are UTC)");
	print_state(view, stream);
	fact(stream, "started by", view->actor);
	fact_free(stream, "started", when(run->created_ms));
	fact_free(stream, "finished", run->finished_ms ? when(run->finished_ms) : xstrdup("not yet"));
	if (view->settled_ms)
		fact_free(stream, "settled until", when(view->settled_ms));
	if (view->resumed > 0)
		fact_free(stream, "resumed", count_text((int64_t)view->resumed, "time"));
	fact_free(stream, "plan", xasprintf("%s by %s", run->plan, view->author));
	if (!plan->rolls_back)
		fact_free(stream, "config",
			  xasprintf("%s@%d (SHA-256 %s)", plan->config, plan->config_version, plan->config_sha256));
	if (!plan->rolls_back)
		fact(stream, "chosen by", plan->where ? plan->where : "every agent the config's rules match");
	if (run->rolls_back)
		fact(stream, "takes back", run->rolls_back);
	if (view->taken_back.run)
		fact(stream, "taken back by", view->taken_back.run);
	fact_free(stream, "limits", limits_text(plan));
	fact(stream, "may change", buffer_text(&parts));
	buffer_clear(&parts);
}

/* ---- what went wrong, by cause */

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

/* node[001-120].example.com */
static char *names_of(const struct run_view *view, const struct cause *cause)
{
	const char **names = xcalloc(cause->count, sizeof *names);
	struct buffer out = BUFFER_INIT(NAMES_BYTES);

	for (size_t i = 0; i < cause->count; i++)
		names[i] = view->agents[cause->agents[i]].row->hostname;
	hostset_fold(names, cause->count, &out);
	free(names);
	return buffer_take(&out);
}

static void print_cause(const struct run_view *view, const struct cause *cause, FILE *stream)
{
	const struct agent_result *first = &view->agents[cause->agents[0]];
	char *agents = count_text((int64_t)cause->count, "agent"), *names = names_of(view, cause);
	char *next = next_steps(view, first), *title;

	title = xasprintf("What went wrong on %s", cause->count == 1 ? names : agents);
	heading(stream, title);
	if (cause->count > 1)
		fact(stream, "agents", names);
	fact_free(stream, "outcome",
		  xasprintf("%s%s", outcome_label(outcome_of(cause->state)), attempts_sequel(view, first)));
	fact(stream, "what happened", cause->error ? cause->error : "no reason was recorded");
	if (!cause->mended)
		print_said(first, stream);
	fact(stream, "what was done", what_was_done(view, first));
	if (first->rescued)
		fact(stream, "since then", first->rescued);
	if (next)
		fact(stream, "what to do", next);
	free(title);
	free(agents);
	free(names);
	free(next);
}

static void print_causes(const struct run_view *view, FILE *stream)
{
	struct outcome_sum sum;

	outcome_sum(view, &sum);
	for (size_t i = 0; i < sum.cause_count; i++)
		print_cause(view, &sum.causes[i], stream);
	outcome_sum_clear(&sum);
}

/* ---- one agent */

static const char *or_none(const char *text)
{
	return text ? text : "(none)";
}

static void print_value(const char *name, const char *when, const char *value, FILE *stream)
{
	char *shown = text_printable(value, false);

	fprintf(stream, "    %-12s %-8s %s\n", name, when, shown);
	free(shown);
}

static void print_field(const struct sheet_field *field, FILE *stream)
{
	bool is_long = strlen(field->name) > 12; /* a flag's name: a line of its own */

	if (is_long)
		fprintf(stream, "    %s\n", field->name);
	if (field->changes) {
		print_value(is_long ? "" : field->name, "before", or_none(field->before), stream);
		print_value("", "planned", or_none(field->planned), stream);
	} else {
		print_value(is_long ? "" : field->name, "stays", or_none(field->planned), stream);
	}
	if (field->found || field->wrong)
		print_value("", field->wrong ? "FOUND" : "found", or_none(field->found), stream);
}

static void print_fields(const struct agent_sheet *sheet, bool flags, const char *title, FILE *stream)
{
	bool titled = false;

	for (size_t i = 0; i < sheet->field_count; i++) {
		if (sheet_field_is_flag(&sheet->fields[i]) != flags)
			continue;
		if (!titled)
			fprintf(stream, "  %s\n", title);
		titled = true;
		print_field(&sheet->fields[i], stream);
	}
}

static void print_proof(const struct agent_sheet *sheet, FILE *stream)
{
	fact_free(stream, "Proof", xstrdup(sheet->verdict ? sheet->verdict : "none was taken"));
	for (size_t i = 0; i < sheet->line_count; i++) {
		const struct sheet_line *line = &sheet->lines[i];

		fact_free(stream, "",
			  xasprintf("%-6s%s%s%s", line->ok ? "ok" : "WRONG", line->what, *line->detail ? ": " : "",
				    line->detail));
	}
}

static void print_steps(const struct agent_sheet *sheet, FILE *stream)
{
	fputs("  Steps\n", stream);
	for (size_t i = 0; i < sheet->step_count; i++) {
		char time[CLOCK_TEXT_MAX], *shown = text_printable(sheet->steps[i].text, false);

		fprintf(stream, "    %s  %s\n", clock_format(sheet->steps[i].time_ms, time), shown);
		free(shown);
	}
}

static void print_agent(const struct run_view *view, const struct agent_result *agent, FILE *stream)
{
	char *title = xasprintf("%s: %s%s", agent->row->hostname, outcome_label(outcome_of(agent->state)),
				agent->taken_back ? ", and taken back since" : "");
	struct agent_sheet sheet;

	heading(stream, title);
	free(title);
	agent_sheet_make(view, agent, &sheet);
	for (size_t i = 0; i < sheet.fact_count; i++)
		fact(stream, sheet.facts[i].name, sheet.facts[i].value);
	print_fields(&sheet, false, "SlaveInfo", stream);
	print_fields(&sheet, true, "Flags", stream);
	print_proof(&sheet, stream);
	if (agent_state_is_failure(agent->state) || attempts_mended(agent))
		print_steps(&sheet, stream);
	agent_sheet_clear(&sheet);
}

void run_view_print_report(const struct run_view *view, FILE *stream)
{
	char *title = view->plan.rolls_back
			      ? xasprintf("Rollout %s: %s, on cluster %s", view->run.id, view->plan.config,
					  view->plan.cluster)
			      : xasprintf("Rollout %s of %s@%d on cluster %s", view->run.id, view->plan.config,
					  view->plan.config_version, view->plan.cluster);
	char *shown = text_printable(title, false);

	fprintf(stream, "%s%s%s\n\n", term_on(stream, TERM_BOLD), shown, term_off(stream));
	free(title);
	free(shown);
	run_view_print_outcome(view, stream);
	print_head(view, stream);
	heading(stream, "Agents");
	run_view_print_agents(view, true, stream);
	run_view_print_stages(view, stream);
	print_causes(view, stream);
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
