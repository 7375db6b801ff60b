/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/planner_risks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/hostset.h"
#include "mesos/pb.h"
#include "mesos/resource.h"
#include "orchestrator/plan/plan_stops.h"

/* Names beyond this tell nobody more than their number does; --json has them all. */
#define NAMES_MAX 160
#define TEXT_MAX  (1u << 20)

/* ---- what was said of single agents */

static char *about_text(const char *names, size_t count)
{
	if (strlen(names) > NAMES_MAX)
		return xasprintf("%zu agents", count);
	return count > 1 ? xasprintf("%s (%zu agents)", names, count) : xstrdup(names);
}

static void add_group(void *ctx, const struct planner_refusal_group *group)
{
	char *about = about_text(group->names, group->count);
	char *text = group->example ? xasprintf("such as %s: %s", group->example, group->reason)
				    : xstrdup(group->reason);

	plan_add_finding(ctx, true, about, text, NULL);
	free(text);
	free(about);
}

void planner_risks_said(const struct planner_refusals *said, struct plan *plan)
{
	planner_refusals_group(said, add_group, plan);
}

/* ---- over-commitment */

struct shortage {
	char *what;         /* "mem", "mem(web)", "ports" */
	const char **names; /* agents, borrowed from the plan */
	size_t count;
	double missing; /* the most of it, for a scalar … */
	char *worst;    /* … and how it is there: "2048 of 1024 on node1", "31050-31060 on node1" */
};
struct shortages {
	struct shortage *items;
	size_t count;
};

/* Reservations made since and volumes are made of what the flags give: compared is what they were made of. */
static void strip(Mesos__Resource *resource)
{
	while (resource_is_dynamic(resource))
		pb_free(resource->reservations[--resource->n_reservations]);
	if (resource_is_volume(resource) && !resource->disk->source) {
		pb_free(resource->disk);
		resource->disk = NULL;
	} else if (resource_is_volume(resource)) {
		pb_free(resource->disk->persistence);
		pb_free(resource->disk->volume);
		resource->disk->persistence = NULL;
		resource->disk->volume = NULL;
	}
}

static void copy_stripped(const struct resources *from, struct resources *out)
{
	resources_copy(out, from->items, from->count);
	resources_normalise(out);
	for (size_t i = 0; i < out->count; i++)
		strip(out->items[i]);
	resources_normalise(out);
}

static char *name_of(const Mesos__Resource *resource)
{
	const char *role = resource->n_reservations > 0 ? resource->reservations[resource->n_reservations - 1]->role
							: NULL;

	return role ? xasprintf("%s(%s)", resource->name, role) : xstrdup(resource->name);
}

static double scalar_of(const Mesos__Resource *resource)
{
	return resource->scalar ? resource->scalar->value : 0;
}

static const Mesos__Resource *find_same(const struct resources *all, const Mesos__Resource *like)
{
	for (size_t i = 0; i < all->count; i++)
		if (resource_same_kind(all->items[i], like))
			return all->items[i];
	return NULL;
}

static struct shortage *find_shortage(struct shortages *all, char *what)
{
	for (size_t i = 0; i < all->count; i++) {
		if (strcmp(all->items[i].what, what) == 0) {
			free(what);
			return &all->items[i];
		}
	}
	all->items = xreallocarray(all->items, all->count + 1, sizeof(*all->items));
	all->items[all->count] = (struct shortage){.what = what};
	return &all->items[all->count++];
}

static void add_shortage(struct shortages *all, const char *hostname, const struct resources *used,
			 const Mesos__Resource *missing)
{
	struct shortage *shortage = find_shortage(all, name_of(missing));
	const Mesos__Resource *whole = find_same(used, missing);
	double lacking = scalar_of(missing), use = whole ? scalar_of(whole) : lacking;
	struct buffer value = BUFFER_INIT(TEXT_MAX);

	if (shortage->count == 0 || lacking > shortage->missing) {
		free(shortage->worst);
		resource_value_print(missing, &value);
		shortage->missing = lacking;
		shortage->worst = missing->scalar
					  ? xasprintf("%g used and %g there on %s", use, use - lacking, hostname)
					  : xasprintf("%s on %s", buffer_text(&value), hostname);
	}
	if (shortage->count == 0 || strcmp(shortage->names[shortage->count - 1], hostname) != 0) {
		shortage->names = xreallocarray(shortage->names, shortage->count + 1, sizeof(*shortage->names));
		shortage->names[shortage->count++] = hostname;
	}
	buffer_clear(&value);
}

static void find_missing(const struct plan_agent *agent, const struct resources *used, struct shortages *all)
{
	const struct resources after = {.items = agent->after->resources, .count = agent->after->n_resources};
	struct resources in_use = {NULL, 0}, there = {NULL, 0}, missing = {NULL, 0};

	copy_stripped(used, &in_use);
	resources_copy(&there, after.items, after.count);
	resources_normalise(&there);
	resources_copy(&missing, in_use.items, in_use.count);
	for (size_t i = 0; i < there.count; i++)
		resources_subtract(&missing, there.items[i]);
	for (size_t i = 0; i < missing.count; i++)
		add_shortage(all, agent->hostname, &in_use, missing.items[i]);
	resources_clear(&missing);
	resources_clear(&there);
	resources_clear(&in_use);
}

static void tell_shortage(const struct shortage *shortage, struct plan *plan)
{
	struct buffer names = BUFFER_INIT(TEXT_MAX);

	hostset_fold(shortage->names, shortage->count, &names);
	char *about = about_text(buffer_text(&names), shortage->count);
	char *text = xasprintf("tasks use more %s than will be there (%s%s): they keep running, and no more of it is "
			       "offered until enough of them end",
			       shortage->what, shortage->count > 1 ? "worst: " : "", shortage->worst);

	plan_add_finding(plan, true, about, text, NULL);
	free(text);
	free(about);
	buffer_clear(&names);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp((*(const struct agent_record *const *)a)->view.id,
		      (*(const struct agent_record *const *)b)->view.id);
}

static const struct agent_record **by_id(const struct agent_list *cluster)
{
	const struct agent_record **records = xcalloc(cluster->count + 1, sizeof(struct agent_record *));

	for (size_t i = 0; i < cluster->count; i++)
		records[i] = &cluster->items[i];
	qsort(records, cluster->count, sizeof(struct agent_record *), compare_ids);
	return records;
}

static const struct agent_record *find_record(const struct agent_record **records, size_t count, const char *id)
{
	const struct agent_record wanted = {.view.id = (char *)(uintptr_t)id}, *key = &wanted;
	const struct agent_record **found =
		count > 0 ? bsearch(&key, records, count, sizeof(struct agent_record *), compare_ids) : NULL;

	return found ? *found : NULL;
}

static bool keeps_tasks(const struct plan_agent *agent)
{
	return agent->mechanism != MECHANISM_DISCARD && !agent->native_discard;
}

void planner_risks_shortage(const struct agent_list *cluster, struct plan *plan)
{
	struct shortages all = {.items = NULL};
	const struct agent_record **records = by_id(cluster);

	for (size_t i = 0; i < plan->agent_count; i++) {
		const struct plan_agent *agent = &plan->agents[i];
		const struct agent_record *record = find_record(records, cluster->count, agent->agent_id);

		if (record && (agent->differs & PART_RESOURCES) && keeps_tasks(agent))
			find_missing(agent, &record->view.used, &all);
	}
	for (size_t i = 0; i < all.count; i++) {
		tell_shortage(&all.items[i], plan);
		free(all.items[i].what);
		free(all.items[i].worst);
		free(all.items[i].names);
	}
	free(all.items);
	free(records);
}

/* ---- guards */

void planner_risks_unguarded(const struct planner_options *options, struct plan *plan)
{
	if (plan->agent_count == 0)
		return;
	if (options->meltdown_percent == 0 || options->meltdown_percent >= 100)
		plan_add_finding(
			plan, true, "cluster",
			"the meltdown guard is off: however many of its agents are away for whatever reason, the "
			"run goes on",
			"leave out --meltdown unless that is meant");
	if (plan_stops_never(plan))
		plan_add_finding(plan, true, "--max-failures",
				 "as many agents may fail as there are in this plan: no number of failures stops it",
				 NULL);
}

/* Listed before, and not now. */
static int count_gone(const struct planner_input *input, size_t *out, struct error *err)
{
	struct agent_list gone;

	if (planner_select_gone(input->store, input->cluster_id, NULL, input->now_ms - PLANNER_GONE_FOR_GOOD_MS, &gone,
				err) < 0)
		return -1;
	*out = gone.count;
	agent_list_clear(&gone);
	return 0;
}

static bool are_too_many(size_t away, size_t all, const struct plan *plan)
{
	return away * 100 > (size_t)plan->options.meltdown_percent * all;
}

static void tell_away(const struct agent_list *cluster, size_t inactive, size_t gone, struct plan *plan)
{
	bool stops = are_too_many(inactive, cluster->count, plan);
	char *text;

	if (stops)
		text = xasprintf(
			"%zu of the %zu agents that the master lists are inactive, and more than %d%% stop the "
			"run: it would pause before it changes anybody",
			inactive, cluster->count, plan->options.meltdown_percent);
	else
		text = xasprintf("already away, %zu of %zu agents: %zu inactive, and %zu that the master has listed "
				 "in the last 30 days and does not list now. These the meltdown guard (more than %d%%) "
				 "does not count: the run begins without them",
				 inactive + gone, cluster->count + gone, inactive, gone,
				 plan->options.meltdown_percent);
	plan_add_finding(plan, true, "cluster", text,
			 stops ? "bring them back first, or say with --meltdown how many may be away"
			       : "bring them back first, unless they are gone for good");
	free(text);
}

int planner_risks_away(const struct planner_input *input, const struct agent_list *cluster, struct plan *plan,
		       struct error *err)
{
	size_t inactive = 0, gone;

	if (plan->agent_count == 0 || plan->options.meltdown_percent == 0)
		return 0;
	if (count_gone(input, &gone, err) < 0)
		return -1;
	/* A deactivated agent is there. */
	for (size_t i = 0; i < cluster->count; i++)
		inactive += !cluster->items[i].view.active && !cluster->items[i].view.deactivated;
	if (are_too_many(inactive, cluster->count, plan) || are_too_many(inactive + gone, cluster->count + gone, plan))
		tell_away(cluster, inactive, gone, plan);
	return 0;
}
