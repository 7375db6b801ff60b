/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PROOF_INTERNAL_H
#define ORCHESTRATOR_PROOF_INTERNAL_H
/* What the proof's two files share: proof.c (its lines), proof_tasks.c (what became of the tasks). */
#include "base/buffer.h"
#include "orchestrator/driver/proof.h"

struct judge {
	const struct plan_agent *agent;
	const struct before_picture *before;
	const struct answer *started;
	const struct snapshot_index *shown;
	const struct agent_view *view; /* NULL: the master does not show it */
	bool reverted;
	bool succeeded; /* another agent runs in its place: nobody runs what the master still lists under its ID */
	enum proof_result result;
	const struct task_view **tasks; /* of this agent: those it shows first, then those that ended */
	size_t task_count;
	json_t *lines, *survived, *killed, *unproven, *ended, *appeared;
	struct buffer reason; /* the first thing that keeps it from PASS */
};

/* Something keeps the proof from passing: FAIL outweighs NOT_YET, and its reason is the one to tell. */
void proof_object(struct judge *judge, enum proof_result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool proof_was_restarted(const struct judge *judge);
void proof_judge_tasks(struct judge *judge);
/* [{"name", "role", "total", "used", "over"}]. The caller's. */
json_t *proof_resources(const struct agent_view *view);

#endif
