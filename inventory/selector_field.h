/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_SELECTOR_FIELD_H
#define INVENTORY_SELECTOR_FIELD_H
/* What a selector can ask about: the table of fields, and the values each takes. Private to the selector. */
#include <stdbool.h>

#include "inventory/selector_token.h"

enum field_kind { FIELD_TEXT, FIELD_NUMBER, FIELD_BOOL, FIELD_RESOURCE, FIELD_ATTRIBUTE };

struct field {
	enum field_kind kind;
	const char *name; /* as the user knows it; for attributes and resources the name to look for */
	const char *sql;  /* the expression, for TEXT, NUMBER and BOOL */
	bool needs_number;
	char *owned; /* name's memory, or NULL */
};

struct literal {
	char *text;
	bool is_number;
	double number;
};

/* Reads a name at the current token (a word that is no keyword) and moves behind it. */
int field_read(struct token_reader *reader, struct field *field);
void field_clear(struct field *field);
bool field_has_order(const struct field *field);

/* Checks the current token as a value for field and reads its number; text is left to the caller. Does not move. */
int literal_read(const struct field *field, const struct token_reader *reader, struct literal *out);

#endif
