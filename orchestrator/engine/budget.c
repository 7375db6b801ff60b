/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many failures are too many: in the run, in one stage, in one failure domain, in a row. Failures that a person has seen
 * before resuming count no longer. Each reason says in words what was reached and what stops.
 */
#include "orchestrator/engine/internal.h"

#include <stdio.h>

void engine_stop(struct engine *engine, const char *reason, int64_t now_ms, struct engine_output *output)
{
	if (engine->state != RUN_RUNNING)
		return;
	if (engine->options.on_failure == ON_FAILURE_ABORT) {
		engine_abort(engine, reason, now_ms, output);
		return;
	}
	engine->wants_rollback = engine->options.on_failure == ON_FAILURE_ROLLBACK;
	engine_pause(engine, reason, now_ms, output);
}

void engine_count_end(struct engine *engine, const struct engine_agent *agent, struct engine_output *output)
{
	int before = engine->in_a_row;

	if (engine->options.max_consecutive == 0 || agent->was_stuck || agent->seen)
		return;
	if (agent->state == AGENT_DONE)
		engine->in_a_row = 0;
	else if (agent_state_is_failure(agent->state))
		engine->in_a_row++;
	if (engine->in_a_row != before)
		output->run_changed = true;
}

/* ---- each budget: whether it is spent, and then why that stops the run */

struct reason {
	char text[sizeof((struct engine *)0)->reason];
};

/* budget: "the failure budget of stage 2" */
static bool exceeds(const char *budget, int failures, int most, struct reason *reason)
{
	char limit[48];

	if (most < 0 || failures <= most)
		return false;
	snprintf(limit, sizeof limit, most == 0 ? "one failure stops the run" : "more than %d stop the run", most);
	snprintf(reason->text, sizeof reason->text, "%s is spent: %d agent%s failed, %s", budget, failures,
		 failures == 1 ? " has" : "s have", limit);
	return true;
}

static bool run_is_spent(const struct engine *engine, struct reason *reason)
{
	return exceeds("the failure budget", engine->fresh_failures, engine->options.max_failures, reason);
}

static bool stage_is_spent(const struct engine *engine, int stage, struct reason *reason)
{
	char budget[64];

	snprintf(budget, sizeof budget, "the failure budget of stage %d", stage + 1);
	return exceeds(budget, engine->stage_failures[stage], engine->options.stage_max_failures, reason);
}

static bool domain_is_spent(const struct engine *engine, int domain, struct reason *reason)
{
	char budget[128];

	if (domain < 0)
		return false;
	if (engine->domain_names)
		snprintf(budget, sizeof budget, "the failure budget of failure domain %s",
			 engine->domain_names[domain]);
	else
		snprintf(budget, sizeof budget, "the failure budget of one failure domain");
	return exceeds(budget, engine->domain_failures[domain], engine->options.domain_max_failures, reason);
}

static bool row_is_spent(const struct engine *engine, struct reason *reason)
{
	int most = engine->options.max_consecutive;

	if (most == 0 || engine->in_a_row < most)
		return false;
	if (most == 1)
		snprintf(reason->text, sizeof reason->text,
			 "an agent has failed: the first failure in a row stops the run");
	else
		snprintf(reason->text, sizeof reason->text,
			 "%d agents have failed one after the other: %d in a row stop the run", engine->in_a_row, most);
	return true;
}

void engine_check_budgets(struct engine *engine, size_t index, int64_t now_ms, struct engine_output *output)
{
	const struct engine_agent *agent = &engine->agents[index];
	struct reason reason;

	if (agent->seen || agent->was_stuck)
		return; /* what is known to a person stops nothing */
	if (run_is_spent(engine, &reason) || stage_is_spent(engine, agent->stage, &reason) ||
	    domain_is_spent(engine, agent->domain, &reason) || row_is_spent(engine, &reason))
		engine_stop(engine, reason.text, now_ms, output);
}

void engine_see_failures(struct engine *engine)
{
	for (size_t i = 0; i < engine->count; i++) {
		struct engine_agent next = engine->agents[i];

		if (!agent_state_is_failure(next.state) || next.was_stuck || next.seen || next.state == AGENT_STUCK)
			continue;
		next.seen = true;
		engine_put(engine, i, &next);
	}
	engine->in_a_row = 0;
}
