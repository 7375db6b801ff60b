/* SPDX-License-Identifier: Apache-2.0 */
/* What befalls a host while its agentctl is at work, at any moment, whatever it does or waits for just then. */
#include "tests/sim/judge.h"

static void act_power_cut(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)world;
	(void)detail;
	if (generation == host->agentctl_life)
		host_power_cut(host);
}

static void act_agent_killed(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)generation; /* also when its agentctl is dead */
	(void)detail;
	if (world->faults_over || !host->pid)
		return;
	world_say(world, "host %zu: the agent is killed", host->index);
	host_kill_agent(host);
	host->disturbed_ms = world->now;
	host_want_start(host, world_between(world, 1, world_between(world, 0, 1) ? 20 : 1000));
}

/* One thing comes with the other. */
void agentctl_kill_agent_too(struct sim_host *host)
{
	if (world_between(host->world, 0, 3) == 0)
		world_at(host->world, world_between(host->world, 1, world_between(host->world, 0, 1) ? 5 : 500),
			 act_agent_killed, host, 0, 0);
}

static void kill_agentctl(struct sim_host *host)
{
	world_say(host->world, "host %zu: agentctl is killed", host->index);
	agentctl_die(host);
	agentctl_kill_agent_too(host);
}

static void act_killed(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)detail;
	if (generation == host->agentctl_life && !world->faults_over)
		kill_agentctl(host);
}

static void say_undo(struct sim_host *host)
{
	world_say(host->world, "host %zu: somebody there takes the change back", host->index);
	host->disturbed_ms = host->world->now;
	host->word = WORD_UNDO;
}

static void act_undo(struct world *world, struct sim_host *host, int generation, uint64_t detail)
{
	(void)detail;
	if (generation != host->agentctl_life || world->faults_over)
		return;
	say_undo(host);
	agentctl_wake(host);
}

/* What befalls it before it is over. */
void agentctl_draw_mishaps(struct sim_host *host)
{
	struct world *world = host->world;
	int odds = host->current->rescue ? 4 : 1; /* they are few */

	if (world_fault(world, world->faults.undo))
		world_at(world, world_between(world, 0, world_between(world, 0, 1) ? 100 : 8000), act_undo, host,
			 host->agentctl_life, 0);
	if (world_fault(world, odds * world->faults.power_cut))
		world_at(world, world_between(world, 0, 8000), act_power_cut, host, host->agentctl_life, 0);
	if (world_fault(world, odds * world->faults.agentctl_killed))
		world_at(world, world_between(world, 0, 8000), act_killed, host, host->agentctl_life, 0);
	if (world_fault(world, world->faults.agent_killed))
		world_at(world, world_between(world, 0, world_between(world, 0, 1) ? 100 : 8000), act_agent_killed,
			 host, host->agentctl_life, 0);
}

/* It is over in a moment, and of few hosts: what may befall it comes often. */
void agentctl_disturb_moment(struct sim_host *host)
{
	struct world *world = host->world;

	if (world_fault(world, 8 * world->faults.undo))
		say_undo(host);
	if (world_fault(world, 2 * world->faults.power_cut))
		host_power_cut(host);
}

/* At each of its steps; and what takes it back is disturbed by what turns it round. */
void agentctl_disturb_rescue(struct sim_host *host)
{
	bool undoing = host->current->state.step >= STEP_UNDOING;
	struct world *world = host->world;
	int64_t what;

	if (!world_fault(world, world->faults.rescue_disturbed))
		return;
	what = world_between(world, 0, 3);
	if (what == 0)
		kill_agentctl(host);
	else if (what == 1 || undoing)
		host_power_cut(host);
	else
		say_undo(host);
}
