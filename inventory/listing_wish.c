/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/listing_wish.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* More columns than anyone can read; SQLite takes 2000. */
#define COLUMNS_MAX 100

static void columns_clear(struct listing_columns *columns)
{
	for (size_t i = 0; i < columns->count; i++) {
		field_clear(&columns->items[i].field);
		free(columns->items[i].name);
	}
	free(columns->items);
}

void listing_plan_clear(struct listing_plan *plan)
{
	columns_clear(&plan->shown);
	columns_clear(&plan->sort);
	columns_clear(&plan->sums);
}

static int read_column(struct token_reader *reader, bool sorting, struct listing_columns *out)
{
	struct listing_column column = {.name = NULL};
	size_t at;

	if (reader->token.kind != TOKEN_WORD)
		return token_expected(reader, "a column's name, as in hostname,rack,mem.free");
	if (sorting && reader->token.text[0] == '-' && reader->token.text[1]) {
		column.descending = true;
		memmove(reader->token.text, reader->token.text + 1, strlen(reader->token.text));
		reader->token.at++;
	}
	at = reader->token.at;
	if (field_read_column(reader, &column.field) < 0)
		return -1;
	column.name = xstrndup(reader->text + at, reader->last_end - at);
	out->items = xreallocarray(out->items, out->count + 1, sizeof(column));
	out->items[out->count++] = column;
	return 0;
}

static int read_columns(const char *source, const char *text, struct listing_columns *out, struct error *err)
{
	struct token_reader reader = {.source = source, .text = text, .err = err};
	bool sorting = strcmp(source, "--sort") == 0;
	int result = token_next(&reader);

	while (result == 0) {
		result = read_column(&reader, sorting, out);
		if (result == 0 && reader.token.kind == TOKEN_END)
			break;
		if (result == 0 && reader.token.kind != TOKEN_COMMA)
			result = token_expected(&reader, "\",\" or the end");
		if (result == 0 && out->count == COLUMNS_MAX)
			result = token_error(&reader, reader.token.at, "more than %d columns", COLUMNS_MAX);
		if (result == 0)
			result = token_next(&reader);
	}
	token_reader_clear(&reader);
	return result;
}

static bool has_column(const struct listing_columns *columns, const char *name)
{
	for (size_t i = 0; i < columns->count; i++)
		if (strcmp(columns->items[i].name, name) == 0)
			return true;
	return false;
}

/* Where among the figures of a group: a sum, or behind them the number of agents. SIZE_MAX: it is none. */
static size_t figure_of(const struct listing_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->sums.count; i++)
		if (strcmp(plan->sums.items[i].name, name) == 0)
			return i;
	return strcmp(name, "agents") == 0 ? plan->sums.count : SIZE_MAX;
}

static int check_group_sort(struct listing_plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->sort.count; i++) {
		const struct listing_column *column = &plan->sort.items[i];
		size_t figure = figure_of(plan, column->name);

		if (figure != SIZE_MAX && plan->sort.count == 1) {
			plan->by_figure = column->descending ? -1 : 1;
			plan->figure = figure;
		} else if (!has_column(&plan->shown, column->name)) {
			return error_set(err, ERROR_USAGE,
					 "--sort: with --group-by, expected its columns, or agents or a sum alone; "
					 "found %.80s",
					 column->name);
		}
	}
	if (plan->by_figure) {
		columns_clear(&plan->sort);
		plan->sort = (struct listing_columns){NULL, 0};
	}
	return 0;
}

/* Ports and percentages of several agents have no sum. */
static bool can_be_summed(const struct field *field)
{
	if (field->kind == FIELD_RESOURCE)
		return field->share != SHARE_PERCENT;
	return field->kind == FIELD_NUMBER && strcmp(field->name, "port") != 0;
}

static int read_sums(const char *columns, struct listing_plan *out, struct error *err)
{
	if (read_columns("--columns", columns, &out->sums, err) < 0)
		return -1;
	for (size_t i = 0; i < out->sums.count; i++)
		if (!can_be_summed(&out->sums.items[i].field))
			return error_set(err, ERROR_USAGE,
					 "--columns: with --group-by they are added up (cpus, mem.free, tasks); %.80s "
					 "cannot be: a group shows what it is grouped by, how many agents it has, and "
					 "their hosts",
					 out->sums.items[i].name);
	return 0;
}

int listing_plan_read(const struct listing_wish *wish, struct listing_plan *out, struct error *err)
{
	out->grouped = wish->group_by != NULL;
	if (wish->group_by && wish->columns && read_sums(wish->columns, out, err) < 0)
		return -1;
	if (read_columns(wish->group_by ? "--group-by" : "--columns", wish->group_by ? wish->group_by : wish->columns,
			 &out->shown, err) < 0)
		return -1;
	if (wish->sort && read_columns("--sort", wish->sort, &out->sort, err) < 0)
		return -1;
	return out->grouped ? check_group_sort(out, err) : 0;
}
