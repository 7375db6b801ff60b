/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ledger that is restored from a copy of some commits ago. What rollcall has done since is known to the hosts and to nobody else;
 * whoever goes on from the copy asks them how far it had counted (--adopt), or does not.
 */
#include <stdlib.h>
#include <string.h>

#include "orchestrator/ledger/ledger_backend.h"
#include "tests/sim/judge.h"

/* In one scenario of so many. */
#define RESTORED_EVERY 10
/* Nobody restores a database so fast that a request is still on its way. */
#define RESTORING_MS   180000

static int copy_event(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	struct ledger *copy = ctx;

	return copy->backend->append(copy, entry, err);
}

static void copy_rows(struct world *world, struct ledger *copy)
{
	struct run_agent *rows = NULL;
	struct run_row run;
	size_t count = 0;

	if (ledger_load_run(world->ledger, world->run, &run, NULL) < 0 ||
	    ledger_load_agents(world->ledger, world->run, &rows, &count, NULL) < 0)
		world_violation(world, "the ledger cannot be read");
	copy->backend->put_run(copy, &run, NULL);
	run_row_clear(&run);
	for (size_t i = 0; i < count; i++) {
		copy->backend->put_agent(copy, &rows[i], NULL);
		run_agent_clear(&rows[i]);
	}
	free(rows);
}

/* But for orders: those that nobody carried out are void when the run is resumed. */
static struct ledger *copy_ledger(struct world *world)
{
	struct ledger *copy = ledger_open_memory(world->ledger->database);
	struct ledger_end end = {.seq = 0};
	int64_t epoch = 0;

	world->ledger->backend->walk(world->ledger, copy_event, copy, NULL);
	copy_rows(world, copy);
	world->ledger->backend->begin(world->ledger, &end, NULL);
	while (epoch < end.epoch)
		copy->backend->new_epoch(copy, world->run, 0, &epoch, NULL);
	return copy;
}

void restore_plan(struct world *world)
{
	if (world->seed % RESTORED_EVERY != 7)
		return;
	world->copied_at = (uint64_t)world_between(world, 1, world_between(world, 0, 1) ? 10 : 100);
	world->restored_at = world->copied_at + (uint64_t)world_between(world, 1, 100);
}

void restore_note_commit(struct world *world)
{
	if (world->copied_at != world->commits)
		return;
	world->copy = copy_ledger(world);
	world->copied_run = world->run;
	for (size_t i = 0; i < world->host_count; i++)
		world->hosts[i].copied_stuck = world->hosts[i].seen_stuck || world->hosts[i].known == AGENT_STUCK;
}

bool restore_is_due(const struct world *world, bool ended)
{
	return world->copy && world->copied_run == world->run && (ended || world->commits >= world->restored_at);
}

void restore_forget(struct world *world)
{
	if (world->copy)
		ledger_close(world->copy);
	world->copy = NULL;
}

/* What those hosts say that can be asked; a machine without power cannot. */
static int64_t greatest_epoch(const struct world *world)
{
	int64_t greatest = 0;

	for (size_t i = 0; i < world->plan.agent_count; i++) {
		const struct sim_host *host = &world->hosts[world->order[i]];

		if (host->up && host->epoch > greatest)
			greatest = host->epoch;
	}
	return greatest;
}

void restore_resume(struct world *world)
{
	world->adopts = world->was_restored && world_between(world, 0, 3) > 0;
	if (world->adopts)
		ledger_set_epoch_floor(world->process.ledger, greatest_epoch(world));
}

void restore_copy(struct world *world)
{
	world_say(world, "the database is lost, and restored as it was %d commits ago",
		  (int)(world->commits - world->copied_at));
	ledger_close(world->ledger);
	world->ledger = world->copy;
	world->copy = NULL;
	world->was_restored = true;
	judge_restored(world);
}

int64_t restore_ms(struct world *world)
{
	return RESTORING_MS + world_between(world, 0, 3600000);
}
