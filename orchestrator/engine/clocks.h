/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_ENGINE_CLOCKS_H
#define ORCHESTRATOR_ENGINE_CLOCKS_H
/*
 * The three clocks that run while an agent is away, and whether the worst case of a restart and its undo fits into them
 * (invariant 9). Pure arithmetic; who reads the flags is the planner's and the driver's affair.
 *
 *   silent        the master pings the agent's process; unanswered for agent_ping_timeout x max_agent_ping_timeouts it takes
 *                 the agent for unreachable. A process that recovers answers.
 *   disconnected  the agent must reregister within agent_reregister_timeout.
 *   executors     executors end themselves when no agent has been back for recovery_timeout.
 *
 * All times are milliseconds.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

enum engine_clock { CLOCK_SILENT, CLOCK_DISCONNECTED, CLOCK_EXECUTORS, CLOCK_COUNT };
const char *engine_clock_name(enum engine_clock clock); /* "silent", "disconnected", "executors" */

/* What the master's and the agent's flags say; engine_default_clocks are the defaults of both. */
struct engine_clocks {
	int64_t ping_ms;       /* agent_ping_timeout */
	int64_t pings;         /* max_agent_ping_timeouts */
	int64_t reregister_ms; /* agent_reregister_timeout */
	int64_t recovery_ms;   /* the agent's recovery_timeout; 0: it has no executors that could end */
};
extern const struct engine_clocks engine_default_clocks;

/* How long each part of a restart may take. */
struct engine_timing {
	int64_t stop_ms;    /* until the old process is gone */
	int64_t start_ms;   /* from then until the new process answers */
	int64_t verdict_ms; /* how long a new process may run without having registered before it can still be undone */
	int64_t executor_ms; /* executor_reregistration_timeout: recovery spends all of it */
	int64_t backoff_ms;  /* registration_backoff_factor: the first wait before it registers */
};

/* How long each clock is: a process that is not there is silent, from the moment it ended. */
int64_t engine_clock_ms(const struct engine_clocks *clocks, enum engine_clock clock);

struct engine_worst {
	int64_t once_ms[CLOCK_COUNT]; /* the restart goes well, as slowly as it may */
	int64_t undo_ms[CLOCK_COUNT]; /* it has to be undone at the last moment */
	bool fits[CLOCK_COUNT];       /* undo_ms fits */
	bool fits_all;
	enum engine_clock tightest; /* the one with the least room, also when it does not fit */
	int64_t room_ms;            /* its room; negative: by so much it does not fit */
};
void engine_worst_case(const struct engine_clocks *clocks, const struct engine_timing *timing,
		       struct engine_worst *out);

/* The longest start_ms with which everything fits, the rest of timing as given: what agentctl should be told to wait. -1:
 * not even 0 fits. */
int64_t engine_longest_start_ms(const struct engine_clocks *clocks, const struct engine_timing *timing);

/* One sentence for people, and for each clock that does not fit one more: what takes how long and which flag gives how
 * much. */
void engine_worst_text(const struct engine_clocks *clocks, const struct engine_worst *worst, struct buffer *out);

/* What is left of each clock for an agent that is away. */
struct engine_away {
	int64_t gone_ms;   /* its process ended so long ago; -1: it has not ended yet */
	int64_t silent_ms; /* nobody has answered pings for so long; -1: its new process does */
	bool back;         /* reregistered */
};
struct engine_left {
	int64_t ms[CLOCK_COUNT];   /* negative: it ran out so long ago; INT64_MAX: it does not run */
	enum engine_clock soonest; /* of those that run */
};
/* false when no clock runs. */
bool engine_clocks_left(const struct engine_clocks *clocks, const struct engine_away *away, struct engine_left *out);

#endif
