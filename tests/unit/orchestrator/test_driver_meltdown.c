/* SPDX-License-Identifier: Apache-2.0 */
/* The driver and a cluster that melts: nothing more starts while too much of it is not there. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "tests/support/driver_fixture.h"

static void lose_the_others(struct fixture *fixture, struct master_snapshot *snapshot)
{
	for (size_t i = 1; fixture->hosts[0].step == HOST_KEPT && i < FIXTURE_AGENTS; i++)
		snapshot->agents[i].active = false;
}

static void test_a_melting_cluster_pauses(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.plan.options.meltdown_percent = 40;
	fixture.on_snapshot = lose_the_others;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_run(&fixture, "paused", "2 of ");
	fixture_expect_run(&fixture, "paused", "of them stop the run (host, host)");
	fixture_expect_state(&fixture, 1, "waiting");
	assert_int_equal(fixture_count(&fixture, "apply"), 1);
	fixture_close(&fixture);
}

static void miss_the_last(struct fixture *fixture, struct master_snapshot *snapshot)
{
	(void)fixture;
	snapshot->agents[FIXTURE_AGENTS - 1].active = false;
}

/* However wide the window is: what is away has nothing to do with the run. */
static void test_a_window_does_not_excuse_what_others_have_lost(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.plan.options.meltdown_percent = 20;
	fixture.plan.options.window = 2;
	fixture.on_snapshot = miss_the_last;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_run(&fixture, "paused", "1 of the cluster's 3 agents");
	assert_int_equal(fixture_count(&fixture, "apply"), 0);
	fixture_close(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_melting_cluster_pauses),
		cmocka_unit_test(test_a_window_does_not_excuse_what_others_have_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
