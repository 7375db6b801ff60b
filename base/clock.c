/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR   (60 * MS_PER_MINUTE)
#define MS_PER_DAY    (24 * MS_PER_HOUR)

static int64_t read_clock(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now); /* cannot fail: both clocks exist since Linux 2.6 */
	return (int64_t)now.tv_sec * MS_PER_SECOND + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_ms(void)
{
	/* The other one stands still while a laptop sleeps: what was heard before would pass for news afterwards. */
	return read_clock(CLOCK_BOOTTIME);
}

int64_t clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

struct date {
	int64_t year;
	int month;
	int day;
};

/* The Gregorian date of a day counted from 1970-01-01. Not gmtime_r: that may read time zone files and allocate, which
 * agentctl must not do while the agent is down. Years start in March here, so that the leap day is a year's last. */
static struct date date_of(int64_t day)
{
	const int64_t days_per_era = 146097; /* 400 years */
	int64_t shifted = day + 719468;      /* counted from 0000-03-01 */
	int64_t era = (shifted >= 0 ? shifted : shifted - days_per_era + 1) / days_per_era;
	int64_t in_era = shifted - era * days_per_era;
	int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era - (year * 365 + year / 4 - year / 100);
	int64_t month = (5 * in_year + 2) / 153; /* 0 is March; 153 days are five months */
	struct date date = {
		.year = era * 400 + year + (month >= 10 ? 1 : 0),
		.month = (int)(month < 10 ? month + 3 : month - 9),
		.day = (int)(in_year - (153 * month + 2) / 5 + 1),
	};
	return date;
}

char *clock_format(int64_t wall_ms, char *out)
{
	int64_t day = wall_ms / MS_PER_DAY;
	int64_t in_day = wall_ms % MS_PER_DAY;
	if (in_day < 0) {
		in_day += MS_PER_DAY;
		day--;
	}
	struct date date = date_of(day);
	snprintf(out, CLOCK_TEXT_MAX, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d.%03dZ", date.year, date.month, date.day,
		 (int)(in_day / MS_PER_HOUR), (int)(in_day / MS_PER_MINUTE % 60), (int)(in_day / MS_PER_SECOND % 60),
		 (int)(in_day % MS_PER_SECOND));
	return out;
}

char *clock_format_span(int64_t ms, char *out)
{
	const char *sign = ms < 0 ? "-" : "";
	uint64_t span = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
	uint64_t seconds = span / 1000;
	if (seconds < 60)
		snprintf(out, CLOCK_TEXT_MAX, "%s%" PRIu64 ".%" PRIu64 " s", sign, seconds, span / 100 % 10);
	else if (seconds < 3600)
		snprintf(out, CLOCK_TEXT_MAX, "%s%" PRIu64 " min %" PRIu64 " s", sign, seconds / 60, seconds % 60);
	else
		snprintf(out, CLOCK_TEXT_MAX, "%s%" PRIu64 " h %" PRIu64 " min", sign, seconds / 3600,
			 seconds / 60 % 60);
	return out;
}

static const struct {
	const char *name;
	double nanoseconds;
} units[] = {
	{"ns", 1},      {"us", 1e3},    {"ms", 1e6},      {"secs", 1e9},
	{"mins", 6e10}, {"hrs", 36e11}, {"days", 864e11}, {"weeks", 6048e11},
};

static double unit_of(const char *name)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(name, units[i].name) == 0)
			return units[i].nanoseconds;
	}
	return 0;
}

/* Digits with at most one point between or around them: strtod alone would take "inf", "0x1" and "1e3" too. */
static size_t number_length(const char *text)
{
	size_t len = strspn(text, "0123456789");
	size_t digits = len;
	if (text[len] == '.') {
		size_t fraction = strspn(text + len + 1, "0123456789");
		digits += fraction;
		len += 1 + fraction;
	}
	return digits > 0 ? len : 0;
}

int clock_parse_duration(const char *text, int64_t *ms, struct error *err)
{
	size_t len = number_length(text);
	double unit = len > 0 ? unit_of(text + len) : 0;
	if (unit <= 0)
		return error_set(
			err, ERROR_USAGE,
			"\"%s\" is no duration: write a number and ns, us, ms, secs, mins, hrs, days or weeks, "
			"such as 15secs",
			text);
	double nanoseconds = strtod(text, NULL) * unit;
	if (nanoseconds >= 9.2e18) /* as in Mesos, a duration is an int64_t of nanoseconds */
		return error_set(err, ERROR_USAGE, "the duration \"%s\" is too long: at most 15000weeks", text);
	/* To the nearest nanosecond first: 1.001secs is a hair below 1001 ms as a double. */
	*ms = (int64_t)(nanoseconds + 0.5) / 1000000;
	return 0;
}
