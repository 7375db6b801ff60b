/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_COUNTDOWN_H
#define ORCHESTRATOR_REPORT_COUNTDOWN_H
/* The clocks that run against an agent that is away, for whoever watches: which runs out first, and when. Those of the masters and of
 * its executors; and the run's own patience, while somebody drives it. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/engine/engine.h"
#include "orchestrator/plan/plan.h"

/* Times are of the wall clock. */
struct countdown {
	enum agent_state state;
	int64_t since_ms; /* it is in this state; 0: nobody drives the run */
	int64_t away_from_ms; /* the moment of the intent, so there is a little more left than is said; 0: it was not away */
	bool started;         /* agentctl has seen its new process */
	bool unlisted;        /* the master's last answer does not list it; false: it does, or nobody here knows */
};

/* "58 s until it is unreachable", "40 s until unreachable, if silent" (its new process is there), "its executors end themselves, since 3 s", "12 s until it counts as stuck"; "" when no clock runs.
 * Before that, where it was silent for too long: "the master has given it up; ", or "if silent, the master has given it up; " of whose new
 * process may answer.
 * The caller's. */
char *countdown_text(const struct plan *plan, const struct plan_agent *agent, const struct countdown *of,
		     int64_t now_ms);

/* {"silent": S, "disconnected": S, "executors": S, "stuck": S} in seconds, those that run; null: none does.
 * schema/rollout-status.schema.json. */
json_t *countdown_to_json(const struct plan *plan, const struct plan_agent *agent, const struct countdown *of,
			  int64_t now_ms);

struct run_view;
struct agent_result;
struct countdown countdown_of(const struct run_view *view, const struct agent_result *agent);

#endif
