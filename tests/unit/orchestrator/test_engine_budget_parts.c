/* SPDX-License-Identifier: Apache-2.0 */
/* Failure budgets of stages and failure domains: numbers, shares of their own agents, and failures in a row within them. */
#include "tests/support/cmocka.h"

#include "tests/support/engine_fixture.h"

static const int none[6] = {-1, -1, -1, -1, -1, -1};

static void test_stage_budget_counts_its_own_stage(void **ctx)
{
	const struct engine_stage stages[2] = {{2, 2}, {6, 4}};
	struct engine_options options = unlimited();
	struct fixture fixture;

	(void)ctx;
	options.stage_max_failures = 1;
	open_staged(&fixture, &options, stages, 2, none, 6);
	begin(&fixture);
	fail_agent(&fixture, 0);
	finish(&fixture, 1);
	fail_agent(&fixture, 2); /* the second of the run, the first of its stage */
	expect_run(&fixture, RUN_RUNNING, "");
	fail_agent(&fixture, 3);
	expect_run(&fixture, RUN_PAUSED,
		   "the failure budget of stage 2 is spent: 2 agents have failed, more than 1 stop the run");
	close_fixture(&fixture);
}

static void test_domain_budget_counts_its_own_domain(void **ctx)
{
	const int domains[6] = {0, 1, 0, 1, -1, -1};
	const char *const names[2] = {"eu/eu-1a", "eu/eu-1b"};
	struct engine_options options = unlimited();
	struct fixture fixture;

	(void)ctx;
	options.domain_max_failures = 1;
	open_fixture(&fixture, &options, domains, 6);
	engine_set_domain_names(&fixture.engine, names);
	begin(&fixture);
	fail_agent(&fixture, 0);
	fail_agent(&fixture, 1);
	fail_agent(&fixture, 4);
	fail_agent(&fixture, 5); /* of no domain: no domain's failures */
	expect_run(&fixture, RUN_RUNNING, "");
	fail_agent(&fixture, 3);
	expect_run(&fixture, RUN_PAUSED,
		   "the failure budget of failure domain eu/eu-1b is spent: 2 agents have failed, more than 1 stop the "
		   "run");
	close_fixture(&fixture);
}

/* A share is of each stage's own agents: one canary tolerates none, four agents tolerate one. */
static void test_a_share_is_of_each_stage(void **ctx)
{
	const struct engine_stage stages[3] = {{1, 1}, {2, 1}, {6, 4}};
	struct engine_options options = unlimited();
	struct fixture fixture;

	(void)ctx;
	options.stage_max_percent = 49;
	open_staged(&fixture, &options, stages, 3, none, 6);
	begin(&fixture);
	finish(&fixture, 0);
	fail_agent(&fixture, 1);
	expect_run(
		&fixture, RUN_PAUSED,
		"the failure budget of stage 2 is spent: 1 agent has failed, one failure stops the run (49% of its 1)");
	restart(&fixture, -1);
	fail_agent(&fixture, 2);
	expect_run(&fixture, RUN_RUNNING, "");
	fail_agent(&fixture, 3);
	expect_run(
		&fixture, RUN_PAUSED,
		"the failure budget of stage 3 is spent: 2 agents have failed, more than 1 (49% of its 4) stop the run");
	close_fixture(&fixture);
}

static void test_a_share_is_of_each_domain(void **ctx)
{
	const int domains[6] = {0, 1, 1, 1, 1, -1};
	const char *const names[2] = {"eu/eu-1a", "eu/eu-1b"};
	struct engine_options options = unlimited();
	struct fixture fixture;

	(void)ctx;
	options.domain_max_percent = 25;
	open_fixture(&fixture, &options, domains, 6);
	engine_set_domain_names(&fixture.engine, names);
	begin(&fixture);
	fail_agent(&fixture, 5);
	fail_agent(&fixture, 1);
	expect_run(&fixture, RUN_RUNNING, "");
	fail_agent(&fixture, 2);
	expect_run(
		&fixture, RUN_PAUSED,
		"the failure budget of failure domain eu/eu-1b is spent: 2 agents have failed, more than 1 (25% of its 4) stop "
		"the run");
	restart(&fixture, -1);
	fail_agent(&fixture, 0);
	expect_run(
		&fixture, RUN_PAUSED,
		"the failure budget of one failure domain is spent: 1 agent has failed, one failure stops the run (25% of its "
		"1)");
	close_fixture(&fixture);
}

/* What ends well elsewhere ends no row of a stage or domain. */
static void test_rows_are_counted_within_stages_and_domains(void **ctx)
{
	const int domains[6] = {0, 1, 0, 1, 0, 1};
	const char *const names[2] = {"eu/eu-1a", "eu/eu-1b"};
	const struct engine_stage stages[2] = {{3, 3}, {6, 3}};
	struct engine_options options = unlimited();
	struct fixture fixture;

	(void)ctx;
	options.domain_max_consecutive = 2;
	open_fixture(&fixture, &options, domains, 6);
	engine_set_domain_names(&fixture.engine, names);
	begin(&fixture);
	fail_agent(&fixture, 0);
	finish(&fixture, 1);
	expect_run(&fixture, RUN_RUNNING, "");
	fail_agent(&fixture, 2);
	expect_run(
		&fixture, RUN_PAUSED,
		"2 agents of failure domain eu/eu-1a have failed one after the other: 2 in a row within a failure domain stop "
		"the run");
	close_fixture(&fixture);

	options.domain_max_consecutive = 0;
	options.stage_max_consecutive = 2;
	open_staged(&fixture, &options, stages, 2, domains, 6);
	begin(&fixture);
	finish(&fixture, 0);
	finish(&fixture, 1);
	fail_agent(&fixture, 2);
	fail_agent(&fixture, 3); /* the second in a row of the run, the first of its stage */
	expect_run(&fixture, RUN_RUNNING, "");
	fail_agent(&fixture, 4);
	expect_run(&fixture, RUN_PAUSED,
		   "2 agents of stage 2 have failed one after the other: 2 in a row within a stage stop the run");
	close_fixture(&fixture);
}

static void test_rows_of_parts_are_counted_across_a_crash(void **ctx)
{
	const int domains[6] = {0, 1, 0, 1, 0, 1};

	(void)ctx;
	for (int of_domains = 0; of_domains < 2; of_domains++) {
		struct engine_options options = unlimited();
		struct fixture fixture;

		*(of_domains ? &options.domain_max_consecutive : &options.stage_max_consecutive) = 2;
		open_fixture(&fixture, &options, domains, 6);
		begin(&fixture);
		fail_agent(&fixture, 1);
		assert_true(fixture.engine.in_a_row == 0); /* nobody asked for it */
		restart(&fixture, 0);
		fail_agent(&fixture, 3);
		assert_int_equal(fixture.engine.state, RUN_PAUSED);
		restart(&fixture, -1); /* a person resumes, and has seen them */
		assert_int_equal(fixture.engine.state, RUN_RUNNING);
		fail_agent(&fixture, 5);
		assert_int_equal(fixture.engine.state, RUN_RUNNING);
		close_fixture(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stage_budget_counts_its_own_stage),
		cmocka_unit_test(test_domain_budget_counts_its_own_domain),
		cmocka_unit_test(test_a_share_is_of_each_stage),
		cmocka_unit_test(test_a_share_is_of_each_domain),
		cmocka_unit_test(test_rows_are_counted_within_stages_and_domains),
		cmocka_unit_test(test_rows_of_parts_are_counted_across_a_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
