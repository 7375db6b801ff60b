/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_SELECTOR_FIELD_H
#define INVENTORY_SELECTOR_FIELD_H
/* What a selector can ask about and a list can show: the table of fields. Private to selectors and listings. */
#include <stdbool.h>

#include "inventory/selector_token.h"

enum field_kind {
	FIELD_TEXT,
	FIELD_DOMAIN,  /* text of the fault domain; of an agent without one, the attribute of that name */
	FIELD_VERSION, /* text, with the order of versions */
	FIELD_NUMBER,
	FIELD_BOOL,
	FIELD_TIME, /* milliseconds since 1970; asked about as an age or a date */
	FIELD_RESOURCE,
	FIELD_ATTRIBUTE,
	FIELD_AMONG, /* several texts per agent: any of them counts */
	FIELD_CONFIG,
	FIELD_FLAG,   /* text of a flag the agent runs with, as its survey found it */
	FIELD_SHOWN,  /* lists only */
	FIELD_CHANGE, /* events only: what changed, or (owned: its name) what it was changed from and to */
};

enum field_share { SHARE_TOTAL, SHARE_USED, SHARE_FREE, SHARE_PERCENT /* that is used */ };

struct field {
	enum field_kind kind;
	const char *name; /* as the user knows it; for attributes and resources the name to look for */
	/* About a row `a` of agents. TEXT to TIME, and RESOURCE where its sum is kept: the expression. AMONG: the
	 * beginning of a subquery for the agent's texts, up to the WHERE and its first condition. */
	const char *sql;
	const char *texts[2];      /* AMONG: the columns that hold a text; the second may be NULL */
	const char *shown;         /* AMONG, CONFIG, and what only lists know: the expression that shows it in a list */
	bool is_hash;              /* TEXT: its first digits will do, from the sixth on */
	bool fleeting;             /* no history of it is kept */
	const char *const *values; /* TEXT: the only ones it can have, NULL behind the last; NULL: any */
	bool in_mb;                /* RESOURCE: takes sizes with units */
	enum field_share share;
	char *role;  /* RESOURCE: only what is reserved for it ('*': for nobody); NULL: all */
	char *owned; /* name's memory, or NULL */
};

/* Reads a name at the current token (a word that is no keyword) and moves behind it. */
int field_read(struct token_reader *reader, struct field *field);
/* The same for a column of a list, which knows some more. */
int field_read_column(struct token_reader *reader, struct field *field);
void field_clear(struct field *field);

bool field_has_order(const struct field *field);
bool field_has_patterns(const struct field *field);
/* "=, !=, in or not in": what may stand behind it. */
const char *field_operators(const struct field *field);

#endif
