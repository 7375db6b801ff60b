/* SPDX-License-Identifier: Apache-2.0 */
/* Several runs in one document, for the formats that have no file of their own. */
#include "orchestrator/report/reports.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/term.h"
#include "orchestrator/output.h"
#include "orchestrator/report/rescue_view.h"

void report_runs_clear(struct report_runs *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		run_view_clear(&runs->views[i]);
	free(runs->views);
	*runs = (struct report_runs){.count = 0};
}

struct sums {
	size_t agents, kept, lost, unproven;
	int done, failed, stuck;
};

static struct sums add_up(const struct report_runs *runs)
{
	struct sums sums = {.agents = 0};

	for (size_t i = 0; i < runs->count; i++) {
		const struct run_view *view = &runs->views[i];

		sums.agents += view->count;
		sums.done += view->by_state[AGENT_DONE];
		sums.failed += run_view_failures(view);
		sums.stuck += view->by_state[AGENT_STUCK];
		for (size_t j = 0; j < view->count; j++) {
			sums.kept += view->agents[j].kept;
			sums.lost += view->agents[j].lost;
			sums.unproven += view->agents[j].unproven;
		}
	}
	return sums;
}

static json_t *with_mark(const struct report_runs *runs, json_t *document)
{
	char *mark = report_mark(runs, REPORT_JSON);

	json_object_set_new(document, "made", json_string(mark));
	free(mark);
	return document;
}

json_t *report_json(const struct report_runs *runs)
{
	struct sums sums = add_up(runs);
	json_t *array;

	if (runs->views[0].rescue)
		return with_mark(runs, rescue_report_json(&runs->views[0]));
	if (runs->count == 1)
		return with_mark(runs, run_view_report(&runs->views[0]));
	array = json_array();
	for (size_t i = 0; i < runs->count; i++)
		json_array_append_new(array, run_view_report(&runs->views[i]));
	return with_mark(runs, json_pack("{s:{s:I, s:I, s:i, s:i, s:i, s:I, s:I, s:I}, s:o}", "summary", "runs",
					 (json_int_t)runs->count, "agents", (json_int_t)sums.agents, "done", sums.done,
					 "failed", sums.failed, "stuck", sums.stuck, "tasks_kept",
					 (json_int_t)sums.kept, "tasks_lost", (json_int_t)sums.lost, "tasks_unproven",
					 (json_int_t)sums.unproven, "runs", array));
}

static void add_row(struct table *table, const struct run_view *view)
{
	char *state = run_view_state_text(view), numbers[5][24], started[CLOCK_TEXT_MAX];
	size_t lost = 0;

	for (size_t i = 0; i < view->count; i++)
		lost += view->agents[i].lost;
	snprintf(numbers[0], sizeof numbers[0], "%zu", view->count);
	snprintf(numbers[1], sizeof numbers[1], "%d", view->by_state[AGENT_DONE]);
	snprintf(numbers[2], sizeof numbers[2], "%d", run_view_failures(view));
	snprintf(numbers[3], sizeof numbers[3], "%d", view->by_state[AGENT_STUCK]);
	snprintf(numbers[4], sizeof numbers[4], "%zu", lost);
	clock_format(view->run.created_ms, started);
	const char *cells[] = {view->run.id, state,      view->plan.config, started,   numbers[0],
			       numbers[1],   numbers[2], numbers[3],        numbers[4]};
	table_add(table, cells);
	free(state);
}

static void print_across(const struct report_runs *runs, FILE *stream)
{
	static const char *const headings[] = {"RUN",        "STATE",  "CONFIG", "STARTED",   "AGENTS",
					       "AS PLANNED", "FAILED", "STUCK",  "TASKS LOST"};
	struct table *table = table_new(headings, sizeof headings / sizeof *headings);
	struct sums sums = add_up(runs);

	fprintf(stream,
		"%zu rollouts: %d of %zu times an agent was changed as planned, %d failed, %d stuck. Tasks: "
		"%zu kept, %zu lost, %zu not proven to run.\n\n",
		runs->count, sums.done, sums.agents, sums.failed, sums.stuck, sums.kept, sums.lost, sums.unproven);
	for (size_t i = 4; i < sizeof headings / sizeof *headings; i++)
		table_align_right(table, i);
	for (size_t i = 0; i < runs->count; i++)
		add_row(table, &runs->views[i]);
	table_print(table, stream);
	table_free(table);
	fputc('\n', stream);
}

void report_text(const struct report_runs *runs, FILE *stream)
{
	if (runs->count > 1)
		print_across(runs, stream);
	for (size_t i = 0; i < runs->count; i++) {
		if (i > 0)
			fputs("\n\n", stream);
		if (runs->views[i].rescue)
			rescue_report_text(&runs->views[i], stream);
		else
			run_view_print_report(&runs->views[i], stream);
	}
	report_text_end(runs, stream);
}
