/* SPDX-License-Identifier: Apache-2.0 */
/* rollout start: carries out a plan that was shown. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/drive.h"
#include "orchestrator/ledger_query.h"
#include "orchestrator/report/plan_text.h"

/* A file names its plan by what is in it; only a plan that this database has shown is carried out. */
static int find_by_file(struct session *session, const char *path, struct plan_row *out)
{
	struct buffer bytes = BUFFER_INIT(PLAN_MAX);
	struct error why = ERROR_INIT;
	char hash[DIGEST_HEX_SIZE];

	if (file_read(path, &bytes, &session->error) < 0)
		return -1;
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

static int start(struct session *session, const struct plan *plan)
{
	struct drive state;
	char run[RUN_ID_SIZE];
	int result = -1;

	if (!session->quiet)
		plan_print_summary(plan, stderr);
	if (drive_open(&state, session, plan) == 0 && drive_check_drift(&state) == 0 && drive_begin(&state, run) == 0) {
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
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = find_plan(session, operands.items[0], &plan);
	if (parsed == 0 && result == 0) {
		result = start(session, &plan);
		plan_clear(&plan);
	}
	arguments_clear(&operands);
	return result;
}
