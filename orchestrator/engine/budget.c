/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many failures are too many: in the run, in one stage, in one failure domain, in a row. Failures that a person has seen
 * before resuming count no longer. Each reason says in words what was reached and what stops.
 */
#include "orchestrator/engine/internal.h"

#include <stdio.h>
#include <string.h>

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

int engine_share(size_t agents, int percent)
{
	return (int)(agents * (size_t)percent / 100);
}

/* Returns whether the row has changed. */
static bool count_row(int *row, int most, enum agent_state state)
{
	int before = *row;

	if (most > 0 && state == AGENT_DONE)
		*row = 0;
	else if (most > 0 && agent_state_is_failure(state))
		++*row;
	return *row != before;
}

void engine_count_end(struct engine *engine, const struct engine_agent *agent, struct engine_output *output)
{
	const struct engine_options *options = &engine->options;
	bool changed;

	if (agent->was_stuck || agent->seen)
		return;
	changed = count_row(&engine->in_a_row, options->max_consecutive, agent->state);
	changed |= count_row(&engine->stage_rows[agent->stage], options->stage_max_consecutive, agent->state);
	if (agent->domain >= 0)
		changed |= count_row(&engine->domain_rows[agent->domain], options->domain_max_consecutive,
				     agent->state);
	output->run_changed |= changed;
}

/* ---- each budget: whether it is spent, and then why that stops the run */

struct reason {
	char text[sizeof((struct engine *)0)->reason];
};

/* How many may fail: a number (-1: any), or a share of so many agents. */
struct limit {
	int most;
	int percent; /* 0: a number */
	size_t of;
};

static struct limit limit_of(int number, int percent, size_t agents)
{
	return (struct limit){
		.most = percent > 0 ? engine_share(agents, percent) : number,
		.percent = percent,
		.of = agents,
	};
}

/* budget: "the failure budget of stage 2" */
static bool exceeds(const char *budget, int failures, const struct limit *limit, struct reason *reason)
{
	int most = limit->most;
	char share[48] = "", words[128];

	if (most < 0 || failures <= most)
		return false;
	if (limit->percent > 0)
		snprintf(share, sizeof share, " (%d%% of its %zu)", limit->percent, limit->of);
	if (most == 0)
		snprintf(words, sizeof words, "one failure stops the run%s", share);
	else
		snprintf(words, sizeof words, "more than %d%s stop the run", most, share);
	snprintf(reason->text, sizeof reason->text, "%s is spent: %d agent%s failed, %s", budget, failures,
		 failures == 1 ? " has" : "s have", words);
	return true;
}

static bool run_is_spent(const struct engine *engine, struct reason *reason)
{
	const struct limit limit = {.most = engine->options.max_failures};

	return exceeds("the failure budget", engine->fresh_failures, &limit, reason);
}

static size_t stage_size(const struct engine *engine, int stage)
{
	return engine->stages[stage].end - (stage > 0 ? engine->stages[stage - 1].end : 0);
}

static bool stage_is_spent(const struct engine *engine, int stage, struct reason *reason)
{
	const struct limit limit = limit_of(engine->options.stage_max_failures, engine->options.stage_max_percent,
					    stage_size(engine, stage));
	char budget[64];

	snprintf(budget, sizeof budget, "the failure budget of stage %d", stage + 1);
	return exceeds(budget, engine->stage_failures[stage], &limit, reason);
}

struct domain_name {
	char text[96];
};

/* "failure domain eu/eu-1a" */
static void name_domain(const struct engine *engine, int domain, struct domain_name *out)
{
	if (engine->domain_names)
		snprintf(out->text, sizeof out->text, "failure domain %s", engine->domain_names[domain]);
	else
		snprintf(out->text, sizeof out->text, "one failure domain");
}

static bool domain_is_spent(const struct engine *engine, int domain, struct reason *reason)
{
	struct domain_name name;
	char budget[128];

	if (domain < 0)
		return false;
	const struct limit limit = limit_of(engine->options.domain_max_failures, engine->options.domain_max_percent,
					    engine->domain_sizes[domain]);

	name_domain(engine, domain, &name);
	snprintf(budget, sizeof budget, "the failure budget of %s", name.text);
	return exceeds(budget, engine->domain_failures[domain], &limit, reason);
}

/* of: " of stage 2", within: " within a stage"; both "" for the run's */
static bool reaches(int row, int most, const char *of, const char *within, struct reason *reason)
{
	if (most == 0 || row < most)
		return false;
	if (most == 1)
		snprintf(reason->text, sizeof reason->text,
			 "an agent%s has failed: the first failure in a row%s stops the run", of, within);
	else
		snprintf(reason->text, sizeof reason->text,
			 "%d agents%s have failed one after the other: %d in a row%s stop the run", row, of, most,
			 within);
	return true;
}

static bool stage_row_is_spent(const struct engine *engine, int stage, struct reason *reason)
{
	char of[64];

	snprintf(of, sizeof of, " of stage %d", stage + 1);
	return reaches(engine->stage_rows[stage], engine->options.stage_max_consecutive, of, " within a stage", reason);
}

static bool domain_row_is_spent(const struct engine *engine, int domain, struct reason *reason)
{
	struct domain_name name;
	char of[128];

	if (domain < 0)
		return false;
	name_domain(engine, domain, &name);
	snprintf(of, sizeof of, " of %s", name.text);
	return reaches(engine->domain_rows[domain], engine->options.domain_max_consecutive, of,
		       " within a failure domain", reason);
}

static bool row_is_spent(const struct engine *engine, const struct engine_agent *agent, struct reason *reason)
{
	return reaches(engine->in_a_row, engine->options.max_consecutive, "", "", reason) ||
	       stage_row_is_spent(engine, agent->stage, reason) || domain_row_is_spent(engine, agent->domain, reason);
}

void engine_check_budgets(struct engine *engine, size_t index, int64_t now_ms, struct engine_output *output)
{
	const struct engine_agent *agent = &engine->agents[index];
	struct reason reason;

	if (agent->seen || agent->was_stuck)
		return; /* what is known to a person stops nothing */
	if (run_is_spent(engine, &reason) || stage_is_spent(engine, agent->stage, &reason) ||
	    domain_is_spent(engine, agent->domain, &reason) || row_is_spent(engine, agent, &reason))
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
	memset(engine->stage_rows, 0, (size_t)engine->stage_count * sizeof *engine->stage_rows);
	memset(engine->domain_rows, 0, (size_t)engine->domain_count * sizeof *engine->domain_rows);
}
