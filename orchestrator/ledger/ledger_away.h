/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_LEDGER_AWAY_H
#define ORCHESTRATOR_LEDGER_AWAY_H
/* How long agents of a cluster were away in its earlier runs: what the next one may expect. */
#include <stdint.h>

#include "base/error.h"
#include "inventory/store.h"

struct ledger_away {
	int agents; /* so many, of the newest runs; 0: there is nothing to go by */
	int runs;   /* in so many runs */
	int64_t median_ms;
	int64_t longest_ms;
};

/* Agents that were done. No more than the newest 1,000 are looked at. */
int ledger_past_away(struct store *store, const char *cluster, struct ledger_away *out, struct error *err);

#endif
