/* SPDX-License-Identifier: Apache-2.0 */
/* Columns are expressions of the selector's fields; SQLite sorts, and groups are folded as the rows come. */
#include "inventory/listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "inventory/hostset.h"
#include "inventory/listing_wish.h"
#include "inventory/selector_sql.h"

#define SQL_MAX 1000000

static enum cell_kind kind_of(const struct field *field)
{
	switch (field->kind) {
	case FIELD_NUMBER:
	case FIELD_RESOURCE:
		return CELL_NUMBER;
	case FIELD_BOOL:
		return CELL_BOOL;
	case FIELD_TIME:
		return CELL_TIME;
	default:
		return CELL_TEXT;
	}
}

static void add_name(struct listing *listing, const char *name, enum cell_kind kind)
{
	listing->names[listing->columns] = xstrdup(name);
	listing->kinds[listing->columns++] = kind;
}

static void name_columns(const struct listing_plan *plan, struct listing *out)
{
	const struct listing_columns *lists[] = {&plan->shown, &plan->sort, &plan->sums};
	size_t room = plan->shown.count + plan->sums.count + 2;

	*out = (struct listing){.names = xcalloc(room, sizeof(*out->names)),
				.kinds = xcalloc(room, sizeof(*out->kinds))};
	for (size_t i = 0; i < plan->shown.count; i++)
		add_name(out, plan->shown.items[i].name, kind_of(&plan->shown.items[i].field));
	for (size_t i = 0; i < plan->sums.count; i++)
		add_name(out, plan->sums.items[i].name, CELL_NUMBER);
	if (plan->grouped) {
		add_name(out, "agents", CELL_NUMBER);
		add_name(out, "hosts", CELL_TEXT);
	}
	out->sorted = xcalloc(plan->sort.count + 1, sizeof(*out->sorted));
	for (size_t i = 0; i < plan->sort.count; i++)
		out->sorted[out->sorts++] = xstrdup(plan->sort.items[i].name);
	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++)
		for (size_t i = 0; i < lists[l]->count && !out->fleeting; i++)
			if (lists[l]->items[i].field.fleeting)
				out->fleeting = xstrdup(lists[l]->items[i].name);
}

int listing_check(const struct listing_wish *wish, struct listing *out, struct error *err)
{
	struct listing_plan plan = {.grouped = false};
	int result = listing_plan_read(wish, &plan, err);

	if (result == 0)
		name_columns(&plan, out);
	listing_plan_clear(&plan);
	return result;
}

void listing_clear(struct listing *listing)
{
	for (size_t i = 0; i < listing->rows * listing->columns; i++)
		free(listing->cells[i].text);
	for (size_t i = 0; i < listing->columns; i++)
		free(listing->names[i]);
	for (size_t i = 0; i < listing->sorts; i++)
		free(listing->sorted[i]);
	free(listing->cells);
	free(listing->names);
	free(listing->sorted);
	free(listing->kinds);
	free(listing->fleeting);
	*listing = (struct listing){.names = NULL};
}

/* ---- the statement */

static void put_order(struct condition *statement, const struct listing_columns *columns)
{
	for (size_t i = 0; i < columns->count; i++) {
		const struct field *field = &columns->items[i].field;

		if (field->kind == FIELD_VERSION)
			buffer_puts(&statement->sql, "selector_version(a.version)");
		else
			condition_show(statement, field);
		buffer_puts(&statement->sql, columns->items[i].descending ? " DESC, " : ", ");
	}
}

/* The selector's values come first, so that its numbers hold; then the cluster; then those of the columns. */
static void write_statement(const struct listing_plan *plan, const struct selector *selector, int64_t cluster,
			    struct condition *out)
{
	size_t given_count = 0;
	const struct store_value *given = selector ? selector_values(selector, &given_count) : NULL;

	for (size_t i = 0; i <= given_count; i++) {
		struct store_value value = {.type = STORE_INT, .integer = cluster};

		condition_add(out, i < given_count ? given[i] : value);
	}
	buffer_puts(&out->sql, "SELECT a.hostname");
	for (size_t i = 0; i < plan->shown.count; i++) {
		buffer_puts(&out->sql, ", ");
		condition_show(out, &plan->shown.items[i].field);
	}
	for (size_t i = 0; i < plan->sums.count; i++) {
		buffer_puts(&out->sql, ", ");
		condition_show(out, &plan->sums.items[i].field);
	}
	buffer_printf(&out->sql, " FROM agents a INDEXED BY agents_listed WHERE a.cluster = ?%zu AND a.gone_ms IS NULL",
		      given_count + 1);
	if (selector)
		buffer_printf(&out->sql, " AND (%s)", selector_sql(selector));
	buffer_puts(&out->sql, " ORDER BY ");
	put_order(out, &plan->sort);
	if (plan->grouped)
		put_order(out, &plan->shown);
	buffer_puts(&out->sql, "a.hostname, a.id");
}

/* ---- the rows */

static char *number_text(double number)
{
	char text[64];
	size_t len;

	snprintf(text, sizeof(text), "%.3f", number);
	len = strlen(text);
	while (text[len - 1] == '0')
		len--;
	return xstrndup(text, text[len - 1] == '.' ? len - 1 : len);
}

static struct cell read_cell(const struct store_cursor *rows, int column, enum cell_kind kind)
{
	char time[CLOCK_TEXT_MAX];
	const char *text;

	switch (kind) {
	case CELL_NUMBER:
		return (struct cell){number_text(store_real(rows, column)), store_real(rows, column)};
	case CELL_BOOL:
		return (struct cell){xstrdup(store_int(rows, column) ? "true" : "false"),
				     store_int(rows, column) ? 1 : 0};
	case CELL_TIME:
		text = store_int(rows, column) ? clock_format(store_int(rows, column), time) : "";
		return (struct cell){xstrdup(text), (double)store_int(rows, column)};
	case CELL_TEXT:
		break;
	}
	text = store_text(rows, column);
	return (struct cell){xstrdup(text ? text : ""), 0};
}

/* Room for one row more; its cells are the caller's to fill. */
static struct cell *add_row(struct listing *listing)
{
	if ((listing->rows & (listing->rows - 1)) == 0)
		listing->cells = xreallocarray(listing->cells,
					       (listing->rows ? 2 * listing->rows : 1) * listing->columns,
					       sizeof(*listing->cells));
	return listing->cells + listing->columns * listing->rows++;
}

/* The hosts of the group that is being read. */
struct group {
	char **hosts;
	size_t count, room;
};

static void group_add(struct group *group, const char *host)
{
	if (group->count == group->room) {
		group->room = group->room ? 2 * group->room : 16;
		group->hosts = xreallocarray(group->hosts, group->room, sizeof(*group->hosts));
	}
	group->hosts[group->count++] = xstrdup(host);
}

/* Writes the group into the last row, whose sums are numbers by now, and empties it. */
static void group_finish(struct group *group, size_t sums, struct listing *out)
{
	struct cell *cells = out->cells + out->columns * (out->rows - 1);
	struct buffer hosts = BUFFER_INIT(64u << 20);

	for (size_t i = out->columns - 2 - sums; i < out->columns - 2; i++) {
		free(cells[i].text);
		cells[i].text = number_text(cells[i].number);
	}
	hostset_fold((const char *const *)group->hosts, group->count, &hosts);
	cells[out->columns - 2] = (struct cell){number_text((double)group->count), (double)group->count};
	cells[out->columns - 1] = (struct cell){buffer_take(&hosts), 0};
	for (size_t i = 0; i < group->count; i++)
		free(group->hosts[i]);
	group->count = 0;
}

static bool equal_cells(const struct cell *a, const struct cell *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(a[i].text, b[i].text) != 0)
			return false;
	return true;
}

static void read_row(const struct store_cursor *rows, const struct listing_plan *plan, struct group *group,
		     struct listing *out)
{
	size_t shown = plan->shown.count, read = shown + plan->sums.count;
	struct cell *cells = add_row(out);

	out->agents++;
	for (size_t i = 0; i < read; i++)
		cells[i] = read_cell(rows, (int)i + 1, out->kinds[i]);
	if (!plan->grouped)
		return;
	if (group->count && equal_cells(cells - out->columns, cells, shown)) {
		for (size_t i = 0; i < read; i++) {
			if (i >= shown)
				(cells - out->columns)[i].number += cells[i].number;
			free(cells[i].text);
		}
		out->rows--;
	} else if (group->count) {
		out->rows--;
		group_finish(group, plan->sums.count, out);
		out->rows++;
	}
	group_add(group, store_text(rows, 0));
}

static int read_rows(struct store_cursor *rows, const struct listing_plan *plan, struct listing *out, struct error *err)
{
	struct group group = {NULL, 0, 0};
	int more;

	while ((more = store_next(rows, err)) > 0)
		read_row(rows, plan, &group, out);
	if (group.count)
		group_finish(&group, plan->sums.count, out);
	free(group.hosts);
	return more;
}

/* Rows of groups, by the number of their agents or a sum; equal ones stay as they are. */
static void sort_groups(struct listing *listing, size_t by, int direction)
{
	size_t columns = listing->columns;
	struct cell *moved = xcalloc(columns, sizeof(*moved));

	for (size_t i = 1; i < listing->rows; i++) {
		size_t to = i;

		memcpy(moved, listing->cells + i * columns, columns * sizeof(*moved));
		while (to > 0 && direction * (listing->cells[(to - 1) * columns + by].number - moved[by].number) > 0)
			to--;
		memmove(listing->cells + (to + 1) * columns, listing->cells + to * columns,
			(i - to) * columns * sizeof(*moved));
		memcpy(listing->cells + to * columns, moved, columns * sizeof(*moved));
	}
	free(moved);
}

int listing_load(struct store *store, int64_t cluster, const struct selector *selector, const struct listing_wish *wish,
		 struct listing *out, struct error *err)
{
	struct condition statement = {.sql = BUFFER_INIT((size_t)2 * SQL_MAX)};
	struct listing_plan plan = {.grouped = false};
	struct listing listing = {.names = NULL};
	struct store_cursor rows;
	int result = listing_plan_read(wish, &plan, err);

	if (result == 0) {
		name_columns(&plan, &listing);
		write_statement(&plan, selector, cluster, &statement);
		result = store_query_values(store, &rows, err, buffer_text(&statement.sql), statement.values,
					    statement.count);
	}
	if (result == 0) {
		result = read_rows(&rows, &plan, &listing, err);
		store_done(&rows);
	}
	if (result == 0 && plan.by_figure)
		sort_groups(&listing, plan.shown.count + plan.figure, plan.by_figure);
	if (result == 0)
		*out = listing;
	else
		listing_clear(&listing);
	condition_clear(&statement);
	listing_plan_clear(&plan);
	return result;
}
