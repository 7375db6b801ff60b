/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_SURVEY_EVENTS_H
#define ORCHESTRATOR_SURVEY_EVENTS_H
/* What a survey is in the ledger: an event "inventory.survey" for each host that was asked, in the transaction that keeps its answer. */
#include <jansson.h>

#include "inventory/agents.h"
#include "orchestrator/session.h"

struct survey_events {
	json_t *hosts; /* NULL: none yet */
};
void survey_events_clear(struct survey_events *events);

/* Takes what: an object with what is to be said of the host, beside who it is. */
void survey_events_note(struct survey_events *events, const struct agent_record *agent, json_t *what);

/* Commits the store's transaction, and the events with it. */
int survey_events_commit(struct survey_events *events, struct session *session);

#endif
