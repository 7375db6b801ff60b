/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/engine/forecast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct due {
	int64_t at;
	size_t agent;
	enum agent_event event;
};

struct forecast {
	const struct forecast_input *input;
	struct engine engine;
	struct engine_output output;
	struct due *due; /* at most one of each agent */
	size_t due_count;
	int64_t now, gate_at; /* gate_at -1: no stage's gate is being asked */
	bool *fails;          /* by agent; NULL: none does */
};

/* ---- who fails */

struct lot {
	uint64_t drawn;
	size_t agent;
};

static uint64_t draw(uint64_t seed, size_t agent)
{
	uint64_t z = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + agent;

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static int compare_lots(const void *a, const void *b)
{
	const struct lot *x = a, *y = b;

	if (x->drawn != y->drawn)
		return x->drawn < y->drawn ? -1 : 1;
	return (x->agent > y->agent) - (x->agent < y->agent);
}

static size_t count_failing(const struct forecast_input *input)
{
	uint64_t share = (uint64_t)input->count * (uint64_t)input->fail_per_million;

	if (share == 0)
		return 0;
	return share < 500000 ? 1 : (size_t)((share + 500000) / 1000000);
}

/* Exactly so many; the same ones whatever the order in which agents are tried. */
static bool *choose_failing(const struct forecast_input *input)
{
	size_t failing = count_failing(input);
	struct lot *lots;
	bool *fails;

	if (failing == 0)
		return NULL;
	lots = xcalloc(input->count, sizeof *lots);
	fails = xcalloc(input->count, sizeof *fails);
	for (size_t i = 0; i < input->count; i++)
		lots[i] = (struct lot){.drawn = draw(input->seed, i), .agent = i};
	qsort(lots, input->count, sizeof *lots, compare_lots);
	for (size_t i = 0; i < failing; i++)
		fails[lots[i].agent] = true;
	free(lots);
	return fails;
}

/* ---- the run */

static void later(struct forecast *forecast, size_t agent, enum agent_event event, int64_t ms)
{
	forecast->due[forecast->due_count++] = (struct due){.at = forecast->now + ms, .agent = agent, .event = event};
}

static void step(struct forecast *forecast, size_t agent, enum agent_event event)
{
	engine_step(&forecast->engine, agent, event, forecast->now, &forecast->output);
}

static void perform(struct forecast *forecast, const struct engine_effect *effect)
{
	int64_t away = forecast->input->away_ms[effect->agent];

	switch (effect->kind) {
	case EFFECT_LOOK:
		later(forecast, effect->agent, EVENT_CLEAR, forecast->input->look_ms);
		break;
	case EFFECT_APPLY:
		step(forecast, effect->agent, EVENT_STARTED);
		later(forecast, effect->agent,
		      forecast->fails && forecast->fails[effect->agent] ? EVENT_UNDONE : EVENT_PROVEN, away);
		break;
	case EFFECT_KEEP:
		later(forecast, effect->agent, EVENT_HOST_DONE, forecast->input->keep_ms);
		break;
	case EFFECT_GATE:
		later(forecast, effect->agent, EVENT_GATE_PASSED, forecast->input->agent_gate_ms);
		break;
	case EFFECT_ASK:
	case EFFECT_NONE:
		break;
	}
}

/* What the engine asks for is done at once, until it asks for nothing more. */
static void flush(struct forecast *forecast)
{
	engine_schedule(&forecast->engine, forecast->now, &forecast->output);
	while (forecast->output.effect_count > 0 || forecast->output.ask_stage_gate) {
		struct engine_output output = forecast->output;

		memset(&forecast->output, 0, sizeof forecast->output);
		for (size_t i = 0; i < output.effect_count; i++)
			perform(forecast, &output.effects[i]);
		if (output.ask_stage_gate)
			forecast->gate_at = forecast->now + forecast->input->stage_gate_ms;
		engine_output_clear(&output);
		engine_schedule(&forecast->engine, forecast->now, &forecast->output);
	}
	engine_output_reset(&forecast->output);
}

static void happen(struct forecast *forecast, struct due due)
{
	if (due.event == EVENT_PROVEN && forecast->engine.agents[due.agent].state == AGENT_RETURNING)
		step(forecast, due.agent, EVENT_RETURNED);
	step(forecast, due.agent, due.event);
	if (due.event == EVENT_UNDONE)
		later(forecast, due.agent, EVENT_PROVEN, forecast->input->away_ms[due.agent]);
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Everything that is due at the next moment at which anything is. false: nothing is. */
static bool advance(struct forecast *forecast)
{
	int64_t next = sooner(engine_next_ms(&forecast->engine), forecast->gate_at);

	for (size_t i = 0; i < forecast->due_count; i++)
		next = sooner(next, forecast->due[i].at);
	if (next < 0)
		return false;
	forecast->now = next > forecast->now ? next : forecast->now;
	for (size_t i = forecast->due_count; i-- > 0;) {
		struct due due = forecast->due[i];

		if (due.at > forecast->now)
			continue;
		forecast->due[i] = forecast->due[--forecast->due_count];
		happen(forecast, due);
	}
	if (forecast->gate_at >= 0 && forecast->gate_at <= forecast->now) {
		forecast->gate_at = -1;
		engine_stage_answer(&forecast->engine, forecast->engine.stage, GATE_PASS, NULL, forecast->now,
				    &forecast->output);
	}
	return true;
}

/* Expected times are no limits: an agent that is slow by its plan is not late. */
static struct engine_options patient(const struct forecast_input *input)
{
	struct engine_options options = *input->options;
	int64_t longest = input->agent_gate_ms > input->stage_gate_ms ? input->agent_gate_ms : input->stage_gate_ms;

	for (size_t i = 0; i < input->count; i++)
		longest = input->away_ms[i] > longest ? input->away_ms[i] : longest;
	options.check_ms += input->look_ms;
	options.keep_ms += input->keep_ms;
	options.change_ms += longest;
	options.return_ms += longest;
	options.prove_ms += longest;
	options.gate_ms += longest;
	return options;
}

void forecast_run(const struct forecast_input *input, struct forecast_outcome *out)
{
	struct forecast forecast = {.input = input, .gate_at = -1};
	const struct engine_options options = patient(input);
	const int *by_state = forecast.engine.by_state;

	engine_init(&forecast.engine, &options, input->stages, input->stage_count, input->domains, input->count);
	engine_set_domain_names(&forecast.engine, input->domain_names);
	/* One for each agent, and one more while an event makes the next. */
	forecast.due = xcalloc(2 * input->count + 2, sizeof *forecast.due);
	forecast.fails = choose_failing(input);
	engine_begin(&forecast.engine, 0, 0, &forecast.output);
	flush(&forecast);
	while (!engine_is_idle(&forecast.engine) && advance(&forecast))
		flush(&forecast);
	*out = (struct forecast_outcome){
		.state = forecast.engine.state,
		.rolls_back = forecast.engine.wants_rollback,
		.ms = forecast.now,
		.done = by_state[AGENT_DONE],
		.failed = engine_failures(&forecast.engine),
		.waiting = by_state[AGENT_WAITING],
	};
	snprintf(out->reason, sizeof out->reason, "%s", forecast.engine.reason);
	free(forecast.due);
	free(forecast.fails);
	engine_output_clear(&forecast.output);
	engine_clear(&forecast.engine);
}
