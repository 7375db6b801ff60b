/* SPDX-License-Identifier: Apache-2.0 */
/* Several runs in one document, for the formats that have no file of their own. */
#include "orchestrator/report/reports.h"

#include <stdlib.h>

#include "orchestrator/output.h"

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

void report_text(const struct report_runs *runs, FILE *stream)
{
	struct sums sums = add_up(runs);

	if (runs->count > 1)
		fprintf(stream,
			"%zu rollouts: %d of %zu times an agent was changed as planned, %d failed, %d stuck. Tasks: "
			"%zu kept, %zu lost, %zu not proven to run.\n\n",
			runs->count, sums.done, sums.agents, sums.failed, sums.stuck, sums.kept, sums.lost,
			sums.unproven);
	for (size_t i = 0; i < runs->count; i++) {
		if (i > 0)
			fputs("\n\n", stream);
		run_view_print_report(&runs->views[i], stream);
	}
	report_text_end(runs, stream);
}
