/* SPDX-License-Identifier: Apache-2.0 */
/* A run is driven to its end: the driver over the real backends, and the roll. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "orchestrator/driver/drive.h"
#include "orchestrator/driver/driver.h"
#include "orchestrator/driver/gate_runner.h"
#include "orchestrator/outgoing/deliver.h"
#include "orchestrator/output.h"
#include "orchestrator/progress.h"
#include "orchestrator/refresh.h"
#include "orchestrator/report/metrics_file.h"
#include "orchestrator/report/run_view.h"

/* ---- the operator's Ctrl-C */

/* One that an operator has taken back with `resume` still counts here. */
#define INTERRUPTS_MAX 1000

static volatile sig_atomic_t interrupts;
static struct loop *loop_to_wake; /* set before the handlers are */

static void on_signal(int number)
{
	(void)number;
	if (interrupts < INTERRUPTS_MAX)
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

struct real {
	struct loop *loop;
	struct gate_runner *gates;
	struct sender *sender; /* of what observers and webhooks are told; NULL: they are told later */
};

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
	const struct real *real = ctx;
	int64_t sender_ms = real->sender ? sender_step(real->sender) : timeout_ms;

	loop_wait(real->loop, (int)(sender_ms < timeout_ms ? sender_ms : timeout_ms));
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

static void start_gate(void *ctx, uint64_t tag, const struct gate_question *question)
{
	const struct real *real = ctx;

	gate_runner_start(real->gates, tag, question);
}

static bool next_gate(void *ctx, struct gate_result *out)
{
	const struct real *real = ctx;

	return gate_runner_next(real->gates, out);
}

static void cancel_gate(void *ctx, uint64_t tag)
{
	const struct real *real = ctx;

	gate_runner_cancel(real->gates, tag);
}

static int run_driver(struct drive *drive, const char *run, const struct driver_observer *observer)
{
	struct session *session = drive->session;
	struct real real = {
		.loop = session_loop(session),
		.gates = gate_runner_new(session_loop(session), session_http(session), session_http_access(session)),
		.sender = deliver_sender(session)};
	struct driver_backends backends = {
		.ledger = drive->ledger,
		.transport = session_transport(session),
		.master = session_master(session),
		.monotonic_ms = now_monotonic,
		.wall_ms = now_wall,
		.wait = wait_on_loop,
		.interrupts = count_interrupts,
		.random_id = new_random_id,
		.gate_start = start_gate,
		.gate_next = next_gate,
		.gate_cancel = cancel_gate,
		.adopt = drive->adopt,
		.settles = drive->settle,
		.ctx = &real,
	};
	struct handlers old;

	catch_signals(session_loop(session), &old);
	int result = driver_run(drive->plan, drive->targets, run, &backends, observer, &session->error);
	release_signals(&old);
	gate_runner_free(real.gates);
	sender_free(real.sender);
	return result;
}

/* ---- driving */

static bool is_state(const struct run_view *view, enum run_state state)
{
	return strcmp(view->run.state, run_state_name(state)) == 0;
}

int drive_judge(const struct run_view *view, struct error *err)
{
	bool all = view->by_state[AGENT_DONE] == (int)view->count;
	const char *run = view->run.id, *reason = view->run.reason ? view->run.reason : "not every agent was changed";

	if (all && is_state(view, RUN_DONE))
		return run_view_not_taken_back(view) > 0;
	if (is_state(view, RUN_RUNNING))
		return error_set(err, ERROR_INTERRUPTED,
				 "run %s is running, but nobody drives it: `rollcall rollout resume %s`", run, run);
	if (is_state(view, RUN_PAUSED) && driver_is_paused_by_hand(reason))
		return error_set(err, ERROR_INTERRUPTED, "run %s has paused: %s. `rollcall rollout resume %s` goes on",
				 run, reason, run);
	if (all || run_view_failures(view) > 0 || run_view_gates_failed(view) > 0 || !is_state(view, RUN_PAUSED))
		return 1;
	return error_set(err, ERROR_UNREACHABLE, "run %s has paused: %s. `rollcall rollout resume %s` goes on", run,
			 reason, run);
}

static int show_view(struct session *session, struct run_view *view, bool settle)
{
	bool rolls_back = view->run.rollback_due && !settle;

	view->program = session_program(session);
	/* One document: of a run that is being rolled back the rollback's is the last word. */
	if (session->json && !rolls_back)
		output_json(run_view_status(view));
	else if (!session->json)
		run_view_print_roll(view, false, stdout);
	log_info("the report: %s audit report %s", session_program(session), view->run.id);
	if (settle)
		return view->by_state[AGENT_STUCK] + (is_state(view, RUN_PAUSED) ? 0 : view->by_state[AGENT_GATING]) >
		       0;
	return rolls_back ? DRIVE_ROLLBACK_DUE : drive_judge(view, &session->error);
}

/* What a person has paused is shown as well, and that it can be resumed is the last word. */
static void show_stopped(struct drive *drive, const char *run)
{
	struct error ignored = ERROR_INIT, why = drive->session->error;
	struct run_view view;
	size_t under_way = 0;

	if (run_view_load(session_store(drive->session), run, clock_wall_ms(), &view, &ignored) < 0)
		return;
	for (int state = 0; state < AGENT_STATE_COUNT; state++)
		if (agent_state_is_under_way((enum agent_state)state) && state != AGENT_GATING)
			under_way += (size_t)view.by_state[state];
	if (is_state(&view, RUN_PAUSED) && under_way == 0)
		show_view(drive->session, &view, false);
	drive->session->error = why;
	run_view_clear(&view);
}

static int show_result(struct drive *drive, const char *run)
{
	struct session *session = drive->session;
	struct run_view view;

	if (run_view_load(session_store(session), run, clock_wall_ms(), &view, &session->error) < 0)
		return -1;
	view.goes_back = view.run.rollback_due && !drive->settle;
	int result = show_view(session, &view, drive->settle);
	run_view_clear(&view);
	return result;
}

/* Agents that a retry would begin once more. */
static size_t count_retryable(const struct run_view *view)
{
	size_t count = 0;

	for (size_t i = 0; i < view->count; i++)
		count += agent_state_is_failure(view->agents[i].state);
	return count;
}

static void say_at_rest(const struct run_view *view, size_t retryable)
{
	char time[CLOCK_TEXT_MAX];

	clock_format(view->run.finished_ms, time);
	if (retryable == 0)
		log_info("run %s is done since %s: nothing of it is left to do", view->run.id, time);
	else
		log_info(
			"run %s is done since %s: nothing of it is left to go on with. `rollcall rollout retry %s` tries "
			"%zu agent%s once more",
			view->run.id, time, view->run.id, retryable, retryable == 1 ? "" : "s");
}

int drive_at_rest(struct session *session, const char *run, bool retry, int *result)
{
	struct run_view view;

	if (!session_cluster(session))
		return -1;
	if (run_view_load(session_store(session), run, clock_wall_ms(), &view, &session->error) < 0)
		return -1;
	size_t retryable = count_retryable(&view);
	bool rests = is_state(&view, RUN_DONE) && view.by_state[AGENT_STUCK] == 0 && view.by_state[AGENT_GATING] == 0 &&
		     (!retry || retryable == 0);
	if (rests) {
		say_at_rest(&view, retryable);
		*result = show_view(session, &view, false);
		deliver_after_run(session, true);
	}
	run_view_clear(&view);
	return rests;
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

	if (drive_note(drive, run) < 0)
		return -1;
	fflush(stdout); /* the page that was shown comes before the run, also in a file */
	struct progress *progress = progress_new(drive->plan, session->quiet);
	struct metrics_file *metrics = metrics_file_new(session_store(session), drive->plan, run,
							drive->prometheus_file, progress_observer(progress));
	int result = drive_pass_hosts(drive);
	if (result == 0 && drive->adopt)
		result = drive_take_up_forgotten(drive, run);
	if (result == 0)
		result = run_driver(drive, run, metrics_file_observer(metrics));
	metrics_file_free(metrics);
	progress_free(progress);
	if (result < 0)
		left_alone(drive, run);
	/* Whoever leaves at once does not want to wait for a master. */
	if (result == 0 || session->error.kind != ERROR_INTERRUPTED)
		refresh_inventory(session);
	bool left_at_once = result < 0 && session->error.kind == ERROR_INTERRUPTED;
	if (left_at_once)
		show_stopped(drive, run);
	result = result < 0 ? -1 : show_result(drive, run);
	/* A rollback comes now: it tells the rest. */
	if (result != DRIVE_ROLLBACK_DUE)
		deliver_after_run(session, !left_at_once);
	return result;
}
