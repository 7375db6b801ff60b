/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sync_fixture.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "inventory/cluster.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet_fixture.h"

static const struct fleet_agent first[] = {
	{.id = "m-S1", .hostname = "a", .attributes = "rack:r1", .region = "eu", .zone = "1a", .used = "cpus:1;mem:64"},
	{.id = "m-S2", .hostname = "b", .attributes = "rack:r1;rack:r2"},
	{.id = "m-S3", .hostname = "c"},
};

int sync_setup(void **state)
{
	struct sync_fixture *fixture = xcalloc(1, sizeof(*fixture));

	fleet_fixture_open(&fixture->folder, &fixture->store, &fixture->cluster);
	assert_ok(cluster_id(fixture->store, "other", &fixture->other, &fixture->err), &fixture->err);
	assert_int_not_equal(fixture->cluster, fixture->other);
	for (size_t i = 0; i < 3; i++)
		fleet_view(&first[i], &fixture->views[i]);
	fixture->answer =
		(struct agents_answer){.master = "http://127.0.0.1:5050", .agents = fixture->views, .agent_count = 3};
	*state = fixture;
	return 0;
}

int sync_teardown(void **state)
{
	struct sync_fixture *fixture = *state;

	for (size_t i = 0; i < 3; i++)
		agent_view_clear(&fixture->views[i]);
	fleet_fixture_close(fixture->folder, fixture->store);
	free(fixture);
	return 0;
}

void sync_now(struct sync_fixture *fixture, int64_t time_ms)
{
	assert_ok(agents_sync(fixture->store, fixture->cluster, &fixture->answer, time_ms, &fixture->summary,
			      &fixture->err),
		  &fixture->err);
}

int64_t sync_ask(struct sync_fixture *fixture, const char *sql)
{
	int64_t value = -1;

	assert_int_equal(store_find_int(fixture->store, &value, &fixture->err, sql, ""), 1);
	return value;
}
