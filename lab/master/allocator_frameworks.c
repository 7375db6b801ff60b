/* SPDX-License-Identifier: Apache-2.0 */
/* Frameworks in the allocator's book: their roles, what they have refused, and how their offers end. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/master/allocator_book.h"

struct allocator_framework *allocator_framework_find(const struct allocator *allocator, const char *id)
{
	struct allocator_framework *framework = allocator->frameworks;
	while (framework != NULL && strcmp(framework->id, id) != 0)
		framework = framework->next;
	return framework;
}

void allocator_filter_free(struct allocator_filter *filter)
{
	resources_clear(&filter->resources);
	free(filter->agent);
	free(filter->role);
	free(filter);
}

/* Of these roles; count 0: of all. */
static bool is_one_of(const char *role, const char *const *roles, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(role, roles[i]) == 0)
			return true;
	}
	return count == 0;
}

static void forget_filters(struct allocator_framework *framework, const char *const *roles, size_t count)
{
	struct allocator_filter **at = &framework->filters;
	while (*at != NULL) {
		struct allocator_filter *filter = *at;
		if (!is_one_of(filter->role, roles, count)) {
			at = &filter->next;
			continue;
		}
		*at = filter->next;
		allocator_filter_free(filter);
	}
}

static void forget_roles(struct allocator_framework *framework)
{
	for (size_t i = 0; i < framework->role_count; i++)
		free(framework->roles[i].name);
	free(framework->roles);
}

static struct allocator_framework *add_framework(struct allocator *allocator, const char *id)
{
	struct allocator_framework **at = &allocator->frameworks;
	while (*at != NULL)
		at = &(*at)->next;
	*at = xcalloc(1, sizeof(**at));
	(*at)->id = xstrdup(id);
	return *at;
}

void allocator_set_framework(struct allocator *allocator, const char *id, const char *const *roles, size_t count,
			     bool region_aware)
{
	struct allocator_framework *framework = allocator_framework_find(allocator, id);
	if (framework == NULL)
		framework = add_framework(allocator, id);
	forget_roles(framework);
	framework->roles = xcalloc(count > 0 ? count : 1, sizeof(*framework->roles));
	framework->role_count = count;
	for (size_t i = 0; i < count; i++)
		framework->roles[i] = (struct allocator_role){.name = xstrdup(roles[i])};
	framework->region_aware = region_aware;
}

void allocator_remove_framework(struct allocator *allocator, const char *id)
{
	for (struct allocator_framework **at = &allocator->frameworks; *at != NULL; at = &(*at)->next) {
		struct allocator_framework *framework = *at;
		if (strcmp(framework->id, id) != 0)
			continue;
		allocator_rescind(allocator, NULL, id);
		*at = framework->next;
		forget_filters(framework, NULL, 0);
		forget_roles(framework);
		free(framework->id);
		free(framework);
		return;
	}
}

static void set_suppressed(struct allocator_framework *framework, const char *const *roles, size_t count,
			   bool suppressed)
{
	for (size_t i = 0; i < framework->role_count; i++) {
		if (is_one_of(framework->roles[i].name, roles, count))
			framework->roles[i].suppressed = suppressed;
	}
}

void allocator_suppress(struct allocator *allocator, const char *id, const char *const *roles, size_t count)
{
	struct allocator_framework *framework = allocator_framework_find(allocator, id);
	if (framework != NULL)
		set_suppressed(framework, roles, count, true);
}

void allocator_revive(struct allocator *allocator, const char *id, const char *const *roles, size_t count)
{
	struct allocator_framework *framework = allocator_framework_find(allocator, id);
	if (framework == NULL)
		return;
	set_suppressed(framework, roles, count, false);
	forget_filters(framework, roles, count);
}

static void refuse(struct allocator *allocator, const struct allocator_offer *offer, const struct resources *refused,
		   int64_t until_ms)
{
	struct allocator_framework *framework = allocator_framework_find(allocator, offer->framework);
	if (framework == NULL || refused == NULL)
		return;
	struct allocator_filter *filter = xcalloc(1, sizeof(*filter));
	*filter = (struct allocator_filter){.next = framework->filters,
					    .agent = xstrdup(offer->agent),
					    .role = xstrdup(offer->role),
					    .until_ms = until_ms};
	allocator_bare(refused, &filter->resources);
	framework->filters = filter;
}

void allocator_end_offer(struct allocator *allocator, uint64_t number, const struct resources *refused,
			 int64_t until_ms)
{
	for (struct allocator_offer **at = &allocator->offers; *at != NULL; at = &(*at)->next) {
		struct allocator_offer *offer = *at;
		if (offer->number != number)
			continue;
		*at = offer->next;
		refuse(allocator, offer, refused, until_ms);
		allocator_offer_free(offer);
		return;
	}
}
