/* SPDX-License-Identifier: Apache-2.0 */
/* rollout settle: the hosts of agents that are stuck, or whose fate is not known, are asked once more, and nothing else is done. */
#include <stdlib.h>

#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/rollout.h"
#include "orchestrator/driver/drive.h"
#include "orchestrator/session_ledger.h"

int rollout_count_open(struct session *session, const char *run, struct rollout_open *out)
{
	struct ledger *ledger = session_ledger(session);
	struct run_agent *agents = NULL;
	size_t count = 0;
	int result = ledger ? ledger_load_agents(ledger, run, &agents, &count, &session->error) : -1;

	*out = (struct rollout_open){.stuck = 0};
	for (size_t i = 0; i < count; i++) {
		int state = agent_state_parse(agents[i].state);

		if (state == AGENT_STUCK)
			out->stuck++;
		else if (state == AGENT_GATING)
			out->gating++;
		else if (state >= 0 && agent_state_is_open((enum agent_state)state))
			out->under_way++;
		run_agent_clear(&agents[i]);
	}
	free(agents);
	ledger_close(ledger);
	return result;
}

int command_rollout_settle(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	struct rollout_resume how = {.settle = true};
	const struct option own[] = {DRIVE_ADOPT_OPTION(&how.adopt),
				     {"accept-losses", 0, OPTION_FLAG, &how.accept_losses, NULL,
				      "tasks that are lost, and do not come back, keep none of the stuck agents so", 0,
				      0},
				     {.name = NULL}};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = rollout_resume(session, operands.items[0], &how);
	arguments_clear(&operands);
	return result;
}
