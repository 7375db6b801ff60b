/* SPDX-License-Identifier: Apache-2.0 */
/* observer deliver: sends what observers and webhooks are still to be told. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/receivers.h"
#include "orchestrator/outgoing/deliver.h"
#include "orchestrator/output.h"

#define FOR_MS 30000

static int tell(struct session *session, const struct outgoing_counts *left, bool watched)
{
	if (session->json)
		output_json(json_pack("{s:s, s:I, s:I}", "cluster", session->cluster->name, "waiting",
				      (json_int_t)left->waiting, "dead", (json_int_t)left->dead));
	else if (left->waiting == 0)
		puts("Nothing waits to be delivered.");
	if (left->waiting == 0 || watched)
		return 0;
	return error_set(&session->error, ERROR_UNREACHABLE,
			 "%" PRId64 " event%s %s not delivered; `rollcall observer queue` shows why", left->waiting,
			 left->waiting == 1 ? "" : "s", left->waiting == 1 ? "is" : "are");
}

int observer_deliver(struct session *session, bool now, bool watch, int64_t for_ms)
{
	const struct deliver how = {.for_ms = watch ? -1 : for_ms, .insist = true, .stay = watch};
	const struct cluster *cluster = session_cluster(session);
	struct outgoing_counts left = {.waiting = 0};

	if (!cluster || !session_store(session) ||
	    (now && outgoing_hurry(session_store(session), cluster->name, clock_wall_ms(), &session->error) < 0) ||
	    deliver(session, &how, &left) < 0)
		return -1;
	return tell(session, &left, watch);
}

int command_observer_deliver(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	const char *span = NULL;
	int64_t for_ms = FOR_MS;
	bool watch = false;
	const struct option own[] = {
		{"watch", 0, OPTION_FLAG, &watch, NULL, "until Ctrl-C, also when nothing waits any more", 0, 0},
		{"for", 0, OPTION_STRING, &span, "TIME", "give up after so long (30secs)", 0, 0},
		{.name = NULL},
	};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0 && span && clock_parse_duration(span, &for_ms, &session->error) < 0)
		result = error_prefix(&session->error, "--for");
	if (parsed == 0 && result == 0)
		result = observer_deliver(session, true, watch, for_ms);
	arguments_clear(&operands);
	return result;
}
