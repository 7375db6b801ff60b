/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_WITNESS_H
#define ORCHESTRATOR_AUDIT_WITNESS_H
/*
 * Every request carries the head of the chain to a host, whose journal keeps it: so hosts know what the ledger was, and a chain that was
 * computed anew from some event on, cut off, or put back to an old backup does not have the heads they were given. And a run that the
 * ledger says was carried out on a host is in its journal.
 */
#include "orchestrator/audit/chain.h"
#include "orchestrator/session.h"

struct witness_counts {
	size_t hosts; /* that were asked */
	size_t answered;
	size_t heads;   /* that they were given by this database */
	size_t known;   /* of those, in the chain */
	size_t others;  /* heads of other databases: this one was renamed, or the hosts had another one before */
	int64_t newest; /* the last event that a host vouches for; 0: none */
};

/* Asks the hosts of the agents that where chooses (NULL: all of the cluster); keeps nothing. Adds a finding for each head that the chain
 * does not have, for each host whose journal does not know what was done there, and for each host that did not answer. ERROR_UNREACHABLE when none did. */
int witness_ask(struct session *session, const char *where, const struct chain *chain, struct witness_counts *counts,
		struct findings_list *findings);

#endif
