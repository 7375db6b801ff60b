/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall inventory survey: asks the hosts, shows who failed and why. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/term.h"
#include "orchestrator/choose.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"
#include "orchestrator/survey_hosts.h"

/* More connections at once than this would only wait for each other. */
#define PARALLEL_MAX 500

/* What is shown while hosts answer, and collected for the end. */
struct view {
	struct session *session;
	bool live; /* stderr is a terminal: one line that changes */
	struct table *failures;
	json_t *hosts;
	struct error first_failure;
};

static void show_progress(const struct view *view, const struct agent_record *agent, const struct error *failure,
			  const struct survey_counts *counts)
{
	size_t done = counts->surveyed + counts->failed;

	if (view->session->quiet)
		return;
	if (view->live)
		fprintf(stderr, "\r%zu of %zu hosts asked, %zu failed\033[K", done, counts->total, counts->failed);
	else if (failure)
		log_info("%s: failed (%zu of %zu)", agent->view.hostname, done, counts->total);
	else
		log_info("%s: surveyed (%zu of %zu)", agent->view.hostname, done, counts->total);
}

static void add_failure(struct view *view, const struct agent_record *agent, const struct error *failure)
{
	const char *cells[] = {agent->view.hostname, survey_failure_kind(failure->kind), failure->text};

	table_add(view->failures, cells);
	table_set_style(view->failures, 1, TERM_RED);
	if (view->first_failure.kind == ERROR_NONE)
		view->first_failure = *failure;
}

/* An agent that would not survive its next restart is worth a word, whatever anybody plans. */
static void add_verdict(struct view *view, const struct agent_record *agent, const struct survey *survey)
{
	const char *cells[] = {agent->view.hostname, "warning",
			       "its flags no longer go with its checkpoint: it would refuse its next restart"};

	if (!survey->has_verdict || survey->verdict_accepted)
		return;
	table_add(view->failures, cells);
	table_set_style(view->failures, 1, TERM_YELLOW);
}

static void host_done(void *ctx, const struct agent_record *agent, const struct survey *survey,
		      const struct error *failure, const struct survey_counts *so_far)
{
	struct view *view = ctx;
	json_t *recovers = survey && survey->has_verdict ? json_boolean(survey->verdict_accepted) : json_null();

	show_progress(view, agent, failure, so_far);
	if (failure)
		add_failure(view, agent, failure);
	else if (survey)
		add_verdict(view, agent, survey);
	json_array_append_new(view->hosts,
			      json_pack("{s:o,s:o,s:b,s:o,s:o,s:o}", "id", output_text(agent->view.id), "hostname",
					output_text(agent->view.hostname), "surveyed", failure == NULL, "recovers",
					recovers, "failure_kind",
					failure ? json_string(survey_failure_kind(failure->kind)) : json_null(),
					"failure", output_text(failure ? failure->text : NULL)));
}

static int print_result(struct view *view, const struct survey_counts *counts)
{
	if (view->session->json)
		return output_json(json_pack("{s:s,s:I,s:I,s:I,s:O}", "cluster", view->session->cluster->name, "total",
					     (json_int_t)counts->total, "surveyed", (json_int_t)counts->surveyed,
					     "failed", (json_int_t)counts->failed, "hosts", view->hosts));
	printf("%zu of %zu hosts surveyed\n", counts->surveyed, counts->total);
	table_print(view->failures, stdout);
	return 0;
}

/* The table has said why, unless only this is looked at. */
static int nobody_answered(struct view *view, const struct survey_counts *counts)
{
	bool alone = view->session->json || view->session->quiet;

	if (counts->total == 1)
		return error_set(&view->session->error, ERROR_UNREACHABLE, "the host could not be surveyed%s%s",
				 alone ? ": " : "", alone ? view->first_failure.text : "");
	return error_set(&view->session->error, ERROR_UNREACHABLE, "none of the %zu hosts could be surveyed%s%s",
			 counts->total, alone ? "; the first failure was: " : "",
			 alone ? view->first_failure.text : "");
}

static int judge(struct view *view, const struct survey_counts *counts)
{
	if (view->live && !view->session->quiet)
		fputs("\r\033[K", stderr);
	print_result(view, counts);
	if (counts->surveyed == 0)
		return nobody_answered(view, counts);
	return counts->failed ? 1 : 0;
}

static int survey_chosen(struct session *session, const struct agent_list *agents, size_t parallel)
{
	struct view view = {.session = session, .live = isatty(STDERR_FILENO) != 0, .hosts = json_array()};
	const struct survey_watch watch = {.host = host_done, .ctx = &view};
	struct survey_counts counts;
	int result;

	view.failures = table_new(NULL, 3);
	result = survey_hosts(session, agents, parallel, &watch, &counts);
	if (result == 0)
		result = judge(&view, &counts);
	table_free(view.failures);
	json_decref(view.hosts);
	return result;
}

static int survey_where(struct session *session, const char *where, size_t parallel)
{
	struct agent_list agents;
	int result;

	if (choose_agents(session, where, &agents) < 0)
		return -1;
	if (agents.count == 0)
		result = error_set(&session->error, ERROR_USAGE, "there is no agent to survey%s%s",
				   where ? " that matches: " : "", where ? where : "");
	else
		result = survey_chosen(session, &agents, parallel);
	agent_list_clear(&agents);
	return result;
}

int command_inventory_survey(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	const char *where = NULL;
	int64_t parallel = SURVEY_PARALLEL;
	const struct option own[] = {
		{"where", 0, OPTION_STRING, &where, "EXPR", "only agents that match", 0, 0},
		{"parallel", 0, OPTION_INT, &parallel, "N", "hosts asked at the same time (default 20)", 1,
		 PARALLEL_MAX},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, own, &operands);

	arguments_clear(&operands);
	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	return survey_where(session, where, (size_t)parallel);
}
