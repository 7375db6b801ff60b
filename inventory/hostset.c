/* SPDX-License-Identifier: Apache-2.0 */
/* A set is a row of parts: literal text, then the numbers that may stand behind it. */
#include "inventory/hostset.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Numbers of more digits are no host's. */
#define DIGITS_MAX 15

/* Names match bracket by bracket with every length a number can have: this bounds the attempts. */
#define BRACKETS_MAX 4

struct range {
	int64_t from, to, step;
	size_t width; /* numbers with fewer digits have leading zeros up to it */
};

struct part {
	char *text;
	struct range *ranges; /* NULL: nothing behind the text */
	size_t count;
};

struct hostset {
	struct part *parts;
	size_t count;
};

/* Where we are in the text. */
struct scan {
	const char *text;
	size_t at;
	struct error *err;
};

static int scan_fail(const struct scan *scan, const char *expected)
{
	return error_set(scan->err, ERROR_USAGE, "expected %s", expected);
}

static int scan_number(struct scan *scan, int64_t *number, size_t *digits)
{
	size_t len = strspn(scan->text + scan->at, "0123456789");

	if (len == 0)
		return scan_fail(scan, "a number, as in node[01-20,30-40/2]");
	if (len > DIGITS_MAX)
		return scan_fail(scan, "a number of at most 15 digits");
	*number = strtoll(scan->text + scan->at, NULL, 10);
	*digits = len;
	scan->at += len;
	return 0;
}

static bool scan_mark(struct scan *scan, char mark)
{
	if (scan->text[scan->at] != mark)
		return false;
	scan->at++;
	return true;
}

static int scan_range(struct scan *scan, struct range *out)
{
	struct range range = {.step = 1};
	size_t start = scan->at, digits;

	if (scan_number(scan, &range.from, &range.width) < 0)
		return -1;
	range.to = range.from;
	if (scan_mark(scan, '-') && scan_number(scan, &range.to, &digits) < 0)
		return -1;
	if (range.to < range.from) {
		scan->at = start;
		return scan_fail(scan, "the smaller number first");
	}
	if (scan_mark(scan, '/')) {
		if (scan_number(scan, &range.step, &digits) < 0)
			return -1;
		if (range.step == 0) {
			scan->at -= digits;
			return scan_fail(scan, "a step of at least 1");
		}
	}
	*out = range;
	return 0;
}

/* Behind the opening bracket. */
static int scan_ranges(struct scan *scan, struct part *part)
{
	do {
		struct range range;

		if (scan_range(scan, &range) < 0)
			return -1;
		part->ranges = xreallocarray(part->ranges, part->count + 1, sizeof(range));
		part->ranges[part->count++] = range;
	} while (scan_mark(scan, ','));
	return scan_mark(scan, ']') ? 0 : scan_fail(scan, "\",\", \"-\", \"/\" or \"]\"");
}

static int scan_parts(struct scan *scan, struct hostset *set)
{
	for (;;) {
		size_t len = strcspn(scan->text + scan->at, "[]");
		struct part *part;

		set->parts = xreallocarray(set->parts, set->count + 1, sizeof(*set->parts));
		part = &set->parts[set->count++];
		*part = (struct part){.text = xstrndup(scan->text + scan->at, len)};
		scan->at += len;
		if (scan->text[scan->at] == '\0')
			return 0;
		if (scan->text[scan->at] == ']')
			return scan_fail(scan, "a \"[\" before it");
		if (set->count > BRACKETS_MAX)
			return scan_fail(scan, "at most 4 brackets in a name");
		scan->at++;
		if (scan_ranges(scan, part) < 0)
			return -1;
	}
}

struct hostset *hostset_parse(const char *text, size_t *at, struct error *err)
{
	struct hostset *set = xcalloc(1, sizeof(*set));
	struct scan scan = {.text = text, .err = err};

	if (scan_parts(&scan, set) == 0)
		return set;
	*at = scan.at;
	hostset_free(set);
	return NULL;
}

void hostset_free(struct hostset *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++) {
		free(set->parts[i].text);
		free(set->parts[i].ranges);
	}
	free(set->parts);
	free(set);
}

static bool range_has(const struct range *range, int64_t number, size_t digits, bool zero)
{
	if (number < range->from || number > range->to || (number - range->from) % range->step)
		return false;
	return digits == range->width || (digits > range->width && !zero);
}

/* Is the number text[0..digits) one of the part's? */
static bool part_has(const struct part *part, const char *text, size_t digits)
{
	int64_t number = 0;

	for (size_t i = 0; i < digits; i++)
		number = 10 * number + (text[i] - '0');
	for (size_t i = 0; i < part->count; i++)
		if (range_has(&part->ranges[i], number, digits, text[0] == '0'))
			return true;
	return false;
}

static bool parts_match(const struct part *parts, size_t count, const char *name)
{
	size_t len = strlen(parts->text), digits;

	if (strncmp(name, parts->text, len) != 0)
		return false;
	name += len;
	if (!parts->ranges)
		return *name == '\0';
	digits = strspn(name, "0123456789");
	if (digits > DIGITS_MAX)
		digits = DIGITS_MAX;
	/* The longest first; digits may also belong to the text behind the bracket. */
	for (; digits > 0; digits--)
		if (part_has(parts, name, digits) && parts_match(parts + 1, count - 1, name + digits))
			return true;
	return false;
}

bool hostset_has(const struct hostset *set, const char *name)
{
	return parts_match(set->parts, set->count, name);
}

bool hostset_is_set(const char *text)
{
	return strpbrk(text, "[]") != NULL;
}
