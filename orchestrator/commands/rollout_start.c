/* SPDX-License-Identifier: Apache-2.0 */
/* rollout start: carries out a plan that was shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/driver/drive.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/report/plan_text.h"

/* A plan whose run has changed something cannot be carried out once more: nothing is as it saw it. */
static int check_earlier_run(struct session *session, const struct run_row *run)
{
	struct run_agent *agents = NULL;
	struct ledger *ledger = ledger_open(session_store(session), session_actor(session), &session->error);
	size_t count = 0, done = 0;

	int result = ledger ? ledger_load_agents(ledger, run->id, &agents, &count, &session->error) : -1;
	ledger_close(ledger);
	for (size_t i = 0; i < count; i++) {
		done += strcmp(agents[i].state, agent_state_name(AGENT_DONE)) == 0;
		run_agent_clear(&agents[i]);
	}
	free(agents);
	if (result == 0 && done > 0)
		return error_set(&session->error, ERROR_CONFLICT,
				 "this plan was already carried out by run %s (%zu of %zu done); `rollcall rollout "
				 "plan` shows what is left to do",
				 run->id, done, count);
	return result;
}

static int check_not_carried_out(struct session *session, const struct plan *plan)
{
	struct run_row run;
	int found = ledger_find_run_of(session_store(session), plan->hash, &run, &session->error);

	if (found <= 0)
		return found;
	int result = 0;
	if (strcmp(run.state, run_state_name(RUN_DONE)) == 0)
		result = check_earlier_run(session, &run);
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

static int find_plan(struct session *session, const char *name, struct plan *out)
{
	struct plan_row row;
	int found;

	if (!session_store(session))
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

static int start(struct session *session, const struct plan *plan, bool adopt)
{
	struct drive state;
	char run[RUN_ID_SIZE];
	int result = -1;

	if (!session->quiet)
		plan_print_summary(plan, stderr);
	if (drive_open(&state, session, plan) == 0 && check_not_carried_out(session, plan) == 0 &&
	    drive_check_unfinished(&state) == 0 && drive_check_drift(&state) == 0 && drive_begin(&state, run) == 0) {
		state.adopt = adopt;
		if (!session->quiet)
			fprintf(stderr, "Run %s\n", run);
		result = drive(&state, run);
	}
	drive_close(&state);
	return result;
}

int command_rollout_start(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	struct plan plan;
	bool adopt = false;
	const struct option own[] = {DRIVE_ADOPT_OPTION(&adopt), {.name = NULL}};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = find_plan(session, operands.items[0], &plan);
	if (parsed == 0 && result == 0) {
		result = start(session, &plan, adopt);
		plan_clear(&plan);
	}
	arguments_clear(&operands);
	return result;
}
