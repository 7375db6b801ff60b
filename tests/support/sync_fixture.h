/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_SYNC_FIXTURE_H
#define TESTS_SUPPORT_SYNC_FIXTURE_H
/* A master's answer with three agents that a test may change, and a database to bring in line with it. */
#include "base/error.h"
#include "inventory/agents.h"

struct sync_fixture {
	char *folder;
	struct store *store;
	int64_t cluster, other; /* "lab", and one that the answer is not about */
	struct error err;
	struct agent_view views[3]; /* m-S1 (host a), m-S2 (b), m-S3 (c) */
	struct agents_answer answer;
	struct agents_summary summary; /* of the last sync */
};

int sync_setup(void **state);
int sync_teardown(void **state);

/* Fails the test when it does not work. */
void sync_now(struct sync_fixture *fixture, int64_t time_ms);
/* The one number that a question gives. */
int64_t sync_ask(struct sync_fixture *fixture, const char *sql);

#endif
