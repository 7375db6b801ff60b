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

static const char *id_text(const struct agent_result *agent)
{
	if (!agent->id_after)
		return "-";
	return strcmp(agent->id_after, agent->row->agent_id) == 0 ? "same" : "NEW";
}

static const char *info_text(const struct agent_result *agent)
{
	const json_t *line = agent_result_line(agent, "slave_info");
	const char *of = json_string_value(json_object_get(agent->proof, "of"));

	if (!line)
		return "-";
	if (!json_is_true(json_object_get(line, "ok")))
		return "differs";
	return of && strcmp(of, "the planned state") == 0 ? "as planned" : "as before";
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
	if (agent->state == AGENT_REVERTED || agent->state == AGENT_SKIPPED)
		return TERM_YELLOW;
	return agent_state_is_failure(agent->state) ? TERM_RED : TERM_PLAIN;
}

/* One line of the reason; the report has the rest. Of an agent that is away just now, how long it may be. */
static char *reason_text(const struct run_view *view, const struct agent_result *agent)
{
	struct engine_left left;

	if (agent_state_is_under_way(agent->state) &&
	    countdown_left(&view->plan, agent->planned, agent->state, agent->row->away_from_ms, agent->started != NULL,
			   view->now_ms, &left))
		return countdown_text(&left);
	const char *error = agent->row->error ? agent->row->error : "";
	size_t len = strcspn(error, "\n");

	return xasprintf("%.*s%s", (int)len, error, error[len] ? " \u2026" : "");
}

static void add_row(struct table *table, const struct run_view *view, const struct agent_result *agent)
{
	char *tasks = tasks_text(agent), *away = away_text(agent), *reason = reason_text(view, agent);
	const char *cells[COLUMN_COUNT] = {
		agent->row->hostname, agent->row->state, id_text(agent), info_text(agent), tasks, away, reason};

	table_add(table, cells);
	table_set_style(table, COLUMN_STATE, style_of(agent));
	free(tasks);
	free(away);
	free(reason);
}

/* ---- the verdict */

struct sums {
	size_t kept, lost, unproven;
};

static struct sums add_up(const struct run_view *view)
{
	struct sums sums = {0, 0, 0};

	for (size_t i = 0; i < view->count; i++) {
		sums.kept += view->agents[i].kept;
		sums.lost += view->agents[i].lost;
		sums.unproven += view->agents[i].unproven;
	}
	return sums;
}

static void print_count(FILE *stream, const char **separator, int count, const char *what)
{
	if (count == 0)
		return;
	fprintf(stream, "%s%d %s", *separator, count, what);
	*separator = ", ";
}

static void print_counts(const struct run_view *view, FILE *stream)
{
	const int *by = view->by_state;
	const char *separator = "";
	int settled = by[AGENT_DONE] + by[AGENT_REVERTED] + by[AGENT_FAILED] + by[AGENT_STUCK] + by[AGENT_SKIPPED] +
		      by[AGENT_WAITING] + by[AGENT_REJECTED];

	print_count(stream, &separator, by[AGENT_DONE], "done");
	print_count(stream, &separator, by[AGENT_REVERTED], "put back and proven as before");
	print_count(stream, &separator, by[AGENT_FAILED], "failed with nothing changed");
	print_count(stream, &separator, by[AGENT_STUCK],
		    by[AGENT_STUCK] == 1 ? "stuck: it needs a person" : "stuck: they need a person");
	print_count(stream, &separator, by[AGENT_REJECTED], "changed, and rejected by a gate");
	print_count(stream, &separator, by[AGENT_SKIPPED], "skipped");
	print_count(stream, &separator, (int)view->count - settled, "under way");
	print_count(stream, &separator, by[AGENT_WAITING], "not begun");
}

static void print_success(const struct run_view *view, const struct sums *sums, FILE *stream)
{
	char *kept = count_text((int64_t)sums->kept, "task");

	fprintf(stream, "%s%zu of %zu: same ID, SlaveInfo as planned, ", term_on(stream, TERM_GREEN), view->count,
		view->count);
	if (sums->lost == 0)
		fprintf(stream, "every task (%zu) still running.", sums->kept);
	else
		fprintf(stream, "%s kept, %zu lost as the plan showed.", kept, sums->lost);
	fprintf(stream, "%s\n", term_off(stream));
	free(kept);
}

static void print_verdict(const struct run_view *view, FILE *stream)
{
	struct sums sums = add_up(view);

	if (view->by_state[AGENT_DONE] == (int)view->count) {
		print_success(view, &sums, stream);
		return;
	}
	char *agents = count_text((int64_t)view->count, "agent");
	fprintf(stream, "%sOf %s: ", term_on(stream, run_view_failures(view) ? TERM_RED : TERM_YELLOW), agents);
	print_counts(view, stream);
	fputs(".", stream);
	if (sums.lost > 0 || sums.unproven > 0) {
		fprintf(stream, " Tasks: %zu kept, %zu lost", sums.kept, sums.lost);
		if (sums.unproven > 0)
			fprintf(stream, ", %zu not proven to run", sums.unproven);
		fputs(".", stream);
	}
	fprintf(stream, "%s\n", term_off(stream));
	free(agents);
}

char *run_view_verdict(const struct run_view *view)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		abort();
	print_verdict(view, stream);
	fclose(stream);
	if (len > 0)
		text[len - 1] = '\0'; /* the newline */
	return text;
}

static void print_next_steps(const struct run_view *view, FILE *stream)
{
	for (size_t i = 0; i < view->count; i++) {
		char *next = next_steps(view, &view->agents[i]);

		if (next) {
			char *host = text_printable(view->agents[i].row->hostname, false);

			fprintf(stream, "%s is stuck: %s.\n", host, next);
			free(host);
		}
		free(next);
	}
}

static void print_end(const struct run_view *view, FILE *stream)
{
	const struct run_row *run = &view->run;
	bool aborted = strcmp(run->state, run_state_name(RUN_ABORTED)) == 0;

	if (aborted || strcmp(run->state, run_state_name(RUN_PAUSED)) == 0) {
		char *reason = text_printable(run->reason ? run->reason : "?", false);

		fprintf(stream, "Run %s %s: %s\n", run->id, aborted ? "is aborted" : "has paused", reason);
		free(reason);
	}
	if (run->rolls_back)
		fprintf(stream, "It takes back run %s.\n", run->rolls_back);
	if (run->rollback_due && !view->rolled_back_by)
		fprintf(stream, "It is rolled back next, as its plan says.\n");
}

void run_view_print_roll(const struct run_view *view, FILE *stream)
{
	static const char *const headings[COLUMN_COUNT] = {"AGENT", "STATE", "ID", "SLAVEINFO", "TASKS", "AWAY", ""};
	struct table *table = table_new(headings, COLUMN_COUNT);

	table_align_right(table, COLUMN_AWAY);
	for (size_t i = 0; i < view->count; i++)
		add_row(table, view, &view->agents[i]);
	table_print(table, stream);
	table_free(table);
	fputc('\n', stream);
	run_view_print_stages(view, stream);
	print_verdict(view, stream);
	print_next_steps(view, stream);
	print_end(view, stream);
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
	struct engine_left left;

	if (!countdown_left(&view->plan, agent->planned, agent->state, agent->row->away_from_ms, agent->started != NULL,
			    view->now_ms, &left))
		return json_null();
	return countdown_to_json(&left);
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
	free(next);
	return object;
}

json_t *run_view_status(const struct run_view *view)
{
	json_t *agents = json_array();

	for (size_t i = 0; i < view->count; i++)
		json_array_append_new(agents, agent_to_json(view, &view->agents[i]));
	return json_pack("{s:s, s:s, s:i, s:o, s:s, s:s, s:s, s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}",
			 "run", view->run.id, "state", view->run.state, "stuck", view->by_state[AGENT_STUCK], "reason",
			 output_text(view->run.reason), "plan", view->run.plan, "cluster", view->plan.cluster, "config",
			 view->plan.config, "config_version", view->plan.config_version, "epoch",
			 (json_int_t)view->run.epoch, "created", output_time(view->run.created_ms), "finished",
			 output_time(view->run.finished_ms), "counts", counts_to_json(view), "agents", agents, "stages",
			 run_view_stages_to_json(view), "gates", run_view_gates_to_json(view), "rolls_back",
			 output_text(view->run.rolls_back), "rolled_back_by", output_text(view->rolled_back_by),
			 "rollback_due", view->run.rollback_due != 0);
}
