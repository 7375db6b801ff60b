/* SPDX-License-Identifier: Apache-2.0 */
/* What a rescue promises (protocol/operation.h, 7), whoever drives it: a person, a guard, or whoever comes after them. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/judge.h"

/* Its last step was saved on a boot before this one. */
static bool is_of_before(const struct sim_host *host, const struct sim_operation *op)
{
	char boot_id[OPERATION_BOOT_ID_SIZE];

	snprintf(boot_id, sizeof boot_id, "boot-%d", host->boot);
	return strcmp(boot_id, op->state.boot_id) != 0;
}

/* Over a reboot nothing is taken back, but where an agent was started before the guard was there, or after it had gone. */
static void judge_undone_rescue(const struct sim_host *host, const struct sim_operation *op)
{
	if (is_of_before(host, op) && !host->pid)
		world_violation(host->world, "host %zu: a rescue is taken back after a reboot", host->index);
}

void judge_rescue(struct sim_host *host, const struct sim_operation *op, enum operation_step step)
{
	if (step == STEP_UNDONE)
		judge_undone_rescue(host, op);
	if (host->checkpoint != (step == STEP_DONE ? op->fit : op->unfit) || host->guard)
		world_violation(host->world,
				"host %zu: a rescue is %s, and its disk has the %s checkpoint and %s guard",
				host->index, operation_step_name(step), host->checkpoint == NEW ? "new" : "old",
				host->guard ? "a" : "no");
	if (step == STEP_DONE && op->new_starts == 0 && !host->wanted && host->boot == op->began_boot)
		world_violation(host->world, "host %zu: a rescue is done, and no agent was started", host->index);
}

/* Never with what it was rescued from, its undo included, but where there is no guard (yet, or any more); with what it gets once on each
 * boot, before that is kept. */
void judge_rescued_start(struct world *world, const struct sim_host *host, struct sim_operation *op)
{
	bool fits = host->checkpoint == op->fit;

	if (op->state.step == STEP_PREPARED)
		return;
	if (!fits && (host->guard || op->state.step < STEP_UNDOING))
		world_violation(world, "host %zu: the agent starts unrescued", host->index);
	if (fits && op->state.step != STEP_KEEPING && ++op->new_starts > 1 + op->amends + host->boot - op->began_boot)
		world_violation(world, "invariant 3: host %zu is started twice by a rescue", host->index);
}

/* After a boot nobody need come for the agent to be started: the guard turns an undo round by itself. */
void judge_refused_start(struct sim_host *host)
{
	const struct sim_operation *op = host_open_operation(host);

	if (op && op->rescue && is_of_before(host, op))
		world_violation(host->world,
				"host %zu: after a reboot the guard of a rescue at step %s refuses the start",
				host->index, operation_step_name(op->state.step));
}

/* What a boot has started, where no guard was, is nobody's to stop. */
void judge_rescue_stops(const struct sim_host *host, const struct sim_operation *op)
{
	if (host->pid && host->unguarded && is_of_before(host, op))
		world_violation(host->world, "host %zu: a rescue stops an agent that a boot has started", host->index);
}

/* A person who comes as often as it takes brings each one to its end, and nothing stays behind a guard. */
void judge_last_visit(struct world *world)
{
	for (size_t i = 0; i < world->host_count; i++) {
		const struct sim_operation *op = host_open_operation(&world->hosts[i]);

		if (op && op->rescue)
			world_violation(world, "host %zu: a rescue stays at step %s", i,
					operation_step_name(op->state.step));
	}
}
