/* SPDX-License-Identifier: Apache-2.0 */
/* A run's forecast: the engine with agents that take as long as expected. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/engine/forecast.h"

/* What an agent takes beside its time away: the look before and agentctl's last word. */
#define OVERHEAD_MS (FORECAST_LOOK_MS + FORECAST_KEEP_MS)

static struct forecast_outcome run(const struct engine_options *options, const struct engine_stage *stages,
				   size_t stage_count, size_t count, int fail_per_million, uint64_t seed)
{
	struct forecast_input input = {
		.options = options,
		.stages = stages,
		.stage_count = stage_count,
		.count = count,
		.look_ms = FORECAST_LOOK_MS,
		.keep_ms = FORECAST_KEEP_MS,
		.agent_gate_ms = 5000,
		.stage_gate_ms = 6000,
		.fail_per_million = fail_per_million,
		.seed = seed,
	};
	int64_t *away = xcalloc(count, sizeof *away);
	int *domains = xcalloc(count, sizeof *domains);
	struct forecast_outcome outcome;

	for (size_t i = 0; i < count; i++) {
		away[i] = 10000;
		domains[i] = -1;
	}
	input.away_ms = away;
	input.domains = domains;
	forecast_run(&input, &outcome);
	free(away);
	free(domains);
	return outcome;
}

static void test_duration_is_that_of_the_window(void **ctx)
{
	struct engine_options options = engine_default_options;
	struct forecast_outcome outcome;

	(void)ctx;
	options.window = 3;
	outcome = run(&options, NULL, 0, 10, 0, 1);
	assert_int_equal(outcome.state, RUN_DONE);
	assert_int_equal(outcome.done, 10);
	assert_int_equal(outcome.ms, 4 * (10000 + OVERHEAD_MS));
}

static void test_stages_soak_and_gates_take_their_time(void **ctx)
{
	const struct engine_stage stages[2] = {{1, 1}, {5, 4}};
	struct engine_options options = engine_default_options;
	struct forecast_outcome outcome;

	(void)ctx;
	options.soak_ms = 7000;
	options.stage_soak_ms = 60000;
	options.agent_gates = options.stage_gates = true;
	outcome = run(&options, stages, 2, 5, 0, 1);
	assert_int_equal(outcome.state, RUN_DONE);
	/* Soaking begins with the proof, and agentctl's word comes meanwhile. */
	assert_int_equal(outcome.ms, 2 * (500 + 10000 + 7000 + 5000 + 60000 + 6000));
}

static void test_times_longer_than_patience_are_not_late(void **ctx)
{
	struct engine_options options = engine_default_options;
	struct forecast_outcome outcome;

	(void)ctx;
	options.return_ms = options.change_ms = 1;
	outcome = run(&options, NULL, 0, 1, 0, 1);
	assert_int_equal(outcome.state, RUN_DONE);
}

static void test_first_failure_stops(void **ctx)
{
	struct forecast_outcome outcome = run(&engine_default_options, NULL, 0, 10, 1000000, 1);

	(void)ctx;
	assert_int_equal(outcome.state, RUN_PAUSED);
	assert_int_equal(outcome.failed, 1);
	assert_int_equal(outcome.waiting, 9);
	assert_non_null(strstr(outcome.reason, "one failure stops the run"));
	assert_int_equal(outcome.ms, 500 + 2 * 10000);
}

static void test_policy_is_followed(void **ctx)
{
	struct engine_options options = engine_default_options;

	(void)ctx;
	options.on_failure = ON_FAILURE_ABORT;
	assert_int_equal(run(&options, NULL, 0, 3, 1000000, 1).state, RUN_ABORTED);
	options.on_failure = ON_FAILURE_ROLLBACK;
	assert_true(run(&options, NULL, 0, 3, 1000000, 1).rolls_back);
}

/* Who begins is who fails: the agents of one draw, in the order in which they end. */
static int first_to_fail(uint64_t seed)
{
	struct engine_options options = engine_default_options;

	return run(&options, NULL, 0, 100, 50000, seed).done;
}

/* Exactly the share, whatever the seed; the same agents with the same seed, others with another. */
static void test_seeds(void **ctx)
{
	struct engine_options options = engine_default_options;
	int different = 0;

	(void)ctx;
	options.max_failures = -1;
	options.window = 10;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct forecast_outcome outcome = run(&options, NULL, 0, 100, 50000, seed);

		assert_int_equal(outcome.state, RUN_DONE);
		assert_int_equal(outcome.failed, 5);
		assert_int_equal(first_to_fail(seed), first_to_fail(seed));
		different += first_to_fail(seed) != first_to_fail(seed + 1);
	}
	assert_true(different > 25);
}

static void test_a_share_is_rounded_and_never_nobody(void **ctx)
{
	const struct {
		size_t count;
		int per_million, failed;
	} cases[] = {{11, 100000, 1}, {15, 100000, 2}, {14, 100000, 1}, {3, 1, 1},
		     {3, 0, 0},       {1, 1, 1},       {7, 1000000, 7}, {1000, 500, 1}};
	struct engine_options options = engine_default_options;

	(void)ctx;
	options.max_failures = -1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (uint64_t seed = 0; seed < 20; seed++)
			assert_int_equal(run(&options, NULL, 0, cases[i].count, cases[i].per_million, seed).failed,
					 cases[i].failed);
}

static void test_large_fleet(void **ctx)
{
	struct engine_options options = engine_default_options;
	struct forecast_outcome outcome;

	(void)ctx;
	options.window = 500;
	outcome = run(&options, NULL, 0, 10000, 0, 1);
	assert_int_equal(outcome.done, 10000);
	assert_int_equal(outcome.ms, 20 * (10000 + OVERHEAD_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration_is_that_of_the_window),
		cmocka_unit_test(test_stages_soak_and_gates_take_their_time),
		cmocka_unit_test(test_times_longer_than_patience_are_not_late),
		cmocka_unit_test(test_first_failure_stops),
		cmocka_unit_test(test_policy_is_followed),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_a_share_is_rounded_and_never_nobody),
		cmocka_unit_test(test_large_fleet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
