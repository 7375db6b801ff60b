/* SPDX-License-Identifier: Apache-2.0 */
/* rollout plan: works out what a rollout would change, shows it, and keeps it under its hash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "orchestrator/choose.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/rollout_plan_options.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/output.h"
#include "orchestrator/plan/plan_sources.h"
#include "orchestrator/plan/plan_stops.h"
#include "orchestrator/report/plan_text.h"

/* ---- what the plan rests on */

/* What is no selector is the planner's to refuse. */
static int warn_of_names_in(struct session *session, const char *source, const char *text)
{
	struct error ignored = ERROR_INIT;
	struct selector *selector = text ? selector_parse(source, text, &ignored) : NULL;
	int result = selector ? choose_check_names(session, selector) : 0;

	selector_free(selector);
	return result;
}

/* An attribute that no agent has is a misspelt one: a plan about nobody, or one that leaves nobody out. */
static int warn_of_names(struct session *session, const struct planner_options *options)
{
	if (warn_of_names_in(session, "--where", options->where) < 0)
		return -1;
	if (options->canary && !planner_is_amount(options->canary) &&
	    warn_of_names_in(session, "--canary", options->canary) < 0)
		return -1;
	return warn_of_names_in(session, "--exclude", options->exclude);
}

static int refresh(struct plan_sources *sources, const struct planner_options *options)
{
	struct agent_list agents;

	if (plan_sources_ask_masters(sources) < 0 || warn_of_names(sources->session, options) < 0 ||
	    planner_choose(&sources->input, options, &agents, &sources->session->error) < 0)
		return -1;
	int result = plan_sources_survey(sources, &agents);
	agent_list_clear(&agents);
	return result;
}

static int warn_of_unfinished(struct session *session, const struct planner_input *input)
{
	char *run = NULL;
	int found = ledger_find_unfinished(input->store, input->cluster->name, &run, &session->error);

	if (found > 0)
		log_warning("run %s is not finished, and no other can start before it: `rollcall rollout resume %s`",
			    run, run);
	free(run);
	return found < 0 ? -1 : 0;
}

/* ---- showing and keeping it */

static void log_line(const char *line)
{
	log_error("%s", line);
}

static void log_refusals(const struct planner_refusals *refusals)
{
	if (refusals->count < 2)
		return; /* the command's error says it */
	planner_refusals_tell(refusals, "", log_line);
}

/* The words that select what this command selected. */
static char *next_command(const struct session *session, const struct plan *plan)
{
	struct buffer text = BUFFER_INIT(1u << 16);

	output_program(session, &text);
	buffer_printf(&text, " rollout start %.*s", PLAN_SHORT_HASH, plan->hash);
	return buffer_take(&text);
}

static int show_json(struct session *session, const struct plan *plan, const struct buffer *bytes, const char *next)
{
	json_t *document = json_parse("plan", bytes->data, bytes->len, &session->error);

	if (!document)
		return -1;
	return output_json(json_pack("{s:s, s:s, s:o}", "hash", plan->hash, "next", next, "plan", document));
}

/* ---- percentages: the plan holds the numbers that they come to here */

static void print_share(const char *option, const char *text, const char *of, const char *numbers)
{
	if (text && strchr(text, '%'))
		printf("  - %s: %s of %s: %s\n", option, text, of, numbers);
}

/* "1, 5, 25" */
static char *window_numbers(const struct planner_windows *windows, const struct plan *plan)
{
	struct buffer text = BUFFER_INIT(4096);

	for (size_t i = 0; i < windows->count; i++)
		buffer_printf(&text, "%s%d", i ? ", " : "", planner_amount_of(&windows->items[i], plan->agent_count));
	return buffer_take(&text);
}

static void print_number(const char *option, const char *text, const char *of, int number)
{
	char *shown = xasprintf("%d", number);

	print_share(option, text, of, shown);
	free(shown);
}

static void print_part(const char *option, const char *text, enum plan_part part, const struct plan *plan)
{
	const struct engine_options *limits = &plan->options;
	struct buffer shares = BUFFER_INIT(1024);

	plan_stops_shares(plan, part, part == PLAN_STAGES ? limits->stage_max_percent : limits->domain_max_percent,
			  &shares);
	print_share(option, text, part == PLAN_STAGES ? "each stage" : "each failure domain", buffer_text(&shares));
	buffer_clear(&shares);
}

static bool has_percentage(const struct plan_words *words)
{
	const char *const texts[] = {words->canary,
				     words->window,
				     words->domain_window,
				     words->max_failures,
				     words->max_failures_stage,
				     words->max_failures_domain};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i] && strchr(texts[i], '%'))
			return true;
	return false;
}

static size_t count_listed_left_out(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->left_out_count; i++)
		count += plan->left_out[i].why != LEFT_UNLISTED;
	return count;
}

static void print_percentages(const struct plan_words *words, const struct planner_options *options,
			      const struct plan *plan)
{
	const struct engine_options *limits = &plan->options;
	size_t cluster = plan->agent_count + plan->unchanged_count + count_listed_left_out(plan);
	char *all = xasprintf("%zu", plan->agent_count), *windows = window_numbers(&options->windows, plan);

	if (plan->agent_count > 0 && (has_percentage(words) || limits->meltdown_percent > 0))
		puts("\nPercentages, as they come out here");
	if (plan->agent_count > 0 && words->canary && planner_is_amount(words->canary))
		print_number("--canary", words->canary, all, (int)plan->stages[0].end);
	print_share("--window", words->window, all, windows);
	print_number("--domain-window", words->domain_window, all, limits->domain_window);
	print_number("--max-failures", words->max_failures, all, limits->max_failures);
	print_part("--max-failures-stage", words->max_failures_stage, PLAN_STAGES, plan);
	print_part("--max-failures-domain", words->max_failures_domain, PLAN_DOMAINS, plan);
	if (plan->agent_count > 0 && limits->meltdown_percent > 0)
		printf("  - --meltdown: %d%% of the cluster's %zu: more than %zu\n", limits->meltdown_percent, cluster,
		       cluster * (size_t)limits->meltdown_percent / 100);
	free(windows);
	free(all);
}

static int show(struct session *session, const struct plan_words *words, const struct planner_options *options,
		const struct plan *plan, const struct buffer *bytes)
{
	char *next = plan->agent_count > 0 ? next_command(session, plan) : xstrdup("");
	int result = 0;

	if (session->json) {
		result = show_json(session, plan, bytes, next);
	} else {
		plan_print(plan, stdout);
		print_percentages(words, options, plan);
		plan_print_end(plan, next, stdout);
	}
	free(next);
	return result;
}

static int write_file(struct session *session, const char *path, const struct buffer *bytes)
{
	if (file_replace(path, bytes->data, bytes->len, NULL, &session->error) < 0)
		return error_prefix(&session->error, "--out");
	log_info("%s holds the plan's bytes", path);
	return 0;
}

static int finish(struct session *session, const struct plan_words *words, const struct planner_options *options,
		  struct plan *plan)
{
	struct buffer bytes = BUFFER_INIT(PLAN_MAX);
	int result = plan_keep(session, plan, &bytes);

	if (result == 0 && words->file)
		result = write_file(session, words->file, &bytes);
	if (result == 0)
		result = show(session, words, options, plan, &bytes);
	buffer_clear(&bytes);
	return result;
}

static int make(struct plan_sources *sources, const struct plan_words *words, const struct planner_options *options)
{
	struct session *session = sources->session;
	struct planner_refusals refusals = {.items = NULL};
	struct plan plan;

	if ((words->offline ? warn_of_names(session, options) : refresh(sources, options)) < 0)
		return -1;
	if (warn_of_unfinished(session, &sources->input) < 0 || plan_sources_finish(sources) < 0)
		return -1;
	int result = planner_make(&sources->input, options, &plan, &refusals, &session->error);
	log_refusals(&refusals);
	planner_refusals_clear(&refusals);
	if (result == 0) {
		result = finish(session, words, options, &plan);
		plan_clear(&plan);
	}
	return result;
}

static int run(struct session *session, const struct plan_words *words, const char *reference)
{
	struct config_version config = {.version = 0};
	struct plan_sources sources;
	struct plan_meaning meaning;

	int result = plan_options_read(words, &meaning, &session->error);
	if (result == 0) {
		result = plan_sources_open(&sources, session);
		if (result == 0)
			result = config_find(sources.input.store, reference, &config, &session->error);
		sources.input.config = &config;
		if (result == 0)
			result = make(&sources, words, &meaning.options);
		plan_sources_close(&sources);
		config_version_clear(&config);
	}
	plan_options_clear(&meaning);
	return result;
}

int command_rollout_plan(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct plan_words words = {.where = NULL};
	struct option options[PLAN_OPTION_COUNT];
	struct arguments operands = {NULL, 0};

	plan_options_table(&words, options);
	int result = command_parse(session, self, argc, argv, options, &operands);
	if (result == 0)
		result = run(session, &words, operands.items[0]);
	else if (result > 0)
		result = 0;
	arguments_clear(&operands);
	return result;
}
