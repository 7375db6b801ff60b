/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_COUNTDOWN_H
#define ORCHESTRATOR_REPORT_COUNTDOWN_H
/* The clocks that run against an agent that is away, for whoever watches: which runs out first, and when. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/engine/clocks.h"
#include "orchestrator/engine/engine.h"
#include "orchestrator/plan/plan.h"

/* What is left for an agent of the run that went away at away_from_ms (wall clock; the moment of the intent, so it is a
 * little less than what there is really). started: agentctl has seen its new process. false: no clock runs. */
bool countdown_left(const struct plan *plan, const struct plan_agent *agent, enum agent_state state,
		    int64_t away_from_ms, bool started, int64_t now_ms, struct engine_left *out);

/* "58 s until the master takes it for unreachable", "executors' time is over since 3 s". The caller's. */
char *countdown_text(const struct engine_left *left);

/* The same for whoever knows how long it is in its state: rollcall's own patience with it is named where that ends first. left: NULL:
 * no clock runs. "" when nothing is waited for. The caller's. */
char *countdown_nearest(const struct plan *plan, enum agent_state state, int64_t in_state_ms,
			const struct engine_left *left);

/* {"silent": S, "disconnected": S, "executors": S} in seconds, those that run; schema/rollout-status.schema.json. */
json_t *countdown_to_json(const struct engine_left *left);

#endif
