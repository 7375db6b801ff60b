/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/selector_literal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "inventory/hostset.h"
#include "inventory/moment.h"
#include "inventory/store_functions.h"

void literals_clear(struct literals *literals)
{
	for (size_t i = 0; i < literals->count; i++)
		free(literals->items[i].text);
	free(literals->items);
}

/* Plain decimal only: strtod alone would take hex, "inf" and "nan". */
static bool read_number(const char *text, double *number)
{
	char *end;

	if (*text == '\0' || strspn(text, "+-.0123456789eE") != strlen(text))
		return false;
	*number = strtod(text, &end);
	return *end == '\0' && isfinite(*number);
}

/* "64GB" as Mesos counts: in MB, and each unit is 1024 of the one before. */
static bool read_size(const char *text, double *mb)
{
	static const struct {
		const char *name;
		double mb;
	} units[] = {
		{"B", 1.0 / 1048576}, {"K", 1.0 / 1024}, {"M", 1}, {"G", 1024}, {"T", 1048576}, {"P", 1073741824},
	};
	size_t len = strspn(text, "0123456789.");
	char *digits = xstrndup(text, len);
	bool known = len > 0 && read_number(digits, mb);

	free(digits);
	for (size_t i = 0; known && i < sizeof(units) / sizeof(units[0]); i++) {
		const char *unit = text + len;

		if (strncasecmp(unit, units[i].name, 1) != 0)
			continue;
		*mb *= units[i].mb;
		return unit[1] == '\0' ||
		       (i > 0 && (strcasecmp(unit + 1, "B") == 0 || strcasecmp(unit + 1, "iB") == 0));
	}
	return false;
}

static int read_bool(const struct token_reader *reader, struct literal *out)
{
	*out = (struct literal){.form = LITERAL_NUMBER, .number = strcmp(reader->token.text, "true") == 0};
	if (out->number == 0 && strcmp(reader->token.text, "false") != 0)
		return token_expected(reader, "true or false");
	return 0;
}

static int read_quantity(const struct field *field, const struct token_reader *reader, struct literal *out)
{
	const char *text = reader->token.text;

	*out = (struct literal){.form = LITERAL_NUMBER};
	if (!read_number(text, &out->number) && !(field->in_mb && read_size(text, &out->number)))
		return token_expected(reader, field->in_mb ? "a number of MB or a size like 64GB" : "a number");
	if (field->kind == FIELD_RESOURCE) /* Mesos counts in thousandths */
		out->number = round(out->number * 1000) / 1000;
	return 0;
}

static int read_time(const struct token_reader *reader, int64_t now_ms, struct literal *out)
{
	int64_t ms;

	if (moment_read_span(reader->token.text, &ms))
		*out = (struct literal){.form = LITERAL_AGE, .number = (double)(now_ms - ms)};
	else if (moment_read_date(reader->token.text, &ms))
		*out = (struct literal){.form = LITERAL_NUMBER, .number = (double)ms};
	else
		return token_expected(reader, "how long ago (like 2h, 30min, 7d) or a date (like 2026-11-23T12:25Z)");
	return 0;
}

static int read_version(const struct token_reader *reader, struct literal *out)
{
	int64_t number;

	if (!selector_version(reader->token.text, &number))
		return token_expected(reader, "a version like 1.9 or 1.11.0");
	*out = (struct literal){.form = LITERAL_NUMBER, .number = (double)number};
	return 0;
}

/* Points at the byte of the token that is wrong. */
static int check_set(const struct token_reader *reader)
{
	struct error why = ERROR_INIT;
	size_t at = 0;
	struct hostset *set = hostset_parse(reader->token.text, &at, &why);

	if (!set)
		return token_error(reader, token_place(reader, at), "%s", why.text);
	hostset_free(set);
	return 0;
}

/* In quotes brackets are plain text, except where no name can have any. */
static bool is_set(const struct field *field, const struct token *token)
{
	bool host = field->kind == FIELD_TEXT &&
		    (strcmp(field->name, "hostname") == 0 || strcmp(field->name, "ip") == 0);

	return hostset_is_set(token->text) && (token->kind == TOKEN_WORD || host);
}

/* One of a few: a value that no agent can have is misspelt. */
static int check_choice(const struct field *field, const struct token_reader *reader)
{
	struct buffer choices = BUFFER_INIT(256);

	for (size_t i = 0; field->values[i]; i++) {
		if (strcmp(field->values[i], reader->token.text) == 0) {
			buffer_clear(&choices);
			return 0;
		}
		buffer_printf(&choices, "%s%s", i == 0 ? "" : field->values[i + 1] ? ", " : " or ", field->values[i]);
	}
	token_expected(reader, buffer_text(&choices));
	buffer_clear(&choices);
	return -1;
}

static int read_text(const struct field *field, const struct token_reader *reader, struct literal *out)
{
	*out = (struct literal){.form = LITERAL_TEXT};
	if (field->values)
		return check_choice(field, reader);
	if (is_set(field, &reader->token)) {
		out->form = LITERAL_SET;
		return check_set(reader);
	}
	if (field->kind == FIELD_ATTRIBUTE && read_number(reader->token.text, &out->number))
		out->form = LITERAL_NUMBER;
	return 0;
}

static int read_regex(const struct token_reader *reader, struct literal *out)
{
	struct error why = ERROR_INIT;

	*out = (struct literal){.form = LITERAL_TEXT};
	if (selector_regex_check(reader->token.text, &why) < 0)
		return token_error(reader, reader->token.at, "%s", why.text);
	return 0;
}

static bool is_ordering(enum token_kind kind)
{
	return kind == TOKEN_LESS || kind == TOKEN_LESS_EQUAL || kind == TOKEN_GREATER || kind == TOKEN_GREATER_EQUAL;
}

static int read_value(const struct field *field, enum token_kind op, const struct token_reader *reader, int64_t now_ms,
		      struct literal *out)
{
	if (op == TOKEN_LIKE) {
		*out = (struct literal){.form = LITERAL_TEXT};
		return 0;
	}
	if (op == TOKEN_MATCH || op == TOKEN_NO_MATCH)
		return read_regex(reader, out);
	switch (field->kind) {
	case FIELD_BOOL:
		return read_bool(reader, out);
	case FIELD_NUMBER:
	case FIELD_RESOURCE:
		return read_quantity(field, reader, out);
	case FIELD_TIME:
		return read_time(reader, now_ms, out);
	case FIELD_VERSION:
		return is_ordering(op) ? read_version(reader, out) : read_text(field, reader, out);
	case FIELD_ATTRIBUTE:
		return is_ordering(op) ? read_quantity(field, reader, out) : read_text(field, reader, out);
	case FIELD_TEXT:
	case FIELD_DOMAIN:
	case FIELD_AMONG:
	case FIELD_CONFIG:
	case FIELD_CHANGE:
	case FIELD_FLAG:
	case FIELD_SHOWN:
		break;
	}
	return read_text(field, reader, out);
}

int literal_read(const struct field *field, enum token_kind op, const struct token_reader *reader, int64_t now_ms,
		 struct literal *out)
{
	struct literal literal;

	if (read_value(field, op, reader, now_ms, &literal) < 0)
		return -1;
	literal.text = xstrdup(reader->token.text);
	*out = literal;
	return 0;
}
