/* SPDX-License-Identifier: Apache-2.0 */
/* What to do next can be pasted: its commands lead where the one that printed them led. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/report/todo.h"
#include "tests/support/report_fixture.h"

static const char program[] = "rollcall --cluster eu --db x.db";

/* A run with an agent in that state; whoever shows it has such options. */
static void open_run(struct report_fixture *fixture, const char *run, const char *agent, const char *error)
{
	report_fixture_open(fixture, 2, "anna@admin1");
	report_fixture_begin(fixture, run, "a reason");
	report_fixture_put(fixture, 0, &(struct report_agent){.state = "done", .from_ms = 1, .until_ms = 2});
	report_fixture_put(fixture, 1, &(struct report_agent){.state = agent, .found_id = "", .error = error});
	report_fixture_load(fixture);
}

static void every_command_has_the_options(void **state)
{
	static const char drifted[] = "the host is not as the plan saw it: its boot ID was a and is b";
	static const char foreign[] = "this host is driven by the database a, not by b";
	static const struct {
		const char *run, *agent, *error;
	} cases[] = {
		{"paused", "stuck", NULL},     {"paused", "failed", NULL},    {"aborted", "reverted", NULL},
		{"paused", "failed", drifted}, {"paused", "failed", foreign}, {"aborted", "failed", foreign},
		{"paused", "rejected", NULL},  {"done", "gating", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct report_fixture fixture;
		struct todo_list list;

		open_run(&fixture, cases[i].run, cases[i].agent, cases[i].error);
		fixture.runs.views->program = program;
		todo_make(fixture.runs.views, &list);
		assert_true(list.count > 0);
		for (size_t k = 0; k < list.count; k++)
			assert_true(strncmp(list.items[k].command, program, strlen(program)) == 0);
		todo_clear(&list);
		report_fixture_close(&fixture);
	}
}

static void what_is_said_of_a_stuck_agent_has_them(void **state)
{
	struct report_fixture fixture;

	(void)state;
	open_run(&fixture, "paused", "stuck", NULL);
	struct run_view *view = fixture.runs.views;
	char *plain = next_steps(view, &view->agents[1]);
	view->program = program;
	char *said = next_steps(view, &view->agents[1]);
	assert_text_has(plain, "`rollcall rollout settle ");
	assert_text_has(said, "`rollcall --cluster eu --db x.db rollout settle ");
	free(plain);
	free(said);
	report_fixture_close(&fixture);
}

static void a_new_plan_is_for_the_same_agents(void **state)
{
	struct plan plan;

	(void)state;
	plan_init(&plan);
	plan.config = xstrdup("web-tier");
	plan.config_version = 3;
	char *words = todo_plan_words(&plan);
	assert_string_equal(words, "rollout plan web-tier@3");
	free(words);
	plan.where = xstrdup("rack in ('r1', 'r2')");
	plan.exclude = xstrdup("zone != 'a'");
	words = todo_plan_words(&plan);
	assert_string_equal(words, "rollout plan web-tier@3 --where \"rack in ('r1', 'r2')\" --exclude "
				   "'zone != '\\''a'\\'''");
	free(words);
	plan_clear(&plan);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_has_the_options),
		cmocka_unit_test(what_is_said_of_a_stuck_agent_has_them),
		cmocka_unit_test(a_new_plan_is_for_the_same_agents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
