/* SPDX-License-Identifier: Apache-2.0 */
/* Failures, as the judge counts them: what rollcall was told and no person has seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/judge.h"

/* The parts of a run that one host belongs to; domain -1: none. */
struct parts {
	size_t stage;
	int domain;
};

static struct parts parts_of(const struct sim_host *host)
{
	const struct plan *plan = &host->world->plan;
	const char *domain = host->world->first_plan.agents[host->index].domain;
	struct parts parts = {.domain = domain ? (int)strtoul(strchr(domain, '-') + 1, NULL, 10) : -1};

	while (parts.stage < plan->stage_count && host->position >= plan->stages[parts.stage].end)
		parts.stage++;
	return parts;
}

static void count(const struct world *world, size_t index, struct sim_rows *failures)
{
	struct parts parts = parts_of(&world->hosts[index]);

	failures->run++;
	failures->stage[parts.stage]++;
	if (parts.domain >= 0)
		failures->domain[parts.domain]++;
}

/* How many agents each part has. */
static struct sim_rows sizes_of(const struct world *world)
{
	struct sim_rows sizes = {.run = 0};

	for (size_t i = 0; i < world->host_count; i++)
		if (world->hosts[i].position < world->plan.agent_count)
			count(world, i, &sizes);
	return sizes;
}

void judge_count_row(const struct sim_host *host, bool done, bool failed)
{
	struct sim_rows *rows = &host->world->rows;
	struct parts parts = parts_of(host);

	if (done)
		rows->run = rows->stage[parts.stage] = 0;
	else if (failed)
		count(host->world, host->index, rows);
	if (done && parts.domain >= 0)
		rows->domain[parts.domain] = 0;
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

static void judge_row(struct world *world, int row, int limit, const char *where)
{
	if (limit > 0 && row >= limit)
		world_violation(world, "invariant 4: an agent is begun after %d failures in a row%s, %d stop the run",
				row, where, limit);
}

/* In some part more than this share of its own agents, rounded down, have failed. */
static bool exceeds_share(const int *failures, const int *sizes, int percent)
{
	for (int i = 0; i < PARTS_MAX; i++)
		if (percent > 0 && failures[i] > sizes[i] * percent / 100)
			return true;
	return false;
}

static void judge_shares(struct world *world, const struct sim_rows *told)
{
	const struct engine_options *options = &world->plan.options;
	struct sim_rows sizes;

	if (told->run == 0 || (options->stage_max_percent == 0 && options->domain_max_percent == 0))
		return;
	sizes = sizes_of(world);
	if (exceeds_share(told->stage, sizes.stage, options->stage_max_percent))
		world_violation(world, "invariant 4: an agent is begun after more than %d%% of a stage have failed",
				options->stage_max_percent);
	if (exceeds_share(told->domain, sizes.domain, options->domain_max_percent))
		world_violation(world, "invariant 4: an agent is begun after more than %d%% of a domain have failed",
				options->domain_max_percent);
}

void judge_budgets(struct world *world)
{
	const struct engine_options *options = &world->plan.options;
	struct sim_rows told = {.run = 0};
	/* What failed in the commit that holds the intent came too late for it. */
	const struct sim_rows *rows = world->row_commit == world->commits ? &world->rows_before : &world->rows;

	forget_retried(world);
	for (size_t i = 0; i < world->failed_count; i++) {
		const struct sim_host *host = &world->hosts[world->failed[i]];

		if (!host->seen_failure && !host->seen_stuck && !host->may_be_seen && host->told_ms < world->now)
			count(world, host->index, &told);
	}
	judge_row(world, rows->run, options->max_consecutive, "");
	judge_row(world, most_of(rows->stage), options->stage_max_consecutive, " within a stage");
	judge_row(world, most_of(rows->domain), options->domain_max_consecutive, " within a domain");
	judge_shares(world, &told);
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

static bool row_is_spent(const struct world *world, const struct sim_rows *known, const char *reason)
{
	const struct engine_options *options = &world->plan.options;

	if (world->retried)
		return true;
	if (strstr(reason, "within a stage"))
		return most_of(known->stage) >= options->stage_max_consecutive;
	if (strstr(reason, "within a failure domain"))
		return most_of(known->domain) >= options->domain_max_consecutive;
	return known->run >= options->max_consecutive;
}

/* Can it be so, if the reason says that a budget is spent? */
static bool is_spent(const struct world *world, const struct sim_rows *known, const char *reason)
{
	const struct engine_options *options = &world->plan.options;
	struct sim_rows sizes = sizes_of(world);

	if (strstr(reason, "the failure budget is"))
		return exceeds(known->run, options->max_failures);
	if (strstr(reason, "budget of stage"))
		return exceeds(most_of(known->stage), options->stage_max_failures) ||
		       exceeds_share(known->stage, sizes.stage, options->stage_max_percent);
	if (strstr(reason, "budget of failure"))
		return exceeds(most_of(known->domain), options->domain_max_failures) ||
		       exceeds_share(known->domain, sizes.domain, options->domain_max_percent);
	return !strstr(reason, "in a row") || row_is_spent(world, known, reason);
}

void judge_reason(struct world *world, const char *reason)
{
	struct sim_rows known = {.run = 0};
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
	if (!is_spent(world, &known, reason))
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
