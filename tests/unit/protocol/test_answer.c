/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cmocka.h"

#include "base/alloc.h"
#include "protocol/answer.h"

static void round_trip(const struct answer *answer, struct answer *parsed)
{
	struct buffer line = BUFFER_INIT(ANSWER_LINE_MAX);
	struct error err = ERROR_INIT;

	answer_write(answer, &line);
	assert_int_equal(line.data[line.len - 1], '\n');
	assert_null(memchr(line.data, '\n', line.len - 1));
	if (answer_parse(line.data, line.len - 1, parsed, &err) != 0)
		fail_msg("%s: %s", buffer_text(&line), err.text);
	buffer_clear(&line);
}

static void test_started(void **state)
{
	Mesos__SlaveInfo info = MESOS__SLAVE_INFO__INIT;
	struct answer answer = {
		.event = ANSWER_STARTED, .pid = 7, .start_ticks = 12345678901, .away_ms = 3200, .amended = true};
	struct answer parsed;

	(void)state;
	info.hostname = (char *)"n1";
	answer.boot_id = xstrdup("boot");
	answer.info = slaveinfo_copy(&info);
	flags_set(&answer.flags, "attributes", "a:\"b\"");
	round_trip(&answer, &parsed);
	assert_int_equal(parsed.event, ANSWER_STARTED);
	assert_int_equal(parsed.pid, 7);
	assert_int_equal(parsed.start_ticks, 12345678901);
	assert_int_equal(parsed.away_ms, 3200);
	assert_true(parsed.amended);
	assert_string_equal(parsed.boot_id, "boot");
	assert_string_equal(flags_get(&parsed.flags, "attributes"), "a:\"b\"");
	assert_string_equal(parsed.info->hostname, "n1");
	answer_clear(&answer);
	answer_clear(&parsed);
}

static void test_every_final_answer(void **state)
{
	static const enum answer_event events[] = {ANSWER_DONE, ANSWER_UNDONE, ANSWER_REFUSED, ANSWER_STUCK};

	(void)state;
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		struct answer answer = {.event = events[i], .kind = ERROR_CONFLICT, .kept_by_deadline = true};
		struct answer parsed;

		answer.reason = xstrdup("two\nlines and \x01 more");
		round_trip(&answer, &parsed);
		assert_int_equal(parsed.event, events[i]);
		assert_string_equal(parsed.reason, answer.reason);
		assert_int_equal(parsed.kept_by_deadline, events[i] == ANSWER_DONE);
		assert_int_equal(parsed.kind, events[i] == ANSWER_REFUSED ? ERROR_CONFLICT : ERROR_NONE);
		answer_clear(&answer);
		answer_clear(&parsed);
	}
}

static void test_who_kept_it(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct answer answer = {.event = ANSWER_DONE, .kept_by_deadline = i == 1, .kept_by_operator = i == 2};
		struct answer parsed;

		round_trip(&answer, &parsed);
		assert_int_equal(parsed.kept_by_deadline, i == 1);
		assert_int_equal(parsed.kept_by_operator, i == 2);
		answer_clear(&parsed);
	}
}

static void test_status_of_every_fate(void **state)
{
	(void)state;
	for (int fate = FATE_ABSENT; fate <= FATE_STUCK; fate++) {
		struct answer answer = {.event = ANSWER_STATUS, .fate = (enum operation_fate)fate};
		struct answer parsed;

		answer.operation = xstrdup("op");
		round_trip(&answer, &parsed);
		assert_int_equal(parsed.fate, fate);
		answer_clear(&answer);
		answer_clear(&parsed);
	}
}

/* An agent's log may hold anything; the line is written all the same. */
static void test_text_that_is_no_utf8(void **state)
{
	struct answer answer = {.event = ANSWER_UNDONE};
	struct answer parsed;

	(void)state;
	answer.reason = xstrdup("gone");
	answer.agent_said = xstrdup("caf\xe9");
	round_trip(&answer, &parsed);
	assert_non_null(parsed.agent_said);
	answer_clear(&answer);
	answer_clear(&parsed);
}

static void test_broken_lines(void **state)
{
	static const char *const cases[] = {
		"",
		"{",
		"[]",
		"Segmentation fault",
		"{\"event\":\"finished\"}",
		"{\"event\":\"accepted\"}",
		"{\"event\":\"step\"}",
		"{\"event\":\"started\",\"pid\":1}",
		"{\"event\":\"done\",\"kept_by\":\"nobody\"}",
		"{\"event\":\"done\"}",
		"{\"event\":\"refused\",\"kind\":\"mood\",\"reason\":\"x\"}",
		"{\"event\":\"status\",\"operation\":\"x\",\"state\":\"half\"}",
		"{\"event\":\"undone\",\"reason\":\"x\",\"slave_info\":\"!!\"}",
		"{\"event\":\"undone\",\"reason\":\"x\",\"slave_info\":\"AAAA\"}",
		"{\"event\":\"undone\",\"reason\":\"x\",\"flags\":{\"a\":1}}",
		"{\"event\":\"undone\",\"reason\":\"x\",\"mood\":\"good\"}",
		"{\"event\":\"undone\",\"reason\":\"x\"} {}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct error err = ERROR_INIT;
		struct answer answer = {.pid = 42};

		if (answer_parse(cases[i], strlen(cases[i]), &answer, &err) != -1)
			fail_msg("taken: %s", cases[i]);
		assert_int_not_equal(err.kind, ERROR_NONE);
		assert_int_equal(answer.pid, 42);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_started),
		cmocka_unit_test(test_every_final_answer),
		cmocka_unit_test(test_who_kept_it),
		cmocka_unit_test(test_status_of_every_fate),
		cmocka_unit_test(test_text_that_is_no_utf8),
		cmocka_unit_test(test_broken_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
