/* SPDX-License-Identifier: Apache-2.0 */
/* The selector's grammar, read by recursive descent and written as SQL while it is read. No byte of the user's text
 * reaches the SQL: fields come from a table, everything else is a parameter. */
#include "inventory/selector.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"
#include "inventory/hostset.h"
#include "inventory/selector_event.h"
#include "inventory/selector_field.h"
#include "inventory/selector_literal.h"
#include "inventory/selector_sql.h"
#include "inventory/selector_token.h"

/* Bounds that no question of a person reaches. SQLite refuses expressions deeper than 1000, more than 32766 parameters,
 * and nesting that needs more than 100 entries of its parser's stack (a comparison with its subquery: about 30). */
#define TEXT_MAX        (256u << 10)
#define COMPARISONS_MAX 400
#define DEPTH_MAX       40
/* SQLite's own limit; the bounds above stay below it. */
#define SQL_MAX         1000000

struct name_list {
	char **items;
	size_t count;
};

struct selector {
	char *text;
	char *sql;
	char *test; /* the statement of selector_matches */
	char *fleeting;
	struct name_list attributes;
	struct store_value *values;
	size_t count;
};

struct parser {
	struct token_reader reader;
	int (*read_field)(struct token_reader *reader, struct field *field);
	struct condition condition;
	int64_t now_ms;
	char *fleeting;              /* the first such name */
	struct name_list attributes; /* each once */
	size_t comparisons;
	size_t depth;
	size_t open; /* parentheses */
};

static int parse_or(struct parser *parser);

static void name_list_add(struct name_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], name) == 0)
			return;
	list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = xstrdup(name);
}

static void name_list_clear(struct name_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct name_list){NULL, 0};
}

static int read_literal(struct parser *parser, const struct field *field, enum token_kind op, struct literals *out)
{
	struct token_reader *reader = &parser->reader;
	struct literal literal;

	if ((reader->token.kind != TOKEN_WORD && reader->token.kind != TOKEN_STRING) || token_is_keyword(reader))
		return token_expected(reader, "a value ('text', \"text\" or a word)");
	if (literal_read(field, op, reader, parser->now_ms, &literal) < 0)
		return -1;
	out->items = xreallocarray(out->items, out->count + 1, sizeof(*out->items));
	out->items[out->count++] = literal;
	return token_next(reader);
}

/* A host set is a list by itself: it needs no parentheses. */
static bool is_lone_set(const struct token_reader *reader)
{
	return (reader->token.kind == TOKEN_WORD || reader->token.kind == TOKEN_STRING) &&
	       hostset_is_set(reader->token.text);
}

static int read_list(struct parser *parser, const struct field *field, struct literals *out)
{
	struct token_reader *reader = &parser->reader;

	if (is_lone_set(reader))
		return read_literal(parser, field, TOKEN_OPEN, out);
	if (reader->token.kind != TOKEN_OPEN)
		return token_expected(reader, "\"(\" and a list of values");
	do {
		if (token_next(reader) < 0 || read_literal(parser, field, TOKEN_OPEN, out) < 0)
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

/* Moves behind the operator. */
static int read_operator(struct parser *parser, const struct field *field, enum token_kind *op)
{
	struct token_reader *reader = &parser->reader;
	bool negated = token_is(reader, "not"), patterns = field_has_patterns(field);

	if (negated) {
		buffer_puts(&parser->condition.sql, "NOT ");
		if (token_next(reader) < 0)
			return -1;
	}
	*op = reader->token.kind;
	if (token_is(reader, "in") && field->kind != FIELD_TIME)
		*op = TOKEN_OPEN;
	else if (token_is(reader, "like") && patterns)
		*op = TOKEN_LIKE;
	else if (negated)
		return token_expected(reader, patterns ? "in or like" : "in");
	else if (is_ordering(*op) && !field_has_order(field))
		return token_error(reader, reader->token.at, "%s has no order: expected %s", field->name,
				   field_operators(field));
	else if (!is_ordering(*op) && !((*op == TOKEN_EQUAL || *op == TOKEN_NOT_EQUAL) && field->kind != FIELD_TIME) &&
		 !((*op == TOKEN_MATCH || *op == TOKEN_NO_MATCH) && patterns))
		return token_expected(reader, field_operators(field));
	return token_next(reader);
}

static int parse_operator(struct parser *parser, const struct field *field)
{
	struct literals literals = {NULL, 0};
	enum token_kind op;
	int result;

	if (read_operator(parser, field, &op) < 0)
		return -1;
	result = op == TOKEN_OPEN ? read_list(parser, field, &literals) : read_literal(parser, field, op, &literals);
	if (result == 0)
		result = compare(parser, field, op, &literals);
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
	if (parser->read_field(reader, &field) < 0)
		return -1;
	if (field.fleeting && !parser->fleeting)
		parser->fleeting = xstrdup(field.name);
	if (field.kind == FIELD_ATTRIBUTE)
		name_list_add(&parser->attributes, field.name);
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

/* What is no UTF-8 can equal nothing that a master says. */
static int check_text(const struct token_reader *reader)
{
	const char *at = reader->text;

	while (*at) {
		uint32_t code;
		size_t len = text_decode(at, &code);

		if (code == UINT32_MAX)
			return token_error(reader, (size_t)(at - reader->text),
					   "the byte 0x%02x is no UTF-8 text here; is the terminal's encoding another?",
					   (unsigned char)*at);
		at += len;
	}
	return 0;
}

static struct selector *parse(const char *source, const char *text,
			      int (*read_field)(struct token_reader *reader, struct field *field), struct error *err)
{
	struct parser parser = {.reader = {.source = source, .text = text, .err = err},
				.read_field = read_field,
				.condition = {.sql = BUFFER_INIT(SQL_MAX)},
				.now_ms = clock_wall_ms()};
	struct selector *selector = NULL;
	char *test;

	if (strlen(text) > TEXT_MAX) {
		error_set(err, ERROR_USAGE, "%s: the expression is longer than %u bytes", source, TEXT_MAX);
		return NULL;
	}
	if (check_text(&parser.reader) == 0 && parse_all(&parser) == 0) {
		selector = xcalloc(1, sizeof(*selector));
		selector->text = xstrdup(text);
		selector->sql = condition_for_all(&parser.condition);
		selector->values = parser.condition.values;
		selector->count = parser.condition.count;
		test = condition_for_one(&parser.condition);
		selector->test = xasprintf("SELECT (%s) FROM agents a WHERE a.row = ?%zu", test, selector->count + 1);
		free(test);
		selector->fleeting = parser.fleeting;
		parser.fleeting = NULL;
		selector->attributes = parser.attributes;
		parser.attributes = (struct name_list){NULL, 0};
		parser.condition.values = NULL; /* the selector's now */
		parser.condition.count = 0;
	}
	free(parser.fleeting);
	name_list_clear(&parser.attributes);
	token_reader_clear(&parser.reader);
	condition_clear(&parser.condition);
	return selector;
}

struct selector *selector_parse(const char *source, const char *text, struct error *err)
{
	return parse(source, text, field_read, err);
}

struct selector *selector_parse_events(const char *source, const char *text, struct error *err)
{
	return parse(source, text, field_read_event, err);
}

void selector_free(struct selector *selector)
{
	if (!selector)
		return;
	for (size_t i = 0; i < selector->count; i++)
		free((char *)selector->values[i].text);
	free(selector->values);
	free(selector->text);
	free(selector->sql);
	free(selector->test);
	free(selector->fleeting);
	name_list_clear(&selector->attributes);
	free(selector);
}

const char *selector_text(const struct selector *selector)
{
	return selector->text;
}

const char *selector_fleeting(const struct selector *selector)
{
	return selector->fleeting;
}

const char *selector_attribute(const struct selector *selector, size_t index)
{
	return index < selector->attributes.count ? selector->attributes.items[index] : NULL;
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
