/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall inventory ignore, unignore and ignores: agents that every plan leaves out. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "base/text.h"
#include "inventory/ignores.h"
#include "inventory/moment.h"
#include "orchestrator/choose.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/output.h"
#include "orchestrator/session_ledger.h"

/* Begins the transaction in which the list is changed. NULL: nothing has begun. */
static struct ledger *begin(struct session *session)
{
	struct ledger *ledger = session_ledger(session);

	if (ledger && store_begin(session->store, &session->error) == 0)
		return ledger;
	ledger_close(ledger);
	return NULL;
}

/* Puts the event of the change there, and ends it. Takes both; body NULL: the change has failed. */
static int end(struct session *session, struct ledger *ledger, const char *kind, json_t *body)
{
	int result = body ? 0 : -1;

	if (body)
		ledger_event(ledger, kind, NULL, NULL, body);
	if (result == 0)
		result = ledger_commit_within(ledger, &session->error);
	ledger_close(ledger);
	if (result == 0)
		return store_commit(session->store, &session->error);
	store_rollback(session->store);
	return -1;
}

static json_t *to_json(const struct session *session, const struct ignore *ignore)
{
	return json_pack("{s:I,s:s,s:o,s:o,s:o,s:o,s:o}", "number", (json_int_t)ignore->number, "cluster",
			 session->cluster->name, "selector", output_text(ignore->selector), "reason",
			 output_text(ignore->reason), "author", output_text(ignore->author), "since",
			 output_time(ignore->created_ms), "until", output_time(ignore->until_ms));
}

/* ---- ignore */

/* A span here is one to come: "2d" is the day after tomorrow. */
static int read_until(const char *text, int64_t now_ms, int64_t *out, struct error *err)
{
	int64_t value = 0;

	if (!text)
		return 0;
	if (moment_read_span(text, &value))
		value = value > 0 && value < INT64_MAX - now_ms ? now_ms + value : now_ms;
	else if (!moment_read_date(text, &value))
		return error_set(err, ERROR_USAGE,
				 "--until %s: a date (2026-12-24, 2026-12-24T12:00Z) or a time from now (2d, 6h)",
				 text);
	if (value <= now_ms)
		return error_set(err, ERROR_USAGE, "--until %s: that has passed already", text);
	*out = value;
	return 0;
}

/* A selector that matches nobody may be meant for agents to come, so it is no error; but it is said. */
static int count_matching(struct session *session, const char *selector, size_t *count)
{
	struct agent_list agents = {.items = NULL};

	if (choose_agents(session, selector, &agents) < 0)
		return -1;
	*count = agents.count;
	agent_list_clear(&agents);
	return 0;
}

/* The event says all that the row does, with its number: `audit verify` compares them. */
static json_t *describe(const struct session *session, const struct ignore *ignore)
{
	return json_pack("{s:I,s:s,s:o,s:o,s:o,s:o,s:I}", "number", (json_int_t)ignore->number, "cluster",
			 session->cluster->name, "selector", output_text(ignore->selector), "reason",
			 output_text(ignore->reason), "until", output_time(ignore->until_ms), "until_ms",
			 ignore->until_ms ? json_integer(ignore->until_ms) : json_null(), "created_ms",
			 (json_int_t)ignore->created_ms);
}

static int put(struct session *session, int64_t cluster, struct ignore *wanted)
{
	struct ledger *ledger = begin(session);

	if (!ledger)
		return -1;
	int result = ignores_add(session->store, cluster, wanted, &wanted->number, &session->error);
	return end(session, ledger, "inventory.ignore", result == 0 ? describe(session, wanted) : NULL);
}

static int add(struct session *session, const char *selector, const char *reason, const char *until)
{
	struct ignore wanted = {.created_ms = clock_wall_ms()};
	size_t matching = 0;
	int64_t cluster;

	if (!reason || reason[strspn(reason, " \t")] == '\0')
		return error_set(
			&session->error, ERROR_USAGE,
			"--reason is missing: whoever reads a plan that leaves these agents out wants to know why");
	/* Events are JSON: other bytes would not be the same there as in the list. */
	if (!text_is_utf8(selector) || !text_is_utf8(reason))
		return error_set(&session->error, ERROR_USAGE,
				 "the expression and --reason must be UTF-8; write them without other characters");
	if (session_cluster_id(session, &cluster) < 0 ||
	    read_until(until, wanted.created_ms, &wanted.until_ms, &session->error) < 0)
		return -1;
	wanted.selector = (char *)(uintptr_t)selector;
	wanted.reason = (char *)(uintptr_t)reason;
	wanted.author = (char *)(uintptr_t)session_actor(session);
	if (ignores_check(session_store(session), cluster, &wanted, &session->error) < 0 ||
	    count_matching(session, selector, &matching) < 0 || put(session, cluster, &wanted) < 0)
		return -1;
	if (session->json)
		return output_json(to_json(session, &wanted));
	printf("Number %" PRId64 ": plans leave %s out: %zu agent%s now (%s)\n", wanted.number, selector, matching,
	       matching == 1 ? "" : "s", reason);
	return 0;
}

int command_inventory_ignore(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	const char *reason = NULL, *until = NULL;
	const struct option own[] = {
		{"reason", 0, OPTION_STRING, &reason, "TEXT",
		 "why; every plan that leaves them out shows it (required)", 0, 0},
		{"until", 0, OPTION_STRING, &until, "TIME",
		 "a date, or a time from now (2d); without it they are left out until `inventory unignore`", 0, 0},
		{.name = NULL},
	};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = add(session, operands.items[0], reason, until);
	arguments_clear(&operands);
	return result;
}

/* ---- unignore */

static int remove_entry(struct session *session, const struct ignore *ignore, int64_t now_ms)
{
	struct ledger *ledger = begin(session);

	if (!ledger)
		return -1;
	int result = ignores_remove(session->store, ignore->number, session_actor(session), now_ms, &session->error);
	return end(session, ledger, "inventory.unignore",
		   result < 0 ? NULL
			      : json_pack("{s:s,s:I,s:o,s:I}", "cluster", session->cluster->name, "number",
					  (json_int_t)ignore->number, "selector", output_text(ignore->selector),
					  "removed_ms", (json_int_t)now_ms));
}

static int take_off(struct session *session, const char *name)
{
	struct ignore found;
	int64_t cluster, now_ms = clock_wall_ms();

	if (session_cluster_id(session, &cluster) < 0 ||
	    ignores_find(session_store(session), cluster, name, now_ms, &found, &session->error) < 0)
		return -1;
	int result = remove_entry(session, &found, now_ms);

	if (result == 0 && session->json)
		output_json(to_json(session, &found));
	else if (result == 0)
		printf("Number %" PRId64 " is off the list: plans have %s again\n", found.number, found.selector);
	ignore_clear(&found);
	return result;
}

int command_inventory_unignore(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = take_off(session, operands.items[0]);
	arguments_clear(&operands);
	return result;
}

/* ---- ignores */

static void add_row(struct table *table, const struct ignore *ignore)
{
	char number[32], since[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];
	const char *cells[] = {number,
			       ignore->selector,
			       ignore->reason,
			       ignore->author,
			       clock_format(ignore->created_ms, since),
			       ignore->until_ms ? clock_format(ignore->until_ms, until) : "removed"};

	snprintf(number, sizeof(number), "%" PRId64, ignore->number);
	table_add(table, cells);
}

static int show(struct session *session, const struct ignore_list *list)
{
	static const char *const headings[] = {"NUMBER", "AGENTS", "REASON", "BY", "SINCE", "UNTIL"};
	json_t *array = json_array();

	if (session->json) {
		for (size_t i = 0; i < list->count; i++)
			json_array_append_new(array, to_json(session, &list->items[i]));
		return output_json(json_pack("{s:s,s:o}", "cluster", session->cluster->name, "ignores", array));
	}
	json_decref(array);
	if (list->count == 0) {
		puts("Nothing is ignored.");
		return 0;
	}
	struct table *table = table_new(headings, 6);
	for (size_t i = 0; i < list->count; i++)
		add_row(table, &list->items[i]);
	table_print(table, stdout);
	table_free(table);
	return 0;
}

int command_inventory_ignores(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	struct ignore_list list;
	int64_t cluster;
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = session_cluster_id(session, &cluster);
	if (parsed == 0 && result == 0)
		result = ignores_load(session_store(session), cluster, clock_wall_ms(), &list, &session->error);
	if (parsed == 0 && result == 0) {
		result = show(session, &list);
		ignore_list_clear(&list);
	}
	arguments_clear(&operands);
	return result;
}
