/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_ENGINE_INTERNAL_H
#define ORCHESTRATOR_ENGINE_INTERNAL_H
/* What the engine's own files share. */
#include "orchestrator/engine/engine.h"

/* ---- engine.c */
void engine_add_effect(struct engine_output *output, enum engine_effect_kind kind, size_t agent);

/* The only way in which an agent changes: every counter and list follows. */
void engine_put(struct engine *engine, size_t index, const struct engine_agent *next);

/* The driver is busy with it. */
bool engine_is_busy(const struct engine_agent *agent);

/* The host is to be asked now. */
void engine_ask(struct engine *engine, size_t agent, struct engine_output *output);

/* ---- begin.c */
/* It has come to an end, from which a retry begins at once. */
bool engine_can_retry(enum agent_state state);

/* ---- schedule.c */
/* May this agent, which holds a slot already, be changed now? */
bool engine_may_change(const struct engine *engine, size_t agent);

/* Its time may be up sooner than that of everybody else who is under way. */
void engine_note_deadline(struct engine *engine, size_t agent);
/* SOAKING and kept and long enough: done, or its gates are asked. */
void engine_finish_soak(struct engine *engine, size_t agent, int64_t now_ms, struct engine_output *output);

/* ---- stages.c */
/* Passes complete stages whose gates have passed or that have none, or asks for the gate. */
void engine_check_stages(struct engine *engine, int64_t now_ms, struct engine_output *output);
bool engine_stages_are_over(const struct engine *engine);
/* Part of engine_lost_time. */
void engine_stages_lost_time(struct engine *engine, int64_t ms);
/* A gate that gave no answer will be asked again. */
void engine_unpark(struct engine *engine, int64_t now_ms, struct engine_output *output);

/* How long gates may take just now: those of the cluster wait while its agents come back to another leader. */
int64_t engine_gate_patience(const struct engine *engine);
/* They are asked from now on. */
void engine_restart_gates(struct engine *engine, int64_t now_ms);

/* ---- budget.c */
/* An agent has come to its end. */
void engine_count_end(struct engine *engine, const struct engine_agent *agent, struct engine_output *output);
/* Stops the run when this agent's failure was one too many. */
void engine_check_budgets(struct engine *engine, size_t agent, int64_t now_ms, struct engine_output *output);
/* What on_failure says. Only a running run is stopped. */
void engine_stop(struct engine *engine, const char *reason, int64_t now_ms, struct engine_output *output);
/* All failures so far are known to a person. */
void engine_see_failures(struct engine *engine);

/* ---- names.c */
/* "65 s", "15 min", "7 min 30 s". Returns out. */
#define ENGINE_SPAN_MAX 32
char *engine_span(int64_t ms, char out[ENGINE_SPAN_MAX]);

/* ---- holds.c */
void engine_check_holds(struct engine *engine, int64_t now_ms, struct engine_output *output);

#endif
