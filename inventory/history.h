/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_HISTORY_H
#define INVENTORY_HISTORY_H
/*
 * What agents were: every state that a sync saw, from when it was first seen until a sync saw another, or no longer saw
 * the agent. A state is all the master says of an agent but for what its tasks use. It costs nothing while it lasts.
 */
#include <stdint.h>

#include "base/error.h"
#include "inventory/agents.h"
#include "inventory/store.h"

/* One difference between two states, for people: "attributes.rack", "r1", "r2". */
struct agent_change {
	char *what;
	char *before; /* NULL: was not there */
	char *after;  /* NULL: is no longer there */
};
struct agent_changes {
	struct agent_change *items;
	size_t count;
};
void agent_changes_clear(struct agent_changes *changes);
/* Everything in which the two views differ but for used resources. out must be empty. */
void agent_changes_find(const struct agent_view *before, const struct agent_view *after, struct agent_changes *out);

/* The states of one agent, oldest first. */
struct agent_state {
	int64_t from_ms;
	int64_t until_ms; /* 0: it still lasts */
	struct agent_view view;
};
struct agent_states {
	struct agent_state *items;
	size_t count;
};
void agent_states_clear(struct agent_states *states);
int history_load(struct store *store, int64_t agent_row, struct agent_states *out, struct error *err);

/*
 * Until history_return (or store_close), everything read through this store of agents is as it was known at time_ms:
 * agents_load, selectors, listings. Tasks, used resources and surveys are not kept: they read as none. Nothing may be
 * written meanwhile. ERROR_USAGE when the cluster was not yet known then, or the time has not come.
 */
int history_travel(struct store *store, int64_t cluster, int64_t time_ms, int64_t now_ms, struct error *err);
int history_return(struct store *store, struct error *err);

#endif
