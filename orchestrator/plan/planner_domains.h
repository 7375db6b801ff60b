/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLANNER_DOMAINS_H
#define ORCHESTRATOR_PLANNER_DOMAINS_H
/*
 * One zone has one name. Agents with a fault domain are in "region/zone"; of those without one only the attribute `zone` is known.
 * Where the cluster's fault domains have a zone of that name in one region, that zone is meant, and they are named alike: limits per
 * domain, --by zone and the reports then count them together.
 */
#include "inventory/agents.h"
#include "orchestrator/plan/planner.h"

/* For a plan whose agents are there, before they are put in order. cluster: every agent the master lists. A zone that is in several
 * regions keeps its bare name and is a domain of its own; the plan says so where it counts, as a risk. */
void planner_domains(const struct planner_options *options, const struct agent_list *cluster, struct plan *plan);

/* Where failure domains are limited, agents that are in none are together one of their own, "without zone" (or the attribute's name):
 * nobody knows that they do not fail together. The plan says so, as a risk: it may be needlessly slow. After planner_order, which puts them last. */
void planner_domains_without(const struct planner_options *options, struct plan *plan);

#endif
