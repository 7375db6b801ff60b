/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/master/allocator.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/master/allocator_book.h"

struct allocator *allocator_new(const struct allocator_ops *ops, void *ctx)
{
	struct allocator *allocator = xcalloc(1, sizeof(*allocator));
	*allocator = (struct allocator){.ops = ops, .ctx = ctx};
	return allocator;
}

/* ---- agents */

struct allocator_agent *allocator_agent_find(const struct allocator *allocator, const char *id)
{
	struct allocator_agent *agent = allocator->agents;
	while (agent != NULL && strcmp(agent->id, id) != 0)
		agent = agent->next;
	return agent;
}

static void forget_uses(struct allocator_agent *agent)
{
	for (size_t i = 0; i < agent->taken_count; i++) {
		free(agent->taken[i].framework);
		free(agent->taken[i].role);
		resources_clear(&agent->taken[i].resources);
	}
	free(agent->taken);
	agent->taken = NULL;
	agent->taken_count = 0;
}

static void agent_free(struct allocator_agent *agent)
{
	forget_uses(agent);
	resources_clear(&agent->total);
	resources_clear(&agent->headroom);
	free(agent->id);
	free(agent);
}

static struct allocator_agent *add_agent(struct allocator *allocator, const char *id)
{
	struct allocator_agent **at = &allocator->agents;
	while (*at != NULL)
		at = &(*at)->next;
	*at = xcalloc(1, sizeof(**at));
	(*at)->id = xstrdup(id);
	return *at;
}

static void measure(struct allocator_agent *agent)
{
	struct resources used = {.items = NULL};
	for (size_t i = 0; i < agent->taken_count; i++)
		resources_add(&used, &agent->taken[i].resources);
	resources_clear(&agent->headroom);
	allocator_headroom(&agent->total, &used, &agent->headroom);
	resources_clear(&used);
}

static bool offers_fit(const struct allocator *allocator, const struct allocator_agent *agent)
{
	struct resources offered = {.items = NULL};
	for (const struct allocator_offer *offer = allocator->offers; offer != NULL; offer = offer->next) {
		if (strcmp(offer->agent, agent->id) == 0)
			resources_add(&offered, &offer->resources);
	}
	bool fit = resources_contain(&agent->headroom, &offered);
	resources_clear(&offered);
	return fit;
}

/* Something has changed: what can be given, and whether what is offered still can. */
static void settle(struct allocator *allocator, struct allocator_agent *agent)
{
	measure(agent);
	if (!agent->open || !offers_fit(allocator, agent))
		allocator_rescind(allocator, agent->id, NULL);
}

void allocator_set_agent(struct allocator *allocator, const char *id, const struct resources *total, bool open,
			 bool remote)
{
	struct allocator_agent *agent = allocator_agent_find(allocator, id);
	if (agent == NULL)
		agent = add_agent(allocator, id);
	resources_clear(&agent->total);
	allocator_bare(total, &agent->total);
	agent->open = open;
	agent->remote = remote;
	settle(allocator, agent);
}

void allocator_remove_agent(struct allocator *allocator, const char *id)
{
	for (struct allocator_agent **at = &allocator->agents; *at != NULL; at = &(*at)->next) {
		struct allocator_agent *agent = *at;
		if (strcmp(agent->id, id) != 0)
			continue;
		allocator_rescind(allocator, id, NULL);
		*at = agent->next;
		agent_free(agent);
		return;
	}
}

void allocator_set_uses(struct allocator *allocator, const char *id, const struct allocator_use *uses, size_t count)
{
	struct allocator_agent *agent = allocator_agent_find(allocator, id);
	if (agent == NULL)
		return;
	forget_uses(agent);
	agent->taken = xcalloc(count > 0 ? count : 1, sizeof(*agent->taken));
	agent->taken_count = count;
	for (size_t i = 0; i < count; i++) {
		agent->taken[i].framework = xstrdup(uses[i].framework);
		agent->taken[i].role = xstrdup(uses[i].role);
		allocator_bare(uses[i].resources, &agent->taken[i].resources);
	}
	settle(allocator, agent);
}

void allocator_free_of(const struct allocator *allocator, const struct allocator_agent *agent, struct resources *out)
{
	resources_copy(out, agent->headroom.items, agent->headroom.count);
	for (const struct allocator_offer *offer = allocator->offers; offer != NULL; offer = offer->next) {
		for (size_t i = 0; i < offer->resources.count && strcmp(offer->agent, agent->id) == 0; i++)
			resources_subtract(out, offer->resources.items[i]);
	}
}

/* ---- offers */

void allocator_offer_free(struct allocator_offer *offer)
{
	resources_clear(&offer->resources);
	free(offer->agent);
	free(offer->framework);
	free(offer->role);
	free(offer);
}

const struct allocator_offer *allocator_offers(const struct allocator *allocator)
{
	return allocator->offers;
}

const struct allocator_offer *allocator_find_offer(const struct allocator *allocator, uint64_t number)
{
	const struct allocator_offer *offer = allocator->offers;
	while (offer != NULL && offer->number != number)
		offer = offer->next;
	return offer;
}

void allocator_rescind(struct allocator *allocator, const char *agent, const char *framework)
{
	struct allocator_offer **at = &allocator->offers;
	while (*at != NULL) {
		struct allocator_offer *offer = *at;
		if ((agent != NULL && strcmp(offer->agent, agent) != 0) ||
		    (framework != NULL && strcmp(offer->framework, framework) != 0)) {
			at = &offer->next;
			continue;
		}
		*at = offer->next;
		allocator->ops->rescinded(allocator->ctx, offer);
		allocator_offer_free(offer);
	}
}

void allocator_free(struct allocator *allocator)
{
	if (allocator == NULL)
		return;
	while (allocator->offers != NULL) {
		struct allocator_offer *offer = allocator->offers;
		allocator->offers = offer->next;
		allocator_offer_free(offer);
	}
	while (allocator->frameworks != NULL)
		allocator_remove_framework(allocator, allocator->frameworks->id);
	while (allocator->agents != NULL) {
		struct allocator_agent *agent = allocator->agents;
		allocator->agents = agent->next;
		agent_free(agent);
	}
	free(allocator);
}
