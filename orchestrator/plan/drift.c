/* SPDX-License-Identifier: Apache-2.0 */
/* Is the fleet still what the plan saw? Masters and hosts are asked once more, and every difference is named, field by field. A host
 * that cannot be asked now is no drift: the run will find out about it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "inventory/survey.h"
#include "orchestrator/driver/drive.h"
#include "orchestrator/plan/plan_sources.h"
#include "orchestrator/plan/planner_choose.h"
#include "orchestrator/plan/planner_masters.h"

/* What one agent is compared with. */
struct comparison {
	const struct plan *plan;
	const struct plan_agent *agent;
	const struct planner_input *input;
	const struct planner_filter *filter; /* the ignore list */
	struct agent_record record;
	struct survey_record row;
	struct survey survey;
	bool surveyed;
	struct buffer found; /* "; "-separated */
	enum error_kind kind;
};

static void add(struct comparison *comparison, const char *what, const char *was, const char *now)
{
	/* An append that does not fit changes nothing: the list ends early. */
	buffer_printf(&comparison->found, "%s%s was %s, now %s", comparison->found.len ? "; " : "", what,
		      was ? was : "(none)", now ? now : "(none)");
}

static void compare_texts(struct comparison *comparison, const char *what, const char *was, const char *now)
{
	if (was && now && strcmp(was, now) != 0)
		add(comparison, what, was, now);
}

/* ---- as the master lists it */

static void compare_identity(struct comparison *comparison)
{
	const struct plan_agent *agent = comparison->agent;
	const struct agent_view *view = &comparison->record.view;
	char was[32], now[32];

	compare_texts(comparison, "hostname", agent->hostname, view->hostname);
	compare_texts(comparison, "ip", agent->ip, view->ip);
	snprintf(was, sizeof(was), "%d", agent->port);
	snprintf(now, sizeof(now), "%d", view->port);
	compare_texts(comparison, "port", was, now);
}

static void compare_infos(struct comparison *comparison, const char *where, const Mesos__SlaveInfo *info,
			  unsigned parts)
{
	struct slaveinfo_changes changes = {.count = 0};

	if (!(slaveinfo_diff(comparison->agent->before, info) & parts))
		return;
	slaveinfo_changes(comparison->agent->before, info, &changes);
	for (size_t i = 0; i < changes.count; i++) {
		const struct slaveinfo_change *change = &changes.items[i];
		struct buffer what = BUFFER_INIT(4096);

		if (!(change->part & parts))
			continue;
		buffer_printf(&what, "%s%s %s", where, slaveinfo_part_name(change->part), change->what);
		add(comparison, buffer_text(&what), change->before, change->after);
		buffer_clear(&what);
	}
	slaveinfo_changes_clear(&changes);
}

static bool is_planned(const struct plan_agent *agent, const struct agent_task *task)
{
	for (size_t i = 0; i < agent->task_count; i++)
		if (strcmp(agent->tasks[i].id, task->task.id) == 0 &&
		    strcmp(agent->tasks[i].framework_id, task->task.framework_id) == 0)
			return true;
	return false;
}

/* Tasks come and go; one that the restart would end, and that nobody has agreed to, is drift. */
static int compare_tasks(struct comparison *comparison, struct error *err)
{
	const struct planner_input *input = comparison->input;
	const struct plan_agent *agent = comparison->agent;
	bool ends = agent->mechanism == MECHANISM_DISCARD || agent->native_discard;
	struct agent_tasks tasks = {.count = 0};

	if (agents_tasks(input->store, input->cluster_id, agent->agent_id, &tasks, err) < 0)
		return -1;
	for (size_t i = 0; i < tasks.count; i++) {
		const struct agent_task *task = &tasks.items[i];

		if ((!ends && task->framework_checkpoints) || is_planned(agent, task))
			continue;
		buffer_printf(&comparison->found, "%stask %s of %s, which this would end, has started on it since",
			      comparison->found.len ? "; " : "", task->task.id,
			      task->framework_name ? task->framework_name : task->task.framework_id);
	}
	agent_tasks_clear(&tasks);
	return 0;
}

/* ---- as its host says */

static void compare_flags(struct comparison *comparison, const char *where, const struct flags *flags)
{
	const struct plan_agent *agent = comparison->agent;

	for (size_t i = 0; i < agent->edit_count; i++) {
		const char *name = agent->edits[i].name;
		const char *was = flags_get(&agent->before_flags, name);
		const char *now = flags_get(flags, name);
		struct buffer what = BUFFER_INIT(4096);

		if ((!was && !now) || (was && now && flags_same_value(name, was, now)))
			continue;
		buffer_printf(&what, "%s--%s", where, name);
		add(comparison, buffer_text(&what), was, now);
		buffer_clear(&what);
	}
}

/* The plan kept no flag that it does not edit: those are named that its next start, which would be ours, would bring in. */
static void compare_other_flags(struct comparison *comparison)
{
	const struct survey *survey = &comparison->survey;

	for (size_t i = 0; i < survey->store_flags.count; i++) {
		const struct flag *flag = &survey->store_flags.items[i];
		const char *runs = flags_get(&survey->flags, flag->name);

		if (runs && flags_same_value(flag->name, runs, flag->value))
			continue;
		buffer_printf(&comparison->found, "%sin the flag store: --%s is %s, and the agent runs with %s",
			      comparison->found.len ? "; " : "", flag->name, flag->value, runs ? runs : "(none)");
	}
}

static bool store_is_edited(const struct comparison *comparison)
{
	const char *was = comparison->agent->expect.store_sha256, *now = comparison->survey.store_sha256;

	return was && now && strcmp(was, now) != 0;
}

static void compare_host(struct comparison *comparison)
{
	const struct request_expectation *expect = &comparison->agent->expect;
	const struct survey *survey = &comparison->survey;
	size_t before = comparison->found.len;

	if (!survey->running) {
		buffer_printf(&comparison->found, "%sno agent runs on its host now", comparison->found.len ? "; " : "");
		return;
	}

	compare_texts(comparison, "agent ID on the host", expect->agent_id, survey->agent_id);
	compare_texts(comparison, "agent version", expect->agent_version, survey->version);
	compare_texts(comparison, "boot of the host", expect->boot_id, survey->boot_id);
	if (survey->info)
		compare_infos(comparison, "checkpoint: ", survey->info, ~0u);
	compare_flags(comparison, "flag ", &survey->flags);
	if (comparison->found.len > before)
		return;
	/* Edited, and not in effect before the agent's next start: which would be ours. */
	if (store_is_edited(comparison) && survey->store_kind != FLAG_STORE_EXTERNAL) {
		compare_flags(comparison, "in the flag store: ", &survey->store_flags);
		if (comparison->found.len == before)
			compare_other_flags(comparison);
	}
	if (comparison->found.len > before)
		return;
	/* Nothing that can be named, and still not the same bytes. */
	compare_texts(comparison, "SHA-256 of the checkpoint", expect->checkpoint_sha256, survey->checkpoint_sha256);
	compare_texts(comparison, "SHA-256 of the flag store", expect->store_sha256, survey->store_sha256);
}

static int read_survey(struct comparison *comparison, struct error *err)
{
	int found = survey_load(comparison->input->store, comparison->record.row, &comparison->row, err);

	if (found < 0)
		return -1;
	if (found == 0 || comparison->row.time_ms == 0 || comparison->row.failed_ms != 0)
		return 0;
	comparison->surveyed = true;
	return survey_parse(comparison->agent->hostname, comparison->row.document, comparison->row.document_len,
			    &comparison->survey, err);
}

/* ---- one agent */

static void compare_listed(struct comparison *comparison)
{
	const struct agent_view *view = &comparison->record.view;
	unsigned parts = view->attributes_complete ? ~0u : ~(unsigned)PART_ATTRIBUTES;

	compare_identity(comparison);
	if (!planner_record_is_void(comparison->input, comparison->plan->accept_stale_master))
		compare_infos(comparison, "", view->info, parts);
}

/* Whoever has put it on the ignore list since the plan was made did not mean this run to go on with it. */
static void check_ignored(struct comparison *comparison)
{
	const struct planner_filter_rule *rule = planner_filter_find(comparison->filter, comparison->record.row);

	if (rule)
		buffer_printf(&comparison->found, "%splans leave it out now: %s", comparison->found.len ? "; " : "",
			      rule->reason);
}

static void check_masters(struct comparison *comparison)
{
	const struct planner_options options = {.accept_stale_master = comparison->plan->accept_stale_master};
	struct error why = ERROR_INIT;

	if (planner_check_masters(comparison->input, &options, comparison->agent, &why) == 0)
		return;
	buffer_printf(&comparison->found, "%s%s", comparison->found.len ? "; " : "", why.text);
	comparison->kind = why.kind;
}

static int compare(struct comparison *comparison, struct error *err)
{
	const struct planner_input *input = comparison->input;
	char when[CLOCK_TEXT_MAX];

	if (agents_find(input->store, input->cluster_id, comparison->agent->agent_id, &comparison->record, err) < 0)
		return -1;
	if (comparison->record.gone_ms != 0) {
		buffer_printf(&comparison->found, "the master does not list agent %s any more (since %s)",
			      comparison->agent->agent_id, clock_format(comparison->record.gone_ms, when));
		return 0;
	}
	compare_listed(comparison);
	if (compare_tasks(comparison, err) < 0 || read_survey(comparison, err) < 0)
		return -1;
	if (comparison->surveyed)
		compare_host(comparison);
	check_ignored(comparison);
	check_masters(comparison);
	return 0;
}

static void comparison_clear(struct comparison *comparison)
{
	agent_record_clear(&comparison->record);
	survey_record_clear(&comparison->row);
	survey_clear(&comparison->survey);
	buffer_clear(&comparison->found);
}

/* ---- all of them */

struct drift {
	size_t count;
	enum error_kind kind; /* of the first */
	char first[ERROR_TEXT_MAX / 2];
};

static void note(struct drift *drift, const struct comparison *comparison)
{
	const char *hostname = comparison->agent->hostname, *found = buffer_text(&comparison->found);

	if (drift->count++ > 0) {
		log_error("%s: %s", hostname, found);
		return;
	}
	drift->kind = comparison->kind;
	snprintf(drift->first, sizeof(drift->first), "%s: %.440s", hostname, found);
}

static int compare_each(const struct plan *plan, const struct planner_input *input, const struct planner_filter *filter,
			struct drift *drift, struct error *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < plan->agent_count; i++) {
		struct comparison comparison = {.plan = plan,
						.agent = &plan->agents[i],
						.input = input,
						.filter = filter,
						.found = BUFFER_INIT(16384),
						.kind = ERROR_CONFLICT};

		result = compare(&comparison, err);
		if (result == 0 && comparison.found.len > 0)
			note(drift, &comparison);
		comparison_clear(&comparison);
	}
	return result;
}

static int compare_all(const struct plan *plan, const struct planner_input *input, struct drift *drift,
		       struct error *err)
{
	const struct planner_options options = PLANNER_OPTIONS_INIT;
	struct planner_filter filter;

	if (planner_filter_load(input, &options, &filter, err) < 0)
		return -1;
	int result = compare_each(plan, input, &filter, drift, err);
	planner_filter_clear(&filter);
	return result;
}

static int find_agents(const struct plan *plan, const struct planner_input *input, struct agent_list *out,
		       struct error *err)
{
	out->items = xcalloc(plan->agent_count + 1, sizeof(*out->items));
	for (size_t i = 0; i < plan->agent_count; i++) {
		struct agent_record *record = &out->items[out->count];

		if (agents_find(input->store, input->cluster_id, plan->agents[i].agent_id, record, err) < 0)
			return -1;
		if (record->gone_ms == 0)
			out->count++;
		else
			agent_record_clear(record);
	}
	return 0;
}

static int ask(struct plan_sources *sources, const struct plan *plan)
{
	struct agent_list agents = {.items = NULL};

	if (plan_sources_ask_masters(sources) < 0)
		return -1;
	int result = find_agents(plan, &sources->input, &agents, &sources->session->error);
	if (result == 0)
		result = plan_sources_survey(sources, &agents);
	agent_list_clear(&agents);
	return result < 0 ? -1 : plan_sources_finish(sources);
}

int drive_check_drift(struct drive *drive)
{
	const struct plan *plan = drive->plan;
	struct error *err = &drive->session->error;
	struct plan_sources sources;
	struct drift drift = {.count = 0};

	int result = plan_sources_open(&sources, drive->session);
	if (result == 0)
		result = ask(&sources, plan);
	if (result == 0)
		result = compare_all(plan, &sources.input, &drift, err);
	plan_sources_close(&sources);
	if (result < 0 || drift.count == 0)
		return result;
	return error_set(err, drift.kind,
			 "%zu of %zu agent%s %s not as the plan saw %s: %s. Nothing was changed; plan again",
			 drift.count, plan->agent_count, plan->agent_count == 1 ? "" : "s",
			 drift.count == 1 ? "is" : "are", drift.count == 1 ? "it" : "them", drift.first);
}
