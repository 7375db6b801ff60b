/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_AGENTS_RECOVERED_H
#define INVENTORY_AGENTS_RECOVERED_H
/*
 * Agents that a master knows from its registry and that have not come back since it took the lead. It says little more of
 * them than their IDs. They are not gone: they stay as they were, inactive.
 */
#include <stddef.h>

#include "inventory/agents.h"

struct agents_recovered {
	char **ids;
	size_t count;
};
void agents_recovered_clear(struct agents_recovered *recovered);
void agents_recovered_add(struct agents_recovered *recovered, const char *id);

/* Within agents_feed.read, after everything else was handed over. IDs that were never listed, or no longer, are passed over. */
int agents_recovered_put(const struct agents_recovered *recovered, struct store *store, int64_t cluster,
			 struct agents_sink *sink, struct error *err);

#endif
