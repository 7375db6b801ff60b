/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/plan_stops.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* As many failures as there are agents are no limit. */
static bool limits(const struct plan *plan, int most)
{
	return most >= 0 && (size_t)most < plan->agent_count;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_sizes(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* How many agents each stage, or each failure domain, has: smallest first. */
struct sizes {
	size_t *items;
	size_t count;
};

static void count_stages(const struct plan *plan, struct sizes *out)
{
	size_t begin = 0;

	for (size_t i = 0; i < plan->stage_count; i++) {
		out->items[out->count++] = plan->stages[i].end - begin;
		begin = plan->stages[i].end;
	}
	if (plan->stage_count == 0)
		out->items[out->count++] = plan->agent_count;
}

static void count_domains(const struct plan *plan, struct sizes *out)
{
	const char **names = xcalloc(plan->agent_count + 1, sizeof(*names));
	size_t named = 0;

	for (size_t i = 0; i < plan->agent_count; i++)
		if (plan->agents[i].domain)
			names[named++] = plan->agents[i].domain;
	qsort(names, named, sizeof(*names), compare_texts);
	for (size_t i = 0; i < named; i++) {
		out->count += i == 0 || strcmp(names[i - 1], names[i]) != 0;
		out->items[out->count - 1]++;
	}
	free(names);
}

static struct sizes sizes_of(const struct plan *plan, enum plan_part part)
{
	struct sizes sizes = {.items = xcalloc(plan->agent_count + plan->stage_count + 1, sizeof(*sizes.items))};

	if (part == PLAN_STAGES)
		count_stages(plan, &sizes);
	else
		count_domains(plan, &sizes);
	qsort(sizes.items, sizes.count, sizeof(*sizes.items), compare_sizes);
	return sizes;
}

static size_t largest(const struct plan *plan, enum plan_part part)
{
	struct sizes sizes = sizes_of(plan, part);
	size_t size = sizes.count > 0 ? sizes.items[sizes.count - 1] : 0;

	free(sizes.items);
	return size;
}

/* So many sizes are named one by one. */
#define SIZES_NAMED 6

void plan_stops_shares(const struct plan *plan, enum plan_part part, int percent, struct buffer *out)
{
	struct sizes sizes = sizes_of(plan, part);
	size_t count = 0;

	for (size_t i = 0; i < sizes.count; i++)
		if (i == 0 || sizes.items[i] != sizes.items[count - 1])
			sizes.items[count++] = sizes.items[i];
	for (size_t i = 0; i < count; i++) {
		if (count > SIZES_NAMED && i > 0 && i + 1 < count)
			continue;
		buffer_printf(out, "%s%d of %zu",
			      i == 0                ? ""
			      : count > SIZES_NAMED ? " up to "
						    : ", ",
			      engine_share(sizes.items[i], percent), sizes.items[i]);
	}
	free(sizes.items);
}

/* What the options say of the parts of the run. */
struct part_limits {
	enum plan_part part;
	const char *where;
	int most, percent, row;
};

static struct part_limits limits_of(const struct plan *plan, enum plan_part part)
{
	const struct engine_options *options = &plan->options;

	return part == PLAN_STAGES ? (struct part_limits){part, " in one stage", options->stage_max_failures,
							  options->stage_max_percent, options->stage_max_consecutive}
				   : (struct part_limits){part, " in one failure domain", options->domain_max_failures,
							  options->domain_max_percent, options->domain_max_consecutive};
}

/* Within a part of the run a budget says something only where it is narrower than the run's, and can be exceeded there. */
static bool is_narrower(const struct plan *plan, const struct part_limits *limit)
{
	int whole = plan->options.max_failures;

	if (limit->percent > 0)
		return limit->percent < 100 && largest(plan, limit->part) > 0;
	return limit->most >= 0 && (size_t)limit->most < largest(plan, limit->part) &&
	       (!limits(plan, whole) || limit->most < whole);
}

/* So many in a row are spent before one more than the run's budget, or never. */
static bool row_limits(const struct plan *plan, int row, size_t agents)
{
	int whole = plan->options.max_failures;

	return row > 0 && (size_t)row <= agents && (!limits(plan, whole) || row <= whole);
}

/* … and before as many in a row anywhere. */
static bool part_row_limits(const struct plan *plan, const struct part_limits *limit)
{
	int whole = plan->options.max_consecutive;

	return limit->row > 0 && (whole == 0 || limit->row < whole) &&
	       row_limits(plan, limit->row, largest(plan, limit->part));
}

bool plan_stops_never(const struct plan *plan)
{
	const struct part_limits stage = limits_of(plan, PLAN_STAGES), domain = limits_of(plan, PLAN_DOMAINS);

	return !limits(plan, plan->options.max_failures) && !is_narrower(plan, &stage) && !is_narrower(plan, &domain) &&
	       !row_limits(plan, plan->options.max_consecutive, plan->agent_count) && !part_row_limits(plan, &stage) &&
	       !part_row_limits(plan, &domain);
}

bool plan_stops_at_first(const struct plan *plan)
{
	const struct engine_options *options = &plan->options;
	int in_stage = options->stage_max_percent > 0
			       ? engine_share(largest(plan, PLAN_STAGES), options->stage_max_percent)
			       : options->stage_max_failures;

	/* Every agent is in a stage; not every one is in a failure domain. */
	return options->max_failures == 0 || in_stage == 0 || options->max_consecutive == 1 ||
	       options->stage_max_consecutive == 1;
}

struct list {
	struct buffer *out;
	int count;
};

static void add(struct list *list, int most, const char *where)
{
	const char *noun = list->count > 0 ? "" : most <= 1 ? " agent" : " agents";
	const char *verb = list->count > 0 ? "" : most <= 1 ? " fails" : " fail";

	buffer_puts(list->out, list->count++ > 0 ? ", or " : "");
	if (most == 0)
		buffer_printf(list->out, "one%s%s%s", noun, verb, where);
	else
		buffer_printf(list->out, "more than %d%s%s%s", most, noun, verb, where);
}

static void add_share(struct list *list, int percent, const char *where)
{
	buffer_printf(list->out, "%smore than %d%%%s%s", list->count > 0 ? ", or " : "", percent,
		      list->count > 0 ? "" : " of the agents fail", where);
	list->count++;
}

static void add_row(struct list *list, int row, const char *where)
{
	if (row == 1) {
		add(list, 0, where);
		return;
	}
	buffer_printf(list->out, "%s%d %sin a row%s", list->count > 0 ? ", or " : "", row,
		      list->count > 0 ? "" : "agents fail ", where);
	list->count++;
}

static void add_part(const struct plan *plan, enum plan_part part, struct list *list)
{
	const struct part_limits limit = limits_of(plan, part);

	if (is_narrower(plan, &limit) && limit.percent > 0)
		add_share(list, limit.percent, limit.where);
	else if (is_narrower(plan, &limit))
		add(list, limit.most, limit.where);
	if (part_row_limits(plan, &limit))
		add_row(list, limit.row, limit.where);
}

static void add_all(const struct plan *plan, struct buffer *out)
{
	const struct engine_options *options = &plan->options;
	struct list list = {.out = out};

	add_part(plan, PLAN_DOMAINS, &list);
	add_part(plan, PLAN_STAGES, &list);
	if (row_limits(plan, options->max_consecutive, plan->agent_count))
		add_row(&list, options->max_consecutive, "");
	if (limits(plan, options->max_failures))
		add(&list, options->max_failures, list.count > 0 ? " in all" : "");
}

void plan_stops_text(const struct plan *plan, struct buffer *out)
{
	static const char *const verbs[ON_FAILURE_COUNT] = {
		[ON_FAILURE_PAUSE] = "pauses",
		[ON_FAILURE_ROLLBACK] = "is rolled back",
		[ON_FAILURE_ABORT] = "is aborted",
	};

	if (plan_stops_never(plan)) {
		buffer_puts(out, "no number of failures stops it");
		return;
	}
	buffer_printf(out, "%s when ", verbs[plan->options.on_failure]);
	if (plan_stops_at_first(plan))
		buffer_puts(out, "one fails");
	else
		add_all(plan, out);
}
