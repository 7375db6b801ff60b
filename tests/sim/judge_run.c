/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rollcall says and does while it runs, against what is so on the hosts: what it promises with a word of the ledger, what it
 * starts although it must not, whom it forgets.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

/* A pass of rollcall's loop, an idle poll and an answer. */
#define SLACK_MS     5000
/* The longest pause between two questions to a host that does not answer. */
#define ASK_AGAIN_MS 32000

static bool run_is(struct world *world, enum run_state state)
{
	struct run_row run;
	bool is;

	if (ledger_load_run(world->ledger, "run", &run, NULL) < 0)
		return false;
	is = run_state_parse(run.state) == (int)state;
	run_row_clear(&run);
	return is;
}

/* The reason that the operator is given must be so. */
void judge_run(struct world *world)
{
	struct run_row run;
	int failures = 0, stuck = 0;

	for (size_t i = 0; i < world->host_count; i++) {
		const struct sim_host *host = &world->hosts[i];

		failures += agent_state_is_failure(host->known) && !host->seen_failure && !host->seen_stuck;
		stuck += host->known == AGENT_STUCK && !host->seen_stuck;
	}
	/* After a crash rollcall may have forgotten which failures were seen, and asks for a person once more. */
	if (world->crashed || ledger_load_run(world->ledger, "run", &run, NULL) < 0)
		return;
	if (run.reason && strstr(run.reason, "failure budget") && failures <= world->plan.options.max_failures)
		world_violation(world, "the run is paused for %d failures, and %d are allowed", failures,
				world->plan.options.max_failures);
	if (run.reason && strstr(run.reason, "needs a person") && stuck == 0)
		world_violation(world, "the run is paused for an agent that a person has seen already");
	run_row_clear(&run);
}

/* What a person must look at stops the run with the same commit, unless a person has seen it. */
static void judge_pause(struct world *world, const struct sim_host *host, const struct engine_record *record)
{
	bool person = record->to == AGENT_STUCK && !host->seen_stuck;

	if (person && run_is(world, RUN_RUNNING))
		world_violation(world, "host %zu is 'stuck', and the run goes on", host->index);
}

/* Does the ledger say what rollcall was told? */
static bool is_heard(const struct sim_host *host)
{
	switch (host->heard) {
	case ANSWER_UNDONE:
		return host->known == AGENT_REVERTING || agent_state_is_final(host->known);
	case ANSWER_STUCK:
		return host->known == AGENT_STUCK;
	case ANSWER_STATUS:
		return host->known != AGENT_UNKNOWN;
	default:
		return host->known != AGENT_CHANGING && host->known != AGENT_UNKNOWN;
	}
}

/* Whoever is called unfit must be so: at another address, or not there. */
static void judge_unfit(struct world *world, const struct sim_host *host)
{
	bool there = host->active &&
		     world->now * 1000000 - host->reregistered_ns > world->plan.options.check_ms * 1000000;

	if (there && !(host->traits & MOVED))
		world_violation(world,
				"host %zu has 'failed' before anything was intended, and nothing is wrong with it",
				host->index);
}

void judge_transition(struct world *world, const struct engine_record *record, const struct run_agent *row)
{
	struct sim_host *host = &world->hosts[record->agent];

	world->trace = (world->trace ^ (uint64_t)record->to) * 0x100000001b3u + record->agent;
	host->known = record->to;
	if (host->heard_ms && is_heard(host))
		host->heard_ms = 0;
	if (record->from == record->to)
		return;
	host->known_ms = world->now;
	if (record->to == AGENT_SOAKING)
		host->soaks_ms = world->now;
	if (record->to == AGENT_DONE && world->now - host->soaks_ms < world->plan.options.soak_ms)
		world_violation(world, "host %zu is 'done' before its soak time is over", host->index);
	if (record->from == AGENT_UNKNOWN)
		host->must_be_asked = false; /* it has answered */
	if (record->from == AGENT_CHECKING && record->to == AGENT_FAILED)
		judge_unfit(world, host);
	judge_state(world, host, record->to, row);
	judge_pause(world, host, record);
	if (record->to == AGENT_WAITING)
		host->seen_stuck = false;
	if (host->seen_stuck && (record->to == AGENT_REVERTED || record->to == AGENT_FAILED))
		host->seen_failure = true;
	/* Proven, or wrong for good: either way the new state stays, and agentctl is told. */
	if ((record->from == AGENT_PROVING && (record->to == AGENT_SOAKING || record->to == AGENT_STUCK) &&
	     record->event != EVENT_HOST_STUCK) ||
	    (record->from == AGENT_RETURNING && record->event == EVENT_DISPROVEN))
		host->owed_keep = host->exec;
}

/* ---- invariant 4: when nothing may start */

void judge_commit(struct world *world)
{
	world->commits++;
	if (run_is(world, RUN_RUNNING))
		world->paused_at = 0;
	else if (world->paused_at == 0)
		world->paused_at = world->commits;
}

void judge_told(struct world *world, struct sim_host *host, enum answer_event event)
{
	bool over = event == ANSWER_DONE || event == ANSWER_UNDONE || event == ANSWER_REFUSED || event == ANSWER_STUCK;

	/* Without a process it is no evidence, and rollcall will ask again. */
	if ((event == ANSWER_STARTED || event == ANSWER_UNDONE || event == ANSWER_DONE) && !host->pid) {
		host->heard_ms = 0;
		return;
	}
	if (event == ANSWER_UNDONE || event == ANSWER_STUCK || event == ANSWER_REFUSED) {
		host->told_failure = true;
		host->told_ms = world->now;
	}
	host->told_done = host->told_done || event == ANSWER_DONE;
	host->applying = host->applying && !over;
	if (event == ANSWER_STATUS && (!host->current || operation_fate(host->current->state.step) != FATE_OPEN))
		return;
	if (event == ANSWER_STARTED || event == ANSWER_STATUS || over) {
		host->heard = event;
		host->heard_ms = world->now;
	}
}

void judge_hung_up(struct world *world, struct sim_host *host, uint64_t exec)
{
	if (!exec || host->talking != exec)
		return;
	host->talking = 0;
	host->hung_up_ms = world->now;
}

static int failures_told(const struct world *world)
{
	int count = 0;

	for (size_t i = 0; i < world->host_count; i++)
		count += world->hosts[i].told_failure && !world->hosts[i].seen_failure && !world->hosts[i].seen_stuck &&
			 world->hosts[i].told_ms < world->now;
	return count;
}

/* Invariant 2, by what rollcall was told: whoever it has to do with, and whoever the master's last answer showed as away. */
static bool is_known_away(const struct sim_host *host)
{
	const struct sim_operation *op = host->operations;

	return (host->talking && host->applying) || host->shown_away ||
	       (op && op->state.step != STEP_NONE && !op->back);
}

static void judge_room(struct world *world, const struct sim_host *host)
{
	int away = 1;

	for (size_t i = 0; i < world->host_count; i++)
		away += i != host->index && is_known_away(&world->hosts[i]);
	if (away > world->plan.options.window)
		world_violation(world, "invariant 2: with host %zu %d agents are away, the window is %d", host->index,
				away, world->plan.options.window);
}

static void judge_apply(struct world *world, const struct sim_host *begun)
{
	judge_room(world, begun);
	if (world->paused_at && world->paused_at < world->commits)
		world_violation(world, "invariant 4: an agent is begun although the run is not running");
	if (failures_told(world) > world->plan.options.max_failures)
		world_violation(world, "invariant 4: an agent is begun after %d failures, %d are allowed",
				failures_told(world), world->plan.options.max_failures);
	for (size_t i = 0; i < world->host_count; i++) {
		const struct sim_host *host = &world->hosts[i];

		if (host->must_be_asked && !host->seen_stuck && host->known == AGENT_UNKNOWN)
			world_violation(world, "an agent is begun before host %zu, open since the last start, answered",
					i);
	}
}

void judge_exec(struct world *world, struct sim_host *host, uint64_t exec, const char *word)
{
	host->talking = exec;
	host->heard_ms = 0;
	host->told_done = false;
	host->applying = strcmp(word, "apply") == 0;
	if (host->applying)
		judge_apply(world, host);
	else
		host->asked = true;
}

/* ---- starts, stops and time */

static void read_rows(struct world *world)
{
	struct run_agent *rows = NULL;
	bool paused = run_is(world, RUN_PAUSED);
	size_t count = 0;

	if (ledger_load_agents(world->ledger, "run", &rows, &count, NULL) < 0)
		world_violation(world, "the ledger cannot be read");
	for (size_t i = 0; i < count; i++) {
		struct sim_host *host = &world->hosts[rows[i].position];
		enum agent_state state = (enum agent_state)agent_state_parse(rows[i].state);

		if (world->lives > 1 && state != host->known)
			judge_state(world, host, state, &rows[i]);
		host->known = state;
		host->must_be_asked = agent_state_is_open(state);
		host->asked = false;
		host->owed_keep = host->talking = 0;
		host->told_done = false;
		host->heard_ms = 0;
		host->wrong_since = 0;
		host->shown_away = false;
		host->hung_up_ms = world->now;
		host->known_ms = world->now;
		/* What it was told and had not written down is lost with it. */
		host->told_failure = agent_state_is_failure(state);
		host->told_ms = 0;
		/* rollcall forgets with a crash that a person has seen an agent stuck that is being asked again. */
		host->seen_stuck = state == AGENT_STUCK;
		host->seen_failure = host->seen_failure || (host->told_failure && paused && state != AGENT_STUCK);
		run_agent_clear(&rows[i]);
	}
	free(rows);
}

void judge_life(struct world *world)
{
	read_rows(world);
	world->life_began_ms = world->answered_ms = world->now;
	world->checking_ms = 0;
}

void judge_stall(struct world *world, int64_t ms)
{
	world->life_began_ms += ms;
	world->answered_ms += ms;
	world->checking_ms += ms;
	for (size_t i = 0; i < world->host_count; i++) {
		world->hosts[i].known_ms += ms;
		world->hosts[i].hung_up_ms += ms;
		world->hosts[i].heard_ms += world->hosts[i].heard_ms ? ms : 0;
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
		return options->return_ms;
	case AGENT_PROVING:
	case AGENT_REVERTING:
		return options->prove_ms;
	case AGENT_SOAKING:
		return options->keep_ms + options->soak_ms;
	case AGENT_UNKNOWN:
		return options->unknown_ms;
	default:
		return INT64_MAX / 2;
	}
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

/* A conversation that is over must not be waited for, and what was said in one must be in the ledger. */
static void judge_conversation(struct world *world, struct sim_host *host)
{
	const struct sim_operation *op = host->operations;
	bool waits = host->known == AGENT_CHANGING || host->known == AGENT_RETURNING || host->known == AGENT_PROVING ||
		     (host->known == AGENT_SOAKING && !host->told_done);
	int64_t silent_ms = world->now - (host->hung_up_ms > host->known_ms ? host->hung_up_ms : host->known_ms);

	if (host->heard_ms && is_heard(host))
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
	bool wrong = (host->known == AGENT_CHECKING && (host->traits & MOVED) && host->listed && host->active) ||
		     (returned && (host->has_new_id || host->task == TASK_KILLED) && !(host->traits & RECORD_STAYS));

	if (!wrong)
		host->wrong_since = 0;
	else if (!host->wrong_since)
		host->wrong_since = world->answers + 1;
	else if (world->answers > host->wrong_since + 5)
		world_violation(world, "host %zu is left in state %s, although five answers show what is wrong",
				host->index, agent_state_name(host->known));
}

void judge_tick(struct world *world)
{
	int checking = 0;

	for (size_t i = 0; i < world->host_count; i++) {
		judge_patience(world, &world->hosts[i]);
		judge_conversation(world, &world->hosts[i]);
		judge_wrong(world, &world->hosts[i]);
		checking += world->hosts[i].known == AGENT_CHECKING;
	}
	if (checking && world->paused_at)
		world_violation(world, "an agent is still looked at although the run is not running");
	if (!checking || world->answered_ms > world->checking_ms)
		world->checking_ms = checking ? world->now : 0;
	if (checking && world->now - world->checking_ms > world->plan.options.check_ms + SLACK_MS)
		world_violation(world, "the run goes on although no master answers");
}
