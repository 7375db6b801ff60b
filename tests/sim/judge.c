/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The invariants, judged by what is on the simulated hosts' disks and in their processes. The ledger is read only as
 * what it promises to be: durable. The engine's own state is never looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

/* As long as it takes rollcall to see at the master that an agent is away: its idle poll and the answer. */
#define NOTICE_MS 2500

static bool is_away(const struct sim_host *host)
{
	const struct sim_operation *op = NULL;

	for (op = host->operations; op; op = op->next)
		if (op->state.step != STEP_NONE && !operation_is_final(op->state.step))
			return true;
	return !host->active && host->world->now - host->left_ms > NOTICE_MS;
}

/* Invariant 2: whoever's operation begins now, is the window kept? */
static void judge_window(struct world *world, const struct sim_host *host)
{
	const struct engine_options *options = &world->plan.options;
	const char *domain = world->plan.agents[host->index].domain;
	int away = 1, domain_away = 1;

	for (size_t i = 0; i < world->host_count; i++) {
		const char *other = world->plan.agents[i].domain;

		if (i == host->index || !is_away(&world->hosts[i]))
			continue;
		away++;
		domain_away += domain && other && strcmp(domain, other) == 0;
	}
	if (away > options->window)
		world_violation(world, "invariant 2: %d agents away, the window is %d", away, options->window);
	if (options->domain_window && domain_away > options->domain_window)
		world_violation(world, "invariant 2: %d agents of %s away, its limit is %d", domain_away, domain,
				options->domain_window);
}

/* Invariant 1: the intent is in the ledger, with these bytes and a before-picture, before the request is anywhere. */
static void judge_durable(struct world *world, const struct sim_host *host, const char *operation, const char *request)
{
	struct run_agent *rows = NULL;
	size_t count = 0;
	bool found = false;

	if (ledger_load_agents(world->ledger, "run", &rows, &count, NULL) < 0)
		world_violation(world, "the ledger cannot be read");
	for (size_t i = 0; i < count; i++) {
		if ((size_t)rows[i].position == host->index && rows[i].operation &&
		    strcmp(rows[i].operation, operation) == 0)
			found = rows[i].before && rows[i].request && strcmp(rows[i].request, request) == 0;
		run_agent_clear(&rows[i]);
	}
	free(rows);
	if (!found)
		world_violation(world, "invariant 1: host %zu got an operation the ledger does not hold", host->index);
}

void judge_intent(struct world *world, struct sim_host *host, const char *operation, const char *request)
{
	judge_durable(world, host, operation, request);
	judge_window(world, host);
	if (host->changed_for_good > 0)
		world_violation(world, "invariant 3: host %zu is changed a second time", host->index);
}

/* The agent starts: with what it finds it must be able to keep its ID. */
void judge_start(struct world *world, struct sim_host *host)
{
	if (host->checkpoint != host->flags && host->meta_boot != host->boot)
		world_violation(world,
				"host %zu: after a reboot the agent starts with a checkpoint that does not fit "
				"its flags: it gets a new ID",
				host->index);
	else if (host->checkpoint != host->flags)
		world_violation(world, "host %zu: the agent starts with a checkpoint that does not fit its flags",
				host->index);
}

static void judge_operations(struct world *world, const struct sim_host *host)
{
	for (const struct sim_operation *op = host->operations; op; op = op->next) {
		if (op->forward_restarts > 1)
			world_violation(world, "invariant 3: host %zu, operation %s restarted the agent %d times",
					host->index, op->id, op->forward_restarts);
	}
}

static void judge_done(struct world *world, const struct sim_host *host)
{
	if (host->checkpoint != NEW || host->flags != NEW || host->changed_for_good != 1)
		world_violation(world, "invariant 5: host %zu is 'done', but its disk does not hold the new state",
				host->index);
	if (host->guard)
		world_violation(world, "host %zu is 'done', but the guard is still there", host->index);
}

static void judge_unchanged(struct world *world, const struct sim_host *host, const char *state)
{
	if (host->checkpoint != OLD || host->flags != OLD)
		world_violation(world, "host %zu is '%s', but its disk does not hold the old state", host->index,
				state);
}

/* The ledger's final word on each agent against what is on its host. */
void judge_end(struct world *world)
{
	struct run_agent *rows = NULL;
	size_t count = 0;

	if (ledger_load_agents(world->ledger, "run", &rows, &count, NULL) < 0 || count != world->host_count)
		world_violation(world, "the ledger cannot be read");
	for (size_t i = 0; i < count; i++) {
		const struct sim_host *host = &world->hosts[rows[i].position];
		int state = agent_state_parse(rows[i].state);

		judge_operations(world, host);
		if (state == AGENT_DONE)
			judge_done(world, host);
		if (state == AGENT_FAILED || state == AGENT_REVERTED || state == AGENT_WAITING)
			judge_unchanged(world, host, rows[i].state);
		if (state < 0 || agent_state_is_under_way((enum agent_state)state))
			world_violation(world, "invariant 10: the run ended with host %zu in state %s", host->index,
					rows[i].state);
		run_agent_clear(&rows[i]);
	}
	free(rows);
	if (ledger_verify(world->ledger, NULL, NULL) < 0)
		world_violation(world, "invariant 8: the chain does not hold");
}
