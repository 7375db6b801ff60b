/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks that run while an agent is away. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "orchestrator/engine/clocks.h"

static const struct engine_timing timing = {
	.stop_ms = 5000, .start_ms = 30000, .verdict_ms = 420000, .executor_ms = 15000, .backoff_ms = 1000};

static void test_worst_case_fits_with_default_flags(void **ctx)
{
	struct engine_worst worst;

	(void)ctx;
	engine_worst_case(&engine_default_clocks, &timing, &worst);
	assert_true(worst.fits_all);
	assert_int_equal(worst.once_ms[CLOCK_SILENT], 35000);
	assert_int_equal(worst.undo_ms[CLOCK_SILENT], 65000);
	assert_int_equal(worst.undo_ms[CLOCK_DISCONNECTED], 5000 + 30000 + 420000 + 30000 + 15000 + 1000);
	assert_int_equal(worst.undo_ms[CLOCK_EXECUTORS], 5000 + 30000 + 420000 + 30000 + 15000);
	assert_int_equal(worst.tightest, CLOCK_SILENT);
	assert_int_equal(worst.room_ms, 10000);
}

static void test_each_clock_can_be_the_one_that_does_not_fit(void **ctx)
{
	(void)ctx;
	for (int i = 0; i < CLOCK_COUNT; i++) {
		struct engine_clocks clocks = engine_default_clocks;
		struct buffer text = BUFFER_INIT(2000);
		struct engine_worst worst;

		if (i == CLOCK_SILENT)
			clocks.pings = 4;
		else if (i == CLOCK_DISCONNECTED)
			clocks.reregister_ms = 500000;
		else
			clocks.recovery_ms = 499999;
		engine_worst_case(&clocks, &timing, &worst);
		for (int j = 0; j < CLOCK_COUNT; j++)
			assert_int_equal(worst.fits[j], j != i);
		assert_false(worst.fits_all);
		assert_int_equal(worst.tightest, i);
		engine_worst_text(&clocks, &worst, &text);
		assert_int_equal(strstr(buffer_text(&text), "agent_ping_timeout") != NULL, i == CLOCK_SILENT);
		assert_int_equal(strstr(buffer_text(&text), "agent_reregister_timeout") != NULL,
				 i == CLOCK_DISCONNECTED);
		assert_int_equal(strstr(buffer_text(&text), "recovery_timeout") != NULL, i == CLOCK_EXECUTORS);
		buffer_clear(&text);
	}
}

/* It is the longest: a millisecond more does not fit. */
static void test_longest_start(void **ctx)
{
	struct engine_timing longest = timing;
	struct engine_worst worst;

	(void)ctx;
	longest.start_ms = engine_longest_start_ms(&engine_default_clocks, &timing);
	assert_int_equal(longest.start_ms, 35000);
	engine_worst_case(&engine_default_clocks, &longest, &worst);
	assert_true(worst.fits_all);
	longest.start_ms++;
	engine_worst_case(&engine_default_clocks, &longest, &worst);
	assert_false(worst.fits_all);
	longest.stop_ms = 76000;
	assert_int_equal(engine_longest_start_ms(&engine_default_clocks, &longest), -1);
}

static void test_without_executors_they_have_no_clock(void **ctx)
{
	struct engine_clocks clocks = engine_default_clocks;
	struct engine_away away = {.gone_ms = 1000, .silent_ms = -1};
	struct engine_worst worst;
	struct engine_left left;

	(void)ctx;
	clocks.recovery_ms = 0;
	engine_worst_case(&clocks, &timing, &worst);
	assert_true(worst.fits[CLOCK_EXECUTORS]);
	assert_true(engine_clocks_left(&clocks, &away, &left));
	assert_true(left.ms[CLOCK_EXECUTORS] == INT64_MAX);
}

static void test_what_is_left(void **ctx)
{
	struct engine_left left;

	(void)ctx;
	assert_false(engine_clocks_left(&engine_default_clocks, &(struct engine_away){.gone_ms = -1, .silent_ms = -1},
					&left));
	assert_true(engine_clocks_left(&engine_default_clocks,
				       &(struct engine_away){.gone_ms = 20000, .silent_ms = 20000}, &left));
	assert_int_equal(left.soonest, CLOCK_SILENT);
	assert_int_equal(left.ms[CLOCK_SILENT], 55000);
	assert_int_equal(left.ms[CLOCK_DISCONNECTED], 580000);
	assert_int_equal(left.ms[CLOCK_EXECUTORS], 880000);
	/* The new process answers pings and recovers. */
	assert_true(engine_clocks_left(&engine_default_clocks,
				       &(struct engine_away){.gone_ms = 700000, .silent_ms = -1}, &left));
	assert_int_equal(left.soonest, CLOCK_DISCONNECTED);
	assert_int_equal(left.ms[CLOCK_DISCONNECTED], -100000);
	assert_false(engine_clocks_left(&engine_default_clocks,
					&(struct engine_away){.gone_ms = 700000, .silent_ms = -1, .back = true},
					&left));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worst_case_fits_with_default_flags),
		cmocka_unit_test(test_each_clock_can_be_the_one_that_does_not_fit),
		cmocka_unit_test(test_longest_start),
		cmocka_unit_test(test_without_executors_they_have_no_clock),
		cmocka_unit_test(test_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
