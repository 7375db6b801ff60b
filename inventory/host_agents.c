/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/host_agents.h"

#include <stdlib.h>

#include "base/alloc.h"

void host_agents_clear(struct host_agents *agents)
{
	for (size_t i = 0; i < agents->count; i++)
		free(agents->ids[i]);
	free(agents->ids);
	*agents = (struct host_agents){NULL, 0};
}

int host_agents_load(struct store *store, int64_t cluster, const char *hostname, struct host_agents *out,
		     struct error *err)
{
	struct host_agents found = {NULL, 0};
	struct store_cursor rows;
	int more;

	if (store_query(store, &rows, err,
			"SELECT id FROM agents WHERE cluster = ?1 AND hostname = ?2 ORDER BY first_seen_ms, row", "it",
			cluster, hostname) < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		found.ids = xreallocarray(found.ids, found.count + 1, sizeof(*found.ids));
		found.ids[found.count++] = xstrdup(store_text(&rows, 0));
	}
	store_done(&rows);
	if (more < 0)
		host_agents_clear(&found);
	else
		*out = found;
	return more;
}
