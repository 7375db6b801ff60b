/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/commands/rollout_plan_options.h"

#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "mesos/recovery.h"

/* A flag without an argument, a number where there is a largest one, else a text. */
struct row {
	const char *name;
	size_t target; /* in struct plan_words */
	const char *argument, *help;
	int64_t max;
};

#define TEXT(name, member, argument, help)                                                                             \
	{                                                                                                              \
		name, offsetof(struct plan_words, member), argument, help, 0                                           \
	}
#define FLAG(name, member, help) TEXT(name, member, NULL, help)

static const struct row rows[] = {
	TEXT("where", where, "EXPR", "only the agents that match (default: all)"),
	TEXT("exclude", exclude, "EXPR",
	     "leave these out; the plan names them. Those on the inventory's ignore list are left out anyway"),

	TEXT("canary", canary, "N|N%|EXPR",
	     "these come first, and the others wait until they are done and the gates after the stage have passed; "
	     "of N the first of each kind (mechanism, change, version) are taken first"),
	TEXT("window", window, "N|N%|LIST",
	     "at most so many agents away at once (default: 1). A list grows: with 1,5%,25% the first stage is 1 "
	     "agent, the next 5% of them, and 25% at once hold until the end"),
	TEXT("domain-window", domain_window, "N|N%",
	     "the same within each failure domain (default: no limit); agents in none are together one"),
	TEXT("domain-attribute", domain_attribute, "NAME",
	     "the attribute that names an agent's failure domain (default: its fault domain, else `zone`)"),
	TEXT("by", by, "ATTR|zone",
	     "one domain at a time: the next begins when every agent of the one before has ended. `zone` is the "
	     "failure domain"),

	TEXT("max-failures", max_failures, "N|N%",
	     "so many failed agents are tolerated: reaching N goes on, exceeding it stops (default: 0, the first "
	     "failure stops). A percentage is of the agents that change, rounded down"),
	TEXT("max-failures-stage", max_failures_stage, "N|N%",
	     "the same within one stage: exceeding it stops (default: no limit of its own). A percentage is of each "
	     "stage's own agents, rounded down"),
	TEXT("max-failures-domain", max_failures_domain, "N|N%",
	     "the same within one failure domain: exceeding it stops (default: no limit of its own). A percentage "
	     "is of each domain's own agents that change, rounded down"),
	{"max-consecutive", offsetof(struct plan_words, max_consecutive), "N",
	 "reaching N failures in a row stops, whatever the other budgets allow (default: 0, no limit)", 1000000},
	{"max-consecutive-stage", offsetof(struct plan_words, max_consecutive_stage), "N",
	 "the same, counted within each stage: reaching N stops (default: 0, no limit)", 1000000},
	{"max-consecutive-domain", offsetof(struct plan_words, max_consecutive_domain), "N",
	 "the same, counted within each failure domain: reaching N stops (default: 0, no limit)", 1000000},
	TEXT("on-failure", on_failure, "WHAT",
	     "what a spent budget does once everything under way has ended: `pause` (default; a person looks), "
	     "`rollback` "
	     "(what was changed is taken back, last first), `abort` (nothing of this run starts any more)"),
	TEXT("meltdown", meltdown, "N%",
	     "nothing more starts while more than N% of the cluster's agents are unreachable or inactive for any "
	     "reason, of those that the master lists and those that were there when the run began (default: 20%, or 10 "
	     "points above what the window itself takes away; 0 turns it off)"),
	TEXT("soak", soak, "DURATION", "how long an agent must have been back before it counts as done (default: 0)"),
	TEXT("soak-stage", soak_stage, "DURATION",
	     "how long nothing more starts when a stage has ended, before its gates are asked (default: 0)"),
	TEXT("gates", gates, "FILE",
	     "questions asked after each agent and each stage (JSON, schema/gates.schema.json): commands, URLs, "
	     "and what the master says. One that fails counts as a failure, one without an answer pauses the run"),
	TEXT("return-timeout", return_timeout, "DURATION",
	     "how long an agent may take to reregister after its start (default: 150secs)"),

	TEXT("ignore", ignore, "PARTS",
	     "which parts of the SlaveInfo may change: a list of attributes, resources, domains, or `none` "
	     "(default: all three)"),
	FLAG("discard", discard,
	     "keep the ID, replace the SlaveInfo and end the tasks, instead of keeping them (recover_state=false)"),
	FLAG("allow-task-loss", allow_task_loss,
	     "also agents with tasks that any restart ends, because their framework does not checkpoint"),
	FLAG("allow-port-change", allow_port_change,
	     "also agents whose port changes; the master accepts that, whoever else knows the port may not"),
	FLAG("keep-reregistration-timeout", keep_timeout,
	     "do not raise executor_reregistration_timeout to 15secs where tasks are to be kept"),
	FLAG("allow-unknown-version", allow_unknown_version,
	     "also agents of a Mesos version whose rules were never checked"),
	FLAG("accept-stale-master", accept_stale_master,
	     "also with masters that keep an agent's old SlaveInfo until their next failover (before Mesos 1.5); "
	     "the plan says how to finish"),
	FLAG("hold-configuration-management", hold_configuration_management,
	     "hold Puppet or Chef on a host while its agent is changed, where they manage the files"),
	FLAG("offline", offline,
	     "ask neither masters nor hosts: plan by the last sync and survey; the plan says how old they are"),
	TEXT("out", file, "FILE", "also write the plan's bytes to a file"),
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROW_COUNT + 1 == PLAN_OPTION_COUNT, "every option, and the end");

static enum option_kind kind_of(const struct row *row)
{
	if (!row->argument)
		return OPTION_FLAG;
	return row->max > 0 ? OPTION_INT : OPTION_STRING;
}

void plan_options_table(struct plan_words *words, struct option table[PLAN_OPTION_COUNT])
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		table[i] = (struct option){
			.name = rows[i].name,
			.kind = kind_of(&rows[i]),
			.target = (char *)words + rows[i].target,
			.argument = rows[i].argument,
			.help = rows[i].help,
			.max = rows[i].max,
		};
	table[ROW_COUNT] = (struct option){.name = NULL};
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

	if (read_duration("--return-timeout", words->return_timeout, &back, &out->return_ms, err) < 0 ||
	    read_duration("--soak-stage", words->soak_stage, &soak, &out->stage_soak_ms, err) < 0)
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
	out->stage_max_consecutive = words->max_consecutive_stage;
	out->domain_max_consecutive = words->max_consecutive_domain;
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
