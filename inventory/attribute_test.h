/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_ATTRIBUTE_TEST_H
#define INVENTORY_ATTRIBUTE_TEST_H
/*
 * One comparison of a selector with an attribute, as one parameter of a statement: a JSON object that is read once and then asked
 * about every agent. An attribute is equal by its text, or by its number when both sides are numbers (4 and 4.0); order is of
 * numbers. Of several attributes with the name any one counts; without one the text is empty.
 *
 *	{"name": "rack", "op": "in", "texts": ["r1"], "sets": ["r[2-9]"], "numbers": []}
 *
 * op: in, like, regex, <, <=, > or >=. Private to selectors.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "inventory/selector_literal.h"
#include "inventory/selector_token.h"

/* op: an operator, or TOKEN_OPEN for in (…); negations are the caller's. The caller frees the text. */
char *attribute_test_write(const char *name, enum token_kind op, const struct literals *literals);

struct attribute_test;
/* NULL with ERROR_USAGE. */
struct attribute_test *attribute_test_read(const char *text, struct error *err);
void attribute_test_free(void *test);
bool attribute_test_holds(struct attribute_test *test, const void *info, size_t len);

#endif
