/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall inventory diff: in what the fleet of two moments differs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "inventory/history.h"
#include "inventory/moment.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"

/* One line of the answer. */
struct difference {
	const char *kind;                          /* "appeared", "left", "new ID", "changed" */
	const struct agent_record *before, *after; /* NULL: was not there, is not there */
	struct agent_changes changes;
};

struct diff {
	struct selector *where; /* NULL: all agents */
	int64_t *chosen; /* keys of the agents that match at one moment or the other; sorted once both are known */
	size_t chosen_count;
	int64_t from_ms, to_ms;
	struct agent_list before, after; /* by ID once sorted */
	struct difference *items;
	size_t count;
};

static void diff_clear(struct diff *diff)
{
	for (size_t i = 0; i < diff->count; i++)
		agent_changes_clear(&diff->items[i].changes);
	free(diff->items);
	free(diff->chosen);
	selector_free(diff->where);
	agent_list_clear(&diff->before);
	agent_list_clear(&diff->after);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct agent_record *)a)->view.id, ((const struct agent_record *)b)->view.id);
}

static int choose(struct store *store, int64_t cluster, struct diff *diff, struct error *err)
{
	int64_t *rows;
	size_t count;

	if (!diff->where)
		return 0;
	if (agents_choose(store, cluster, diff->where, &rows, &count, err) < 0)
		return -1;
	diff->chosen = xreallocarray(diff->chosen, diff->chosen_count + count + 1, sizeof(*diff->chosen));
	if (count)
		memcpy(diff->chosen + diff->chosen_count, rows, count * sizeof(*rows));
	diff->chosen_count += count;
	free(rows);
	return 0;
}

static int compare_keys(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* An agent that left the selection is one that changed: it is kept on both sides. */
static void keep_chosen(const struct diff *diff, struct agent_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (diff->chosen_count &&
		    bsearch(&list->items[i].row, diff->chosen, diff->chosen_count, sizeof(*diff->chosen), compare_keys))
			list->items[kept++] = list->items[i];
		else
			agent_record_clear(&list->items[i]);
	}
	list->count = kept;
}

static void filter(struct diff *diff)
{
	if (!diff->where)
		return;
	if (diff->chosen_count)
		qsort(diff->chosen, diff->chosen_count, sizeof(*diff->chosen), compare_keys);
	keep_chosen(diff, &diff->before);
	keep_chosen(diff, &diff->after);
}

static int load_at(struct session *session, int64_t cluster, struct diff *diff, int64_t time_ms, int64_t now_ms,
		   struct agent_list *out)
{
	struct store *store = session_store(session);

	if (history_travel(store, cluster, time_ms, now_ms, &session->error) < 0 ||
	    agents_load(store, cluster, NULL, out, &session->error) < 0 ||
	    choose(store, cluster, diff, &session->error) < 0)
		return -1;
	if (out->count)
		qsort(out->items, out->count, sizeof(*out->items), compare_ids);
	return history_return(store, &session->error);
}

static void add(struct diff *diff, const char *kind, const struct agent_record *before,
		const struct agent_record *after)
{
	struct difference difference = {.kind = kind, .before = before, .after = after};

	if (before && after)
		agent_changes_find(&before->view, &after->view, &difference.changes);
	if (before && after && difference.changes.count == 0)
		return;
	if ((diff->count & (diff->count - 1)) == 0)
		diff->items = xreallocarray(diff->items, diff->count ? 2 * diff->count : 1, sizeof(*diff->items));
	diff->items[diff->count++] = difference;
}

/* Both lists are sorted by ID: one walk finds who is in one only, and who is in both. */
static void compare_fleets(struct diff *diff)
{
	const struct agent_list *before = &diff->before, *after = &diff->after;

	for (size_t i = 0, j = 0; i < before->count || j < after->count;) {
		int order = i == before->count  ? 1
			    : j == after->count ? -1
						: compare_ids(&before->items[i], &after->items[j]);

		if (order < 0)
			add(diff, "left", &before->items[i++], NULL);
		else if (order > 0)
			add(diff, "appeared", NULL, &after->items[j++]);
		else
			add(diff, "changed", &before->items[i++], &after->items[j++]);
	}
}

static const struct agent_record *record_of(const struct difference *difference)
{
	return difference->after ? difference->after : difference->before;
}

/* By host; on one host the one that left comes first, so that its successor is its neighbour. */
static int compare_differences(const void *left, const void *right)
{
	const struct difference *a = left, *b = right;
	int order = strcmp(record_of(a)->view.hostname, record_of(b)->view.hostname);

	if (order == 0)
		order = record_of(a)->view.port - record_of(b)->view.port;
	if (order == 0)
		order = (a->before == NULL) - (b->before == NULL);
	return order ? order : strcmp(record_of(a)->view.id, record_of(b)->view.id);
}

/* One that left and one that appeared at the same host and port are one agent with a new ID. */
static void pair_successors(struct diff *diff)
{
	size_t kept = 0;

	if (diff->count)
		qsort(diff->items, diff->count, sizeof(*diff->items), compare_differences);
	for (size_t i = 0; i < diff->count; i++) {
		struct difference *last = kept ? &diff->items[kept - 1] : NULL, *next = &diff->items[i];

		if (last && !last->after && !next->before &&
		    strcmp(last->before->view.hostname, next->after->view.hostname) == 0 &&
		    last->before->view.port == next->after->view.port) {
			last->kind = "new ID";
			last->after = next->after;
			agent_changes_find(&last->before->view, &last->after->view, &last->changes);
		} else {
			diff->items[kept++] = *next;
		}
	}
	diff->count = kept;
}

/* ---- what is printed */

static json_t *changes_json(const struct agent_changes *changes)
{
	json_t *array = json_array();

	for (size_t i = 0; i < changes->count; i++)
		json_array_append_new(array, json_pack("{s:o,s:o,s:o}", "what", output_text(changes->items[i].what),
						       "before", output_text(changes->items[i].before), "after",
						       output_text(changes->items[i].after)));
	return array;
}

static int print_json(const struct session *session, const struct diff *diff)
{
	json_t *array = json_array();

	for (size_t i = 0; i < diff->count; i++) {
		const struct difference *item = &diff->items[i];

		json_array_append_new(array,
				      json_pack("{s:s,s:o,s:o,s:o,s:o}", "kind", item->kind, "hostname",
						output_text(record_of(item)->view.hostname), "id_before",
						output_text(item->before ? item->before->view.id : NULL), "id_after",
						output_text(item->after ? item->after->view.id : NULL), "changes",
						changes_json(&item->changes)));
	}
	output_json(json_pack("{s:s,s:o,s:o,s:{s:I,s:I},s:o}", "cluster", session->cluster->name, "from",
			      output_time(diff->from_ms), "to", output_time(diff->to_ms), "agents", "before",
			      (json_int_t)diff->before.count, "after", (json_int_t)diff->after.count, "differences",
			      array));
	return diff->count ? 1 : 0;
}

static void add_row(struct table *table, const struct difference *item, const char *what, const char *before,
		    const char *after)
{
	const char *cells[] = {record_of(item)->view.hostname, item->kind, what, before ? before : "",
			       after ? after : ""};

	table_add(table, cells);
}

static int print_table(const struct session *session, const struct diff *diff)
{
	static const char *const headings[] = {"HOSTNAME", "DIFFERENCE", "WHAT", "BEFORE", "AFTER"};
	struct table *table = table_new(headings, 5);
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < diff->count; i++) {
		const struct difference *item = &diff->items[i];

		if (!item->before || !item->after || strcmp(item->kind, "new ID") == 0)
			add_row(table, item, "id", item->before ? item->before->view.id : NULL,
				item->after ? item->after->view.id : NULL);
		for (size_t j = 0; j < item->changes.count; j++)
			if (strcmp(item->changes.items[j].what, "id") != 0)
				add_row(table, item, item->changes.items[j].what, item->changes.items[j].before,
					item->changes.items[j].after);
	}
	if (diff->count)
		table_print(table, stdout);
	else
		fprintf(stderr, "cluster %s: no difference between %s and %s\n", session->cluster->name,
			clock_format(diff->from_ms, from), clock_format(diff->to_ms, to));
	table_free(table);
	return diff->count ? 1 : 0;
}

static int read_where(struct diff *diff, const char *where, struct error *err)
{
	if (!where)
		return 0;
	diff->where = selector_parse("--where", where, err);
	if (!diff->where)
		return -1;
	if (!selector_fleeting(diff->where))
		return 0;
	return error_set(err, ERROR_USAGE,
			 "--where: no history is kept of %s (nor of tasks, of what they use, of surveys and configs)",
			 selector_fleeting(diff->where));
}

static int load(struct session *session, const struct arguments *operands, const char *where, struct diff *diff)
{
	struct error *err = &session->error;
	int64_t now_ms = clock_wall_ms(), cluster;

	diff->to_ms = now_ms;
	if (moment_parse("T1", operands->items[0], now_ms, &diff->from_ms, err) < 0 ||
	    (operands->count > 1 && moment_parse("T2", operands->items[1], now_ms, &diff->to_ms, err) < 0))
		return -1;
	if (read_where(diff, where, err) < 0 || session_cluster_id(session, &cluster) < 0)
		return -1;
	if (load_at(session, cluster, diff, diff->from_ms, now_ms, &diff->before) < 0)
		return error_prefix(err, "T1");
	if (load_at(session, cluster, diff, diff->to_ms, now_ms, &diff->after) < 0)
		return error_prefix(err, "T2");
	filter(diff);
	return 0;
}

int command_inventory_diff(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	struct diff diff = {.items = NULL};
	const char *where = NULL;
	const struct option own[] = {
		{"where", 0, OPTION_STRING, &where, "EXPR", "only agents that match at one of the two moments", 0, 0},
		{.name = NULL},
	};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0) {
		result = load(session, &operands, where, &diff);
		if (result == 0) {
			compare_fleets(&diff);
			pair_successors(&diff);
			result = session->json ? print_json(session, &diff) : print_table(session, &diff);
		}
	}
	diff_clear(&diff);
	arguments_clear(&operands);
	return result;
}
