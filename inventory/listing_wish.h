/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_LISTING_WISH_H
#define INVENTORY_LISTING_WISH_H
/* What a listing was asked for, read. Private to the listing. */
#include "inventory/listing.h"
#include "inventory/selector_field.h"

struct listing_column {
	struct field field;
	char *name;
	bool descending; /* of --sort */
};

struct listing_columns {
	struct listing_column *items;
	size_t count;
};

struct listing_plan {
	struct listing_columns shown, sort;
	struct listing_columns sums; /* grouped: what is added up over each group */
	bool grouped;
	int by_figure; /* grouped: 1 sort by the number of agents or a sum, -1 the other way round */
	size_t figure; /* which: a position in sums; sums.count: the number of agents */
};

/* ERROR_USAGE points at the place. plan must be empty, and is to be cleared whatever comes back. */
int listing_plan_read(const struct listing_wish *wish, struct listing_plan *plan, struct error *err);
void listing_plan_clear(struct listing_plan *plan);

#endif
