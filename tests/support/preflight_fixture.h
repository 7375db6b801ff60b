/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_PREFLIGHT_FIXTURE_H
#define TESTS_SUPPORT_PREFLIGHT_FIXTURE_H
/* A host whose agent is the test's own program, with a checkpoint that goes with its flags, and what preflight finds there. */
#include <sys/types.h>

#include "agentctl/preflight.h"

struct preflight_fixture {
	char *folder;
	struct facts facts;
	struct request request;
	struct findings findings;
	pid_t child;
};

/* cmocka fixtures. */
int preflight_set_up(void **state);
int preflight_tear_down(void **state);

/* NULL: there is no such finding. */
const struct finding *preflight_find(const struct preflight_fixture *fixture, const char *code);
void preflight_expect(const struct preflight_fixture *fixture, const char *code, enum finding_severity severity,
		      const char *words);
/* Finds again. */
void preflight_look(struct preflight_fixture *fixture);
/* The request edits one flag, of a store that has all of them in its file. */
void preflight_ask(struct preflight_fixture *fixture, const char *name, const char *value);
/* A child that has called prepare (may be NULL) and waits; 0: prepare failed. Ended by the tear-down. */
pid_t preflight_start_child(struct preflight_fixture *fixture, int (*prepare)(void));
/* A task "t<N>" of the executor "e<N>" of "f1", which is that child and has a driver. */
struct checkpoint_task *preflight_add_task(struct preflight_fixture *fixture, bool checkpoints, bool completed);

#endif
