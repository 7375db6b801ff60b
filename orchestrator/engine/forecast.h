/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_ENGINE_FORECAST_H
#define ORCHESTRATOR_ENGINE_FORECAST_H
/*
 * How a run would go: the real engine with a clock of its own, fed with agents that take as long as expected, and of which some
 * fail. Nothing outside is asked. The same input gives the same outcome.
 */
#include "orchestrator/engine/engine.h"

#define FORECAST_LOOK_MS 500
#define FORECAST_KEEP_MS 100

/* Arrays are borrowed during the call; all times are milliseconds. */
struct forecast_input {
	const struct engine_options *options;
	const struct engine_stage *stages;
	size_t stage_count;
	const int *domains;
	const char *const *domain_names; /* NULL: they have none */
	const int64_t *away_ms;          /* by agent: from the intent until it is proven */
	size_t count;
	int64_t look_ms; /* a question to the master and its answer; FORECAST_LOOK_MS when nothing is slow */
	int64_t keep_ms; /* agentctl's answer to keep; FORECAST_KEEP_MS */
	int64_t agent_gate_ms, stage_gate_ms; /* what asking the gates of one agent, of one stage takes */
	/* Of the agents, rounded, and at least one unless it is 0: the new state fails at its end, and is taken back in as much
	 * time again. */
	int fail_per_million;
	uint64_t seed; /* which ones */
};

struct forecast_outcome {
	enum run_state state;
	bool rolls_back;
	char reason[sizeof((struct engine *)0)->reason];
	int64_t ms;
	int done, failed, waiting; /* agents at the end */
};

void forecast_run(const struct forecast_input *input, struct forecast_outcome *out);

#endif
