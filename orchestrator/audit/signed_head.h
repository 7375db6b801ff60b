/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_SIGNED_HEAD_H
#define ORCHESTRATOR_AUDIT_SIGNED_HEAD_H
/* Signed heads against the chain: those the ledger itself holds (events "audit.signed"), and those in files that were put away. */
#include "orchestrator/audit/chain.h"

/* The signature of path is path.sig. Adds a finding when it is not by such a key, is about another database, or the chain does not have
 * the head. checked (a JSON array) gets what was looked at: {"source", "signer", "event", "head", "signed"}. */
int signed_head_check_file(const char *path, const char *key, const char *database, const struct chain *chain,
			   json_t *checked, struct findings_list *findings, struct error *err);

/* All that the ledger holds. */
int signed_head_check_events(struct store *store, const char *key, const struct chain *chain, json_t *checked,
			     struct findings_list *findings, struct error *err);

#endif
