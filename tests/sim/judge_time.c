/* SPDX-License-Identifier: Apache-2.0 */
/* What may not be left lying: agents that are waited for, words that were heard, questions that are due. */
#include "tests/sim/judge.h"

/* A pass of rollcall's loop, an idle poll and an answer. */
#define SLACK_MS     5000
/* So many hosts are looked at with every event. */
#define MANY         64
/* The longest pause between two questions to a host that does not answer. */
#define ASK_AGAIN_MS 32000

/* Does the ledger say what rollcall was told? */
bool judge_is_heard(const struct sim_host *host)
{
	switch (host->heard) {
	case ANSWER_UNDONE:
		/* Proven to be as it was, or not: that is asked first, unless it had come to an end already. */
		return host->known == AGENT_REVERTING ||
		       (agent_state_is_final(host->known) && (host->heard_at_end || host->known != AGENT_STUCK)) ||
		       host->known == AGENT_WAITING || host->known == AGENT_CHECKING;
	case ANSWER_STUCK:
		return host->known == AGENT_STUCK;
	case ANSWER_STATUS:
		return host->known != AGENT_UNKNOWN;
	default:
		return host->known != AGENT_CHANGING && host->known != AGENT_UNKNOWN;
	}
}

static int64_t longest(const struct engine_options *options, enum agent_state state)
{
	switch (state) {
	case AGENT_CHECKING:
		return options->check_ms;
	case AGENT_CHANGING:
		return options->change_ms;
	case AGENT_RETURNING:
	case AGENT_REVERTING:
		return options->return_ms;
	case AGENT_PROVING:
		return options->prove_ms;
	case AGENT_SOAKING:
		return options->keep_ms + options->soak_ms;
	case AGENT_UNKNOWN:
		return options->unknown_ms;
	case AGENT_GATING: /* it may wait for a person */
	default:
		return INT64_MAX / 2;
	}
}

void judge_ordered_again(struct world *world)
{
	for (size_t i = 0; i < world->host_count; i++) {
		struct sim_host *host = &world->hosts[i];

		host->must_retry = host->known == AGENT_FAILED || host->known == AGENT_REVERTED ||
				   host->known == AGENT_REJECTED;
		host->failed_as = host->known;
		if (!host->again && host->known == AGENT_UNKNOWN)
			host->again_commit = world->commits + 1;
		/* As soon as it is settled. */
		host->again |= host->known == AGENT_REVERTING || host->known == AGENT_UNKNOWN;
		host->told_to_retry_ms = world->now;
		if (host->must_retry)
			judge_watch(host);
	}
}

void judge_answered_first(struct world *world, struct sim_host *host, enum agent_state from, enum agent_state to)
{
	if (from == AGENT_UNKNOWN && (to == AGENT_CHANGING || to == AGENT_RETURNING) &&
	    host->again_commit == world->commits)
		host->again = false;
}

static void judge_patience(struct world *world, const struct sim_host *host)
{
	if (world->now - host->known_ms > longest(&world->plan.options, host->known) + SLACK_MS)
		world_violation(world, "invariant 10: host %zu is left in state %s", host->index,
				agent_state_name(host->known));
	if (host->known == AGENT_SOAKING && host->told_done &&
	    world->now - host->known_ms > world->plan.options.soak_ms + SLACK_MS)
		world_violation(world, "host %zu was proven and kept, and is not done", host->index);
	if (host->must_be_asked && !host->asked && world->now - world->life_began_ms > SLACK_MS)
		world_violation(world, "host %zu was open when rollcall was started, and is not asked", host->index);
	if (host->owed_keep && host->owed_keep == host->exec && host->current &&
	    host->current->state.step == STEP_STARTED)
		world_violation(world, "host %zu was judged and not told to keep", host->index);
}

/* What gates after it, or a person, are to have done about it. */
static void judge_dues(struct world *world, const struct sim_host *host)
{
	if (host->known == AGENT_GATING && host->gates_due && world->now - host->known_ms > SLACK_MS)
		world_violation(world, "host %zu is back, and the gates after it are not asked", host->index);
	if (host->unclear_ms && host->known == AGENT_GATING && judge_run_is(world, RUN_RUNNING) &&
	    world->now - host->unclear_ms > SLACK_MS)
		world_violation(world, "a gate after host %zu gave no answer that settles it, and the run goes on",
				host->index);
	if (host->must_retry && host->known == host->failed_as && world->now - host->told_to_retry_ms > SLACK_MS)
		world_violation(world, "host %zu is to be tried again, and stays '%s'", host->index,
				agent_state_name(host->known));
}

/* A conversation that is over must not be waited for, and what was said in one must be in the ledger. */
static void judge_conversation(struct world *world, struct sim_host *host)
{
	const struct sim_operation *op = host_last_operation(host);
	bool waits = host->known == AGENT_CHANGING || host->known == AGENT_RETURNING || host->known == AGENT_PROVING ||
		     (host->known == AGENT_SOAKING && !host->told_done);
	int64_t silent_ms = world->now - (host->hung_up_ms > host->known_ms ? host->hung_up_ms : host->known_ms);

	if (host->heard_ms && judge_is_heard(host))
		host->heard_ms = 0;
	if (host->heard_ms && world->now - host->heard_ms > SLACK_MS)
		world_violation(world, "host %zu has said more than its state %s", host->index,
				agent_state_name(host->known));
	if (host->known == AGENT_UNKNOWN && !host->talking && silent_ms > ASK_AGAIN_MS + SLACK_MS)
		world_violation(world, "host %zu is unknown, and is not asked again", host->index);
	if (waits && !host->talking && silent_ms > SLACK_MS && !(op && op->state.step == STEP_DONE))
		world_violation(world, "host %zu is waited for in state %s, and nobody talks to it", host->index,
				agent_state_name(host->known));
}

/* What the master shows to be wrong for good must not be waited out: five answers are enough. */
static void judge_wrong(struct world *world, struct sim_host *host)
{
	bool returned = host->registered_pid == host->pid && host->active && host->pid &&
			(host->running_flags == NEW ? host->known == AGENT_RETURNING || host->known == AGENT_PROVING
						    : host->known == AGENT_REVERTING);
	bool wrong = (host->known == AGENT_CHECKING && (host->traits & MOVED) && host->listed && host->active &&
		      world->now - host->reregistered_ms > SLACK_MS && world->now - host->shown_back_ms > SLACK_MS) ||
		     (returned && (host->has_new_id || (host->task == TASK_KILLED && !world->discards)) &&
		      !host_record_stays(host));

	if (!wrong || !sim_master_lists(host))
		host->wrong_since = 0;
	else if (!host->wrong_since) {
		host->wrong_since = world->answers + 1;
		host->wrong_ms = world->now;
	} else if (world->answers <= host->wrong_since) {
		host->wrong_ms = world->now;
	} else if (world->answers > host->wrong_since + 5 && world->answered_ms - host->wrong_ms > SLACK_MS)
		world_violation(world, "host %zu is left in state %s, although five answers show what is wrong",
				host->index, agent_state_name(host->known));
}

/* Is it there as everybody knows it, with nothing under way? */
static bool is_there(const struct sim_host *host)
{
	for (const struct sim_operation *op = host->operations; op; op = op->next)
		if (op->state.step != STEP_NONE && !op->back && !op->turned && !op->rescue && !op->lost)
			return false;
	return host->active && !host->shown_away;
}

/* Nothing about it can become overdue, and it is not away, before something happens to it again. */
static bool is_at_rest(const struct sim_host *host)
{
	return (host->known == AGENT_WAITING || agent_state_is_final(host->known)) && !host->talking &&
	       !host->heard_ms && !host->owed_keep && !host->must_be_asked && !host->must_retry && !host->unclear_ms &&
	       is_there(host);
}

void judge_watch(struct sim_host *host)
{
	if (host->watched)
		return;
	host->watched = true;
	host->world->watched[host->world->watched_count++] = host->index;
}

static void judge_host(struct world *world, struct sim_host *host)
{
	judge_patience(world, host);
	judge_dues(world, host);
	judge_conversation(world, host);
	judge_wrong(world, host);
}

/* What is overdue stays so: where hundreds are watched they are gone through ten times a second, not with every event. */
static bool is_too_soon(struct world *world)
{
	if (world->watched_count > MANY && world->now - world->judged_ms < 100)
		return true;
	world->judged_ms = world->now;
	return false;
}

void judge_tick(struct world *world)
{
	int checking = 0;

	/* Nobody is to do anything until the next one is started. */
	if (world->process.superseded || is_too_soon(world))
		return;
	for (size_t i = world->watched_count; i-- > 0;) {
		struct sim_host *host = &world->hosts[world->watched[i]];

		judge_host(world, host);
		checking += host->known == AGENT_CHECKING;
		if (!is_at_rest(host))
			continue;
		host->watched = false;
		world->watched[i] = world->watched[--world->watched_count];
	}
	if (checking && world->paused_at)
		world_violation(world, "an agent is still looked at although the run is not running");
	if (!checking || world->answered_ms > world->checking_ms)
		world->checking_ms = checking ? world->now : 0;
	if (checking && world->now - world->checking_ms > world->plan.options.check_ms + SLACK_MS)
		world_violation(world, "the run goes on although no master answers");
}
