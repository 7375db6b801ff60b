/* SPDX-License-Identifier: Apache-2.0 */
/* The driver: intent before effect, what each end of a conversation means, crashes at every commit. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/driver_fixture.h"

/* ---- intent before effect */

static void expect_durable(struct fixture *fixture, struct fixture_host *host, const struct fixture_exec *exec)
{
	struct run_agent row = fixture_row(fixture, (size_t)(host - fixture->hosts));

	if (strcmp(exec->word, "apply") == 0) {
		assert_string_equal(row.state, "changing");
		assert_string_equal(row.operation, exec->request.operation);
		assert_string_equal(row.request, exec->bytes);
		assert_int_equal(row.epoch, exec->request.epoch);
		assert_non_null(row.before);
		assert_string_equal(exec->request.database, ledger_database(fixture->ledger));
	} else {
		assert_string_equal(row.operation, exec->request.operation);
		assert_true(exec->request.epoch > row.epoch);
	}
	run_agent_clear(&row);
}

static void test_a_run_is_done_and_every_intent_was_durable(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.on_exec = expect_durable;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_int_equal(fixture_count(&fixture, "apply"), 3);
	assert_int_equal(fixture_count(&fixture, "settle"), 0);
	for (size_t i = 0; i < FIXTURE_AGENTS; i++)
		assert_string_equal(fixture_exec(&fixture, i, 0)->received, "keep\n");
	fixture_close(&fixture);
}

struct crash {
	int at; /* this hook call fails */
	int calls;
	struct fixture *fixture;
	size_t execs_then;
};

static int crash_there(void *ctx, bool durable)
{
	struct crash *crash = ctx;

	(void)durable;
	if (crash->calls++ != crash->at)
		return 0;
	crash->execs_then = fixture_count(crash->fixture, "apply") + fixture_count(crash->fixture, "settle");
	return -1;
}

/* Before and after every commit of a run: nothing goes out after it, and a resumed run changes every host once. */
static void test_a_crash_at_every_commit(void **state)
{
	bool whole = false;

	(void)state;
	for (int at = 0; !whole; at++) {
		struct fixture fixture;
		struct crash crash = {.at = at, .fixture = &fixture};

		fixture_open(&fixture);
		fixture.on_exec = expect_durable;
		ledger_set_commit_hook(fixture.ledger, crash_there, &crash);
		whole = fixture_drive(&fixture) == 0;
		if (!whole) {
			assert_int_equal(fixture.err.kind, ERROR_INTERRUPTED);
			assert_int_equal(fixture_count(&fixture, "apply") + fixture_count(&fixture, "settle"),
					 crash.execs_then);
		}
		ledger_set_commit_hook(fixture.ledger, NULL, NULL);
		if (!whole)
			assert_ok(fixture_drive(&fixture), &fixture.err);
		fixture_expect_done(&fixture);
		fixture_close(&fixture);
		assert_true(at < 1000);
	}
}

/* ---- how a conversation may go */

/* However the connection ends, the host is asked about the same operation, with a newer epoch, and its answer counts. */
static void test_a_broken_conversation_is_asked_about(void **state)
{
	static const struct {
		enum behaviour behaviour;
		const char *note;
	} broken[] = {
		{LOSES_CONNECTION, "connection reset"}, {TALKS_NONSENSE, "agentctl's answer"},
		{TALKS_OF_OTHERS, "another operation"}, {DIES_LOUDLY, "without its last word"},
		{REFUSES_LATER, "the reason why"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		struct fixture fixture;

		fixture_open(&fixture);
		fixture.hosts[1].behaviour = broken[i].behaviour;
		fixture.hosts[1].once = true;
		fixture.on_exec = expect_durable;
		assert_ok(fixture_drive(&fixture), &fixture.err);
		fixture_expect_done(&fixture);
		assert_string_equal(fixture_exec(&fixture, 1, 0)->word, "apply");
		assert_string_equal(fixture_exec(&fixture, 1, 1)->word, "settle");
		assert_string_equal(fixture_exec(&fixture, 1, 1)->request.operation,
				    fixture_exec(&fixture, 1, 0)->request.operation);
		assert_int_equal(fixture.hosts[1].exec_count, 2);
		fixture_close(&fixture);
	}
}

/* What was never under way there is begun anew: another operation, with a before-picture of its own. */
static void test_a_lost_request_is_begun_anew(void **state)
{
	struct run_agent row;
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[0].behaviour = LOSES_REQUEST;
	fixture.hosts[0].once = true;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_int_equal(fixture.hosts[0].exec_count, 3);
	assert_string_equal(fixture_exec(&fixture, 0, 2)->word, "apply");
	assert_string_not_equal(fixture_exec(&fixture, 0, 0)->request.operation,
				fixture_exec(&fixture, 0, 2)->request.operation);
	assert_true(fixture_exec(&fixture, 0, 2)->request.epoch >= fixture_exec(&fixture, 0, 1)->request.epoch);
	row = fixture_row(&fixture, 0);
	assert_int_equal(row.attempt, 2);
	run_agent_clear(&row);
	fixture_close(&fixture);
}

static void test_requests_that_never_arrive_end(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[0].behaviour = LOSES_REQUEST;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "failed");
	fixture_expect_run(&fixture, "paused", "failure budget");
	assert_int_equal(fixture.hosts[0].changed, 0);
	fixture_close(&fixture);
}

static void test_nothing_changed_is_a_failure(void **state)
{
	static const struct {
		enum behaviour behaviour;
		const char *error;
	} unchanged[] = {{UNREACHABLE, "connection refused"}, {REFUSES, "the reason why"}};

	(void)state;
	for (size_t i = 0; i < sizeof unchanged / sizeof unchanged[0]; i++) {
		struct fixture fixture;

		fixture_open(&fixture);
		fixture.hosts[0].behaviour = unchanged[i].behaviour;
		assert_ok(fixture_drive(&fixture), &fixture.err);
		fixture_expect_state(&fixture, 0, "failed");
		fixture_expect_error(&fixture, 0, unchanged[i].error);
		fixture_expect_run(&fixture, "paused", "failure budget");
		/* Nobody else is begun. */
		assert_int_equal(fixture_count(&fixture, "apply"), 1);
		fixture_expect_state(&fixture, 1, "waiting");
		fixture_close(&fixture);
	}
}

static void test_an_undone_agent_is_proven_to_be_as_before(void **state)
{
	struct run_agent row;
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[0].behaviour = UNDOES;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	row = fixture_row(&fixture, 0);
	assert_string_equal(row.state, "reverted");
	assert_text_has(row.proof, "\"of\":\"the state before\"");
	assert_text_has(row.error, "the reason why");
	assert_int_not_equal(row.away_until_ms, 0);
	run_agent_clear(&row);
	fixture_expect_run(&fixture, "paused", "failure budget");
	fixture_expect_state(&fixture, 1, "waiting");
	fixture_close(&fixture);
}

/* "done" or "undone" of an agent that does not run just now proves nothing: its host is asked again. */
static void test_a_last_word_without_a_process_is_asked_about(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[0].no_process = true;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	assert_int_equal(fixture.hosts[0].exec_count, 2);
	assert_string_equal(fixture_exec(&fixture, 0, 1)->word, "settle");
	fixture_close(&fixture);

	fixture_open(&fixture);
	fixture.hosts[0].behaviour = UNDOES;
	fixture.hosts[0].no_process = true;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "reverted");
	assert_int_equal(fixture.hosts[0].exec_count, 2);
	fixture_close(&fixture);
}

static void test_silence_ends_with_a_person(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[0].behaviour = SAYS_NOTHING;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "stuck");
	fixture_expect_run(&fixture, "paused", "needs a person");
	assert_true(fixture_count(&fixture, "settle") > 1);
	fixture_close(&fixture);
}

/* What a host writes to stderr may be anything; the row is to be readable all the same. */
static void expect_readable(struct fixture *fixture, struct fixture_host *host, const struct fixture_exec *exec)
{
	struct run_agent row = fixture_row(fixture, (size_t)(host - fixture->hosts));
	json_t *text = row.error ? json_string(row.error) : NULL;

	if (strcmp(exec->word, "settle") == 0) {
		assert_non_null(text);
		assert_text_has(row.error, "status 1 without its last word: cut ??");
	}
	json_decref(text);
	run_agent_clear(&row);
}

static void test_a_note_is_printable(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[0].behaviour = DIES_LOUDLY;
	fixture.on_exec = expect_readable;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	assert_int_equal(fixture_count(&fixture, "settle"), 1);
	fixture_expect_done(&fixture);
	fixture_close(&fixture);
}

/* ---- the master */

static void test_a_silent_master_pauses(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.master_fails = true;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_run(&fixture, "paused", "no master answered");
	fixture_expect_error(&fixture, 0, "http://master does not answer");
	assert_int_equal(fixture_count(&fixture, "apply"), 0);
	fixture_close(&fixture);
}

/* An answer that lay about while this process was stopped is no before-picture. */
static void test_an_old_answer_starts_nothing(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.answers_lie_about = 60000;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	assert_int_equal(fixture_count(&fixture, "apply"), 0);
	fixture_expect_state(&fixture, 0, "waiting");
	fixture_close(&fixture);
}

static void come_back(struct fixture *fixture)
{
	if (fixture->now > 10000)
		fixture->hosts[0].active = true;
}

/* An agent that is away when its turn comes is given some time, and no longer. */
static void test_an_absent_agent_is_waited_for(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[0].active = false;
	fixture.on_wait = come_back;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	assert_int_equal(fixture.hosts[0].changed, 1);
	fixture_expect_done(&fixture);
	fixture_close(&fixture);

	fixture_open(&fixture);
	fixture.hosts[0].active = false;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "failed");
	fixture_expect_error(&fixture, 0, "not active");
	assert_int_equal(fixture_count(&fixture, "apply"), 0);
	fixture_close(&fixture);
}

/* A deactivated agent is never active, and reregisters all the same. */
static void test_a_deactivated_agent_returns(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[1].deactivated = true;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_done(&fixture);
	fixture_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_run_is_done_and_every_intent_was_durable),
		cmocka_unit_test(test_a_crash_at_every_commit),
		cmocka_unit_test(test_a_broken_conversation_is_asked_about),
		cmocka_unit_test(test_a_lost_request_is_begun_anew),
		cmocka_unit_test(test_requests_that_never_arrive_end),
		cmocka_unit_test(test_nothing_changed_is_a_failure),
		cmocka_unit_test(test_an_undone_agent_is_proven_to_be_as_before),
		cmocka_unit_test(test_a_last_word_without_a_process_is_asked_about),
		cmocka_unit_test(test_silence_ends_with_a_person),
		cmocka_unit_test(test_a_note_is_printable),
		cmocka_unit_test(test_a_silent_master_pauses),
		cmocka_unit_test(test_an_old_answer_starts_nothing),
		cmocka_unit_test(test_an_absent_agent_is_waited_for),
		cmocka_unit_test(test_a_deactivated_agent_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
