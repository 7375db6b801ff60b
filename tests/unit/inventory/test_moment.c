/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people write them. */
#include "inventory/moment.h"

#include "base/clock.h"
#include "tests/support/cmocka.h"

static void test_spans(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{"0s", 0},           {"90s", 90000},       {"15mins", 900000},    {"2h", 7200000},
		{"1.5d", 129600000}, {"1week", 604800000}, {"500ms", 500},        {"0.5secs", 500},
		{"2hours", 7200000}, {"3m", 180000},       {"10days", 864000000},
	};
	static const char *const wrong[] = {"",   "2",      "h",   "2 h",  "-2h",      "2y",
					    "2H", "1.2.3h", ".5h", "1e3s", "99999999w"};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!moment_read_span(cases[i].text, &ms))
			fail_msg("%s is no span", cases[i].text);
		assert_int_equal(ms, cases[i].ms);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (moment_read_span(wrong[i], &ms))
			fail_msg("%s is a span", wrong[i]);
}

/* Each is printed again as UTC. */
static void test_dates(void **state)
{
	static const struct {
		const char *text, *utc;
	} cases[] = {
		{"1970-01-01", "1970-01-01T00:00:00.000Z"},
		{"2026-11-23", "2026-11-23T00:00:00.000Z"},
		{"2026-11-23T12:25", "2026-11-23T12:25:00.000Z"},
		{"2026-11-23 12:25:03", "2026-11-23T12:25:03.000Z"},
		{"2026-11-23T12:25:03.12Z", "2026-11-23T12:25:03.120Z"},
		{"2026-11-23T12:25:03.123456Z", "2026-11-23T12:25:03.123Z"},
		{"2026-11-23T00:30+01:00", "2026-11-22T23:30:00.000Z"},
		{"2026-11-23T23:30-0130", "2026-11-24T01:00:00.000Z"},
		{"2024-02-29", "2024-02-29T00:00:00.000Z"},
		{"2000-02-29T23:59:59.999Z", "2000-02-29T23:59:59.999Z"},
	};
	static const char *const wrong[] = {
		"2026-02-29",        "2100-02-29",       "2026-13-01",        "2026-00-01",    "2026-1-1",
		"2026-11-23T",       "2026-11-23T24:00", "2026-11-23T12:60",  "2026-11-23T12", "2026-11-23x",
		"2026-11-23T12:00+", "26-11-23",         "2026-11-23T12:00.", "1969-12-31",    "2026-11-23T12:00:00."};
	char text[CLOCK_TEXT_MAX];
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!moment_read_date(cases[i].text, &ms))
			fail_msg("%s is no date", cases[i].text);
		assert_string_equal(clock_format(ms, text), cases[i].utc);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (moment_read_date(wrong[i], &ms))
			fail_msg("%s is a date", wrong[i]);
}

static void test_moments(void **state)
{
	struct error err = ERROR_INIT;
	int64_t ms = 1;

	(void)state;
	assert_ok(moment_parse("--at", "2h", 10000000, &ms, &err), &err);
	assert_int_equal(ms, 2800000);
	assert_ok(moment_parse("--at", "1h ago", 10000000, &ms, &err), &err);
	assert_int_equal(ms, 6400000);
	assert_ok(moment_parse("--at", "now", 10000000, &ms, &err), &err);
	assert_int_equal(ms, 10000000);
	assert_int_equal(moment_parse("--at", "soon\x1b", 1, &ms, &err), -1);
	assert_error(&err, ERROR_USAGE, "--at: \"soon?\" is no time: write a date");
	assert_int_equal(ms, 10000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_moments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
