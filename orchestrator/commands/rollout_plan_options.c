/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/commands/rollout_plan_options.h"

#include <string.h>

#include "base/clock.h"
#include "mesos/recovery.h"

void plan_options_table(struct plan_words *words, struct option table[PLAN_OPTION_COUNT])
{
	const struct option options[PLAN_OPTION_COUNT] = {
		{"where", 0, OPTION_STRING, &words->where, "EXPR", "only the agents that match (default: all)", 0, 0},
		{"exclude", 0, OPTION_STRING, &words->exclude, "EXPR",
		 "leave these out; the plan names them. Those on the inventory's ignore list are left out anyway", 0,
		 0},

		{"canary", 0, OPTION_STRING, &words->canary, "N|N%|EXPR",
		 "these come first, and the others wait until they are done and the gates after the stage have passed; "
		 "of N the first of each kind (mechanism, change, version) are taken first",
		 0, 0},
		{"window", 0, OPTION_STRING, &words->window, "N|N%|LIST",
		 "at most so many agents away at once (default: 1). A list grows: with 1,5%,25% the first stage is 1 "
		 "agent, the next 5% of them, and 25% at once hold until the end",
		 0, 0},
		{"domain-window", 0, OPTION_STRING, &words->domain_window, "N|N%",
		 "the same within each failure domain (default: no limit)", 0, 0},
		{"domain-attribute", 0, OPTION_STRING, &words->domain_attribute, "NAME",
		 "the attribute that names an agent's failure domain (default: its fault domain, else `zone`)", 0, 0},
		{"by", 0, OPTION_STRING, &words->by, "ATTR|zone",
		 "one domain at a time: the next begins when every agent of the one before has ended. `zone` is the "
		 "failure domain",
		 0, 0},

		{"max-failures", 0, OPTION_STRING, &words->max_failures, "N|N%",
		 "so many failed agents are tolerated: reaching N goes on, exceeding it stops (default: 0, the first "
		 "failure stops). A percentage is of the agents that change, rounded down",
		 0, 0},
		{"max-failures-stage", 0, OPTION_STRING, &words->max_failures_stage, "N|N%",
		 "the same within one stage: exceeding it stops (default: no limit of its own). A percentage is of the "
		 "smallest stage",
		 0, 0},
		{"max-failures-domain", 0, OPTION_STRING, &words->max_failures_domain, "N|N%",
		 "the same within one failure domain: exceeding it stops (default: no limit of its own). A percentage "
		 "is of the smallest domain",
		 0, 0},
		{"max-consecutive", 0, OPTION_INT, &words->max_consecutive, "N",
		 "reaching N failures in a row stops, whatever the other budgets allow (default: 0, no limit)", 0,
		 1000000},
		{"on-failure", 0, OPTION_STRING, &words->on_failure, "WHAT",
		 "what a spent budget does once everything under way has ended: `pause` (default; a person looks), "
		 "`rollback` "
		 "(what was changed is taken back, last first), `abort` (nothing of this run starts any more)",
		 0, 0},
		{"meltdown", 0, OPTION_STRING, &words->meltdown, "N%",
		 "nothing more starts while more than N% of the cluster's agents are unreachable or inactive for any "
		 "reason (default: 20%, or 10 points above what the window itself takes away; 0 turns it off)",
		 0, 0},
		{"soak", 0, OPTION_STRING, &words->soak, "DURATION",
		 "how long an agent must have been back before it counts as done (default: 0)", 0, 0},
		{"gates", 0, OPTION_STRING, &words->gates, "FILE",
		 "questions asked after each agent and each stage (JSON, schema/gates.schema.json): commands, URLs, "
		 "and what the master says. One that fails counts as a failure, one without an answer pauses the run",
		 0, 0},
		{"return-timeout", 0, OPTION_STRING, &words->return_timeout, "DURATION",
		 "how long an agent may take to reregister after its start (default: 150secs)", 0, 0},

		{"ignore", 0, OPTION_STRING, &words->ignore, "PARTS",
		 "which parts of the SlaveInfo may change: a list of attributes, resources, domains, or `none` "
		 "(default: all three)",
		 0, 0},
		{"discard", 0, OPTION_FLAG, &words->discard, NULL,
		 "keep the ID, replace the SlaveInfo and end the tasks, instead of keeping them (recover_state=false)",
		 0, 0},
		{"allow-task-loss", 0, OPTION_FLAG, &words->allow_task_loss, NULL,
		 "also agents with tasks that any restart ends, because their framework does not checkpoint", 0, 0},
		{"allow-port-change", 0, OPTION_FLAG, &words->allow_port_change, NULL,
		 "also agents whose port changes; the master accepts that, whoever else knows the port may not", 0, 0},
		{"keep-reregistration-timeout", 0, OPTION_FLAG, &words->keep_timeout, NULL,
		 "do not raise executor_reregistration_timeout to 15secs where tasks are to be kept", 0, 0},
		{"allow-unknown-version", 0, OPTION_FLAG, &words->allow_unknown_version, NULL,
		 "also agents of a Mesos version whose rules were never checked", 0, 0},
		{"accept-stale-master", 0, OPTION_FLAG, &words->accept_stale_master, NULL,
		 "also with masters that keep an agent's old SlaveInfo until their next failover (before Mesos 1.5); "
		 "the plan says how to finish",
		 0, 0},
		{"hold-configuration-management", 0, OPTION_FLAG, &words->hold_configuration_management, NULL,
		 "hold Puppet or Chef on a host while its agent is changed, where they manage the files", 0, 0},
		{"offline", 0, OPTION_FLAG, &words->offline, NULL,
		 "ask neither masters nor hosts: plan by the last sync and survey; the plan says how old they are", 0,
		 0},
		{"out", 0, OPTION_STRING, &words->file, "FILE", "also write the plan's bytes to a file", 0, 0},
		{.name = NULL},
	};

	memcpy(table, options, sizeof(options));
}

/* ---- what they mean */

struct bounds {
	int64_t min_ms, max_ms;
	const char *text;
};

static int read_duration(const char *name, const char *text, const struct bounds *bounds, int64_t *out,
			 struct error *err)
{
	int64_t ms = 0;

	if (!text)
		return 0;
	if (clock_parse_duration(text, &ms, err) < 0)
		return error_prefix(err, "%s", name);
	if (ms < bounds->min_ms || ms > bounds->max_ms)
		return error_set(err, ERROR_USAGE, "%s %s: %s", name, text, bounds->text);
	*out = ms;
	return 0;
}

static int read_times(const struct plan_words *words, struct planner_options *out, struct error *err)
{
	/* Less than a second is no time for anything, and more than an hour is not waiting. */
	static const struct bounds back = {1000, 3600000, "from 1secs to 1hrs"};
	static const struct bounds soak = {0, INT64_C(7) * 24 * 3600000, "at most 7days"};

	if (read_duration("--return-timeout", words->return_timeout, &back, &out->return_ms, err) < 0)
		return -1;
	return read_duration("--soak", words->soak, &soak, &out->soak_ms, err);
}

static int read_amount(const char *name, const char *text, int64_t min, struct planner_amount *out, struct error *err)
{
	return text ? planner_amount_parse(name, text, min, out, err) : 0;
}

static int read_on_failure(const char *text, struct planner_options *out, struct error *err)
{
	int what = text ? engine_on_failure_parse(text) : (int)ON_FAILURE_PAUSE;

	if (what < 0)
		return error_set(err, ERROR_USAGE, "--on-failure %s: one of pause, rollback, abort", text);
	out->on_failure = (enum engine_on_failure)what;
	return 0;
}

static int read_meltdown(const char *text, struct planner_options *out, struct error *err)
{
	struct planner_amount amount = {.number = 0};

	if (!text)
		return 0;
	if (strcmp(text, "0") != 0 && strcmp(text, "0%") != 0 &&
	    planner_amount_parse("--meltdown", text, 0, &amount, err) < 0)
		return -1;
	if (amount.number != 0 && !amount.percent)
		return error_set(err, ERROR_USAGE,
				 "--meltdown %s: give a percentage of the cluster's agents, for instance 20%%", text);
	out->meltdown_percent = amount.number;
	return 0;
}

static int read_sizes(const struct plan_words *words, struct planner_options *out, struct error *err)
{
	if (words->window && planner_windows_parse(words->window, &out->windows, err) < 0)
		return -1;
	if (read_amount("--domain-window", words->domain_window, 0, &out->domain_window, err) < 0 ||
	    read_amount("--max-failures", words->max_failures, 0, &out->max_failures, err) < 0 ||
	    read_amount("--max-failures-stage", words->max_failures_stage, 0, &out->stage_max_failures, err) < 0 ||
	    read_amount("--max-failures-domain", words->max_failures_domain, 0, &out->domain_max_failures, err) < 0 ||
	    read_on_failure(words->on_failure, out, err) < 0)
		return -1;
	out->max_consecutive = words->max_consecutive;
	return read_meltdown(words->meltdown, out, err);
}

static int read_gates(const char *path, struct plan_meaning *out, struct error *err)
{
	if (!path)
		return 0;
	if (plan_gates_read(path, &out->after_agent, &out->after_stage, err) < 0) {
		/* A file that is not there is wrong usage, as everywhere. */
		if (err->kind == ERROR_UNREACHABLE)
			err->kind = ERROR_USAGE;
		return error_prefix(err, "--gates");
	}
	out->options.after_agent = &out->after_agent;
	out->options.after_stage = &out->after_stage;
	return 0;
}

static void copy_words(const struct plan_words *words, struct planner_options *out)
{
	out->where = words->where;
	out->exclude = words->exclude;
	out->canary = words->canary;
	out->by = words->by;
	out->domain_attribute = words->domain_attribute;
	out->discard = words->discard;
	out->allow_task_loss = words->allow_task_loss;
	out->allow_port_change = words->allow_port_change;
	out->accept_stale_master = words->accept_stale_master;
	out->keep_reregistration_timeout = words->keep_timeout;
	out->allow_unknown_version = words->allow_unknown_version;
	out->hold_configuration_management = words->hold_configuration_management;
}

int plan_options_read(const struct plan_words *words, struct plan_meaning *out, struct error *err)
{
	*out = (struct plan_meaning){.options = PLANNER_OPTIONS_INIT};
	copy_words(words, &out->options);
	if (words->discard && words->ignore)
		return error_set(err, ERROR_USAGE, "--discard replaces the whole SlaveInfo: it takes no --ignore");
	if (words->discard && words->on_failure && strcmp(words->on_failure, "rollback") == 0)
		return error_set(
			err, ERROR_USAGE,
			"--on-failure rollback: with --discard the tasks are ended, and nothing can take that back");
	if (words->ignore && recovery_ignore_parse_list(words->ignore, &out->options.ignore, err) < 0)
		return error_prefix(err, "--ignore");
	if (read_sizes(words, &out->options, err) < 0 || read_times(words, &out->options, err) < 0)
		return -1;
	return read_gates(words->gates, out, err);
}

void plan_options_clear(struct plan_meaning *meaning)
{
	plan_gates_clear(&meaning->after_agent);
	plan_gates_clear(&meaning->after_stage);
}
