/* SPDX-License-Identifier: Apache-2.0 */
/* One scenario from its beginning to its end, and what came of it. */
#include "tests/sim/outcome.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/sim/judge.h"

static void read_run(struct world *world, struct outcome *outcome)
{
	struct run_row run;

	if (ledger_load_run(world->ledger, world->run, &run, NULL) < 0)
		return;
	outcome->run = (enum run_state)run_state_parse(run.state);
	run_row_clear(&run);
}

static void read_outcome(struct world *world, struct outcome *outcome)
{
	struct run_agent *rows = NULL;
	size_t count = 0;

	outcome->lives = world->lives;
	outcome->agents = world->host_count;
	outcome->commit_calls = world->commit_calls;
	outcome->ms = world->now;
	outcome->own_ns = world->own_ns;
	outcome->trace = world->trace ^ world->random;
	outcome->table = xcalloc(world->host_count + 1, 1);
	read_run(world, outcome);
	if (ledger_load_agents(world->ledger, world->run, &rows, &count, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		int state = agent_state_parse(rows[i].state);

		outcome->by_state[state]++;
		outcome->table[i] = (char)('a' + state);
		run_agent_clear(&rows[i]);
	}
	free(rows);
}

void simulate(const struct scenario *scenario, struct outcome *outcome)
{
	struct world world;

	memset(outcome, 0, sizeof *outcome);
	world_init(&world, scenario->seed);
	world.verbose = scenario->verbose;
	world.largest = scenario->largest;
	world.exactly = scenario->exactly;
	world.dies_at = scenario->dies_at;
	scenario_build(&world, scenario->family);
	if (scenario->calm || scenario->dies_at)
		world.faults.rollcall_crash = world.faults.rollcall_stall = world.faults.sleeps =
			world.faults.second_operator = 0;
	if (scenario->prepare)
		scenario->prepare(&world, scenario->ctx);
	scenario_run(&world);
	if (!world.violation[0])
		judge_end(&world, scenario->family);
	if (!world.violation[0] && scenario->family != CRASHES_ONLY && world_between(&world, 0, 1) &&
	    scenario_turn(&world)) {
		scenario_run(&world);
		if (!world.violation[0])
			judge_end(&world, scenario->family);
	}
	if (!world.violation[0])
		agentctl_end_rescues(&world);
	read_outcome(&world, outcome);
	memcpy(outcome->violation, world.violation, sizeof outcome->violation);
	scenario_clear(&world);
}

void outcome_clear(struct outcome *outcome)
{
	free(outcome->table);
	outcome->table = NULL;
}

bool outcome_same_table(const struct outcome *with, const struct outcome *without)
{
	return strcmp(with->table, without->table) == 0 && with->run == without->run;
}
