/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_PROOF_FIXTURE_H
#define TESTS_SUPPORT_PROOF_FIXTURE_H
/* An agent that came back as planned, in every respect: tests take something of it away, and judge. */
#include "orchestrator/driver/proof.h"

#define ID    "agent-S1"
#define EARLY 1000 /* reregistered_time before the restart */
#define LATE  2000 /* and after */

struct proof_fixture {
	struct plan_agent agent;
	struct before_picture before;
	struct answer started;
	struct master_snapshot snapshot;
	bool reverted;
	json_t *document;
	char *reason;
};

Mesos__SlaveInfo *proof_info(const char *attributes, const char *id);
void proof_open(struct proof_fixture *fixture);
void proof_close(struct proof_fixture *fixture);
/* The same agent, after its operation was undone. */
void proof_revert(struct proof_fixture *fixture);

/* As the master shows it. */
struct agent_view *proof_view(struct proof_fixture *fixture);
struct agent_view proof_make_view(const char *id, const char *attributes);
void proof_add_task(struct plan_task **tasks, size_t *count, const char *id, bool survives);
void proof_add_task_view(struct task_view **tasks, size_t *count, const char *id, const char *state,
			 const char *reason);
void proof_set_text(char **text, const char *value);

enum proof_result proof_judged(struct proof_fixture *fixture);
/* Judges; the reason must hold the words. Closes the fixture. */
void proof_expect(struct proof_fixture *fixture, enum proof_result result, const char *words);
/* Of the proof: NULL when it has none of that name. */
const json_t *proof_line(const struct proof_fixture *fixture, const char *what);
size_t proof_count_tasks(const struct proof_fixture *fixture, const char *kind);

#endif
