/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_ENGINE_INTERNAL_H
#define ORCHESTRATOR_ENGINE_INTERNAL_H
/* What the engine's own files share. */
#include "orchestrator/engine/engine.h"

void engine_add_effect(struct engine_output *output, enum engine_effect_kind kind, size_t agent);

/* The host is to be asked now. */
void engine_ask(struct engine *engine, size_t agent, struct engine_output *output);

/* May this agent, which holds a slot already, be changed now? */
bool engine_may_change(const struct engine *engine, size_t agent);

/* SOAKING and kept and long enough: done. */
void engine_finish_soak(struct engine *engine, size_t agent, int64_t now_ms, struct engine_output *output);

/* Pauses the run when more agents failed than it may. */
void engine_check_budget(struct engine *engine, int64_t now_ms, struct engine_output *output);

#endif
