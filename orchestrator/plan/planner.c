/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/planner.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/selector.h"
#include "orchestrator/plan/planner_internal.h"

int planner_amount_parse(const char *name, const char *text, int64_t min, struct planner_amount *out, struct error *err)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	bool percent = end != text && strcmp(end, "%") == 0;
	if (end == text || errno != 0 || (!percent && *end != '\0'))
		return error_set(err, ERROR_USAGE, "%s %s: give a number or a percentage, for instance 3 or 20%%", name,
				 text);
	if (percent && (number < 1 || number > 100))
		return error_set(err, ERROR_USAGE, "%s %s: a percentage is from 1%% to 100%%", name, text);
	if (!percent && (number < min || number > INT_MAX))
		return error_set(err, ERROR_USAGE, "%s %s: must be at least %" PRId64, name, text, min);
	*out = (struct planner_amount){.number = number, .percent = percent};
	return 0;
}

static int amount_of(const struct planner_amount *amount, size_t count)
{
	if (!amount->percent)
		return (int)amount->number;
	int share = (int)(count * (size_t)amount->number / 100);
	return share > 0 ? share : 1;
}

void planner_refusals_clear(struct planner_refusals *refusals)
{
	for (size_t i = 0; i < refusals->count; i++) {
		free(refusals->items[i].agent_id);
		free(refusals->items[i].hostname);
		free(refusals->items[i].reason);
	}
	free(refusals->items);
	*refusals = (struct planner_refusals){.items = NULL};
}

int planner_select(struct store *store, int64_t cluster_id, const char *where, struct agent_list *out,
		   struct error *err)
{
	struct selector *selector = NULL;
	struct agent_list list = {.items = NULL};
	if (where && !(selector = selector_parse("--where", where, err)))
		return -1;
	int result = agents_load(store, cluster_id, selector, &list, err);
	selector_free(selector);
	if (result == 0 && list.count == 0)
		result = where ? error_set(err, ERROR_USAGE,
					   "--where \"%s\" matches none of the agents the master lists; `rollcall "
					   "inventory list` shows them",
					   where)
			       : error_set(err, ERROR_USAGE,
					   "the inventory has no agents; `rollcall inventory sync` asks the master for "
					   "them");
	if (result == 0)
		*out = list;
	else
		agent_list_clear(&list);
	return result;
}

int planner_select_gone(struct store *store, int64_t cluster_id, const char *where, int64_t since_ms,
			struct agent_list *out, struct error *err)
{
	struct selector *selector = NULL;
	if (where && !(selector = selector_parse("--where", where, err)))
		return -1;
	int result = agents_load_gone(store, cluster_id, selector, since_ms, out, err);
	selector_free(selector);
	return result;
}

/* ---- the plan as it grows */

struct planning {
	const struct planner_input *input;
	const struct planner_options *options;
	const struct config *config;
	struct plan plan;
	struct planner_refusals *refusals;
	size_t not_concerned;
};

static void refuse(struct planning *planning, const struct planner_work *work, const char *reason)
{
	const struct agent_record *record = work->record;
	const char *kind = work->survey_row.failed_ms ? work->survey_row.failure_kind : NULL;
	struct planner_refusals *refusals = planning->refusals;
	refusals->items = xreallocarray(refusals->items, refusals->count + 1, sizeof(*refusals->items));
	refusals->items[refusals->count++] = (struct planner_refusal){
		.agent_id = xstrdup(record->view.id),
		.hostname = xstrdup(record->view.hostname),
		.reason = xstrdup(reason),
		.unreachable = kind && strcmp(kind, survey_failure_kind(ERROR_UNREACHABLE)) == 0,
	};
}

static void add_unchanged(struct plan *plan, const char *hostname)
{
	plan->unchanged = xreallocarray(plan->unchanged, plan->unchanged_count + 1, sizeof(*plan->unchanged));
	plan->unchanged[plan->unchanged_count++] = xstrdup(hostname);
}

static void add_agent(struct plan *plan, struct plan_agent *agent, int64_t surveyed_ms)
{
	plan->agents = xreallocarray(plan->agents, plan->agent_count + 1, sizeof(*plan->agents));
	plan->agents[plan->agent_count++] = *agent;
	if (plan->surveyed_ms == 0 || surveyed_ms < plan->surveyed_ms)
		plan->surveyed_ms = surveyed_ms;
}

static int plan_one(struct planning *planning, const struct agent_record *record, struct error *err)
{
	struct planner_work work = {
		.input = planning->input, .options = planning->options, .config = planning->config, .record = record};
	struct plan_agent agent = {.agent_id = NULL};
	enum planner_outcome outcome = PLANNER_CHANGES;
	struct error reason = ERROR_INIT;
	int result = planner_agent(&work, &agent, &outcome, &reason);
	if (result == 0 && outcome == PLANNER_CHANGES)
		add_agent(&planning->plan, &agent, work.survey_row.time_ms);
	else if (result == 0 && outcome == PLANNER_UNCHANGED)
		add_unchanged(&planning->plan, record->view.hostname);
	else if (result == 0)
		planning->not_concerned++;
	else if (reason.kind == ERROR_REFUSED)
		refuse(planning, &work, reason.text);
	planner_work_clear(&work);
	if (result == 0 || reason.kind == ERROR_REFUSED)
		return 0;
	plan_agent_clear(&agent);
	return error_set(err, reason.kind, "%s", reason.text);
}

static int plan_all(struct planning *planning, struct error *err)
{
	struct agent_list list;
	const struct planner_input *input = planning->input;
	if (planner_select(input->store, input->cluster_id, planning->options->where, &list, err) < 0)
		return -1;
	int result = 0;
	for (size_t i = 0; result == 0 && i < list.count; i++)
		result = plan_one(planning, &list.items[i], err);
	if (result == 0 && planning->not_concerned == list.count)
		result = error_set(err, ERROR_USAGE,
				   "no rule of config %s@%" PRId64
				   " matches any of the %zu agents%s%s; `rollcall config "
				   "show %s` prints its rules",
				   input->config->name, input->config->version, list.count,
				   planning->options->where ? " that --where chooses: " : "",
				   planning->options->where ? planning->options->where : "", input->config->name);
	agent_list_clear(&list);
	return result;
}

static bool all_unreachable(const struct planner_refusals *refusals)
{
	for (size_t i = 0; i < refusals->count; i++)
		if (!refusals->items[i].unreachable)
			return false;
	return true;
}

static int refusal_error(const struct planner_refusals *refusals, struct error *err)
{
	const struct planner_refusal *first = &refusals->items[0];
	enum error_kind kind = all_unreachable(refusals) ? ERROR_UNREACHABLE : ERROR_REFUSED;
	if (refusals->count == 1)
		return error_set(
			err, kind,
			"%s cannot be planned: %.700s (--where \"… and not hostname = '%s'\" plans without it)",
			first->hostname, first->reason, first->hostname);
	return error_set(err, kind,
			 "%zu agents cannot be planned; the first: %s: %.700s (--where \"… and not hostname in "
			 "(…)\" plans without them)",
			 refusals->count, first->hostname, first->reason);
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
	plan->created_ms = input->now_ms;
	plan->where = options->where ? xstrdup(options->where) : NULL;
	plan->ignore = options->ignore;
}

static void fill_options(struct plan *plan, const struct planner_options *options)
{
	if (options->window.number > 0)
		plan->options.window = amount_of(&options->window, plan->agent_count);
	plan->options.domain_window = amount_of(&options->domain_window, plan->agent_count);
	plan->options.max_failures = (int)options->max_failures;
	if (options->return_ms > 0)
		plan->options.return_ms = options->return_ms;
}

int planner_make(const struct planner_input *input, const struct planner_options *options, struct plan *out,
		 struct planner_refusals *refusals, struct error *err)
{
	struct planning planning = {.input = input, .options = options, .refusals = refusals};
	struct config *config = config_parse(input->config->name, input->config->document, input->config->document_len,
					     err);
	if (!config)
		return -1;
	planning.config = config;
	fill_head(&planning.plan, input, options);
	int result = plan_all(&planning, err);
	if (result == 0 && refusals->count > 0)
		result = refusal_error(refusals, err);
	if (result == 0)
		result = check_domain_attribute(&planning.plan, options, err);
	fill_options(&planning.plan, options);
	if (result == 0)
		*out = planning.plan;
	else
		plan_clear(&planning.plan);
	config_free(config);
	return result;
}
