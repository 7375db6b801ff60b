/* SPDX-License-Identifier: Apache-2.0 */
/* Failures, as the judge counts them: what rollcall was told and no person has seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/judge.h"

/* Zones and stages are few. */
#define PARTS_MAX 64

struct failures {
	int run, stage[PARTS_MAX], domain[PARTS_MAX];
};

static void count(const struct world *world, size_t index, struct failures *failures)
{
	const char *domain = world->first_plan.agents[index].domain;
	size_t stage = 0;

	while (stage < world->plan.stage_count && world->hosts[index].position >= world->plan.stages[stage].end)
		stage++;
	failures->run++;
	failures->stage[stage]++;
	if (domain)
		failures->domain[strtoul(strchr(domain, '-') + 1, NULL, 10)]++;
}

static int most_of(const int *counts)
{
	int most = 0;

	for (int i = 0; i < PARTS_MAX; i++)
		most = counts[i] > most ? counts[i] : most;
	return most;
}

static bool exceeds(int failures, int limit)
{
	return limit >= 0 && failures > limit;
}

void judge_failed(struct sim_host *host)
{
	struct world *world = host->world;

	host->told_failure = true;
	host->told_ms = world->now;
	if (host->is_failed)
		return;
	host->is_failed = true;
	world->failed[world->failed_count++] = host->index;
}

/* Those that are tried again have not failed any more. */
static void forget_retried(struct world *world)
{
	for (size_t i = world->failed_count; i-- > 0;) {
		struct sim_host *host = &world->hosts[world->failed[i]];

		if (host->told_failure)
			continue;
		host->is_failed = false;
		world->failed[i] = world->failed[--world->failed_count];
	}
}

void judge_budgets(struct world *world)
{
	const struct engine_options *options = &world->plan.options;
	struct failures told = {.run = 0};
	/* What failed in the commit that holds the intent came too late for it. */
	int row = world->row_commit == world->commits ? world->in_a_row_before : world->in_a_row;

	forget_retried(world);
	for (size_t i = 0; i < world->failed_count; i++) {
		const struct sim_host *host = &world->hosts[world->failed[i]];

		if (!host->seen_failure && !host->seen_stuck && !host->may_be_seen && host->told_ms < world->now)
			count(world, host->index, &told);
	}
	if (options->max_consecutive && row >= options->max_consecutive)
		world_violation(world, "invariant 4: an agent is begun after %d failures in a row, %d stop the run",
				row, options->max_consecutive);
	if (exceeds(told.run, options->max_failures))
		world_violation(world, "invariant 4: an agent is begun after %d failures, %d are allowed", told.run,
				options->max_failures);
	if (exceeds(most_of(told.stage), options->stage_max_failures))
		world_violation(world, "invariant 4: an agent is begun after %d failures in one stage, %d are allowed",
				most_of(told.stage), options->stage_max_failures);
	if (exceeds(most_of(told.domain), options->domain_max_failures))
		world_violation(world, "invariant 4: an agent is begun after %d failures in one domain, %d are allowed",
				most_of(told.domain), options->domain_max_failures);
}

void judge_reason(struct world *world, const char *reason)
{
	const struct engine_options *options = &world->plan.options;
	struct failures known = {.run = 0};
	int stuck = 0;

	for (size_t i = 0; i < world->host_count; i++) {
		const struct sim_host *host = &world->hosts[i];

		/* One that is to be tried again may have left that state in the same commit. */
		bool failed = agent_state_is_failure(host->known) || host->failed_commit == world->commits;

		if (failed && !host->seen_failure && !host->seen_stuck)
			count(world, i, &known);
		/* The same: it may have been asked again at once. */
		stuck += (host->known == AGENT_STUCK && !host->seen_stuck) || host->known == AGENT_GATING ||
			 host->stuck_commit == world->commits;
	}
	if ((strstr(reason, "the failure budget is") && !exceeds(known.run, options->max_failures)) ||
	    (strstr(reason, "budget of stage") && !exceeds(most_of(known.stage), options->stage_max_failures)) ||
	    (strstr(reason, "budget of failure") && !exceeds(most_of(known.domain), options->domain_max_failures)) ||
	    (strstr(reason, "in a row") && !world->retried && known.run < options->max_consecutive))
		world_violation(world, "the run is paused after %d failures because: %s", known.run, reason);
	if (strstr(reason, "needs a person") && stuck == 0)
		world_violation(world, "the run is paused for an agent that a person has seen already");
}

void judge_seen(struct world *world, bool certain)
{
	for (size_t i = 0; i < world->host_count; i++) {
		struct sim_host *host = &world->hosts[i];
		bool failed = host->known != AGENT_STUCK && (host->told_failure || agent_state_is_failure(host->known));

		host->may_be_seen |= failed;
		host->sees_stuck |= certain && host->known == AGENT_STUCK;
		host->sees_failure |= certain && failed && agent_state_is_failure(host->known);
	}
}
