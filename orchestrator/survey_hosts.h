/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_SURVEY_HOSTS_H
#define ORCHESTRATOR_SURVEY_HOSTS_H
/*
 * Runs `agentctl inspect` on the hosts of many agents at once and keeps the answers in the database. A host that cannot
 * be asked is a fact, kept with its reason, and never an error of the whole.
 */
#include <stddef.h>

#include "inventory/agents.h"
#include "inventory/survey.h"
#include "orchestrator/session.h"

/* Connections at a time unless the operator says otherwise: quick for a fleet, and no burden for a bastion. */
#define SURVEY_PARALLEL 20

struct survey_counts {
	size_t total;
	size_t surveyed;
	size_t failed;
	size_t reached; /* SSH let us in, whatever came of it */
};

/* Told of every host when it is done. survey is NULL when it failed, failure NULL when it did not. */
struct survey_watch {
	void (*host)(void *ctx, const struct agent_record *agent, const struct survey *survey,
		     const struct error *failure, const struct survey_counts *so_far);
	void *ctx;
};

/* watch may be NULL. -1 with session->error only when the cluster file, agentctl's own file or the database fail. */
int survey_hosts(struct session *session, const struct agent_list *agents, size_t parallel,
		 const struct survey_watch *watch, struct survey_counts *out);

/* The same, and nothing is kept: the database stays as it is. */
int survey_ask(struct session *session, const struct agent_list *agents, size_t parallel,
	       const struct survey_watch *watch, struct survey_counts *out);

#endif
