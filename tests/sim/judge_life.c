/* SPDX-License-Identifier: Apache-2.0 */
/* A process of rollcall begins, ends, or was stopped: what the judge knows of it from then on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/ledger/ledger_backend.h"
#include "tests/sim/judge.h"

static bool run_rolls_back(struct world *world)
{
	const struct run_row *run = ledger_memory_run(world->ledger, world->run);

	return run && run->rollback_due;
}

/* What a process before it was told, asked, or still owed is nothing to this one. */
void judge_forget(struct sim_host *host)
{
	host->asked = host->told_done = host->told_failure = host->shown_away = false;
	host->must_retry = host->gates_due = false;
	host->owed_keep = host->talking = host->spoiled_exec = 0;
	host->heard_ms = host->unclear_ms = host->told_ms = 0;
	host->wrong_since = 0;
	host->hung_up_ms = host->known_ms = host->world->now;
}

/* Whoever starts it has seen what is stuck, and what had failed when the run paused; that stays known until it is settled. */
static void note_seen(struct sim_host *host, enum agent_state state, bool paused)
{
	bool failed = agent_state_is_failure(state);

	if (failed)
		judge_failed(host);
	host->told_ms = 0;
	if (host->seen_stuck && failed && agent_state_is_final(state))
		host->seen_failure = state != AGENT_STUCK;
	host->seen_stuck = state == AGENT_STUCK || (host->seen_stuck && !agent_state_is_final(state));
	host->again = host->again && state != AGENT_WAITING && state != AGENT_DONE && state != AGENT_STUCK;
	if (state == AGENT_WAITING)
		host->seen_failure = host->sees_failure = host->seen_stuck = host->may_be_seen = false;
	host->seen_failure = host->seen_failure || (failed && paused && state != AGENT_STUCK);
}

static void read_row(struct world *world, struct run_agent *row, bool paused, bool ordered)
{
	struct sim_host *host = world_host(world, (size_t)row->position);
	enum agent_state state = (enum agent_state)agent_state_parse(row->state);

	if (state != host->known)
		world->rows = (struct sim_rows){.run = 0}; /* in which order they ended was not seen */
	if (host->known == AGENT_STUCK && state != AGENT_STUCK)
		host->seen_stuck = true; /* only a person's word leaves that state, in the last commit */
	/* … in which it may also have come to it. */
	host->may_be_known = ordered && state == AGENT_UNKNOWN && host->known != AGENT_UNKNOWN;
	judge_answered_first(world, host, host->known, state);
	host->known = state;
	judge_watch(host);
	judge_forget(host);
	host->must_be_asked = agent_state_is_open(state);
	note_seen(host, state, paused);
	run_agent_clear(&host->row);
	host->row = *row;
}

static void read_rows(struct world *world, bool ordered)
{
	struct run_agent *rows = NULL;
	bool paused = judge_run_is(world, RUN_PAUSED) && !run_rolls_back(world);
	size_t count = 0;

	if (ledger_load_agents(world->ledger, world->run, &rows, &count, NULL) < 0)
		world_violation(world, "the ledger cannot be read");
	for (size_t i = 0; i < count; i++)
		read_row(world, &rows[i], paused, ordered);
	free(rows);
}

/* A master's two lists are of one moment. What lags is only what is asked for in two questions, and none is older than this life. */
static void settle_lists(struct world *world)
{
	for (size_t i = 0; i < world->host_count; i++)
		if (world->hosts[i].task_shown_ms > world->now)
			world->hosts[i].task_shown_ms = world->now;
}

void judge_life(struct world *world)
{
	bool ordered = world->ordered_on;
	struct run_row run;

	/* What became durable in the last moment of the life before was judged by nobody. */
	if (ledger_load_run(world->ledger, world->run, &run, NULL) == 0) {
		if (strcmp(run.state, "running") == 0 && world->reason[0])
			judge_order_is_durable(world);
		world->ordered_on = false;
		world->stages_passed = (size_t)run.stages_passed;
		snprintf(world->reason, sizeof world->reason, "%s", run.reason ? run.reason : "");
		run_row_clear(&run);
	}
	if (!judge_run_is(world, RUN_RUNNING))
		world->rows = (struct sim_rows){.run = 0};
	read_rows(world, ordered);
	settle_lists(world);
	world->life_began_ms = world->answered_ms = world->now;
	world->checking_ms = 0;
}

/* What became durable in the last moment has not been told to anybody; it is judged by how the hosts are then. */
static void read_last_word(struct world *world, struct run_agent *row)
{
	struct sim_host *host = world_host(world, (size_t)row->position);
	enum agent_state state = (enum agent_state)agent_state_parse(row->state);

	if (state != host->known)
		judge_state(world, host, state, row);
	run_agent_clear(&host->row);
	host->row = *row;
}

void judge_death(struct world *world)
{
	struct run_agent *rows = NULL;
	size_t count = 0;

	if (ledger_load_agents(world->ledger, world->run, &rows, &count, NULL) < 0)
		world_violation(world, "the ledger cannot be read");
	for (size_t i = 0; i < count; i++)
		read_last_word(world, &rows[i]);
	free(rows);
}

void judge_stall(struct world *world, int64_t ms)
{
	world->life_began_ms += ms;
	world->answered_ms += ms;
	world->checking_ms += ms;
	for (size_t i = 0; i < world->host_count; i++) {
		world->hosts[i].known_ms += ms;
		world->hosts[i].hung_up_ms += ms;
		world->hosts[i].wrong_since = 0;
		world->hosts[i].heard_ms += world->hosts[i].heard_ms ? ms : 0;
	}
}
