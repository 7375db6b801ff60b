/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of base/term.h. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/term.h"
#include "base/text.h"

#define GAP 2 /* blanks between columns */

struct cell {
	char *text;
	enum term_style style;
};

struct table {
	size_t columns;
	bool *align_right;
	struct cell *headings; /* NULL: none */
	struct cell *cells;    /* rows * columns */
	size_t rows;
	size_t room; /* rows allocated */
};

static void fill_row(struct cell *row, const char *const texts[], size_t columns, enum term_style style)
{
	for (size_t i = 0; i < columns; i++)
		row[i] = (struct cell){.text = xstrdup(texts[i] != NULL ? texts[i] : ""), .style = style};
}

struct table *table_new(const char *const headings[], size_t columns)
{
	struct table *table = xcalloc(1, sizeof(*table));
	table->columns = columns;
	table->align_right = xcalloc(columns, sizeof(*table->align_right));
	if (headings != NULL) {
		table->headings = xcalloc(columns, sizeof(*table->headings));
		fill_row(table->headings, headings, columns, TERM_BOLD);
	}
	return table;
}

void table_free(struct table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; table->headings != NULL && i < table->columns; i++)
		free(table->headings[i].text);
	for (size_t i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i].text);
	free(table->headings);
	free(table->cells);
	free(table->align_right);
	free(table);
}

void table_align_right(struct table *table, size_t column)
{
	table->align_right[column] = true;
}

void table_add(struct table *table, const char *const cells[])
{
	if (table->rows == table->room) {
		table->room = table->room > 0 ? table->room * 2 : 16;
		table->cells = xreallocarray(table->cells, table->room, table->columns * sizeof(*table->cells));
	}
	fill_row(table->cells + table->rows * table->columns, cells, table->columns, TERM_PLAIN);
	table->rows++;
}

void table_set_style(struct table *table, size_t column, enum term_style style)
{
	if (table->rows > 0)
		table->cells[(table->rows - 1) * table->columns + column].style = style;
}

static void widen(size_t *widths, const struct cell *row, size_t columns)
{
	for (size_t i = 0; i < columns; i++) {
		char *shown = text_printable(row[i].text, false);
		size_t width = text_width(shown);
		if (width > widths[i])
			widths[i] = width;
		free(shown);
	}
}

static void print_cell(const struct cell *cell, size_t blanks, const char *shown, FILE *stream)
{
	fprintf(stream, "%*s", (int)blanks, "");
	if (cell->style == TERM_PLAIN || shown[0] == '\0')
		fputs(shown, stream);
	else
		fprintf(stream, "%s%s%s", term_on(stream, cell->style), shown, term_off(stream));
}

/* No blanks after the last text of a line: they would wrap on a narrow terminal and spoil a diff. */
static void print_row(const struct table *table, const struct cell *row, const size_t *widths, FILE *stream)
{
	size_t pending = 0;
	for (size_t i = 0; i < table->columns; i++) {
		char *shown = text_printable(row[i].text, false);
		size_t spare = widths[i] - text_width(shown);
		size_t left = table->align_right[i] ? spare : 0;
		if (shown[0] != '\0') {
			print_cell(&row[i], pending + left, shown, stream);
			pending = spare - left + GAP;
		} else {
			pending += widths[i] + GAP;
		}
		free(shown);
	}
	fputc('\n', stream);
}

void table_print(const struct table *table, FILE *stream)
{
	size_t *widths = xcalloc(table->columns, sizeof(*widths));
	if (table->headings != NULL)
		widen(widths, table->headings, table->columns);
	for (size_t i = 0; i < table->rows; i++)
		widen(widths, table->cells + i * table->columns, table->columns);
	if (table->headings != NULL)
		print_row(table, table->headings, widths, stream);
	for (size_t i = 0; i < table->rows; i++)
		print_row(table, table->cells + i * table->columns, widths, stream);
	free(widths);
}

/* Newlines stay, because a quoted field may hold them; other control characters do not. */
static void print_csv_field(const char *text, FILE *stream)
{
	char *shown = text_printable(text, true);
	if (strpbrk(shown, ",\"\r\n") == NULL) {
		fputs(shown, stream);
	} else {
		fputc('"', stream);
		for (const char *at = shown; *at != '\0'; at++) {
			if (*at == '"')
				fputc('"', stream);
			fputc(*at, stream);
		}
		fputc('"', stream);
	}
	free(shown);
}

static void print_csv_row(const struct cell *row, size_t columns, FILE *stream)
{
	for (size_t i = 0; i < columns; i++) {
		if (i > 0)
			fputc(',', stream);
		print_csv_field(row[i].text, stream);
	}
	fputs("\r\n", stream);
}

void table_print_csv(const struct table *table, FILE *stream)
{
	if (table->headings != NULL)
		print_csv_row(table->headings, table->columns, stream);
	for (size_t i = 0; i < table->rows; i++)
		print_csv_row(table->cells + i * table->columns, table->columns, stream);
}
