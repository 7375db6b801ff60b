/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/driver/drive.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "inventory/agents.h"
#include "orchestrator/driver/driver.h"
#include "orchestrator/output.h"
#include "orchestrator/progress.h"
#include "orchestrator/refresh.h"
#include "orchestrator/report/run_view.h"

/* ---- the operator's Ctrl-C */

static volatile sig_atomic_t interrupts;
static struct loop *loop_to_wake; /* set before the handlers are */

static void on_signal(int number)
{
	(void)number;
	if (interrupts < 2)
		interrupts++;
	loop_wake(loop_to_wake);
}

struct handlers {
	struct sigaction interrupt, terminate;
};

static void catch_signals(struct loop *loop, struct handlers *old)
{
	struct sigaction action = {.sa_handler = on_signal};

	interrupts = 0;
	loop_to_wake = loop;
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, &old->interrupt);
	sigaction(SIGTERM, &action, &old->terminate);
}

static void release_signals(const struct handlers *old)
{
	sigaction(SIGINT, &old->interrupt, NULL);
	sigaction(SIGTERM, &old->terminate, NULL);
}

/* ---- the real backends */

static int64_t now_monotonic(void *ctx)
{
	(void)ctx;
	return clock_monotonic_ms();
}

static int64_t now_wall(void *ctx)
{
	(void)ctx;
	return clock_wall_ms();
}

static int wait_on_loop(void *ctx, int64_t timeout_ms)
{
	loop_wait(ctx, (int)timeout_ms);
	return 0;
}

static int count_interrupts(void *ctx)
{
	static int told;

	(void)ctx;
	if (interrupts != 1)
		told = 0;
	if (interrupts == 1 && !told) {
		told = 1;
		log_warning("finishing what is under way; Ctrl-C again leaves at once");
	}
	return interrupts;
}

static void new_random_id(void *ctx, char out[RANDOM_ID_SIZE])
{
	(void)ctx;
	random_id(out);
}

static int run_driver(struct drive *drive, const char *run, const struct driver_observer *observer)
{
	struct session *session = drive->session;
	struct driver_backends backends = {
		.ledger = drive->ledger,
		.transport = session_transport(session),
		.master = session_master(session),
		.monotonic_ms = now_monotonic,
		.wall_ms = now_wall,
		.wait = wait_on_loop,
		.interrupts = count_interrupts,
		.random_id = new_random_id,
		.adopt = drive->adopt,
		.ctx = session_loop(session),
	};
	struct handlers old;

	catch_signals(session_loop(session), &old);
	int result = driver_run(drive->plan, drive->targets, run, &backends, observer, &session->error);
	release_signals(&old);
	return result;
}

/* ---- opening */

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

int drive_open(struct drive *drive, struct session *session, const struct plan *plan)
{
	const struct cluster *cluster = session_cluster(session);
	int64_t cluster_id;

	*drive = (struct drive){.session = session, .plan = plan};
	if (!cluster || session_cluster_id(session, &cluster_id) < 0)
		return -1;
	if (strcmp(cluster->name, plan->cluster) != 0)
		return error_set(&session->error, ERROR_USAGE,
				 "the plan is for cluster %s, and this is %s; --cluster %s", plan->cluster,
				 cluster->name, plan->cluster);
	drive->lock = driver_lock_take(session_database_path(session), session_actor(session), clock_wall_ms(),
				       &session->error);
	if (!drive->lock)
		return -1;
	/* A run that could not even be begun would be in everybody's way. */
	if (!session_transport(session) || !session_master(session))
		return -1;
	drive->ledger = ledger_open(session_store(session), session_actor(session), &session->error);
	/* Nothing is built on a chain that does not hold. */
	if (!drive->ledger || ledger_verify(drive->ledger, NULL, &session->error) < 0)
		return -1;
	drive->hosts = xcalloc(plan->agent_count + 1, sizeof(*drive->hosts));
	drive->targets = xcalloc(plan->agent_count + 1, sizeof(*drive->targets));
	for (size_t i = 0; i < plan->agent_count; i++) {
		if (find_target(drive, i) < 0)
			return -1;
	}
	return 0;
}

void drive_close(struct drive *drive)
{
	for (size_t i = 0; drive->hosts && i < drive->plan->agent_count; i++)
		cluster_host_clear(&drive->hosts[i]);
	free(drive->hosts);
	free(drive->targets);
	ledger_close(drive->ledger);
	driver_lock_release(drive->lock);
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

int drive_begin(struct drive *drive, char *run)
{
	struct session *session = drive->session;
	struct error *err = &session->error;
	struct run_row row = {
		.id = run,
		.plan = (char *)(uintptr_t)drive->plan->hash,
		.state = (char *)(uintptr_t)run_state_name(RUN_RUNNING),
		.created_ms = clock_wall_ms(),
	};

	if (ledger_next_run_id(session_store(session), row.created_ms, run, err) < 0)
		return -1;
	ledger_put_run(drive->ledger, &row);
	put_rows(drive, run);
	ledger_event(drive->ledger, "run.created", run, NULL,
		     json_pack("{s:s, s:s, s:I}", "plan", drive->plan->hash, "cluster", drive->plan->cluster, "agents",
			       (json_int_t)drive->plan->agent_count));
	return ledger_commit(drive->ledger, err);
}

/* ---- driving */

static int show_result(struct drive *drive, const char *run)
{
	struct session *session = drive->session;
	struct run_view view;

	if (run_view_load(session_store(session), run, clock_wall_ms(), &view, &session->error) < 0)
		return -1;
	if (session->json)
		output_json(run_view_status(&view));
	else
		run_view_print_roll(&view, stdout);
	log_info("the report: rollcall audit report %s", run);
	int result = view.by_state[AGENT_DONE] == (int)view.count ? 0 : 1;
	if (result == 1 && run_view_failures(&view) == 0)
		result = error_set(&session->error, ERROR_UNREACHABLE,
				   "run %s has paused: %s. `rollcall rollout resume %s` goes on", run,
				   view.run.reason ? view.run.reason : "not every agent was changed", run);
	run_view_clear(&view);
	return result;
}

/* So that what is asked of the inventory next is already as the run left it. The run itself rests on none of this. */
static void refresh_inventory(struct session *session)
{
	struct error kept = session->error;

	error_clear(&session->error);
	if (refresh_agents(session, NULL) < 0)
		log_warning("the inventory was not brought up to date after the run: %s", session->error.text);
	session->error = kept;
}

static void name_under_way(const struct run_view *view, struct buffer *out)
{
	for (size_t i = 0; i < view->count; i++)
		if (agent_state_is_under_way(view->agents[i].state))
			buffer_printf(out, "%s%s", out->len ? ", " : " with ", view->agents[i].row->hostname);
}

/* What this side could not write or read leaves the run as the ledger has it, and agents on their own. */
static int left_alone(struct drive *drive, const char *run)
{
	struct session *session = drive->session;
	struct error ignored = ERROR_INIT, why = session->error;
	struct buffer names = BUFFER_INIT(64u << 10);
	struct run_view view;

	if (why.kind != ERROR_SYSTEM && why.kind != ERROR_UNREACHABLE)
		return -1;
	if (run_view_load(session_store(session), run, clock_wall_ms(), &view, &ignored) == 0) {
		name_under_way(&view, &names);
		run_view_clear(&view);
	}
	error_clear(&session->error);
	error_set(&session->error, ERROR_INTERRUPTED,
		  "%.400s. Run %s is under way without us%.400s: put that right (free space?), then `rollcall rollout "
		  "resume %s`",
		  why.text, run, buffer_text(&names), run);
	buffer_clear(&names);
	return -1;
}

int drive(struct drive *drive, const char *run)
{
	struct session *session = drive->session;

	if (driver_lock_note(drive->lock, run, &session->error) < 0)
		return -1;
	struct progress *progress = progress_new(drive->plan, session->quiet);
	int result = run_driver(drive, run, progress_observer(progress));
	progress_free(progress);
	if (result < 0)
		left_alone(drive, run);
	/* Whoever leaves at once does not want to wait for a master. */
	if (result == 0 || session->error.kind != ERROR_INTERRUPTED)
		refresh_inventory(session);
	return result < 0 ? -1 : show_result(drive, run);
}
