/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_EVENT_QUERY_H
#define ORCHESTRATOR_AUDIT_EVENT_QUERY_H
/* Questions about the ledger's events, in their order. */
#include "inventory/selector.h"
#include "orchestrator/ledger/ledger.h"

/* All that is given must hold. */
struct event_filter {
	const char *run;   /* its ID; NULL: any */
	const char *agent; /* an agent's ID, the beginning of one, or its hostname, also a former one; NULL: any */
	const char *kind;  /* also all below it: "run" finds "run.ordered"; NULL: any */
	const struct selector *where; /* selector_parse_events; NULL: any */
	int64_t since_ms, until_ms;   /* wall clock; 0: without bound */
	int64_t after;                /* seq */
};

/* Is there an agent of that name (as event_filter.agent has it), now or in any event? 1; 0: no, and near (the caller's) gets a hostname that
 * may have been meant, or NULL; -1. */
int event_agent_is_known(struct store *store, const char *agent, char **near, struct error *err);

/* Is there that kind of event, or one below it: of those that rollcall writes, or in any event? 1, 0, -1. */
int event_kind_is_known(struct store *store, const char *kind, struct error *err);

/* Borrowed during the call. */
struct event_row {
	struct ledger_entry entry;
	const char *hostname; /* of its agent as the inventory has it; NULL: none */
	const char *previous; /* the hash of the event before it; NULL: it is the first */
};

/* visit returns non-zero to stop, which is then returned. */
int event_query(struct store *store, const struct event_filter *filter,
		int (*visit)(void *ctx, const struct event_row *row, struct error *err), void *ctx, struct error *err);

#endif
