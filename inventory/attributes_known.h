/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_ATTRIBUTES_KNOWN_H
#define INVENTORY_ATTRIBUTES_KNOWN_H
/*
 * Any word can be an attribute's name, so that a misspelt name is no error of grammar: it is found out by looking
 * whether any agent has it.
 */
#include "inventory/selector.h"
#include "inventory/store.h"

/* An attribute that no listed agent of the cluster has, and a name that may have been meant (NULL: none is near). */
struct attribute_missing {
	char *name;
	char *near;
};
struct attributes_missing {
	struct attribute_missing *items;
	size_t count;
};
void attributes_missing_clear(struct attributes_missing *missing);

/* Of the attributes that selector (NULL: none) asks about. Adds to out, each name once. */
int attributes_find_missing(struct store *store, int64_t cluster, const struct selector *selector,
			    struct attributes_missing *out, struct error *err);
/* Of the columns of a list, as they were written; names that are no attributes are passed over. */
int attributes_find_missing_columns(struct store *store, int64_t cluster, char *const names[], size_t count,
				    struct attributes_missing *out, struct error *err);

#endif
