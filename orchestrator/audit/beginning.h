/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_BEGINNING_H
#define ORCHESTRATOR_AUDIT_BEGINNING_H
/*
 * Where the evidence begins. Whoever opens a database for the first time writes the event "database.begun": its name, when it was made,
 * and all that is in it without an event of its own (nothing, in a new one). From there on a row that neither an event nor that list
 * speaks of was put there past rollcall. Runs whose events have no digests of their rows get an event "database.found" each, with them.
 *
 *	database.begun  {"database", "created_ms", "configs": [{"name", "text", "time_ms"}],
 *	                 "ignores": [{"number", "text", "time_ms", "removed_by", "removed_ms"}]}
 *	database.found  {"run", "row", "row_before", "agents": {position: digest}}
 *
 * `configs` and `ignores` are in the words of projections_sql.h, the digests those of ledger.h.
 */
#include <jansson.h>

#include "inventory/store.h"
#include "orchestrator/audit/findings.h"

/* Does nothing where it was written. One transaction of its own. Takes the reference to origin, as ledger_set_origin does. */
int beginning_record(struct store *store, const char *actor, json_t *origin, struct error *err);

/* Adds a finding when the event is missing, was written again, or is about another database. */
int beginning_check(struct store *store, struct findings_list *findings, struct error *err);

/* The body of a run's "database.found", the caller's; NULL: it has none, or it cannot be read. */
json_t *beginning_of_run(struct store *store, const char *run);

#endif
