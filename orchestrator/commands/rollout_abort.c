/* SPDX-License-Identifier: Apache-2.0 */
/* rollout abort: nothing starts ever again, what is under way finishes. */
#include "orchestrator/commands/commands.h"
#include "orchestrator/driver/order.h"

int command_rollout_abort(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = order_carry_out(session, operands.items[0], "abort");
	arguments_clear(&operands);
	return result;
}
