/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall inventory backup: a copy of the database, while it is in use. */
#include <inttypes.h>
#include <stdio.h>

#include "inventory/upkeep.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"

static int backup(struct session *session, const char *path)
{
	struct store *store = session_store(session);
	int64_t bytes = 0;

	if (!store || upkeep_backup(store, path, &bytes, &session->error) < 0)
		return -1;
	if (session->json)
		return output_json(json_pack("{s:s,s:o,s:s,s:I}", "database", store_path(store), "file",
					     output_text(path), "uuid", store_uuid(store), "bytes", (json_int_t)bytes));
	printf("%s: a copy of %s, %" PRId64 " bytes\n", path, store_path(store), bytes);
	return 0;
}

int command_inventory_backup(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = backup(session, operands.items[0]);
	arguments_clear(&operands);
	return result;
}
