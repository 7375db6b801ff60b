/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps everybody from starting although the run is running, and the guard against a cluster that melts down. */
#include "orchestrator/engine/internal.h"

#include <stdio.h>
#include <string.h>

const char *engine_hold_name(enum engine_hold hold)
{
	return hold & HOLD_LEADER ? "another master leads, and agents are not back at it yet" : "no master answers";
}

void engine_hold(struct engine *engine, enum engine_hold hold, bool on, int64_t now_ms, struct engine_output *output)
{
	unsigned before = engine->holds;

	engine->holds = on ? before | hold : before & ~(unsigned)hold;
	if (before & ~engine->holds & HOLD_LEADER)
		engine_restart_gates(engine, now_ms);
	if (before == 0 && engine->holds != 0)
		engine->hold_since_ms = now_ms;
	engine_check_holds(engine, now_ms, output);
}

void engine_check_holds(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	char reason[sizeof engine->reason], span[ENGINE_SPAN_MAX];

	if (engine->holds == 0 || engine->by_state[AGENT_WAITING] == 0 || engine->state != RUN_RUNNING ||
	    now_ms - engine->hold_since_ms < engine->options.hold_ms)
		return;
	snprintf(reason, sizeof reason, "%s, for longer than %s", engine_hold_name((enum engine_hold)engine->holds),
		 engine_span(engine->options.hold_ms, span));
	engine_pause(engine, reason, now_ms, output);
}

static const char meltdown[] = " agents are unreachable or inactive: more than ";

bool engine_is_meltdown(const char *reason)
{
	return strstr(reason, meltdown) != NULL;
}

void engine_set_cluster(struct engine *engine, int total, int bad, int own, const char *names, int64_t now_ms,
			struct engine_output *output)
{
	int most = engine->options.meltdown_percent;
	char reason[sizeof engine->reason];

	/* Those that the run itself has taken away are no meltdown, however small the cluster is. */
	if (most == 0 || bad <= own || (int64_t)bad * 100 <= (int64_t)most * total)
		return;
	snprintf(reason, sizeof reason, "%d of the cluster's %d%s%d%% of them stop the run (%s)", bad, total, meltdown,
		 most, names);
	engine_pause(engine, reason, now_ms, output);
}
