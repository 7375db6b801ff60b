/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/planner_domains.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/hostset.h"

/* Names of agents, in one line. */
#define NAMES_MAX (1u << 20)

/* ---- the zones of fault domains; everything is borrowed from the list of agents */

struct zone {
	const char *name;
	const char *region;
	const char *other; /* another region with a zone of that name; NULL: there is none */
};
struct zones {
	struct zone *items; /* by name */
	size_t count;
};

static int compare_zones(const void *a, const void *b)
{
	return strcmp(((const struct zone *)a)->name, ((const struct zone *)b)->name);
}

static void zones_load(const struct agent_list *cluster, struct zones *out)
{
	size_t found = 0, count = 0;
	struct zone *zones = xcalloc(cluster->count + 1, sizeof(*zones));

	for (size_t i = 0; i < cluster->count; i++)
		if (cluster->items[i].region && cluster->items[i].zone)
			zones[found++] = (struct zone){.name = cluster->items[i].zone,
						       .region = cluster->items[i].region};
	qsort(zones, found, sizeof(*zones), compare_zones);
	for (size_t i = 0; i < found; i++) {
		if (count == 0 || strcmp(zones[count - 1].name, zones[i].name) != 0)
			zones[count++] = zones[i];
		else if (strcmp(zones[count - 1].region, zones[i].region) != 0)
			zones[count - 1].other = zones[i].region;
	}
	*out = (struct zones){.items = zones, .count = count};
}

static const struct zone *zones_find(const struct zones *zones, const char *name)
{
	const struct zone wanted = {.name = name};

	return zones->count > 0 ? bsearch(&wanted, zones->items, zones->count, sizeof(wanted), compare_zones) : NULL;
}

/* ---- naming */

/* Of the agents without a fault domain those that the attribute puts somewhere. */
static const struct zone *zone_of(const struct zones *zones, const struct plan_agent *agent)
{
	bool has_domain = agent->before->domain && agent->before->domain->fault_domain;

	return agent->domain && !has_domain ? zones_find(zones, agent->domain) : NULL;
}

static bool limits(const struct planner_options *options)
{
	return options->domain_window.number > 0 || options->domain_max_failures.number >= 0 ||
	       options->domain_max_consecutive > 0;
}

static bool counts(const struct planner_options *options)
{
	return (options->by && strcmp(options->by, "zone") == 0) || limits(options);
}

/* One finding for each such zone. */
static void warn(const struct zones *zones, const struct zone *zone, struct plan *plan)
{
	const char **names = xcalloc(plan->agent_count + 1, sizeof(*names));
	struct buffer text = BUFFER_INIT(NAMES_MAX);
	size_t count = 0;

	for (size_t i = 0; i < plan->agent_count; i++)
		if (zone_of(zones, &plan->agents[i]) == zone)
			names[count++] = plan->agents[i].hostname;
	if (count > 0) {
		hostset_fold(names, count, &text);
		char *about = xasprintf("zone %s of %s", zone->name, buffer_text(&text));
		char *what = xasprintf("may be %s/%s or %s/%s, these agents have no fault domain that says which: they "
				       "count as a failure domain of their own, and the limits of the other two do not "
				       "see them",
				       zone->region, zone->name, zone->other, zone->name);
		plan_add_finding(plan, true, about, what,
				 "give them a fault domain first, or name everybody's by one attribute with "
				 "--domain-attribute");
		free(what);
		free(about);
	}
	buffer_clear(&text);
	free(names);
}

void planner_domains(const struct planner_options *options, const struct agent_list *cluster, struct plan *plan)
{
	struct zones zones;

	if (options->domain_attribute)
		return;
	zones_load(cluster, &zones);
	for (size_t i = 0; counts(options) && i < zones.count; i++)
		if (zones.items[i].other)
			warn(&zones, &zones.items[i], plan);
	for (size_t i = 0; i < plan->agent_count; i++) {
		const struct zone *zone = zone_of(&zones, &plan->agents[i]);

		if (!zone || zone->other)
			continue;
		free(plan->agents[i].domain);
		plan->agents[i].domain = xasprintf("%s/%s", zone->region, zone->name);
	}
	free(zones.items);
}

/* ---- those of none */

/* In one line; NULL when there are none. To be freed. */
static char *fold_those_without(const struct plan *plan, size_t *count)
{
	const char **names = xcalloc(plan->agent_count + 1, sizeof(*names));
	struct buffer text = BUFFER_INIT(NAMES_MAX);

	*count = 0;
	for (size_t i = 0; i < plan->agent_count; i++)
		if (!plan->agents[i].domain)
			names[(*count)++] = plan->agents[i].hostname;
	if (*count > 0)
		hostset_fold(names, *count, &text);
	free(names);
	return *count > 0 ? buffer_take(&text) : NULL;
}

void planner_domains_without(const struct planner_options *options, struct plan *plan)
{
	const char *attribute = options->domain_attribute ? options->domain_attribute : "zone";
	size_t count = 0;
	char *names = limits(options) ? fold_those_without(plan, &count) : NULL;

	if (!names)
		return;
	char *what = xasprintf("%zu of the agents that change %s no %s: together they count as one failure domain, "
			       "\"without %s\", and its limits hold for them",
			       count, count == 1 ? "has" : "have",
			       options->domain_attribute ? attribute : "failure domain", attribute);
	plan_add_finding(plan, true, names, what,
			 "if that is needlessly slow, --domain-attribute names an attribute that all of them have");
	for (size_t i = 0; i < plan->agent_count; i++)
		if (!plan->agents[i].domain)
			plan->agents[i].domain = xasprintf("without %s", attribute);
	free(what);
	free(names);
}
