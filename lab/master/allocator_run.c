/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A round of offers. Each open agent goes, whole as far as it is free, to the role with the smallest dominant share and
 * in it to the framework with the smallest; what is reserved for others goes to the next that may have it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/master/allocator_book.h"

/* Somebody who could be offered something, in the order of who is first. */
struct claimant {
	struct allocator_framework *framework;
	const char *role;
	double role_share, share;
};

static int compare(const void *left, const void *right)
{
	const struct claimant *a = left, *b = right;
	if (a->role_share < b->role_share || a->role_share > b->role_share)
		return a->role_share < b->role_share ? -1 : 1;
	int order = strcmp(a->role, b->role);
	if (order != 0)
		return order;
	if (a->share < b->share || a->share > b->share)
		return a->share < b->share ? -1 : 1;
	return strcmp(a->framework->id, b->framework->id);
}

static size_t count_claimants(const struct allocator *allocator)
{
	size_t count = 0;
	for (const struct allocator_framework *framework = allocator->frameworks; framework != NULL;
	     framework = framework->next)
		count += framework->role_count;
	return count;
}

/* The caller frees it. */
static struct claimant *find_claimants(const struct allocator *allocator, size_t *count)
{
	struct claimant *list = xcalloc(count_claimants(allocator) + 1, sizeof(*list));
	*count = 0;
	for (struct allocator_framework *framework = allocator->frameworks; framework != NULL;
	     framework = framework->next) {
		for (size_t i = 0; i < framework->role_count; i++) {
			if (!framework->roles[i].suppressed)
				list[(*count)++] = (struct claimant){.framework = framework,
								     .role = framework->roles[i].name};
		}
	}
	return list;
}

static void rank(const struct allocator *allocator, struct claimant *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		list[i].role_share = allocator_share(allocator, list[i].role, NULL);
		list[i].share = allocator_share(allocator, list[i].role, list[i].framework->id);
	}
	qsort(list, count, sizeof(*list), compare);
}

/* Filters that are over have been forgotten at the beginning of the round. */
static bool is_refused(const struct claimant *claimant, const struct allocator_agent *agent,
		       const struct resources *resources)
{
	for (const struct allocator_filter *filter = claimant->framework->filters; filter != NULL;
	     filter = filter->next) {
		if (strcmp(filter->agent, agent->id) == 0 && strcmp(filter->role, claimant->role) == 0 &&
		    resources_contain(&filter->resources, resources))
			return true;
	}
	return false;
}

static void make_offer(struct allocator *allocator, const struct allocator_agent *agent,
		       const struct claimant *claimant, struct resources *resources)
{
	struct allocator_offer *offer = xcalloc(1, sizeof(*offer));
	*offer = (struct allocator_offer){.next = allocator->offers,
					  .number = ++allocator->last_number,
					  .agent = xstrdup(agent->id),
					  .framework = xstrdup(claimant->framework->id),
					  .role = xstrdup(claimant->role),
					  .resources = *resources};
	*resources = (struct resources){.items = NULL};
	allocator->offers = offer;
	allocator->ops->offered(allocator->ctx, offer);
}

/* True when something was offered: then shares have changed, and less is left. */
static bool offer_to(struct allocator *allocator, const struct allocator_agent *agent, const struct claimant *claimant,
		     const struct resources *left)
{
	struct resources portion = {.items = NULL};
	if (agent->remote && !claimant->framework->region_aware)
		return false;
	allocator_portion(left, claimant->role, &portion);
	bool good = allocator_worth_offering(&portion) && !is_refused(claimant, agent, &portion);
	if (good)
		make_offer(allocator, agent, claimant, &portion);
	resources_clear(&portion);
	return good;
}

static bool offer_agent(struct allocator *allocator, const struct allocator_agent *agent, struct claimant *list,
			size_t count)
{
	struct resources left = {.items = NULL};
	bool offered = false;
	allocator_free_of(allocator, agent, &left);
	for (size_t i = 0; i < count && !offered && allocator_worth_offering(&left); i++)
		offered = offer_to(allocator, agent, &list[i], &left);
	resources_clear(&left);
	if (offered)
		rank(allocator, list, count);
	return offered;
}

static void forget_old_filters(struct allocator *allocator, int64_t now_ms)
{
	for (struct allocator_framework *framework = allocator->frameworks; framework != NULL;
	     framework = framework->next) {
		struct allocator_filter **at = &framework->filters;
		while (*at != NULL) {
			struct allocator_filter *filter = *at;
			if (filter->until_ms > now_ms) {
				at = &filter->next;
				continue;
			}
			*at = filter->next;
			allocator_filter_free(filter);
		}
	}
}

void allocator_run(struct allocator *allocator, int64_t now_ms)
{
	size_t count;
	struct claimant *list = find_claimants(allocator, &count);
	forget_old_filters(allocator, now_ms);
	if (count > 0)
		rank(allocator, list, count);
	for (const struct allocator_agent *agent = allocator->agents; agent != NULL && count > 0; agent = agent->next) {
		while (agent->open && offer_agent(allocator, agent, list, count))
			;
	}
	free(list);
}
