/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_SELECTOR_SQL_H
#define INVENTORY_SELECTOR_SQL_H
/*
 * Comparisons as SQL whose values are all parameters. Private to selectors and listings.
 *
 * A subquery over other tables can be read in two ways: for all agents at once (a list that is built once), or for the
 * one agent `a` (an index look-up). It is written with a mark where the second way needs one more condition;
 * condition_for_all and condition_for_one give the two texts.
 */
#include "base/buffer.h"
#include "inventory/selector_field.h"
#include "inventory/selector_literal.h"
#include "inventory/store.h"

/* A condition, or any expression, that is being written. */
struct condition {
	struct buffer sql;
	struct store_value *values; /* texts are owned */
	size_t count;
	size_t listed; /* values that lie together in one of them */
	bool overflow; /* more values than a statement takes */
};

#define CONDITION_VALUES_MAX 20000

/* The number of a value's parameter (its text is copied); 0 when there is no room for it. */
size_t condition_add(struct condition *condition, struct store_value value);

/* One comparison. op: an operator, or TOKEN_OPEN for in (…). */
void condition_compare(struct condition *condition, const struct field *field, enum token_kind op,
		       const struct literals *literals);

/* The sum of a RESOURCE, and the expression for a FLAG (the caller frees it). */
void condition_put_sum(struct condition *condition, const struct field *field);
char *condition_flag(struct condition *condition, const struct field *field);

/* What a list shows of the field. */
void condition_show(struct condition *condition, const struct field *field);

/* The finished text; the caller frees it. */
char *condition_for_all(const struct condition *condition);
char *condition_for_one(const struct condition *condition);

void condition_clear(struct condition *condition);

#endif
