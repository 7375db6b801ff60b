/* SPDX-License-Identifier: Apache-2.0 */
/* The selector's grammar, read by recursive descent and written as SQL while it is read. No byte of the user's text
 * reaches the SQL: fields come from a table, everything else is a parameter. */
#include "inventory/selector.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "inventory/selector_field.h"
#include "inventory/selector_sql.h"
#include "inventory/selector_token.h"

/* Bounds that no question of a person reaches. SQLite refuses expressions deeper than 1000, more than 32766 parameters,
 * and nesting that needs more than 100 entries of its parser's stack (a comparison with its subquery: about 30). */
#define TEXT_MAX        (256u << 10)
#define COMPARISONS_MAX 400
#define DEPTH_MAX       40
/* SQLite's own limit; the bounds above stay below it. */
#define SQL_MAX         1000000

struct selector {
	char *text;
	char *sql;
	char *test; /* the statement of selector_matches */
	struct store_value *values;
	size_t count;
};

struct parser {
	struct token_reader reader;
	struct condition condition;
	size_t comparisons;
	size_t depth;
	size_t open; /* parentheses */
};

static int parse_or(struct parser *parser);

static int read_literal(struct parser *parser, const struct field *field, struct literals *out)
{
	struct token_reader *reader = &parser->reader;
	struct literal literal = {.text = NULL};

	if ((reader->token.kind != TOKEN_WORD && reader->token.kind != TOKEN_STRING) || token_is_keyword(reader))
		return token_expected(reader, "a value ('text', \"text\" or a word)");
	if (literal_read(field, reader, &literal) < 0)
		return -1;
	literal.text = xstrdup(reader->token.text);
	out->items = xreallocarray(out->items, out->count + 1, sizeof(*out->items));
	out->items[out->count++] = literal;
	return token_next(reader);
}

static int read_list(struct parser *parser, const struct field *field, struct literals *out)
{
	struct token_reader *reader = &parser->reader;

	if (reader->token.kind != TOKEN_OPEN)
		return token_expected(reader, "\"(\" and a list of values");
	do {
		if (token_next(reader) < 0 || read_literal(parser, field, out) < 0)
			return -1;
	} while (reader->token.kind == TOKEN_COMMA);
	if (reader->token.kind != TOKEN_CLOSE)
		return token_expected(reader, "\",\" or \")\"");
	return token_next(reader);
}

static int compare(struct parser *parser, const struct field *field, enum token_kind kind,
		   const struct literals *literals)
{
	size_t at = parser->reader.token.at;

	if (++parser->comparisons > COMPARISONS_MAX)
		return token_error(&parser->reader, at, "more than %d comparisons in one expression; use in (…)",
				   COMPARISONS_MAX);
	condition_compare(&parser->condition, field, kind, literals);
	if (parser->condition.overflow)
		return token_error(&parser->reader, at, "more than %d values in one expression", CONDITION_VALUES_MAX);
	return 0;
}

static bool is_ordering(enum token_kind kind)
{
	return kind == TOKEN_LESS || kind == TOKEN_LESS_EQUAL || kind == TOKEN_GREATER || kind == TOKEN_GREATER_EQUAL;
}

/* in (…) and not in (…): kind TOKEN_OPEN stands for the list. */
static int parse_membership(struct parser *parser, const struct field *field)
{
	struct literals literals = {NULL, 0};
	int result = -1;

	if (token_is(&parser->reader, "not")) {
		buffer_puts(&parser->condition.sql, "NOT ");
		if (token_next(&parser->reader) < 0)
			return -1;
		if (!token_is(&parser->reader, "in"))
			return token_expected(&parser->reader, "in");
	}
	if (token_next(&parser->reader) == 0 && read_list(parser, field, &literals) == 0)
		result = compare(parser, field, TOKEN_OPEN, &literals);
	literals_clear(&literals);
	return result;
}

static int parse_operator(struct parser *parser, const struct field *field)
{
	struct token_reader *reader = &parser->reader;
	enum token_kind kind = reader->token.kind;
	struct literals literals = {NULL, 0};
	struct field wanted = *field;
	int result = -1;

	if (token_is(reader, "in") || token_is(reader, "not"))
		return parse_membership(parser, field);
	if (is_ordering(kind) && !field_has_order(field))
		return token_error(reader, reader->token.at, "%s has no order: expected =, !=, in or not in",
				   field->name);
	if (kind != TOKEN_EQUAL && kind != TOKEN_NOT_EQUAL && !is_ordering(kind))
		return token_expected(reader, field_has_order(field) ? "=, !=, <, <=, >, >=, in or not in"
								     : "=, !=, in or not in");
	wanted.needs_number = field->needs_number || is_ordering(kind);
	if (token_next(reader) == 0 && read_literal(parser, &wanted, &literals) == 0)
		result = compare(parser, field, kind, &literals);
	literals_clear(&literals);
	return result;
}

static int parse_comparison(struct parser *parser)
{
	struct token_reader *reader = &parser->reader;
	struct field field;
	int result;

	if (reader->token.kind != TOKEN_WORD || token_is_keyword(reader))
		return token_expected(reader, "a comparison like rack = 'r1', \"not\" or \"(\"");
	if (field_read(reader, &field) < 0)
		return -1;
	result = parse_operator(parser, &field);
	field_clear(&field);
	return result;
}

static int parse_group(struct parser *parser)
{
	parser->open++;
	buffer_puts(&parser->condition.sql, "(");
	if (token_next(&parser->reader) < 0 || parse_or(parser) < 0)
		return -1;
	if (parser->reader.token.kind != TOKEN_CLOSE)
		return token_expected(&parser->reader, "\"and\", \"or\" or \")\"");
	parser->open--;
	buffer_puts(&parser->condition.sql, ")");
	return token_next(&parser->reader);
}

static int parse_not(struct parser *parser)
{
	bool negated = token_is(&parser->reader, "not"), group = parser->reader.token.kind == TOKEN_OPEN;
	int result;

	if (!negated && !group)
		return parse_comparison(parser);
	if (++parser->depth > DEPTH_MAX)
		return token_error(&parser->reader, parser->reader.token.at, "nested more than %d deep", DEPTH_MAX);
	if (group) {
		result = parse_group(parser);
	} else {
		/* In SQL too it binds tighter than AND and less tight than every comparison. */
		buffer_puts(&parser->condition.sql, "NOT ");
		result = token_next(&parser->reader) < 0 ? -1 : parse_not(parser);
	}
	parser->depth--;
	return result;
}

static int parse_and(struct parser *parser)
{
	if (parse_not(parser) < 0)
		return -1;
	while (token_is(&parser->reader, "and")) {
		buffer_puts(&parser->condition.sql, " AND ");
		if (token_next(&parser->reader) < 0 || parse_not(parser) < 0)
			return -1;
	}
	return 0;
}

static int parse_or(struct parser *parser)
{
	if (parse_and(parser) < 0)
		return -1;
	while (token_is(&parser->reader, "or")) {
		buffer_puts(&parser->condition.sql, " OR ");
		if (token_next(&parser->reader) < 0 || parse_and(parser) < 0)
			return -1;
	}
	return 0;
}

static int parse_all(struct parser *parser)
{
	if (token_next(&parser->reader) < 0)
		return -1;
	if (parser->reader.token.kind == TOKEN_END)
		return token_error(&parser->reader, parser->reader.token.at,
				   "the expression is empty; leave it out to choose every agent");
	if (parse_or(parser) < 0)
		return -1;
	if (parser->reader.token.kind != TOKEN_END)
		return token_expected(&parser->reader, "\"and\", \"or\" or the end");
	return 0;
}

struct selector *selector_parse(const char *source, const char *text, struct error *err)
{
	struct parser parser = {.reader = {.source = source, .text = text, .err = err},
				.condition = {.sql = BUFFER_INIT(SQL_MAX)}};
	struct selector *selector;
	int result;

	if (strlen(text) > TEXT_MAX) {
		error_set(err, ERROR_USAGE, "%s: the expression is longer than %u bytes", source, TEXT_MAX);
		return NULL;
	}
	selector = xcalloc(1, sizeof(*selector));
	result = parse_all(&parser);
	token_reader_clear(&parser.reader);
	selector->values = parser.condition.values;
	selector->count = parser.condition.count;
	selector->sql = buffer_take(&parser.condition.sql);
	if (result < 0) {
		selector_free(selector);
		return NULL;
	}
	selector->text = xstrdup(text);
	selector->test = xasprintf("SELECT (%s) FROM agents a WHERE a.row = ?%zu", selector->sql, selector->count + 1);
	return selector;
}

void selector_free(struct selector *selector)
{
	if (!selector)
		return;
	for (size_t i = 0; i < selector->count; i++)
		if (selector->values[i].type == STORE_TEXT)
			free((char *)selector->values[i].text);
	free(selector->values);
	free(selector->text);
	free(selector->sql);
	free(selector->test);
	free(selector);
}

const char *selector_text(const struct selector *selector)
{
	return selector->text;
}

const char *selector_sql(const struct selector *selector)
{
	return selector->sql;
}

const struct store_value *selector_values(const struct selector *selector, size_t *count)
{
	*count = selector->count;
	return selector->values;
}

int selector_matches(const struct selector *selector, struct store *store, int64_t agent_row, struct error *err)
{
	size_t count = selector->count + 1;
	struct store_value *values = xcalloc(count, sizeof(*values));
	struct store_cursor rows;
	int result;

	if (selector->count)
		memcpy(values, selector->values, selector->count * sizeof(*values));
	values[selector->count] = (struct store_value){.type = STORE_INT, .integer = agent_row};
	result = store_query_values(store, &rows, err, selector->test, values, count);
	if (result == 0) {
		result = store_next(&rows, err);
		if (result > 0)
			result = store_int(&rows, 0) != 0;
		store_done(&rows);
	}
	free(values);
	return result;
}
