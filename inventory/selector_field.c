/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/selector_field.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Missing domains are empty texts here: NULL would make both `zone = 'a'` and its negation false. */
static const struct field fields[] = {
	{FIELD_TEXT, "id", "a.id", false, NULL},
	{FIELD_TEXT, "hostname", "a.hostname", false, NULL},
	{FIELD_TEXT, "ip", "a.ip", false, NULL},
	{FIELD_NUMBER, "port", "a.port", true, NULL},
	{FIELD_TEXT, "version", "a.version", false, NULL},
	{FIELD_BOOL, "active", "a.active", false, NULL},
	{FIELD_TEXT, "region", "ifnull(a.region, '')", false, NULL},
	{FIELD_TEXT, "zone", "ifnull(a.zone, '')", false, NULL},
	{FIELD_NUMBER, "tasks", "(SELECT count(*) FROM tasks t WHERE t.cluster = a.cluster AND t.agent = a.id)", true,
	 NULL},
	{FIELD_RESOURCE, "cpus", NULL, true, NULL},
	{FIELD_RESOURCE, "mem", NULL, true, NULL},
	{FIELD_RESOURCE, "disk", NULL, true, NULL},
	{FIELD_RESOURCE, "gpus", NULL, true, NULL},
};

#define ATTRIBUTE_PREFIX "attribute."

/* attribute.NAME, or attribute.'any name at all': a word that ends in the dot, and a string right behind it. */
static int read_attribute(struct token_reader *reader, struct field *field)
{
	size_t at = reader->token.at, end = reader->token.end;
	char *name = xstrdup(reader->token.text + strlen(ATTRIBUTE_PREFIX));

	if (token_next(reader) < 0)
		goto fail;
	if (*name == '\0' && reader->token.kind == TOKEN_STRING && reader->token.at == end) {
		free(name);
		name = xstrdup(reader->token.text);
		if (token_next(reader) < 0)
			goto fail;
	}
	if (*name == '\0') {
		token_error(reader, at, "expected the attribute's name after \"attribute.\"");
		goto fail;
	}
	*field = (struct field){.kind = FIELD_ATTRIBUTE, .name = name, .owned = name};
	return 0;
fail:
	free(name);
	return -1;
}

int field_read(struct token_reader *reader, struct field *field)
{
	char *name;

	if (strncmp(reader->token.text, ATTRIBUTE_PREFIX, strlen(ATTRIBUTE_PREFIX)) == 0)
		return read_attribute(reader, field);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(reader->token.text, fields[i].name) == 0) {
			*field = fields[i];
			return token_next(reader);
		}
	name = xstrdup(reader->token.text);
	if (token_next(reader) < 0) {
		free(name);
		return -1;
	}
	*field = (struct field){.kind = FIELD_ATTRIBUTE, .name = name, .owned = name};
	return 0;
}

void field_clear(struct field *field)
{
	free(field->owned);
	field->owned = NULL;
}

bool field_has_order(const struct field *field)
{
	return field->kind == FIELD_NUMBER || field->kind == FIELD_RESOURCE || field->kind == FIELD_ATTRIBUTE;
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

int literal_read(const struct field *field, const struct token_reader *reader, struct literal *out)
{
	const struct token *token = &reader->token;
	struct literal literal = {.text = NULL};

	if (field->kind == FIELD_BOOL) {
		literal.number = strcmp(token->text, "true") == 0;
		literal.is_number = true;
		if (literal.number == 0 && strcmp(token->text, "false") != 0)
			return token_expected(reader, "true or false");
	} else {
		literal.is_number = read_number(token->text, &literal.number);
		if (!literal.is_number && field->needs_number)
			return token_expected(reader, "a number");
	}
	if (field->kind == FIELD_RESOURCE)
		literal.number = round(literal.number * 1000) / 1000;
	*out = literal;
	return 0;
}
