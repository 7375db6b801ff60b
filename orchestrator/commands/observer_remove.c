/* SPDX-License-Identifier: Apache-2.0 */
/* observer remove, webhook remove: somebody is told no more. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/receivers.h"
#include "orchestrator/output.h"
#include "orchestrator/session_ledger.h"

static int put(struct session *session, const struct receiver *receiver, int64_t dropped)
{
	struct ledger *ledger = session_ledger(session);
	char *kind = xasprintf("%s.removed", receiver->kind);
	int result = -1;

	if (ledger) {
		ledger_event(ledger, kind, NULL, NULL,
			     json_pack("{s:I, s:s, s:s, s:I}", "number", (json_int_t)receiver->number, "cluster",
				       receiver->cluster, "name", receiver->name, "dropped", (json_int_t)dropped));
		result = ledger_commit(ledger, &session->error);
	}
	ledger_close(ledger);
	free(kind);
	return result;
}

static int take_away(struct session *session, const struct receiver *receiver, bool drop)
{
	int64_t waiting = 0;

	if (outgoing_count_for(session_store(session), receiver->number, &waiting, &session->error) < 0)
		return -1;
	if (waiting > 0 && !drop)
		return error_set(&session->error, ERROR_REFUSED,
				 "%" PRId64 " event%s still wait%s for %s; `rollcall observer deliver` delivers, "
				 "--drop-waiting drops what waits",
				 waiting, waiting == 1 ? "" : "s", waiting == 1 ? "s" : "", receiver->name);
	if (put(session, receiver, waiting) < 0)
		return -1;
	if (session->json)
		return output_json(json_pack("{s:s, s:s, s:I}", "kind", receiver->kind, "name", receiver->name,
					     "dropped", (json_int_t)waiting));
	printf("%s is told no more", receiver->name);
	if (waiting > 0)
		printf("; %" PRId64 " event%s dropped", waiting, waiting == 1 ? " was" : "s were");
	puts("");
	return 0;
}

static int run(struct session *session, const char *kind, int argc, const char *const argv[],
	       const struct command *self)
{
	struct arguments operands = {NULL, 0};
	struct receiver receiver;
	bool drop = false;
	const struct option own[] = {{"drop-waiting", 0, OPTION_FLAG, &drop, NULL,
				      "also when events wait to be delivered: they are dropped", 0, 0},
				     {.name = NULL}};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = session_receiver(session, kind, operands.items[0], &receiver);
	if (parsed == 0 && result == 0) {
		result = take_away(session, &receiver, drop);
		receiver_clear(&receiver);
	}
	arguments_clear(&operands);
	return result;
}

int command_observer_remove(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	return run(ctx, "observer", argc, argv, self);
}

int command_webhook_remove(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	return run(ctx, "webhook", argc, argv, self);
}
