/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FLEET_FIXTURE_H
#define TESTS_SUPPORT_FLEET_FIXTURE_H
/* A database in a folder of its own, with a cluster "lab" and, where a test wants some, its agents. */
#include "base/error.h"
#include "tests/support/fleet.h"

struct fleet_fixture {
	char *folder;
	struct store *store;
	int64_t cluster;
	struct error err;
};

/* For tests whose fixture has more in it: a new folder and FOLDER/rollcall.db, of which the cluster is "lab". */
void fleet_fixture_open(char **folder, struct store **store, int64_t *cluster);
/* Takes both away. */
void fleet_fixture_close(char *folder, struct store *store);

/* *state becomes a struct fleet_fixture with these agents; what cmocka calls before each test calls it. */
int fleet_setup(void **state, const struct fleet_agent *agents, size_t count);
int fleet_teardown(void **state);

#endif
