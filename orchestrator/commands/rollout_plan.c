/* SPDX-License-Identifier: Apache-2.0 */
/* rollout plan: works out what a rollout would change, shows it, and keeps it under its hash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "mesos/recovery.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/output.h"
#include "orchestrator/plan/planner.h"
#include "orchestrator/refresh.h"
#include "orchestrator/report/plan_text.h"
#include "orchestrator/survey_hosts.h"

/* After so long nobody waits for an agent any more: a host that was given away is not to be named for ever. */
#define GONE_FOR_GOOD_MS (INT64_C(30) * 24 * 3600 * 1000)

struct arguments_of_plan {
	const char *where, *window, *domain_window, *ignore, *file, *domain_attribute, *return_timeout;
	int64_t max_failures;
	bool discard, allow_task_loss, keep_timeout, allow_unknown_version, offline;
};

/* Less than a second is no time for anything, and more than an hour is not waiting. */
static int read_return_timeout(const char *text, struct planner_options *out, struct error *err)
{
	if (!text)
		return 0;
	if (clock_parse_duration(text, &out->return_ms, err) < 0)
		return error_prefix(err, "--return-timeout");
	if (out->return_ms < 1000 || out->return_ms > 3600000)
		return error_set(err, ERROR_USAGE, "--return-timeout %s: from 1secs to 1hrs", text);
	return 0;
}

static int read_options(const struct arguments_of_plan *args, struct planner_options *out, struct error *err)
{
	*out = (struct planner_options)PLANNER_OPTIONS_INIT;
	out->where = args->where;
	out->max_failures = args->max_failures;
	out->discard = args->discard;
	out->allow_task_loss = args->allow_task_loss;
	if (args->discard && args->ignore)
		return error_set(err, ERROR_USAGE, "--discard replaces the whole SlaveInfo: it takes no --ignore");
	out->keep_reregistration_timeout = args->keep_timeout;
	out->allow_unknown_version = args->allow_unknown_version;
	out->domain_attribute = args->domain_attribute;
	if (args->ignore && recovery_ignore_parse_list(args->ignore, &out->ignore, err) < 0)
		return error_prefix(err, "--ignore");
	if (args->window && planner_amount_parse("--window", args->window, 1, &out->window, err) < 0)
		return -1;
	if (args->domain_window &&
	    planner_amount_parse("--domain-window", args->domain_window, 0, &out->domain_window, err) < 0)
		return -1;
	return read_return_timeout(args->return_timeout, out, err);
}

/* ---- what the plan rests on */

static int refresh(struct session *session, const struct planner_input *input, const struct planner_options *options)
{
	struct agent_list agents;
	struct survey_counts counts;

	if (refresh_agents(session, NULL) < 0)
		return error_prefix(&session->error, "the plan needs the master's word (--offline plans without it)");
	if (planner_select(input->store, input->cluster_id, options->where, &agents, &session->error) < 0)
		return -1;
	int result = survey_hosts(session, &agents, SURVEY_PARALLEL, NULL, &counts);
	agent_list_clear(&agents);
	return result;
}

/* Names the agents this plan would be about if the master still listed them. One whose host came back under another ID is
 * not missed. */
static int warn_of_gone(struct session *session, const struct planner_input *input,
			const struct planner_options *options)
{
	struct buffer names = BUFFER_INIT(ERROR_TEXT_MAX);
	struct agent_list gone = {.items = NULL};
	char when[CLOCK_TEXT_MAX];

	if (planner_select_gone(input->store, input->cluster_id, options->where, clock_wall_ms() - GONE_FOR_GOOD_MS,
				&gone, &session->error) < 0)
		return -1;
	/* An append that does not fit changes nothing: the list ends early. */
	for (size_t i = 0; i < gone.count; i++)
		buffer_printf(&names, "%s%s (since %s)", i ? ", " : "", gone.items[i].view.hostname,
			      clock_format(gone.items[i].gone_ms, when));
	if (gone.count > 0)
		log_warning("%zu agent%s the master listed before %s left out, because it does not list %s now: %s",
			    gone.count, gone.count == 1 ? "" : "s", gone.count == 1 ? "is" : "are",
			    gone.count == 1 ? "it" : "them", buffer_text(&names));
	buffer_clear(&names);
	agent_list_clear(&gone);
	return 0;
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

static int read_facts(struct session *session, const struct planner_input *input, struct master_facts *facts)
{
	int found = agents_facts(input->store, input->cluster_id, facts, &session->error);

	if (found == 0)
		return error_set(
			&session->error, ERROR_REFUSED,
			"no master of cluster %s was asked yet whether it stores a changed SlaveInfo; `rollcall "
			"inventory sync` asks",
			input->cluster->name);
	return found < 0 ? -1 : 0;
}

/* ---- showing and keeping it */

static void log_refusals(const struct planner_refusals *refusals)
{
	if (refusals->count < 2)
		return; /* the command's error says it */
	for (size_t i = 0; i < refusals->count; i++)
		log_error("%s: %s", refusals->items[i].hostname, refusals->items[i].reason);
}

static json_t *event_body(const struct plan *plan)
{
	return json_pack("{s:s, s:s, s:i, s:s, s:I, s:s*}", "plan", plan->hash, "config", plan->config, "version",
			 plan->config_version, "config_sha256", plan->config_sha256, "agents",
			 (json_int_t)plan->agent_count, "where", plan->where);
}

static int keep(struct session *session, const struct plan *plan, const struct buffer *bytes)
{
	const char *actor = session_actor(session);
	struct plan_row row = {
		.hash = (char *)(uintptr_t)plan->hash,
		.cluster = plan->cluster,
		.config = plan->config,
		.config_version = plan->config_version,
		.author = (char *)(uintptr_t)actor,
		.created_ms = plan->created_ms,
		.agents = (int64_t)plan->agent_count,
		.document = bytes->data,
		.document_len = bytes->len,
	};
	struct ledger *ledger = ledger_open(session_store(session), actor, &session->error);

	if (!ledger)
		return -1;
	ledger_put_plan(ledger, &row);
	ledger_event(ledger, "plan", NULL, NULL, event_body(plan));
	int result = ledger_commit(ledger, &session->error);
	ledger_close(ledger);
	return result;
}

/* The words that select what this command selected. */
static char *next_command(const struct session *session, const struct plan *plan)
{
	struct buffer text = BUFFER_INIT(1u << 16);

	buffer_puts(&text, "rollcall");
	if (session->config_file)
		buffer_printf(&text, " --config %s", session->config_file);
	if (session->cluster_name)
		buffer_printf(&text, " --cluster %s", session->cluster_name);
	if (session->db_path)
		buffer_printf(&text, " --db %s", session->db_path);
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

/* The plan itself holds the number. */
static void print_percentage(const struct arguments_of_plan *args, const struct plan *plan)
{
	if (args->window && strchr(args->window, '%'))
		printf("\n--window: %s of %zu: %d\n", args->window, plan->agent_count, plan->options.window);
	if (args->domain_window && strchr(args->domain_window, '%'))
		printf("\n--domain-window: %s of %zu: %d\n", args->domain_window, plan->agent_count,
		       plan->options.domain_window);
}

static int show(struct session *session, const struct arguments_of_plan *args, const struct plan *plan,
		const struct buffer *bytes)
{
	char *next = plan->agent_count > 0 ? next_command(session, plan) : xstrdup("");
	int result = 0;

	if (session->json) {
		result = show_json(session, plan, bytes, next);
	} else {
		plan_print(plan, stdout);
		print_percentage(args, plan);
		if (plan->agent_count > 0)
			printf("\nNothing has been changed. To carry it out:\n    %s\n", next);
		else
			puts("\nThere is nothing to do.");
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

static int finish(struct session *session, const struct arguments_of_plan *args, struct plan *plan)
{
	struct buffer bytes = BUFFER_INIT(PLAN_MAX);
	int result = 0;

	plan_write(plan, &bytes);
	if (bytes.overflow)
		result = error_set(&session->error, ERROR_REFUSED,
				   "the plan is larger than %u MB; choose fewer agents with --where", PLAN_MAX >> 20);
	if (result == 0 && plan->agent_count > 0)
		result = keep(session, plan, &bytes);
	if (result == 0 && args->file)
		result = write_file(session, args->file, &bytes);
	if (result == 0)
		result = show(session, args, plan, &bytes);
	buffer_clear(&bytes);
	return result;
}

static int make(struct session *session, const struct arguments_of_plan *args, struct planner_input *input)
{
	struct planner_options options;
	struct planner_refusals refusals = {.items = NULL};
	struct master_facts facts = {.version = NULL};
	struct plan plan;

	if (read_options(args, &options, &session->error) < 0)
		return -1;
	if (!args->offline && refresh(session, input, &options) < 0)
		return -1;
	if (warn_of_gone(session, input, &options) < 0 || warn_of_unfinished(session, input) < 0 ||
	    read_facts(session, input, &facts) < 0)
		return -1;
	input->facts = &facts;
	input->now_ms = clock_wall_ms();
	int result = planner_make(input, &options, &plan, &refusals, &session->error);
	log_refusals(&refusals);
	planner_refusals_clear(&refusals);
	if (result == 0) {
		result = finish(session, args, &plan);
		plan_clear(&plan);
	}
	master_facts_clear(&facts);
	return result;
}

static int run(struct session *session, const struct arguments_of_plan *args, const char *reference)
{
	struct config_version config;
	struct planner_input input = {.cluster = session_cluster(session), .config = &config};

	if (!input.cluster || session_cluster_id(session, &input.cluster_id) < 0)
		return -1;
	input.store = session_store(session);
	if (config_find(input.store, reference, &config, &session->error) < 0)
		return -1;
	int result = make(session, args, &input);
	config_version_clear(&config);
	return result;
}

int command_rollout_plan(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments_of_plan args = {.where = NULL};
	const struct option options[] = {
		{"where", 0, OPTION_STRING, &args.where, "EXPR", "only the agents that match (default: all)", 0, 0},
		{"window", 0, OPTION_STRING, &args.window, "N|N%", "at most so many agents away at once (default: 1)",
		 0, 0},
		{"domain-window", 0, OPTION_STRING, &args.domain_window, "N|N%",
		 "the same within each failure domain (default: no limit)", 0, 0},
		{"domain-attribute", 0, OPTION_STRING, &args.domain_attribute, "NAME",
		 "the attribute that names an agent's failure domain (default: its fault domain, else `zone`)", 0, 0},
		{"max-failures", 0, OPTION_INT, &args.max_failures, "N",
		 "the run pauses when more agents than this have failed (default: 0)", 0, 1000000},
		{"return-timeout", 0, OPTION_STRING, &args.return_timeout, "DURATION",
		 "how long an agent may take to reregister after its start (default: 150secs)", 0, 0},
		{"ignore", 0, OPTION_STRING, &args.ignore, "PARTS",
		 "which parts of the SlaveInfo may change: a list of attributes, resources, domains, or `none` "
		 "(default: all "
		 "three)",
		 0, 0},
		{"discard", 0, OPTION_FLAG, &args.discard, NULL,
		 "keep the ID, replace the SlaveInfo and end the tasks, instead of keeping them (recover_state=false)",
		 0, 0},
		{"allow-task-loss", 0, OPTION_FLAG, &args.allow_task_loss, NULL,
		 "also agents with tasks that any restart ends, because their framework does not checkpoint", 0, 0},
		{"keep-reregistration-timeout", 0, OPTION_FLAG, &args.keep_timeout, NULL,
		 "do not raise executor_reregistration_timeout to 15secs where tasks are to be kept", 0, 0},
		{"allow-unknown-version", 0, OPTION_FLAG, &args.allow_unknown_version, NULL,
		 "also agents of a Mesos version whose rules were never checked", 0, 0},
		{"offline", 0, OPTION_FLAG, &args.offline, NULL,
		 "ask neither master nor hosts: plan by the last sync and survey", 0, 0},
		{"out", 0, OPTION_STRING, &args.file, "FILE", "also write the plan's bytes to a file", 0, 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	int result = command_parse(session, self, argc, argv, options, &operands);

	if (result == 0)
		result = run(session, &args, operands.items[0]);
	else if (result > 0)
		result = 0;
	arguments_clear(&operands);
	return result;
}
