/* SPDX-License-Identifier: Apache-2.0 */
/* What states and events are called, and what each state means for window, budget and driver. */
#include <stdio.h>
#include <string.h>

#include "orchestrator/engine/internal.h"

enum {
	FINAL = 1 << 0,
	AWAY = 1 << 1,
	FAILURE = 1 << 2,
	OPEN = 1 << 3,
	UNDER_WAY = 1 << 4,
};

static const struct {
	const char *name;
	unsigned is;
} states[AGENT_STATE_COUNT] = {
	[AGENT_WAITING] = {"waiting", 0},
	/* Its slot is taken before the intent, or two agents could get the last one. */
	[AGENT_CHECKING] = {"checking", AWAY | UNDER_WAY},
	[AGENT_DRAINING] = {"draining", AWAY | UNDER_WAY},
	[AGENT_CHANGING] = {"changing", AWAY | OPEN | UNDER_WAY},
	[AGENT_RETURNING] = {"returning", AWAY | OPEN | UNDER_WAY},
	[AGENT_PROVING] = {"proving", AWAY | OPEN | UNDER_WAY},
	[AGENT_SOAKING] = {"soaking", AWAY | OPEN | UNDER_WAY},
	[AGENT_DONE] = {"done", FINAL},
	[AGENT_FAILED] = {"failed", FINAL | FAILURE},
	/* A failure already: whether it is proven to be as it was or not, it has failed, and nobody may start meanwhile. */
	[AGENT_REVERTING] = {"reverting", AWAY | FAILURE | OPEN | UNDER_WAY},
	[AGENT_REVERTED] = {"reverted", FINAL | FAILURE},
	[AGENT_STUCK] = {"stuck", FINAL | AWAY | FAILURE | OPEN},
	[AGENT_UNKNOWN] = {"unknown", AWAY | OPEN | UNDER_WAY},
	[AGENT_GATING] = {"gating", UNDER_WAY},
	[AGENT_REJECTED] = {"rejected", FINAL | FAILURE},
};

static const char *const events[AGENT_EVENT_COUNT] = {
	[EVENT_TURN] = "turn",
	[EVENT_CLEAR] = "clear",
	[EVENT_UNFIT] = "unfit",
	[EVENT_STARTED] = "started",
	[EVENT_REFUSED] = "refused",
	[EVENT_UNDONE] = "undone",
	[EVENT_HOST_DONE] = "host-done",
	[EVENT_HOST_STUCK] = "host-stuck",
	[EVENT_UNSENT] = "unsent",
	[EVENT_LOST] = "lost",
	[EVENT_OPEN] = "open",
	[EVENT_ABSENT] = "absent",
	[EVENT_RETURNED] = "returned",
	[EVENT_PROVEN] = "proven",
	[EVENT_DISPROVEN] = "disproven",
	[EVENT_TIMEOUT] = "timeout",
	[EVENT_SOAKED] = "soaked",
	[EVENT_HALT] = "halt",
	[EVENT_RESUME] = "resume",
	[EVENT_NEVER] = "never",
	[EVENT_GATES] = "gates",
	[EVENT_GATE_PASSED] = "gate-passed",
	[EVENT_GATE_FAILED] = "gate-failed",
	[EVENT_GATE_OPEN] = "gate-open",
	[EVENT_RETRY] = "retry",
};

static const char *const runs[RUN_STATE_COUNT] = {
	[RUN_RUNNING] = "running",
	[RUN_PAUSED] = "paused",
	[RUN_DONE] = "done",
	[RUN_ABORTED] = "aborted",
};

static const char *const stops[ON_FAILURE_COUNT] = {
	[ON_FAILURE_PAUSE] = "pause",
	[ON_FAILURE_ROLLBACK] = "rollback",
	[ON_FAILURE_ABORT] = "abort",
};

const char *agent_state_name(enum agent_state state)
{
	return states[state].name;
}

int agent_state_parse(const char *name)
{
	for (int i = 0; i < AGENT_STATE_COUNT; i++)
		if (strcmp(states[i].name, name) == 0)
			return i;
	return -1;
}

const char *agent_event_name(enum agent_event event)
{
	return events[event];
}

const char *run_state_name(enum run_state state)
{
	return runs[state];
}

int run_state_parse(const char *name)
{
	for (int i = 0; i < RUN_STATE_COUNT; i++)
		if (strcmp(runs[i], name) == 0)
			return i;
	return -1;
}

const char *engine_on_failure_name(enum engine_on_failure what)
{
	return stops[what];
}

int engine_on_failure_parse(const char *name)
{
	for (int i = 0; i < ON_FAILURE_COUNT; i++)
		if (strcmp(stops[i], name) == 0)
			return i;
	return -1;
}

bool agent_state_is_final(enum agent_state state)
{
	return states[state].is & FINAL;
}

bool agent_state_is_away(enum agent_state state)
{
	return states[state].is & AWAY;
}

bool agent_state_is_failure(enum agent_state state)
{
	return states[state].is & FAILURE;
}

bool agent_state_is_open(enum agent_state state)
{
	return states[state].is & OPEN;
}

bool agent_state_is_under_way(enum agent_state state)
{
	return states[state].is & UNDER_WAY;
}

char *engine_span(int64_t ms, char out[ENGINE_SPAN_MAX])
{
	int64_t seconds = (ms + 500) / 1000;

	if (seconds < 120)
		snprintf(out, ENGINE_SPAN_MAX, "%lld s", (long long)seconds);
	else if (seconds % 60 == 0)
		snprintf(out, ENGINE_SPAN_MAX, "%lld min", (long long)(seconds / 60));
	else
		snprintf(out, ENGINE_SPAN_MAX, "%lld min %lld s", (long long)(seconds / 60), (long long)(seconds % 60));
	return out;
}
