/* SPDX-License-Identifier: Apache-2.0 */
/* From names to sets: sorted by what stands around their number, then by the number. */
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/hostset.h"

#define DIGITS_MAX 15
#define STRIDE_MIN 4

/* A name cut at the last digits of its first label; without digits all of it is prefix. */
struct cut {
	const char *name;
	size_t prefix; /* bytes before the number */
	size_t digits; /* 0: no number */
	int64_t number;
};

static struct cut cut_name(const char *name)
{
	struct cut cut = {.name = name, .prefix = strlen(name)};
	size_t end = strcspn(name, ".");

	/* Brackets of the name's own would not be read back. */
	if (hostset_is_set(name))
		return cut;
	while (end > 0 && (name[end - 1] < '0' || name[end - 1] > '9'))
		end--;
	while (end - cut.digits > 0 && name[end - cut.digits - 1] >= '0' && name[end - cut.digits - 1] <= '9' &&
	       cut.digits < DIGITS_MAX)
		cut.digits++;
	if (cut.digits == 0)
		return cut;
	cut.prefix = end - cut.digits;
	cut.number = strtoll(name + cut.prefix, NULL, 10);
	return cut;
}

static int compare_around(const struct cut *a, const struct cut *b)
{
	size_t shorter = a->prefix < b->prefix ? a->prefix : b->prefix;
	int order = memcmp(a->name, b->name, shorter);

	if (order == 0 && a->prefix != b->prefix)
		order = a->prefix < b->prefix ? -1 : 1;
	return order ? order : strcmp(a->name + a->prefix + a->digits, b->name + b->prefix + b->digits);
}

static int compare_cuts(const void *left, const void *right)
{
	const struct cut *a = left, *b = right;
	int order = compare_around(a, b);

	if (order == 0 && a->number != b->number)
		order = a->number < b->number ? -1 : 1;
	if (order == 0 && a->digits != b->digits)
		order = a->digits < b->digits ? -1 : 1;
	return order;
}

/* May b stand in one bracket with a, which has fewer or as many digits? As a range writes numbers: padded to the first
 * one's width. */
static bool same_spelling(const struct cut *a, const struct cut *b)
{
	return b->digits == a->digits || (b->digits > a->digits && b->name[b->prefix] != '0');
}

static bool same_set(const struct cut *a, const struct cut *b)
{
	return a->digits && b->digits && compare_around(a, b) == 0;
}

/* How many of cuts, from the first, are so far apart. */
static size_t run_length(const struct cut *cuts, size_t count, int64_t step)
{
	size_t len = 1;

	while (len < count && cuts[len].number == cuts[len - 1].number + step && same_spelling(&cuts[0], &cuts[len]))
		len++;
	return len;
}

/* A part of a bracket: one number, a range, or every so manieth of one. */
struct run {
	size_t len;
	int64_t step;
};

/* Every second one is seen at a glance where there are some of them; three numbers that happen to be equally far apart are not. */
static struct run next_run(const struct cut *cuts, size_t count)
{
	int64_t step = count > 1 ? cuts[1].number - cuts[0].number : 0;
	size_t len = step > 0 ? run_length(cuts, count, step) : 1;

	/* Whom consecutive numbers follow begins their range. */
	if (step > 1 && len < count && cuts[len].number == cuts[len - 1].number + 1)
		len--;
	if (step > 1 && len < STRIDE_MIN)
		len = 1;
	return (struct run){len, step};
}

static void put_number(struct buffer *out, const struct cut *cut)
{
	buffer_append(out, cut->name + cut->prefix, cut->digits);
}

static void put_set(struct buffer *out, const struct cut *cuts, size_t count)
{
	if (count == 1) {
		buffer_puts(out, cuts->name);
		return;
	}
	buffer_append(out, cuts->name, cuts->prefix);
	buffer_putc(out, '[');
	for (size_t i = 0; i < count;) {
		struct run run = next_run(cuts + i, count - i);

		buffer_puts(out, i ? "," : "");
		put_number(out, &cuts[i]);
		if (run.len > 1) {
			buffer_putc(out, '-');
			put_number(out, &cuts[i + run.len - 1]);
		}
		if (run.len > 1 && run.step > 1)
			buffer_printf(out, "/%" PRId64, run.step);
		i += run.len;
	}
	buffer_putc(out, ']');
	buffer_puts(out, cuts->name + cuts->prefix + cuts->digits);
}

static size_t remove_duplicates(struct cut *cuts, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (kept == 0 || strcmp(cuts[kept - 1].name, cuts[i].name) != 0)
			cuts[kept++] = cuts[i];
	return kept;
}

void hostset_fold(const char *const names[], size_t count, struct buffer *out)
{
	struct cut *cuts = xcalloc(count + 1, sizeof(*cuts));

	for (size_t i = 0; i < count; i++)
		cuts[i] = cut_name(names[i]);
	qsort(cuts, count, sizeof(*cuts), compare_cuts);
	count = remove_duplicates(cuts, count);
	for (size_t i = 0, len; i < count; i += len) {
		for (len = 1; i + len < count && same_set(&cuts[i], &cuts[i + len]); len++)
			;
		buffer_puts(out, i ? "," : "");
		put_set(out, cuts + i, len);
	}
	free(cuts);
}
