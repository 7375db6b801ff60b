/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall inventory check: is the database whole, and is its ledger what was written? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "inventory/upkeep.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/output.h"

static void add_problem(void *problems, const char *problem)
{
	json_array_append_new(problems, output_text(problem));
}

static int verify(struct session *session, int64_t *events, struct error *err)
{
	struct ledger *ledger = ledger_open(session_store(session), session_actor(session), err);
	int result = ledger ? ledger_verify(ledger, events, err) : -1;

	ledger_close(ledger);
	return result;
}

/* A broken chain is a problem that was found; anything else is an error of the check. */
static int check_chain(struct session *session, json_t *problems, int64_t *events)
{
	struct error why = ERROR_INIT;

	if (verify(session, events, &why) == 0)
		return 0;
	if (why.kind != ERROR_CORRUPT)
		return error_set(&session->error, why.kind, "%s", why.text);
	add_problem(problems, why.text);
	return 0;
}

static int print(const struct session *session, json_t *problems, int64_t events)
{
	size_t count = json_array_size(problems);

	if (session->json) {
		output_json(json_pack("{s:s,s:s,s:b,s:I,s:O}", "database", store_path(session->store), "uuid",
				      store_uuid(session->store), "whole", count == 0, "events", (json_int_t)events,
				      "problems", problems));
		return count ? 1 : 0;
	}
	for (size_t i = 0; i < count; i++) {
		char *shown = text_printable(json_string_value(json_array_get(problems, i)), false);

		printf("%s\n", shown);
		free(shown);
	}
	if (count)
		output_told(session, stdout,
			    "%s: %zu problem%s; put a backup in its place (`rollcall inventory backup` makes them)\n",
			    store_path(session->store), count, count == 1 ? "" : "s");
	else
		printf("%s: whole; %" PRId64 " events in the ledger, an unbroken chain\n", store_path(session->store),
		       events);
	return count ? 1 : 0;
}

static int check(struct session *session)
{
	struct upkeep_listener listener = {.say = add_problem};
	int64_t events = 0;
	int result;

	if (!session_store(session))
		return -1;
	listener.ctx = json_array();
	result = upkeep_check(session_store(session), &listener, &session->error);
	if (result == 0)
		result = check_chain(session, listener.ctx, &events);
	if (result == 0)
		result = print(session, listener.ctx, events);
	json_decref(listener.ctx);
	return result;
}

int command_inventory_check(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	return command_alone(ctx, self, argc, argv, check);
}
