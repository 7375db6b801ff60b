/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "lab/host/unit.h"

#define WORD_MAX (1u << 20)

void strings_clear(struct strings *strings)
{
	for (size_t i = 0; i < strings->count; i++)
		free(strings->items[i]);
	free(strings->items);
	*strings = (struct strings){.items = NULL};
}

void strings_add(struct strings *strings, const char *text)
{
	strings->items = xreallocarray(strings->items, strings->count + 2, sizeof(char *));
	strings->items[strings->count++] = xstrdup(text);
	strings->items[strings->count] = NULL;
}

void strings_set_env(struct strings *env, const char *assignment)
{
	size_t name = strcspn(assignment, "=") + 1;
	for (size_t i = 0; i < env->count; i++) {
		if (strncmp(env->items[i], assignment, name) == 0) {
			free(env->items[i]);
			env->items[i] = xstrdup(assignment);
			return;
		}
	}
	strings_add(env, assignment);
}

static char escaped(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	case 's':
		return ' ';
	default:
		return c;
	}
}

/* One word at *at, which is moved behind it. False when a quote stays open. */
static bool take_word(const char **at, struct buffer *word)
{
	char quote = 0;
	const char *p = *at;
	for (; *p != '\0' && (quote != 0 || !isspace((unsigned char)*p)); p++) {
		if (*p == quote)
			quote = 0;
		else if (quote == 0 && (*p == '"' || *p == '\''))
			quote = *p;
		else if (*p == '\\' && quote != '\'' && p[1] != '\0')
			buffer_putc(word, escaped(*++p));
		else
			buffer_putc(word, *p);
	}
	*at = p;
	return quote == 0;
}

bool unit_split_words(const char *text, struct strings *out)
{
	bool fine = true;
	while (fine) {
		struct buffer word = BUFFER_INIT(WORD_MAX);
		while (isspace((unsigned char)*text))
			text++;
		if (*text == '\0')
			break;
		fine = take_word(&text, &word);
		if (fine)
			strings_add(out, buffer_text(&word));
		buffer_clear(&word);
	}
	return fine;
}

static const struct {
	const char *name;
	double ms;
} spans[] = {
	{"", 1000},         {"s", 1000},       {"sec", 1000},  {"second", 1000}, {"seconds", 1000},
	{"ms", 1},          {"msec", 1},       {"us", 0.001},  {"m", 60000},     {"min", 60000},
	{"minutes", 60000}, {"minute", 60000}, {"h", 3600000}, {"hr", 3600000},  {"d", 86400000},
};

int64_t unit_parse_span(const char *text)
{
	double total = 0;
	if (strcmp(text, "infinity") == 0)
		return INT64_MAX / 4;
	if (*text == '\0')
		return -1;
	while (*text != '\0') {
		char *end;
		double number = strtod(text, &end), unit = -1;
		size_t len = strcspn(end, " 0123456789");
		for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
			if (strlen(spans[i].name) == len && strncmp(spans[i].name, end, len) == 0)
				unit = spans[i].ms;
		}
		if (end == text || unit < 0 || number < 0)
			return -1;
		total += number * unit;
		text = end + len;
		text += strspn(text, " ");
	}
	return (int64_t)total;
}

static bool valid_name(const char *text, size_t len)
{
	if (len == 0 || isdigit((unsigned char)text[0]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			return false;
	}
	return true;
}

/* The value at *at up to the end of its logical line: quotes are taken off and may span lines, a backslash joins
 * lines, spaces at the end go. */
static void take_value(const char **at, struct buffer *value)
{
	const char *p = *at + strspn(*at, " \t");
	char quote = 0;
	size_t keep = 0; /* spaces beyond this are trailing ones */
	for (; *p != '\0' && (quote != 0 || *p != '\n'); p++) {
		if (*p == quote) {
			quote = 0;
		} else if (quote == 0 && (*p == '"' || *p == '\'')) {
			quote = *p;
		} else if (*p == '\\' && quote != '\'' && p[1] != '\0') {
			p++;
			if (*p == '\n')
				continue;
			if (quote == '"' && strchr("\"\\`$", *p) == NULL)
				buffer_putc(value, '\\');
			buffer_putc(value, *p);
		} else {
			buffer_putc(value, *p);
			if (quote == 0 && (*p == ' ' || *p == '\t'))
				continue;
		}
		keep = value->len;
	}
	if (value->data != NULL)
		value->data[value->len = keep] = '\0';
	*at = p;
}

void environment_file_parse(const char *text, struct strings *env)
{
	while (*text != '\0') {
		struct buffer entry = BUFFER_INIT(WORD_MAX), value = BUFFER_INIT(WORD_MAX);
		text += strspn(text, " \t\n\r");
		size_t name = strcspn(text, "= \t\n");
		if (*text == '#' || *text == ';' || text[name] != '=' || !valid_name(text, name)) {
			text += strcspn(text, "\n");
		} else {
			buffer_append(&entry, text, name + 1);
			text += name + 1;
			take_value(&text, &value);
			buffer_puts(&entry, buffer_text(&value));
			strings_set_env(env, entry.data);
		}
		buffer_clear(&entry);
		buffer_clear(&value);
	}
}
