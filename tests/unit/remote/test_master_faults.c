/* SPDX-License-Identifier: Apache-2.0 */
/* Masters that do not lead, do not answer, or answer something that is no answer. */
#include "remote/master.h"

#include <stdio.h>

#include "tests/support/cmocka.h"
#include "tests/support/fake_master.h"

/* ---- more than one master */

static void test_follows_the_leader(void **state)
{
	static const enum fake_behaviour redirects[] = {REDIRECT, REDIRECT_MASTER};
	struct fake_masters *f = *state;
	for (size_t i = 0; i < 2; i++) {
		f->fakes[0].behaviour = redirects[i];
		f->fakes[0].other = f->fakes[1].server.port;
		f->fakes[1].behaviour = NORMAL;
		struct error err = ERROR_INIT;
		struct master_source *source = fake_masters_source(f, 1, 20000);
		struct master_snapshot *snapshot = master_ask_now(source, f->loop, WANT_AGENTS | WANT_TASKS, &err);
		assert_non_null(snapshot);
		assert_int_equal(snapshot->agent_count, 3);
		assert_string_equal(snapshot->master, f->fakes[1].server.url);
		master_snapshot_free(snapshot);

		/* The leader is remembered: nobody else is asked. */
		int asked = atomic_load(&f->fakes[0].server.requests);
		snapshot = master_ask_now(source, f->loop, WANT_FACTS, &err);
		assert_non_null(snapshot);
		assert_int_equal(atomic_load(&f->fakes[0].server.requests), asked);
		master_snapshot_free(snapshot);

		/* It dies and the first one leads. */
		f->fakes[1].behaviour = ERROR_500;
		f->fakes[0].behaviour = NORMAL;
		snapshot = master_ask_now(source, f->loop, WANT_AGENTS, &err);
		assert_non_null(snapshot);
		assert_string_equal(snapshot->master, f->fakes[0].server.url);
		master_snapshot_free(snapshot);
		master_source_free(source);
	}
}

static void test_tries_the_next_master(void **state)
{
	static const enum fake_behaviour faults[] = {ERROR_500, NO_LEADER, HALF, HALF_WHOLE, NONSENSE, EMPTY, SILENT};
	struct fake_masters *f = *state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		f->fakes[0].behaviour = faults[i];
		f->fakes[1].behaviour = NORMAL;
		struct error err = ERROR_INIT;
		struct master_source *source = fake_masters_source(f, 2, faults[i] == SILENT ? 300 : 20000);
		struct master_snapshot *snapshot = master_ask_now(source, f->loop, WANT_AGENTS, &err);
		assert_non_null(snapshot);
		assert_int_equal(snapshot->agent_count, 3);
		assert_string_equal(snapshot->master, f->fakes[1].server.url);
		master_snapshot_free(snapshot);
		master_source_free(source);
	}
}

static void test_all_masters_fail(void **state)
{
	struct fake_masters *f = *state;
	struct error err = ERROR_INIT;
	char nobody[64];
	snprintf(nobody, sizeof(nobody), "http://me:secret@127.0.0.1:%d/", closed_port());
	const char *urls[] = {f->urls[0], f->urls[1], nobody};
	f->fakes[0].behaviour = ERROR_500;
	f->fakes[1].behaviour = SILENT;
	struct master_source *source = master_http_new(f->http, urls, 3, 1500);
	assert_null(master_ask_now(source, f->loop, WANT_AGENTS, &err));
	assert_text_has(err.text, f->urls[0]);
	assert_text_has(err.text, "answered HTTP 500: it broke");
	assert_text_has(err.text, f->urls[1]);
	assert_text_has(err.text, "timed out after 1.5 s");
	assert_text_has(err.text, "Connection refused");
	assert_null(strstr(err.text, "secret"));
	assert_int_equal(err.kind, ERROR_UNREACHABLE);
	master_source_free(source);
}

/* 0 → 1 → … → 6 is more than five hops; six servers are five hops. */
static void test_redirect_chain(void **state)
{
	struct fake_masters *f = *state;
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < 6; i++) {
		f->fakes[i].behaviour = REDIRECT;
		f->fakes[i].other = f->fakes[i + 1].server.port;
	}
	f->fakes[6].behaviour = NORMAL;
	struct master_source *source = fake_masters_source(f, 1, 20000);
	assert_null(master_ask_now(source, f->loop, WANT_AGENTS, &err));
	assert_error(&err, ERROR_UNREACHABLE, "after 5 redirects already");
	f->fakes[5].behaviour = NORMAL;
	struct master_snapshot *snapshot = master_ask_now(source, f->loop, WANT_AGENTS, &err);
	assert_non_null(snapshot);
	master_snapshot_free(snapshot);
	master_source_free(source);
}

static void test_redirect_circle(void **state)
{
	struct fake_masters *f = *state;
	struct error err = ERROR_INIT;
	f->fakes[0].other = f->fakes[1].server.port;
	f->fakes[1].other = f->fakes[0].server.port;
	f->fakes[1].behaviour = REDIRECT;
	assert_null(fake_masters_ask(f, REDIRECT, WANT_AGENTS, &err));
	assert_text_has(err.text, "do not agree on their leader");
	assert_error(&err, ERROR_UNREACHABLE, f->fakes[0].server.url);
	f->fakes[0].other = f->fakes[0].server.port; /* to itself */
	assert_null(fake_masters_ask(f, REDIRECT, WANT_AGENTS, &err));
	assert_error(&err, ERROR_UNREACHABLE, "do not agree on their leader");
}

static void test_redirect_to_something_else(void **state)
{
	struct fake_masters *f = *state;
	struct error err = ERROR_INIT;
	f->fakes[0].other = f->fakes[1].server.port;
	assert_null(fake_masters_ask(f, REDIRECT_LOGIN, WANT_AGENTS, &err));
	assert_error(&err, ERROR_CORRUPT, "/login, which is no master's answer");
	assert_null(fake_masters_ask(f, REDIRECT_NOWHERE, WANT_AGENTS, &err));
	assert_error(&err, ERROR_CORRUPT, "redirects (307) to nowhere");
}

/* ---- answers that are none */

static void test_bad_answers(void **state)
{
	static const struct {
		enum fake_behaviour behaviour;
		unsigned want;
		enum error_kind kind;
		const char *words;
	} cases[] = {
		{HALF, WANT_AGENTS, ERROR_CORRUPT, "/api/v1: sent half a document: the connection ended after"},
		{HALF, WANT_TASKS, ERROR_CORRUPT, "/api/v1: sent half a document"},
		{HALF_WHOLE, WANT_AGENTS, ERROR_CORRUPT,
		 "no GET_AGENTS response in protobuf: it ends in the middle of a field at byte"},
		{HALF_WHOLE, WANT_TASKS, ERROR_CORRUPT, "is no JSON: it ends too early at byte"},
		{HALF_WHOLE, WANT_FACTS, ERROR_CORRUPT, "no GET_MASTER response in protobuf: it ends in the middle"},
		{NONSENSE, WANT_TASKS, ERROR_CORRUPT, "is no JSON: line 1, column 1"},
		{NONSENSE, WANT_AGENTS, ERROR_CORRUPT, "is no GET_AGENTS response in protobuf"},
		{NONSENSE, WANT_FACTS, ERROR_CORRUPT, "is no GET_MASTER response in protobuf"},
		{EMPTY, WANT_AGENTS, ERROR_CORRUPT, "(0 bytes) is no GET_AGENTS response"},
		{EMPTY, WANT_TASKS, ERROR_CORRUPT, "(0 bytes) is no JSON"},
		{ERROR_500, WANT_TASKS, ERROR_UNREACHABLE, "/api/v1: answered HTTP 500: it broke"},
		{NO_LEADER, WANT_TASKS, ERROR_UNREACHABLE, "no leader is elected"},
		{FORBIDDEN, WANT_AGENTS, ERROR_UNREACHABLE, "answered HTTP 403: the master wants a principal"},
		{SILENT, WANT_AGENTS, ERROR_UNREACHABLE, "timed out after 0.3 s without an answer"},
	};
	struct fake_masters *f = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;
		assert_null(fake_masters_ask(f, cases[i].behaviour, cases[i].want, &err));
		assert_text_has(err.text, f->fakes[0].server.url);
		assert_error(&err, cases[i].kind, cases[i].words);
	}
}

/* ---- attempts */

static struct master_source *patient_source(struct fake_masters *f, int attempts)
{
	const struct master_options options = {
		.http = f->http, .urls = f->urls, .url_count = 1, .timeout_ms = 60000, .attempts = attempts};
	struct error err = ERROR_INIT;
	return master_open(f->loop, &options, &err);
}

/* An election ends while we wait. */
static void test_asks_again(void **state)
{
	struct fake_masters *f = *state;
	struct master_source *source = patient_source(f, 1000);
	struct master_event event = {.tag = 0};
	int before = atomic_load(&f->fakes[0].server.requests);
	f->fakes[0].behaviour = NO_LEADER;
	master_ask(source, WANT_AGENTS, 7);
	while (atomic_load(&f->fakes[0].server.requests) < before + 3)
		loop_wait(f->loop, 100);
	assert_false(master_next(source, &event));
	f->fakes[0].behaviour = NORMAL;
	while (!master_next(source, &event))
		loop_wait(f->loop, 100);
	assert_non_null(event.snapshot);
	assert_int_equal(event.snapshot->agent_count, 3);
	master_snapshot_free(event.snapshot);

	/* It is forgotten in a pause. */
	f->fakes[0].behaviour = NO_LEADER;
	master_ask(source, WANT_AGENTS, 8);
	before = atomic_load(&f->fakes[0].server.requests);
	while (atomic_load(&f->fakes[0].server.requests) < before + 1)
		loop_wait(f->loop, 100);
	master_source_free(source);
}

static void test_gives_up(void **state)
{
	static const struct {
		enum fake_behaviour behaviour;
		int requests;
		const char *words;
	} cases[] = {
		{NO_LEADER, 3, "no leader is elected"},
		{FORBIDDEN, 1, "answered HTTP 403"}, /* asking again would not help */
		{NONSENSE, 1, "no GET_AGENTS response"},
	};
	struct fake_masters *f = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct master_source *source = patient_source(f, 3);
		struct error err = ERROR_INIT;
		int before = atomic_load(&f->fakes[0].server.requests);
		f->fakes[0].behaviour = cases[i].behaviour;
		assert_null(master_ask_now(source, f->loop, WANT_AGENTS, &err));
		assert_int_equal(atomic_load(&f->fakes[0].server.requests) - before, cases[i].requests);
		assert_text_has(err.text, cases[i].words);
		master_source_free(source);
	}
}

/* ---- every master by itself */

static void test_ask_all(void **state)
{
	struct fake_masters *f = *state;
	struct error err = ERROR_INIT;
	struct master_roll roll;
	f->fakes[0].behaviour = REDIRECT;
	f->fakes[0].other = f->fakes[1].server.port;
	f->fakes[1].behaviour = NORMAL;
	f->fakes[2].behaviour = ERROR_500;
	struct master_source *source = fake_masters_source(f, 3, 20000);
	assert_int_equal(master_ask_all(source, f->loop, &roll, &err), 0);
	assert_int_equal(roll.count, 3);
	const struct master_report *first = &roll.items[0], *leader = &roll.items[1], *broken = &roll.items[2];
	assert_string_equal(first->url, f->fakes[0].server.url);
	assert_false(first->leads);
	assert_int_equal(first->error.kind, ERROR_NONE);
	assert_string_equal(first->facts.version, "1.12.0");
	assert_true(first->facts.agent_update && first->facts.has_domain);
	assert_string_equal(first->facts.zone, "eu-1m");
	assert_int_equal(first->facts.agent_reregister_timeout_ms, 600000);
	assert_true(leader->leads);
	assert_non_null(leader->facts.id);
	assert_int_equal(leader->facts.agent_count, -1); /* it has no metrics */
	assert_int_equal(broken->error.kind, ERROR_UNREACHABLE);
	assert_text_has(broken->error.text, "/version: answered HTTP 500");
	master_roll_clear(&roll);

	/* None leads: each still says what it is. */
	f->fakes[1].behaviour = REDIRECT;
	f->fakes[1].other = f->fakes[0].server.port;
	assert_int_equal(master_ask_all(source, f->loop, &roll, &err), 0);
	assert_int_equal(roll.count, 3);
	assert_false(roll.items[0].leads || roll.items[1].leads || roll.items[2].leads);
	assert_string_equal(roll.items[1].facts.version, "1.12.0");
	master_roll_clear(&roll);
	master_source_free(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follows_the_leader), cmocka_unit_test(test_tries_the_next_master),
		cmocka_unit_test(test_all_masters_fail),   cmocka_unit_test(test_redirect_chain),
		cmocka_unit_test(test_redirect_circle),    cmocka_unit_test(test_redirect_to_something_else),
		cmocka_unit_test(test_bad_answers),        cmocka_unit_test(test_asks_again),
		cmocka_unit_test(test_gives_up),           cmocka_unit_test(test_ask_all),
	};
	return cmocka_run_group_tests(tests, fake_masters_set_up, fake_masters_tear_down);
}
