/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/commands/inventory_columns.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "inventory/history.h"
#include "inventory/moment.h"
#include "orchestrator/choose.h"
#include "orchestrator/output.h"

/* What is shown when only --at or --csv was given. */
#define COLUMNS_NOW  "hostname,id,state,version,domain,cpus.used,cpus,mem.used,mem,tasks,attributes"
#define COLUMNS_THEN "hostname,id,state,version,domain,cpus,mem,attributes"

/* What the options come to. */
struct question {
	struct selector *selector;
	struct listing_wish wish;
	int64_t cluster;
	int64_t at_ms; /* 0: now */
	int64_t synced_ms;
};

static struct table *make_table(const struct listing *listing)
{
	char **headings = xcalloc(listing->columns, sizeof(*headings));
	struct table *table;

	for (size_t i = 0; i < listing->columns; i++) {
		headings[i] = xstrdup(listing->names[i]);
		for (char *c = headings[i]; *c; c++)
			*c = (char)toupper((unsigned char)*c);
	}
	table = table_new((const char *const *)headings, listing->columns);
	for (size_t i = 0; i < listing->columns; i++) {
		if (listing->kinds[i] == CELL_NUMBER)
			table_align_right(table, i);
		free(headings[i]);
	}
	free(headings);
	return table;
}

static void fill_table(struct table *table, const struct listing *listing, const char *nothing)
{
	const char **cells = xcalloc(listing->columns, sizeof(*cells));

	for (size_t row = 0; row < listing->rows; row++) {
		for (size_t i = 0; i < listing->columns; i++) {
			const char *text = listing->cells[row * listing->columns + i].text;

			cells[i] = *text ? text : nothing;
		}
		table_add(table, cells);
	}
	free(cells);
}

static void print_table(const struct listing *listing)
{
	struct table *table = make_table(listing);

	fill_table(table, listing, "-");
	table_print(table, stdout);
	table_free(table);
}

static void print_csv(const struct listing *listing)
{
	struct table *table = table_new((const char *const *)listing->names, listing->columns);

	fill_table(table, listing, "");
	table_print_csv(table, stdout);
	table_free(table);
}

static json_t *cell_json(const struct cell *cell, enum cell_kind kind)
{
	switch (kind) {
	case CELL_NUMBER:
		return cell->number == (double)(int64_t)cell->number ? json_integer((int64_t)cell->number)
								     : json_real(cell->number);
	case CELL_BOOL:
		return json_boolean(cell->number != 0);
	case CELL_TIME:
	case CELL_TEXT:
		break;
	}
	return *cell->text ? output_text(cell->text) : json_null();
}

static int print_json(const struct session *session, const struct question *question, const struct listing *listing)
{
	json_t *columns = json_array(), *rows = json_array();

	for (size_t i = 0; i < listing->columns; i++)
		json_array_append_new(columns, output_text(listing->names[i]));
	for (size_t row = 0; row < listing->rows; row++) {
		const struct cell *cells = listing->cells + row * listing->columns;
		json_t *object = json_object();

		for (size_t i = 0; i < listing->columns; i++)
			json_object_set_new(object, listing->names[i], cell_json(&cells[i], listing->kinds[i]));
		json_array_append_new(rows, object);
	}
	return output_json(json_pack("{s:s,s:o,s:o,s:I,s:o,s:o}", "cluster", session->cluster->name, "synced",
				     output_time(question->synced_ms), "at", output_time(question->at_ms), "count",
				     (json_int_t)listing->agents, "columns", columns, "rows", rows));
}

static int refuse_fleeting(struct session *session, const char *option, const char *name)
{
	return error_set(
		&session->error, ERROR_USAGE,
		"%s: no history is kept of %s (nor of tasks, of what they use, of surveys and configs): leave it "
		"out, or leave --at out",
		option, name);
}

/* Before the database is opened for it: everything that can be wrong with the words. */
static int check_words(struct session *session, const struct inventory_wish *wish, struct question *question)
{
	struct listing columns;
	int result = 0;

	question->wish = (struct listing_wish){wish->columns, wish->sort, wish->group_by};
	if (!wish->columns && !wish->group_by)
		question->wish.columns = wish->at ? COLUMNS_THEN : COLUMNS_NOW;
	if (wish->csv && session->json)
		return error_set(&session->error, ERROR_USAGE, "--csv and --json exclude each other");
	if (wish->at && moment_parse("--at", wish->at, clock_wall_ms(), &question->at_ms, &session->error) < 0)
		return -1;
	if (wish->where && !(question->selector = selector_parse("--where", wish->where, &session->error)))
		return -1;
	if (listing_check(&question->wish, &columns, &session->error) < 0)
		return -1;
	if (wish->at && question->selector && selector_fleeting(question->selector))
		result = refuse_fleeting(session, "--where", selector_fleeting(question->selector));
	else if (wish->at && columns.fleeting)
		result = refuse_fleeting(session, "--columns", columns.fleeting);
	listing_clear(&columns);
	return result;
}

static int load(struct session *session, struct question *question, struct listing *listing)
{
	struct store *store;

	if (session_cluster_id(session, &question->cluster) < 0)
		return -1;
	store = session_store(session);
	if (agents_synced_ms(store, question->cluster, &question->synced_ms, &session->error) < 0)
		return -1;
	if (!question->synced_ms)
		return error_set(&session->error, ERROR_USAGE,
				 "nothing is known of cluster %s yet; run `rollcall inventory sync` first",
				 session_cluster(session)->name);
	if (question->at_ms &&
	    history_travel(store, question->cluster, question->at_ms, clock_wall_ms(), &session->error) < 0)
		return error_prefix(&session->error, "--at");
	if (choose_check_names(session, question->selector) < 0)
		return -1;
	if (listing_load(store, question->cluster, question->selector, &question->wish, listing, &session->error) < 0)
		return -1;
	if (choose_check_columns(session, listing->names, listing->columns - (question->wish.group_by ? 2 : 0)) < 0 ||
	    choose_check_columns(session, listing->sorted, listing->sorts) < 0)
		return -1;
	return question->at_ms ? history_return(store, &session->error) : 0;
}

void inventory_say_cut(size_t shown, size_t rows, bool quiet)
{
	if (!quiet)
		fprintf(stderr, "the first %zu of %zu rows\n", shown, rows);
}

static void cut_rows(struct listing *listing, int64_t limit, bool quiet)
{
	size_t rows = listing->rows;

	if (limit == 0 || (uint64_t)limit >= rows)
		return;
	for (size_t i = (size_t)limit * listing->columns; i < rows * listing->columns; i++)
		free(listing->cells[i].text);
	listing->rows = (size_t)limit;
	inventory_say_cut(listing->rows, rows, quiet);
}

static int print(const struct session *session, const struct inventory_wish *wish, const struct question *question,
		 const struct listing *listing)
{
	if (session->json)
		return print_json(session, question, listing);
	if (wish->csv)
		print_csv(listing);
	else if (listing->rows)
		print_table(listing);
	else
		fprintf(stderr, "no agent of cluster %s%s%s\n", session->cluster->name, wish->where ? " matches: " : "",
			wish->where ? wish->where : " was listed by its master");
	return 0;
}

int inventory_print_columns(struct session *session, const struct inventory_wish *wish)
{
	struct question question = {.selector = NULL};
	struct listing listing = {.names = NULL};
	int result = check_words(session, wish, &question);

	if (result == 0)
		result = load(session, &question, &listing);
	if (result == 0)
		cut_rows(&listing, wish->limit, session->quiet);
	if (result == 0)
		result = print(session, wish, &question, &listing);
	listing_clear(&listing);
	selector_free(question.selector);
	return result;
}

int inventory_order(struct session *session, const char *sort, struct listing *out)
{
	struct inventory_wish wish = {.columns = "id", .sort = sort};
	struct question question = {.selector = NULL};
	struct listing listing = {.names = NULL};
	int result = check_words(session, &wish, &question);

	if (result == 0)
		result = load(session, &question, &listing);
	if (result == 0)
		*out = listing;
	else
		listing_clear(&listing);
	return result;
}
