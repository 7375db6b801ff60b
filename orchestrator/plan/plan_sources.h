/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLAN_SOURCES_H
#define ORCHESTRATOR_PLAN_SOURCES_H
/*
 * What a plan rests on, brought together: the inventory as it is, or, unless it is made offline, asked for anew from every master and
 * from the hosts it is about. Reads the cluster, changes only the inventory's rows of agents and surveys.
 *
 *   plan_sources_open → [plan_sources_ask_masters → plan_sources_survey] → plan_sources_finish → input → plan_sources_close
 */
#include "orchestrator/plan/planner.h"
#include "orchestrator/session.h"
#include "remote/master.h"

struct plan_sources {
	struct session *session;
	struct planner_input input; /* borrows everything below */
	struct master_facts facts;
	struct master_roll roll;
	struct planner_master *masters;
};

/* All of these: -1 with session->error. plan_sources_close is due whatever comes back. */
int plan_sources_open(struct plan_sources *sources, struct session *session);
/* The leader's lists go into the inventory; then every master is asked by itself. */
int plan_sources_ask_masters(struct plan_sources *sources);
int plan_sources_survey(struct plan_sources *sources, const struct agent_list *agents);
/* Reads what the inventory has of the master. ERROR_REFUSED when no master was ever asked. */
int plan_sources_finish(struct plan_sources *sources);
void plan_sources_close(struct plan_sources *sources);

/* Writes the plan's bytes, which are appended to `bytes`, and keeps it in the ledger with its event, durably. One that changes
 * nobody is not kept. ERROR_REFUSED when it is too large. */
int plan_keep(struct session *session, struct plan *plan, struct buffer *bytes);

#endif
