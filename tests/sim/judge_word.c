/* SPDX-License-Identifier: Apache-2.0 */
/* What each word of the ledger promises: an agent that is said to be "done" is looked at on its host. */
#include "tests/sim/judge.h"

static struct sim_operation *operation_of(struct sim_host *host, const struct run_agent *row)
{
	struct sim_operation *op = row->operation ? host_find_operation(host, row->operation) : NULL;

	return op && op->state.step != STEP_NONE ? op : NULL;
}

static void judge_word(struct world *world, const struct sim_host *host, const char *state, const char *missing)
{
	if (missing)
		world_violation(world, "invariant 5: host %zu is '%s', but %s", host->index, state, missing);
}

static void judge_done(struct world *world, const struct sim_host *host, const struct sim_operation *op)
{
	judge_word(world, host, "done", judge_back(host, op, NEW));
	if (host->gates_passed < (int)world->plan.agent_gate_count)
		judge_word(world, host, "done", "not all of its gates have passed");
	if (op && op->state.step != STEP_DONE)
		judge_word(world, host, "done", "its operation is not over");
	if (!host->meddled_with && (host->checkpoint != NEW || host->flags != NEW || host->trial || host->guard))
		judge_word(world, host, "done", "its disk does not hold the new state without a guard");
}

static void judge_reverted(struct world *world, const struct sim_host *host, const struct sim_operation *op)
{
	judge_word(world, host, "reverted", judge_back(host, op, OLD));
	if (op && op->state.step != STEP_UNDONE)
		judge_word(world, host, "reverted", "its operation is not undone");
	if (!host->meddled_with && (host->checkpoint != OLD || host->flags != OLD || host->trial || host->guard))
		judge_word(world, host, "reverted", "its disk does not hold the old state without a guard");
}

/* What the last answer said of another machine says nothing of this one. */
static void judge_identity(struct world *world, const struct sim_host *host, enum agent_state state)
{
	if ((state == AGENT_SOAKING || state == AGENT_REVERTED) && host->shown_impostor)
		judge_word(world, host, agent_state_name(state), "the master shows another machine under its ID");
}

void judge_state(struct world *world, struct sim_host *host, enum agent_state state, const struct run_agent *row)
{
	const struct sim_operation *op = operation_of(host, row);

	judge_identity(world, host, state);

	if (state == AGENT_DONE)
		judge_done(world, host, op);
	if (state == AGENT_RETURNING && op && op->new_starts == 0 && !host->meddled_with)
		judge_word(world, host, "returning", "no process with the new state was started");
	/* Of a deactivated agent the master does not say whether it is connected. */
	if (state == AGENT_PROVING && op && !op->registered[NEW] && !op->registered[OLD] &&
	    !(host->traits & DEACTIVATED) && !judge_is_veiled(host, op))
		judge_word(world, host, "proving", "its new process has not reregistered");
	if (state == AGENT_SOAKING && !(op && op->state.step >= STEP_UNDOING))
		judge_word(world, host, "soaking", judge_back(host, op, NEW));
	if (state == AGENT_REVERTED)
		judge_reverted(world, host, op);
	if (state == AGENT_GATING)
		judge_word(world, host, "gating", judge_back(host, op, NEW));
	if (state == AGENT_REJECTED && !host->gate_failed)
		judge_word(world, host, "rejected", "no gate after it has failed");
	/* One that was undone before somebody wanted it tried again is over. */
	if (op && op->state.step == STEP_UNDONE)
		return;
	if (state == AGENT_FAILED && op)
		world_violation(world,
				"host %zu is 'failed', which says that nothing was changed, but its operation began",
				host->index);
	if (state == AGENT_WAITING && op)
		world_violation(world, "host %zu is 'waiting' again, but its operation began", host->index);
}
