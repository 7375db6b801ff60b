/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/moment.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* Longer ago than any clock of ours can be. */
#define SPAN_MAX (200.0 * 366 * DAY)

static const struct {
	const char *name;
	int64_t ms;
} units[] = {
	{"ms", 1},     {"s", SECOND},   {"sec", SECOND},   {"secs", SECOND},   {"second", SECOND},  {"seconds", SECOND},
	{"m", MINUTE}, {"min", MINUTE}, {"mins", MINUTE},  {"minute", MINUTE}, {"minutes", MINUTE}, {"h", HOUR},
	{"hr", HOUR},  {"hrs", HOUR},   {"hour", HOUR},    {"hours", HOUR},    {"d", DAY},          {"day", DAY},
	{"days", DAY}, {"w", 7 * DAY},  {"week", 7 * DAY}, {"weeks", 7 * DAY},
};

bool moment_read_span(const char *text, int64_t *ms)
{
	size_t len = strspn(text, "0123456789.");
	char *end;
	double number;

	if (len == 0 || text[0] == '.')
		return false;
	number = strtod(text, &end);
	if (end != text + len)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].name) == 0) {
			if (number * (double)units[i].ms > SPAN_MAX)
				return false;
			*ms = (int64_t)(number * (double)units[i].ms + 0.5);
			return true;
		}
	return false;
}

/* Exactly so many digits, up to a bound. */
static bool read_digits(const char **at, size_t digits, int min, int max, int *out)
{
	int number = 0;

	for (size_t i = 0; i < digits; i++) {
		if ((*at)[i] < '0' || (*at)[i] > '9')
			return false;
		number = 10 * number + ((*at)[i] - '0');
	}
	if (number < min || number > max)
		return false;
	*at += digits;
	*out = number;
	return true;
}

static bool read_mark(const char **at, char mark)
{
	if (**at != mark)
		return false;
	++*at;
	return true;
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Days from 1970-01-01 on; years start in March, so that the leap day is a year's last. */
static int64_t day_number(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool read_day(const char **at, int64_t *ms)
{
	int year, month, day;

	if (!read_digits(at, 4, 1970, 9999, &year) || !read_mark(at, '-') || !read_digits(at, 2, 1, 12, &month) ||
	    !read_mark(at, '-') || !read_digits(at, 2, 1, days_in(year, month), &day))
		return false;
	*ms = day_number(year, month, day) * DAY;
	return true;
}

/* ".120": any number of digits, of which three count. */
static bool read_fraction(const char **at, int64_t *ms)
{
	int64_t weight = 100;
	size_t digits = strspn(*at, "0123456789");

	for (size_t i = 0; i < digits; i++, weight /= 10)
		*ms += ((*at)[i] - '0') * weight;
	*at += digits;
	return digits > 0;
}

static bool read_time(const char **at, int64_t *ms)
{
	int hour, minute, second = 0;

	if (!read_digits(at, 2, 0, 23, &hour) || !read_mark(at, ':') || !read_digits(at, 2, 0, 59, &minute))
		return false;
	if (read_mark(at, ':')) {
		if (!read_digits(at, 2, 0, 59, &second))
			return false;
		if (read_mark(at, '.') && !read_fraction(at, ms))
			return false;
	}
	*ms += hour * HOUR + minute * MINUTE + second * SECOND;
	return true;
}

static bool read_zone(const char **at, int64_t *ms)
{
	int sign = **at == '+' ? 1 : -1, hours, minutes = 0;

	if (**at == '\0' || read_mark(at, 'Z'))
		return true;
	if ((**at != '+' && **at != '-') || (++*at, !read_digits(at, 2, 0, 14, &hours)))
		return false;
	read_mark(at, ':');
	if (**at && !read_digits(at, 2, 0, 59, &minutes))
		return false;
	*ms -= sign * (hours * HOUR + minutes * MINUTE);
	return true;
}

bool moment_read_date(const char *text, int64_t *wall_ms)
{
	const char *at = text;
	int64_t ms;

	if (!read_day(&at, &ms))
		return false;
	if ((*at == 'T' || *at == ' ') && (++at, !read_time(&at, &ms) || !read_zone(&at, &ms)))
		return false;
	if (*at)
		return false;
	*wall_ms = ms;
	return true;
}

/* The text without a closing " ago". */
static char *without_ago(const char *text)
{
	size_t len = strlen(text);

	return xstrndup(text, len > 4 && strcmp(text + len - 4, " ago") == 0 ? len - 4 : len);
}

int moment_parse(const char *source, const char *text, int64_t now_ms, int64_t *wall_ms, struct error *err)
{
	char *span = without_ago(text), *shown;
	int64_t ms;
	bool found = moment_read_span(span, &ms);

	free(span);
	if (found)
		ms = now_ms - ms;
	else if (strcmp(text, "now") == 0)
		ms = now_ms;
	else if (!moment_read_date(text, &ms)) {
		shown = text_printable(text, false);
		error_set(
			err, ERROR_USAGE,
			"%s: \"%.80s\" is no time: write a date like 2026-11-23T12:25Z (UTC without a zone), how long "
			"ago like 2h or 3d, or now",
			source, shown);
		free(shown);
		return -1;
	}
	*wall_ms = ms;
	return 0;
}
