/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_CHOOSE_H
#define ORCHESTRATOR_CHOOSE_H
/* The agents a command is about. */
#include "inventory/agents.h"
#include "orchestrator/session.h"

/* The agents of the session's cluster that where (NULL: all) chooses; possibly none. -1 with session->error: where is
 * no selector, or the cluster was never synced. */
int choose_agents(struct session *session, const char *where, struct agent_list *out);

/* Warns of attributes that selector (NULL: none) asks about and no agent has: most of them are misspelt. */
int choose_check_names(struct session *session, const struct selector *selector);
/* The same of the columns of a list. */
int choose_check_columns(struct session *session, char *const names[], size_t count);

#endif
