/* SPDX-License-Identifier: Apache-2.0 */
/* The audit report for people: the summary first, then every agent, then what failed and what was done about it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "base/text.h"
#include "orchestrator/report/plan_text.h"
#include "orchestrator/report/proof_text.h"
#include "orchestrator/report/run_view.h"

#define REPORT_MAX (256u << 20)

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

static void print_ids(const struct agent_result *agent, FILE *stream)
{
	const char *after = agent->id_after;

	if (!after)
		fact_free(stream, "ID", xasprintf("%s before; not shown by the master after", agent->row->agent_id));
	else if (strcmp(after, agent->row->agent_id) == 0)
		fact_free(stream, "ID", xasprintf("%s before and after", after));
	else
		fact_free(stream, "ID", xasprintf("%s before, %s AFTER", agent->row->agent_id, after));
}

static char *nanoseconds(const json_t *value)
{
	return when((int64_t)json_integer_value(value) / 1000000);
}

static void print_times(const struct agent_result *agent, FILE *stream)
{
	const json_t *line = agent_result_line(agent, "reregistered_time");
	char *before = nanoseconds(json_object_get(agent->before, "reregistered_ns"));
	char *after = nanoseconds(json_object_get(line, "found"));
	char span[CLOCK_TEXT_MAX];

	if (agent->before)
		fact_free(stream, "reregistered",
			  xasprintf("%s; before: %s", strcmp(after, "-") == 0 ? "not shown" : after,
				    strcmp(before, "-") == 0 ? "not since it registered" : before));
	if (agent->away_ms >= 0)
		fact_free(stream, "away",
			  xasprintf("%s from the intent until proven%s", clock_format_span(agent->away_ms, span),
				    agent->row->away_until_ms ? "" : " (still)"));
	free(before);
	free(after);
}

static void print_changes(const struct agent_result *agent, FILE *stream)
{
	const struct plan_agent *planned = agent->planned;
	struct slaveinfo_changes changes = {.count = 0};

	slaveinfo_changes(planned->before, planned->after, &changes);
	for (size_t i = 0; i < changes.count; i++) {
		const struct slaveinfo_change *change = &changes.items[i];

		fact_free(stream, i == 0 ? "planned" : "",
			  xasprintf("%s %s: %s \u2192 %s", slaveinfo_part_name(change->part), change->what,
				    change->before ? change->before : "(none)",
				    change->after ? change->after : "(none)"));
	}
	if (changes.count == 0)
		fact(stream, "planned", "the SlaveInfo stays; other flags change");
	slaveinfo_changes_clear(&changes);
}

static void print_flags(const struct agent_result *agent, FILE *stream)
{
	const struct plan_agent *planned = agent->planned;

	for (size_t i = 0; i < planned->edit_count; i++) {
		const struct flag_edit *edit = &planned->edits[i];
		const char *before = flags_get(&planned->before_flags, edit->name);

		fact_free(stream, i == 0 ? "flags" : "",
			  xasprintf("--%s: %s \u2192 %s", edit->name, before ? before : "(none)",
				    edit->value ? edit->value : "(none)"));
	}
}

static void print_tasks(const struct agent_result *agent, FILE *stream)
{
	static const char *const fates[] = {"survived", "killed", "unproven", "ended", "new"};
	struct buffer text = BUFFER_INIT(REPORT_MAX);

	if (!agent->tasks)
		return;
	for (size_t f = 0; f < sizeof(fates) / sizeof(fates[0]); f++) {
		const json_t *list = json_object_get(agent->tasks, fates[f]);
		size_t i;
		json_t *task;

		buffer_printf(&text, "%s%zu %s", f ? "; " : "", json_array_size(list), fates[f]);
		json_array_foreach(list, i, task)
			buffer_printf(&text, "%s%s", i ? ", " : ": ", json_string_value(json_object_get(task, "task")));
	}
	fact(stream, "tasks", buffer_text(&text));
	buffer_clear(&text);
}

static void print_agent(const struct agent_result *agent, FILE *stream)
{
	char *title = xasprintf("%s: %s", agent->row->hostname, agent->row->state);

	heading(stream, title);
	free(title);
	if (agent->row->error)
		fact(stream, "because", agent->row->error);
	print_ids(agent, stream);
	print_times(agent, stream);
	print_changes(agent, stream);
	print_flags(agent, stream);
	if (agent->proof)
		proof_print(agent->proof, fact, stream);
	print_tasks(agent, stream);
	fact_free(stream, "operation",
		  xasprintf("%s, by %s", agent->row->operation ? agent->row->operation : "none",
			    mechanism_name(agent->planned->mechanism)));
}

/* ---- failures */

const char *what_was_done(const struct run_view *view, const struct agent_result *agent)
{
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
		return xasprintf("%s%s%s", step->event, colon, note);
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
	char *title = xasprintf("What went wrong on %s", agent->row->hostname), *next = next_steps(view, agent);

	heading(stream, title);
	free(title);
	fact(stream, "what happened", agent->row->error ? agent->row->error : "not known");
	print_said(agent, stream);
	fact(stream, "what was done", what_was_done(view, agent));
	if (next)
		fact_free(stream, "what to do", next);
	print_steps(agent, stream);
}

void run_view_print_report(const struct run_view *view, FILE *stream)
{
	fprintf(stream, "%sRollout %s%s\n\n", term_on(stream, TERM_BOLD), view->run.id, term_off(stream));
	run_view_print_roll(view, stream);
	for (size_t i = 0; i < view->count; i++) {
		if (agent_state_is_failure(view->agents[i].state))
			print_failure(view, &view->agents[i], stream);
	}
	print_head(view, stream);
	if (view->gate_count + view->note_count > 0)
		heading(stream, "The run as a whole");
	run_view_print_events(view, stream);
	for (size_t i = 0; i < view->count; i++)
		print_agent(&view->agents[i], stream);
	heading(stream, "Ledger");
	fact(stream, "head", view->head);
	fact(stream, "this run's last", view->run_hash);
}
