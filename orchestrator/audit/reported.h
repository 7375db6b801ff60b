/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_REPORTED_H
#define ORCHESTRATOR_AUDIT_REPORTED_H
/*
 * Is a file the report that was written? Two things speak for it, and each is looked at: the ledger has its SHA-256 (an event
 * "audit.reported", which `audit report --out` writes), and the database gives the same bytes once more, for the moment and the head that
 * the file names. CSV names neither: it is made as of the moment that the event has, or as of now. A run that went on since, and another version of rollcall, give other bytes; then the ledger alone speaks.
 */
#include "orchestrator/audit/chain.h"

struct reported {
	int64_t event; /* that recorded it; 0: none did */
	int64_t time_ms;
	int64_t made_ms; /* as of which it shows its runs; of events of older versions time_ms */
	char actor[256];
	char as[512], runs[512]; /* the file it was written to, and of which runs */
	bool same;               /* made once more, it is the same */
	char why[512];           /* why it cannot be compared; "": it can */
};

/* Adds a finding when it is not, or when nothing speaks for it. */
int reported_check(struct store *store, const char *path, const struct chain *chain, struct reported *out,
		   struct findings_list *findings, struct error *err);

#endif
