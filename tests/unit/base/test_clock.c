/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "tests/support/cmocka.h"

static void dates_of_known_moments(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{-1, "1969-12-31T23:59:59.999Z"},
		{951782400000, "2000-02-29T00:00:00.000Z"},
		{951868800000, "2000-03-01T00:00:00.000Z"},
		{1795436703120, "2026-11-23T12:25:03.120Z"},
		{4107542400000, "2100-03-01T00:00:00.000Z"},
		{4107542399999, "2100-02-28T23:59:59.999Z"},
		{-62135596800000, "0001-01-01T00:00:00.000Z"},
	};
	char text[CLOCK_TEXT_MAX];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(clock_format(rows[i].ms, text), rows[i].text);
}

/* Every day of four centuries agrees with the C library. */
static void dates_agree_with_gmtime(void **state)
{
	(void)state;
	for (int64_t day = -80000; day < 80000; day++) {
		time_t seconds = (time_t)(day * 86400 + 45296);
		struct tm tm;
		char wanted[64], got[CLOCK_TEXT_MAX];
		gmtime_r(&seconds, &tm);
		strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
		assert_string_equal(clock_format((int64_t)seconds * 1000, got), wanted);
	}
}

static void extreme_times_fit(void **state)
{
	(void)state;
	char text[CLOCK_TEXT_MAX];
	assert_string_equal(clock_format(INT64_MAX, text), "292278994-08-17T07:12:55.807Z");
	assert_string_equal(clock_format(INT64_MIN, text), "-292275055-05-16T16:47:04.192Z");
}

static void spans_for_people(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{0, "0.0 s"},           {449, "0.4 s"},         {12345, "12.3 s"},          {59999, "59.9 s"},
		{60000, "1 min 0 s"},   {250000, "4 min 10 s"}, {3599999, "59 min 59 s"},   {3600000, "1 h 0 min"},
		{7500000, "2 h 5 min"}, {-1500, "-1.5 s"},      {360000000, "100 h 0 min"},
	};
	char text[CLOCK_TEXT_MAX];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(clock_format_span(rows[i].ms, text), rows[i].text);
	clock_format_span(INT64_MIN, text);
	assert_string_equal(text, "-2562047788015 h 12 min");
}

static void durations_of_every_unit(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{"15secs", 15000},
		{"10mins", 600000},
		{"1.5hrs", 5400000},
		{"500ms", 500},
		{"2days", 172800000},
		{"1weeks", 604800000},
		{"100us", 0},
		{"5ns", 0},
		{"1999us", 1},
		{"0ns", 0},
		{"1.001secs", 1001},
		{"0.29secs", 290},
		{".5secs", 500},
		{"5.secs", 5000},
		{"007secs", 7000},
		{"999999ns", 0},
		{"1000000ns", 1},
		{"0.9999ms", 0},
		{"15000weeks", 9072000000000},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error err = ERROR_INIT;
		int64_t ms = -7;
		assert_ok(clock_parse_duration(rows[i].text, &ms, &err), &err);
		assert_int_equal(ms, rows[i].ms);
	}
}

static void malformed_durations(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",        "15",      "secs",    "15 secs",   "15sec",      "-5secs",
		"+5secs",  " 5secs",  "5secs ",  "1.2.3secs", ".secs",      "1e3secs",
		"0x1secs", "infsecs", "nansecs", "5SECS",     "16000weeks", "99999999999999999999999days"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error err = ERROR_INIT;
		int64_t ms = -7;
		if (clock_parse_duration(bad[i], &ms, &err) == 0)
			fail_msg("\"%s\" was taken for a duration", bad[i]);
		assert_error(&err, ERROR_USAGE, bad[i]);
		assert_int_equal(ms, -7);
	}
}

static void clocks_run(void **state)
{
	(void)state;
	int64_t before = clock_monotonic_ms();
	struct timespec pause = {.tv_nsec = 20000000};
	nanosleep(&pause, NULL);
	int64_t passed = clock_monotonic_ms() - before;
	assert_true(passed >= 19 && passed < 20000);
	assert_true(llabs(clock_wall_ms() - (int64_t)time(NULL) * 1000) < 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_of_known_moments),
		cmocka_unit_test(dates_agree_with_gmtime),
		cmocka_unit_test(extreme_times_fit),
		cmocka_unit_test(spans_for_people),
		cmocka_unit_test(durations_of_every_unit),
		cmocka_unit_test(malformed_durations),
		cmocka_unit_test(clocks_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
