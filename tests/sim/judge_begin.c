/* SPDX-License-Identifier: Apache-2.0 */
/* May an agent be begun just now? By what rollcall was told, and by what the master showed it last. */
#include "tests/sim/judge.h"

/* A master's own agent_reregister_timeout. */
#define REREGISTER_MS 600000

/* Invariant 2, by what rollcall was told: whoever it has to do with, and whoever the master's last answer showed as away. */
static bool is_known_away(const struct sim_host *host)
{
	const struct sim_operation *op = host_last_operation(host);

	if (host->position == SIZE_MAX)
		return false;
	if ((host->traits & DEACTIVATED) && !agent_state_is_away(host->known))
		return false; /* what it does after it was judged, the master does not show */
	return (host->talking && host->applying) || host->shown_away ||
	       (op && !op->back && !op->lost && !judge_is_hidden(host));
}

static void judge_room(struct world *world, const struct sim_host *host)
{
	int away = 1;

	for (size_t i = 0; i < world->watched_count; i++) {
		const struct sim_host *other = &world->hosts[world->watched[i]];

		/* Whose gates are asked keeps its place. */
		away += other != host && (is_known_away(other) || other->known == AGENT_GATING);
	}
	if (away > judge_window_now(world))
		world_violation(world, "invariant 2: with host %zu %d agents are away, the window is %d", host->index,
				away, judge_window_now(world));
}

/* Nothing more is begun while more of the cluster is away than the plan allows, by what the master showed last. */
static void judge_meltdown(struct world *world)
{
	int away = 0, ours = 0, most = world->plan.options.meltdown_percent;

	for (size_t i = 0; most && i < world->watched_count; i++) {
		away += world->hosts[world->watched[i]].shown_gone;
		ours += world->hosts[world->watched[i]].shown_away_by_us;
	}
	if (most && away > ours && away * 100 > most * (int)world->shown_agents)
		world_violation(world, "an agent is begun while %d of %zu are away: more than %d%%", away,
				world->shown_agents, most);
}

/* Another master leads, and rollcall has seen that: nothing is begun before those that were there are back at it, or their time to
 * come back is over. Only the process that has seen both masters knows who was there. */
static void judge_leader(struct world *world)
{
	if (world->awaiting != world->process.number || world->leader_shown_ms < world->failover_ms ||
	    world->now - world->leader_shown_ms >= REREGISTER_MS)
		return;
	for (size_t i = 0; i < world->host_count; i++)
		if (world->hosts[i].awaited)
			world_violation(world, "an agent is begun before host %zu is back at the new master", i);
}

void judge_apply(struct world *world, const struct sim_host *begun)
{
	judge_room(world, begun);
	judge_leader(world);
	if (world->paused_at && world->paused_at < begun->intent_commit)
		world_violation(world, "invariant 4: an agent is begun although the run is not running");
	judge_budgets(world);
	judge_meltdown(world);
	for (size_t i = 0; i < world->watched_count; i++) {
		const struct sim_host *host = &world->hosts[world->watched[i]];

		if (host->must_be_asked && !host->seen_stuck && host->known == AGENT_UNKNOWN)
			world_violation(world, "an agent is begun before host %zu, open since the last start, answered",
					host->index);
	}
}
