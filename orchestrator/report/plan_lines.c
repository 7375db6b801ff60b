/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a page: names folded into host sets, paragraphs broken at the terminal's width. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "inventory/hostset.h"
#include "orchestrator/report/plan_text_internal.h"

/* A fleet's names, hardly any of which fold. */
#define NAMES_MAX (32u << 20)

void plan_text_print(const struct buffer *text, FILE *stream)
{
	char *shown = text_printable(buffer_text(text), true);

	fputs(shown, stream);
	free(shown);
}

static void start_line(size_t indent, struct buffer *out)
{
	buffer_putc(out, '\n');
	for (size_t i = 0; i < indent; i++)
		buffer_putc(out, ' ');
}

/* The length of the next set: up to a comma outside of brackets. */
static size_t set_length(const char *text)
{
	int depth = 0;
	size_t len = 0;

	while (text[len] != '\0' && (text[len] != ',' || depth > 0)) {
		depth += text[len] == '[' ? 1 : text[len] == ']' ? -1 : 0;
		len++;
	}
	return len;
}

void plan_text_names(const char *const names[], size_t count, size_t indent, int width, struct buffer *out)
{
	struct buffer folded = BUFFER_INIT(NAMES_MAX);
	size_t column = indent;

	hostset_fold(names, count, &folded);
	for (const char *at = buffer_text(&folded); *at != '\0';) {
		size_t len = set_length(at);
		bool last = at[len] == '\0';

		if (column > indent && column + len + 1 > (size_t)width) {
			start_line(indent, out);
			column = indent;
		}
		buffer_printf(out, "%.*s%s", (int)len, at, last ? "" : ", ");
		column += len + 2;
		at += len + !last;
	}
	buffer_putc(out, '\n');
	buffer_clear(&folded);
}

void plan_text_wrap(const char *first, size_t hang, const char *text, int width, struct buffer *out)
{
	size_t indent = text_width(first) + hang, column = indent - hang, spaces = 0;

	buffer_puts(out, first);
	for (const char *at = text; *at != '\0';) {
		size_t len = strcspn(at, " \n");
		char *word = strndup(at, len);
		size_t wide = word ? text_width(word) : len;

		free(word);
		if (column > indent && column + spaces + wide > (size_t)width) {
			start_line(indent, out);
			column = indent;
			spaces = 0;
		}
		buffer_printf(out, "%*s%.*s", (int)spaces, "", (int)len, at);
		column += spaces + wide;
		at += len;
		spaces = strspn(at, " \n");
		at += spaces;
	}
	buffer_putc(out, '\n');
}
