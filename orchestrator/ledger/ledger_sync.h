/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_LEDGER_SYNC_H
#define ORCHESTRATOR_LEDGER_SYNC_H
/*
 * What a sync with the master is in the ledger: one event "inventory.sync" with its counts, and one "inventory.agent" for each agent
 * that appeared, is gone, is back, or is not what it was: whoever changed that, and by what means. Times and whether it is active alone
 * make no event, and neither does the first sync of a cluster, to which everything is new.
 */
#include "inventory/agents.h"
#include "orchestrator/ledger/ledger.h"

/* A sync that changes more agents than this is told by its counts; the history of each is in the inventory. */
#define LEDGER_SYNC_AGENTS_MAX 5000

struct ledger_sync {
	int64_t cluster;
	const char *name;
	const char *master;
	int64_t before_ms; /* the sync before it; 0: this is the first */
	int64_t time_ms;   /* the sync's own, as it was given to agents_sync */
	struct agents_summary summary;
};

/* Within the sync's transaction, after its rows are written. */
int ledger_sync_events(struct ledger *ledger, struct store *store, const struct ledger_sync *sync, struct error *err);

#endif
