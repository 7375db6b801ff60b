/* SPDX-License-Identifier: Apache-2.0 */
/* observer queue: what observers and webhooks are still to be told; and dropping it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/term.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/receivers.h"
#include "orchestrator/output.h"
#include "orchestrator/session_ledger.h"

/* A screen or two; --json has all. */
#define SHOWN   100
#define SEND_MS 30000

/* ---- showing */

static json_t *to_json(const struct outgoing *message, int64_t now_ms)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:f, s:o, s:I, s:o, s:o, s:b}", "number",
			 (json_int_t)message->number, "id", message->id, "to", message->receiver_kind, "name",
			 message->receiver_name, "kind", message->kind, "of", message->lane, "hostname",
			 output_text(message->hostname), "framework", output_text(message->framework), "task",
			 output_text(message->task), "age_seconds", (double)(now_ms - message->created_ms) / 1000,
			 "since", output_time(message->created_ms), "attempts", (json_int_t)message->attempts, "next",
			 message->next_ms < 0 ? json_null() : output_time(message->next_ms), "error",
			 output_text(message->error), "dead", (int)outgoing_is_dead(message, now_ms));
}

static const char *why_not(const struct outgoing *message)
{
	if (message->error)
		return message->error;
	return message->next_ms < 0 ? "waits for the one before it" : "not tried yet";
}

static void add_row(struct table *table, const struct outgoing *message, int64_t now_ms)
{
	char number[32], age[32], attempts[32];
	const char *cells[] = {number,
			       message->receiver_name,
			       message->kind,
			       message->hostname ? message->hostname : message->lane,
			       message->task ? message->task : "-",
			       output_age(message->created_ms, now_ms, age),
			       attempts,
			       outgoing_is_dead(message, now_ms) ? "DEAD" : "waits",
			       why_not(message)};

	snprintf(number, sizeof(number), "%" PRId64, message->number);
	snprintf(attempts, sizeof(attempts), "%" PRId64, message->attempts);
	table_add(table, cells);
}

static void print(const struct session *session, const struct outgoing_list *list, const struct outgoing_counts *counts,
		  int64_t now_ms)
{
	static const char *const headings[] = {"NUMBER", "TO",       "EVENT", "OF",        "TASK",
					       "AGE",    "ATTEMPTS", "STATE", "LAST ERROR"};
	struct table *table = table_new(headings, 9);

	for (size_t i = 0; i < list->count; i++)
		add_row(table, &list->items[i], now_ms);
	table_print(table, stdout);
	table_free(table);
	if ((int64_t)list->count < counts->waiting)
		printf("… and %" PRId64 " more (--json shows all)\n", counts->waiting - (int64_t)list->count);
	if (counts->dead > 0)
		output_told(session, stdout,
			    "%" PRId64
			    " %s dead: not delivered for days, or not wanted. They are still tried, once an hour; "
			    "`rollcall observer queue drop NUMBER` drops one.\n",
			    counts->dead, counts->dead == 1 ? "is" : "are");
}

static int show(struct session *session)
{
	const char *cluster = session->cluster->name;
	int64_t now_ms = clock_wall_ms();
	struct outgoing_counts counts;
	struct outgoing_list list;

	if (outgoing_count(session_store(session), cluster, now_ms, &counts, &session->error) < 0 ||
	    outgoing_load(session_store(session), cluster, session->json ? 0 : SHOWN, &list, &session->error) < 0)
		return -1;
	if (session->json) {
		json_t *array = json_array();

		for (size_t i = 0; i < list.count; i++)
			json_array_append_new(array, to_json(&list.items[i], now_ms));
		output_json(json_pack("{s:s, s:I, s:I, s:o}", "cluster", cluster, "waiting", (json_int_t)counts.waiting,
				      "dead", (json_int_t)counts.dead, "events", array));
	} else if (list.count == 0) {
		puts("Nothing waits to be delivered.");
	} else {
		print(session, &list, &counts, now_ms);
	}
	outgoing_list_clear(&list);
	return 0;
}

/* ---- dropping */

static int drop_one(struct session *session, struct ledger *ledger, const char *name)
{
	struct outgoing message;

	if (outgoing_find(session_store(session), session->cluster->name, name, &message, &session->error) < 0)
		return -1;
	ledger_event(ledger, "outgoing.dropped", NULL, NULL,
		     json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s*, s:s*}", "cluster", session->cluster->name,
			       "number", (json_int_t)message.number, "id", message.id, "to", message.receiver_kind,
			       "name", message.receiver_name, "kind", message.kind, "of", message.lane, "task",
			       message.task, "error", message.error));
	outgoing_clear(&message);
	return 0;
}

/* All of them or none. */
static int drop(struct session *session, const char *const names[], size_t count)
{
	struct ledger *ledger = session_ledger(session);
	int result = ledger ? 0 : -1;

	for (size_t i = 0; i < count && result == 0; i++)
		result = drop_one(session, ledger, names[i]);
	if (result == 0)
		result = ledger_commit(ledger, &session->error);
	ledger_close(ledger);
	if (result == 0 && session->json)
		return output_json(
			json_pack("{s:s, s:I}", "cluster", session->cluster->name, "dropped", (json_int_t)count));
	if (result == 0)
		printf("%zu event%s dropped\n", count, count == 1 ? " is" : "s are");
	return result;
}

static int carry_out(struct session *session, const struct arguments *words, bool send)
{
	if (!session_cluster(session) || !session_store(session))
		return -1;
	if (words->count == 0)
		return send ? observer_deliver(session, true, false, SEND_MS) : show(session);
	if (strcmp(words->items[0], "drop") != 0 || words->count < 2 || send)
		return error_set(&session->error, ERROR_USAGE,
				 "observer queue, observer queue --send, or observer queue drop NUMBER…");
	return drop(session, words->items + 1, words->count - 1);
}

int command_observer_queue(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	bool send = false;
	const struct option own[] = {{"send", 0, OPTION_FLAG, &send, NULL,
				      "send it now, also what waits for its time, as `observer deliver` does", 0, 0},
				     {.name = NULL}};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = carry_out(session, &operands, send);
	arguments_clear(&operands);
	return result;
}
