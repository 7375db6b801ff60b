/* SPDX-License-Identifier: Apache-2.0 */
/* How far a run can go before its limits hold it: by hand, and against the engine itself. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "orchestrator/engine/forecast.h"
#include "orchestrator/plan/plan_most.h"

#define AGENTS 24

/* An agent for each letter, which is its failure domain ('-': none), and a stage for each word. */
static void make_plan(const char *layout, int window, struct plan_agent *agents, struct engine_stage *stages,
		      struct plan *out)
{
	static char *names[] = {"a", "b", "c", "d"};

	*out = (struct plan){.agents = agents, .stages = stages, .options = engine_default_options};
	out->options.window = window;
	memset(agents, 0, AGENTS * sizeof *agents);
	for (const char *at = layout; *at; at++) {
		if (*at == ' ') {
			stages[out->stage_count++] = (struct engine_stage){out->agent_count, window};
			continue;
		}
		agents[out->agent_count++].domain = *at == '-' ? NULL : names[*at - 'a'];
	}
	stages[out->stage_count++] = (struct engine_stage){out->agent_count, window};
}

/* Budgets of the run, of each stage and each domain (-1: none), and one more limit. */
#define LIMITS(all, stage, domain, other, value)                                                                       \
	{                                                                                                              \
		.max_failures = all, .stage_max_failures = stage, .domain_max_failures = domain, .other = value        \
	}

static void each_limit_binds(void **state)
{
	static const struct {
		const char *layout;
		int window;
		struct engine_options limits;
		size_t away, stopping, failing;
	} cases[] = {
		{"abababab", 3, LIMITS(-1, -1, -1, domain_window, 0), 3, 8, 8},
		{"abababab", 3, LIMITS(0, -1, -1, domain_window, 0), 3, 1, 3},
		{"abababab", 3, LIMITS(2, -1, -1, domain_window, 0), 3, 3, 5},
		{"abababab", 3, LIMITS(2, -1, -1, domain_window, 1), 2, 3, 4},
		/* Two of nine may fail, and two are away at once. */
		{"ababababa", 4, LIMITS(4, 1, -1, domain_window, 1), 2, 2, 3},
		{"ababababa", 4, LIMITS(4, -1, -1, stage_max_percent, 20), 4, 2, 5},
		/* Stages that are smaller than the window. */
		{"aa bb aa", 3, LIMITS(0, -1, -1, domain_window, 0), 2, 1, 2},
		{"aa bb aa", 3, LIMITS(0, -1, -1, domain_window, 1), 1, 1, 1},
		{"a bbbbbbb", 3, LIMITS(-1, 1, -1, domain_window, 0), 3, 3, 5},
		{"aaaa bbbb", 2, LIMITS(-1, -1, 1, domain_window, 0), 2, 3, 4},
		{"aaaa bbbb", 2, LIMITS(-1, -1, -1, domain_max_percent, 25), 2, 3, 4},
		/* A domain's share is of all its agents, in whatever stages. */
		{"aa aaaaaa", 2, LIMITS(-1, -1, -1, domain_max_percent, 25), 2, 3, 4},
		/* Limits of failure domains do not hold for who is in none. */
		{"------", 2, LIMITS(-1, -1, 0, domain_window, 1), 2, 6, 6},
		{"aaaaaa", 2, LIMITS(-1, -1, -1, max_consecutive, 1), 2, 1, 2},
		/* Two, one that is well, two more, one that is well, and two that end it short of the third in a row. */
		{"aaaaaaaa", 1, LIMITS(-1, -1, -1, max_consecutive, 3), 1, 7, 7},
		{"aaaa bbbb", 1, LIMITS(-1, -1, -1, stage_max_consecutive, 2), 1, 5, 5},
		{"aaaa bbbb", 1, LIMITS(-1, -1, -1, domain_max_consecutive, 2), 1, 5, 5},
		{"a", 5, LIMITS(0, -1, -1, domain_window, 0), 1, 1, 1},
		{"", 5, LIMITS(-1, -1, -1, domain_window, 0), 0, 0, 0},
	};
	struct plan_agent agents[AGENTS];
	struct engine_stage stages[AGENTS];
	struct plan plan;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		make_plan(cases[i].layout, cases[i].window, agents, stages, &plan);
		plan.options = cases[i].limits;
		plan.options.window = cases[i].window;
		struct plan_most most = plan_most_of(&plan);
		if (most.away != cases[i].away || most.stopping != cases[i].stopping ||
		    most.failing != cases[i].failing)
			fail_msg("case %zu, %s: %zu away, stops with %zu, %zu fail", i, cases[i].layout, most.away,
				 most.stopping, most.failing);
	}
	make_plan("aaaa", 3, agents, stages, &plan);
	plan.stage_count = 0; /* a plan without stages is one */
	assert_int_equal(plan_most_of(&plan).away, 3);
}

static unsigned draw(uint64_t *seed, unsigned below)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(*seed >> 33) % below;
}

static void draw_limits(uint64_t *seed, struct engine_options *options)
{
	options->domain_window = (int)draw(seed, 3);
	options->max_failures = (int)draw(seed, 8) - 1;
	options->stage_max_failures = (int)draw(seed, 5) - 1;
	options->domain_max_failures = (int)draw(seed, 5) - 1;
	options->stage_max_percent = draw(seed, 3) == 0 ? (int)draw(seed, 90) + 1 : 0;
	options->domain_max_percent = draw(seed, 3) == 0 ? (int)draw(seed, 90) + 1 : 0;
	options->max_consecutive = (int)draw(seed, 5);
	options->stage_max_consecutive = (int)draw(seed, 5);
	options->domain_max_consecutive = (int)draw(seed, 5);
}

static void draw_layout(uint64_t *seed, char *out)
{
	size_t agents = 1 + draw(seed, AGENTS - 1);

	for (size_t i = 0; i < agents; i++) {
		*out++ = "abcd-"[draw(seed, 5)];
		if (i + 1 < agents && draw(seed, 5) == 0)
			*out++ = ' ';
	}
	*out = '\0';
}

/* How many fail when so many of a million would. */
static size_t failures_of(const struct plan *plan, uint64_t *seed)
{
	int64_t away_ms[AGENTS];
	int domains[AGENTS];
	struct forecast_outcome outcome;

	for (size_t i = 0; i < plan->agent_count; i++) {
		away_ms[i] = 1000 + draw(seed, 5) * 1000;
		domains[i] = plan->agents[i].domain ? plan->agents[i].domain[0] - 'a' : -1;
	}
	const struct forecast_input input = {
		.options = &plan->options,
		.stages = plan->stages,
		.stage_count = plan->stage_count,
		.domains = domains,
		.away_ms = away_ms,
		.count = plan->agent_count,
		.look_ms = 500,
		.keep_ms = 100,
		.fail_per_million = (int)draw(seed, 1000001),
		.seed = *seed,
	};
	forecast_run(&input, &outcome);
	return (size_t)outcome.failed;
}

static void no_run_goes_beyond(void **state)
{
	uint64_t seed = 1;
	size_t reached = 0, stopped = 0;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		char layout[2 * AGENTS + 1];
		struct plan_agent agents[AGENTS];
		struct engine_stage stages[AGENTS];
		struct plan plan;

		draw_layout(&seed, layout);
		make_plan(layout, 1 + (int)draw(&seed, 6), agents, stages, &plan);
		draw_limits(&seed, &plan.options);
		size_t failing = plan_most_of(&plan).failing, failed = failures_of(&plan, &seed);
		if (failed > failing)
			fail_msg("run %d, %s: %zu failed, and %zu were thought to be the most", i, layout, failed,
				 failing);
		stopped += failing < plan.agent_count;
		reached += failing < plan.agent_count && failed == failing;
	}
	/* The bound is no wide one: many runs come up to it. */
	assert_true(stopped > 1000 && reached * 5 > stopped);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_limit_binds),
		cmocka_unit_test(no_run_goes_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
