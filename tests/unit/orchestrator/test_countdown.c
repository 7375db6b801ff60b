/* SPDX-License-Identifier: Apache-2.0 */
/* Which clock runs out first for an agent that is away: the masters', its executors', or the run's own patience. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "orchestrator/engine/engine.h"
#include "orchestrator/report/countdown.h"
#include "orchestrator/report/run_view.h"

#define NOW 10000000

static struct plan plan_with(int64_t silent_ms, int64_t reregister_ms)
{
	struct plan plan;

	plan_init(&plan);
	plan.options = engine_default_options;
	plan.options.return_ms = 150000;
	plan.options.prove_ms = 60000;
	plan.options.unknown_ms = 300000;
	plan.clocks = (struct plan_clocks){silent_ms, reregister_ms};
	return plan;
}

static void expect_text(const struct plan *plan, const struct countdown *of, const char *expected)
{
	const struct plan_agent agent = {.task_count = 0};
	char *text = countdown_text(plan, &agent, of, NOW);

	assert_string_equal(text, expected);
	free(text);
}

static void test_the_nearest_is_named(void **ctx)
{
	static const struct {
		struct countdown of;
		const char *expected;
	} cases[] = {
		{{AGENT_CHANGING, NOW - 5000, NOW - 5000, false, false}, "1 min 10 s until it is unreachable"},
		{{AGENT_RETURNING, NOW - 10000, NOW - 20000, true, false}, "55.0 s until unreachable, if silent"},
		{{AGENT_RETURNING, NOW - 80000, NOW - 75000, true, false},
		 "if silent, the master has given it up; 1 min 10 s until it counts as stuck"},
		{{AGENT_RETURNING, NOW - 10000, NOW - 500000, true, false},
		 "if silent, the master has given it up; 1 min 40 s until it must have reregistered"},
		{{AGENT_RETURNING, 0, NOW - 80000, true, false},
		 "if silent, the master has given it up; 8 min 40 s until it must have reregistered"},
		{{AGENT_CHANGING, 0, NOW - 80000, false, false}, "the master takes it for unreachable, since 5.0 s"},
		{{AGENT_RETURNING, NOW - 150001, NOW - 200000, true, false},
		 "if silent, the master has given it up; 6 min 40 s until it must have reregistered"},
		{{AGENT_REVERTING, NOW - 10000, NOW - 80000, true, false},
		 "if silent, the master has given it up; 2 min 20 s until it counts as stuck"},
		{{AGENT_PROVING, NOW - 10000, NOW - 20000, true, false}, "50.0 s until it counts as stuck"},
		{{AGENT_UNKNOWN, NOW - 10000, NOW - 80000, true, false}, "4 min 50 s until it counts as stuck"},
		{{AGENT_CHECKING, NOW - 10000, 0, false, false}, ""},
		/* The master's clocks may be shorter than its flags say. */
		{{AGENT_RETURNING, NOW - 10000, NOW - 20000, true, true},
		 "the master has given it up; 2 min 20 s until it counts as stuck"},
		{{AGENT_RETURNING, NOW - 80000, NOW - 90000, true, true},
		 "the master has given it up; 1 min 10 s until it counts as stuck"},
		{{AGENT_PROVING, NOW - 10000, NOW - 20000, true, true}, "50.0 s until it counts as stuck"},
		{{AGENT_SOAKING, NOW - 10000, NOW - 20000, true, false}, ""},
		{{AGENT_STUCK, NOW - 10000, NOW - 620000, true, false}, "its time to reregister is over, since 20.0 s"},
	};
	struct plan plan = plan_with(75000, 600000);

	(void)ctx;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		expect_text(&plan, &cases[i].of, cases[i].expected);
	plan_clear(&plan);
}

static void test_the_document_has_all_that_run(void **ctx)
{
	const struct countdown driven = {AGENT_RETURNING, NOW - 10000, NOW - 20000, true, false};
	const struct countdown nothing = {AGENT_WAITING, NOW - 10000, 0, false, false};
	const struct plan_agent agent = {.task_count = 0};
	struct plan plan = plan_with(75000, 600000);
	json_t *object = countdown_to_json(&plan, &agent, &driven, NOW);

	(void)ctx;
	assert_int_equal(json_object_size(object), 3);
	assert_true(json_real_value(json_object_get(object, "silent")) == 55.0);
	assert_true(json_real_value(json_object_get(object, "stuck")) == 140.0);
	assert_true(json_real_value(json_object_get(object, "disconnected")) == 580.0);
	json_decref(object);
	object = countdown_to_json(&plan, &agent, &nothing, NOW);
	assert_true(json_is_null(object));
	json_decref(object);
	plan_clear(&plan);
}

/* The run's patience begins with the state, and anew with a resume; nobody is patient where nobody drives. */
static void test_since_when(void **ctx)
{
	static struct view_step steps[] = {
		{.time_ms = 1000, .from = "changing", .to = "unknown", .event = "lost"},
		{.time_ms = 2000, .from = "unknown", .to = "unknown", .event = "resume"},
		{.time_ms = 3000, .from = "unknown", .to = "unknown", .event = "lost"},
		{.time_ms = 4000, .event = "rescue"},
	};
	const struct run_agent row = {.state = "unknown", .away_from_ms = 500};
	const struct agent_result agent = {.row = &row, .state = AGENT_UNKNOWN, .steps = steps, .step_count = 4};
	struct run_view view = {.driven = true};

	(void)ctx;
	assert_int_equal(countdown_of(&view, &agent).since_ms, 2000);
	view.driven = false;
	assert_int_equal(countdown_of(&view, &agent).since_ms, 0);
	assert_int_equal(countdown_of(&view, &agent).away_from_ms, 500);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_nearest_is_named),
		cmocka_unit_test(test_the_document_has_all_that_run),
		cmocka_unit_test(test_since_when),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
