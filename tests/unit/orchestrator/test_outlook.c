/* SPDX-License-Identifier: Apache-2.0 */
/* How a run of a plan would go. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/plan/outlook.h"

static void make_plan(struct plan *plan, size_t count, int64_t expected_ms, int64_t worst_ms)
{
	plan_init(plan);
	plan->options = engine_default_options;
	plan->agents = xcalloc(count + 1, sizeof *plan->agents);
	plan->agent_count = count;
	for (size_t i = 0; i < count; i++) {
		plan->agents[i].domain = xasprintf("eu/eu-1%c", i % 2 ? 'a' : 'b');
		plan->agents[i].expected_away_ms = expected_ms;
		plan->agents[i].worst_away_ms = worst_ms;
	}
}

static void test_expected_and_worst(void **ctx)
{
	const struct outlook_options options = {.runs = 10};
	struct outlook outlook;
	struct plan plan;

	(void)ctx;
	make_plan(&plan, 4, 3000, 90000);
	outlook_make(&plan, &options, &outlook);
	assert_int_equal(outlook.expected.done, 4);
	assert_int_equal(outlook.expected.ms, 4 * 3600);
	/* A look and agentctl's last word may take what their own limits allow. */
	assert_int_equal(outlook.worst.ms, 4 * (60000 + 90000 + 30000));
	assert_int_equal(outlook.guessed, 0);
	assert_int_equal(outlook.end_count, 0); /* nobody is to fail */
	outlook_clear(&outlook);
	plan_clear(&plan);
}

static void test_unknown_times_are_guessed(void **ctx)
{
	const struct outlook_options options = {.runs = 10};
	struct outlook outlook;
	struct plan plan;

	(void)ctx;
	make_plan(&plan, 2, 0, 0);
	outlook_make(&plan, &options, &outlook);
	assert_int_equal(outlook.guessed, 2);
	assert_int_equal(outlook.expected.ms, 2 * 15600);
	assert_true(outlook.worst.ms > outlook.expected.ms);
	outlook_clear(&outlook);
	plan_clear(&plan);
}

static void test_soaks_and_gates_that_are_known_count(void **ctx)
{
	struct plan_gate prompt = {.kind = GATE_UNREACHABLE}, unknown = {.kind = GATE_COMMAND, .timeout_ms = 1000};
	struct plan_gate gates[] = {prompt, unknown, prompt};
	struct forecast_outcome outcome;
	struct plan plan;

	(void)ctx;
	make_plan(&plan, 2, 3000, 90000);
	plan_add_stage(&plan, "canaries", 1, 1);
	plan_add_stage(&plan, "the rest", 2, 1);
	plan.options.stage_soak_ms = 700000;
	plan.options.agent_gates = plan.options.stage_gates = true;
	plan.agent_gates = gates;
	plan.agent_gate_count = 2;
	plan.stage_gates = gates;
	plan.stage_gate_count = 3;
	outlook_expected(&plan, &outcome);
	assert_int_equal(outcome.ms, 2 * (3600 + FORECAST_LOOK_MS + 700000 + 2 * FORECAST_LOOK_MS));
	outlook_worst(&plan, &outcome);
	assert_int_equal(outcome.ms, 2 * (60000 + 90000 + 30000 + 700000 + 2 * plan.options.gate_ms));
	plan.agent_gates = plan.stage_gates = NULL;
	plan.agent_gate_count = plan.stage_gate_count = 0;
	plan_clear(&plan);
}

static void test_ends_are_grouped_and_counted(void **ctx)
{
	const struct outlook_options options = {.fail_per_million = 100000, .runs = 200, .seed = 7};
	struct outlook outlook;
	struct plan plan;
	int64_t runs = 0;

	(void)ctx;
	make_plan(&plan, 10, 3000, 9000);
	plan.options.domain_max_failures = 0;
	plan.options.max_failures = -1;
	outlook_make(&plan, &options, &outlook);
	assert_int_equal(outlook.end_count, 2);
	for (size_t i = 0; i < outlook.end_count; i++) {
		const struct outlook_end *end = &outlook.ends[i];

		runs += end->runs;
		assert_true(end->failed.low == 1 && end->failed.high == 1); /* a tenth of them */
		assert_true(end->ms.low <= end->ms.middle && end->ms.middle <= end->ms.high);
		if (end->state == RUN_DONE)
			assert_int_equal(end->done.low, 9); /* the very last one has nobody to stop */
		else
			assert_non_null(strstr(end->reason, "failure domain eu/eu-1"));
	}
	assert_int_equal(runs, 200);
	/* Of ten agents it is the last one that fails in every tenth run. */
	assert_in_range(outlook.ends[1].runs, 5, 50);
	assert_int_equal(outlook.ends[1].state, RUN_DONE);
	outlook_clear(&outlook);
	plan_clear(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expected_and_worst),
		cmocka_unit_test(test_unknown_times_are_guessed),
		cmocka_unit_test(test_soaks_and_gates_that_are_known_count),
		cmocka_unit_test(test_ends_are_grouped_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
