/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_LISTING_H
#define INVENTORY_LISTING_H
/*
 * A table of agents: which columns, in which order, grouped by what. Columns are named as in a selector
 * (docs/selectors.md), and "attributes" for all of them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "inventory/selector.h"
#include "inventory/store.h"

struct listing_wish {
	const char *columns; /* "hostname,rack,mem.free"; with group_by: what is added up over each group, or NULL */
	const char *sort; /* "-mem.free,hostname"; NULL: by hostname. Grouped: its columns, or agents or a sum alone */
	const char *group_by; /* "zone,version": one row per group, with how many agents and their hosts; or NULL */
};

enum cell_kind { CELL_TEXT, CELL_NUMBER, CELL_BOOL, CELL_TIME };

struct cell {
	char *text; /* "" for nothing; a TIME is as rollcall prints times */
	double number;
};

struct listing {
	char **names; /* of the columns, as they were asked for */
	enum cell_kind *kinds;
	size_t columns;
	char **sorted; /* the names of what the rows are sorted by, as they were asked for */
	size_t sorts;
	struct cell *cells; /* rows × columns, row by row */
	size_t rows;
	size_t agents;  /* how many agents it is about */
	char *fleeting; /* the first column of which no history is kept; NULL: none */
};

/* Reads the wish only: names, kinds and fleeting are set. ERROR_USAGE points at the place. */
int listing_check(const struct listing_wish *wish, struct listing *out, struct error *err);
/* And fills the rows. */
int listing_load(struct store *store, int64_t cluster, const struct selector *selector, const struct listing_wish *wish,
		 struct listing *out, struct error *err);
void listing_clear(struct listing *listing);

#endif
