/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that come in pieces, and strings that are no text. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/answer.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

/* Protobuf-c does not look into strings. */
static void test_texts_that_are_none(void **state)
{
	static const char *const bad[] = {"\xff", "\xc0\x80", "a\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe4\xbd"};
	static const char *const good[] = {"h", "M\xc3\xbcnster", "\xe4\xbd\xa0", "\xf0\x9f\x98\x80"};
	(void)state;
	for (size_t i = 0; i < 10; i++) {
		const char *hostname = i < 6 ? bad[i] : good[i - 6];
		unsigned char info_len = (unsigned char)(2 + strlen(hostname) + 5),
			      len = (unsigned char)(2 + info_len + 5);
		char *data = xasprintf("\x08\x09\x52%c\x0a%c\x0a%c\x0a%c%s\x32\x03\x0a\x01"
				       "A\x10\x01\x1a\x01"
				       "1",
				       len + 2, len, info_len, (int)strlen(hostname), hostname);
		struct error err = ERROR_INIT;
		struct master_snapshot *snapshot = try_bytes(get_agents_protobuf, data, strlen(data), &err);
		if (i < 6)
			assert_error(&err, ERROR_CORRUPT, "has a text that is no UTF-8");
		else
			assert_string_equal(snapshot->agents[0].hostname, hostname);
		master_snapshot_free(snapshot);
		free(data);
	}
}

/* The real answers, cut anywhere. */
static void test_pieces(void **state)
{
	static const struct {
		const char *name;
		parser *parse;
	} cases[] = {
		{"master-v1-GET_AGENTS.pb", get_agents_protobuf},
		{"master-v1-GET_AGENTS.json", get_agents},
		{"master-slaves.json", slaves},
		{"master-v1-GET_TASKS.json", get_tasks},
		{"master-state.json", state_tasks},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len;
		char *name = xasprintf("mesos/captured/%s", cases[i].name), *path = test_data(name);
		char *data = scratch_read(path, &len);
		struct error none = ERROR_INIT;
		struct master_snapshot *whole = try_bytes(cases[i].parse, data, len, &none);
		assert_non_null(whole);
		assert_true(whole->agent_count + whole->task_count >= 3);
		for (size_t piece = 1; piece < len; piece += 1 + piece / 3) {
			struct error err = ERROR_INIT;
			struct master_snapshot *snapshot = try_pieces(cases[i].parse, data, len, piece, &err);
			if (snapshot == NULL)
				fail_msg("%s", err.text);
			assert_int_equal(snapshot->agent_count, whole->agent_count);
			assert_int_equal(snapshot->task_count, whole->task_count);
			master_snapshot_free(snapshot);
		}
		master_snapshot_free(whole);
		free(data);
		free(path);
		free(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts_that_are_none), cmocka_unit_test(test_pieces)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
