/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_SELECTOR_H
#define INVENTORY_SELECTOR_H
/*
 * The language that chooses agents, the same everywhere; docs/selectors.md teaches it.
 *
 *	expression  comparison, not X, X and Y, X or Y, ( X ); not binds tightest, then and, then or
 *	comparison  NAME = VALUE    NAME != VALUE    NAME < <= > >= VALUE
 *	            NAME in (VALUE, …)    NAME in node[1-9]    NAME not in …
 *	            NAME like 'PATTERN'    NAME not like 'PATTERN'    NAME ~ 'REGEX'    NAME !~ 'REGEX'
 *	NAME        a field of selector_field.c, cpus mem disk gpus and resource.NAME with .total .used .free and (ROLE),
 *	            or an attribute: rack, attribute.rack, attribute.'any name at all'
 *	VALUE       'text' or "text" (the quote doubled inside), or a word of letters, digits and _ . : / @ -
 *
 * An attribute is equal to a value when any attribute of that name has it; != is the negation of =, so it also holds
 * for agents without the attribute. A selector is compiled to an SQL condition whose values are all parameters.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "inventory/store.h"

struct selector;

/* source names where the text stands ("--where"). ERROR_USAGE: the column, what was expected, and a line with a
 * caret. */
struct selector *selector_parse(const char *source, const char *text, struct error *err);
/* The same about rows `e` of the ledger's events: what happened, not agents. Its names are those of selector_event.h. */
struct selector *selector_parse_events(const char *source, const char *text, struct error *err);
void selector_free(struct selector *selector);
const char *selector_text(const struct selector *selector);

/* A name it asks about of which no history is kept (tasks, mem.free, …), or NULL. */
const char *selector_fleeting(const struct selector *selector);

/* The attributes it asks about, each once: from index 0; NULL behind the last. */
const char *selector_attribute(const struct selector *selector, size_t index);

/* The names that are no attributes (hostname, mem.free, …), for suggestions: from index 0; NULL behind the last. */
const char *selector_name(size_t index);

/* The condition, about a row `a` of table agents. Its parameters are ?1 … ?count, in the order of values. */
const char *selector_sql(const struct selector *selector);
const struct store_value *selector_values(const struct selector *selector, size_t *count);

/* Does it match the agent with that key? 1, 0, or -1. */
int selector_matches(const struct selector *selector, struct store *store, int64_t agent_row, struct error *err);

#endif
