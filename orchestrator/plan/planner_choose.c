/* SPDX-License-Identifier: Apache-2.0 */
/* Which agents a plan is about: what --where chooses, without what --exclude and the ignore list leave out. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "inventory/ignores.h"
#include "inventory/selector.h"
#include "orchestrator/plan/planner_choose.h"

int planner_select(struct store *store, int64_t cluster_id, const char *where, struct agent_list *out,
		   struct error *err)
{
	struct selector *selector = NULL;
	struct agent_list list = {.items = NULL};
	if (where && !(selector = selector_parse("--where", where, err)))
		return -1;
	int result = agents_load(store, cluster_id, selector, &list, err);
	selector_free(selector);
	if (result == 0 && list.count == 0)
		result = where ? error_set(err, ERROR_USAGE,
					   "--where \"%s\" matches none of the agents the master lists; `rollcall "
					   "inventory list` shows them",
					   where)
			       : error_set(err, ERROR_USAGE,
					   "the inventory has no agents; `rollcall inventory sync` asks the master for "
					   "them");
	if (result == 0)
		*out = list;
	else
		agent_list_clear(&list);
	return result;
}

int planner_select_gone(struct store *store, int64_t cluster_id, const char *where, int64_t since_ms,
			struct agent_list *out, struct error *err)
{
	struct selector *selector = NULL;
	if (where && !(selector = selector_parse("--where", where, err)))
		return -1;
	int result = agents_load_gone(store, cluster_id, selector, since_ms, out, err);
	selector_free(selector);
	return result;
}

/* ---- keys of agents */

static int compare_rows(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Whoever chooses an agent means it also when the master has given it up. */
static int add_gone(const struct planner_input *input, const struct selector *selector, struct planner_set *set,
		    struct error *err)
{
	struct agent_list gone;

	if (agents_load_gone(input->store, input->cluster_id, selector, input->now_ms - PLANNER_GONE_FOR_GOOD_MS, &gone,
			     err) < 0)
		return -1;
	set->rows = xreallocarray(set->rows, set->count + gone.count + 1, sizeof(*set->rows));
	for (size_t i = 0; i < gone.count; i++)
		set->rows[set->count++] = gone.items[i].row;
	agent_list_clear(&gone);
	return 0;
}

int planner_set_load(const struct planner_input *input, const char *name, const char *expr, struct planner_set *out,
		     struct error *err)
{
	struct selector *selector = selector_parse(name, expr, err);
	struct planner_set set = {.rows = NULL};

	if (!selector)
		return -1;
	int result = agents_choose(input->store, input->cluster_id, selector, &set.rows, &set.count, err);
	if (result == 0)
		result = add_gone(input, selector, &set, err);
	selector_free(selector);
	if (result < 0) {
		planner_set_clear(&set);
		return -1;
	}
	if (set.count > 0)
		qsort(set.rows, set.count, sizeof(*set.rows), compare_rows);
	*out = set;
	return 0;
}

bool planner_set_has(const struct planner_set *set, int64_t row)
{
	return set->count > 0 && bsearch(&row, set->rows, set->count, sizeof(*set->rows), compare_rows) != NULL;
}

void planner_set_clear(struct planner_set *set)
{
	free(set->rows);
	*set = (struct planner_set){.rows = NULL};
}

/* ---- who is left out */

static void add_rule(struct planner_filter *filter, enum plan_left_why why, const char *reason,
		     const struct planner_set *set)
{
	filter->rules = xreallocarray(filter->rules, filter->count + 1, sizeof(*filter->rules));
	filter->rules[filter->count++] =
		(struct planner_filter_rule){.why = why, .reason = xstrdup(reason), .set = *set};
}

static char *ignore_reason(const struct ignore *ignore)
{
	char since[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];

	return xasprintf("%s (number %" PRId64 " of the ignore list: %s, by %s since %s%s%s)", ignore->reason,
			 ignore->number, ignore->selector, ignore->author, clock_format(ignore->created_ms, since),
			 ignore->until_ms ? ", until " : "",
			 ignore->until_ms ? clock_format(ignore->until_ms, until) : "");
}

static int add_ignores(const struct planner_input *input, struct planner_filter *filter, struct error *err)
{
	struct ignore_list list;
	int result = 0;

	if (ignores_load(input->store, input->cluster_id, input->now_ms, &list, err) < 0)
		return -1;
	for (size_t i = 0; result == 0 && i < list.count; i++) {
		struct planner_set set;

		result = planner_set_load(input, "ignore list", list.items[i].selector, &set, err);
		if (result == 0) {
			char *reason = ignore_reason(&list.items[i]);

			add_rule(filter, LEFT_IGNORED, reason, &set);
			free(reason);
		}
	}
	ignore_list_clear(&list);
	return result;
}

int planner_filter_load(const struct planner_input *input, const struct planner_options *options,
			struct planner_filter *out, struct error *err)
{
	struct planner_filter filter = {.rules = NULL};
	struct planner_set set;
	int result = add_ignores(input, &filter, err);

	if (result == 0 && options->exclude) {
		result = planner_set_load(input, "--exclude", options->exclude, &set, err);
		if (result == 0) {
			char *reason = xasprintf("--exclude \"%s\"", options->exclude);

			add_rule(&filter, LEFT_EXCLUDED, reason, &set);
			free(reason);
		}
	}
	if (result == 0)
		*out = filter;
	else
		planner_filter_clear(&filter);
	return result;
}

const struct planner_filter_rule *planner_filter_find(const struct planner_filter *filter, int64_t row)
{
	for (size_t i = 0; i < filter->count; i++)
		if (planner_set_has(&filter->rules[i].set, row))
			return &filter->rules[i];
	return NULL;
}

void planner_filter_clear(struct planner_filter *filter)
{
	for (size_t i = 0; i < filter->count; i++) {
		free(filter->rules[i].reason);
		planner_set_clear(&filter->rules[i].set);
	}
	free(filter->rules);
	*filter = (struct planner_filter){.rules = NULL};
}

static void keep_wanted(struct agent_list *list, const struct planner_filter *filter)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (planner_filter_find(filter, list->items[i].row))
			agent_record_clear(&list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
}

int planner_choose(const struct planner_input *input, const struct planner_options *options, struct agent_list *out,
		   struct error *err)
{
	struct planner_filter filter;
	struct agent_list list = {NULL, 0};

	if (planner_select(input->store, input->cluster_id, options->where, &list, err) < 0)
		return -1;
	if (planner_filter_load(input, options, &filter, err) < 0) {
		agent_list_clear(&list);
		return -1;
	}
	keep_wanted(&list, &filter);
	planner_filter_clear(&filter);
	*out = list;
	return 0;
}
