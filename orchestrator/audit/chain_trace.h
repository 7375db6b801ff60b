/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_CHAIN_TRACE_H
#define ORCHESTRATOR_AUDIT_CHAIN_TRACE_H
/* What was done to a chain, from what is left around the place where it breaks. */
#include "inventory/store.h"
#include "orchestrator/audit/findings.h"
#include "orchestrator/ledger/ledger.h"

struct trace {
	int64_t seq;      /* the first event that does not follow from the one before it */
	int64_t last_seq; /* the last that does; 0: none does */
	int64_t last_ms;
	char last_hash[DIGEST_HEX_SIZE];
};

/* Adds one finding. */
int trace_explain(struct store *store, const struct trace *trace, struct findings_list *findings, struct error *err);

#endif
