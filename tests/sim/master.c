/* SPDX-License-Identifier: Apache-2.0 */
/* The master: what it says was so at some moment between the question and the answer. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/ledger/ledger_backend.h"
#include "tests/sim/judge.h"

/* After so long whoever asked gives up. */
#define TIMEOUT_MS 30000

struct sim_master {
	struct master_source source;
	struct world *world;
	int life; /* of rollcall */
	struct master_event answers[4];
	size_t count;
};

/* What is disconnected is listed until it is taken for unreachable. */
bool sim_master_lists(const struct sim_host *host)
{
	return host->listed && host->world->now >= host->hidden_until_ms &&
	       (host->active || host->world->now - host->left_ms < PING_TIMEOUT_MS);
}

/* Most of the time goes into copying what rollcall does not look at: SlaveInfo and tasks of those that wait or have come to
 * their end. */
static bool is_looked_at(const struct sim_host *host)
{
	return host->known != AGENT_WAITING && !agent_state_is_final(host->known);
}

static void fill_agent(const struct sim_host *host, struct agent_view *view)
{
	const struct plan_agent *planned = &host->world->first_plan.agents[host->index];
	bool elsewhere = (host->traits & MOVED) || host->by_impostor;

	memset(view, 0, sizeof *view);
	view->id = xstrdup(planned->agent_id);
	view->hostname = xstrdup(planned->hostname);
	view->ip = xstrdup(elsewhere ? "127.9.9.9" : planned->ip);
	view->port = planned->port;
	view->version = xstrdup("1.11.0");
	view->active = host->active && !(host->traits & DEACTIVATED) && !host->has_new_id;
	view->deactivated = host->traits & DEACTIVATED;
	view->attributes_complete = true;
	view->registered_ns = 1;
	view->reregistered_ns = host->reregistered_ns;
	if (!is_looked_at(host))
		return;
	view->info = slaveinfo_copy(host_info(host, host->recorded, host->recorded_amended));
	slaveinfo_set_id(view->info, planned->agent_id);
}

/* The same host under the ID it got when it had lost its own. */
static void fill_successor(const struct sim_host *host, struct agent_view *view)
{
	fill_agent(host, view);
	free(view->id);
	view->id = xasprintf("%s-new", host->world->first_plan.agents[host->index].agent_id);
	if (view->info)
		slaveinfo_set_id(view->info, view->id);
	view->active = host->active;
}

/* Another agent of its hostname, on another machine: it has nothing to do with it. */
static void fill_namesake(const struct sim_host *host, struct agent_view *view)
{
	const struct plan_agent *planned = &host->world->first_plan.agents[host->index];

	*view = (struct agent_view){
		.id = xasprintf("%s-namesake", planned->agent_id),
		.hostname = xstrdup(planned->hostname),
		.ip = xstrdup("127.8.8.8"),
		.port = planned->port,
		.version = xstrdup("1.11.0"),
		.active = true,
		.attributes_complete = true,
		.registered_ns = 1,
		.reregistered_ns = host->world->now * 1000000,
	};
}

static void fill_task(const struct sim_host *host, const char *state, const char *reason, struct task_view *task)
{
	*task = (struct task_view){
		.id = xasprintf("task-%zu", host->index),
		.name = xstrdup("task"),
		.framework_id = xstrdup("framework"),
		.executor_id = xstrdup(""),
		.agent_id = xstrdup(host->world->first_plan.agents[host->index].agent_id),
		.state = xstrdup(state),
		.reason = xstrdup(reason),
	};
}

/* The first answer of a run is kept; whoever it does not list was nobody's. */
static bool has_picture(const struct world *world)
{
	const struct run_row *run = ledger_memory_run(world->ledger, world->run);

	return run && run->before;
}

/* What rollcall can know from this answer. */
static void note_shown(struct sim_host *host, const struct sim_host *shown)
{
	bool away = !sim_master_lists(shown) ||
		    (!(shown->active && !shown->has_new_id) && !(shown->traits & DEACTIVATED));

	if (host->shown_away && !away)
		host->shown_back_ms = host->world->now;
	host->shown_away = away;
	if (!has_picture(host->world))
		host->in_picture = !away;
	host->shown_gone = away && (host->in_picture || sim_master_lists(shown));
	host->shown_away_by_us = away && agent_state_is_open(host->known);
	host->shown_impostor = shown->by_impostor;
	if (host->shown_away)
		judge_watch(host);
}

static void fill_tasks(const struct sim_host *host, struct master_snapshot *snapshot)
{
	struct task_view *completed = &snapshot->completed[snapshot->completed_count];

	if (!is_looked_at(host) && !host->world->whole_answers)
		return;
	if (host->task == TASK_ALIVE && host->active && host->world->now < host->task_shown_ms)
		return;
	if (host->task == TASK_ALIVE && sim_master_lists(host))
		fill_task(host, "TASK_RUNNING", "", &snapshot->tasks[snapshot->task_count++]);
	if (host->task == TASK_DONE || host->task == TASK_KILLED)
		snapshot->completed_count++;
	if (host->task == TASK_DONE)
		fill_task(host, "TASK_FINISHED", "", completed);
	if (host->task == TASK_KILLED && host->world->discards)
		fill_task(host, "TASK_KILLED", "REASON_EXECUTOR_TERMINATED", completed);
	else if (host->task == TASK_KILLED)
		fill_task(host, "TASK_FAILED", "REASON_EXECUTOR_REREGISTRATION_TIMEOUT", completed);
}

static void show(const struct sim_host *host, struct master_snapshot *snapshot)
{
	if (sim_master_lists(host))
		fill_agent(host, &snapshot->agents[snapshot->agent_count++]);
	if (host->traits & HAS_NAMESAKE)
		fill_namesake(host, &snapshot->agents[snapshot->agent_count++]);
	if (sim_master_lists(host) && host->has_new_id)
		fill_successor(host, &snapshot->agents[snapshot->agent_count++]);
	fill_tasks(host, snapshot);
}

static struct master_snapshot *new_snapshot(struct world *world)
{
	struct master_snapshot *snapshot = xcalloc(1, sizeof *snapshot);

	snapshot->master = xstrdup("http://simulated");
	snapshot->agents = xcalloc(3 * world->host_count + 1, sizeof *snapshot->agents);
	snapshot->tasks = xcalloc(world->host_count + 1, sizeof *snapshot->tasks);
	snapshot->completed = xcalloc(world->host_count + 1, sizeof *snapshot->completed);
	snapshot->frameworks = xcalloc(1, sizeof *snapshot->frameworks);
	snapshot->frameworks[0] = (struct framework_view){.id = xstrdup("framework"),
							  .name = xstrdup("web"),
							  .role = xstrdup("*"),
							  .active = true,
							  .checkpoint = true};
	snapshot->framework_count = 1;
	return snapshot;
}

/* A stale one shows the cluster of an earlier moment, but what it shows of those agents is all there. */
static struct master_snapshot *take_snapshot(struct world *world)
{
	struct master_snapshot *snapshot = new_snapshot(world);
	bool stale = world->now < world->stale_until_ms;
	size_t gone = 0;

	snapshot->facts.id = xasprintf("master-%d", stale ? world->stale_masters : world->masters);
	/* Hosts are in the order of agent IDs, as a snapshot's agents must be. */
	for (size_t i = 0; i < world->host_count; i++) {
		struct sim_host *host = &world->hosts[i], shown = stale ? world->stale_hosts[i] : *host;

		shown.known = host->known;
		note_shown(host, &shown);
		gone += host->shown_gone && !sim_master_lists(&shown);
		show(&shown, snapshot);
	}
	world->shown_agents = snapshot->agent_count + gone;
	return snapshot;
}

void sim_master_freeze(struct world *world, int64_t ms)
{
	world->stale_hosts = xreallocarray(world->stale_hosts, world->host_count, sizeof *world->stale_hosts);
	memcpy(world->stale_hosts, world->hosts, world->host_count * sizeof *world->hosts);
	world->stale_masters = world->masters;
	world->stale_until_ms = world->now + ms;
}

/* How long the next answer takes. One that takes seconds is of the moment of the question. */
static int64_t draw_delay(struct world *world)
{
	int64_t ms = world_between(world, 2, 60);

	if (world_fault(world, world->faults.master_hangs))
		return TIMEOUT_MS;
	if (world->now >= world->slow_until_ms || world->faults_over)
		return ms;
	ms = world_between(world, 1000, 20000);
	if (world->now >= world->stale_until_ms)
		sim_master_freeze(world, ms + 1);
	return ms;
}

/* One that took so long gave none: whoever asked has given up. */
static bool asked_in_vain(const struct world *world, uint64_t asked)
{
	return run_clock(world) - (int64_t)(asked & 0xffffffff) >= TIMEOUT_MS;
}

static void act_answer(struct world *world, struct sim_host *host, int life, uint64_t asked)
{
	struct sim_master *master = (struct sim_master *)world->process.master;
	struct master_event *event;

	(void)host;
	if (life != world->process.number || !master || master->count == 4)
		return;
	event = &master->answers[master->count++];
	memset(event, 0, sizeof *event);
	event->tag = asked >> 32;
	if (world->now < world->outage_until_ms || asked_in_vain(world, asked) ||
	    world_fault(world, world->faults.master_silent)) {
		error_set(&event->error, ERROR_UNREACHABLE, "no master answered");
		return;
	}
	world->answered_ms = world->now;
	if (world->leader_shown_ms < world->failover_ms && world->now >= world->stale_until_ms)
		world->leader_shown_ms = world->now;
	world->answers += world->now >= world->stale_until_ms;
	event->snapshot = take_snapshot(world);
	event->snapshot->asked_ms = (int64_t)(asked & 0xffffffff);
	event->snapshot->answered_ms = run_clock(world);
}

static void sim_ask(struct master_source *source, unsigned want, uint64_t tag)
{
	struct sim_master *master = (struct sim_master *)source;
	struct world *world = master->world;

	(void)want;
	world_at(world, draw_delay(world), act_answer, NULL, master->life, (tag << 32) | (uint64_t)run_clock(world));
}

static bool sim_next(struct master_source *source, struct master_event *event)
{
	struct sim_master *master = (struct sim_master *)source;

	if (master->count == 0)
		return false;
	*event = master->answers[0];
	memmove(master->answers, master->answers + 1, --master->count * sizeof *master->answers);
	return true;
}

static void sim_free(struct master_source *source)
{
	struct sim_master *master = (struct sim_master *)source;

	for (size_t i = 0; i < master->count; i++)
		master_snapshot_free(master->answers[i].snapshot);
	free(master);
}

struct master_source *sim_master_new(struct world *world)
{
	static const struct master_source_ops ops = {.ask = sim_ask, .next = sim_next, .free = sim_free};
	struct sim_master *master = xcalloc(1, sizeof *master);

	master->source.ops = &ops;
	master->world = world;
	master->life = world->process.number;
	return &master->source;
}
