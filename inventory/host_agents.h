/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_HOST_AGENTS_H
#define INVENTORY_HOST_AGENTS_H
/* The agents that a host has had: one that lost its ID came back as another agent. */
#include <stddef.h>

#include "base/error.h"
#include "inventory/store.h"

struct host_agents {
	char **ids; /* in the order in which they were first seen */
	size_t count;
};
void host_agents_clear(struct host_agents *agents);

/* Listed or gone; none when no agent of the cluster has that hostname. */
int host_agents_load(struct store *store, int64_t cluster, const char *hostname, struct host_agents *out,
		     struct error *err);

#endif
