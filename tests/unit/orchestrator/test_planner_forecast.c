/* SPDX-License-Identifier: Apache-2.0 */
/* How long the planner says that a run takes. */
#include "tests/support/cmocka.h"

#include "orchestrator/plan/outlook.h"
#include "tests/support/planner_fixture.h"

static void replan(struct planner_fixture *fixture)
{
	struct error err = ERROR_INIT;

	if (fixture_make(fixture, "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"new\": \"yes\"}}]}", &err) < 0)
		fail_msg("%s", err.text);
}

static void set_windows(struct planner_fixture *fixture, const char *text)
{
	struct error err = ERROR_INIT;

	assert_ok(planner_windows_parse(text, &fixture->options.windows, &err), &err);
}

static void expect_duration(const struct planner_fixture *fixture, int64_t ms)
{
	struct forecast_outcome outcome;

	outlook_expected(&fixture->plan, &outcome);
	assert_int_equal(outcome.state, RUN_DONE);
	assert_int_equal(outcome.ms, ms);
}

/* Each is away for so long, and holds its place for 600 ms more. */
static void set_away(struct planner_fixture *fixture, int64_t ms)
{
	for (size_t i = 0; i < fixture->plan.agent_count; i++)
		fixture->plan.agents[i].expected_away_ms = ms;
}

static void the_forecast_follows_windows(void **state)
{
	struct planner_fixture *fixture = *state;

	set_windows(fixture, "2");
	fixture_set_fleet(fixture, 8);
	replan(fixture);
	expect_duration(fixture, fixture->plan.forecast.expected_ms);
	set_away(fixture, 9400);
	expect_duration(fixture, 40000);
	fixture->plan.agents[0].expected_away_ms = 34400; /* beside it three others, then the last four two by two */
	expect_duration(fixture, 55000);
	/* Two of each zone: with one per zone all four zones fit at once. */
	fixture->options.domain_window = (struct planner_amount){.number = 1};
	set_windows(fixture, "8");
	replan(fixture);
	set_away(fixture, 9400);
	expect_duration(fixture, 20000);
	fixture->options.by = "zone";
	replan(fixture);
	set_away(fixture, 9400);
	expect_duration(fixture, 80000);
}

/* What the plan says is what `rollout simulate` says. */
static void the_forecast_is_the_outlook(void **state)
{
	struct planner_fixture *fixture = *state;
	const struct outlook_options options = {.runs = 1};
	struct outlook outlook;

	set_windows(fixture, "1,25%,50%");
	fixture_set_fleet(fixture, 8);
	replan(fixture);
	outlook_make(&fixture->plan, &options, &outlook);
	assert_int_equal(outlook.expected.ms, fixture->plan.forecast.expected_ms);
	assert_int_equal(outlook.worst.ms, fixture->plan.forecast.worst_ms);
	assert_true(outlook.worst.ms > outlook.expected.ms);
	outlook_clear(&outlook);
}

#define TEST(name)                                                                                                     \
	{                                                                                                              \
#name, name, fixture_set_up, fixture_tear_down, NULL                                                   \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_forecast_follows_windows),
		TEST(the_forecast_is_the_outlook),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
