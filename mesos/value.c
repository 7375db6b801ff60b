/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/value.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"

/* ---- scalars */

long long scalar_fixed(double value)
{
	double thousandths = value * 1000;

	/* What the agent's conversion gives on x86-64 for what does not fit. */
	if (!(thousandths > -9.2233720368547758e18 && thousandths < 9.2233720368547758e18))
		return LLONG_MIN;
	return llround(thousandths);
}

double scalar_from_fixed(long long fixed)
{
	long long whole = fixed / 1000, thousandths = fixed % 1000;

	return (double)whole + (double)thousandths / 1000.0;
}

void scalar_print(double value, struct buffer *out)
{
	buffer_printf(out, "%.15g", scalar_from_fixed(scalar_fixed(value)));
}

/* ---- ranges */

static int by_begin(const void *a, const void *b)
{
	const Mesos__Value__Range *left = *(Mesos__Value__Range *const *)a;
	const Mesos__Value__Range *right = *(Mesos__Value__Range *const *)b;

	if (left->begin != right->begin)
		return left->begin < right->begin ? -1 : 1;
	return (left->end > right->end) - (left->end < right->end);
}

void ranges_coalesce(Mesos__Value__Ranges *ranges)
{
	Mesos__Value__Range **r = ranges->range;
	size_t last = 0;

	if (ranges->n_range == 0)
		return;
	qsort(r, ranges->n_range, sizeof(*r), by_begin);
	for (size_t i = 1; i < ranges->n_range; i++) {
		Mesos__Value__Range *current = r[last], *next = r[i];

		/* end + 1 wraps for the last number there is, as it does in the agent. */
		if (next->begin == current->begin || next->begin <= current->end + 1) {
			if (next->end > current->end)
				current->end = next->end;
			pb_free(next);
		} else {
			r[++last] = next;
		}
	}
	ranges->n_range = last + 1;
}

static Mesos__Value__Ranges *coalesced_copy(const Mesos__Value__Ranges *ranges)
{
	Mesos__Value__Ranges *copy = pb_copy(ranges);

	ranges_coalesce(copy);
	return copy;
}

static bool range_is_in(const Mesos__Value__Range *range, const Mesos__Value__Ranges *all, bool exactly)
{
	for (size_t i = 0; i < all->n_range; i++) {
		const Mesos__Value__Range *other = all->range[i];

		if (exactly ? range->begin == other->begin && range->end == other->end
			    : range->begin >= other->begin && range->end <= other->end)
			return true;
	}
	return false;
}

static bool compare_ranges(const Mesos__Value__Ranges *a, const Mesos__Value__Ranges *b, bool exactly)
{
	Mesos__Value__Ranges *left = coalesced_copy(a);
	Mesos__Value__Ranges *right = coalesced_copy(b);
	bool result = !exactly || left->n_range == right->n_range;

	for (size_t i = 0; result && i < left->n_range; i++)
		result = range_is_in(left->range[i], right, exactly);
	pb_free(left);
	pb_free(right);
	return result;
}

bool ranges_equal(const Mesos__Value__Ranges *a, const Mesos__Value__Ranges *b)
{
	return compare_ranges(a, b, true);
}

bool ranges_within(const Mesos__Value__Ranges *part, const Mesos__Value__Ranges *all)
{
	return compare_ranges(part, all, false);
}

static void append_range(Mesos__Value__Ranges *ranges, uint64_t begin, uint64_t end)
{
	Mesos__Value__Range *range = pb_new(&mesos__value__range__descriptor);

	range->begin = begin;
	range->end = end;
	PB_APPEND(ranges->range, ranges->n_range, range);
}

void ranges_add(Mesos__Value__Ranges *to, const Mesos__Value__Ranges *what)
{
	for (size_t i = 0; i < what->n_range; i++)
		append_range(to, what->range[i]->begin, what->range[i]->end);
	ranges_coalesce(to);
}

static void subtract_one(Mesos__Value__Ranges *from, const Mesos__Value__Range *hole)
{
	Mesos__Value__Range **old = from->range;
	size_t count = from->n_range;

	from->range = NULL;
	from->n_range = 0;
	for (size_t i = 0; i < count; i++) {
		if (old[i]->end < hole->begin || old[i]->begin > hole->end) {
			PB_APPEND(from->range, from->n_range, old[i]);
			continue;
		}
		if (old[i]->begin < hole->begin)
			append_range(from, old[i]->begin, hole->begin - 1);
		if (old[i]->end > hole->end)
			append_range(from, hole->end + 1, old[i]->end);
		pb_free(old[i]);
	}
	free(old);
}

void ranges_subtract(Mesos__Value__Ranges *from, const Mesos__Value__Ranges *what)
{
	for (size_t i = 0; i < what->n_range; i++)
		subtract_one(from, what->range[i]);
}

void ranges_print(const Mesos__Value__Ranges *ranges, struct buffer *out)
{
	buffer_putc(out, '[');
	for (size_t i = 0; i < ranges->n_range; i++)
		buffer_printf(out, "%s%" PRIu64 "-%" PRIu64, i > 0 ? ", " : "", ranges->range[i]->begin,
			      ranges->range[i]->end);
	buffer_putc(out, ']');
}

/* ---- sets */

static size_t set_find(const Mesos__Value__Set *set, const char *item)
{
	size_t i = 0;

	while (i < set->n_item && strcmp(set->item[i], item) != 0)
		i++;
	return i;
}

bool set_within(const Mesos__Value__Set *part, const Mesos__Value__Set *all)
{
	if (part->n_item > all->n_item)
		return false;
	for (size_t i = 0; i < part->n_item; i++)
		if (set_find(all, part->item[i]) == all->n_item)
			return false;
	return true;
}

bool set_equal(const Mesos__Value__Set *a, const Mesos__Value__Set *b)
{
	return set_within(a, b) && set_within(b, a);
}

void set_add(Mesos__Value__Set *to, const Mesos__Value__Set *what)
{
	for (size_t i = 0; i < what->n_item; i++)
		if (set_find(to, what->item[i]) == to->n_item)
			PB_APPEND(to->item, to->n_item, xstrdup(what->item[i]));
}

void set_subtract(Mesos__Value__Set *from, const Mesos__Value__Set *what)
{
	for (size_t i = 0; i < what->n_item; i++) {
		size_t at = set_find(from, what->item[i]);

		if (at == from->n_item)
			continue;
		free(from->item[at]);
		memmove(&from->item[at], &from->item[at + 1], (from->n_item - at - 1) * sizeof(from->item[0]));
		from->n_item--;
	}
}

void set_print(const Mesos__Value__Set *set, struct buffer *out)
{
	buffer_putc(out, '{');
	for (size_t i = 0; i < set->n_item; i++)
		buffer_printf(out, "%s%s", i > 0 ? ", " : "", set->item[i]);
	buffer_putc(out, '}');
}
