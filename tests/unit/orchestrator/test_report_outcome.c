/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over a run, and its timeline. */
#include "tests/support/cmocka.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/report/outcome.h"
#include "orchestrator/report/timeline.h"
#include "tests/support/report_fixture.h"

#define START_MS 1700000010000

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-6;
}

static void causes_and_zones(void **state)
{
	struct report_fixture fixture;
	struct outcome_sum sum;

	(void)state;
	report_fixture_open(&fixture, 6, "anna@admin1");
	free(fixture.plan.agents[5].domain);
	fixture.plan.agents[5].domain = NULL;
	report_fixture_begin(&fixture, "done", NULL);
	const struct report_agent agents[] = {
		{.state = "done", .from_ms = 1000, .until_ms = 4000},
		{.state = "reverted",
		 .error = "node1.example.com: ended with 7 after 12 s",
		 .from_ms = 1000,
		 .until_ms = 2000},
		{.state = "reverted",
		 .error = "node2.example.com: ended with 9 after 8 s\nmore",
		 .from_ms = 2000,
		 .until_ms = 90000},
		{.state = "stuck", .error = "another ID", .found_id = "X9", .from_ms = 5000},
		{.state = "failed",
		 .error = "node4.example.com: ended with 7 after 12 s",
		 .found_id = "",
		 .from_ms = 5000,
		 .until_ms = 5001},
		{.state = "waiting", .found_id = ""},
	};
	for (size_t i = 0; i < 6; i++)
		report_fixture_put(&fixture, i, &agents[i]);
	report_fixture_load(&fixture);
	outcome_sum(fixture.runs.views, &sum);
	assert_int_equal(sum.cause_count, 3);
	assert_int_equal(sum.causes[0].state, AGENT_STUCK); /* though fewer: somebody is needed */
	assert_int_equal(sum.causes[1].count, 2);           /* the same but for name and numbers */
	assert_string_equal(sum.causes[1].pattern, "\u2026: ended with \u2026 after \u2026 s");
	assert_int_equal(sum.causes[2].state, AGENT_FAILED); /* the same words, and another end */
	assert_int_equal(sum.zone_count, 2);
	assert_string_equal(sum.zones[0].name, "eu/a");
	assert_string_equal(sum.zones[1].name, "no zone");
	assert_int_equal(sum.zones[1].by[OUTCOME_WAITING], 1);
	assert_int_equal(sum.same_id, 3);
	assert_int_equal(sum.new_id, 1);
	assert_int_equal(sum.lost, 1);
	assert_int_equal(sum.away.count, 3); /* not the one that was never touched */
	assert_int_equal(sum.away.still, 1);
	assert_int_equal(sum.away.median_ms, 3000);
	assert_int_equal(sum.away.longest_ms, 88000);
	assert_int_equal(sum.away.over_budget, 1);
	outcome_sum_clear(&sum);
	report_fixture_close(&fixture);
}

static void lanes_are_places_in_the_window(void **state)
{
	struct report_fixture fixture;
	struct timeline timeline;
	size_t count = TIMELINE_ROWS_MAX + 2;

	(void)state;
	report_fixture_open(&fixture, count, "anna@admin1");
	report_fixture_begin(&fixture, "done", NULL);
	/* Two at a time; who comes back makes room for who leaves at the same moment. */
	for (size_t i = 0; i < count; i++)
		report_fixture_put(&fixture, i,
				   &(struct report_agent){.state = "done",
							  .from_ms = 1000 + 1000 * (int64_t)(i / 2),
							  .until_ms = 2000 + 1000 * (int64_t)(i / 2)});
	report_fixture_load(&fixture);
	timeline_make(fixture.runs.views, &timeline);
	assert_false(timeline.rows);
	assert_int_equal(timeline.lane_count, 2);
	assert_int_equal(timeline.most, 2);
	assert_int_equal(timeline.bar_count, count);
	assert_true(near(timeline_x(&timeline, START_MS), 0));
	timeline_clear(&timeline);
	report_fixture_close(&fixture);
}

/* A night in which the run was paused is left out, and everything stays in its order. */
static void a_night_is_folded(void **state)
{
	struct report_fixture fixture;
	struct timeline timeline;
	const int64_t night = 8 * 3600 * 1000;

	(void)state;
	report_fixture_open(&fixture, 3, "anna@admin1");
	report_fixture_begin(&fixture, "paused", "a person wanted it");
	report_fixture_put(&fixture, 0, &(struct report_agent){.state = "done", .from_ms = 1, .until_ms = 10001});
	report_fixture_put(&fixture, 1,
			   &(struct report_agent){.state = "done", .from_ms = night, .until_ms = night + 10000});
	report_fixture_put(&fixture, 2, &(struct report_agent){.state = "waiting", .found_id = ""});
	report_fixture_load(&fixture);
	/* Steps were written by this test's clock, years later. */
	for (size_t i = 0; i < 3; i++)
		fixture.runs.views->agents[i].steps[0].time_ms = START_MS;
	timeline_make(fixture.runs.views, &timeline);
	assert_int_equal(timeline.fold_count, 1);
	assert_true(timeline.rows);
	assert_int_equal(timeline.bar_count, 2);
	double last = -1;
	for (int64_t ms = 0; ms <= night + 10000; ms += 1000) {
		double x = timeline_x(&timeline, START_MS + ms);

		assert_true(x >= last && x <= 1 + 1e-9);
		last = x;
	}
	assert_true(near(timeline_x(&timeline, timeline.until_ms), 1));
	assert_true(timeline_x(&timeline, START_MS + 10001) > 0.4); /* half of what is drawn */
	assert_true(near(timeline_x(&timeline, 0), 0));             /* before the run */
	timeline_clear(&timeline);
	report_fixture_close(&fixture);
}

/* Nobody came for a week to an agent that was stuck; what was done in the minute before is drawn all the same. */
static void a_stuck_agents_week_is_folded(void **state)
{
	struct report_fixture fixture;
	struct timeline timeline;
	const int64_t week = 7LL * 24 * 3600 * 1000;

	(void)state;
	report_fixture_open(&fixture, 2, "anna@admin1");
	report_fixture_begin(&fixture, "paused", "an agent needs a person");
	report_fixture_put(&fixture, 0, &(struct report_agent){.state = "stuck", .from_ms = 1000});
	report_fixture_put(&fixture, 0, &(struct report_agent){.state = "stuck", .from_ms = 1000});
	report_fixture_put(&fixture, 1, &(struct report_agent){.state = "done", .from_ms = 1, .until_ms = 10001});
	report_fixture_load(&fixture);
	fixture.runs.views->agents[0].steps[0].time_ms = START_MS + 8000;
	fixture.runs.views->agents[0].steps[1].time_ms = START_MS + week;
	fixture.runs.views->agents[1].steps[0].time_ms = START_MS + 10001;
	timeline_make(fixture.runs.views, &timeline);
	assert_int_equal(timeline.fold_count, 1);
	assert_true(timeline_x(&timeline, START_MS + 10001) > 0.9);
	assert_int_equal(timeline.bars[1].until_ms, START_MS + week); /* it is away all the same */
	assert_true(near(timeline_x(&timeline, timeline.until_ms), 1));
	timeline_clear(&timeline);
	report_fixture_close(&fixture);
}

/* Clocks that were set back, and runs without agents away. */
static void odd_times(void **state)
{
	struct report_fixture fixture;
	struct timeline timeline;

	(void)state;
	report_fixture_open(&fixture, 1, "anna@admin1");
	report_fixture_begin(&fixture, "done", NULL);
	report_fixture_put(&fixture, 0, &(struct report_agent){.state = "done", .from_ms = 5000, .until_ms = 4000});
	report_fixture_load(&fixture);
	timeline_make(fixture.runs.views, &timeline);
	assert_int_equal(timeline.bars[0].until_ms, START_MS + 5000);
	assert_int_equal(timeline.most, 0);
	timeline_clear(&timeline);
	report_fixture_close(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(causes_and_zones),  cmocka_unit_test(lanes_are_places_in_the_window),
		cmocka_unit_test(a_night_is_folded), cmocka_unit_test(a_stuck_agents_week_is_folded),
		cmocka_unit_test(odd_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
