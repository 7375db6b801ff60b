/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLAN_PARSE_AGENT_H
#define ORCHESTRATOR_PLAN_PARSE_AGENT_H
/* What plan_parse.c shares with plan_parse_agent.c: one member of a plan's list of agents. */
#include <jansson.h>

#include "base/json.h"
#include "orchestrator/plan/plan.h"

/* agent is empty before, and to be cleared whatever comes back. */
int plan_parse_agent(const json_t *object, int format, struct plan_agent *agent, const struct json_place *place,
		     struct error *err);

#endif
