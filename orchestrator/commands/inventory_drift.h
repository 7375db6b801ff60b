/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_COMMANDS_INVENTORY_DRIFT_H
#define ORCHESTRATOR_COMMANDS_INVENTORY_DRIFT_H
/* What `inventory drift` has found, between looking and showing. */
#include "inventory/agents.h"
#include "inventory/drift.h"
#include "inventory/ignores.h"
#include "orchestrator/session.h"

struct drift_wish {
	const char *where, *config;
	bool refresh, all;
};

struct drifted {
	const struct agent_record *agent;
	int64_t surveyed_ms;
	struct drift_findings findings;
};

struct drift {
	struct session *session;
	const struct drift_wish *wish;
	struct agent_list listed, gone;
	struct ignore_list ignores;
	struct selector **ignored; /* one for each of ignores */
	struct drifted *agents;    /* every one that was looked at */
	size_t count;
	size_t drifted; /* of them, those with drift */
	size_t unknown; /* and those that may have drifted: their hosts were not asked since they registered last */
};

/* Fills drift, whose session and wish are set; -1 with session->error. */
int drift_look(struct drift *drift);
void drift_clear(struct drift *drift);

#endif
