/* SPDX-License-Identifier: Apache-2.0 */
/* observer list, webhook list: who is told what. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/receivers.h"
#include "orchestrator/outgoing/receivers.h"
#include "orchestrator/output.h"

static json_t *to_json(const struct receiver *receiver, int64_t waiting)
{
	json_t *object = receiver_to_json(receiver);

	json_object_set_new(object, "waiting", json_integer(waiting));
	return object;
}

static void add_row(struct table *table, const struct receiver *receiver, int64_t waiting)
{
	char since[CLOCK_TEXT_MAX], count[32], *url = receiver_shown_url(receiver->url);
	const char *cells[] = {receiver->name,
			       receiver->wants ? receiver->wants : "all events",
			       url,
			       receiver->secret_file ? "signed" : "-",
			       count,
			       receiver->author,
			       clock_format(receiver->created_ms, since)};

	snprintf(count, sizeof(count), "%" PRId64, waiting);
	table_add(table, cells);
	free(url);
}

static void print(const struct receiver_list *list, const int64_t *waiting, const char *kind)
{
	const char *headings[] = {
		"NAME", strcmp(kind, "observer") == 0 ? "FRAMEWORK" : "EVENTS", "URL", "SIGNED", "WAITING", "BY",
		"SINCE"};
	struct table *table = table_new(headings, 7);

	table_align_right(table, 4);
	for (size_t i = 0; i < list->count; i++)
		add_row(table, &list->items[i], waiting[i]);
	table_print(table, stdout);
	table_free(table);
}

static int show_all(struct session *session, const char *kind, const struct receiver_list *list, const int64_t *waiting)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, to_json(&list->items[i], waiting[i]));
	if (session->json)
		return output_json(json_pack("{s:s, s:o}", "cluster", session->cluster->name,
					     strcmp(kind, "observer") == 0 ? "observers" : "webhooks", array));
	json_decref(array);
	if (list->count == 0)
		output_told(session, stdout, "There is no %s of cluster %s; `rollcall %s add --help`\n", kind,
			    session->cluster->name, kind);
	else
		print(list, waiting, kind);
	return 0;
}

static int show(struct session *session, const char *kind)
{
	const struct cluster *cluster = session_cluster(session);
	struct receiver_list list;
	int result = 0;

	if (!cluster || !session_store(session) ||
	    receivers_load(session_store(session), cluster->name, kind, &list, &session->error) < 0)
		return -1;
	int64_t *waiting = xcalloc(list.count + 1, sizeof(*waiting));
	for (size_t i = 0; i < list.count && result == 0; i++)
		result = outgoing_count_for(session_store(session), list.items[i].number, &waiting[i], &session->error);
	if (result == 0)
		result = show_all(session, kind, &list, waiting);
	free(waiting);
	receiver_list_clear(&list);
	return result;
}

static int run(struct session *session, const char *kind, int argc, const char *const argv[],
	       const struct command *self)
{
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = show(session, kind);
	arguments_clear(&operands);
	return result;
}

int command_observer_list(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	return run(ctx, "observer", argc, argv, self);
}

int command_webhook_list(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	return run(ctx, "webhook", argc, argv, self);
}
