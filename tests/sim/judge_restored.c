/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ledger that was restored knows nothing of what has happened since. What it says of an agent is of then, and is not judged;
 * what rollcall makes of it is, as ever.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/judge.h"

/* What the ledger has forgotten: others than the one that it names for that agent. */
static void note_lost(struct sim_host *host)
{
	for (struct sim_operation *op = host->operations; op; op = op->next)
		if (!op->rescue && !op->turned && op->state.step != STEP_NONE &&
		    !(host->row.operation && strcmp(host->row.operation, op->id) == 0))
			op->lost = true;
}

bool judge_is_lost(const struct sim_host *host)
{
	for (const struct sim_operation *op = host->operations; op; op = op->next)
		if (op->lost && op->state.step != STEP_UNDONE)
			return true;
	return false;
}

static void forget_host(struct sim_host *host, struct run_agent *row)
{
	run_agent_clear(&host->row);
	host->row = *row;
	host->known = (enum agent_state)agent_state_parse(row->state);
	judge_forget(host);
	host->told_failure = host->seen_failure = host->sees_failure = host->sees_stuck = false;
	host->is_failed = host->again = host->gate_failed = host->may_be_known = host->must_be_asked = false;
	host->seen_stuck = host->copied_stuck;
	/* Whether a person had seen its failure when the copy was made, also one that is still being taken back, the copy's run knows. */
	host->may_be_seen = host->known != AGENT_WAITING;
	host->gates_passed = host->known == AGENT_DONE ? (int)host->world->plan.agent_gate_count : 0;
	host->soaks_ms = 0;
	note_lost(host);
	judge_watch(host);
}

void judge_restored(struct world *world)
{
	struct run_agent *rows = NULL;
	size_t count = 0;

	if (ledger_load_agents(world->ledger, world->run, &rows, &count, NULL) < 0)
		world_violation(world, "the ledger cannot be read");
	for (size_t i = 0; i < count; i++)
		forget_host(world_host(world, (size_t)rows[i].position), &rows[i]);
	free(rows);
	world->failed_count = 0;
	world->rows = world->rows_before = (struct sim_rows){.run = 0};
	world->reason[0] = '\0';
	world->ordered_on = false;
	world->retried = true;
	world->was_aborted = judge_run_is(world, RUN_ABORTED);
	world->paused_at = judge_run_is(world, RUN_RUNNING) ? 0 : world->commits;
}
