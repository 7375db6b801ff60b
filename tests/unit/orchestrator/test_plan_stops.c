/* SPDX-License-Identifier: Apache-2.0 */
/* Which failures stop a run, in a plan's words. */
#include "tests/support/cmocka.h"

#include "base/buffer.h"
#include "orchestrator/plan/plan_stops.h"

/* Eight agents, three of them in failure domain a and one in b. */
static void expect_words(const struct engine_options *options, const char *words)
{
	char name[] = "a", other[] = "b";
	struct plan_agent agents[8] = {{.domain = name}, {.domain = name}, {.domain = name}, {.domain = other}};
	const struct plan plan = {.agent_count = 8, .agents = agents, .options = *options};
	struct buffer text = BUFFER_INIT(1024);

	plan_stops_text(&plan, &text);
	assert_string_equal(buffer_text(&text), words);
	buffer_clear(&text);
}

/* The summary names what really stops it, and never more than the list below it allows. */
static void every_budget_is_named(void **state)
{
	static const struct {
		int all, stage, domain, row;
		enum engine_on_failure what;
		const char *text;
	} cases[] = {
		{1, 0, 2, 2, ON_FAILURE_ROLLBACK, "is rolled back when one fails"},
		{2, 0, -1, 0, ON_FAILURE_PAUSE, "pauses when one fails"},
		{8, 0, -1, 0, ON_FAILURE_PAUSE, "pauses when one fails"},
		{-1, -1, -1, 1, ON_FAILURE_ABORT, "is aborted when one fails"},
		{8, 8, 8, 0, ON_FAILURE_PAUSE, "no number of failures stops it"},
		{-1, -1, -1, 9, ON_FAILURE_PAUSE, "no number of failures stops it"},
		{2, -1, 2, 3, ON_FAILURE_PAUSE, "pauses when more than 2 agents fail"},
		{8, 1, -1, 0, ON_FAILURE_PAUSE, "pauses when more than 1 agent fails in one stage"},
		{3, 1, 0, 3, ON_FAILURE_PAUSE,
		 "pauses when one agent fails in one failure domain, or more than 1 in one stage, or 3 in a row, or more than "
		 "3 in all"},
		{-1, -1, -1, 2, ON_FAILURE_PAUSE, "pauses when 2 agents fail in a row"},
		/* What a part of the run can never exceed says nothing. */
		{-1, -1, 3, 0, ON_FAILURE_PAUSE, "no number of failures stops it"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct engine_options options = {
			.max_failures = cases[i].all,
			.stage_max_failures = cases[i].stage,
			.domain_max_failures = cases[i].domain,
			.max_consecutive = cases[i].row,
			.on_failure = cases[i].what,
		};

		expect_words(&options, cases[i].text);
	}
}

static void shares_and_rows_of_parts_are_named(void **state)
{
	static const struct {
		int all, row, stage_percent, domain_percent, stage_row, domain_row;
		const char *text;
	} cases[] = {
		{-1, 0, 100, 100, 9, 4, "no number of failures stops it"},
		{-1, 0, 12, 0, 0, 0, "pauses when one fails"},
		{-1, 0, 0, 0, 1, 0, "pauses when one fails"},
		{-1, 0, 20, 0, 0, 0, "pauses when more than 20% of the agents fail in one stage"},
		{3, 0, 20, 50, 3, 2,
		 "pauses when more than 50% of the agents fail in one failure domain, or 2 in a row in one failure domain, or "
		 "more than 20% in one stage, or 3 in a row in one stage, or more than 3 in all"},
		{-1, 2, 0, 0, 2, 3, "pauses when 2 agents fail in a row"},
		{-1, 0, 0, 0, 0, 1, "pauses when one agent fails in one failure domain"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct engine_options options = {
			.max_failures = cases[i].all,
			.stage_max_failures = -1,
			.domain_max_failures = -1,
			.max_consecutive = cases[i].row,
			.stage_max_percent = cases[i].stage_percent,
			.domain_max_percent = cases[i].domain_percent,
			.stage_max_consecutive = cases[i].stage_row,
			.domain_max_consecutive = cases[i].domain_row,
		};

		expect_words(&options, cases[i].text);
	}
}

/* Each size once; of many the ends. */
static void shares_are_of_each_size(void **state)
{
	struct engine_stage stages[8] = {{1, 1}, {2, 1}, {7, 1}, {107, 1}};
	struct plan_agent agents[107] = {{.hostname = NULL}};
	struct plan plan = {.agent_count = 107, .agents = agents, .stages = stages, .stage_count = 4};
	struct buffer text = BUFFER_INIT(1024);

	(void)state;
	plan_stops_shares(&plan, PLAN_STAGES, 20, &text);
	assert_string_equal(buffer_text(&text), "0 of 1, 1 of 5, 20 of 100");
	buffer_clear(&text);
	for (size_t i = 0; i < 8; i++)
		stages[i].end = i == 7 ? 107 : (i + 1) * (i + 2) / 2;
	plan.stage_count = 8;
	plan_stops_shares(&plan, PLAN_STAGES, 20, &text);
	assert_string_equal(buffer_text(&text), "0 of 1 up to 15 of 79");
	buffer_clear(&text);
	plan_stops_shares(&plan, PLAN_DOMAINS, 20, &text); /* there are none */
	assert_string_equal(buffer_text(&text), "");
	buffer_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_budget_is_named),
		cmocka_unit_test(shares_and_rows_of_parts_are_named),
		cmocka_unit_test(shares_are_of_each_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
