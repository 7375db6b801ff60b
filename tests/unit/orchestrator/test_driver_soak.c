/* SPDX-License-Identifier: Apache-2.0 */
/* While a stage soaks, its gates about the cluster look on. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/driver_fixture.h"

#define SOAK_MS  600000
/* By then everybody is back, and the one stage soaks. */
#define BEGIN_MS 120000

static int64_t gone_from_ms, gone_for_ms;

static void open_soaking(struct fixture *fixture, struct plan_gate *gate)
{
	static const struct engine_stage stage = {.end = FIXTURE_AGENTS, .window = FIXTURE_AGENTS};

	fixture_open(fixture);
	fixture->plan.stages = xcalloc(1, sizeof(stage));
	fixture->plan.stages[0] = stage;
	fixture->plan.stage_count = 1;
	fixture->plan.stage_gates = gate;
	fixture->plan.stage_gate_count = 1;
	fixture->plan.options.stage_gates = true;
	fixture->plan.options.stage_soak_ms = SOAK_MS;
}

static void close_soaking(struct fixture *fixture)
{
	free(fixture->plan.stages);
	fixture->plan.stages = NULL;
	fixture->plan.stage_count = 0;
	fixture->plan.stage_gates = NULL;
	fixture->plan.stage_gate_count = 0;
	fixture_close(fixture);
}

static void lose_one(struct fixture *fixture, struct master_snapshot *snapshot)
{
	if (fixture->now >= gone_from_ms && fixture->now < gone_from_ms + gone_for_ms)
		snapshot->agents[0].active = false;
}

static void drive(struct fixture *fixture, int64_t for_ms)
{
	static struct plan_gate gate = {.kind = GATE_UNREACHABLE, .max_new = 0};

	open_soaking(fixture, &gate);
	gone_from_ms = fixture->now + BEGIN_MS;
	gone_for_ms = for_ms;
	fixture->on_snapshot = lose_one;
	assert_ok(fixture_drive(fixture), &fixture->err);
}

static void test_what_was_wrong_fails_although_it_is_well_again(void **state)
{
	struct fixture fixture;

	(void)state;
	drive(&fixture, 60000);
	assert_in_range(fixture.now, gone_from_ms + PLAN_GATE_SETTLE_MS, gone_from_ms + 60000);
	fixture_expect_run(&fixture, "paused", "the gate after stage 1 has failed");
	close_soaking(&fixture);
}

static void test_what_passes_soon_is_nothing(void **state)
{
	struct fixture fixture;

	(void)state;
	drive(&fixture, PLAN_GATE_SETTLE_MS / 2);
	assert_true(fixture.now >= SOAK_MS);
	fixture_expect_done(&fixture);
	close_soaking(&fixture);
}

static void interrupt(struct fixture *fixture)
{
	fixture->interrupts = fixture->now >= gone_from_ms;
}

static void test_an_interrupt_ends_it_at_once(void **state)
{
	static struct plan_gate gate = {.kind = GATE_UNREACHABLE, .max_new = 0};
	struct fixture fixture;

	(void)state;
	open_soaking(&fixture, &gate);
	gone_from_ms = fixture.now + BEGIN_MS;
	fixture.on_wait = interrupt;
	assert_int_equal(fixture_drive(&fixture), -1);
	assert_text_has(fixture.err.text, "interrupted");
	error_clear(&fixture.err);
	assert_in_range(fixture.now, gone_from_ms, gone_from_ms + 5000);
	fixture_expect_run(&fixture, "paused", "interrupted");
	fixture.on_wait = NULL;
	fixture.interrupts = 0;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	assert_true(fixture.now >= gone_from_ms + SOAK_MS);
	fixture_expect_done(&fixture);
	close_soaking(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_wrong_fails_although_it_is_well_again),
		cmocka_unit_test(test_what_passes_soon_is_nothing),
		cmocka_unit_test(test_an_interrupt_ends_it_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
