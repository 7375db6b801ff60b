/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages: one begins when every agent up to its beginning has come to an end, the one before has soaked and its gate has passed. The
 * current stage only ever moves on; an agent of an earlier one that is tried again goes with the current one.
 */
#include "orchestrator/engine/internal.h"

#include <stdio.h>

int engine_window(const struct engine *engine)
{
	return engine->stages[engine->stage].window;
}

bool engine_stages_are_over(const struct engine *engine)
{
	return engine->stages_passed == engine->stage_count && engine->open == 0;
}

static void pass(struct engine *engine, struct engine_output *output)
{
	engine->stages_passed = engine->stage + 1;
	output->run_changed = true;
	if (engine->stages_passed == engine->stage_count)
		return;
	engine->stage++;
	engine->open += engine->stage_open[engine->stage];
}

void engine_restore_stage(struct engine *engine, int stages_passed)
{
	struct engine_output ignored = {.records = NULL};

	while (engine->stages_passed < stages_passed && engine->stages_passed < engine->stage_count)
		pass(engine, &ignored);
}

static void ask(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	engine->gate_asked = true;
	engine->gate_since_ms = now_ms;
	output->ask_stage_gate = true;
	output->stage_gate = engine->stage;
	output->run_changed = true;
}

int64_t engine_gate_patience(const struct engine *engine)
{
	return engine->options.gate_ms + (engine->holds & HOLD_LEADER ? engine->options.hold_ms : 0);
}

void engine_restart_gates(struct engine *engine, int64_t now_ms)
{
	engine->gate_since_ms = now_ms;
	for (size_t i = 0; i < engine->under_way_count; i++) {
		size_t index = engine->under_way[i];

		if (engine->agents[index].state != AGENT_GATING)
			continue;
		engine->agents[index].since_ms = now_ms;
		engine_note_deadline(engine, index);
	}
}

bool engine_is_soaking(const struct engine *engine)
{
	return engine->soak_since_ms >= 0 && engine->state == RUN_RUNNING;
}

static bool has_ended(const struct engine *engine)
{
	return engine->open == 0 && engine->stages_passed <= engine->stage;
}

/* Is the current stage's soak time over? It is counted from here, and once: gates that gave no answer are asked again without it. */
static bool soak(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	if (engine->options.stage_soak_ms == 0 || engine->stages_soaked > engine->stage)
		return true;
	if (engine->soak_since_ms < 0)
		engine->soak_since_ms = now_ms;
	if (now_ms - engine->soak_since_ms < engine->options.stage_soak_ms)
		return false;
	engine->soak_since_ms = -1;
	engine->stages_soaked = engine->stage + 1;
	output->run_changed = true;
	return true;
}

/* An agent that is tried again ends the stage anew. */
static void forget_soak(struct engine *engine)
{
	engine->soak_since_ms = -1;
	if (engine->stages_soaked > engine->stage)
		engine->stages_soaked = engine->stage;
}

void engine_check_stages(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	bool waits = engine->options.stage_gates || engine->options.stage_soak_ms > 0;

	if (engine->gate_asked && now_ms - engine->gate_since_ms >= engine_gate_patience(engine))
		engine_stage_answer(engine, engine->stage, GATE_INCONCLUSIVE, "it took too long", now_ms, output);
	if (engine->open > 0)
		forget_soak(engine);
	/* With nothing to wait for a run that pauses may still find that it is over. */
	while (has_ended(engine) && !waits && engine->state != RUN_ABORTED)
		pass(engine, output);
	while (has_ended(engine) && engine->state == RUN_RUNNING && !engine->gate_asked && !engine->gate_parked &&
	       soak(engine, now_ms, output)) {
		if (engine->options.stage_gates)
			ask(engine, now_ms, output);
		else
			pass(engine, output);
	}
}

void engine_stage_answer(struct engine *engine, int stage, enum gate_answer answer, const char *reason, int64_t now_ms,
			 struct engine_output *output)
{
	const char *what = answer == GATE_FAIL ? "has failed" : "gave no answer that settles it";
	char text[sizeof engine->reason];

	if (stage != engine->stage || !(engine->gate_asked || (answer == GATE_FAIL && engine_is_soaking(engine))))
		return;
	engine->gate_asked = false;
	engine->soak_since_ms = -1;
	if (answer == GATE_PASS) {
		pass(engine, output);
		return;
	}
	engine->gate_parked = true;
	snprintf(text, sizeof text, "the gate after stage %d %s%s%.140s", stage + 1, what, reason ? ": " : "",
		 reason ? reason : "");
	if (answer == GATE_FAIL)
		engine_stop(engine, text, now_ms, output);
	else
		engine_pause(engine, text, now_ms, output);
}

void engine_stages_lost_time(struct engine *engine, int64_t ms)
{
	engine->gate_since_ms += ms;
	if (engine->soak_since_ms >= 0)
		engine->soak_since_ms += ms;
}

void engine_unpark(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	engine->gate_parked = false;
	for (size_t i = 0; i < engine->count && engine->by_state[AGENT_GATING] > 0; i++)
		if (engine->agents[i].parked)
			engine_step(engine, i, EVENT_RESUME, now_ms, output);
}
