/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/config_csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/text.h"

struct csv_row {
	char **cells; /* one for each column */
	size_t line;  /* where it starts */
};

struct config_csv {
	char **columns;
	size_t column_count;
	size_t key;           /* the column that agents are found by */
	bool by_id;           /* it is id */
	struct csv_row *rows; /* by key, once all are read */
	size_t row_count;
};

struct csv_reader {
	const char *source;
	const char *at, *end;
	size_t line; /* of at, from 1 */
	struct error *err;
};

static int fail(const struct csv_reader *reader, size_t line, const char *what, const char *name)
{
	return error_set(reader->err, ERROR_USAGE, "%s:%zu: %s%s", reader->source, line, what, name);
}

/* ---- cells */

static bool at_line_end(const struct csv_reader *reader)
{
	return reader->at == reader->end || *reader->at == '\n' || *reader->at == '\r';
}

/* Inside quotes everything stands for itself; the quote is written twice. */
static int read_quoted(struct csv_reader *reader, struct buffer *cell)
{
	size_t start = reader->line;

	for (reader->at++; reader->at < reader->end; reader->at++) {
		if (*reader->at == '"') {
			if (++reader->at == reader->end || *reader->at != '"')
				return at_line_end(reader) || *reader->at == ','
					       ? 0
					       : fail(reader, reader->line, "text behind a closing quote", "");
		}
		reader->line += *reader->at == '\n';
		buffer_putc(cell, *reader->at);
	}
	return fail(reader, start, "a quote that is never closed", "");
}

static int read_cell(struct csv_reader *reader, char **out)
{
	struct buffer cell = BUFFER_INIT(CONFIG_CSV_MAX);
	int result = 0;

	if (reader->at < reader->end && *reader->at == '"') {
		result = read_quoted(reader, &cell);
	} else {
		for (; !at_line_end(reader) && *reader->at != ','; reader->at++)
			buffer_putc(&cell, *reader->at);
	}
	if (result == 0)
		*out = xstrndup(buffer_text(&cell), cell.len);
	buffer_clear(&cell);
	return result;
}

static void free_cells(char **cells, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(cells[i]);
	free(cells);
}

/* The cells of one line, and moves behind its end. */
static int read_line(struct csv_reader *reader, char ***out, size_t *count)
{
	char **cells = NULL;
	size_t found = 0;

	for (;;) {
		cells = xreallocarray(cells, found + 1, sizeof(*cells));
		if (read_cell(reader, &cells[found]) < 0) {
			free_cells(cells, found);
			return -1;
		}
		found++;
		if (reader->at == reader->end || *reader->at != ',')
			break;
		reader->at++;
	}
	if (reader->at < reader->end && *reader->at == '\r')
		reader->at++;
	if (reader->at < reader->end && *reader->at == '\n')
		reader->at++;
	reader->line++;
	*out = cells;
	*count = found;
	return 0;
}

/* ---- the table */

/* SIZE_MAX: there is none of that name. */
static size_t find_column(const struct config_csv *csv, const char *name, size_t len)
{
	for (size_t i = 0; i < csv->column_count; i++)
		if (strlen(csv->columns[i]) == len && memcmp(csv->columns[i], name, len) == 0)
			return i;
	return SIZE_MAX;
}

static int check_columns(const struct csv_reader *reader, struct config_csv *csv)
{
	size_t id = find_column(csv, "id", 2), hostname = find_column(csv, "hostname", 8);

	for (size_t i = 0; i < csv->column_count; i++) {
		const char *name = csv->columns[i];

		if (!*name || strpbrk(name, "{}\r\n"))
			return fail(reader, 1, "a column needs a name, without braces: the first line names them", "");
		if (find_column(csv, name, strlen(name)) != i)
			return fail(reader, 1, "there are two columns ", name);
	}
	if (id == SIZE_MAX && hostname == SIZE_MAX)
		return fail(reader, 1, "no column is named hostname or id: which agent would a row be about?", "");
	csv->by_id = id != SIZE_MAX;
	csv->key = csv->by_id ? id : hostname;
	return 0;
}

static int add_row(const struct csv_reader *reader, struct config_csv *csv, size_t line, char **cells, size_t count)
{
	struct csv_row *row;

	if (count == 1 && !*cells[0] && csv->column_count > 1) { /* an empty line */
		free_cells(cells, count);
		return 0;
	}
	if (count != csv->column_count || !*cells[csv->key]) {
		bool keyless = count == csv->column_count;

		free_cells(cells, count);
		return keyless ? fail(reader, line, "the row names no agent: its cell is empty in column ",
				      csv->columns[csv->key])
			       : fail(reader, line, "the row has not as many cells as the first line has names", "");
	}
	csv->rows = xreallocarray(csv->rows, csv->row_count + 1, sizeof(*csv->rows));
	row = &csv->rows[csv->row_count++];
	*row = (struct csv_row){.cells = cells, .line = line};
	return 0;
}

/* qsort has no context; the key cell is moved to the front while it sorts, so this compares first cells. */
static int compare_rows(const void *left, const void *right)
{
	const struct csv_row *a = left, *b = right;
	int order = strcmp(a->cells[0], b->cells[0]);

	return order ? order : (a->line > b->line) - (a->line < b->line);
}

static void swap_keys(struct config_csv *csv)
{
	for (size_t i = 0; i < csv->row_count; i++) {
		char *first = csv->rows[i].cells[0];

		csv->rows[i].cells[0] = csv->rows[i].cells[csv->key];
		csv->rows[i].cells[csv->key] = first;
	}
}

static int sort_rows(const struct csv_reader *reader, struct config_csv *csv)
{
	swap_keys(csv);
	if (csv->row_count)
		qsort(csv->rows, csv->row_count, sizeof(*csv->rows), compare_rows);
	swap_keys(csv);
	for (size_t i = 1; i < csv->row_count; i++)
		if (strcmp(csv->rows[i - 1].cells[csv->key], csv->rows[i].cells[csv->key]) == 0)
			return fail(reader, csv->rows[i].line, "a second row for ", csv->rows[i].cells[csv->key]);
	return 0;
}

static int read_table(struct csv_reader *reader, struct config_csv *csv)
{
	if (read_line(reader, &csv->columns, &csv->column_count) < 0 || check_columns(reader, csv) < 0)
		return -1;
	while (reader->at < reader->end) {
		size_t line = reader->line, count;
		char **cells;

		if (read_line(reader, &cells, &count) < 0 || add_row(reader, csv, line, cells, count) < 0)
			return -1;
	}
	return sort_rows(reader, csv);
}

/* NUL and what is no UTF-8 would end up in flags. */
static int check_bytes(struct csv_reader *reader)
{
	size_t line = 1;

	for (const char *at = reader->at; at < reader->end;) {
		uint32_t code;
		size_t len = text_decode(at, &code);

		if (code == UINT32_MAX || code == 0)
			return fail(reader, line, "a byte that is no UTF-8 text", "");
		line += code == '\n';
		at += len;
	}
	return 0;
}

struct config_csv *config_csv_parse(const char *source, const char *bytes, size_t len, struct error *err)
{
	struct config_csv *csv = xcalloc(1, sizeof(*csv));
	char *text = xmalloc(len + 1); /* with the NUL that text_decode stops at */
	struct csv_reader reader = {.source = source, .at = text, .end = text + len, .line = 1, .err = err};
	int result;

	memcpy(text, bytes, len);
	text[len] = '\0';
	result = check_bytes(&reader);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) /* as spreadsheets write it */
		reader.at += 3;
	if (result == 0)
		result = read_table(&reader, csv);
	free(text);
	if (result == 0)
		return csv;
	config_csv_free(csv);
	return NULL;
}

void config_csv_free(struct config_csv *csv)
{
	if (!csv)
		return;
	for (size_t i = 0; i < csv->row_count; i++)
		free_cells(csv->rows[i].cells, csv->column_count);
	free(csv->rows);
	free_cells(csv->columns, csv->column_count);
	free(csv);
}

bool config_csv_has_column(const struct config_csv *csv, const char *name, size_t name_len)
{
	return find_column(csv, name, name_len) != SIZE_MAX;
}

const char *config_csv_value(const struct config_csv *csv, const char *name, size_t name_len,
			     const struct agent_record *agent)
{
	const char *wanted = csv->by_id ? agent->view.id : agent->view.hostname;
	size_t column = find_column(csv, name, name_len), low = 0, high = csv->row_count;

	while (column != SIZE_MAX && low < high) {
		size_t middle = low + (high - low) / 2;
		char **cells = csv->rows[middle].cells;
		int order = strcmp(wanted, cells[csv->key]);

		if (order == 0)
			return *cells[column] ? cells[column] : NULL;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
