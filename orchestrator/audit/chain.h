/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_CHAIN_H
#define ORCHESTRATOR_AUDIT_CHAIN_H
/*
 * The ledger's chain as a whole: does each event follow from the one before it? Where one does not, what was done to it is worked out
 * from its neighbours: an event that follows from another one than stands before it was moved, or something was put in or taken out
 * between them. Whoever computes every hash anew from some event on leaves no such trace; heads that were noted elsewhere (on hosts,
 * reports, signatures) find that out.
 */
#include <stdbool.h>

#include "inventory/store.h"
#include "orchestrator/audit/findings.h"
#include "orchestrator/ledger/ledger.h"

struct chain {
	int64_t events; /* how many there are */
	int64_t seq;    /* of the last; 0: there is none */
	int64_t time_ms;
	char head[DIGEST_HEX_SIZE];      /* its hash; zeros before the first */
	char (*hashes)[DIGEST_HEX_SIZE]; /* by order of the text */
	int64_t *seqs;                   /* of which event each is */
	bool whole;
	/* Where the clock went back the furthest between two events, which is nobody's fault by itself: 0 when it never did. */
	int64_t back_seq, back_ms;
};
void chain_clear(struct chain *chain);

/* Reads all of it, and adds what is wrong: at most one finding, about the first event that is. *out is set only on success, also when
 * something is wrong. */
int chain_check(struct store *store, struct chain *out, struct findings_list *findings, struct error *err);

/* The event with that hash: its seq; 0: the hash of no event, as it stands before the first; -1: there is none. */
int64_t chain_find(const struct chain *chain, const char *hash);

#endif
