/* SPDX-License-Identifier: Apache-2.0 */
/* rollout start: carries out a plan that was shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/rollout.h"
#include "orchestrator/detach.h"
#include "orchestrator/driver/drive.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/output.h"
#include "orchestrator/report/plan_text.h"
#include "orchestrator/report/todo.h"
#include "orchestrator/session_ledger.h"

/* Of a rollback's run too: what it has left is planned for from the run that it takes back. */
static int refuse_earlier_run(struct session *session, const struct plan *plan, const char *run, size_t done,
			      size_t count)
{
	char *words = plan->rolls_back ? xasprintf("rollout rollback %s", plan->rolls_back) : todo_plan_words(plan);

	error_set(
		&session->error, ERROR_CONFLICT,
		"this plan was already carried out by run %s (%zu of %zu done); `rollcall %s` shows what is left to do",
		run, done, count, words);
	free(words);
	return -1;
}

/* A plan whose run has changed something cannot be carried out once more: nothing is as it saw it. */
static int check_earlier_run(struct session *session, const struct plan *plan, const struct run_row *run)
{
	struct run_agent *agents = NULL;
	struct ledger *ledger = session_ledger(session);
	size_t count = 0, done = 0;

	int result = ledger ? ledger_load_agents(ledger, run->id, &agents, &count, &session->error) : -1;
	ledger_close(ledger);
	for (size_t i = 0; i < count; i++) {
		done += strcmp(agents[i].state, agent_state_name(AGENT_DONE)) == 0;
		run_agent_clear(&agents[i]);
	}
	free(agents);
	if (result == 0 && done > 0)
		return refuse_earlier_run(session, plan, run->id, done, count);
	return result;
}

static int check_not_carried_out(struct session *session, const struct plan *plan)
{
	struct run_row run;
	int found = ledger_find_run_of(session_store(session), plan->hash, &run, &session->error);

	if (found <= 0)
		return found;
	int result = 0;
	if (strcmp(run.state, run_state_name(RUN_DONE)) == 0 || strcmp(run.state, run_state_name(RUN_ABORTED)) == 0)
		result = check_earlier_run(session, plan, &run);
	else
		result = error_set(
			&session->error, ERROR_CONFLICT,
			"this plan is being carried out by run %s, which %s; `rollcall rollout resume %s` goes on "
			"with it",
			run.id, strcmp(run.state, run_state_name(RUN_PAUSED)) == 0 ? "has paused" : "is not finished",
			run.id);
	run_row_clear(&run);
	return result;
}

/* A file names its plan by what is in it; only a plan that this database has shown is carried out. */
static int find_by_file(struct session *session, const char *path, struct plan_row *out)
{
	struct buffer bytes = BUFFER_INIT(PLAN_MAX);
	struct error why = ERROR_INIT;
	char hash[DIGEST_HEX_SIZE];

	if (file_read(path, &bytes, &session->error) < 0) {
		session_blame_file(session, path);
		return -1;
	}
	digest_hex(buffer_text(&bytes), bytes.len, hash);
	buffer_clear(&bytes);
	if (ledger_find_plan(session_store(session), hash, out, &why) == 0)
		return 0;
	if (why.kind != ERROR_USAGE)
		return error_set(&session->error, why.kind, "%s", why.text);
	return error_set(
		&session->error, ERROR_REFUSED,
		"%s: no plan with these bytes was made in %s; it was edited, or comes from another database. Make it "
		"again with `rollcall rollout plan`",
		path, store_path(session_store(session)));
}

int rollout_find_plan(struct session *session, const char *name, struct plan *out)
{
	struct plan_row row;
	int found;

	if (!session_run_store(session))
		return -1;
	if (strchr(name, '/') || file_exists(name))
		found = find_by_file(session, name, &row);
	else
		found = ledger_find_plan(session_store(session), name, &row, &session->error);
	if (found < 0)
		return -1;
	int result = plan_parse(row.hash, row.document, row.document_len, out, &session->error);
	plan_row_clear(&row);
	return result;
}

int rollout_load_plan(struct session *session, const struct run_row *run, struct plan *out)
{
	struct plan_row row;

	if (ledger_find_plan(session_store(session), run->plan, &row, &session->error) < 0)
		return -1;
	int result = plan_parse(row.hash, row.document, row.document_len, out, &session->error);
	plan_row_clear(&row);
	return result;
}

/* ---- starting */

static int begin_and_drive(struct drive *state, struct detach *detach)
{
	struct session *session = state->session;
	char run[RUN_ID_SIZE];

	if (drive_begin(state, run) < 0 || rollout_go_into_background(session, detach, run) < 0)
		return -1;
	if (!session->quiet)
		fprintf(stderr, "Run %s\n", run);
	return drive_whole(state, run);
}

static int start(struct session *session, const struct plan *plan, const struct rollout_start *how,
		 struct detach *detach)
{
	struct drive state = {.session = session};
	int result = -1;

	if (!session->quiet && !how->shown)
		plan_print_summary(plan, stderr);
	if (drive_open(&state, session, plan, false) == 0 && drive_note(&state, NULL) == 0 &&
	    check_not_carried_out(session, plan) == 0 && drive_check_unfinished(&state) == 0 &&
	    drive_check_drift(&state) == 0) {
		state.adopt = how->adopt;
		state.prometheus_file = how->prometheus_file;
		result = begin_and_drive(&state, detach);
	}
	drive_close(&state);
	return result;
}

int rollout_start(struct session *session, const struct plan *plan, const struct rollout_start *how)
{
	return start(session, plan, how, NULL);
}

static int find_and_start(struct session *session, const char *name, const struct rollout_start *how,
			  struct detach *detach)
{
	struct plan plan;

	if (rollout_find_plan(session, name, &plan) < 0)
		return -1;
	int result = start(session, &plan, how, detach);
	plan_clear(&plan);
	return result;
}

struct wish {
	const char *name;
	struct rollout_start how;
};

static int start_wish(struct session *session, void *ctx, struct detach *detach)
{
	const struct wish *wish = ctx;

	return find_and_start(session, wish->name, &wish->how, detach);
}

int command_rollout_start(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	struct wish wish = {.name = NULL};
	bool detach = false;
	const struct option own[] = {DRIVE_ADOPT_OPTION(&wish.how.adopt),
				     DRIVE_PROMETHEUS_OPTION(&wish.how.prometheus_file),
				     ROLLOUT_DETACH_OPTION(&detach),
				     {.name = NULL}};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0) {
		wish.name = operands.items[0];
		result = rollout_run(session, detach, start_wish, &wish);
	}
	arguments_clear(&operands);
	return result;
}
