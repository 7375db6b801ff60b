/* SPDX-License-Identifier: Apache-2.0 */
/* The inverse plan over the inventory: reads each host's last survey and tasks for plan_invert. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/plan/plan_invert.h"
#include "orchestrator/plan/planner_choose.h"
#include "orchestrator/plan/planner_internal.h"
#include "orchestrator/plan/planner_masters.h"
#include "orchestrator/plan/planner_order.h"
#include "orchestrator/plan/planner_risks.h"

/* One host's part, alive as long as the plan is being made. */
struct host {
	struct agent_record record;
	struct planner_work work;
	struct request_expectation expect; /* borrowed from record and survey */
	struct plan_task *tasks;           /* borrowed from work.tasks */
	struct error why;
};

static void fill_tasks(struct host *host, struct plan_now *now)
{
	const struct agent_tasks *tasks = &host->work.tasks;
	bool end = planner_executors_end(&host->work);

	host->tasks = xcalloc(tasks->count + 1, sizeof(*host->tasks));
	for (size_t i = 0; i < tasks->count; i++) {
		const struct agent_task *task = &tasks->items[i];

		host->tasks[i] = (struct plan_task){
			.id = task->task.id,
			.name = task->task.name ? task->task.name : (char *)(uintptr_t) "",
			.framework_id = task->task.framework_id,
			.framework_name = task->framework_name ? task->framework_name : task->task.framework_id,
			.survives = task->framework_checkpoints && !end,
		};
	}
	now->tasks = host->tasks;
	now->task_count = tasks->count;
}

static void fill_now(struct host *host, struct plan_now *now)
{
	struct survey *survey = &host->work.survey;

	host->expect = (struct request_expectation){
		.agent_id = host->record.view.id,
		.boot_id = survey->boot_id,
		.agent_version = survey->version,
		.checkpoint_sha256 = survey->checkpoint_sha256,
		.store_sha256 = survey->store_sha256,
	};
	now->info = survey->info;
	now->flags = &survey->flags;
	now->reserved = &survey->reserved;
	now->expect = &host->expect;
	now->start_ticks = survey->start_ticks;
	now->native = planner_can_native(&host->work, PART_ATTRIBUTES, "ignore_checkpointed_state");
	fill_tasks(host, now);
}

/* What would be edited, so that it is checked as every plan's edits are: the store must be what the agent runs with. */
static void fill_edits(const struct plan_agent *agent, struct planner_work *work)
{
	work->edits.items = xcalloc(agent->edit_count + 1, sizeof(*work->edits.items));
	for (size_t i = 0; i < agent->edit_count; i++) {
		const char *name = agent->edits[i].name, *old = flags_get(&agent->before_flags, name);

		work->edits.items[work->edits.count++] = (struct config_edit){.flag = xstrdup(name),
									      .after = old ? xstrdup(old) : NULL};
	}
}

/* -1: the agent is refused, or the database fails. */
static int read_host(const struct planner_input *input, const struct planner_options *options,
		     const struct planner_filter *filter, const struct plan_agent *agent, struct host *host,
		     struct error *err)
{
	host->work = (struct planner_work){.input = input, .options = options, .record = &host->record};
	if (agents_find(input->store, input->cluster_id, agent->agent_id, &host->record, err) < 0)
		return -1;
	if (host->record.gone_ms != 0)
		return error_set(err, ERROR_REFUSED, "the master does not list it any more");
	const struct planner_filter_rule *rule = planner_filter_find(filter, host->record.row);
	if (rule)
		return error_set(err, ERROR_REFUSED, "plans leave it out: %s", rule->reason);
	if (planner_read_survey(&host->work, err) < 0 || planner_check_survey(&host->work, err) < 0 ||
	    planner_check_host(&host->work, err) < 0)
		return -1;
	fill_edits(agent, &host->work);
	if (planner_check_flags(&host->work, err) < 0)
		return -1;
	if (agents_tasks(input->store, input->cluster_id, agent->agent_id, &host->work.tasks, err) < 0)
		return -1;
	/* A rollback is refused for tasks that any restart would end, as a plan is. */
	if (planner_check_tasks(&host->work, 0, err) < 0)
		return -1;
	return planner_check_findings(&host->work, 0, err);
}

static void clear_hosts(struct host *hosts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		planner_work_clear(&hosts[i].work);
		agent_record_clear(&hosts[i].record);
		free(hosts[i].tasks);
	}
	free(hosts);
}

static int read_hosts(const struct planner_input *input, const struct planner_options *options,
		      const struct planner_filter *filter, struct plan_invert_input *run, struct host *hosts,
		      struct plan_now *now, struct error *err)
{
	for (size_t i = 0; i < run->row_count; i++) {
		size_t position = (size_t)run->rows[i].position;
		struct host *host;

		if (position >= run->plan->agent_count || !plan_invert_concerns(&run->rows[i]))
			continue;
		host = &hosts[position];
		if (read_host(input, options, filter, &run->plan->agents[position], host, &host->why) == 0)
			fill_now(host, &now[position]);
		else if (host->why.kind == ERROR_BUG || host->why.kind == ERROR_SYSTEM)
			return error_set(err, host->why.kind, "%s", host->why.text);
		else
			now[position].why_not = host->why.text;
		int64_t surveyed = host->work.survey_row.time_ms;
		if (surveyed > 0 && (run->surveyed_ms == 0 || surveyed < run->surveyed_ms))
			run->surveyed_ms = surveyed;
	}
	return 0;
}

static int check_all(const struct planner_input *input, const struct planner_options *options, const struct plan *plan,
		     struct error *err)
{
	for (size_t i = 0; i < plan->agent_count; i++)
		if (planner_check_masters(input, options, &plan->agents[i], err) < 0)
			return error_prefix(err, "%s", plan->agents[i].hostname);
	return 0;
}

/* The order is the reverse of the change: there are no canaries, and no domain goes first. */
static int complete(const struct planner_input *input, const struct planner_options *options, struct plan *plan,
		    struct error *err)
{
	struct planner_options own = *options;
	struct planner_times times;
	int64_t *rows = xcalloc(plan->agent_count + 1, sizeof(*rows));

	struct agent_list cluster;

	own.canary = own.by = NULL;
	/* Whoever accepted the masters for the run has accepted them for its way back. */
	own.accept_stale_master = plan->accept_stale_master;
	int result = planner_order(input, &own, rows, plan, err);
	free(rows);
	if (result < 0 || planner_times_load(input, &own, &times, err) < 0 || check_all(input, &own, plan, err) < 0 ||
	    agents_load(input->store, input->cluster_id, NULL, &cluster, err) < 0)
		return -1;
	for (size_t i = 0; times.past.agents > 0 && i < plan->agent_count; i++)
		plan->agents[i].expected_away_ms = times.past.median_ms;
	planner_risks_shortage(&cluster, plan);
	planner_fill_options(plan, &own, cluster.count);
	planner_risks_unguarded(&own, plan);
	result = planner_risks_away(input, &cluster, plan, err);
	agent_list_clear(&cluster);
	if (result < 0)
		return -1;
	planner_forecast(&times, plan);
	planner_masters(input, plan);
	return 0;
}

int planner_invert(const struct planner_input *input, const struct planner_options *options,
		   const struct plan_invert_input *run, struct plan *out, struct planner_refusals *refusals,
		   struct error *err)
{
	struct plan_invert_input whole = *run;
	struct host *hosts = xcalloc(run->plan->agent_count + 1, sizeof(*hosts));
	struct plan_now *now = xcalloc(run->plan->agent_count + 1, sizeof(*now));
	struct planner_filter filter = {.rules = NULL};
	struct plan plan;

	whole.now = now;
	whole.now_ms = input->now_ms;
	whole.surveyed_ms = 0;
	int result = planner_filter_load(input, options, &filter, err);
	if (result == 0)
		result = read_hosts(input, options, &filter, &whole, hosts, now, err);
	if (result == 0)
		result = plan_invert(&whole, &plan, refusals, err);
	if (result == 0) {
		plan.synced_ms = input->synced_ms;
		plan.offline = input->offline;
		result = complete(input, options, &plan, err);
		if (result == 0)
			*out = plan;
		else
			plan_clear(&plan);
	}
	planner_filter_clear(&filter);
	clear_hosts(hosts, run->plan->agent_count);
	free(now);
	return result;
}
