/* SPDX-License-Identifier: Apache-2.0 */
/* The roll of a large fleet fits on a screen, and what to do next is only what would work. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "orchestrator/progress.h"
#include "orchestrator/report/todo.h"
#include "tests/support/report_fixture.h"

#define MANY 70

static char *write_roll(const struct run_view *view, bool all)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	run_view_print_roll(view, all, stream);
	fclose(stream);
	return text;
}

static void put_done(struct report_fixture *fixture, size_t index)
{
	report_fixture_put(fixture, index, &(struct report_agent){.state = "done", .from_ms = 1, .until_ms = 2});
}

static void those_that_tell_nothing_are_counted(void **state)
{
	struct report_fixture fixture;

	(void)state;
	report_fixture_open(&fixture, MANY, "anna@admin1");
	report_fixture_begin(&fixture, "paused", "1 failed");
	for (size_t i = 0; i < MANY - 2; i++)
		put_done(&fixture, i);
	report_fixture_put(&fixture, MANY - 2,
			   &(struct report_agent){.state = "failed", .found_id = "", .error = "its host refused"});
	report_fixture_put(&fixture, MANY - 1, &(struct report_agent){.state = "waiting", .found_id = ""});
	report_fixture_load(&fixture);
	char *text = write_roll(fixture.runs.views, false);
	assert_text_has(text, "node68.example.com");
	assert_null(strstr(text, "node67.example.com"));
	assert_text_has(text, "69 agents are not listed here: `rollcall rollout status " REPORT_RUN " --all`");
	free(text);
	text = write_roll(fixture.runs.views, true);
	assert_text_has(text, "node67.example.com");
	assert_null(strstr(text, "not listed"));
	free(text);
	report_fixture_close(&fixture);
}

/* Of too many to list, those that wait for a person are never the ones left out. */
static void whoever_needs_a_person_is_listed(void **state)
{
	struct report_fixture fixture;

	(void)state;
	report_fixture_open(&fixture, MANY, "anna@admin1");
	report_fixture_begin(&fixture, "paused", "1 stuck");
	for (size_t i = 0; i < MANY - 1; i++)
		report_fixture_put(&fixture, i, &(struct report_agent){.state = "failed", .found_id = ""});
	report_fixture_put(&fixture, MANY - 1, &(struct report_agent){.state = "stuck", .found_id = "", .from_ms = 1});
	report_fixture_load(&fixture);
	char *text = write_roll(fixture.runs.views, false);
	assert_text_has(text, "node69.example.com  stuck");
	assert_text_has(text, "30 agents are not listed here");
	free(text);
	report_fixture_close(&fixture);
}

static bool has(const struct todo_list *list, const char *command)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].command && strcmp(list->items[i].command, command) == 0)
			return true;
	return false;
}

static void what_works_is_named(void **state)
{
	static const char newer_copy[] = "the epoch 2 is older than 3, which this host has seen: another rollcall";
	static const char foreign[] = "this host is driven by the database a, not by b";
	static const struct {
		const char *run, *agent, *error;
		bool settle, retry, resume, rollback, abort, plan, adopt;
	} cases[] = {
		{.run = "done", .agent = "done"},
		{.run = "running", .agent = "done"},
		{.run = "running", .agent = "failed", .retry = true},
		{.run = "paused", .agent = "waiting", .resume = true, .rollback = true, .abort = true},
		{.run = "paused", .agent = "failed", .retry = true, .resume = true, .rollback = true, .abort = true},
		{.run = "paused", .agent = "stuck", .settle = true, .resume = true, .rollback = true, .abort = true},
		{.run = "paused", .agent = "rejected", .retry = true, .resume = true, .rollback = true, .abort = true},
		{.run = "paused",
		 .agent = "failed",
		 .error = "the host is not as the plan saw it: its boot ID was a and is b",
		 .plan = true,
		 .resume = true,
		 .rollback = true,
		 .abort = true},
		{.run = "done", .agent = "reverted", .retry = true, .rollback = true},
		{.run = "aborted", .agent = "reverted", .plan = true, .rollback = true},
		{.run = "aborted", .agent = "stuck", .settle = true, .rollback = true},
		{.run = "aborted", .agent = "gating", .settle = true, .rollback = true},
		{.run = "done", .agent = "gating", .settle = true, .rollback = true},
		{.run = "paused", .agent = "gating", .resume = true, .rollback = true, .abort = true},
		{.run = "done", .agent = "failed", .error = newer_copy, .adopt = true, .rollback = true},
		{.run = "aborted", .agent = "failed", .error = newer_copy, .plan = true, .rollback = true},
		{.run = "done", .agent = "failed", .error = foreign, .adopt = true, .rollback = true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct report_fixture fixture;
		struct todo_list list;

		report_fixture_open(&fixture, 2, "anna@admin1");
		report_fixture_begin(&fixture, cases[i].run, "a reason");
		put_done(&fixture, 0);
		report_fixture_put(
			&fixture, 1,
			&(struct report_agent){.state = cases[i].agent, .found_id = "", .error = cases[i].error});
		report_fixture_load(&fixture);
		todo_make(fixture.runs.views, &list);
		assert_int_equal(has(&list, "rollcall rollout settle " REPORT_RUN), cases[i].settle);
		assert_int_equal(has(&list, "rollcall rollout retry " REPORT_RUN), cases[i].retry);
		assert_int_equal(has(&list, "rollcall rollout resume " REPORT_RUN), cases[i].resume);
		assert_int_equal(has(&list, "rollcall rollout rollback " REPORT_RUN), cases[i].rollback);
		assert_int_equal(has(&list, "rollcall rollout abort " REPORT_RUN), cases[i].abort);
		assert_int_equal(has(&list, "rollcall rollout plan web-tier@3 --where \"rack = 'r1'\""), cases[i].plan);
		assert_int_equal(has(&list, "rollcall rollout retry " REPORT_RUN " --adopt"), cases[i].adopt);
		todo_clear(&list);
		report_fixture_close(&fixture);
	}
}

/* A task that the first attempt killed is not forgotten when the second keeps the others. */
static void tasks_of_attempts_before_count(void **state)
{
	struct report_fixture fixture;
	struct error err = ERROR_INIT;

	(void)state;
	report_fixture_open(&fixture, 1, "anna@admin1");
	report_fixture_begin(&fixture, "done", NULL);
	ledger_event(fixture.ledger, "agent", REPORT_RUN, "S0",
		     json_pack("{s:s, s:s, s:s, s:{s:{s:[{s:s}]}}}", "from", "reverting", "to", "reverted", "event",
			       "proven", "proof", "tasks", "killed", "task", "scratch.1"));
	ledger_event(fixture.ledger, "agent", REPORT_RUN, "S0",
		     json_pack("{s:s, s:s, s:s}", "from", "reverted", "to", "waiting", "event", "retry"));
	assert_ok(ledger_commit(fixture.ledger, &err), &err);
	put_done(&fixture, 0);
	report_fixture_load(&fixture);
	const struct agent_result *agent = &fixture.runs.views->agents[0];
	assert_int_equal(agent->lost, 1);
	assert_int_equal(json_array_size(agent->killed_before), 1);
	char *text = report_fixture_write(&fixture, report_csv);
	assert_text_has(text, "\"scratch.1\"");
	free(text);
	text = report_fixture_write(&fixture, report_html);
	assert_text_has(text, "1 killed in attempts before: scratch.1");
	free(text);
	text = write_roll(fixture.runs.views, false);
	assert_text_has(text, "1 task kept, 1 lost, 1 of them in attempts that failed.");
	free(text);
	report_fixture_close(&fixture);
}

/* What a person has accepted is no loss that the plan showed. */
static void losses_that_a_person_accepted(void **state)
{
	struct report_fixture fixture;

	(void)state;
	report_fixture_open(&fixture, 1, "anna@admin1");
	report_fixture_begin(&fixture, "done", NULL);
	report_fixture_put(
		&fixture, 0,
		&(struct report_agent){.state = "stuck", .error = "task scratch.1 is TASK_LOST", .from_ms = 1000});
	report_fixture_put(&fixture, 0,
			   &(struct report_agent){
				   .state = "done", .accepted_by = "bert@admin2", .from_ms = 1000, .until_ms = 2000});
	report_fixture_load(&fixture);
	char *text = write_roll(fixture.runs.views, false);
	assert_text_has(text, "0 tasks kept, 1 lost, 1 of them not shown by the plan, and accepted by bert@admin2 with "
			      "settle --accept-losses (2023-11-14T22:13:20.000Z).");
	assert_null(strstr(text, "as the plan showed"));
	free(text);
	text = report_fixture_write(&fixture, report_html);
	assert_text_has(text, "it was settled with --accept-losses");
	free(text);
	report_fixture_close(&fixture);
}

/* One agent is not "1 agents". */
static void the_grammar_of_one(void **state)
{
	static const char *const states[] = {"done", "stuck", "failed", "waiting", "reverted"};
	static const char *const wrong[] = {"1 agents", "1 tasks", "1 are ", "1 have ", "All 1 ", "1 times", "1 hosts"};

	(void)state;
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		struct report_fixture fixture;

		report_fixture_open(&fixture, 1, "anna@admin1");
		report_fixture_begin(&fixture, "paused", "a reason");
		report_fixture_put(&fixture, 0,
				   &(struct report_agent){.state = states[i], .from_ms = 1000, .until_ms = 2000});
		report_fixture_load(&fixture);
		for (int format = 0; format < REPORT_FORMAT_COUNT; format++) {
			struct buffer out = BUFFER_INIT(REPORT_MAX);

			report_write(&fixture.runs, (enum report_format)format, &out);
			const char *text = strstr(buffer_text(&out), "</script>"); /* the page's own says both */
			text = text ? text : buffer_text(&out);
			for (size_t j = 0; j < sizeof wrong / sizeof *wrong; j++)
				if (strstr(text, wrong[j]))
					fail_msg("%s, %s: %.80s", states[i], report_format_names[format],
						 strstr(text, wrong[j]) - 20);
			buffer_clear(&out);
		}
		report_fixture_close(&fixture);
	}
}

/* A stage that the run has left behind, and of which not everybody is done, has not passed; and of a run that is over none goes on. */
static void a_stage_is_passed_only_when_it_did(void **state)
{
	static const struct {
		const char *run, *second, *third;
		int64_t passed;
		bool goes_back;
		const char *lines[2];
	} cases[] = {
		{"running",
		 "done",
		 "waiting",
		 1,
		 false,
		 {"2 of 2 done, window 1, passed", "Stage 2 of 2: 0 of 1 done, window 1, current"}},
		{"paused",
		 "reverted",
		 "waiting",
		 1,
		 false,
		 {"1 of 2 done, window 1, ended", "Stage 2 of 2: 0 of 1 done, window 1, current"}},
		{"paused",
		 "reverted",
		 "waiting",
		 1,
		 true,
		 {"1 of 2 done, window 1, ended", "Stage 2 of 2: 0 of 1 done, window 1, not begun"}},
		{"aborted",
		 "done",
		 "done",
		 1,
		 false,
		 {"Stage 1 of 2: 2 of 2 done, window 1, passed", "Stage 2 of 2: 1 of 1 done, window 1, ended"}},
		{"aborted",
		 "stuck",
		 "waiting",
		 0,
		 false,
		 {"Stage 1 of 2: 1 of 2 done, window 1, ended", "Stage 2 of 2: 0 of 1 done, window 1, not begun"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct engine_stage stages[] = {{.end = 2, .window = 1}, {.end = 3, .window = 1}}, *own;
		struct report_fixture fixture;

		report_fixture_open(&fixture, 3, "anna@admin1");
		report_fixture_begin(&fixture, cases[i].run, "a reason");
		put_done(&fixture, 0);
		report_fixture_put(&fixture, 1, &(struct report_agent){.state = cases[i].second, .found_id = ""});
		report_fixture_put(&fixture, 2, &(struct report_agent){.state = cases[i].third, .found_id = ""});
		report_fixture_load(&fixture);
		struct run_view *view = fixture.runs.views;
		size_t count = view->plan.stage_count;
		own = view->plan.stages;
		view->plan.stages = stages;
		view->plan.stage_count = 2;
		view->run.stages_passed = cases[i].passed;
		view->run.rollback_due = cases[i].goes_back;
		view->goes_back = cases[i].goes_back;
		char *text = write_roll(view, false);
		assert_text_has(text, cases[i].lines[0]);
		assert_text_has(text, cases[i].lines[1]);
		if (cases[i].goes_back)
			assert_null(strstr(text, "What to do"));
		free(text);
		view->plan.stages = own;
		view->plan.stage_count = count;
		report_fixture_close(&fixture);
	}
}

/* A run that its plan takes back has not just paused, and nothing of it can be tried again. */
static void why_it_stands(void **state)
{
	struct report_fixture fixture;
	struct todo_list list;

	(void)state;
	report_fixture_open(&fixture, 3, "anna@admin1");
	report_fixture_begin(&fixture, "paused", "the failure budget is spent");
	put_done(&fixture, 0);
	report_fixture_put(&fixture, 2, &(struct report_agent){.state = "reverted", .from_ms = 1, .until_ms = 2});
	report_fixture_put(&fixture, 1, &(struct report_agent){.state = "gating", .from_ms = 1, .until_ms = 2});
	report_fixture_load(&fixture);
	struct run_view *view = fixture.runs.views;
	char *text = write_roll(view, false);
	assert_text_has(text, "Run " REPORT_RUN " has paused: the failure budget is spent");
	assert_text_has(
		text,
		"Of 3 agents: 1 done, 1 put back and proven as before, 1 changed, with gates that have not passed "
		"yet.");
	free(text);
	view->run.rollback_due = 1;
	text = write_roll(view, false);
	assert_text_has(text, "Run " REPORT_RUN " is to be taken back, as its plan says: the failure budget is spent");
	free(text);
	todo_make(view, &list);
	assert_false(has(&list, "rollcall rollout retry " REPORT_RUN));
	assert_true(has(&list, "rollcall rollout resume " REPORT_RUN));
	todo_clear(&list);
	view->goes_back = true;
	text = write_roll(view, false);
	assert_text_has(text, "Run " REPORT_RUN " is taken back now, as its plan says: the failure budget is spent");
	free(text);
	report_fixture_close(&fixture);
}

static void whom_the_master_does_not_list_has_no_other_id(void **state)
{
	const struct run_agent unseen = {.proof =
						 (char *)(uintptr_t) "{\"lines\":[{\"what\":\"id\",\"ok\":false,"
								     "\"found\":null}],\"tasks\":{\"unproven\":[{}]}}"};
	char *text = progress_detail(&unseen, AGENT_STUCK);

	(void)state;
	assert_string_equal(text, "not listed, 1 task not proven to run");
	free(text);
}

/* A resume alone does not help while agents are away that the run has nothing to do with. */
static void a_meltdown_is_mended_first(void **state)
{
	struct report_fixture fixture;
	struct todo_list list;

	(void)state;
	report_fixture_open(&fixture, 1, "anna@admin1");
	report_fixture_begin(
		&fixture, "paused",
		"2 of the cluster's 12 agents are unreachable or inactive: more than 15% of them stop the run "
		"(node1, node2)");
	report_fixture_put(&fixture, 0, &(struct report_agent){.state = "waiting", .found_id = ""});
	report_fixture_load(&fixture);
	todo_make(fixture.runs.views, &list);
	assert_true(has(&list, "rollcall rollout resume " REPORT_RUN));
	assert_text_has(list.items[0].text, "while they are away the run pauses again at once");
	todo_clear(&list);
	report_fixture_close(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_tell_nothing_are_counted),
		cmocka_unit_test(whoever_needs_a_person_is_listed),
		cmocka_unit_test(what_works_is_named),
		cmocka_unit_test(tasks_of_attempts_before_count),
		cmocka_unit_test(losses_that_a_person_accepted),
		cmocka_unit_test(the_grammar_of_one),
		cmocka_unit_test(a_stage_is_passed_only_when_it_did),
		cmocka_unit_test(why_it_stands),
		cmocka_unit_test(a_meltdown_is_mended_first),
		cmocka_unit_test(whom_the_master_does_not_list_has_no_other_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
