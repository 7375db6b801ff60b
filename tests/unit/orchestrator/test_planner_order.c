/* SPDX-License-Identifier: Apache-2.0 */
/* The planner: who comes first, how many at a time, who is left out, and what stops it. */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "inventory/ignores.h"
#include "tests/support/planner_fixture.h"

static const char rack[] = "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"new\": \"yes\"}}]}";

static void plan_fleet(struct planner_fixture *fixture, size_t count, const char *config)
{
	struct error err = ERROR_INIT;

	fixture_set_fleet(fixture, count);
	if (fixture_make(fixture, config, &err) < 0)
		fail_msg("%s", err.text);
}

static void replan(struct planner_fixture *fixture)
{
	struct error err = ERROR_INIT;

	if (fixture_make(fixture, rack, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_no_plan(struct planner_fixture *fixture, const char *words)
{
	struct error err = ERROR_INIT;

	assert_int_equal(fixture_make(fixture, rack, &err), -1);
	assert_error(&err, ERROR_USAGE, words);
}

static void set_windows(struct planner_fixture *fixture, const char *text)
{
	struct error err = ERROR_INIT;

	assert_ok(planner_windows_parse(text, &fixture->options.windows, &err), &err);
}

/* "agents/window agents/window …" */
static void assert_stages(const struct planner_fixture *fixture, const char *wanted)
{
	struct buffer text = BUFFER_INIT(65536);
	size_t begin = 0;

	for (size_t i = 0; i < fixture->plan.stage_count; i++) {
		buffer_printf(&text, "%s%zu/%d", i ? " " : "", fixture->plan.stages[i].end - begin,
			      fixture->plan.stages[i].window);
		begin = fixture->plan.stages[i].end;
	}
	assert_string_equal(buffer_text(&text), wanted);
	assert_int_equal(begin, fixture->plan.agent_count);
	buffer_clear(&text);
}

static void assert_hosts(const struct planner_fixture *fixture, size_t first, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_string_equal(fixture->plan.agents[first + i].hostname, names[i]);
}

/* ---- windows */

static void windows_may_be_shares(void **state)
{
	static const struct {
		const char *text;
		int window;
	} cases[] = {{"3", 3}, {"50%", 5}, {"100%", 10}, {"1%", 1}, {"19%", 1}, {"40", 40}};
	struct planner_fixture *fixture = *state;

	plan_fleet(fixture, 10, rack);
	assert_stages(fixture, "10/1");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_windows(fixture, cases[i].text);
		replan(fixture);
		assert_int_equal(fixture->plan.options.window, cases[i].window);
		assert_int_equal(fixture->plan.stage_count, 1);
	}
}

static void what_is_no_window(void **state)
{
	static const char *const bad[] = {"",
					  "0",
					  "-1",
					  "x",
					  "3x",
					  "0%",
					  "101%",
					  "3%%",
					  "1.5",
					  "%",
					  "99999999999",
					  "1,",
					  ",1",
					  "1,,2",
					  "1;2",
					  "1,0",
					  "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct planner_windows windows = {.count = 42};
		struct error err = ERROR_INIT;

		assert_int_equal(planner_windows_parse(bad[i], &windows, &err), -1);
		assert_int_equal(windows.count, 42);
		assert_error(&err, ERROR_USAGE, "--window");
	}
}

static void a_window_that_grows(void **state)
{
	struct planner_fixture *fixture = *state;

	set_windows(fixture, "1,20%,50%");
	plan_fleet(fixture, 20, rack);
	assert_stages(fixture, "1/1 4/4 15/10");
	assert_int_equal(fixture->plan.options.window, 10);
	/* The last one holds for as long as there is anybody; the ones before it may use all of them up. */
	set_windows(fixture, "15, 15, 2");
	replan(fixture);
	assert_stages(fixture, "15/15 5/15");
}

/* ---- canaries */

static void canaries_come_first_and_alone(void **state)
{
	struct planner_fixture *fixture = *state;
	static const char *const chosen[] = {"node0003", "node0007", "node0000", "node0001"};

	fixture->options.canary = "2";
	set_windows(fixture, "4");
	plan_fleet(fixture, 8, "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"new\": \"yes\"}}]}");
	assert_stages(fixture, "2/4 6/4");
	assert_string_equal(fixture->plan.stage_names[0], "canaries");
	fixture->options.canary = "25%";
	replan(fixture);
	assert_stages(fixture, "2/4 6/4");
	fixture->options.canary = "zone = 'd'";
	replan(fixture);
	assert_hosts(fixture, 0, chosen, 4);
	assert_stages(fixture, "2/4 6/4");
	fixture->options.canary = "8";
	replan(fixture);
	assert_stages(fixture, "8/4");
	fixture->options.canary = "900";
	replan(fixture);
	assert_stages(fixture, "8/4");
}

/* One of each kind is worth more than two of the same. */
static void canaries_are_of_every_kind(void **state)
{
	struct planner_fixture *fixture = *state;
	static const char config[] = "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"new\": \"yes\"}}, "
				     "{\"match\": \"hostname = 'node0005'\", \"resources\": {\"mem\": 1024}}]}";
	static const char *const wanted[] = {"node0000", "node0005", "node0001"};

	fixture->options.canary = "2";
	plan_fleet(fixture, 8, config);
	assert_hosts(fixture, 0, wanted, 3);
}

static void canaries_nobody_knows(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture_set_fleet(fixture, 4);
	fixture->options.canary = "zone = 'x'";
	assert_no_plan(fixture, "--canary zone = 'x': none of the 4 agents");
	fixture->options.canary = "zone =";
	assert_no_plan(fixture, "--canary");
	fixture->options.canary = "0";
	assert_no_plan(fixture, "--canary 0");
	fixture->options.canary = "101%";
	assert_no_plan(fixture, "--canary 101%");
}

/* ---- domains */

static void one_domain_at_a_time(void **state)
{
	struct planner_fixture *fixture = *state;
	static const char *const order[] = {"node0000", "node0004", "node0001", "node0005"};

	fixture->options.by = "zone";
	set_windows(fixture, "2");
	plan_fleet(fixture, 8, rack);
	assert_stages(fixture, "2/2 2/2 2/2 2/2");
	assert_string_equal(fixture->plan.stage_names[0], "zone a");
	assert_string_equal(fixture->plan.stage_names[3], "zone d");
	assert_hosts(fixture, 0, order, 4);
	fixture->options.by = "rack";
	replan(fixture);
	assert_stages(fixture, "3/2 3/2 2/2");
	assert_string_equal(fixture->plan.stage_names[1], "rack r1");
	fixture->options.by = "colour";
	assert_no_plan(fixture, "--by colour: none of the agents has such an attribute");
}

static void those_without_a_domain_come_last(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture->options.by = "odd";
	plan_fleet(fixture, 5, rack);
	assert_stages(fixture, "2/1 3/1");
	assert_string_equal(fixture->plan.stage_names[0], "odd yes");
	assert_string_equal(fixture->plan.stage_names[1], "odd (none)");
	assert_string_equal(fixture->plan.agents[0].hostname, "node0001");
}

/* A window that has been walked through in one domain need not be walked through again in the next. */
static void growth_goes_on_across_domains(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture->options.by = "zone";
	fixture->options.canary = "1";
	set_windows(fixture, "1,3,5");
	plan_fleet(fixture, 17, rack);
	/* The canary is of zone a, which has four others. */
	assert_stages(fixture, "1/1 1/1 3/3 4/5 4/5 4/5");
}

/* ---- budgets and guards */

static void budgets_may_be_shares(void **state)
{
	struct planner_fixture *fixture = *state;
	const struct engine_options *options = &fixture->plan.options;

	plan_fleet(fixture, 20, rack);
	assert_int_equal(options->max_failures, 0);
	assert_int_equal(options->stage_max_failures, -1);
	assert_int_equal(options->domain_max_failures, -1);
	assert_int_equal(options->max_consecutive, 0);
	assert_int_equal(options->on_failure, ON_FAILURE_PAUSE);
	fixture->options.max_failures = (struct planner_amount){.number = 19, .percent = true};
	fixture->options.stage_max_failures = (struct planner_amount){.number = 50, .percent = true};
	fixture->options.domain_max_failures = (struct planner_amount){.number = 40, .percent = true};
	fixture->options.max_consecutive = 2;
	fixture->options.stage_max_consecutive = 3;
	fixture->options.domain_max_consecutive = 4;
	fixture->options.on_failure = ON_FAILURE_ROLLBACK;
	fixture->options.canary = "4";
	replan(fixture);
	assert_int_equal(options->max_failures, 3);        /* 19% of 20 */
	assert_int_equal(options->stage_max_failures, -1); /* of parts the share itself is kept, each counts its own */
	assert_int_equal(options->stage_max_percent, 50);
	assert_int_equal(options->domain_max_failures, -1);
	assert_int_equal(options->domain_max_percent, 40);
	assert_int_equal(options->max_consecutive, 2);
	assert_int_equal(options->stage_max_consecutive, 3);
	assert_int_equal(options->domain_max_consecutive, 4);
	assert_int_equal(options->on_failure, ON_FAILURE_ROLLBACK);
}

static void the_guard_looks_at_the_window(void **state)
{
	struct planner_fixture *fixture = *state;

	plan_fleet(fixture, 20, rack);
	assert_int_equal(fixture->plan.options.meltdown_percent, PLANNER_MELTDOWN);
	set_windows(fixture, "30%");
	replan(fixture);
	assert_int_equal(fixture->plan.options.meltdown_percent, 30 + PLANNER_MELTDOWN_BEYOND);
	set_windows(fixture, "100%");
	replan(fixture);
	assert_int_equal(fixture->plan.options.meltdown_percent, 100);
	fixture->options.meltdown_percent = 0;
	replan(fixture);
	assert_int_equal(fixture->plan.options.meltdown_percent, 0);
}

/* ---- who is left out */

static void ignore(struct planner_fixture *fixture, const char *selector, int64_t until_ms)
{
	const struct ignore wanted = {.selector = (char *)(uintptr_t)selector,
				      .reason = (char *)(uintptr_t) "new disk",
				      .author = (char *)(uintptr_t) "eve@ops",
				      .created_ms = SURVEYED_MS - 10,
				      .until_ms = until_ms};
	struct error err = ERROR_INIT;
	int64_t number;

	assert_ok(ignores_add(fixture->store, fixture->cluster_id, &wanted, &number, &err), &err);
}

static void agents_that_are_ignored(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture_set_fleet(fixture, 8);
	ignore(fixture, "hostname = 'node0003'", 0);
	ignore(fixture, "hostname = 'node0004'", SURVEYED_MS - 1); /* that time has passed */
	fixture->options.exclude = "hostname in (node0003, node0005)";
	replan(fixture);
	assert_int_equal(fixture->plan.agent_count, 6);
	assert_int_equal(fixture->plan.left_out_count, 2);
	assert_string_equal(fixture->plan.left_out[0].hostname, "node0003");
	assert_int_equal(fixture->plan.left_out[0].why, LEFT_IGNORED);
	assert_text_has(fixture->plan.left_out[0].reason, "new disk");
	assert_text_has(fixture->plan.left_out[0].reason, "eve@ops");
	assert_int_equal(fixture->plan.left_out[1].why, LEFT_EXCLUDED);
	fixture->options.exclude = "hostname =";
	assert_no_plan(fixture, "--exclude");
	fixture->options.exclude = "active = true";
	replan(fixture);
	assert_int_equal(fixture->plan.agent_count, 0);
	assert_int_equal(fixture->plan.left_out_count, 8);
}

static size_t count_left(const struct planner_fixture *fixture, enum plan_left_why why)
{
	size_t count = 0;

	for (size_t i = 0; i < fixture->plan.left_out_count; i++)
		count += fixture->plan.left_out[i].why == why;
	return count;
}

/* Every agent of the cluster is somewhere, with the reason; whom no rule matches is not called excluded. */
static void everybody_is_accounted_for(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture->options.exclude = "zone = 'b'";
	plan_fleet(fixture, 8,
		   "{\"name\": \"web\", \"rules\": [{\"match\": \"zone = 'a'\", \"attributes\": {\"new\": \"yes\"}}]}");
	assert_int_equal(fixture->plan.agent_count, 2);
	assert_int_equal(fixture->plan.left_out_count, 6);
	assert_int_equal(count_left(fixture, LEFT_UNMATCHED), 6);
	assert_text_has(fixture->plan.left_out[0].reason, "no rule of web@");
	fixture->options.exclude = "hostname = 'node0001'";
	fixture->options.where = "zone in ('a', 'b')";
	replan(fixture);
	assert_int_equal(fixture->plan.agent_count, 3);
	assert_int_equal(count_left(fixture, LEFT_EXCLUDED), 1);
	assert_int_equal(count_left(fixture, LEFT_UNCHOSEN), 4);
	assert_text_has(fixture->plan.left_out[4].reason, "--where \"zone in ('a', 'b')\" does not choose it");
	assert_int_equal(fixture->plan.left_out_count, 5);
}

#define TEST(name)                                                                                                     \
	{                                                                                                              \
#name, name, fixture_set_up, fixture_tear_down, NULL                                                   \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(windows_may_be_shares),         TEST(what_is_no_window),
		TEST(a_window_that_grows),           TEST(canaries_come_first_and_alone),
		TEST(canaries_are_of_every_kind),    TEST(canaries_nobody_knows),
		TEST(one_domain_at_a_time),          TEST(those_without_a_domain_come_last),
		TEST(growth_goes_on_across_domains), TEST(budgets_may_be_shares),
		TEST(the_guard_looks_at_the_window), TEST(agents_that_are_ignored),
		TEST(everybody_is_accounted_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
