/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_ENGINE_FIXTURE_H
#define TESTS_SUPPORT_ENGINE_FIXTURE_H
/* An engine with its own clock, and the steps that most tests of it take. The output is that of the last call. */
#include "orchestrator/engine/engine.h"

struct fixture {
	struct engine engine;
	struct engine_output output;
	int64_t now; /* begins at 1000; tests move it on */
};

void open_fixture(struct fixture *fixture, const struct engine_options *options, const int *domains, size_t count);
/* … with stages. */
void open_staged(struct fixture *fixture, const struct engine_options *options, const struct engine_stage *stages,
		 size_t stage_count, const int *domains, size_t count);
/* No budget at all, and a window of six. */
struct engine_options unlimited(void);
void close_fixture(struct fixture *fixture);

/* The state of the run, and why it is in it. */
void expect_run(const struct fixture *fixture, enum run_state run, const char *reason);

/* Begins with no failure forgiven, and lets who may start. */
void begin(struct fixture *fixture);
void step(struct fixture *fixture, size_t agent, enum agent_event event);
void schedule(struct fixture *fixture);
/* `ms` later. */
void pass_time(struct fixture *fixture, int64_t ms);
enum agent_state state(const struct fixture *fixture, size_t agent);
/* How many of a kind the last call asked for. */
int effects(const struct fixture *fixture, enum engine_effect_kind kind);
void walk(struct fixture *fixture, size_t agent, const enum agent_event *events, size_t count);

/* From CHECKING to the end, or to the gates. */
extern const enum agent_event good[5];
#define GOOD (sizeof good / sizeof good[0])
/* All of good, then whoever may start does. */
void finish(struct fixture *fixture, size_t agent);
/* From CHECKING to FAILED, then whoever may start does. */
void fail_agent(struct fixture *fixture, size_t agent);

/* The same run in another process: states, attempts and memory are carried over as the driver does it. */
void restart(struct fixture *fixture, int forgiven);

#endif
