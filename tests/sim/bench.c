/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rollout over a fleet to which nothing happens, against ideal list scheduling: as many machines as the window has places, each
 * taking the next agent at the very moment at which it is free. The ratio says what rollcall itself adds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "tests/sim/outcome.h"

struct fleet {
	size_t agents;
	int window;
	int64_t *slot_ms, *away_ms; /* by agent, what they took */
};

static void prepare(struct world *world, void *ctx)
{
	const struct fleet *fleet = ctx;

	memset(&world->faults, 0, sizeof world->faults);
	for (size_t i = 0; i < world->host_count; i++)
		world->hosts[i].traits = 0;
	free(world->plan.stages);
	world->plan.stages = NULL;
	for (size_t i = 0; i < world->plan.stage_count; i++)
		free(world->plan.stage_names[i]);
	world->plan.stage_count = 0;
	world->plan.options = engine_default_options;
	world->plan.options.window = fleet->window;
	world->slot_ms = fleet->slot_ms;
	world->away_ms = fleet->away_ms;
	world->whole_answers = world->measures = true;
	world->depth = 1;
}

/* Ends the list's agents one after the other on whichever place is free first; a heap would pay off for larger windows. */
static int64_t ideal_ms(const int64_t *durations, size_t count, int window)
{
	int64_t *free_at = xcalloc((size_t)window, sizeof *free_at), end = 0;

	for (size_t i = 0; i < count; i++) {
		int soonest = 0;

		for (int place = 1; place < window; place++)
			soonest = free_at[place] < free_at[soonest] ? place : soonest;
		free_at[soonest] += durations[i];
		end = free_at[soonest] > end ? free_at[soonest] : end;
	}
	free(free_at);
	return end;
}

int bench(size_t agents, int window)
{
	struct fleet fleet = {.agents = agents, .window = window};
	struct scenario scenario = {
		.seed = 1, .family = CRASHES_ONLY, .calm = true, .prepare = prepare, .ctx = &fleet, .exactly = agents};
	struct outcome outcome;
	int64_t began = clock_monotonic_ms(), ms, away, slots;

	fleet.slot_ms = xcalloc(agents, sizeof *fleet.slot_ms);
	fleet.away_ms = xcalloc(agents, sizeof *fleet.away_ms);
	simulate(&scenario, &outcome);
	ms = outcome.ms - 1000; /* the world begins there */
	away = ideal_ms(fleet.away_ms, agents, window);
	slots = ideal_ms(fleet.slot_ms, agents, window);
	printf("%zu agents, window %d: %.1f s; ideal for the same times away %.1f s: ratio %.3f; for the same times in "
	       "the window %.1f s: ratio %.3f\n"
	       "rollcall itself took %.2f s of the processor, %.2f ms for an agent (simulated in %.1f s)%s%s\n",
	       agents, window, (double)ms / 1000, (double)away / 1000, (double)ms / (double)away, (double)slots / 1000,
	       (double)ms / (double)slots, (double)outcome.own_ns / 1e9, (double)outcome.own_ns / 1e6 / (double)agents,
	       (double)(clock_monotonic_ms() - began) / 1000, outcome.violation[0] ? "; " : "", outcome.violation);
	free(fleet.slot_ms);
	free(fleet.away_ms);
	outcome_clear(&outcome);
	return outcome.violation[0] ? 1 : 0;
}
