/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage after stage: how many may be away at once, and how many may have failed without a budget being spent. One failure more stops
 * the run, and those that are away then may fail as well.
 */
#include "orchestrator/plan/plan_most.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* What a budget allows of so many agents: a number (-1: any) or a share, and a row that must not be reached (0: any). */
struct allowance {
	int most, percent, row;
};

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Of so many, with one that does well after each row that is just short. */
static size_t allowed(const struct allowance *allowance, size_t agents)
{
	int most = allowance->percent > 0 ? engine_share(agents, allowance->percent) : allowance->most;
	size_t budget = most < 0 ? agents : smaller((size_t)most, agents);
	size_t rows = allowance->row > 0 ? agents - agents / (size_t)allowance->row : agents;

	return smaller(budget, rows);
}

/* ---- the failure domains of all agents, as numbers */

struct domains {
	const char **names; /* each once, in order; borrowed from the plan */
	size_t count;
	size_t *sizes;
	size_t *here;   /* of the stage that is looked at, away at once; all 0 between stages */
	size_t *so_far; /* of this stage and those before */
};

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* SIZE_MAX: it is in none, and none's limits hold for it. */
static size_t domain_of(const struct domains *domains, const struct plan_agent *agent)
{
	const char *const *found = NULL;

	if (agent->domain && domains->count > 0)
		found = bsearch(&agent->domain, domains->names, domains->count, sizeof(*domains->names), compare_texts);
	return found ? (size_t)(found - (const char *const *)domains->names) : SIZE_MAX;
}

static void domains_init(const struct plan *plan, struct domains *out)
{
	size_t named = 0, room = plan->agent_count + 1;
	const char **names = xcalloc(room, sizeof(*names));

	*out = (struct domains){.names = names,
				.sizes = xcalloc(room, sizeof(size_t)),
				.here = xcalloc(room, sizeof(size_t)),
				.so_far = xcalloc(room, sizeof(size_t))};
	for (size_t i = 0; i < plan->agent_count; i++)
		if (plan->agents[i].domain)
			names[named++] = plan->agents[i].domain;
	qsort(names, named, sizeof(*names), compare_texts);
	for (size_t i = 0; i < named; i++) {
		if (out->count == 0 || strcmp(names[out->count - 1], names[i]) != 0)
			names[out->count++] = names[i];
		out->sizes[out->count - 1]++;
	}
}

static void domains_clear(struct domains *domains)
{
	free(domains->names);
	free(domains->sizes);
	free(domains->here);
	free(domains->so_far);
}

/* ---- one stage */

/* What the stages so far come to. */
struct sums {
	const struct plan *plan;
	struct domains domains;
	size_t by_stage;  /* failures that the stages' own budgets allow */
	size_t by_domain; /* … and those of the failure domains */
};

/* A domain's share is of all its agents, of which some have not had their turn yet. */
static size_t domain_allows(const struct sums *sums, size_t domain)
{
	const struct engine_options *options = &sums->plan->options;
	struct allowance allowance = {options->domain_max_failures, 0, options->domain_max_consecutive};

	if (options->domain_max_percent > 0)
		allowance.most = engine_share(sums->domains.sizes[domain], options->domain_max_percent);
	return allowed(&allowance, sums->domains.so_far[domain]);
}

/* Returns how many of the stage the window of the failure domains lets be away at once. */
static size_t add_agents(struct sums *sums, size_t begin, size_t end)
{
	const struct plan *plan = sums->plan;
	struct domains *domains = &sums->domains;
	size_t window = plan->options.domain_window > 0 ? (size_t)plan->options.domain_window : SIZE_MAX, away = 0;

	for (size_t i = begin; i < end; i++) {
		size_t domain = domain_of(domains, &plan->agents[i]);

		if (domain == SIZE_MAX) {
			sums->by_domain++;
			away++;
			continue;
		}
		sums->by_domain -= domain_allows(sums, domain);
		domains->so_far[domain]++;
		sums->by_domain += domain_allows(sums, domain);
		away += domains->here[domain]++ < window;
	}
	for (size_t i = begin; i < end; i++) {
		size_t domain = domain_of(domains, &plan->agents[i]);

		if (domain != SIZE_MAX)
			domains->here[domain] = 0;
	}
	return away;
}

static void add_stage(struct sums *sums, size_t begin, const struct engine_stage *stage, struct plan_most *most)
{
	const struct engine_options *options = &sums->plan->options;
	const struct allowance of_stage = {options->stage_max_failures, options->stage_max_percent,
					   options->stage_max_consecutive};
	const struct allowance of_run = {options->max_failures, 0, options->max_consecutive};
	size_t away = smaller(add_agents(sums, begin, stage->end), (size_t)stage->window);

	sums->by_stage += allowed(&of_stage, stage->end - begin);
	size_t failures = smaller(allowed(&of_run, stage->end), smaller(sums->by_stage, sums->by_domain));
	size_t stopping = smaller(failures + 1, stage->end), failing = smaller(failures + away, stage->end);

	most->away = away > most->away ? away : most->away;
	most->stopping = stopping > most->stopping ? stopping : most->stopping;
	most->failing = failing > most->failing ? failing : most->failing;
}

struct plan_most plan_most_of(const struct plan *plan)
{
	const struct engine_stage whole = {plan->agent_count, plan->options.window};
	struct plan_most most = {.away = 0};
	struct sums sums = {.plan = plan};
	size_t begin = 0;

	domains_init(plan, &sums.domains);
	if (plan->stage_count == 0)
		add_stage(&sums, 0, &whole, &most);
	for (size_t i = 0; i < plan->stage_count; i++) {
		add_stage(&sums, begin, &plan->stages[i], &most);
		begin = plan->stages[i].end;
	}
	domains_clear(&sums.domains);
	return most;
}
