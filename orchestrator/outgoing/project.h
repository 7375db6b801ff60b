/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_OUTGOING_PROJECT_H
#define ORCHESTRATOR_OUTGOING_PROJECT_H
/*
 * What follows from an event for those who want to be told: the ledger calls it for every event, in the event's transaction.
 *
 *   observer.added, webhook.added      a receiver
 *   observer.removed, webhook.removed  it is told no more; what still waits for it is dropped
 *   outgoing.dropped                   a message is dropped
 *   agent.changed                      a message for each running task and each observer that wants its framework
 *   run.created, run, run.rolled_back  a message for each webhook that wants it
 *
 * Every other event is left alone.
 */
#include "inventory/store.h"
#include "orchestrator/ledger/ledger.h"

int outgoing_project(struct store *store, const struct ledger_entry *entry, struct error *err);

/* Kinds of messages to webhooks; ends with NULL. */
extern const char *const webhook_kinds[];

#define KIND_AGENT_CHANGED "agent-state-changed"
#define KIND_TEST          "test"

/* Does an observer that wants this hear of a framework? wants: its ID, name or role; or "id:…", "name:…", "role:…". */
bool observer_wants(const char *wants, const char *id, const char *name, const char *role);
/* wants: NULL, or kinds separated by commas. */
bool webhook_wants(const char *wants, const char *kind);

#endif
