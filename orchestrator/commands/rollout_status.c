/* SPDX-License-Identifier: Apache-2.0 */
/* rollout status: how far a run is, from the database alone. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/driver/driver_lock.h"
#include "orchestrator/output.h"
#include "orchestrator/report/run_view.h"

static void print_head(struct session *session, const struct run_view *view)
{
	char *state = run_state_text(view->run.state, view->by_state[AGENT_STUCK]);

	printf("Run %s: %s. Plan %.12s, %s@%d on cluster %s\n", view->run.id, state, view->run.plan, view->plan.config,
	       view->plan.config_version, view->plan.cluster);
	if (strcmp(view->run.state, run_state_name(RUN_RUNNING)) == 0 &&
	    !driver_lock_is_held(session_database_path(session)))
		printf("It is running, but nobody drives it: `rollcall rollout resume %s`\n", view->run.id);
	putchar('\n');
	free(state);
}

static int show(struct session *session, const char *name)
{
	struct run_view view;

	if (!session_store(session) ||
	    run_view_load(session_store(session), name, clock_wall_ms(), &view, &session->error) < 0)
		return -1;
	if (session->json) {
		output_json(run_view_status(&view));
	} else {
		print_head(session, &view);
		run_view_print_roll(&view, stdout);
	}
	run_view_clear(&view);
	return 0;
}

int command_rollout_status(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = show(session, operands.items[0]);
	arguments_clear(&operands);
	return result;
}
