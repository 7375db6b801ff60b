/* SPDX-License-Identifier: Apache-2.0 */
/* rollout resume: goes on with a run whose driver ended, or that has paused. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/driver/drive.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/report/plan_text.h"

static int load_plan(struct session *session, const struct run_row *run, struct plan *out)
{
	struct plan_row row;

	if (ledger_find_plan(session_store(session), run->plan, &row, &session->error) < 0)
		return -1;
	int result = plan_parse(row.hash, row.document, row.document_len, out, &session->error);
	plan_row_clear(&row);
	return result;
}

static int record_resume(struct drive *state, const char *run)
{
	ledger_event(state->ledger, "run.resumed", run, NULL, NULL);
	return ledger_commit(state->ledger, &state->session->error);
}

static int resume(struct session *session, const struct run_row *run, bool adopt)
{
	struct drive state;
	struct plan plan;
	int result = -1;

	if (load_plan(session, run, &plan) < 0)
		return -1;
	if (!session->quiet)
		plan_print_summary(&plan, stderr);
	if (drive_open(&state, session, &plan) == 0 && record_resume(&state, run->id) == 0) {
		state.adopt = adopt;
		result = drive(&state, run->id);
	}
	drive_close(&state);
	plan_clear(&plan);
	return result;
}

static int find_and_resume(struct session *session, const char *name, bool adopt)
{
	struct run_row run;

	if (!session_store(session) || ledger_find_run(session_store(session), name, &run, &session->error) < 0)
		return -1;
	int result = resume(session, &run, adopt);
	run_row_clear(&run);
	return result;
}

int command_rollout_resume(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	bool adopt = false;
	const struct option own[] = {DRIVE_ADOPT_OPTION(&adopt), {.name = NULL}};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = find_and_resume(session, operands.items[0], adopt);
	arguments_clear(&operands);
	return result;
}
