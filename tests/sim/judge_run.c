/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rollcall says and does while it runs, against what is so on the hosts: what it promises with a word of the ledger, what it
 * starts although it must not, whom it forgets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/ledger/ledger_backend.h"
#include "tests/sim/world.h"

bool judge_run_is(struct world *world, enum run_state state)
{
	const struct run_row *run = ledger_memory_run(world->ledger, "run");

	return run && run_state_parse(run->state) == (int)state;
}

/* A stage has passed when everybody up to its end has come to one, and its gates have said so. */
static void judge_passed(struct world *world, size_t passed)
{
	size_t end = world->plan.stage_count ? world->plan.stages[passed - 1].end : world->host_count;

	/* Who is tried again may have come to an end in the same commit. */
	for (size_t i = 0; !world->retried && i < end; i++)
		if (!agent_state_is_final(world->hosts[i].known))
			world_violation(world, "stage %zu has passed, and host %zu is %s", passed, i,
					agent_state_name(world->hosts[i].known));
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
	if (world->ordered_to_abort && !aborted)
		world_violation(world, "it was ordered to abort, and the run is %s", run->state);
}

static void order_is_durable(struct world *world)
{
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

	order_is_durable(world);
	if (ledger_load_run(world->ledger, "run", &run, NULL) < 0)
		return;
	world_say(world, "the run is %s: %s", run.state, run.reason ? run.reason : "");
	judge_told_reason(world, run.reason ? run.reason : "");
	judge_policy(world, &run);
	while (world->stages_passed < (size_t)run.stages_passed)
		judge_passed(world, ++world->stages_passed);
	run_row_clear(&run);
}

/* What a person must look at stops the run with the same commit, unless a person has seen it. */
static void judge_pause(struct world *world, const struct sim_host *host, const struct engine_record *record)
{
	bool person = record->to == AGENT_STUCK && !host->seen_stuck && !world->ordered_on;

	if (person && judge_run_is(world, RUN_RUNNING))
		world_violation(world, "host %zu is 'stuck', and the run goes on", host->index);
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

static size_t stage_of(const struct world *world, const struct sim_host *host)
{
	size_t stage = 0;

	while (stage < world->plan.stage_count && host->index >= world->plan.stages[stage].end)
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

void judge_transition(struct world *world, const struct engine_record *record, const struct run_agent *row)
{
	struct sim_host *host = &world->hosts[record->agent];

	world->trace = (world->trace ^ (uint64_t)record->to) * 0x100000001b3u + record->agent;
	host->known = record->to;
	run_agent_clear(&host->row);
	run_agent_copy(&host->row, row);
	judge_watch(host);
	if (host->heard_ms && judge_is_heard(host))
		host->heard_ms = 0;
	if (record->from == record->to)
		return;
	measure(world, host, record);
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
	if (record->from == AGENT_STUCK)
		host->seen_stuck = true; /* whoever tries it again has seen it */
	if (record->to == AGENT_WAITING)
		host->told_failure = host->seen_failure = host->seen_stuck = host->sees_failure = host->sees_stuck =
			false;
	if (host->seen_stuck && agent_state_is_failure(record->to) && agent_state_is_final(record->to) &&
	    record->to != AGENT_STUCK)
		host->seen_failure = true;
	if (record->event == EVENT_CLEAR) {
		host->intent_commit = world->commits;
		judge_stage(world, host);
	}
	/* Proven, or wrong for good: either way the new state stays, and agentctl is told. */
	if ((record->from == AGENT_PROVING && (record->to == AGENT_SOAKING || record->to == AGENT_STUCK) &&
	     record->event != EVENT_HOST_STUCK) ||
	    (record->from == AGENT_RETURNING && record->event == EVENT_DISPROVEN))
		host->owed_keep = host->exec;
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

void judge_told(struct world *world, struct sim_host *host, enum answer_event event)
{
	judge_watch(host);
	bool over = event == ANSWER_DONE || event == ANSWER_UNDONE || event == ANSWER_REFUSED || event == ANSWER_STUCK;

	/* Without a process it is no evidence, and rollcall will ask again. */
	if ((event == ANSWER_STARTED || event == ANSWER_UNDONE || event == ANSWER_DONE) && !host->pid) {
		host->heard_ms = 0;
		return;
	}
	if (event == ANSWER_UNDONE || event == ANSWER_STUCK || event == ANSWER_REFUSED) {
		judge_failed(host);
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

/* Invariant 2, by what rollcall was told: whoever it has to do with, and whoever the master's last answer showed as away. */
static bool is_known_away(const struct sim_host *host)
{
	const struct sim_operation *op = host->operations;

	if ((host->traits & DEACTIVATED) && !agent_state_is_away(host->known))
		return false; /* what it does after it was judged, the master does not show */
	return (host->talking && host->applying) || host->shown_away ||
	       (op && op->state.step != STEP_NONE && !op->back);
}

static void judge_room(struct world *world, const struct sim_host *host)
{
	int away = 1;

	for (size_t i = 0; i < world->watched_count; i++) {
		const struct sim_host *other = &world->hosts[world->watched[i]];

		/* Whose gates are asked keeps its place. */
		away += other != host && (is_known_away(other) || other->known == AGENT_GATING);
	}
	if (away > judge_window_now(world))
		world_violation(world, "invariant 2: with host %zu %d agents are away, the window is %d", host->index,
				away, judge_window_now(world));
}

/* Nothing more is begun while more of the cluster is away than the plan allows, by what the master showed last. */
static void judge_meltdown(struct world *world)
{
	int away = 0, most = world->plan.options.meltdown_percent;

	for (size_t i = 0; most && i < world->watched_count; i++)
		away += world->hosts[world->watched[i]].shown_away;
	if (most && away > judge_window_now(world) && away * 100 > most * (int)world->host_count)
		world_violation(world, "an agent is begun while %d of %zu are away: more than %d%%", away,
				world->host_count, most);
}

static void judge_apply(struct world *world, const struct sim_host *begun)
{
	judge_room(world, begun);
	if (world->paused_at && world->paused_at < begun->intent_commit)
		world_violation(world, "invariant 4: an agent is begun although the run is not running");
	judge_budgets(world);
	judge_meltdown(world);
	for (size_t i = 0; i < world->watched_count; i++) {
		const struct sim_host *host = &world->hosts[world->watched[i]];

		if (host->must_be_asked && !host->seen_stuck && host->known == AGENT_UNKNOWN)
			world_violation(world, "an agent is begun before host %zu, open since the last start, answered",
					host->index);
	}
}

void judge_exec(struct world *world, struct sim_host *host, uint64_t exec, const char *word)
{
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

/* ---- starts, stops and time */

static bool run_rolls_back(struct world *world)
{
	const struct run_row *run = ledger_memory_run(world->ledger, "run");

	return run && run->rollback_due;
}

static void read_rows(struct world *world)
{
	struct run_agent *rows = NULL;
	bool paused = judge_run_is(world, RUN_PAUSED) && !run_rolls_back(world);
	size_t count = 0;

	if (ledger_load_agents(world->ledger, "run", &rows, &count, NULL) < 0)
		world_violation(world, "the ledger cannot be read");
	for (size_t i = 0; i < count; i++) {
		struct sim_host *host = &world->hosts[rows[i].position];
		enum agent_state state = (enum agent_state)agent_state_parse(rows[i].state);

		if (world->lives > 1 && state != host->known)
			judge_state(world, host, state, &rows[i]);
		if (host->known == AGENT_STUCK && state != AGENT_STUCK)
			host->seen_stuck = true; /* only a person's word leaves that state, in the last commit */
		host->known = state;
		judge_watch(host);
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
		host->told_failure = false;
		if (agent_state_is_failure(state))
			judge_failed(host);
		host->told_ms = 0;
		/* Whoever starts it has seen what is stuck; that stays known until it is settled. */
		if (host->seen_stuck && agent_state_is_failure(state) && agent_state_is_final(state))
			host->seen_failure = state != AGENT_STUCK;
		host->seen_stuck = state == AGENT_STUCK || (host->seen_stuck && !agent_state_is_final(state));
		if (state == AGENT_WAITING)
			host->seen_failure = host->sees_failure = host->seen_stuck = false;
		host->seen_failure = host->seen_failure || (host->told_failure && paused && state != AGENT_STUCK);
		run_agent_clear(&host->row);
		host->row = rows[i];
	}
	free(rows);
}

void judge_life(struct world *world)
{
	struct run_row run;

	/* What became durable in the last moment of the life before was judged by nobody. */
	if (ledger_load_run(world->ledger, "run", &run, NULL) == 0) {
		if (strcmp(run.state, "running") == 0 && world->reason[0])
			order_is_durable(world);
		world->ordered_on = false;
		world->stages_passed = (size_t)run.stages_passed;
		snprintf(world->reason, sizeof world->reason, "%s", run.reason ? run.reason : "");
		run_row_clear(&run);
	}
	read_rows(world);
	world->life_began_ms = world->answered_ms = world->now;
	world->checking_ms = 0;
}

/* What became durable in the last moment has not been told to anybody. */
void judge_death(struct world *world)
{
	struct run_agent *rows = NULL;
	size_t count = 0;

	if (ledger_load_agents(world->ledger, "run", &rows, &count, NULL) < 0)
		world_violation(world, "the ledger cannot be read");
	for (size_t i = 0; i < count; i++) {
		struct sim_host *host = &world->hosts[rows[i].position];

		run_agent_clear(&host->row);
		host->row = rows[i];
	}
	free(rows);
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
