/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_LEDGER_FIXTURE_H
#define TESTS_SUPPORT_LEDGER_FIXTURE_H
/* A database of its own for each test of the ledger, and a run with two agents. */
#include "inventory/store.h"
#include "orchestrator/ledger/ledger.h"

struct ledger_fixture {
	char dir[64];
	char *path;
	struct store *store;
	struct ledger *ledger;
};

/* For cmocka: *state is a struct ledger_fixture *. */
int ledger_set_up(void **state);
int ledger_tear_down(void **state);

extern const struct plan_row a_plan;
extern const struct run_row a_run;
/* Position 0 is agent S0, every other S1. */
struct run_agent an_agent(int64_t position, const char *state);
/* Puts a_run with both agents, waiting, and commits. */
void start_a_run(struct ledger *ledger);
/* So many events, of no run, in one commit each. */
void write_events(struct ledger *ledger, int count);

#endif
