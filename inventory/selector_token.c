/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/selector_token.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/text.h"

/* How much of a long expression is shown on either side of the caret: together less than a terminal's line. */
#define SHOWN_BESIDE 35

static const char *const keywords[] = {"and", "or", "not", "in"};

/* Two bytes first, so that "<=" is not read as "<". */
static const struct {
	const char *text;
	enum token_kind kind;
} marks[] = {
	{"!=", TOKEN_NOT_EQUAL}, {"<=", TOKEN_LESS_EQUAL}, {">=", TOKEN_GREATER_EQUAL}, {"!~", TOKEN_NO_MATCH},
	{"~", TOKEN_MATCH},      {"=", TOKEN_EQUAL},       {"<", TOKEN_LESS},           {">", TOKEN_GREATER},
	{"(", TOKEN_OPEN},       {")", TOKEN_CLOSE},       {",", TOKEN_COMMA},
};

/* What people bring along from other languages. */
static const struct {
	const char *text;
	const char *hint;
} habits[] = {
	{"==", "write a single ="}, {"<>", "write !="}, {"&&", "write and"},
	{"||", "write or"},         {"=~", "write ~"},  {"!", "write not"},
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80 ||
	       (c != '\0' && strchr("_.:/@-", c));
}

/* A copy of text[from..to) as it can be shown: one line, nothing that moves the cursor. */
static char *shown_part(const char *text, size_t from, size_t to)
{
	char *part = xstrndup(text + from, to - from), *shown;

	for (char *c = part; *c; c++)
		if (is_space(*c))
			*c = ' ';
	shown = text_printable(part, false);
	free(part);
	return shown;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t column_of(const char *text, size_t at)
{
	size_t column = 1;

	for (size_t i = 0; i < at; i++)
		if (!is_continuation(text[i]))
			column++;
	return column;
}

/* The expression on one line and a caret on the next; a long one is cut on both sides of the caret. */
static void show_place(struct buffer *out, const char *text, size_t at)
{
	size_t len = strlen(text), from = at > SHOWN_BESIDE ? at - SHOWN_BESIDE : 0;
	size_t to = len - at > SHOWN_BESIDE ? at + SHOWN_BESIDE : len;
	char *before, *shown;

	while (from > 0 && is_continuation(text[from]))
		from--;
	while (to < len && is_continuation(text[to]))
		to++;
	before = shown_part(text, from, at);
	shown = shown_part(text, from, to);
	buffer_printf(out, "\n  %s%s%s\n  %*s^", from > 0 ? "..." : "", shown, to < len ? "..." : "",
		      (int)(text_width(before) + (from > 0 ? 3 : 0)), "");
	free(before);
	free(shown);
}

int token_error(const struct token_reader *reader, size_t at, const char *format, ...)
{
	struct buffer place = BUFFER_INIT(ERROR_TEXT_MAX);
	char message[256];
	va_list values;

	va_start(values, format);
	vsnprintf(message, sizeof(message), format, values);
	va_end(values);
	show_place(&place, reader->text, at);
	error_set(reader->err, ERROR_USAGE, "%s, column %zu: %s%s", reader->source, column_of(reader->text, at),
		  message, buffer_text(&place));
	buffer_clear(&place);
	return -1;
}

int token_expected(const struct token_reader *reader, const char *what)
{
	const struct token *token = &reader->token;
	char *found;

	if (token->kind == TOKEN_END)
		return token_error(reader, token->at, "expected %s, found the end", what);
	/* 40 bytes are enough to recognise what one has typed. */
	found = shown_part(reader->text, token->at, token->end - token->at > 40 ? token->at + 40 : token->end);
	token_error(reader, token->at, "expected %s, found %s", what, found);
	free(found);
	return -1;
}

/* A quoted string; the quote itself is written twice inside. */
static int read_string(struct token_reader *reader, size_t at)
{
	struct buffer value = BUFFER_INIT(strlen(reader->text) + 1);
	char quote = reader->text[at];
	size_t i = at + 1;

	for (;; i++) {
		if (reader->text[i] == '\0') {
			buffer_clear(&value);
			return token_error(reader, at, "this string has no end: expected %c after it", quote);
		}
		if (reader->text[i] == quote && reader->text[++i] != quote)
			break;
		buffer_putc(&value, reader->text[i]);
	}
	reader->token = (struct token){.kind = TOKEN_STRING, .at = at, .end = i, .text = buffer_take(&value)};
	return 0;
}

static int read_mark(struct token_reader *reader, size_t at)
{
	const char *text = reader->text + at;

	for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++)
		if (strncmp(text, habits[i].text, strlen(habits[i].text)) == 0 && strncmp(text, "!=", 2) != 0 &&
		    strncmp(text, "!~", 2) != 0)
			return token_error(reader, at, "%s is not part of this language: %s", habits[i].text,
					   habits[i].hint);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strncmp(text, marks[i].text, strlen(marks[i].text)) == 0) {
			reader->token = (struct token){
				.kind = marks[i].kind, .at = at, .end = at + strlen(marks[i].text), .text = NULL};
			return 0;
		}
	return token_error(reader, at, "this character stands only in quotes");
}

/* Where a word that starts at `at` ends. A bracket inside it holds the numbers of a host set; *wrong: what is none of them. */
static size_t word_end(const char *text, size_t at, size_t *wrong)
{
	size_t start = at;

	for (;; at++) {
		if (text[at] == '[' && at > start) {
			at += 1 + strspn(text + at + 1, "0123456789,-/");
			if (text[at] == ']')
				continue;
			*wrong = at;
			return at;
		}
		if (!is_word(text[at]))
			return at;
	}
}

int token_next(struct token_reader *reader)
{
	size_t at = reader->token.end, end, wrong = 0;

	reader->last_end = at;
	free(reader->token.text);
	reader->token.text = NULL;
	while (is_space(reader->text[at]))
		at++;
	if (reader->text[at] == '\0') {
		reader->token = (struct token){.kind = TOKEN_END, .at = at, .end = at, .text = NULL};
		return 0;
	}
	if (reader->text[at] == '\'' || reader->text[at] == '"')
		return read_string(reader, at);
	if (!is_word(reader->text[at]))
		return read_mark(reader, at);
	end = word_end(reader->text, at, &wrong);
	if (wrong)
		return token_error(
			reader, wrong,
			"expected numbers and \"]\", as in node[01-20,30-40/2]; other brackets stand in quotes");
	reader->token =
		(struct token){.kind = TOKEN_WORD, .at = at, .end = end, .text = xstrndup(reader->text + at, end - at)};
	return 0;
}

size_t token_place(const struct token_reader *reader, size_t offset)
{
	size_t at = reader->token.at;

	if (reader->token.kind != TOKEN_STRING)
		return at + offset;
	for (char quote = reader->text[at++]; offset > 0; offset--)
		at += reader->text[at] == quote ? 2 : 1;
	return at;
}

void token_reader_clear(struct token_reader *reader)
{
	free(reader->token.text);
	reader->token.text = NULL;
}

bool token_is(const struct token_reader *reader, const char *keyword)
{
	return reader->token.kind == TOKEN_WORD && strcasecmp(reader->token.text, keyword) == 0;
}

bool token_is_keyword(const struct token_reader *reader)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (token_is(reader, keywords[i]))
			return true;
	return false;
}
