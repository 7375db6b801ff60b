/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_PROJECTIONS_H
#define ORCHESTRATOR_AUDIT_PROJECTIONS_H
/*
 * Do the rows that a driver restarts from say what the events say? Plans, runs, their agents, epochs and orders are projections of the
 * ledger: an event that is there and a row that says otherwise (or the other way round, when the ledger's end was cut off) were not
 * both written by rollcall.
 */
#include "orchestrator/audit/chain.h"

/* Adds one finding for each row that disagrees. */
int projections_check(struct store *store, const struct chain *chain, struct findings_list *findings,
		      struct error *err);

/* Parts of it: the rows of runs; the agents of each run; who is told, and what. */
int projections_check_runs(struct store *store, struct findings_list *findings, struct error *err);
int projections_check_queue(struct store *store, struct findings_list *findings, struct error *err);
int projections_check_agents(struct store *store, const struct chain *chain, struct findings_list *findings,
			     struct error *err);

#endif
