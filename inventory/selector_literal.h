/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_SELECTOR_LITERAL_H
#define INVENTORY_SELECTOR_LITERAL_H
/* The values on the right of a comparison. Private to the selector. */
#include <stdbool.h>
#include <stdint.h>

#include "inventory/selector_field.h"

enum literal_form {
	LITERAL_TEXT,
	LITERAL_NUMBER, /* text is there too: an attribute can be equal by either */
	LITERAL_SET,    /* a host set */
	LITERAL_AGE,    /* number: the moment, for a text like 2h; older is "more" */
};

struct literal {
	enum literal_form form;
	char *text;
	double number; /* NUMBER, AGE, and TEXT of a version that is compared by order */
};

struct literals {
	struct literal *items;
	size_t count;
};
void literals_clear(struct literals *literals);

/* Checks the current token as a value for field behind that operator, and reads it; does not move. now_ms: for ages. */
int literal_read(const struct field *field, enum token_kind op, const struct token_reader *reader, int64_t now_ms,
		 struct literal *out);

#endif
