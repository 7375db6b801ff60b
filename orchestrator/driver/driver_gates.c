/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates: after each agent and after each stage the plan's questions are asked, one after the other. The first that fails, or
 * gives no answer, ends the asking. Every answer is an event with what was seen. Nothing of this is durable before it is
 * answered: whoever resumes after a crash asks from the beginning.
 */
#include "orchestrator/driver/driver_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/redact.h"
#include "base/text.h"

static bool is_of_stage(const struct asking *asking)
{
	return asking->agent == SIZE_MAX;
}

static const struct plan_gate *gate_of(const struct driver *driver, const struct asking *asking)
{
	return is_of_stage(asking) ? &driver->plan->stage_gates[asking->next]
				   : &driver->plan->agent_gates[asking->next];
}

static size_t gate_count(const struct driver *driver, const struct asking *asking)
{
	return is_of_stage(asking) ? driver->plan->stage_gate_count : driver->plan->agent_gate_count;
}

static char *stage_name(const struct driver *driver, int stage)
{
	const struct plan *plan = driver->plan;

	if (stage >= 0 && (size_t)stage < plan->stage_count && plan->stage_names && plan->stage_names[stage])
		return xstrdup(plan->stage_names[stage]);
	return xasprintf("%d", stage + 1);
}

static void cancel(struct driver *driver, const struct asking *asking)
{
	if (asking->tag && driver->back->gate_cancel)
		driver->back->gate_cancel(driver->back->ctx, asking->tag);
}

static void forget(struct driver *driver, size_t index)
{
	driver->asking[index] = driver->asking[--driver->asking_count];
}

static void add(struct driver *driver, const struct asking *asking)
{
	driver->asking = xreallocarray(driver->asking, driver->asking_count + 1, sizeof(*driver->asking));
	driver->asking[driver->asking_count++] = *asking;
}

/* ---- asking */

static struct gate_question question_of(const struct driver *driver, const struct asking *asking, const char *stage)
{
	const struct plan_agent *agent = is_of_stage(asking) ? NULL : &driver->plan->agents[asking->agent];

	return (struct gate_question){
		.gate = gate_of(driver, asking),
		.run = driver->run.id,
		.stage = stage,
		.agent_id = agent ? agent->agent_id : NULL,
		.hostname = agent ? agent->hostname : NULL,
		.ip = agent ? agent->ip : NULL,
		.master = driver->leader.url,
	};
}

static void ask_outside(struct driver *driver, struct asking *asking)
{
	char *stage = stage_name(driver, asking->stage);
	const struct gate_question question = question_of(driver, asking, stage);

	asking->tag = ++driver->last_gate_tag;
	if (driver->back->gate_start)
		driver->back->gate_start(driver->back->ctx, asking->tag, &question);
	free(stage);
}

/* A new leader knows its agents and their tasks only as they come back, and its counters begin anew: what is asked of the cluster
 * waits until they are there. Whoever needs the leader's address waits, after a resume, until that is known. */
static bool waits_for_leader(const struct driver *driver, const struct asking *asking)
{
	enum plan_gate_kind kind = gate_of(driver, asking)->kind;

	if (kind == GATE_HTTP)
		return false;
	return !driver->leader.url || (driver->leader.holds && kind != GATE_COMMAND);
}

static void ask_next(struct driver *driver, struct asking *asking)
{
	asking->tag = 0;
	asking->began_ms = driver_now(driver);
	asking->deferred = waits_for_leader(driver, asking);
	if (asking->deferred)
		return;
	if (gate_is_outside(gate_of(driver, asking)))
		ask_outside(driver, asking);
	else
		driver_master_hurry(driver);
}

void driver_gates_ask_again(struct driver *driver)
{
	for (size_t i = 0; i < driver->asking_count; i++)
		if (driver->asking[i].deferred)
			ask_next(driver, &driver->asking[i]);
}

void driver_gates_defer(struct driver *driver)
{
	for (size_t i = 0; i < driver->asking_count; i++) {
		struct asking *asking = &driver->asking[i];

		if (!waits_for_leader(driver, asking))
			continue;
		cancel(driver, asking);
		asking->tag = 0;
		asking->deferred = true;
	}
}

static void answer_engine(struct driver *driver, const struct asking *asking, enum gate_answer answer,
			  const char *reason)
{
	static const enum agent_event events[] = {[GATE_PASS] = EVENT_GATE_PASSED,
						  [GATE_FAIL] = EVENT_GATE_FAILED,
						  [GATE_INCONCLUSIVE] = EVENT_GATE_OPEN};

	if (is_of_stage(asking)) {
		engine_stage_answer(&driver->engine, asking->stage, answer, reason, driver_now(driver),
				    &driver->output);
		return;
	}
	if (answer != GATE_PASS)
		driver_note(driver, asking->agent, reason);
	driver_step(driver, asking->agent, events[answer]);
}

static void start(struct driver *driver, size_t agent, int stage)
{
	struct asking fresh = {.agent = agent, .stage = stage};

	for (size_t i = driver->asking_count; i-- > 0;)
		if (driver->asking[i].agent == agent) {
			cancel(driver, &driver->asking[i]);
			forget(driver, i);
		}
	if (gate_count(driver, &fresh) == 0) {
		answer_engine(driver, &fresh, GATE_PASS, NULL);
		return;
	}
	ask_next(driver, &fresh);
	add(driver, &fresh);
}

void driver_gates_ask_agent(struct driver *driver, size_t agent)
{
	start(driver, agent, driver->engine.agents[agent].stage);
}

void driver_gates_ask_stage(struct driver *driver, int stage)
{
	start(driver, SIZE_MAX, stage);
}

/* ---- answers */

static void record(struct driver *driver, const struct asking *asking, const char *text, enum gate_answer answer,
		   const char *seen)
{
	const struct plan_gate *gate = gate_of(driver, asking);
	char *stage = stage_name(driver, asking->stage);

	ledger_event(driver->back->ledger, "gate", driver->run.id,
		     is_of_stage(asking) ? NULL : driver->plan->agents[asking->agent].agent_id,
		     json_pack("{s:s, s:i, s:s, s:I, s:s, s:s, s:s, s:s, s:I}", "after",
			       is_of_stage(asking) ? "stage" : "agent", "stage", asking->stage + 1, "stage_name", stage,
			       "number", (json_int_t)asking->next + 1, "kind", plan_gate_kind_name(gate->kind), "gate",
			       text, "answer", gate_answer_name(answer), "seen", seen, "took_ms",
			       (json_int_t)(driver_now(driver) - asking->began_ms)));
	driver->run_dirty = true;
	free(stage);
}

static void tell(struct driver *driver, const struct asking *asking, const char *text, enum gate_answer answer,
		 const char *seen)
{
	char *stage = stage_name(driver, asking->stage);
	char *line = xasprintf("gate after %s%s: %s: %s (%s)", is_of_stage(asking) ? "stage " : "",
			       is_of_stage(asking) ? stage : driver->plan->agents[asking->agent].hostname,
			       gate_answer_name(answer), text, seen);

	driver_say(driver, line);
	free(line);
	free(stage);
}

static void on_answer(struct driver *driver, size_t index, enum gate_answer answer, const char *raw)
{
	struct asking asking = driver->asking[index];
	const struct gate_question question = question_of(driver, &asking, NULL);
	char *clean = redact_text(raw), *seen = text_printable(clean, false), *text = gate_sentence(&question), *reason;

	record(driver, &asking, text, answer, seen);
	tell(driver, &asking, text, answer, seen);
	reason = xasprintf("gate %zu (%s): %s", asking.next + 1, text, seen);
	if (answer == GATE_PASS && asking.next + 1 < gate_count(driver, &asking)) {
		driver->asking[index].next++;
		ask_next(driver, &driver->asking[index]);
	} else {
		forget(driver, index);
		answer_engine(driver, &asking, answer, answer == GATE_PASS ? NULL : reason);
	}
	free(reason);
	free(text);
	free(seen);
	free(clean);
}

/* The engine has stopped waiting: its time was up, or the run is over. */
static bool is_void(const struct driver *driver, const struct asking *asking)
{
	const struct engine *engine = &driver->engine;

	if (is_of_stage(asking))
		return !engine->gate_asked || engine->stage != asking->stage;
	return engine->agents[asking->agent].state != AGENT_GATING || engine->agents[asking->agent].parked;
}

static void drop_void(struct driver *driver)
{
	for (size_t i = driver->asking_count; i-- > 0;)
		if (is_void(driver, &driver->asking[i])) {
			cancel(driver, &driver->asking[i]);
			forget(driver, i);
		}
}

static void take_result(struct driver *driver, const struct gate_result *result)
{
	for (size_t i = 0; i < driver->asking_count; i++)
		if (driver->asking[i].tag == result->tag) {
			on_answer(driver, i, result->answer, result->seen ? result->seen : "");
			return;
		}
}

/* Nobody is there to ask outside. */
static void answer_unasked(struct driver *driver)
{
	for (size_t i = driver->asking_count; i-- > 0;)
		if (driver->asking[i].tag)
			on_answer(driver, i, GATE_INCONCLUSIVE, "there is nobody to ask it");
}

void driver_gates_events(struct driver *driver)
{
	struct gate_result result;

	drop_void(driver);
	driver_soak_tell(driver);
	if (!driver->back->gate_start)
		answer_unasked(driver);
	while (driver->back->gate_next && driver->back->gate_next(driver->back->ctx, &result)) {
		take_result(driver, &result);
		free(result.seen);
	}
}

/* ---- what the master's answer says */

static bool is_ours(void *ctx, const char *agent_id)
{
	const struct driver *driver = ctx;
	size_t position = driver_find(driver, agent_id);

	return position != SIZE_MAX && agent_state_is_away(driver->engine.agents[position].state) &&
	       agent_state_is_under_way(driver->engine.agents[position].state);
}

static bool was_changed(enum agent_state state)
{
	return state == AGENT_DONE || state == AGENT_GATING || state == AGENT_REJECTED || state == AGENT_SOAKING;
}

/* The agents on which a new task counts: the one the gate is after, or all of its stage. The caller frees. */
static struct gate_agent *list_changed(const struct driver *driver, const struct asking *asking, size_t *count)
{
	const struct engine_stage *stages = driver->engine.stages;
	size_t first = asking->agent, end = asking->agent + 1;
	struct gate_agent *list;

	if (is_of_stage(asking)) {
		first = asking->stage > 0 ? stages[asking->stage - 1].end : 0;
		end = stages[asking->stage].end;
	}
	list = xcalloc(end - first + 1, sizeof(*list));
	*count = 0;
	for (size_t i = first; i < end; i++)
		if (was_changed(driver->engine.agents[i].state))
			list[(*count)++] = (struct gate_agent){.id = driver->plan->agents[i].agent_id,
							       .before = &driver->agents[i].before};
	return list;
}

bool driver_gates_judge(const struct driver *driver, const struct asking *asking, int64_t waited_ms,
			struct snapshot_index *shown, enum gate_answer *answer, char **seen)
{
	size_t count;
	struct gate_agent *changed = list_changed(driver, asking, &count);
	const struct gate_scene scene = {
		.before = &driver->figures,
		.index = shown,
		.waited_ms = waited_ms,
		.changed = changed,
		.changed_count = count,
		.is_ours = is_ours,
		.ctx = (void *)(uintptr_t)driver,
	};
	bool judged = gate_judge(gate_of(driver, asking), &scene, answer, seen);

	free(changed);
	return judged;
}

static void judge(struct driver *driver, size_t index, struct snapshot_index *shown)
{
	const struct asking *asking = &driver->asking[index];
	enum gate_answer answer;
	char *seen;

	if (!driver_gates_judge(driver, asking, driver_now(driver) - asking->began_ms, shown, &answer, &seen))
		return;
	on_answer(driver, index, answer, seen);
	free(seen);
}

void driver_gates_fail(struct driver *driver, const struct asking *asking, const char *seen)
{
	add(driver, asking);
	on_answer(driver, driver->asking_count - 1, GATE_FAIL, seen);
}

void driver_gates_answered(struct driver *driver, struct snapshot_index *shown)
{
	drop_void(driver);
	for (size_t i = driver->asking_count; i-- > 0;) {
		const struct asking *asking = &driver->asking[i];

		if (!asking->tag && !asking->deferred && shown->snapshot->asked_ms >= asking->began_ms)
			judge(driver, i, shown);
	}
}

bool driver_gates_want_master(const struct driver *driver)
{
	for (size_t i = 0; i < driver->asking_count; i++)
		if (!driver->asking[i].tag && !driver->asking[i].deferred)
			return true;
	return false;
}

static bool has_launch(const struct plan_gate *gates, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (gates[i].kind == GATE_LAUNCH)
			return true;
	return false;
}

bool driver_gates_ask_launches(const struct plan *plan)
{
	return has_launch(plan->agent_gates, plan->agent_gate_count) ||
	       has_launch(plan->stage_gates, plan->stage_gate_count);
}

void driver_gates_close(struct driver *driver)
{
	for (size_t i = 0; i < driver->asking_count; i++)
		cancel(driver, &driver->asking[i]);
	free(driver->asking);
	driver->asking = NULL;
	driver->asking_count = 0;
}
