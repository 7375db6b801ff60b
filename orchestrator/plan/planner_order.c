/* SPDX-License-Identifier: Apache-2.0 */
/* Who comes first, and how many at a time: canaries, then domain after domain or by hostname, in windows that may grow. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/attributes.h"
#include "orchestrator/plan/planner_choose.h"
#include "orchestrator/plan/planner_order.h"

/* ---- amounts */

int planner_amount_parse(const char *name, const char *text, int64_t min, struct planner_amount *out, struct error *err)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	bool percent = end != text && strcmp(end, "%") == 0;
	if (end == text || errno != 0 || (!percent && *end != '\0'))
		return error_set(err, ERROR_USAGE, "%s %s: give a number or a percentage, for instance 3 or 20%%", name,
				 text);
	if (percent && (number < 1 || number > 100))
		return error_set(err, ERROR_USAGE, "%s %s: a percentage is from 1%% to 100%%", name, text);
	if (!percent && (number < min || number > INT_MAX))
		return error_set(err, ERROR_USAGE, "%s %s: must be at least %" PRId64, name, text, min);
	*out = (struct planner_amount){.number = number, .percent = percent};
	return 0;
}

int planner_amount_of(const struct planner_amount *amount, size_t count)
{
	if (!amount->percent)
		return (int)amount->number;
	int share = (int)(count * (size_t)amount->number / 100);
	return share > 0 ? share : 1;
}

int planner_windows_parse(const char *text, struct planner_windows *out, struct error *err)
{
	struct planner_windows windows = {.count = 0};

	for (const char *at = text;; at++) {
		size_t spaces = strspn(at, " "), len = strcspn(at + spaces, ",");
		char *word = xstrndup(at + spaces, len);
		int result = 0;

		if (windows.count == PLANNER_WINDOWS_MAX)
			result = error_set(err, ERROR_USAGE, "--window %s: more than %d windows", text,
					   PLANNER_WINDOWS_MAX);
		else
			result = planner_amount_parse("--window", word, 1, &windows.items[windows.count++], err);
		free(word);
		if (result < 0)
			return -1;
		at += spaces + len;
		if (*at == '\0')
			break;
	}
	*out = windows;
	return 0;
}

/* ---- one agent's place */

struct place {
	struct plan_agent agent;
	int64_t row;
	bool canary;
	char *group;   /* with --by; NULL: none */
	size_t before; /* where it was: hostnames in order */
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->canary != y->canary)
		return x->canary ? -1 : 1;
	if (!x->canary && x->group && y->group && strcmp(x->group, y->group) != 0)
		return strcmp(x->group, y->group);
	/* Those without a group come last. */
	if (!x->canary && !x->group != !y->group)
		return x->group ? -1 : 1;
	return (x->before > y->before) - (x->before < y->before);
}

/* ---- canaries */

/* Of so many canaries, the first of each kind come first: what one of them proves says little of the other kinds. */
static bool same_kind(const struct plan_agent *a, const struct plan_agent *b)
{
	const char *x = a->expect.agent_version, *y = b->expect.agent_version;

	return a->mechanism == b->mechanism && a->differs == b->differs && (x == NULL) == (y == NULL) &&
	       (!x || strcmp(x, y) == 0) && (a->task_count > 0) == (b->task_count > 0);
}

static bool is_new_kind(const struct place *places, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (places[i].canary && same_kind(&places[i].agent, &places[index].agent))
			return false;
	return true;
}

static void choose_by_count(struct place *places, size_t count, size_t wanted)
{
	for (size_t i = 0; i < count && wanted > 0; i++) {
		places[i].canary = is_new_kind(places, i);
		wanted -= places[i].canary;
	}
	for (size_t i = 0; i < count && wanted > 0; i++) {
		wanted -= !places[i].canary;
		places[i].canary = true;
	}
}

static int choose_by_selector(const struct planner_input *input, const char *expr, struct place *places, size_t count,
			      struct error *err)
{
	struct planner_set set;
	size_t found = 0;

	if (planner_set_load(input, "--canary", expr, &set, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		places[i].canary = planner_set_has(&set, places[i].row);
		found += places[i].canary;
	}
	planner_set_clear(&set);
	if (found == 0)
		return error_set(err, ERROR_USAGE, "--canary %s: none of the %zu agents that change matches", expr,
				 count);
	return 0;
}

bool planner_is_amount(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && (text[digits] == '\0' || strcmp(text + digits, "%") == 0);
}

static int choose_canaries(const struct planner_input *input, const char *text, struct place *places, size_t count,
			   struct error *err)
{
	struct planner_amount amount;

	if (!text)
		return 0;
	if (!planner_is_amount(text))
		return choose_by_selector(input, text, places, count, err);
	if (planner_amount_parse("--canary", text, 1, &amount, err) < 0)
		return -1;
	choose_by_count(places, count, (size_t)planner_amount_of(&amount, count));
	return 0;
}

/* ---- groups */

static char *attribute_of(const struct plan_agent *agent, const char *name)
{
	struct buffer value = BUFFER_INIT(4096);

	for (size_t i = 0; i < agent->before->n_attributes; i++) {
		if (strcmp(agent->before->attributes[i]->name, name) == 0) {
			attribute_value_text(agent->before->attributes[i], &value);
			return buffer_take(&value);
		}
	}
	return NULL;
}

static int choose_groups(const char *by, struct place *places, size_t count, struct error *err)
{
	size_t found = 0;

	for (size_t i = 0; by && i < count; i++) {
		const struct plan_agent *agent = &places[i].agent;

		if (strcmp(by, "zone") == 0)
			places[i].group = agent->domain ? xstrdup(agent->domain) : NULL;
		else
			places[i].group = attribute_of(agent, by);
		found += places[i].group != NULL;
	}
	if (by && found == 0)
		return error_set(err, ERROR_USAGE, "--by %s: none of the agents has %s", by,
				 strcmp(by, "zone") == 0 ? "a failure domain" : "such an attribute");
	return 0;
}

/* ---- stages */

struct staging {
	struct plan *plan;
	const struct planner_options *options;
	const struct place *places;
	size_t window; /* which of the windows holds now */
	size_t left;   /* of its one window's worth of agents; SIZE_MAX: it is the last */
};

static int window_size(const struct staging *staging)
{
	const struct planner_windows *windows = &staging->options->windows;

	if (windows->count == 0)
		return engine_default_options.window;
	return planner_amount_of(&windows->items[staging->window], staging->plan->agent_count);
}

static void enter_window(struct staging *staging, size_t window)
{
	staging->window = window;
	staging->left = window + 1 < staging->options->windows.count ? (size_t)window_size(staging) : SIZE_MAX;
}

static char *stage_name(const struct staging *staging, const struct place *first)
{
	const char *by = staging->options->by;

	if (first->canary)
		return xstrdup("canaries");
	if (by)
		return xasprintf("%s %s", by, first->group ? first->group : "(none)");
	return xstrdup(staging->window + 1 < staging->options->windows.count ? "growing"
		       : staging->plan->stage_count > 0                      ? "the rest"
									     : "all");
}

static bool same_group(const struct place *a, const struct place *b)
{
	if (!a->group || !b->group)
		return !a->group && !b->group;
	return strcmp(a->group, b->group) == 0;
}

/* Canaries of all groups are one stage. */
static bool same_stage(const struct place *a, const struct place *b)
{
	return a->canary == b->canary && (a->canary || same_group(a, b));
}

static void fill_stages(struct staging *staging)
{
	size_t count = staging->plan->agent_count;
	size_t end = 0;

	enter_window(staging, 0);
	while (end < count) {
		const struct place *first = &staging->places[end];
		char *name = stage_name(staging, first);
		int window = window_size(staging);
		size_t begin = end;

		while (end < count && same_stage(first, &staging->places[end]) &&
		       (first->canary || end - begin < staging->left))
			end++;
		/* What comes before the canaries are done is the canaries alone: they do not use up a window. */
		if (!first->canary && staging->left != SIZE_MAX)
			staging->left -= end - begin;
		plan_add_stage(staging->plan, name, end, window);
		free(name);
		if (staging->left == 0)
			enter_window(staging, staging->window + 1);
	}
}

static void set_window(struct plan *plan)
{
	if (plan->stage_count > 0)
		plan->options.window = 1;
	for (size_t i = 0; i < plan->stage_count; i++)
		if (plan->stages[i].window > plan->options.window)
			plan->options.window = plan->stages[i].window;
}

/* ---- the whole */

static int place_all(const struct planner_input *input, const struct planner_options *options, struct plan *plan,
		     struct place *places, struct error *err)
{
	size_t count = plan->agent_count;

	if (choose_canaries(input, options->canary, places, count, err) < 0 ||
	    choose_groups(options->by, places, count, err) < 0)
		return -1;
	qsort(places, count, sizeof(*places), compare_places);
	for (size_t i = 0; i < count; i++)
		plan->agents[i] = places[i].agent;
	struct staging staging = {.plan = plan, .options = options, .places = places};
	fill_stages(&staging);
	set_window(plan);
	return 0;
}

int planner_order(const struct planner_input *input, const struct planner_options *options, const int64_t *rows,
		  struct plan *plan, struct error *err)
{
	struct place *places = xcalloc(plan->agent_count + 1, sizeof(*places));

	for (size_t i = 0; i < plan->agent_count; i++)
		places[i] = (struct place){.agent = plan->agents[i], .row = rows[i], .before = i};
	int result = plan->agent_count > 0 ? place_all(input, options, plan, places, err) : 0;
	for (size_t i = 0; i < plan->agent_count; i++)
		free(places[i].group);
	free(places);
	return result;
}
