/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_GATE_H
#define ORCHESTRATOR_GATE_H
/*
 * A gate's question and its answer. Commands, HTTP checks and metrics are asked through struct driver_backends, because they
 * reach outside; the others are judged from the master's answers that the driver has anyway (gate_judge).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orchestrator/driver/figures.h"
#include "orchestrator/driver/proof.h"
#include "orchestrator/driver/snapshot_index.h"
#include "orchestrator/engine/engine.h"
#include "orchestrator/plan/gates.h"

/* Everything is borrowed during the call that gets it. */
struct gate_question {
	const struct plan_gate *gate;
	const char *run;
	const char *stage;    /* its name, or its number from 1 */
	const char *agent_id; /* these three NULL: the gate is one after a stage */
	const char *hostname;
	const char *ip;
	const char *master; /* URL of the leader that answered last, for metrics; NULL: none has */
};

/* text with ${hostname}, ${agent} and ${ip} replaced; others stay. The caller's. */
char *gate_expand(const char *text, const struct gate_question *question);
/* The gate as a sentence (plan_gate_text) about this agent. The caller's. */
char *gate_sentence(const struct gate_question *question);

struct gate_result {
	uint64_t tag;
	enum gate_answer answer;
	char *seen; /* what was seen, for people; the receiver's */
};

/* Is it asked outside (command, http, metric), or judged from snapshots? */
bool gate_is_outside(const struct plan_gate *gate);

/* An agent on which a new task counts. */
struct gate_agent {
	const char *id;
	const struct before_picture *before;
};

/* What a gate about the cluster is judged by. */
struct gate_scene {
	const struct figures *before;
	struct snapshot_index *index; /* of an answer that was asked for after the gate was */
	int64_t waited_ms;            /* since the gate was asked */
	const struct gate_agent *changed;
	size_t changed_count;
	bool (*is_ours)(void *ctx, const char *agent_id); /* this run has it away just now, as planned */
	void *ctx;
};

/* true: judged, *answer and *seen (the caller's) are set; false: what is wrong may pass, look again. */
bool gate_judge(const struct plan_gate *gate, const struct gate_scene *scene, enum gate_answer *answer, char **seen);

/* "pass", "fail", "inconclusive" */
const char *gate_answer_name(enum gate_answer answer);

#endif
