/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_SELECTOR_TOKEN_H
#define INVENTORY_SELECTOR_TOKEN_H
/* The words of the selector language, and errors that point at one of them. Private to the selector. */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,   /* a name, a value without quotes (also a host set: node[1-9]), or a keyword */
	TOKEN_STRING, /* quoted */
	TOKEN_EQUAL,
	TOKEN_NOT_EQUAL,
	TOKEN_LESS,
	TOKEN_LESS_EQUAL,
	TOKEN_GREATER,
	TOKEN_GREATER_EQUAL,
	TOKEN_MATCH,    /* ~ */
	TOKEN_NO_MATCH, /* !~ */
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_LIKE, /* never read: the word like where an operator stands */
};

struct token {
	enum token_kind kind;
	size_t at;  /* offset of its first byte */
	size_t end; /* offset behind its last byte */
	char *text; /* WORD and STRING: the text it stands for; else NULL */
};

struct token_reader {
	const char *source; /* where the text stands, for errors */
	const char *text;
	struct token token; /* the current one */
	size_t last_end;    /* where the one before it ended */
	struct error *err;
};

/* Moves to the next token. -1 with the error set where there is none. */
int token_next(struct token_reader *reader);
void token_reader_clear(struct token_reader *reader);

/* Is the current token this keyword (and, or, not, in; any case)? */
bool token_is(const struct token_reader *reader, const char *keyword);
bool token_is_keyword(const struct token_reader *reader);

/* ERROR_USAGE at offset `at`: column, message, the text and a caret below the place. Always -1. */
int token_error(const struct token_reader *reader, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same at the current token: "expected WHAT, found …". */
int token_expected(const struct token_reader *reader, const char *what);
/* Where in the text the byte stands that is text[offset] of the current token, a WORD or STRING. */
size_t token_place(const struct token_reader *reader, size_t offset);

#endif
