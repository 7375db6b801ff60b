/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fleet_fixture.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/cluster.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

void fleet_fixture_open(char **folder, struct store **store, int64_t *cluster)
{
	struct error err = ERROR_INIT;
	char *path;

	*folder = scratch_new();
	path = path_join(*folder, "rollcall.db");
	*store = store_open(path, true, &err);
	free(path);
	if (!*store)
		fail_msg("%s", err.text);
	assert_ok(cluster_id(*store, "lab", cluster, &err), &err);
}

void fleet_fixture_close(char *folder, struct store *store)
{
	store_close(store);
	scratch_remove(folder);
}

int fleet_setup(void **state, const struct fleet_agent *agents, size_t count)
{
	struct fleet_fixture *fixture = xcalloc(1, sizeof(*fixture));

	fleet_fixture_open(&fixture->folder, &fixture->store, &fixture->cluster);
	if (count)
		fleet_sync(fixture->store, fixture->cluster, agents, count);
	*state = fixture;
	return 0;
}

int fleet_teardown(void **state)
{
	struct fleet_fixture *fixture = *state;

	fleet_fixture_close(fixture->folder, fixture->store);
	free(fixture);
	return 0;
}
