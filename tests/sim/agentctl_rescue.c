/* SPDX-License-Identifier: Apache-2.0 */
/* `agentctl rescue`, by a person: the agent refuses to start with the flags it finds, and gets the checkpoint that fits them. */
#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "tests/sim/judge.h"

/* So often somebody comes. */
#define VISITS      6
/* … and until the end of all things: longer than a disk stays full, a boot takes, or an agentctl hangs. */
#define LAST_VISITS 60

static bool is_to_be_rescued(struct sim_host *host)
{
	return host->up && !host->pid && !host->locked && !host->guard && !host->trial &&
	       host->checkpoint != host->flags && !host_open_operation(host);
}

static struct sim_operation *new_rescue(struct sim_host *host)
{
	struct sim_operation *op = xcalloc(1, sizeof *op);

	snprintf(op->id, sizeof op->id, "%016" PRIx64 "%016" PRIx64, world_random(host->world),
		 world_random(host->world));
	op->rescue = true;
	op->unfit = host->checkpoint;
	op->fit = host->flags;
	op->began_ms = host->world->now;
	op->began_boot = host->boot;
	op->next = host->operations;
	host->operations = op;
	return op;
}

static void rescue(struct world *world, struct sim_host *host)
{
	const struct operation_terms terms = {
		.start_timeout_ms = world_between(world, 3000, 30000),
		.verdict_timeout_ms = world_between(world, 1000, 60000),
		.rescue = true,
	};
	struct error err = ERROR_INIT;
	int began;

	world_say(world, "host %zu: somebody rescues its agent", host->index);
	agentctl_take_lock(host, new_rescue(host), 0);
	began = operation_begin(&host->operation, host_operation_ops(), host, &terms, &err);
	if (began < 0) {
		agentctl_die(host);
		return;
	}
	agentctl_draw_mishaps(host);
	agentctl_disturb_rescue(host);
	if (host->locked)
		agentctl_drive(host);
}

/* What a rescue before has left behind is settled first, or taken back. */
static void settle(struct sim_host *host)
{
	struct sim_operation *op = host_open_operation(host);

	if (!op || !op->rescue || !host->up || host->locked)
		return;
	agentctl_take_lock(host, op, 0);
	if (world_between(host->world, 0, 2) == 0)
		host->word = WORD_UNDO;
	operation_load(&host->operation, host_operation_ops(), host, OPERATION_BY_SETTLE, NULL);
	agentctl_drive(host);
}

static void act_visit(struct world *world, struct sim_host *host, int generation, uint64_t visit)
{
	(void)generation;
	if (is_to_be_rescued(host))
		rescue(world, host);
	else
		settle(host);
	if (visit < VISITS)
		world_at(world, world_between(world, 5000, 300000), act_visit, host, 0, visit + 1);
}

void agentctl_call_for_rescue(struct sim_host *host)
{
	world_at(host->world, world_between(host->world, 1000, 120000), act_visit, host, 0, 1);
}

static void act_settle(struct world *world, struct sim_host *host, int generation, uint64_t visits)
{
	(void)generation;
	settle(host);
	if (visits > 1)
		world_at(world, 60000, act_settle, host, 0, visits - 1);
}

void agentctl_call_after_boot(struct sim_host *host)
{
	const struct sim_operation *op = host_open_operation(host);

	if (op && op->rescue && (!host->guard || world_between(host->world, 0, 1)))
		world_at(host->world, world_between(host->world, 0, 3000), act_settle, host, 0, 1);
}

void agentctl_end_rescues(struct world *world)
{
	int64_t until = world->now + (LAST_VISITS + 10) * 60000;
	bool any = false;

	world->faults_over = true;
	for (size_t i = 0; i < world->host_count; i++) {
		const struct sim_operation *op = host_open_operation(&world->hosts[i]);

		if (op && op->rescue)
			any = true, act_settle(world, &world->hosts[i], 0, LAST_VISITS);
	}
	while (any && world->now < until)
		world_advance(world, until);
	judge_last_visit(world);
}
