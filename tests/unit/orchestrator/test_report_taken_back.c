/* SPDX-License-Identifier: Apache-2.0 */
/* A run that another one takes back must not say that its success is so now; nor a rollback that everything is back. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/plan_fixture.h"
#include "tests/support/report_fixture.h"

#define ROLLBACK "r-20261123-2"

static char *borrow(const char *text)
{
	return (char *)(uintptr_t)text;
}

static char *write_roll(const struct run_view *view)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	run_view_print_roll(view, false, stream);
	fclose(stream);
	return text;
}

static void put_rollback_run(struct report_fixture *fixture, const char *id, const char *of, const char *hash,
			     const char *state)
{
	const struct run_row run = {.id = borrow(id),
				    .plan = borrow(hash),
				    .state = borrow(state),
				    .created_ms = 1700000095000,
				    .rolls_back = borrow(of)};
	struct error err = ERROR_INIT;

	ledger_put_run(fixture->ledger, &run);
	ledger_event(fixture->ledger, "run.created", id, NULL, NULL);
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
}

/* Two agents are changed by the run; one of them is put back by the rollback, the other is left out, or fails there. */
static void open_rolled_back(struct report_fixture *fixture, const char *other_state, const char *other_error)
{
	struct error err = ERROR_INIT;
	struct plan plan;

	report_fixture_open(fixture, 2, "anna@admin1");
	report_fixture_begin(fixture, "aborted", "rolled back by run " ROLLBACK);
	for (size_t i = 0; i < 2; i++)
		report_fixture_put(fixture, i,
				   &(struct report_agent){.state = "done", .from_ms = 1000, .until_ms = 4100});
	plan_fixture_fill(&plan, other_state ? 2 : 1);
	plan.rolls_back = xstrdup(REPORT_RUN);
	if (!other_state)
		plan_add_left_out(&plan, "S1", "node1.example.com", LEFT_REFUSED, "its flags are others since");
	char *bytes = plan_fixture_write(&plan);
	const struct plan_row row = {.hash = plan.hash,
				     .cluster = plan.cluster,
				     .config = plan.config,
				     .config_version = 3,
				     .author = borrow("bert@admin2"),
				     .created_ms = 1700000000123,
				     .agents = (int64_t)plan.agent_count,
				     .document = bytes,
				     .document_len = strlen(bytes)};
	ledger_put_plan(fixture->ledger, &row);
	put_rollback_run(fixture, ROLLBACK, REPORT_RUN, plan.hash, other_state ? "paused" : "done");
	for (size_t i = 0; i < plan.agent_count; i++) {
		const struct run_agent agent = {.run = borrow(ROLLBACK),
						.position = (int64_t)i,
						.agent_id = plan.agents[i].agent_id,
						.hostname = plan.agents[i].hostname,
						.state = borrow(i == 0 ? "done" : other_state),
						.error = borrow(i == 0 ? NULL : other_error)};
		ledger_put_agent(fixture->ledger, &agent);
	}
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
	plan_clear(&plan);
	free(bytes);
}

static void load(struct report_fixture *fixture, const char *run)
{
	struct error err = ERROR_INIT;

	report_runs_clear(&fixture->runs);
	fixture->runs = (struct report_runs){xcalloc(1, sizeof *fixture->runs.views), 1};
	assert_ok(run_view_load(fixture->store, run, REPORT_NOW_MS, fixture->runs.views, &err), &err);
}

static void its_success_is_past(void **state)
{
	struct report_fixture fixture;

	(void)state;
	open_rolled_back(&fixture, "failed", "its host refused");
	load(&fixture, REPORT_RUN);
	const struct run_view *view = fixture.runs.views;
	assert_int_equal(view->taken_back.changed, 2);
	assert_int_equal(view->taken_back.back, 1);
	assert_true(view->agents[0].taken_back);
	assert_false(view->agents[1].taken_back);
	char *text = write_roll(view);
	assert_text_has(text,
			"Taken back by run " ROLLBACK " (paused): of 2 agents that it had changed, 1 was put back and "
			"proven as before, 1 not yet. Before that, 2 of 2 had been done: same ID");
	assert_text_has(text, "not yet taken back by " ROLLBACK ": it is failed there: its host refused");
	assert_text_has(text, "1 agent is still changed");
	assert_text_has(text, "rollcall rollout status " ROLLBACK);
	assert_null(strstr(text, "still running"));
	free(text);
	json_t *status = run_view_status(view);
	const json_t *back = json_object_get(status, "taken_back");
	assert_string_equal(json_string_value(json_object_get(back, "run")), ROLLBACK);
	assert_int_equal(json_integer_value(json_object_get(back, "back")), 1);
	const json_t *agents = json_object_get(status, "agents");
	assert_true(json_is_true(json_object_get(json_array_get(agents, 0), "taken_back")));
	assert_non_null(json_string_value(json_object_get(json_array_get(agents, 1), "not_taken_back")));
	json_decref(status);
	report_fixture_close(&fixture);
}

static void each_format_says_so(void **state)
{
	static const struct {
		enum report_format format;
		const char *words;
	} cases[] = {
		{REPORT_TEXT, "Taken back     by run " ROLLBACK ", and proven to be as before"},
		{REPORT_TEXT, "node0.example.com: done, and taken back since"},
		{REPORT_HTML, "Taken back: 1 of 2 changed agents were put back"},
		{REPORT_MARKDOWN, "; taken back |"},
		{REPORT_MARKDOWN, "; not yet taken back |"},
		{REPORT_JSON, "\"undone_by\": null"},
		{REPORT_CSV, "\"yes\"\r\n"},
		{REPORT_CSV, "\"no\"\r\n"},
	};
	struct report_fixture fixture;

	(void)state;
	open_rolled_back(&fixture, "failed", "its host refused");
	load(&fixture, REPORT_RUN);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buffer out = BUFFER_INIT(REPORT_MAX);

		report_write(&fixture.runs, cases[i].format, &out);
		assert_text_has(buffer_text(&out), cases[i].words);
		assert_null(strstr(buffer_text(&out), "All 2 agents are as planned"));
		buffer_clear(&out);
	}
	report_fixture_close(&fixture);
}

/* Who is left out of a rollback stays changed, and both runs say so. */
static void who_is_left_out_is_named(void **state)
{
	struct report_fixture fixture;

	(void)state;
	open_rolled_back(&fixture, NULL, NULL);
	load(&fixture, ROLLBACK);
	assert_int_equal(run_view_not_taken_back(fixture.runs.views), 1);
	char *text = write_roll(fixture.runs.views);
	assert_text_has(text, "SlaveInfo as it was before run " REPORT_RUN);
	assert_text_has(text, "node1.example.com is NOT taken back: its flags are others since.");
	free(text);
	load(&fixture, REPORT_RUN);
	assert_int_equal(run_view_not_taken_back(fixture.runs.views), 0);
	text = write_roll(fixture.runs.views);
	assert_text_has(text, "NOT taken back by " ROLLBACK ": that run leaves it out");
	free(text);
	report_fixture_close(&fixture);
}

static void a_rollback_that_was_taken_back_itself(void **state)
{
	struct report_fixture fixture;

	(void)state;
	open_rolled_back(&fixture, NULL, NULL);
	put_rollback_run(&fixture, "r-20261123-3", ROLLBACK, fixture.plan.hash, "done");
	load(&fixture, REPORT_RUN);
	char *text = write_roll(fixture.runs.views);
	assert_text_has(text, "run r-20261123-3 has taken that back in turn");
	free(text);
	report_fixture_close(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_success_is_past),
		cmocka_unit_test(each_format_says_so),
		cmocka_unit_test(who_is_left_out_is_named),
		cmocka_unit_test(a_rollback_that_was_taken_back_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
