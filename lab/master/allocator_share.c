/* SPDX-License-Identifier: Apache-2.0 */
/* Dominant shares. They are added up anew each time: a lab has few frameworks, and nothing can drift. */
#include <stdlib.h>
#include <string.h>

#include "lab/master/allocator_book.h"
#include "mesos/value.h"

#define NAMES_MAX 32 /* scalar resources that count; a lab has four, and what its operator invents */

struct sums {
	const char *names[NAMES_MAX];
	long long have[NAMES_MAX], all[NAMES_MAX]; /* in thousandths */
	size_t count;
};

static size_t index_of(struct sums *sums, const char *name)
{
	size_t i = 0;
	while (i < sums->count && strcmp(sums->names[i], name) != 0)
		i++;
	if (i == sums->count && i < NAMES_MAX)
		sums->names[sums->count++] = name;
	return i;
}

static void add(struct sums *sums, long long *to, const struct resources *resources)
{
	for (size_t i = 0; i < resources->count; i++) {
		const Mesos__Resource *item = resources->items[i];
		if (item->type != MESOS__VALUE__TYPE__SCALAR || item->scalar == NULL)
			continue;
		size_t index = index_of(sums, item->name);
		if (index < NAMES_MAX)
			to[index] += scalar_fixed(item->scalar->value);
	}
}

static bool is_theirs(const char *role, const char *framework, const char *other_role, const char *other)
{
	return strcmp(role, other_role) == 0 && (framework == NULL || strcmp(framework, other) == 0);
}

double allocator_share(const struct allocator *allocator, const char *role, const char *framework)
{
	struct sums sums = {.count = 0};
	double share = 0;
	for (const struct allocator_agent *agent = allocator->agents; agent != NULL; agent = agent->next) {
		add(&sums, sums.all, &agent->total);
		for (size_t i = 0; i < agent->taken_count; i++) {
			if (is_theirs(role, framework, agent->taken[i].role, agent->taken[i].framework))
				add(&sums, sums.have, &agent->taken[i].resources);
		}
	}
	for (const struct allocator_offer *offer = allocator->offers; offer != NULL; offer = offer->next) {
		if (is_theirs(role, framework, offer->role, offer->framework))
			add(&sums, sums.have, &offer->resources);
	}
	for (size_t i = 0; i < sums.count; i++) {
		double part = sums.all[i] > 0 ? (double)sums.have[i] / (double)sums.all[i] : 0;
		share = part > share ? part : share;
	}
	return share;
}
