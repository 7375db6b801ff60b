/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rollcall says and does while it runs, against what is so on the hosts: what it promises with a word of the ledger, what it
 * starts although it must not, whom it forgets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/ledger/ledger_backend.h"
#include "tests/sim/judge.h"

bool judge_run_is(struct world *world, enum run_state state)
{
	const struct run_row *run = ledger_memory_run(world->ledger, world->run);

	return run && run_state_parse(run->state) == (int)state;
}

/* A stage has passed when everybody up to its end has come to one, and its gates have said so. */
static void judge_passed(struct world *world, size_t passed)
{
	size_t end = world->plan.stage_count ? world->plan.stages[passed - 1].end : world->plan.agent_count;

	/* Who is tried again may have come to an end in the same commit. */
	for (size_t i = 0; !world->retried && i < end; i++)
		if (!agent_state_is_final(world_host(world, i)->known))
			world_violation(world, "stage %zu has passed, and host %zu is %s", passed, i,
					agent_state_name(world_host(world, i)->known));
	if (world->stage_gates_passed[passed - 1] < (int)world->plan.stage_gate_count)
		world_violation(world, "stage %zu has passed, and its gate has not", passed);
}

/* The reason that the operator is given must be so when he is told it first. */
static void judge_told_reason(struct world *world, const char *reason)
{
	if (strcmp(world->reason, reason) != 0 && *reason)
		judge_reason(world, reason);
	snprintf(world->reason, sizeof world->reason, "%s", reason);
}

/* A spent budget does what the plan says, and an order to abort is obeyed. */
static void judge_policy(struct world *world, const struct run_row *run)
{
	bool spent = run->reason && (strstr(run->reason, "budget") || strstr(run->reason, "in a row"));
	bool aborted = strcmp(run->state, "aborted") == 0;

	if (spent && (world->plan.options.on_failure == ON_FAILURE_ABORT) != aborted)
		world_violation(world, "a budget is spent, and the run is %s", run->state);
	if (spent && world->plan.options.on_failure == ON_FAILURE_ROLLBACK && !run->rollback_due)
		world_violation(world, "a budget is spent, and nothing is to be rolled back");
	if (world->process.ordered_to_abort && !aborted)
		world_violation(world, "it was ordered to abort, and the run is %s", run->state);
}

/* A run is not done as long as somebody is stuck, seen or not. */
static void judge_nobody_is_left(struct world *world, const struct run_row *run)
{
	for (size_t i = 0; strcmp(run->state, "done") == 0 && i < world->host_count; i++)
		if (world->hosts[i].known == AGENT_STUCK)
			world_violation(world, "the run is done, and host %zu is 'stuck'", i);
}

void judge_order_is_durable(struct world *world)
{
	if (world->ordered_on)
		world->rows = (struct sim_rows){.run = 0};
	for (size_t i = 0; world->ordered_on && i < world->host_count; i++) {
		world->hosts[i].seen_failure |= world->hosts[i].sees_failure;
		world->hosts[i].seen_stuck |= world->hosts[i].sees_stuck;
		world->hosts[i].sees_failure = world->hosts[i].sees_stuck = false;
	}
	world->ordered_on = false;
}

void judge_run(struct world *world)
{
	struct run_row run;

	judge_order_is_durable(world);
	if (ledger_load_run(world->ledger, world->run, &run, NULL) < 0)
		return;
	world_say(world, "the run is %s: %s", run.state, run.reason ? run.reason : "");
	judge_told_reason(world, run.reason ? run.reason : "");
	judge_policy(world, &run);
	judge_nobody_is_left(world, &run);
	while (world->stages_passed < (size_t)run.stages_passed)
		judge_passed(world, ++world->stages_passed);
	run_row_clear(&run);
}

/* What a person must look at stops the run with the same commit, unless a person has seen it. */
static void judge_pause(struct world *world, const struct sim_host *host, const struct engine_record *record)
{
	bool person = record->to == AGENT_STUCK && !host->seen_stuck && !host->may_be_known && !world->ordered_on;

	if (person && judge_run_is(world, RUN_RUNNING))
		world_violation(world, "host %zu is 'stuck', and the run goes on", host->index);
}

/* What a person is told to be wrong must be so. */
static void judge_claim(struct world *world, const struct sim_host *host, const struct engine_record *record,
			const struct run_agent *row)
{
	if (record->event == EVENT_DISPROVEN && row->error && strstr(row->error, "came back with a new ID") &&
	    !host->has_new_id)
		world_violation(world, "host %zu is said to have another ID, and has its own", host->index);
	if ((record->event == EVENT_STARTED || record->event == EVENT_UNDONE) && row->started && row->operation &&
	    !strstr(row->started, row->operation))
		world_violation(world, "host %zu: what is known of its start is the word of another operation",
				host->index);
}

/* Whoever was looked at for as long as the plan allows, and no master answered: the run stops with the same commit. */
static void judge_silence(struct world *world, const struct engine_record *record)
{
	if (record->from == AGENT_CHECKING && record->to == AGENT_WAITING && judge_run_is(world, RUN_RUNNING) &&
	    !world->ordered_on && /* a person has sent it on with the same commit */
	    world->now - world->answered_ms >= world->plan.options.check_ms)
		world_violation(world, "no master has answered for long, and the run goes on");
}

/* Whoever is called unfit must be so: at another address, or not there. */
static void judge_unfit(struct world *world, const struct sim_host *host)
{
	bool there = host->active && world->now - host->reregistered_ms > world->plan.options.check_ms;

	if (there && !judge_is_lost(host) && !(host->traits & MOVED) && !host->shown_impostor && !host->shown_away)
		world_violation(world,
				"host %zu has 'failed' before anything was intended, and nothing is wrong with it",
				host->index);
}

static size_t stage_of(const struct world *world, const struct sim_host *host)
{
	size_t stage = 0;

	while (stage < world->plan.stage_count && host->position >= world->plan.stages[stage].end)
		stage++;
	return stage;
}

/* An agent begins when the stages before its own have passed. */
static void judge_stage(struct world *world, const struct sim_host *host)
{
	if (world->plan.stage_count > 0 && stage_of(world, host) > world->stages_passed)
		world_violation(world, "host %zu is begun, and stage %zu has not passed", host->index,
				stage_of(world, host));
}

static void measure(struct world *world, struct sim_host *host, const struct engine_record *record)
{
	if (record->event == EVENT_TURN)
		host->slot_from_ms = world->now;
	if (record->event == EVENT_CLEAR)
		host->away_from_ms = world->now;
	if (world->away_ms && record->event == EVENT_PROVEN)
		world->away_ms[host->index] = world->now - host->away_from_ms;
	if (world->slot_ms && record->to == AGENT_DONE)
		world->slot_ms[host->index] = world->now - host->slot_from_ms;
}

/* What was due to it is over with its last state. */
static void note_state(struct world *world, struct sim_host *host, const struct engine_record *record)
{
	host->must_retry = false;
	host->unclear_ms = 0;
	/* Stuck: a person must look, and gives another order. */
	host->again = host->again && record->to != AGENT_WAITING && record->to != AGENT_DONE &&
		      record->to != AGENT_STUCK;
	judge_answered_first(world, host, record->from, record->to);
	host->gates_due = record->to == AGENT_GATING;
	host->known_ms = world->now;
	if (agent_state_is_failure(record->to)) {
		host->failed_commit = world->commits;
		host->may_be_seen |= world->ordered_on; /* the same commit lets the run go on */
	}
	if (record->to == AGENT_STUCK && !host->seen_stuck)
		host->stuck_commit = world->commits;
	if (record->to == AGENT_SOAKING) {
		host->soaks_ms = world->now;
		host->soaks_unseen = host->by_impostor && !host->shown_impostor;
	}
	if (record->from == AGENT_UNKNOWN)
		host->must_be_asked = false; /* it has answered */
}

/* Which of its failures a person knows of. */
static void note_seen(struct sim_host *host, const struct engine_record *record)
{
	bool failed = agent_state_is_failure(record->to) && agent_state_is_final(record->to);

	if (record->from == AGENT_STUCK)
		host->seen_stuck = true; /* whoever tries it again has seen it */
	if (record->to == AGENT_WAITING)
		host->told_failure = host->seen_failure = host->seen_stuck = host->sees_failure = host->sees_stuck =
			host->may_be_seen = false;
	if (host->seen_stuck && failed && record->to != AGENT_STUCK)
		host->seen_failure = true;
}

/* Proven, or wrong for good: either way the new state stays, and agentctl is told. */
static bool is_judged(const struct engine_record *record)
{
	if (record->from == AGENT_RETURNING)
		return record->event == EVENT_DISPROVEN;
	return record->from == AGENT_PROVING && record->event != EVENT_HOST_STUCK &&
	       (record->to == AGENT_SOAKING || record->to == AGENT_STUCK);
}

/* Failures one after the other, in the order in which they ended; those that a person has seen are not counted. */
static void note_end(struct world *world, const struct sim_host *host, const struct engine_record *record)
{
	bool known = host->seen_failure || host->seen_stuck || host->may_be_seen;

	if (!agent_state_is_final(record->to) || agent_state_is_final(record->from))
		return;
	if (world->row_commit != world->commits)
		world->rows_before = world->rows;
	world->row_commit = world->commits;
	judge_count_row(host, record->to == AGENT_DONE, agent_state_is_failure(record->to) && !known);
}

static void judge_change(struct world *world, struct sim_host *host, const struct engine_record *record,
			 const struct run_agent *row)
{
	measure(world, host, record);
	note_state(world, host, record);
	if (record->to == AGENT_DONE && world->now - host->soaks_ms < world->plan.options.soak_ms)
		world_violation(world, "host %zu is 'done' before its soak time is over", host->index);
	if (record->from == AGENT_CHECKING && record->to == AGENT_FAILED)
		judge_unfit(world, host);
	judge_state(world, host, record->to, row);
	judge_pause(world, host, record);
	judge_claim(world, host, record, row);
	judge_silence(world, record);
	if (record->from == AGENT_CHECKING && record->to == AGENT_WAITING)
		world->checking_ms = world->now; /* a person may send it on at once: it is looked at anew */
	note_end(world, host, record);
	note_seen(host, record);
	if (record->event == EVENT_CLEAR) {
		host->intent_commit = world->commits;
		judge_stage(world, host);
	}
	if (is_judged(record))
		host->owed_keep = host->exec;
}

void judge_transition(struct world *world, const struct engine_record *record, const struct run_agent *row)
{
	struct sim_host *host = world_host(world, record->agent);

	world->trace = (world->trace ^ (uint64_t)record->to) * 0x100000001b3u + record->agent;
	host->known = record->to;
	run_agent_clear(&host->row);
	run_agent_copy(&host->row, row);
	judge_watch(host);
	if (host->heard_ms && judge_is_heard(host))
		host->heard_ms = 0;
	if (record->from != record->to)
		judge_change(world, host, record, row);
}

/* ---- invariant 4: when nothing may start */

void judge_commit(struct world *world)
{
	bool aborted = judge_run_is(world, RUN_ABORTED);

	if (world->was_aborted && !aborted)
		world_violation(world, "invariant 4: the run was aborted, and goes on");
	world->was_aborted = aborted;
	world->commits++;
	if (judge_run_is(world, RUN_RUNNING))
		world->paused_at = 0;
	else if (world->paused_at == 0)
		world->paused_at = world->commits;
}

static bool is_last_word(enum answer_event event)
{
	return event == ANSWER_DONE || event == ANSWER_UNDONE || event == ANSWER_REFUSED || event == ANSWER_STUCK;
}

void judge_told(struct world *world, struct sim_host *host, const struct told *told)
{
	enum answer_event event = told->event;

	judge_watch(host);
	/* Rollcall has hung up, or is about to, and will ask again. */
	if (told->spoiled) {
		host->heard_ms = 0;
		return;
	}
	if (event == ANSWER_UNDONE || event == ANSWER_STUCK || event == ANSWER_REFUSED)
		judge_failed(host);
	host->told_done = host->told_done || event == ANSWER_DONE;
	host->applying = host->applying && !is_last_word(event);
	if (event == ANSWER_STATUS && !told->open)
		return;
	if (event == ANSWER_STARTED || event == ANSWER_STATUS || is_last_word(event)) {
		bool stuck_just_now = host->heard == ANSWER_STUCK && host->heard_ms == world->now;

		host->heard_at_end = host->known == AGENT_STUCK || stuck_just_now;
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

/* Invariant 4: whoever was superseded, and does not know it yet, does nothing. */
void judge_effect(struct world *world)
{
	if (world->process.superseded)
		world_violation(world, "invariant 4: rollcall acts although somebody else drives the run");
}

void judge_exec(struct world *world, struct sim_host *host, uint64_t exec, const char *word)
{
	judge_effect(world);
	judge_watch(host);
	host->talking = exec;
	host->heard_ms = 0;
	host->told_done = false;
	host->applying = strcmp(word, "apply") == 0;
	if (host->applying)
		judge_apply(world, host);
	else
		host->asked = true;
}
