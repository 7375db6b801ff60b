/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_COMMANDS_INVENTORY_COLUMNS_H
#define ORCHESTRATOR_COMMANDS_INVENTORY_COLUMNS_H
/* `inventory list` with columns of one's own choice: as a table, as JSON, as CSV; also of the past. */
#include "inventory/listing.h"
#include "orchestrator/session.h"

/* The options of `inventory list`; NULL: not given. */
struct inventory_wish {
	const char *where, *at, *columns, *sort, *group_by;
	int64_t limit; /* rows; 0: all */
	bool csv;
};

int inventory_print_columns(struct session *session, const struct inventory_wish *wish);

/* The IDs of all agents, one a row, in the order that sort ("-mem.free,hostname") asks for. */
int inventory_order(struct session *session, const char *sort, struct listing *out);
/* Says what --limit left out: nobody should take the first rows for all of them. */
void inventory_say_cut(size_t shown, size_t rows, bool quiet);

#endif
