/* SPDX-License-Identifier: Apache-2.0 */
/* rollout retry: agents that were not changed, or were put back, are changed once more under the same plan. */
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/rollout.h"
#include "orchestrator/driver/drive.h"

int command_rollout_retry(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	struct rollout_resume how = {.retry = true};
	const struct option own[] = {DRIVE_ADOPT_OPTION(&how.adopt), {.name = NULL}};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = rollout_resume(session, operands.items[0], &how);
	arguments_clear(&operands);
	return result;
}
