/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The invariants, judged by what is on the simulated hosts' disks and in their processes. The ledger is read only as
 * what it promises to be: durable. The engine's own state is never looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/judge.h"

/* As long as it takes rollcall to see at the master that an agent is away: its idle poll and the answer. */
#define NOTICE_MS       2500
/* As late as a request may arrive. */
#define LATE_REQUEST_MS 62000

/* Nobody has closed the connection of an agent whose machine lost its power: until it misses its pings it is shown as before. */
static bool is_unnoticed(const struct sim_host *host)
{
	return host->active && host->registered_pid != host->pid && !host->by_impostor;
}

bool judge_is_hidden(const struct sim_host *host)
{
	return (host->world->now < host->world->stale_until_ms || is_unnoticed(host)) &&
	       agent_state_is_final(host->known) && host->known != AGENT_STUCK;
}

/* From an operation's begin until it is over and the agent is registered again, an agent is away because of rollcall,
 * which has to know. Else it may be away for as long as rollcall needs to notice. */
static bool is_away(const struct sim_host *host)
{
	if (host->position == SIZE_MAX)
		return false; /* the window is the run's, and it does not belong to it */
	/* A deactivated agent looks the same to the master whether it is connected or not. */
	if ((host->traits & DEACTIVATED) && !agent_state_is_away(host->known))
		return false;
	for (const struct sim_operation *op = host->operations; op; op = op->next)
		if (op->state.step != STEP_NONE && !op->back && !op->turned && !op->rescue && !op->lost &&
		    !judge_is_hidden(host))
			return true;
	/* What happens to it without rollcall's doing only a master can say that does not stand still. */
	if ((host->traits & DEACTIVATED) || host->world->now < host->world->stale_until_ms + NOTICE_MS)
		return false;
	return !host->active && host->world->now - host->left_ms > NOTICE_MS;
}

int judge_window_now(const struct world *world)
{
	const struct plan *plan = &world->plan;
	size_t last = plan->stage_count - 1;

	if (plan->stage_count == 0)
		return plan->options.window;
	return plan->stages[world->stages_passed < last ? world->stages_passed : last].window;
}

/* Invariant 2: whoever's operation begins now, is the window kept? Operations end by themselves and begin only here, so
 * this is every moment at which more agents can become away than may be. */
static void judge_window(struct world *world, const struct sim_host *host)
{
	const struct engine_options *options = &world->plan.options;
	const char *domain = world->first_plan.agents[host->index].domain;
	int away = 1, domain_away = 1;

	for (size_t i = 0; i < world->watched_count; i++) {
		size_t index = world->watched[i];
		const char *other = world->first_plan.agents[index].domain;

		if (index == host->index || !is_away(&world->hosts[index]))
			continue;
		away++;
		domain_away += domain && other && strcmp(domain, other) == 0;
	}
	if (away > judge_window_now(world))
		world_violation(world, "invariant 2: %d agents away, the window is %d", away, judge_window_now(world));
	if (options->domain_window && domain_away > options->domain_window)
		world_violation(world, "invariant 2: %d agents of %s away, its limit is %d", domain_away, domain,
				options->domain_window);
}

/* The before-picture must be of now: the master's record, unless that has just changed. */
static bool is_of_now(const char *before, const struct sim_host *host)
{
	json_t *document = json_loads(before, 0, NULL);
	int64_t reregistered_ns = json_integer_value(json_object_get(document, "reregistered_ns"));

	json_decref(document);
	/* As of the moment at which the master's answers stood still. */
	if (host->world->stale_hosts && host->world->now < host->world->stale_until_ms + LATE_REQUEST_MS &&
	    reregistered_ns == host->world->stale_hosts[host->index].reregistered_ns)
		return true;
	return reregistered_ns == host->reregistered_ns || host->world->now - host->reregistered_ms < LATE_REQUEST_MS;
}

/* Invariant 1: the intent is in the ledger, with these bytes and a before-picture, before the request is anywhere; and what the
 * ledger says is over does not begin any more, however late a request arrives. */
static void judge_durable(struct world *world, const struct sim_host *host, const char *operation, const char *request)
{
	const struct run_agent *row = &host->row;
	int state = row->state ? agent_state_parse(row->state) : -1;

	if (row->operation && strcmp(row->operation, operation) == 0 && row->before && is_of_now(row->before, host) &&
	    row->request && strcmp(row->request, request) == 0 && state >= 0 &&
	    agent_state_is_open((enum agent_state)state))
		return;
	world_violation(world, "invariant 1: host %zu begins an operation the ledger does not hold or says is over",
			host->index);
}

void judge_intent(struct world *world, struct sim_host *host, const char *operation, const char *request)
{
	judge_durable(world, host, operation, request);
	judge_window(world, host);
	/* What somebody else has taken back may be changed once more by whoever does not know of the first time. */
	if (host->changed_for_good > 0 && !(judge_is_lost(host) && host->meddled_with))
		world_violation(world, "invariant 3: host %zu is changed a second time", host->index);
}

/* The agent starts: with what it finds it must be able to keep its ID. */
void judge_start(struct world *world, struct sim_host *host)
{
	struct sim_operation *op = host_open_operation(host);
	bool differs = host->checkpoint != host->flags && !host->trial; /* else it accepts the difference */

	if (op && op->rescue)
		judge_rescued_start(world, host, op);
	if (host->meddled_with)
		return; /* what somebody else has written is not rollcall's */
	if (host->trial && !(op && op->state.native))
		world_violation(world, "host %zu: the agent starts with temporary flags", host->index);
	if (differs && host->meta_boot != host->boot)
		world_violation(world,
				"host %zu: after a reboot the agent starts with a checkpoint that does not fit "
				"its flags: it gets a new ID",
				host->index);
	else if (differs)
		world_violation(world, "host %zu: the agent starts with a checkpoint that does not fit its flags",
				host->index);
	if (op && !op->turned && host->running_flags == NEW && op->state.step != STEP_KEEPING &&
	    ++op->new_starts > 1 + op->amends)
		world_violation(world, "invariant 3: host %zu starts a second agent with a state that was not kept",
				host->index);
}

/* An undo, and whatever is tried after it, does not bring tasks back that were ended as planned. */
static bool has_discarded(const struct sim_host *host)
{
	for (const struct sim_operation *op = host->operations; op; op = op->next)
		if (op->discarded)
			return true;
	return false;
}

/* Only flags change, or the master keeps its record, or the plan accepts one that does. */
static bool is_record_mute(const struct sim_host *host)
{
	return host->world->same_info || host_record_stays(host) || host->world->plan.accept_stale_master;
}

/* The master's answers stand still, and what they show as registered last is another process than the one that runs: the old one, with a
 * new master or started again by somebody else, or the new one before its undo. Where its record does not tell, nobody can until the
 * master shows the present again. */
bool judge_is_veiled(const struct sim_host *host, const struct sim_operation *op)
{
	const struct world *world = host->world;

	return is_record_mute(host) && world->now < world->stale_until_ms &&
	       (world->failover_ms > op->began_ms || op->registered[NEW] || op->registered[OLD]);
}

const char *judge_back(const struct sim_host *host, const struct sim_operation *op, enum side side)
{
	bool restarted = op && (op->registered[NEW] || op->forward_restarts > 0), meddled;
	bool unseen_impostor = host->by_impostor && !host->shown_impostor;

	if (!op)
		return "no operation was there";
	meddled = host->meddled_with && host->disturbed_ms >= op->began_ms;
	/* Of a deactivated agent the master shows no more than its last registration, which may be the new state's: that the
	 * old process registered after it cannot be known to anybody. What "reverted" promises of disk and process is judged. */
	if (side == OLD && (host->traits & DEACTIVATED) && (host->world->same_info || host_record_stays(host)))
		restarted = false;
	if (judge_is_veiled(host, op) || (is_unnoticed(host) && is_record_mute(host)))
		return NULL;
	if (!op->registered[side] && (side == NEW || restarted) && !meddled)
		return "no agent with that state has registered since";
	/* It may have lost its ID in a restart that nobody here asked for, after it was judged. */
	if (host->has_new_id && host->disturbed_ms < op->began_ms)
		return "the agent has another ID";
	/* Another machine may have registered with its ID after it was proven, or after the answer that proves it. */
	if (side == NEW && host->recorded != NEW && !meddled && !host->world->plan.accept_stale_master &&
	    !unseen_impostor && !host->soaks_unseen && (host->impostor_ms == 0 || host->impostor_ms < host->soaks_ms))
		return "the master does not have the new SlaveInfo";
	if (has_discarded(host) || !op->had_task || (host->world->discards && side == OLD))
		return NULL;
	if (host->world->discards && side == NEW && host->task == TASK_ALIVE)
		return "its task runs on under a new SlaveInfo";
	if (host->task == TASK_KILLED || host->task == TASK_FORGOTTEN)
		return host->disturbed_ms > op->began_ms && side == NEW ? NULL : "its task is lost";
	/* … or another machine has its ID, and the master's answers of before that are all there is. */
	if (host->disturbed_ms >= op->began_ms || unseen_impostor)
		return NULL;
	if (!host->pid || host->running_flags != side || host->registered_pid != host->pid)
		return "no registered agent runs with that state";
	return NULL;
}

static void judge_operations(struct world *world, const struct sim_host *host)
{
	for (const struct sim_operation *op = host->operations; op; op = op->next) {
		if (op->forward_restarts > 1) /* of both runs */
			world_violation(world, "invariant 3: host %zu, operation %s restarted the agent %d times",
					host->index, op->id, op->forward_restarts);
		if (op->undo_stops > 1)
			world_violation(world, "invariant 3: host %zu, operation %s stopped the agent %d times to undo",
					host->index, op->id, op->undo_stops);
	}
}

static void judge_disk(struct world *world, const struct sim_host *host, const char *state, enum side side)
{
	/* What an operation has done that the ledger has forgotten is not its word. */
	if (host->meddled_with || (side == OLD && judge_is_lost(host)))
		return;
	if (host->checkpoint != side || host->flags != side || host->guard || host->trial)
		world_violation(world,
				"invariant 5: host %zu is '%s', but its disk has the %s checkpoint, the %s%s flags and "
				"%s guard",
				host->index, state, host->checkpoint == NEW ? "new" : "old",
				host->trial ? "temporary " : "", host->flags == NEW ? "new" : "old",
				host->guard ? "a" : "no");
}

/* With crashes of rollcall as the only faults there is one right end: done, or reverted where the new state fails. */
static void judge_calm(struct world *world, const struct sim_host *host, int state)
{
	bool rejected = (host->traits & FAILS_GATES) && world->plan.agent_gate_count > 0;
	int right = host->traits & FAILS_WITH_NEW ? AGENT_REVERTED : rejected ? AGENT_REJECTED : AGENT_DONE;

	if (state != right)
		world_violation(world, "invariant 7: host %zu is '%s' and should be '%s'", host->index,
				agent_state_name((enum agent_state)state), agent_state_name((enum agent_state)right));
}

/* The ledger's final word on each agent against what is on its host. */
void judge_end(struct world *world, enum family family)
{
	struct run_agent *rows = NULL;
	size_t count = 0;

	if (ledger_load_agents(world->ledger, world->run, &rows, &count, NULL) < 0 || count != world->plan.agent_count)
		world_violation(world, "the ledger cannot be read");
	for (size_t i = 0; i < count; i++) {
		const struct sim_host *host = world_host(world, (size_t)rows[i].position);
		int state = agent_state_parse(rows[i].state);

		judge_operations(world, host);
		if (state == AGENT_STUCK && judge_run_is(world, RUN_DONE))
			world_violation(world, "the run is done, and host %zu is stuck", host->index);
		if (host->again && (state == AGENT_REVERTED || state == AGENT_FAILED))
			world_violation(world, "host %zu was to be tried again, and was not", host->index);
		if (state == AGENT_DONE || state == AGENT_GATING || state == AGENT_REJECTED)
			judge_disk(world, host, rows[i].state, NEW);
		if (state == AGENT_FAILED || state == AGENT_REVERTED || state == AGENT_WAITING)
			judge_disk(world, host, rows[i].state, OLD);
		/* Whose gates gave no answer waits for a person. */
		if (state < 0 || (agent_state_is_under_way((enum agent_state)state) && state != AGENT_GATING))
			world_violation(world, "invariant 10: the run ended with host %zu in state %s", host->index,
					rows[i].state);
		else if (family == CRASHES_ONLY)
			judge_calm(world, host, state);
		run_agent_clear(&rows[i]);
	}
	free(rows);
	if (judge_run_is(world, RUN_RUNNING))
		world_violation(world, "invariant 10: rollcall has ended, and the run is still running");
	if (ledger_verify(world->ledger, NULL, NULL) < 0)
		world_violation(world, "invariant 8: the chain does not hold");
}
