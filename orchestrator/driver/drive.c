/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a run for driving, and making a new one. */
#include "orchestrator/driver/drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "inventory/agents.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/plan/rollback_plan.h"
#include "orchestrator/session_ledger.h"
#include "orchestrator/survey_hosts.h"

static int find_target(struct drive *drive, size_t i)
{
	const struct plan_agent *agent = &drive->plan->agents[i];
	struct session *session = drive->session;
	struct agent_record record = {.row = 0};

	if (agents_find(session_store(session), session->cluster_id, agent->agent_id, &record, &session->error) < 0)
		return -1;
	int result = cluster_host(session_cluster(session), session_store(session), &record, &drive->hosts[i],
				  &session->error);
	if (result == 0)
		session_target(session_cluster(session), &drive->hosts[i], agent->hostname, &drive->targets[i]);
	agent_record_clear(&record);
	return result;
}

static int check_cluster(struct drive *drive)
{
	struct session *session = drive->session;
	const struct cluster *cluster = session_cluster(session);
	int64_t cluster_id;

	if (!cluster || session_cluster_id(session, &cluster_id) < 0)
		return -1;
	if (strcmp(cluster->name, drive->plan->cluster) != 0)
		return error_set(&session->error, ERROR_USAGE,
				 "the plan is for cluster %s, and this is %s; --cluster %s", drive->plan->cluster,
				 cluster->name, drive->plan->cluster);
	return 0;
}

static int take_lock(struct drive *drive, bool take_over)
{
	struct session *session = drive->session;
	const char *path = session_database_path(session), *actor = session_actor(session);

	drive->lock = take_over ? driver_lock_take_over(path, actor, clock_wall_ms(), &session->error)
				: driver_lock_take(path, actor, clock_wall_ms(), &session->error);
	return drive->lock ? 0 : -1;
}

static void forget_targets(struct drive *drive)
{
	for (size_t i = 0; drive->hosts && i < drive->plan->agent_count; i++)
		cluster_host_clear(&drive->hosts[i]);
	free(drive->hosts);
	free(drive->targets);
	drive->hosts = NULL;
	drive->targets = NULL;
}

static int find_targets(struct drive *drive)
{
	drive->hosts = xcalloc(drive->plan->agent_count + 1, sizeof(*drive->hosts));
	drive->targets = xcalloc(drive->plan->agent_count + 1, sizeof(*drive->targets));
	for (size_t i = 0; i < drive->plan->agent_count; i++) {
		if (find_target(drive, i) < 0)
			return -1;
	}
	return 0;
}

int drive_open(struct drive *drive, struct session *session, const struct plan *plan, bool take_over)
{
	*drive = (struct drive){.session = session, .plan = plan};
	if (check_cluster(drive) < 0 || take_lock(drive, take_over) < 0)
		return -1;
	/* A run that could not even be begun would be in everybody's way. */
	if (!session_transport(session) || !session_master(session))
		return -1;
	drive->ledger = session_ledger(session);
	/* Nothing is built on a chain that does not hold. */
	if (!drive->ledger || ledger_verify(drive->ledger, NULL, &session->error) < 0)
		return -1;
	return find_targets(drive);
}

int drive_note(struct drive *drive, const char *run)
{
	const struct plan *plan = drive->plan;
	char *what = plan->rolls_back
			     ? xasprintf("plan %.12s, %s on cluster %s", plan->hash, plan->config, plan->cluster)
			     : xasprintf("plan %.12s, %s@%d on cluster %s", plan->hash, plan->config,
					 plan->config_version, plan->cluster);
	int result = driver_lock_note(drive->lock, run, what, &drive->session->error);

	free(what);
	return result;
}

int drive_use_plan(struct drive *drive, const struct plan *plan)
{
	forget_targets(drive);
	drive->plan = plan;
	return find_targets(drive);
}

void drive_close(struct drive *drive)
{
	forget_targets(drive);
	ledger_close(drive->ledger);
	driver_lock_release(drive->lock);
}

/* Orders that nobody carried out: whoever was told has ended before. */
int drive_void_orders(struct drive *drive, const char *run)
{
	struct session *session = drive->session;
	struct run_order order;
	int found;

	while ((found = ledger_next_order(drive->ledger, run, &order, &session->error)) > 0) {
		order.done_ms = clock_wall_ms();
		free(order.answer);
		order.answer = xstrdup(ORDER_VOID "whoever drove the run ended before it was carried out");
		ledger_put_order(drive->ledger, &order);
		run_order_clear(&order);
		if (ledger_commit(drive->ledger, &session->error) < 0)
			return -1;
	}
	return found;
}

/* ---- a new run */

static void put_rows(struct drive *drive, const char *run)
{
	for (size_t i = 0; i < drive->plan->agent_count; i++) {
		const struct plan_agent *agent = &drive->plan->agents[i];
		const struct run_agent row = {
			.run = (char *)(uintptr_t)run,
			.position = (int64_t)i,
			.agent_id = agent->agent_id,
			.hostname = agent->hostname,
			.state = (char *)(uintptr_t)agent_state_name(AGENT_WAITING),
		};

		ledger_put_agent(drive->ledger, &row);
	}
}

int drive_check_unfinished(struct drive *drive)
{
	struct session *session = drive->session;
	char *unfinished = NULL;

	int found = ledger_find_unfinished(session_store(session), drive->plan->cluster, &unfinished, &session->error);
	if (found > 0)
		error_set(&session->error, ERROR_CONFLICT,
			  "run %s was left with agents under way; `rollcall rollout resume %s` asks their hosts and "
			  "settles them first",
			  unfinished, unfinished);
	free(unfinished);
	return found == 0 ? 0 : -1;
}

static int load_agents(struct drive *drive, struct agent_list *out)
{
	struct session *session = drive->session;

	out->items = xcalloc(drive->plan->agent_count + 1, sizeof *out->items);
	for (size_t i = 0; i < drive->plan->agent_count; i++) {
		if (agents_find(session_store(session), session->cluster_id, drive->plan->agents[i].agent_id,
				&out->items[i], &session->error) < 0)
			return -1;
		out->count++;
	}
	return 0;
}

static int find_greatest_epoch(struct drive *drive, const struct agent_list *agents, int64_t *greatest)
{
	struct session *session = drive->session;

	for (size_t i = 0; i < agents->count; i++) {
		int64_t seen = 0;

		if (ledger_seen_epoch_by(session_store(session), agents->items[i].row, &seen, &session->error) < 0)
			return -1;
		if (seen > *greatest)
			*greatest = seen;
	}
	return 0;
}

/* Hosts that are taken over obey a newer epoch only, also where it is this database that has driven them: of a copy from before. So
 * they are asked what they have seen. */
int drive_pass_hosts(struct drive *drive)
{
	struct agent_list agents = {.count = 0};
	struct survey_counts counts;
	int64_t greatest = 0;
	int result = 0;

	if (drive->adopt && !drive->hosts_passed) {
		result = load_agents(drive, &agents);
		if (result == 0)
			result = survey_hosts(drive->session, &agents, SURVEY_PARALLEL, NULL, &counts);
		if (result == 0)
			result = find_greatest_epoch(drive, &agents, &greatest);
		agent_list_clear(&agents);
		if (result == 0)
			ledger_set_epoch_floor(drive->ledger, greatest);
		drive->hosts_passed = result == 0;
	}
	return result;
}

/* The run that the plan takes back ends with this one's beginning, in the same commit. */
static int put_rolled_back(struct drive *drive, const char *run, const char *by)
{
	struct session *session = drive->session;
	struct run_row row = {.id = NULL};

	if (rollback_plan_check(session, drive->plan) < 0 ||
	    ledger_load_run(drive->ledger, run, &row, &session->error) < 0)
		return -1;
	free(row.state);
	free(row.reason);
	row.state = xstrdup(run_state_name(RUN_ABORTED));
	row.reason = xasprintf("rolled back by run %s", by);
	row.rollback_due = 0;
	if (row.finished_ms == 0)
		row.finished_ms = clock_wall_ms();
	ledger_event(drive->ledger, "run.rolled_back", run, NULL, json_pack("{s:s}", "by", by));
	ledger_put_run(drive->ledger, &row);
	run_row_clear(&row);
	return 0;
}

int drive_begin(struct drive *drive, char *run)
{
	struct session *session = drive->session;
	struct error *err = &session->error;
	const struct plan *plan = drive->plan;
	struct run_row row = {
		.id = run,
		.plan = (char *)(uintptr_t)plan->hash,
		.state = (char *)(uintptr_t)run_state_name(RUN_RUNNING),
		.created_ms = clock_wall_ms(),
		.rolls_back = plan->rolls_back,
	};

	if (drive_pass_hosts(drive) < 0 || ledger_next_run_id(session_store(session), row.created_ms, run, err) < 0)
		return -1;
	ledger_event(drive->ledger, "run.created", run, NULL,
		     json_pack("{s:s, s:s, s:I, s:s*}", "plan", plan->hash, "cluster", plan->cluster, "agents",
			       (json_int_t)plan->agent_count, "rolls_back", plan->rolls_back));
	ledger_put_run(drive->ledger, &row);
	put_rows(drive, run);
	if (plan->rolls_back && put_rolled_back(drive, plan->rolls_back, run) < 0) {
		ledger_discard(drive->ledger);
		return -1;
	}
	return ledger_commit(drive->ledger, err);
}
