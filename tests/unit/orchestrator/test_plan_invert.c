/* SPDX-License-Identifier: Apache-2.0 */
/* Inverse plans: whom they take back, in which order, and every reason for which an agent is not taken back. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/plan/plan_invert.h"
#include "orchestrator/plan/rollback_plan.h"
#include "tests/support/plan_fixture.h"

#define AGENTS 4

/* A run of a plan with four agents, all done one after the other, and their hosts exactly as it left them. */
struct fixture {
	struct plan plan;
	struct run_agent rows[AGENTS];
	struct plan_now now[AGENTS];
	struct flags flags[AGENTS];
	struct request_expectation expect[AGENTS];
	struct plan_invert_input input;
	struct plan out;
	struct planner_refusals refusals;
};

static char *borrowed(const char *text)
{
	return (char *)(uintptr_t)text;
}

static void set_host(struct fixture *fixture, size_t i)
{
	const struct plan_agent *agent = &fixture->plan.agents[i];

	flags_clear(&fixture->flags[i]);
	for (size_t j = 0; j < agent->edit_count; j++)
		if (agent->edits[j].value)
			flags_set(&fixture->flags[i], agent->edits[j].name, agent->edits[j].value);
	fixture->expect[i] = (struct request_expectation){.agent_id = agent->agent_id,
							  .boot_id = borrowed("b1"),
							  .agent_version = borrowed("1.11.0"),
							  .checkpoint_sha256 = borrowed("c1"),
							  .store_sha256 = borrowed("s1")};
	fixture->now[i] = (struct plan_now){.info = agent->after,
					    .flags = &fixture->flags[i],
					    .expect = &fixture->expect[i],
					    .start_ticks = 77,
					    .tasks = agent->tasks,
					    .task_count = agent->task_count};
}

static int set_up(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));

	plan_fixture_fill(&fixture->plan, AGENTS);
	for (size_t i = 0; i < AGENTS; i++) {
		fixture->rows[i] = (struct run_agent){.run = borrowed("r-1"),
						      .position = (int64_t)i,
						      .agent_id = fixture->plan.agents[i].agent_id,
						      .hostname = fixture->plan.agents[i].hostname,
						      .state = borrowed("done"),
						      .away_from_ms = 1000 + (int64_t)i};
		set_host(fixture, i);
	}
	fixture->input = (struct plan_invert_input){.run = "r-1",
						    .plan = &fixture->plan,
						    .rows = fixture->rows,
						    .row_count = AGENTS,
						    .now = fixture->now,
						    .now_ms = 5000,
						    .surveyed_ms = 4000};
	plan_init(&fixture->out);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < AGENTS; i++)
		flags_clear(&fixture->flags[i]);
	plan_clear(&fixture->plan);
	plan_clear(&fixture->out);
	planner_refusals_clear(&fixture->refusals);
	free(fixture);
	return 0;
}

static int invert(struct fixture *fixture, struct error *err)
{
	plan_clear(&fixture->out);
	planner_refusals_clear(&fixture->refusals);
	return plan_invert(&fixture->input, &fixture->out, &fixture->refusals, err);
}

static void inverted(struct fixture *fixture, size_t agents, size_t refused)
{
	struct error err = ERROR_INIT;

	assert_ok(invert(fixture, &err), &err);
	assert_int_equal(fixture->out.agent_count, agents);
	assert_int_equal(fixture->refusals.count, refused);
	assert_int_equal(fixture->out.left_out_count, refused);
}

static void assert_refused(struct fixture *fixture, const char *words)
{
	inverted(fixture, AGENTS - 1, 1);
	assert_string_equal(fixture->refusals.items[0].agent_id, "S1");
	assert_text_has(fixture->refusals.items[0].reason, words);
	assert_int_equal(fixture->out.left_out[0].why, LEFT_REFUSED);
}

/* ---- what is taken back */

static void everything_goes_back(void **state)
{
	struct fixture *fixture = *state;

	inverted(fixture, AGENTS, 0);
	const struct plan *plan = &fixture->out;
	const struct plan_agent *agent = &plan->agents[0], *was = &fixture->plan.agents[3];
	assert_string_equal(plan->config, "rollback of r-1");
	assert_string_equal(plan->rolls_back, "r-1");
	assert_string_equal(plan->cluster, "lab");
	assert_int_equal(plan->created_ms, 5000);
	assert_int_equal(plan->surveyed_ms, 4000);
	assert_string_equal(agent->agent_id, "S3");
	assert_int_equal(slaveinfo_diff(agent->before, was->after), 0);
	assert_int_equal(slaveinfo_diff(agent->after, was->before), 0);
	assert_string_equal(agent->after->id->value, "S3");
	assert_int_equal(agent->mechanism, MECHANISM_RELAX);
	assert_int_equal(agent->differs, PART_ATTRIBUTES | PART_RESOURCES);
	assert_int_equal(agent->edit_count, 3);
	assert_string_equal(agent->edits[0].name, "attributes");
	assert_string_equal(agent->edits[0].value, "rack:r1;odd:ümlaut");
	assert_string_equal(agent->edits[1].value, "x"); /* was removed */
	assert_null(agent->edits[2].value);              /* was not there */
	assert_string_equal(flags_get(&agent->before_flags, "attributes"), "rack:r2");
	assert_null(flags_get(&agent->before_flags, "gone"));
	assert_string_equal(agent->expect.checkpoint_sha256, "c1");
	assert_string_equal(agent->expect.boot_id, "b1");
	assert_int_equal(agent->start_ticks, 77);
	assert_int_equal(agent->task_count, 1);
	assert_true(agent->tasks[0].survives);
}

/* Inverted twice is where it began. */
static void a_rollback_can_be_taken_back(void **state)
{
	struct fixture *fixture = *state;
	struct fixture second = {.input = fixture->input};
	struct error err = ERROR_INIT;

	inverted(fixture, AGENTS, 0);
	second.plan = fixture->out;
	second.input.plan = &second.plan;
	second.input.rows = second.rows;
	second.input.now = second.now;
	for (size_t i = 0; i < AGENTS; i++) {
		second.rows[i] = fixture->rows[i];
		second.rows[i].agent_id = second.plan.agents[i].agent_id;
		set_host(&second, i);
	}
	plan_init(&second.out);
	assert_ok(invert(&second, &err), &err);
	for (size_t i = 0; i < AGENTS; i++) {
		const struct plan_agent *agent = &second.out.agents[i], *was = &fixture->plan.agents[i];

		assert_string_equal(agent->agent_id, was->agent_id);
		assert_int_equal(slaveinfo_diff(agent->after, was->after), 0);
		assert_string_equal(agent->edits[0].value, was->edits[0].value);
	}
	for (size_t i = 0; i < AGENTS; i++)
		flags_clear(&second.flags[i]);
	plan_clear(&second.out);
	planner_refusals_clear(&second.refusals);
}

static void the_last_one_changed_comes_first(void **state)
{
	static const int64_t away[AGENTS] = {50, 90, 10, 90};
	static const char *const wanted[AGENTS] = {"S3", "S1", "S0", "S2"};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < AGENTS; i++)
		fixture->rows[i].away_from_ms = away[i];
	inverted(fixture, AGENTS, 0);
	for (size_t i = 0; i < AGENTS; i++)
		assert_string_equal(fixture->out.agents[i].agent_id, wanted[i]);
}

static void those_that_were_not_changed_stay_out(void **state)
{
	static const char *const states[] = {"waiting", "failed", "reverted", "checking"};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		fixture->rows[1].state = borrowed(states[i]);
		inverted(fixture, AGENTS - 1, 0);
	}
	fixture->rows[1].state = borrowed("rejected");
	inverted(fixture, AGENTS, 0);
	for (size_t i = 0; i < AGENTS; i++)
		fixture->rows[i].state = borrowed("waiting");
	struct error err = ERROR_INIT;
	assert_int_equal(invert(fixture, &err), -1);
	assert_error(&err, ERROR_USAGE, "has changed nothing");
}

static void an_agent_that_can_do_it_does_it(void **state)
{
	struct fixture *fixture = *state;

	fixture->now[1].native = true;
	inverted(fixture, AGENTS, 0);
	assert_int_equal(fixture->out.agents[2].mechanism, MECHANISM_NATIVE);
	assert_false(fixture->out.agents[2].native_discard);
}

/* The restart that takes it back needs executors to have time as well. */
static void time_for_executors_stays(void **state)
{
	struct fixture *fixture = *state;
	struct plan_agent *was = &fixture->plan.agents[1];

	free(was->edits[2].name);
	free(was->edits[2].value);
	was->edits[2] = (struct flag_edit){.name = xstrdup("executor_reregistration_timeout"),
					   .value = xstrdup("15secs")};
	set_host(fixture, 1);
	inverted(fixture, AGENTS, 0);
	assert_int_equal(fixture->out.agents[2].edit_count, 2);
	assert_text_has(fixture->out.agents[2].notes[0], "stays at 15secs");
	fixture->now[1].task_count = 0;
	inverted(fixture, AGENTS, 0);
	assert_int_equal(fixture->out.agents[2].edit_count, 3);
	assert_null(fixture->out.agents[2].edits[2].value);
}

/* ---- what is refused */

static void agents_whose_fate_is_open(void **state)
{
	struct fixture *fixture = *state;

	fixture->rows[1].state = borrowed("stuck");
	assert_refused(fixture,
		       "stuck; `rollcall rollout settle r-1` asks its host, and `rollcall rollout rollback r-1`");
	fixture->rows[1].state = borrowed("unknown");
	assert_refused(fixture, "its fate is not known; `rollcall rollout settle r-1`");
	fixture->rows[1].state = borrowed("changing");
	assert_refused(fixture, "still under way (changing); ask again when");
}

/* One that was shown while the run went on, or before another took it back, is not carried out. */
static void one_that_was_shown_before(void **state)
{
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;

	fixture->rows[1].state = borrowed("waiting");
	inverted(fixture, AGENTS - 1, 0);
	assert_ok(rollback_plan_covers(&fixture->out, fixture->rows, AGENTS, &err), &err);
	fixture->rows[1].state = borrowed("done");
	assert_int_equal(rollback_plan_covers(&fixture->out, fixture->rows, AGENTS, &err), -1);
	assert_error(&err, ERROR_CONFLICT,
		     "would not be taken back on node1.example.com; `rollcall rollout rollback r-1`");
	/* Whom it leaves out and says so, it has named. */
	plan_add_left_out(&fixture->out, fixture->rows[1].agent_id, "node1", LEFT_REFUSED, "it was stuck");
	assert_ok(rollback_plan_covers(&fixture->out, fixture->rows, AGENTS, &err), &err);
	assert_int_equal(rollback_plan_covers(&fixture->out, fixture->rows, AGENTS - 1, &err), -1);
	assert_error(&err, ERROR_CONFLICT, "was taken back on node3.example.com already");
}

static void tasks_that_are_gone(void **state)
{
	struct fixture *fixture = *state;

	fixture->plan.agents[1].mechanism = MECHANISM_DISCARD;
	assert_refused(fixture, "no rollback brings them back");
	fixture->plan.agents[1].mechanism = MECHANISM_NATIVE;
	inverted(fixture, AGENTS, 0);
	fixture->plan.agents[1].native_discard = true;
	assert_refused(fixture, "no rollback brings them back");
}

static void hosts_that_cannot_be_asked(void **state)
{
	struct fixture *fixture = *state;

	fixture->now[1] = (struct plan_now){.why_not = "its host is on fire"};
	assert_refused(fixture, "on fire");
}

static void what_somebody_has_changed_since(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->flags[1], "attributes", "rack:r9");
	assert_refused(fixture, "the run has set it to rack:r2, and now it is rack:r9");
	flags_remove(&fixture->flags[1], "attributes");
	assert_refused(fixture, "now it is (none)");
	flags_set(&fixture->flags[1], "attributes", "rack:r2");
	flags_set(&fixture->flags[1], "gone", "back");
	assert_refused(fixture, "the run has set it to (none), and now it is back");
	flags_remove(&fixture->flags[1], "gone");
	fixture->now[1].info = fixture->plan.agents[1].before;
	assert_refused(fixture, "its SlaveInfo was changed since the run");
}

static void values_nobody_has_kept(void **state)
{
	struct fixture *fixture = *state;
	struct plan_agent *was = &fixture->plan.agents[1];

	flags_set(&was->before_flags, "gone", "file:///etc/secret");
	assert_refused(fixture, "what the file held then is not known");
	free(was->edits[1].name);
	was->edits[1].name = xstrdup("credential");
	assert_refused(fixture, "holds a secret");
}

/* Somebody has reserved what the run added. */
static void reservations_made_since(void **state)
{
	struct fixture *fixture = *state;
	struct resources reserved = {.items = NULL};
	struct error err = ERROR_INIT;
	json_t *array = json_pack("[{s:s, s:s, s:{s:f}, s:[{s:s, s:s}]}]", "name", "mem", "type", "SCALAR", "scalar",
				  "value", 2000.0, "reservations", "type", "DYNAMIC", "role", "db");

	assert_non_null(array);
	assert_ok(resources_from_json(array, &reserved, &err), &err);
	json_decref(array);
	fixture->now[1].reserved = &reserved;
	assert_refused(fixture, "it would not come back as it was");
	resources_clear(&reserved);
}

static void nobody_can_be_taken_back(void **state)
{
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < AGENTS; i++)
		fixture->rows[i].state = borrowed("stuck");
	assert_int_equal(invert(fixture, &err), -1);
	assert_int_equal(fixture->refusals.count, AGENTS);
	assert_int_equal(fixture->out.agent_count, 0);
	assert_error(&err, ERROR_REFUSED, "none of the 4 agents that run r-1 has changed");
}

/* As every plan, it comes back from its bytes. */
static void it_is_a_plan(void **state)
{
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;
	struct plan again;

	fixture->rows[1].state = borrowed("stuck");
	inverted(fixture, AGENTS - 1, 1);
	char *bytes = plan_fixture_write(&fixture->out);
	assert_ok(plan_parse("rollback", bytes, strlen(bytes), &again, &err), &err);
	assert_string_equal(again.rolls_back, "r-1");
	assert_int_equal(again.agent_count, AGENTS - 1);
	plan_clear(&again);
	free(bytes);
}

#define TEST(name)                                                                                                     \
	{                                                                                                              \
#name, name, set_up, tear_down, NULL                                                                   \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(everything_goes_back),
		TEST(a_rollback_can_be_taken_back),
		TEST(the_last_one_changed_comes_first),
		TEST(those_that_were_not_changed_stay_out),
		TEST(an_agent_that_can_do_it_does_it),
		TEST(time_for_executors_stays),
		TEST(agents_whose_fate_is_open),
		TEST(one_that_was_shown_before),
		TEST(tasks_that_are_gone),
		TEST(hosts_that_cannot_be_asked),
		TEST(what_somebody_has_changed_since),
		TEST(values_nobody_has_kept),
		TEST(reservations_made_since),
		TEST(nobody_can_be_taken_back),
		TEST(it_is_a_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
