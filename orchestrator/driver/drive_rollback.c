/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rollback that a run's own plan asks for. That it is due is in the run's row since the commit that paused it; that it
 * has a run of its own is in one commit with that run. Killed anywhere between, whoever resumes the first goes on here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "orchestrator/driver/drive.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/plan/rollback_plan.h"
#include "orchestrator/report/plan_text.h"

static int load_plan(struct session *session, const char *hash, struct plan *out)
{
	struct plan_row row;

	if (ledger_find_plan(session_store(session), hash, &row, &session->error) < 0)
		return -1;
	int result = plan_parse(row.hash, row.document, row.document_len, out, &session->error);
	plan_row_clear(&row);
	return result;
}

/* As wide as the window was that the operator has agreed to. One failure more pauses it: nobody has looked yet. */
static struct planner_options options_of(const struct plan *plan)
{
	struct planner_options options = PLANNER_OPTIONS_INIT;

	options.windows.items[0] = (struct planner_amount){.number = plan->options.window};
	options.windows.count = 1;
	options.domain_window = (struct planner_amount){.number = plan->options.domain_window};
	options.on_failure = ON_FAILURE_PAUSE;
	return options;
}

static void warn(const char *line)
{
	log_warning("%s", line);
}

static int make_plan(struct drive *state, const char *run, struct plan *out)
{
	struct planner_options options = options_of(state->plan);
	struct planner_refusals refusals = {.count = 0};
	int result = rollback_plan(state->session, run, &options, out, &refusals);

	planner_refusals_tell(&refusals, " cannot be taken back", warn);
	planner_refusals_clear(&refusals);
	if (result < 0)
		error_prefix(&state->session->error, "run %s is to be rolled back, and cannot be yet", run);
	return result;
}

static int begin_and_drive(struct drive *state, const struct plan *plan, const char *existing)
{
	struct session *session = state->session;
	char run[RUN_ID_SIZE];

	if (drive_use_plan(state, plan) < 0)
		return -1;
	if (existing)
		snprintf(run, sizeof(run), "%s", existing);
	else if (drive_begin(state, run) < 0)
		return -1;
	if (!session->quiet) {
		plan_print_summary(plan, stderr);
		fprintf(stderr, "Run %s\n", run);
	}
	int result = drive(state, run);
	return result == 0 ? 1 : result;
}

int drive_rollback(struct drive *state, const char *run)
{
	struct session *session = state->session;
	struct run_row other = {.id = NULL};
	struct plan plan;
	int found = ledger_find_rollback_of(session_store(session), run, &other, &session->error), result = -1;

	log_info("run %s is rolled back, as its plan says", run);
	if (found > 0)
		result = load_plan(session, other.plan, &plan);
	else if (found == 0)
		result = make_plan(state, run, &plan);
	if (result == 0) {
		const struct plan *first = state->plan;

		result = begin_and_drive(state, &plan, other.id);
		/* What the caller opened with is what it closes with. */
		if (drive_use_plan(state, first) < 0)
			result = -1;
		plan_clear(&plan);
	}
	run_row_clear(&other);
	return result;
}

int drive_whole(struct drive *state, const char *run)
{
	int result = drive(state, run);

	return result == DRIVE_ROLLBACK_DUE ? drive_rollback(state, run) : result;
}
