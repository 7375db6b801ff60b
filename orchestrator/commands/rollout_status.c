/* SPDX-License-Identifier: Apache-2.0 */
/* rollout status: how far a run is, from the database alone. */
#include "base/clock.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"
#include "orchestrator/report/run_view.h"

static int show(struct session *session, const char *name)
{
	struct run_view view;

	if (!session_store(session) ||
	    run_view_load(session_store(session), name, clock_wall_ms(), &view, &session->error) < 0)
		return -1;
	if (session->json) {
		output_json(run_view_status(&view));
	} else {
		printf("Run %s: %s. Plan %.12s, %s@%d on cluster %s\n\n", view.run.id, view.run.state, view.run.plan,
		       view.plan.config, view.plan.config_version, view.plan.cluster);
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
