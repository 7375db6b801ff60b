/* SPDX-License-Identifier: Apache-2.0 */
/* rollout list: every run in the database, or of the cluster that --cluster names, the newest first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/output.h"
#include "orchestrator/report/run_view.h"

static char *counts_text(const struct run_summary *run)
{
	struct buffer text = BUFFER_INIT(4096);

	for (size_t i = 0; i < run->count_count; i++)
		buffer_printf(&text, "%s%lld %s", i ? ", " : "", (long long)run->counts[i].count, run->counts[i].state);
	return buffer_take(&text);
}

static int64_t count_stuck(const struct run_summary *run)
{
	for (size_t i = 0; i < run->count_count; i++)
		if (strcmp(run->counts[i].state, agent_state_name(AGENT_STUCK)) == 0)
			return run->counts[i].count;
	return 0;
}

static void print_table(const struct run_list *list)
{
	static const char *const headings[] = {"RUN", "STATE", "STARTED", "CLUSTER", "CONFIG", "PLAN", "AGENTS"};
	struct table *table = table_new(headings, 7);

	for (size_t i = 0; i < list->count; i++) {
		const struct run_summary *run = &list->items[i];
		char time[CLOCK_TEXT_MAX], plan[13], *counts = counts_text(run);
		char *config = run->row.rolls_back ? xstrdup(run->config)
						   : xasprintf("%s@%lld", run->config, (long long)run->config_version);
		char *state = run_state_text(run->row.state, count_stuck(run));
		const char *cells[] = {run->row.id,  state,  clock_format(run->row.created_ms, time),
				       run->cluster, config, plan,
				       counts};

		snprintf(plan, sizeof(plan), "%s", run->row.plan);
		table_add(table, cells);
		free(config);
		free(state);
		free(counts);
	}
	table_print(table, stdout);
	table_free(table);
}

static json_t *run_to_json(const struct run_summary *run)
{
	json_t *counts = json_object();

	for (size_t i = 0; i < run->count_count; i++)
		json_object_set_new(counts, run->counts[i].state, json_integer((json_int_t)run->counts[i].count));
	return json_pack("{s:s, s:s, s:I, s:o, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "run", run->row.id, "state",
			 run->row.state, "stuck", (json_int_t)count_stuck(run), "reason", output_text(run->row.reason),
			 "plan", run->row.plan, "cluster", run->cluster, "config", run->config, "config_version",
			 (json_int_t)run->config_version, "created", output_time(run->row.created_ms), "finished",
			 output_time(run->row.finished_ms), "rolls_back", output_text(run->row.rolls_back), "counts",
			 counts);
}

/* A cluster that was named must be one of the cluster file's: a misspelt one has no runs for another reason. */
static bool is_asked_for(const struct session *session, const struct run_summary *run)
{
	return !session->cluster_name || strcmp(session->cluster_name, run->cluster) == 0;
}

static void choose(const struct session *session, struct run_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct run_summary run = list->items[i];

		if (!is_asked_for(session, &run))
			continue;
		list->items[i] = list->items[kept];
		list->items[kept++] = run;
	}
	for (size_t i = kept; i < list->count; i++)
		run_summary_clear(&list->items[i]);
	list->count = kept;
}

static int print_json(const struct run_list *list)
{
	json_t *runs = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(runs, run_to_json(&list->items[i]));
	return output_json(json_pack("{s:o}", "runs", runs));
}

static int show(struct session *session)
{
	struct run_list list;

	if (session->cluster_name && !session_cluster(session))
		return -1;
	if (!session_store(session) || ledger_list_runs(session_store(session), &list, &session->error) < 0)
		return -1;
	choose(session, &list);
	if (session->json)
		print_json(&list);
	else if (list.count == 0)
		puts("No rollout was started yet.");
	else
		print_table(&list);
	run_list_clear(&list);
	return 0;
}

int command_rollout_list(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	return command_alone(ctx, self, argc, argv, show);
}
