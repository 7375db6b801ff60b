/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_COMMANDS_INVENTORY_COLUMNS_H
#define ORCHESTRATOR_COMMANDS_INVENTORY_COLUMNS_H
/* `inventory list` with columns of one's own choice: as a table, as JSON, as CSV; also of the past. */
#include "orchestrator/session.h"

/* The options of `inventory list`; NULL: not given. */
struct inventory_wish {
	const char *where, *at, *columns, *sort, *group_by;
	int64_t limit; /* rows; 0: all */
	bool csv;
};

int inventory_print_columns(struct session *session, const struct inventory_wish *wish);

#endif
