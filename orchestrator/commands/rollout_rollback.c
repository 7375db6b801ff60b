/* SPDX-License-Identifier: Apache-2.0 */
/* rollout rollback: shows the plan that takes back what a run has changed, and with --yes carries it out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/rollout.h"
#include "orchestrator/driver/drive.h"
#include "orchestrator/driver/order.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/output.h"
#include "orchestrator/plan/rollback_plan.h"
#include "orchestrator/report/plan_text.h"
#include "orchestrator/session_ledger.h"

/* Until what is under way has finished. Longer than an operation may take, and its proof. */
#define LOOK_MS 200

struct rollback {
	const char *window;
	int64_t max_failures;
	bool yes, adopt;
};

/* A run that goes on changing agents is not taken back: it is paused, and what is under way finishes first. */
static int stop_driver(struct session *session, const char *run)
{
	char *answer = NULL;

	if (!order_is_driven(session, run, NULL))
		return 0;
	int result = order_give(session, run, "pause", &answer);
	free(answer);
	if (result < 0)
		return -1;
	if (order_is_driven(session, run, NULL))
		log_info("waiting until what is under way in run %s has finished", run);
	while (order_is_driven(session, run, NULL))
		usleep(LOOK_MS * 1000);
	return 0;
}

/* live: somebody drives it, and it is only shown what a rollback would take back by now. */
static int check_run(struct session *session, const char *run, bool live)
{
	struct rollout_open open;

	if (rollout_count_open(session, run, &open) < 0)
		return -1;
	if (open.under_way > 0 && !live)
		return error_set(
			&session->error, ERROR_CONFLICT,
			"run %s was left with %zu agent%s under way: `rollcall rollout resume %s` settles %s first",
			run, open.under_way, open.under_way == 1 ? "" : "s", run, open.under_way == 1 ? "it" : "them");
	return 0;
}

static int fill_options(const struct rollback *how, struct planner_options *out, struct error *err)
{
	*out = (struct planner_options)PLANNER_OPTIONS_INIT;
	out->max_failures.number = how->max_failures;
	out->on_failure = ON_FAILURE_PAUSE;
	return how->window ? planner_windows_parse(how->window, &out->windows, err) : 0;
}

static void warn(const char *line)
{
	log_warning("%s", line);
}

static void print_command(const struct session *session, const struct plan *plan, bool live)
{
	struct buffer program = BUFFER_INIT(65536);

	output_program(session, &program);
	if (live)
		printf("\nNothing was changed, and run %s goes on. To pause it, wait for what is under way, and take "
		       "back what is changed then:\n    %s rollout rollback %s --yes\n",
		       plan->rolls_back, buffer_text(&program), plan->rolls_back);
	else
		printf("\nNothing was changed. To carry it out:\n    %s rollout start %.12s\n", buffer_text(&program),
		       plan->hash);
	buffer_clear(&program);
}

static int show_plan(struct session *session, const struct plan *plan, const struct rollback *how, bool live)
{
	if (session->json && !how->yes)
		return output_json(json_pack("{s:s, s:s, s:I, s:I}", "hash", plan->hash, "rolls_back", plan->rolls_back,
					     "agents", (json_int_t)plan->agent_count, "left_out",
					     (json_int_t)plan->left_out_count));
	plan_print(plan, session->json ? stderr : stdout);
	if (!how->yes)
		print_command(session, plan, live);
	return 0;
}

static int plan_and_go(struct session *session, const char *run, const struct rollback *how, bool live)
{
	const struct rollout_start start = {.adopt = how->adopt, .shown = true};
	struct planner_refusals refusals = {.count = 0};
	struct planner_options options;
	struct plan plan;

	if (fill_options(how, &options, &session->error) < 0)
		return -1;
	int result = rollback_plan(session, run, &options, &plan, &refusals);
	planner_refusals_tell(&refusals, " cannot be taken back", warn);
	planner_refusals_clear(&refusals);
	if (result < 0)
		return -1;
	result = show_plan(session, &plan, how, live);
	if (result == 0 && how->yes)
		result = rollout_start(session, &plan, &start);
	plan_clear(&plan);
	return result;
}

/* What it has changed and a copy of the database knows nothing of would stay changed without a word. */
static int check_forgotten(struct session *session, const struct run_row *run)
{
	struct plan plan;

	if (rollout_load_plan(session, run, &plan) < 0)
		return -1;
	int result = drive_check_forgotten(session, &plan, run->id);
	plan_clear(&plan);
	return result;
}

static int roll_back(struct session *session, const char *name, const struct rollback *how)
{
	struct run_row run;

	if (!session_run_store(session) || ledger_find_run(session_store(session), name, &run, &session->error) < 0)
		return -1;
	int result = how->yes ? stop_driver(session, run.id) : 0;
	bool live = !how->yes && order_is_driven(session, run.id, NULL);
	if (result == 0 && (check_run(session, run.id, live) < 0 || check_forgotten(session, &run) < 0))
		result = -1;
	if (result == 0)
		result = plan_and_go(session, run.id, how, live);
	run_row_clear(&run);
	return result;
}

int command_rollout_rollback(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	struct rollback how = {.window = NULL};
	const struct option own[] = {DRIVE_ADOPT_OPTION(&how.adopt),
				     {"window", 0, OPTION_STRING, &how.window, "N|N%|LIST",
				      "how many agents may be away at once while it goes back (default: 1)", 0, 0},
				     {"max-failures", 0, OPTION_INT, &how.max_failures, "N",
				      "so many may fail before the rollback pauses (default: 0)", 0, 1000000},
				     {"yes", 0, OPTION_FLAG, &how.yes, NULL, "carry it out at once", 0, 0},
				     {.name = NULL}};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = roll_back(session, operands.items[0], &how);
	arguments_clear(&operands);
	return result;
}
