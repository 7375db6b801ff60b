/* SPDX-License-Identifier: Apache-2.0 */
/* For a ticket: short enough to be read there, and it says where the rest is. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/report/escape.h"
#include "orchestrator/report/outcome.h"
#include "orchestrator/report/reports.h"

#define LINES_MAX  60 /* agents in the table; of more, those that failed */
#define CAUSE_SHOW 10 /* hostnames of a cause */

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
	buffer_printf(out, "@%d |\n", view->plan.config_version);
	add_row(out, "Started by", view->actor);
	add_time_row(out, "Started", view->run.created_ms);
	add_time_row(out, "Finished", view->run.finished_ms);
	buffer_printf(out, "| Tasks | %zu kept, %zu lost, %zu not proven |\n| Time away | ", sum->kept, sum->lost,
		      sum->unproven);
	if (sum->away.count > 0) {
		buffer_puts(out, "half back after ");
		add_span(sum->away.median_ms, out);
		buffer_puts(out, ", all after ");
	}
	add_span(sum->away.count > 0 ? sum->away.longest_ms : -1, out);
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

	buffer_printf(out, "- **%zu %s**: ", cause->count, outcome_label(outcome_of(cause->state)));
	escape_markdown(out, first->row->error);
	buffer_puts(out, "\n  - Agents: ");
	for (size_t i = 0; i < cause->count && i < CAUSE_SHOW; i++) {
		buffer_puts(out, i ? ", " : "");
		escape_markdown(out, view->agents[cause->agents[i]].row->hostname);
	}
	if (cause->count > CAUSE_SHOW)
		buffer_printf(out, " and %zu more", cause->count - CAUSE_SHOW);
	buffer_puts(out, "\n  - Done: ");
	escape_markdown(out, what_was_done(view, first));
	if (next) {
		buffer_puts(out, "\n  - To do: ");
		escape_markdown(out, next);
	}
	buffer_putc(out, '\n');
	free(next);
}

static void add_agent(const struct agent_result *agent, struct buffer *out)
{
	bool same = agent->id_after && strcmp(agent->id_after, agent->row->agent_id) == 0;
	enum outcome outcome = outcome_of(agent->state);

	buffer_puts(out, "| ");
	escape_markdown(out, agent->row->hostname);
	buffer_puts(out, " | ");
	escape_markdown(out, zone_of(agent));
	buffer_printf(out, " | %s %s | %s | %zu kept, %zu lost | ", outcome_sign(outcome), outcome_label(outcome),
		      same              ? "same"
		      : agent->id_after ? "**new**"
					: "\u2013",
		      agent->kept, agent->lost);
	if (agent->away_ms >= 0 && agent->row->away_until_ms == 0)
		buffer_puts(out, "not back");
	else
		add_span(agent->away_ms, out);
	buffer_puts(out, " |\n");
}

static void add_agents(const struct run_view *view, struct buffer *out)
{
	size_t shown = 0, left_out = 0;

	buffer_puts(out, "| Agent | Zone | Outcome | ID | Tasks | Away |\n|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < view->count; i++) {
		bool fits = view->count <= LINES_MAX ||
			    (agent_state_is_failure(view->agents[i].state) && shown < LINES_MAX);

		if (!fits) {
			left_out++;
			continue;
		}
		add_agent(&view->agents[i], out);
		shown++;
	}
	if (left_out > 0)
		buffer_printf(out, "\n%zu more agents: `rollcall audit report --format csv` lists them all.\n",
			      left_out);
	buffer_putc(out, '\n');
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
	add_facts(view, &sum, out);
	if (sum.cause_count > 0)
		buffer_puts(out, "### What went wrong\n\n");
	for (size_t i = 0; i < sum.cause_count; i++)
		add_cause(view, &sum.causes[i], out);
	buffer_puts(out, sum.cause_count > 0 ? "\n### Agents\n\n" : "### Agents\n\n");
	add_agents(view, out);
	outcome_sum_clear(&sum);
	free(verdict);
}

static void add_across(const struct report_runs *runs, struct buffer *out)
{
	buffer_printf(out, "# %zu rollouts\n\n| Run | State | Agents | As planned |\n|---|---|---|---|\n", runs->count);
	for (size_t i = 0; i < runs->count; i++) {
		const struct run_view *view = &runs->views[i];

		buffer_puts(out, "| ");
		escape_markdown(out, view->run.id);
		buffer_puts(out, " | ");
		escape_markdown(out, view->run.state);
		buffer_printf(out, " | %zu | %d |\n", view->count, view->by_state[AGENT_DONE]);
	}
	buffer_putc(out, '\n');
}

void report_markdown(const struct report_runs *runs, struct buffer *out)
{
	if (runs->count > 1)
		add_across(runs, out);
	for (size_t i = 0; i < runs->count; i++)
		add_run(&runs->views[i], out);
}
