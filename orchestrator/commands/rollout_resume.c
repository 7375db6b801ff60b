/* SPDX-License-Identifier: Apache-2.0 */
/* rollout resume: goes on with a run whose driver ended or hangs, or that has paused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/rollout.h"
#include "orchestrator/driver/drive.h"
#include "orchestrator/driver/order.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/report/plan_text.h"
#include "orchestrator/report/todo.h"

/* A run that was over gets another end; the first one stays in this event. */
static int record_resume(struct drive *state, const struct run_row *run)
{
	json_t *ended = run->finished_ms ? json_integer((json_int_t)run->finished_ms) : NULL;

	ledger_event(state->ledger, "run.resumed", run->id, NULL, json_pack("{s:o*}", "ended_ms", ended));
	return ledger_commit(state->ledger, &state->session->error);
}

/* An order that the driver finds before it does anything. */
static int put_order(struct drive *state, const char *run, const char *verb)
{
	const char *actor = session_actor(state->session);
	const struct run_order order = {.run = (char *)(uintptr_t)run,
					.verb = (char *)(uintptr_t)verb,
					.actor = (char *)(uintptr_t)actor,
					.time_ms = clock_wall_ms()};

	ledger_put_order(state->ledger, &order);
	return ledger_commit(state->ledger, &state->session->error);
}

/* What is left to do is another plan's; a rollback's is made from the run that it takes back. */
static int refuse_aborted(struct session *session, const struct run_row *run)
{
	struct plan plan;

	if (rollout_load_plan(session, run, &plan) < 0)
		return -1;
	char *words = plan.rolls_back ? xasprintf("rollout rollback %s", plan.rolls_back) : todo_plan_words(&plan);
	error_set(&session->error, ERROR_CONFLICT,
		  "run %s is aborted (%s): nothing of it starts any more. `rollcall %s` shows what is left to do",
		  run->id, run->reason ? run->reason : "no reason is kept", words);
	free(words);
	plan_clear(&plan);
	return -1;
}

/* An aborted run is only brought to its end; and one that was rolled back is over for good. */
static int check_resumable(struct session *session, const struct run_row *run, const struct rollout_resume *how)
{
	struct run_row other;

	if (how->settle)
		return 0;
	int found = ledger_find_rollback_of(session_store(session), run->id, &other, &session->error);
	if (found > 0) {
		error_set(&session->error, ERROR_CONFLICT,
			  "run %s was rolled back by run %s: `rollcall rollout resume %s` goes on with that one",
			  run->id, other.id, other.id);
		run_row_clear(&other);
	}
	if (found != 0)
		return -1;
	if (strcmp(run->state, run_state_name(RUN_ABORTED)) == 0)
		return refuse_aborted(session, run);
	return 0;
}

/* The rollback of a run that is rolled back is what there is to go on with. */
static int follow_rollback(struct session *session, struct run_row *run)
{
	struct run_row other;
	int found = ledger_find_rollback_of(session_store(session), run->id, &other, &session->error);

	if (found > 0 && strcmp(other.state, run_state_name(RUN_DONE)) != 0 &&
	    strcmp(other.state, run_state_name(RUN_ABORTED)) != 0) {
		fprintf(stderr, "Run %s is rolled back by run %s, which is gone on with\n", run->id, other.id);
		run_row_clear(run);
		*run = other;
	} else if (found > 0) {
		run_row_clear(&other);
	}
	return found < 0 ? -1 : 0;
}

static const char *verb_of(const struct rollout_resume *how)
{
	if (how->settle)
		return how->accept_losses ? "settle --accept-losses" : "settle";
	return how->retry ? "retry" : "resume";
}

/* That it is resumed, and what for; to settle leaves the run as it is. */
static int record(struct drive *state, const struct run_row *run, const struct rollout_resume *how)
{
	if (drive_void_orders(state, run->id) < 0)
		return -1;
	if (how->settle)
		return put_order(state, run->id, verb_of(how));
	if (record_resume(state, run) < 0)
		return -1;
	return how->retry ? put_order(state, run->id, "retry") : 0;
}

static int resume(struct session *session, const struct run_row *run, const struct rollout_resume *how)
{
	struct drive state = {.session = session};
	struct plan plan;
	int result = -1;

	if (check_resumable(session, run, how) < 0 || rollout_load_plan(session, run, &plan) < 0)
		return -1;
	if (!session->quiet && !how->settle)
		plan_print_summary(&plan, stderr);
	if (drive_open(&state, session, &plan, how->take_over) == 0 && drive_note(&state, run->id) == 0 &&
	    (how->adopt || how->settle || drive_check_forgotten(session, &plan, run->id) == 0) &&
	    record(&state, run, how) == 0 && rollout_go_into_background(session, how->detach, run->id) == 0) {
		state.settle = how->settle;
		state.adopt = how->adopt;
		state.prometheus_file = how->prometheus_file;
		result = drive_whole(&state, run->id);
	}
	drive_close(&state);
	plan_clear(&plan);
	return result;
}

static const char nothing[] = "no agent of it is stuck, or left with a fate that is not known";

static bool is_over(const struct run_row *run)
{
	return strcmp(run->state, run_state_name(RUN_ABORTED)) == 0 ||
	       strcmp(run->state, run_state_name(RUN_DONE)) == 0;
}

/* Gates of a run that is not over are left for a resume. */
static bool has_left(const struct run_row *run, const struct rollout_open *open)
{
	return open->stuck + open->under_way + (is_over(run) ? open->gating : 0) > 0;
}

static int settle(struct session *session, const struct run_row *run, const struct rollout_resume *how)
{
	struct rollout_open open;

	if (rollout_count_open(session, run->id, &open) < 0)
		return -1;
	/* Hosts may know of more than a copy of the database does. */
	if (how->adopt || has_left(run, &open))
		return resume(session, run, how);
	return order_show(session, run->id, "settle", nothing, "");
}

/* What an aborted run has left open is all that can be gone on with. Whoever has said `resume` may expect more. */
static int check_aborted(struct session *session, const struct run_row *run, struct rollout_resume *how)
{
	struct rollout_open open;

	if (how->retry || how->settle || strcmp(run->state, run_state_name(RUN_ABORTED)) != 0)
		return 0;
	if (rollout_count_open(session, run->id, &open) < 0)
		return -1;
	how->settle = has_left(run, &open);
	if (how->settle)
		log_info(
			"run %s is aborted: nothing of it starts any more, and what it has left open is settled, as by "
			"`rollcall rollout settle %s`",
			run->id, run->id);
	return 0;
}

/* Nobody drives it, or he is to be replaced. */
static int go_on(struct session *session, const struct run_row *run, const struct rollout_resume *how)
{
	if (how->settle)
		return settle(session, run, how);
	int result, rests = drive_at_rest(session, run->id, how->retry, &result);

	if (rests != 0)
		return rests < 0 ? -1 : result;
	return resume(session, run, how);
}

/* A driver that only finishes what is under way, because the run has paused, can go on; every driver can retry and settle. */
static bool takes_orders(struct session *session, const struct run_row *run, const struct rollout_resume *how)
{
	bool always = how->retry || how->settle;

	if (how->take_over || (!always && strcmp(run->state, run_state_name(RUN_PAUSED)) != 0))
		return false;
	return order_is_driven(session, run->id, NULL);
}

/* A driver takes hosts over from its beginning on, or not at all. */
static int check_adoptable(struct session *session, const struct run_row *run, const struct rollout_resume *how)
{
	if (!how->adopt || !takes_orders(session, run, how))
		return 0;
	return error_set(
		&session->error, ERROR_CONFLICT,
		"run %s is driven by a process that does not take hosts over: `rollcall rollout pause %s` ends it when "
		"what is under way has finished, and then --adopt",
		run->id, run->id);
}

static int give_order(struct session *session, const char *run, const char *verb)
{
	char *answer = NULL;
	int result = order_give(session, run, verb, &answer);

	char *also = xasprintf(". It is driven by another process; `rollcall rollout watch %s`", run);
	if (result > 0 && order_show(session, run, verb, answer, also) < 0)
		result = -1;
	free(also);
	free(answer);
	return result;
}

int rollout_resume(struct session *session, const char *name, const struct rollout_resume *how)
{
	struct rollout_resume what = *how;
	struct run_row run;
	int result = 0;

	if (!session_run_store(session) || ledger_find_run(session_store(session), name, &run, &session->error) < 0)
		return -1;
	if (!how->retry && !how->settle && follow_rollback(session, &run) < 0)
		result = -1;
	if (result == 0)
		result = check_aborted(session, &run, &what);
	if (result == 0)
		result = check_adoptable(session, &run, how);
	if (result == 0 && takes_orders(session, &run, how))
		result = give_order(session, run.id, verb_of(how));
	if (result == 0) {
		result = go_on(session, &run, &what);
		/* Settled or not, a run that is aborted has not been gone on with. */
		if (result == 0 && what.settle && !how->settle)
			result = 1;
	} else if (result > 0) {
		result = 0;
	}
	run_row_clear(&run);
	return result;
}

struct wish {
	const char *run;
	struct rollout_resume how;
};

static int resume_wish(struct session *session, void *ctx, struct detach *detach)
{
	struct wish *wish = ctx;

	wish->how.detach = detach;
	return rollout_resume(session, wish->run, &wish->how);
}

int command_rollout_resume(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	struct wish wish = {.run = NULL};
	bool detach = false;
	const struct option own[] = {DRIVE_ADOPT_OPTION(&wish.how.adopt),
				     DRIVE_PROMETHEUS_OPTION(&wish.how.prometheus_file),
				     ROLLOUT_DETACH_OPTION(&detach),
				     {"take-over", 0, OPTION_FLAG, &wish.how.take_over, NULL,
				      "also from a rollcall that hangs and still holds the run: whatever it sends "
				      "later is refused by the hosts",
				      0, 0},
				     {.name = NULL}};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0) {
		wish.run = operands.items[0];
		result = rollout_run(session, detach, resume_wish, &wish);
	}
	arguments_clear(&operands);
	return result;
}
