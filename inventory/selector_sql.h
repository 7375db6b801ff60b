/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_SELECTOR_SQL_H
#define INVENTORY_SELECTOR_SQL_H
/* Comparisons as SQL whose values are all parameters. Private to the selector. */
#include "base/buffer.h"
#include "inventory/selector_field.h"
#include "inventory/store.h"

/* A condition that is being written. */
struct condition {
	struct buffer sql;
	struct store_value *values; /* texts are owned */
	size_t count;
	bool overflow; /* more values than a statement takes */
};

#define CONDITION_VALUES_MAX 20000

/* The values on the right of a comparison. */
struct literals {
	struct literal *items;
	size_t count;
};
void literals_clear(struct literals *literals);

/* One comparison. kind: an operator, or TOKEN_OPEN for in (…). */
void condition_compare(struct condition *condition, const struct field *field, enum token_kind kind,
		       const struct literals *literals);

#endif
