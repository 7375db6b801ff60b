/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PROOF_H
#define ORCHESTRATOR_PROOF_H
/*
 * The proof that an agent came back as meant (or, after an undo, as it was): one line per thing to prove, each with
 * what was planned and what was found. Pure: it compares values others have fetched.
 */
#include <jansson.h>
#include <stdbool.h>

#include "mesos/agent.h"
#include "orchestrator/driver/snapshot_index.h"
#include "orchestrator/plan/plan.h"
#include "protocol/answer.h"
#include "remote/master.h"

/* What was so before the intent, from the master's answer; stored with the intent, never taken again. */
struct before_picture {
	int64_t registered_ns, reregistered_ns;
	bool active, deactivated;
	char *master_id;
	Mesos__SlaveInfo *info;
	struct plan_task *tasks; /* running on it */
	size_t task_count;
	bool forgotten; /* it was lost with the database that had taken it: only what the plan says is known */
	/* What else the master listed of it, starting or ended, where a gate asks what was launched since; only their IDs. */
	bool knows_others;
	struct plan_task *others;
	size_t other_count;
	/* Not kept: who settles it and knows that tasks are lost, and when they said so; NULL: nobody. */
	char *accepted_by;
	int64_t accepted_ms;
	bool stale_master; /* not kept: the plan accepts a master that goes on showing the old SlaveInfo */
};
void before_picture_clear(struct before_picture *before);
/* -1 when the agent is not fit to be changed: ERROR_UNREACHABLE for what may pass by itself (not listed, inactive, an answer that
 * proves nothing), ERROR_REFUSED for what does not (another address, tasks whose loss the plan did not show). */
int before_picture_take(const struct plan_agent *agent, const struct snapshot_index *shown, struct before_picture *out,
			struct error *err);
/* From the answer that it was taken of. */
void before_picture_note_others(struct before_picture *before, const char *agent_id,
				const struct snapshot_index *shown);
json_t *before_picture_to_json(const struct before_picture *before);
int before_picture_from_json(const char *text, struct before_picture *out, struct error *err);

/* Is it at the address that the plan saw? A machine that was copied from it registers with the same ID from another one. A plan that
 * changes the address itself says nothing. */
bool proof_is_at_its_address(const struct plan_agent *agent, const struct agent_view *view);

enum proof_result { PROOF_NOT_YET, PROOF_PASS, PROOF_FAIL };

/*
 * reverted: it must be as the before-picture says, not as planned.
 * started: agentctl's evidence of the process that runs. *document gets {"result","lines":[{"what","planned","found","ok"}],"tasks":…};
 * *reason (caller frees) says in one sentence what is missing or wrong, NULL on PASS.
 * Not reregistered yet, tasks still missing, a record that may be of the process before (after an undo, or when another
 * master was elected) → NOT_YET; the caller's patience ends that. Another ID, another SlaveInfo, a task that ended for a
 * reason that is the restart → FAIL. The snapshot must have been asked for after the agent's start: the caller sees to it.
 */
enum proof_result proof_judge(const struct plan_agent *agent, const struct before_picture *before,
			      const struct answer *started, bool reverted, const struct snapshot_index *shown,
			      json_t **document, char **reason);

/* Does another agent that is active run on its host, at its port? Then it came back with a new ID. */
bool proof_is_succeeded(const struct plan_agent *agent, const struct snapshot_index *shown);

#endif
