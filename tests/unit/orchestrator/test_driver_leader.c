/* SPDX-License-Identifier: Apache-2.0 */
/* How long a leader leads is said by its own clock, or by what this driver has seen: never by two clocks that differ. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/driver_fixture.h"

#define MINUTE_MS INT64_C(60000)
#define BACK_MS   MINUTE_MS

static int64_t elected_before_ms; /* the first question, by the leader's clock */

/* Its clock is eleven minutes behind ours: agents have ten to come back. */
static void show_elected(struct fixture *fixture, struct master_snapshot *snapshot)
{
	int64_t now = 1700000000000 + fixture->now - 11 * MINUTE_MS;

	snapshot->date_ms = now;
	snapshot->facts.version = xstrdup("1.11.0");
	snapshot->facts.elected_ns = (now - fixture->now - elected_before_ms) * 1000000;
	if (fixture->now >= BACK_MS)
		return;
	snapshot->agents[FIXTURE_AGENTS - 1].active = false;
	snapshot->recovered = xcalloc(1, sizeof *snapshot->recovered);
	snapshot->recovered[snapshot->recovered_count++] = xstrdup(snapshot->agents[FIXTURE_AGENTS - 1].id);
}

static void not_before_all_are_back(struct fixture *fixture, struct fixture_host *host, const struct fixture_exec *exec)
{
	(void)host;
	(void)exec;
	assert_true(fixture->now >= BACK_MS);
}

static void open_fixture(struct fixture *fixture, int64_t elected_before)
{
	elected_before_ms = elected_before;
	fixture_open(fixture);
	fixture->plan.options.hold_ms = 10 * MINUTE_MS;
	fixture->on_snapshot = show_elected;
}

static void a_clock_that_is_ahead_ends_no_hold(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture, 0);
	fixture.on_exec = not_before_all_are_back;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	fixture_close(&fixture);
}

/* One that says no time is held for as long as its agents have. */
static void show_no_date(struct fixture *fixture, struct master_snapshot *snapshot)
{
	show_elected(fixture, snapshot);
	snapshot->date_ms = 0;
}

static void nor_does_a_leader_that_says_no_time(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture, 0);
	fixture.on_exec = not_before_all_are_back;
	fixture.on_snapshot = show_no_date;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	fixture_close(&fixture);
}

static bool began_early;

static void note_the_first(struct fixture *fixture, struct fixture_host *host, const struct fixture_exec *exec)
{
	(void)exec;
	began_early |= host == &fixture->hosts[0] && fixture->now < BACK_MS;
}

/* By its own clock its agents' time is over: nobody is waited for. */
static void a_leader_of_long_ago_is_not_waited_for(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture, 10 * MINUTE_MS);
	began_early = false;
	fixture.plan.options.window = 2; /* the one that is not back counts */
	fixture.on_exec = note_the_first;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_true(began_early);
	fixture_close(&fixture);
}

/* We have seen it take over: whatever it says of its election, it was not long ago. */
static void fail_over(struct fixture *fixture)
{
	if (fixture->hosts[0].step == HOST_KEPT && fixture->failovers == 0)
		fixture->failovers = 1;
}

static void show_after_failover(struct fixture *fixture, struct master_snapshot *snapshot)
{
	if (fixture->failovers)
		show_elected(fixture, snapshot);
}

static void others_not_before_all_are_back(struct fixture *fixture, struct fixture_host *host,
					   const struct fixture_exec *exec)
{
	if (host != &fixture->hosts[0])
		not_before_all_are_back(fixture, host, exec);
}

static void a_change_that_was_seen_is_not_long_ago(void **state)
{
	/* Beside the one that is not back there is room for another, from the second on. */
	struct engine_stage stages[] = {{.end = 1, .window = 1}, {.end = FIXTURE_AGENTS, .window = 2}};
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture, 60 * MINUTE_MS);
	fixture.plan.stages = stages;
	fixture.plan.stage_count = 2;
	fixture.on_wait = fail_over;
	fixture.on_snapshot = show_after_failover;
	fixture.on_exec = others_not_before_all_are_back;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_int_equal(fixture.failovers, 1);
	fixture.plan.stages = NULL;
	fixture.plan.stage_count = 0;
	fixture_close(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clock_that_is_ahead_ends_no_hold),
		cmocka_unit_test(nor_does_a_leader_that_says_no_time),
		cmocka_unit_test(a_leader_of_long_ago_is_not_waited_for),
		cmocka_unit_test(a_change_that_was_seen_is_not_long_ago),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
