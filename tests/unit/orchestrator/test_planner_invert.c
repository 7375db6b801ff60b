/* SPDX-License-Identifier: Apache-2.0 */
/* Inverse plans over the inventory, and what earlier runs say about how long the next one takes. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "inventory/ignores.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/ledger/ledger_away.h"
#include "orchestrator/plan/plan_invert.h"
#include "tests/support/planner_fixture.h"

/* As the run left it. */
static const char new_attributes[] = "rack:r2;zone:a;ssd:true";
static const char new_resources[] = "cpus:4;mem:1024;disk:2048;ports:[31000-32000]";

static void carry_out(struct planner_fixture *fixture)
{
	fixture_planned(fixture, fixture_change);
	json_decref(fixture->survey);
	fixture->survey = fixture_survey_of(new_attributes, new_resources);
	if (fixture->task.id)
		fixture_set_both_flags(fixture, "executor_reregistration_timeout", "15secs");
	fixture->agent.attributes = new_attributes;
	fixture->agent.resources = new_resources;
	fixture_sync(fixture);
	fixture_keep_survey(fixture, SURVEYED_MS + 5);
}

static int invert(struct planner_fixture *fixture, const char *state, struct plan *out, struct error *err)
{
	const struct run_agent row = {.run = (char *)(uintptr_t) "r-1",
				      .agent_id = fixture->plan.agents[0].agent_id,
				      .hostname = fixture->plan.agents[0].hostname,
				      .state = (char *)(uintptr_t)state,
				      .away_from_ms = 1};
	const struct plan_invert_input run = {.run = "r-1", .plan = &fixture->plan, .rows = &row, .row_count = 1};
	struct error why = ERROR_INIT;
	const struct planner_input input = {.store = fixture->store,
					    .cluster = cluster_file_find(fixture->file, NULL, &why),
					    .cluster_id = fixture->cluster_id,
					    .facts = &fixture->facts,
					    .masters = fixture->masters,
					    .master_count = fixture->master_count,
					    .now_ms = SURVEYED_MS + 10};

	planner_refusals_clear(&fixture->refusals);
	return planner_invert(&input, &fixture->options, &run, out, &fixture->refusals, err);
}

static void assert_not_inverted(struct planner_fixture *fixture, const char *words)
{
	struct error err = ERROR_INIT;
	struct plan out;

	assert_int_equal(invert(fixture, "done", &out, &err), -1);
	assert_error(&err, ERROR_REFUSED, words);
}

static void it_rests_on_the_last_survey(void **state)
{
	struct planner_fixture *fixture = *state;
	struct error err = ERROR_INIT;
	struct plan out;

	fixture->options.max_failures = (struct planner_amount){.number = 2};
	assert_ok(planner_windows_parse("3", &fixture->options.windows, &err), &err);
	fixture_add_task(fixture, true);
	carry_out(fixture);
	assert_ok(invert(fixture, "done", &out, &err), &err);
	assert_int_equal(out.agent_count, 1);
	assert_int_equal(out.surveyed_ms, SURVEYED_MS + 5);
	assert_int_equal(out.options.window, 3);
	assert_int_equal(out.options.max_failures, 2);
	assert_int_equal(out.stage_count, 1);
	assert_true(out.forecast.worst_ms > 0);
	assert_int_equal(out.agents[0].task_count, 1);
	assert_true(out.agents[0].tasks[0].survives);
	assert_string_equal(flags_get(&out.agents[0].before_flags, "attributes"), new_attributes);
	assert_string_equal(out.agents[0].edits[0].value, fixture_attributes);
	assert_string_equal(out.agents[0].expect.checkpoint_sha256, "cafe");
	plan_clear(&out);
}

static void hosts_that_are_not_as_the_run_left_them(void **state)
{
	struct planner_fixture *fixture = *state;

	carry_out(fixture);
	fixture_set_running_flag(fixture, "attributes", "rack:r7;zone:a;ssd:true");
	fixture_keep_survey(fixture, SURVEYED_MS + 6);
	assert_not_inverted(fixture, "was edited since the start");
	fixture_set_both_flags(fixture, "attributes", "rack:r7;zone:a;ssd:true");
	fixture_keep_survey(fixture, SURVEYED_MS + 7);
	assert_not_inverted(fixture, "--attributes was changed since the run");
	json_object_set_new(fixture_part(fixture, "agent"), "running", json_false());
	fixture_keep_survey(fixture, SURVEYED_MS + 8);
	assert_not_inverted(fixture, "no agent runs on its host");
	fixture->agent.id = "S1";
	fixture_sync(fixture);
	assert_not_inverted(fixture, "does not list it any more");
}

static void tasks_that_have_come_since(void **state)
{
	struct planner_fixture *fixture = *state;

	carry_out(fixture);
	fixture_add_task(fixture, false);
	fixture_sync(fixture);
	assert_not_inverted(fixture, "would die with any restart");
}

static void masters_that_would_not_take_it_back(void **state)
{
	struct planner_fixture *fixture = *state;

	carry_out(fixture);
	fixture->facts.agent_update = false;
	assert_not_inverted(fixture, "AGENT_UPDATE");
	/* Unless they were accepted for the run. */
	struct error err = ERROR_INIT;
	struct plan out;

	fixture->plan.accept_stale_master = true;
	assert_ok(invert(fixture, "done", &out, &err), &err);
	assert_true(out.accept_stale_master);
	plan_clear(&out);
}

static void agents_on_the_ignore_list(void **state)
{
	struct planner_fixture *fixture = *state;
	const struct ignore wanted = {.selector = (char *)(uintptr_t) "hostname = 'node1'",
				      .reason = (char *)(uintptr_t) "new disk",
				      .author = (char *)(uintptr_t) "eve",
				      .created_ms = SURVEYED_MS};
	struct error err = ERROR_INIT;
	int64_t number;

	carry_out(fixture);
	assert_ok(ignores_add(fixture->store, fixture->cluster_id, &wanted, &number, &err), &err);
	assert_not_inverted(fixture, "plans leave it out: new disk");
}

/* ---- earlier runs */

static void put_run(struct planner_fixture *fixture, const char *id, const int64_t *away, size_t count,
		    const char *state)
{
	struct error err = ERROR_INIT;
	struct buffer bytes = BUFFER_INIT(PLAN_MAX);
	struct ledger *ledger = ledger_open(fixture->store, "me", &err);

	assert_non_null(ledger);
	plan_write(&fixture->plan, &bytes);
	const struct plan_row plan = {.hash = fixture->plan.hash,
				      .cluster = fixture->plan.cluster,
				      .config = fixture->plan.config,
				      .config_version = 1,
				      .author = (char *)(uintptr_t) "me",
				      .agents = 1,
				      .document = bytes.data,
				      .document_len = bytes.len};
	const struct run_row run = {.id = (char *)(uintptr_t)id,
				    .plan = fixture->plan.hash,
				    .state = (char *)(uintptr_t) "done",
				    .created_ms = 1000};
	ledger_put_plan(ledger, &plan);
	ledger_put_run(ledger, &run);
	for (size_t i = 0; i < count; i++) {
		const struct run_agent row = {.run = run.id,
					      .position = (int64_t)i,
					      .agent_id = (char *)(uintptr_t) "S0",
					      .hostname = (char *)(uintptr_t) "node1",
					      .state = (char *)(uintptr_t)state,
					      .away_from_ms = 5000,
					      .away_until_ms = away[i] ? 5000 + away[i] : 0};
		ledger_put_agent(ledger, &row);
	}
	ledger_event(ledger, "run.created", id, NULL, NULL);
	assert_ok(ledger_commit(ledger, &err), &err);
	ledger_close(ledger);
	buffer_clear(&bytes);
}

static void earlier_runs_tell_how_long_it_takes(void **state)
{
	static const int64_t first[] = {4000, 3000, 9000}, second[] = {5000, 6000}, failed[] = {1, 2, 3}, open[] = {0};
	struct planner_fixture *fixture = *state;
	struct error err = ERROR_INIT;
	struct ledger_away past;

	int64_t computed = fixture_planned(fixture, fixture_change)->expected_away_ms;
	assert_int_equal(fixture->plan.forecast.past_agents, 0);
	assert_true(computed > 0);
	put_run(fixture, "r-1", first, 3, "done");
	put_run(fixture, "r-2", second, 2, "done");
	put_run(fixture, "r-3", failed, 3, "reverted");
	put_run(fixture, "r-4", open, 1, "done"); /* still away */
	assert_ok(ledger_past_away(fixture->store, "lab", &past, &err), &err);
	assert_int_equal(past.agents, 5);
	assert_int_equal(past.runs, 2);
	assert_int_equal(past.median_ms, 5000);
	assert_int_equal(past.longest_ms, 9000);
	assert_ok(ledger_past_away(fixture->store, "another", &past, &err), &err);
	assert_int_equal(past.agents, 0);
	assert_int_equal(fixture_planned(fixture, fixture_change)->expected_away_ms, 5000);
	assert_int_equal(fixture->plan.forecast.past_agents, 5);
	assert_int_equal(fixture->plan.forecast.past_runs, 2);
}

#define TEST(name)                                                                                                     \
	{                                                                                                              \
#name, name, fixture_set_up, fixture_tear_down, NULL                                                   \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(it_rests_on_the_last_survey), TEST(hosts_that_are_not_as_the_run_left_them),
		TEST(tasks_that_have_come_since),  TEST(masters_that_would_not_take_it_back),
		TEST(agents_on_the_ignore_list),   TEST(earlier_runs_tell_how_long_it_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
