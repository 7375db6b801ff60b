/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/planner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/output.h"
#include "orchestrator/plan/planner_choose.h"
#include "orchestrator/plan/planner_domains.h"
#include "orchestrator/plan/planner_forecast.h"
#include "orchestrator/plan/planner_internal.h"
#include "orchestrator/plan/planner_masters.h"
#include "orchestrator/plan/planner_order.h"
#include "orchestrator/plan/planner_risks.h"

/* ---- the plan as it grows */

/* More than that in an error's line helps nobody. */
#define NAMES_MAX 600

struct planning {
	const struct planner_input *input;
	const struct planner_options *options;
	const struct config *config;
	struct plan plan;
	int64_t *rows; /* of the plan's agents, in its order so far */
	struct planner_filter filter;
	struct planner_times times;
	struct planner_refusals *refusals;
	struct planner_refusals risks; /* what is said of agents that are planned */
	char *unmatched;               /* why agents that no rule matches are left out */
	size_t not_concerned;
};

void planner_refuse(struct planner_refusals *refusals, const struct planner_work *work, const char *reason)
{
	const struct agent_record *record = work->record;
	const char *kind = work->survey_row.failed_ms ? work->survey_row.failure_kind : NULL;

	refusals->items = xreallocarray(refusals->items, refusals->count + 1, sizeof(*refusals->items));
	refusals->items[refusals->count++] = (struct planner_refusal){
		.agent_id = xstrdup(record->view.id),
		.hostname = xstrdup(record->view.hostname),
		.reason = xstrdup(reason),
		.unreachable = kind && strcmp(kind, survey_failure_kind(ERROR_UNREACHABLE)) == 0,
	};
}

void planner_warn(const struct planner_work *work, char *text)
{
	if (work->risks)
		planner_refuse(work->risks, work, text);
	free(text);
}

static void add_unchanged(struct plan *plan, const char *hostname)
{
	plan->unchanged = xreallocarray(plan->unchanged, plan->unchanged_count + 1, sizeof(*plan->unchanged));
	plan->unchanged[plan->unchanged_count++] = xstrdup(hostname);
}

static void add_agent(struct planning *planning, struct plan_agent *agent, int64_t row, int64_t surveyed_ms)
{
	struct plan *plan = &planning->plan;

	planning->rows = xreallocarray(planning->rows, plan->agent_count + 1, sizeof(*planning->rows));
	planning->rows[plan->agent_count] = row;
	plan->agents = xreallocarray(plan->agents, plan->agent_count + 1, sizeof(*plan->agents));
	plan->agents[plan->agent_count++] = *agent;
	if (plan->surveyed_ms == 0 || surveyed_ms < plan->surveyed_ms)
		plan->surveyed_ms = surveyed_ms;
}

static void add_unmatched(struct planning *planning, const struct agent_record *record)
{
	planning->not_concerned++;
	plan_add_left_out(&planning->plan, record->view.id, record->view.hostname, LEFT_UNMATCHED, planning->unmatched);
}

static int plan_one(struct planning *planning, const struct agent_record *record, struct error *err)
{
	struct planner_work work = {
		.input = planning->input,
		.options = planning->options,
		.times = &planning->times,
		.risks = &planning->risks,
		.config = planning->config,
		.record = record,
	};
	struct plan_agent agent = {.agent_id = NULL};
	enum planner_outcome outcome = PLANNER_CHANGES;
	struct error reason = ERROR_INIT;
	int result = planner_agent(&work, &agent, &outcome, &reason);
	if (result == 0 && outcome == PLANNER_CHANGES)
		add_agent(planning, &agent, record->row, work.survey_row.time_ms);
	else if (result == 0 && outcome == PLANNER_UNCHANGED)
		add_unchanged(&planning->plan, record->view.hostname);
	else if (result == 0)
		add_unmatched(planning, record);
	else if (reason.kind == ERROR_REFUSED)
		planner_refuse(planning->refusals, &work, reason.text);
	planner_work_clear(&work);
	if (result == 0 || reason.kind == ERROR_REFUSED)
		return 0;
	plan_agent_clear(&agent);
	return error_set(err, reason.kind, "%s", reason.text);
}

/* One that no rule matches is not excluded or ignored: the plan would not be about it anyway. */
static void leave_out(struct planning *planning, const struct agent_record *record,
		      const struct planner_filter_rule *rule)
{
	struct planner_work work = {
		.input = planning->input, .options = planning->options, .config = planning->config, .record = record};

	if (planner_is_concerned(&work))
		plan_add_left_out(&planning->plan, record->view.id, record->view.hostname, rule->why, rule->reason);
	else
		add_unmatched(planning, record);
	planner_work_clear(&work);
}

static int plan_record(struct planning *planning, const struct agent_record *record, struct error *err)
{
	const struct planner_filter_rule *rule = planner_filter_find(&planning->filter, record->row);

	if (!rule)
		return plan_one(planning, record, err);
	leave_out(planning, record, rule);
	return 0;
}

/* Both lists are in the same order. */
static void leave_out_unchosen(struct planning *planning, const struct agent_list *chosen,
			       const struct agent_list *cluster)
{
	char *reason = xasprintf("--where \"%s\" does not choose it", planning->options->where);
	size_t at = 0;

	for (size_t i = 0; i < cluster->count; i++) {
		const struct agent_record *record = &cluster->items[i];

		if (at < chosen->count && chosen->items[at].row == record->row)
			at++;
		else
			plan_add_left_out(&planning->plan, record->view.id, record->view.hostname, LEFT_UNCHOSEN,
					  reason);
	}
	free(reason);
}

/* One that the plan would be about if the master still listed it: it is left out, and whoever signs is to know. */
static void leave_out_gone(struct planning *planning, const struct agent_record *record)
{
	struct planner_work work = {.input = planning->input,
				    .options = planning->options,
				    .risks = &planning->risks,
				    .config = planning->config,
				    .record = record};
	char when[CLOCK_TEXT_MAX];

	if (!planner_filter_find(&planning->filter, record->row) && planner_is_concerned(&work)) {
		plan_add_left_out(&planning->plan, record->view.id, record->view.hostname, LEFT_UNLISTED,
				  "the master listed it before, and does not now");
		planner_warn(&work,
			     xasprintf("the master has not listed it since %s, and this plan leaves it as it is; "
				       "`rollcall rescue` says whether its agent refuses to start",
				       clock_format(record->gone_ms, when)));
	}
	planner_work_clear(&work);
}

/* One whose host came back under another ID is not missed. */
static int leave_out_all_gone(struct planning *planning, struct error *err)
{
	const struct planner_input *input = planning->input;
	struct agent_list gone;

	if (planner_select_gone(input->store, input->cluster_id, planning->options->where,
				input->now_ms - PLANNER_GONE_FOR_GOOD_MS, &gone, err) < 0)
		return -1;
	for (size_t i = 0; i < gone.count; i++)
		leave_out_gone(planning, &gone.items[i]);
	agent_list_clear(&gone);
	return 0;
}

static int plan_all(struct planning *planning, const struct agent_list *cluster, struct error *err)
{
	struct agent_list list;
	const struct planner_input *input = planning->input;
	if (planner_select(input->store, input->cluster_id, planning->options->where, &list, err) < 0)
		return -1;
	int result = 0;
	for (size_t i = 0; result == 0 && i < list.count; i++)
		result = plan_record(planning, &list.items[i], err);
	if (result == 0 && planning->not_concerned == list.count)
		result = error_set(err, ERROR_USAGE,
				   "no rule of config %s@%" PRId64
				   " matches any of the %zu agents%s%s; `rollcall config show %s` prints its rules",
				   input->config->name, input->config->version, list.count,
				   planning->options->where ? " that --where chooses: " : "",
				   planning->options->where ? planning->options->where : "", input->config->name);
	if (result == 0 && planning->options->where)
		leave_out_unchosen(planning, &list, cluster);
	agent_list_clear(&list);
	return result < 0 ? -1 : leave_out_all_gone(planning, err);
}

static bool all_unreachable(const struct planner_refusals *refusals)
{
	for (size_t i = 0; i < refusals->count; i++)
		if (!refusals->items[i].unreachable)
			return false;
	return true;
}

/* The option that leaves them out, to be pasted. The caller's. */
static char *exclude_option(const struct planner_options *options, const char *names)
{
	struct buffer text = BUFFER_INIT(ERROR_TEXT_MAX);
	char *expr = options->exclude ? xasprintf("(%s) or hostname in (%s)", options->exclude, names)
				      : xasprintf("hostname in (%s)", names);

	buffer_puts(&text, "--exclude ");
	output_shell_word(expr, &text);
	free(expr);
	return buffer_take(&text);
}

static int refusal_error(const struct planning *planning, struct error *err)
{
	const struct planner_refusals *refusals = planning->refusals;
	const struct planner_refusal *first = &refusals->items[0];
	enum error_kind kind = all_unreachable(refusals) ? ERROR_UNREACHABLE : ERROR_REFUSED;
	struct buffer names = BUFFER_INIT(NAMES_MAX);

	planner_refusals_names(refusals, &names);
	char *option = names.overflow ? xstrdup("--exclude") : exclude_option(planning->options, buffer_text(&names));

	if (refusals->count == 1)
		error_set(err, kind, "%s cannot be planned: %.700s (`%s` plans without it)", first->hostname,
			  first->reason, option);
	else
		error_set(err, kind, "%zu agents cannot be planned, as said above: `%s` plans without them",
			  refusals->count, option);
	free(option);
	buffer_clear(&names);
	return -1;
}

/* A name that nobody has is a misspelt one, and would leave the plan without failure domains. */
static int check_domain_attribute(const struct plan *plan, const struct planner_options *options, struct error *err)
{
	if (!options->domain_attribute || plan->agent_count == 0)
		return 0;
	for (size_t i = 0; i < plan->agent_count; i++)
		if (plan->agents[i].domain)
			return 0;
	return error_set(err, ERROR_USAGE, "--domain-attribute %s: none of the agents has such an attribute",
			 options->domain_attribute);
}

static void fill_head(struct plan *plan, const struct planner_input *input, const struct planner_options *options)
{
	plan_init(plan);
	plan->cluster = xstrdup(input->cluster->name);
	plan->config = xstrdup(input->config->name);
	plan->config_version = (int)input->config->version;
	plan->config_sha256 = xstrdup(input->config->sha256);
	planner_fill_head(plan, input, options);
}

void planner_fill_head(struct plan *plan, const struct planner_input *input, const struct planner_options *options)
{
	plan->created_ms = input->now_ms;
	plan->synced_ms = input->synced_ms;
	plan->offline = input->offline;
	plan->where = options->where ? xstrdup(options->where) : NULL;
	plan->exclude = options->exclude ? xstrdup(options->exclude) : NULL;
	plan->order = options->by ? xstrdup(options->by) : NULL;
	plan->ignore = options->ignore;
	plan->allow_port_change = options->allow_port_change;
	plan->accept_stale_master = options->accept_stale_master;
	plan->hold_configuration_management = options->hold_configuration_management;
}

/* What can only be said when all agents are known. */
static int complete(struct planning *planning, const struct agent_list *cluster, struct error *err)
{
	const struct planner_input *input = planning->input;
	const struct planner_options *options = planning->options;
	struct plan *plan = &planning->plan;

	planner_risks_said(&planning->risks, plan);
	planner_risks_shortage(cluster, plan);
	planner_domains(options, cluster, plan);
	if (check_domain_attribute(plan, options, err) < 0 ||
	    planner_order(input, options, planning->rows, plan, err) < 0)
		return -1;
	planner_domains_without(options, plan);
	planner_fill_options(plan, options, cluster->count);
	planner_risks_unguarded(options, plan);
	if (planner_risks_away(input, cluster, plan, err) < 0)
		return -1;
	planner_forecast(&planning->times, plan);
	planner_masters(input, plan);
	return 0;
}

static int plan_cluster(struct planning *planning, struct error *err)
{
	struct agent_list cluster;

	if (agents_load(planning->input->store, planning->input->cluster_id, NULL, &cluster, err) < 0)
		return -1;
	int result = plan_all(planning, &cluster, err);
	if (result == 0 && planning->refusals->count > 0)
		result = refusal_error(planning, err);
	if (result == 0)
		result = complete(planning, &cluster, err);
	agent_list_clear(&cluster);
	return result;
}

int planner_make(const struct planner_input *input, const struct planner_options *options, struct plan *out,
		 struct planner_refusals *refusals, struct error *err)
{
	struct planning planning = {.input = input, .options = options, .refusals = refusals};
	struct config *config = config_open(input->config, err);
	if (!config)
		return -1;
	planning.config = config;
	planning.unmatched = xasprintf("no rule of %s@%" PRId64 " matches it", input->config->name,
				       input->config->version);
	fill_head(&planning.plan, input, options);
	int result = planner_filter_load(input, options, &planning.filter, err);
	if (result == 0)
		result = planner_times_load(input, options, &planning.times, err);
	if (result == 0)
		result = plan_cluster(&planning, err);
	if (result == 0)
		*out = planning.plan;
	else
		plan_clear(&planning.plan);
	planner_filter_clear(&planning.filter);
	planner_refusals_clear(&planning.risks);
	free(planning.unmatched);
	free(planning.rows);
	config_free(config);
	return result;
}
