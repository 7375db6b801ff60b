/* SPDX-License-Identifier: Apache-2.0 */
/* The roll: who answered, and with what. And the status document. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "base/text.h"
#include "orchestrator/output.h"
#include "orchestrator/report/countdown.h"
#include "orchestrator/report/run_view.h"

enum column {
	COLUMN_AGENT,
	COLUMN_STATE,
	COLUMN_ID,
	COLUMN_INFO,
	COLUMN_TASKS,
	COLUMN_AWAY,
	COLUMN_WHAT,
	COLUMN_COUNT
};

static const char *or_dash(const char *word)
{
	return word ? word : "-";
}

static char *tasks_text(const struct agent_result *agent)
{
	struct buffer text = BUFFER_INIT(256);

	if (agent->kept + agent->lost + agent->unproven + agent->ended == 0 && !agent->proven)
		return xstrdup("-");
	buffer_printf(&text, "%zu kept", agent->kept);
	if (agent->lost > 0)
		buffer_printf(&text, ", %zu lost", agent->lost);
	if (agent->unproven > 0)
		buffer_printf(&text, ", %zu unproven", agent->unproven);
	if (agent->ended > 0)
		buffer_printf(&text, ", %zu ended", agent->ended);
	return buffer_take(&text);
}

static char *away_text(const struct agent_result *agent)
{
	char span[CLOCK_TEXT_MAX];

	return xstrdup(agent->away_ms < 0 ? "-" : clock_format_span(agent->away_ms, span));
}

static enum term_style style_of(const struct agent_result *agent)
{
	if (agent->state == AGENT_DONE)
		return TERM_GREEN;
	if (agent->state == AGENT_REVERTED)
		return TERM_YELLOW;
	return agent_state_is_failure(agent->state) ? TERM_RED : TERM_PLAIN;
}

/* Its row names the host already. */
static const char *without_host(const struct agent_result *agent)
{
	const char *error = agent->row->error ? agent->row->error : "";
	size_t len = strlen(agent->row->hostname);

	return strncmp(error, agent->row->hostname, len) == 0 && strncmp(error + len, ": ", 2) == 0 ? error + len + 2
												    : error;
}

/* One line of the reason; the report has the rest. Of an agent that is away just now, how long it may be. */
static char *reason_text(const struct run_view *view, const struct agent_result *agent)
{
	const struct countdown clocks = countdown_of(view, agent);
	char *left = agent_state_is_under_way(agent->state)
			     ? countdown_text(&view->plan, agent->planned, &clocks, view->now_ms)
			     : xstrdup("");

	if (*left)
		return left;
	free(left);
	if (agent->not_back)
		return xasprintf("%s taken back by %s: %s", taken_back_words(&view->taken_back), view->taken_back.run,
				 agent->not_back);
	const char *error = without_host(agent);
	size_t len = strcspn(error, "\n");

	return xasprintf("%.*s%s", (int)len, error, error[len] ? " \u2026" : "");
}

static void add_row(struct table *table, const struct run_view *view, const struct agent_result *agent)
{
	char *tasks = tasks_text(agent), *away = away_text(agent), *reason = reason_text(view, agent);
	const char *cells[COLUMN_COUNT] = {agent->row->hostname,
					   agent->row->state,
					   or_dash(agent_id_word(agent)),
					   or_dash(agent_info_word(agent)),
					   tasks,
					   away,
					   reason};

	table_add(table, cells);
	table_set_style(table, COLUMN_STATE, style_of(agent));
	free(tasks);
	free(away);
	free(reason);
}

/* ---- the agents */

/* Of a large fleet: whoever has come to a good end, or waits, tells nothing by a line of its own; and of those that tell something, those
 * that are away or stuck, or not taken back, come before those that are as before. */
static int rank_of(const struct agent_result *agent)
{
	if (agent_state_is_away(agent->state) || agent->state == AGENT_REJECTED || agent->not_back)
		return 0;
	return agent->state == AGENT_DONE || agent->state == AGENT_WAITING ? 2 : 1;
}

/* Who is listed; *shown: how many. The caller's. */
static bool *choose_rows(const struct run_view *view, bool all, size_t *shown)
{
	bool *listed = xcalloc(view->count + 1, sizeof *listed);

	*shown = 0;
	for (int rank = 0; rank <= (all ? 2 : 1); rank++) {
		for (size_t i = 0; i < view->count && (all || *shown < ROLL_MAX); i++) {
			if (rank_of(&view->agents[i]) != rank)
				continue;
			listed[i] = true;
			(*shown)++;
		}
	}
	return listed;
}

static void print_left_out(const struct run_view *view, size_t shown, FILE *stream)
{
	char *left = count_text((int64_t)(view->count - shown), "agent");

	if (shown < view->count)
		fprintf(stream, "%s %s not listed here: `%s rollout status %s --all` lists everyone\n", left,
			view->count - shown == 1 ? "is" : "are", view->program, view->run.id);
	free(left);
}

void run_view_print_agents(const struct run_view *view, bool all, FILE *stream)
{
	static const char *const headings[COLUMN_COUNT] = {"AGENT", "STATE", "ID", "SLAVEINFO", "TASKS", "AWAY", ""};
	struct table *table = table_new(headings, COLUMN_COUNT);
	size_t shown;
	bool *listed = choose_rows(view, all || view->count <= ROLL_MAX, &shown);

	table_align_right(table, COLUMN_AWAY);
	for (size_t i = 0; i < view->count; i++)
		if (listed[i])
			add_row(table, view, &view->agents[i]);
	free(listed);
	if (shown > 0)
		table_print(table, stream);
	table_free(table);
	print_left_out(view, shown, stream);
}

void run_view_print_roll(const struct run_view *view, bool all, FILE *stream)
{
	run_view_print_agents(view, all, stream);
	fputc('\n', stream);
	run_view_print_stages(view, stream);
	run_view_print_outcome(view, stream);
}

/* ---- the status document */

static json_t *counts_to_json(const struct run_view *view)
{
	json_t *counts = json_object();

	for (int state = 0; state < AGENT_STATE_COUNT; state++)
		json_object_set_new(counts, agent_state_name((enum agent_state)state),
				    json_integer(view->by_state[state]));
	return counts;
}

/* What is left of each clock that runs against it; null: none does. */
static json_t *clocks_to_json(const struct run_view *view, const struct agent_result *agent)
{
	const struct countdown clocks = countdown_of(view, agent);

	return countdown_to_json(&view->plan, agent->planned, &clocks, view->now_ms);
}

static json_t *agent_to_json(const struct run_view *view, const struct agent_result *agent)
{
	char *next = next_steps(view, agent);
	json_t *object = json_object();

	json_object_set_new(object, "id", json_string(agent->row->agent_id));
	json_object_set_new(object, "hostname", json_string(agent->row->hostname));
	json_object_set_new(object, "state", json_string(agent->row->state));
	json_object_set_new(object, "operation", output_text(agent->row->operation));
	json_object_set_new(object, "id_before", json_string(agent->row->agent_id));
	json_object_set_new(object, "id_after", output_text(agent->id_after));
	json_object_set_new(object, "proof", agent->proof ? json_incref(agent->proof) : json_null());
	json_object_set_new(object, "away_seconds",
			    agent->away_ms < 0 ? json_null() : json_real((double)agent->away_ms / 1000));
	json_object_set_new(object, "error", output_text(agent->row->error));
	json_object_set_new(object, "next", output_text(next));
	json_object_set_new(object, "clocks", clocks_to_json(view, agent));
	json_object_set_new(object, "taken_back", json_boolean(agent->taken_back));
	json_object_set_new(object, "not_taken_back", output_text(agent->not_back));
	free(next);
	return object;
}

json_t *run_view_status(const struct run_view *view)
{
	json_t *agents = json_array();

	for (size_t i = 0; i < view->count; i++)
		json_array_append_new(agents, agent_to_json(view, &view->agents[i]));
	json_t *status = json_pack(
		"{s:s, s:s, s:i, s:o, s:s, s:s, s:s, s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "run",
		view->run.id, "state", view->run.state, "stuck", view->by_state[AGENT_STUCK], "reason",
		output_text(view->run.reason), "plan", view->run.plan, "cluster", view->plan.cluster, "config",
		view->plan.config, "config_version", view->plan.config_version, "epoch", (json_int_t)view->run.epoch,
		"created", output_time(view->run.created_ms), "finished", output_time(view->run.finished_ms), "counts",
		counts_to_json(view), "agents", agents, "stages", run_view_stages_to_json(view), "gates",
		run_view_gates_to_json(view), "rolls_back", output_text(view->run.rolls_back), "rolled_back_by",
		output_text(view->taken_back.run), "rollback_due", view->run.rollback_due != 0);

	json_object_set_new(status, "taken_back", run_view_taken_back_to_json(view));
	json_object_set_new(status, "left_out", run_view_left_out_to_json(view));
	return status;
}
