/* SPDX-License-Identifier: Apache-2.0 */
/* Which words count. The master's: for a proof an answer that was asked for after the agent's start, for a before-picture one that
 * was asked for after the agent's turn came and has not lain about. agentctl's: none after its last. */
#include "tests/support/cmocka.h"

#include "tests/support/driver_fixture.h"

static struct {
	int64_t asked_ms;   /* of the answer that may not count, 0: there was none yet */
	int64_t start_ms;   /* of the agent */
	int64_t held_up_ms; /* how long the answer lies about */
	int late;           /* answers that may count */
	enum behaviour behaviour;
} story;

static void open_story(struct fixture *fixture)
{
	memset(&story, 0, sizeof story);
	fixture_open(fixture);
}

/* ---- proofs */

/* The agent starts while a question is open, so that agentctl's word of it and the answer are read together. */
static void start_under_a_question(struct fixture *fixture)
{
	if (story.start_ms != 0 || fixture->hosts[0].step != HOST_STARTING || fixture->asked_ms == 0)
		return;
	fixture->hosts[0].behaviour = story.behaviour;
	story.start_ms = fixture->now;
	story.asked_ms = fixture->asked_ms;
}

/* The first answer after the start shows all that a proof asks for. */
static void expect_no_proof_of_the_first(struct fixture *fixture, struct master_snapshot *snapshot)
{
	const struct agent_view *view = &snapshot->agents[0];
	struct run_agent row = fixture_row(fixture, 0);

	if (story.start_ms != 0 && story.late <= 1) {
		assert_true(view->active);
		assert_int_equal(view->reregistered_ns, story.start_ms);
		assert_null(row.proof);
		if (story.late++ == 0) {
			assert_int_equal(fixture->asked_ms, story.asked_ms);
			assert_true(fixture->asked_ms < story.start_ms);
			assert_string_equal(row.state, "changing");
		} else {
			assert_true(fixture->asked_ms >= story.start_ms);
			assert_string_equal(row.state, story.behaviour == UNDOES ? "reverting" : "returning");
			story.late = 2;
		}
	}
	run_agent_clear(&row);
}

static void test_an_answer_asked_for_before_the_start_proves_nothing(void **state)
{
	static const enum behaviour behaviours[] = {BEHAVES, UNDOES};

	(void)state;
	for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++) {
		struct fixture fixture;

		open_story(&fixture);
		story.behaviour = behaviours[i];
		fixture.hosts[0].behaviour = SAYS_NOTHING;
		fixture.on_wait = start_under_a_question;
		fixture.on_snapshot = expect_no_proof_of_the_first;
		assert_ok(fixture_drive(&fixture), &fixture.err);
		assert_int_equal(story.late, 2);
		if (behaviours[i] == UNDOES)
			fixture_expect_state(&fixture, 0, "reverted");
		else
			fixture_expect_done(&fixture);
		assert_int_equal(fixture.hosts[0].exec_count, 1);
		fixture_close(&fixture);
	}
}

/* ---- before-pictures */

#define EARLY_NS 77

static bool is_in_state(struct fixture *fixture, size_t agent, const char *state)
{
	struct run_agent row = fixture_row(fixture, agent);
	bool is = strcmp(row.state, state) == 0;

	run_agent_clear(&row);
	return is;
}

/* What is asked while the first agent is busy is answered when it is the next one's turn. */
static void answer_after_the_turn(struct fixture *fixture)
{
	if (story.asked_ms == 0 && fixture->hosts[0].step == HOST_KEPT && fixture->asked_ms != 0) {
		fixture->master_hangs = true;
		story.asked_ms = fixture->asked_ms;
	}
	if (fixture->master_hangs && is_in_state(fixture, 1, "checking"))
		fixture->master_hangs = false;
}

static void show_what_was_before_the_turn(struct fixture *fixture, struct master_snapshot *snapshot)
{
	if (story.asked_ms == 0 || story.late > 1)
		return;
	if (fixture->asked_ms == story.asked_ms) {
		assert_true(is_in_state(fixture, 1, "checking"));
		snapshot->agents[1].reregistered_ns = EARLY_NS;
	}
	story.late += fixture->asked_ms != story.asked_ms;
}

static void expect_a_later_picture(struct fixture *fixture, struct fixture_host *host, const struct fixture_exec *exec)
{
	struct run_agent row;

	(void)exec;
	if (host != &fixture->hosts[1])
		return;
	row = fixture_row(fixture, 1);
	assert_int_equal(story.late, 1);
	assert_text_has(row.before, "\"reregistered_ns\":1,");
	run_agent_clear(&row);
}

static void test_an_answer_asked_for_before_the_turn_is_no_picture(void **state)
{
	struct fixture fixture;

	(void)state;
	open_story(&fixture);
	fixture.plan.options.soak_ms = 20000; /* the idle master is asked meanwhile */
	fixture.on_wait = answer_after_the_turn;
	fixture.on_snapshot = show_what_was_before_the_turn;
	fixture.on_exec = expect_a_later_picture;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	assert_true(story.late >= 1);
	fixture_expect_done(&fixture);
	fixture_close(&fixture);
}

/* The first answer is read so late as a test wants; it was asked for and given after the turn came. */
static void be_held_up(struct fixture *fixture, struct master_snapshot *snapshot)
{
	bool first = story.asked_ms == 0;

	story.late += !first;
	fixture->answers_lie_about = first ? story.held_up_ms : 0;
	fixture->now += fixture->answers_lie_about;
	if (!first)
		return;
	story.asked_ms = fixture->asked_ms;
	snapshot->agents[0].reregistered_ns = EARLY_NS;
}

/* Two seconds are not too long. */
static void expect_a_fresh_picture(struct fixture *fixture, struct fixture_host *host, const struct fixture_exec *exec)
{
	bool fresh = story.held_up_ms <= 2000;
	struct run_agent row;

	(void)exec;
	if (host != &fixture->hosts[0])
		return;
	row = fixture_row(fixture, 0);
	assert_int_equal(story.late, fresh ? 0 : 1);
	assert_text_has(row.before, fresh ? "\"reregistered_ns\":77," : "\"reregistered_ns\":1,");
	run_agent_clear(&row);
}

static void test_an_answer_that_lay_about_is_no_picture(void **state)
{
	static const int64_t held_up_ms[] = {2000, 2001, 20000};

	(void)state;
	for (size_t i = 0; i < sizeof held_up_ms / sizeof held_up_ms[0]; i++) {
		struct fixture fixture;

		open_story(&fixture);
		story.held_up_ms = held_up_ms[i];
		fixture.on_snapshot = be_held_up;
		fixture.on_exec = expect_a_fresh_picture;
		assert_ok(fixture_drive(&fixture), &fixture.err);
		fixture_expect_done(&fixture);
		fixture_close(&fixture);
	}
}

/* ---- agentctl's last word */

static void expect_its_note(struct fixture *fixture, struct fixture_host *host, const struct fixture_exec *exec)
{
	if (host == &fixture->hosts[0] && strcmp(exec->word, "settle") == 0)
		fixture_expect_error(fixture, 0, "the agent does not run just now");
}

/* At once, and not when the word it waits for is overdue: then the note would be another one. */
static void test_done_without_a_process_is_a_question_at_once(void **state)
{
	struct fixture fixture;

	(void)state;
	open_story(&fixture);
	fixture.hosts[0].no_process = true;
	fixture.on_exec = expect_its_note;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_int_equal(fixture.hosts[0].exec_count, 2);
	fixture_close(&fixture);
}

/* A host that was asked and could not look has not refused: it is asked again, and nobody needs to come. */
static void test_a_host_that_cannot_look_is_asked_again(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[0].behaviour = LOSES_CONNECTION;
	fixture.hosts[0].read_only = 3;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_true(fixture_count(&fixture, "settle") > 3);
	fixture_close(&fixture);
}

/* Of the agent's log the line that says why; where none does, as after a kill, nothing is quoted. */
static void test_why_the_agent_ended_is_quoted(void **state)
{
	static const char *const logs[][2] = {
		{"I1 recovers\nE1123 10:00:00.1 7 slave.cpp:9] EXIT: Failed to recover: no\nTo remedy this do as follows:\n",
		 "; the agent's log says: EXIT: Failed to recover: no"},
		{"I1123 10:00:00.1 7 slave.cpp:9] Received re-registration message\n", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		struct fixture fixture;

		fixture_open(&fixture);
		fixture.hosts[0].behaviour = UNDOES;
		fixture.hosts[0].agent_said = logs[i][0];
		assert_ok(fixture_drive(&fixture), &fixture.err);
		struct run_agent row = fixture_row(&fixture, 0);
		if (logs[i][1])
			assert_text_has(row.error, logs[i][1]);
		else if (row.error)
			assert_null(strstr(row.error, "log says"));
		run_agent_clear(&row);
		fixture_close(&fixture);
	}
}

static void talk_on(struct fixture *fixture)
{
	const struct fixture_host *host = &fixture->hosts[0];

	if (host->step != HOST_KEPT || story.late++ != 0)
		return;
	assert_true(is_in_state(fixture, 0, "soaking"));
	assert_true(host->execs[0].open);
	transport_simulated_line(fixture->transport, host->execs[0].exec, "Segmentation fault");
}

/* It would be asked about otherwise, as any line is that is no answer. */
static void test_what_follows_the_last_word_is_not_heard(void **state)
{
	struct fixture fixture;

	(void)state;
	open_story(&fixture);
	fixture.plan.options.soak_ms = 20000;
	fixture.on_wait = talk_on;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	assert_true(story.late > 1);
	fixture_expect_done(&fixture);
	assert_int_equal(fixture.hosts[0].exec_count, 1);
	fixture_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer_asked_for_before_the_start_proves_nothing),
		cmocka_unit_test(test_an_answer_asked_for_before_the_turn_is_no_picture),
		cmocka_unit_test(test_an_answer_that_lay_about_is_no_picture),
		cmocka_unit_test(test_done_without_a_process_is_a_question_at_once),
		cmocka_unit_test(test_a_host_that_cannot_look_is_asked_again),
		cmocka_unit_test(test_why_the_agent_ended_is_quoted),
		cmocka_unit_test(test_what_follows_the_last_word_is_not_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
