/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may start, what has waited too long, which question is due, and when to look again. Nothing here costs more than what
 * is under way and the failure domains there are: agents that wait stand in one list for each domain that has a limit.
 */
#include "orchestrator/engine/internal.h"

#include <stdio.h>

/* ---- the window */

static bool domain_has_room(const struct engine *engine, int domain, int used_by_itself)
{
	return engine->options.domain_window == 0 || domain < 0 || domain == engine->domain_count ||
	       engine->domain_slots[domain] - used_by_itself < engine->options.domain_window;
}

/* Invariant 2 is kept here: an agent takes a slot only below both limits, and whoever is away for any reason counts. */
static bool has_room(const struct engine *engine, size_t index)
{
	const struct engine_agent *agent = &engine->agents[index];
	int itself = agent_state_is_away(agent->state) || agent->absent;

	return engine->slots - itself < engine_window(engine) && domain_has_room(engine, agent->domain, itself);
}

/* Invariant 4 is kept here: RUN_RUNNING ends with a failure budget, with a pause and with an abort. */
static bool may_start(const struct engine *engine)
{
	return engine->state == RUN_RUNNING && engine->must_ask == 0 && engine->holds == 0;
}

bool engine_may_change(const struct engine *engine, size_t index)
{
	return may_start(engine) && has_room(engine, index) && !engine->agents[index].absent;
}

/* The first of a domain's that waits, is there and belongs to a stage that has begun; SIZE_MAX: nobody. */
static size_t first_waiting(struct engine *engine, int domain)
{
	size_t end = engine->domain_first[domain + 1], at = engine->domain_next[domain];

	while (at < end && engine->agents[engine->members[at]].state != AGENT_WAITING)
		at++;
	engine->domain_next[domain] = at;
	for (; at < end; at++) {
		const struct engine_agent *agent = &engine->agents[engine->members[at]];

		if (agent->stage > engine->stage)
			break;
		if (agent->state == AGENT_WAITING && !agent->absent)
			return engine->members[at];
	}
	return SIZE_MAX;
}

/* Of all domains with room, in order of position. */
static size_t next_to_start(struct engine *engine)
{
	size_t soonest = SIZE_MAX;

	for (int domain = 0; domain <= engine->domain_count; domain++) {
		size_t first = domain_has_room(engine, domain, 0) ? first_waiting(engine, domain) : SIZE_MAX;

		if (first < soonest)
			soonest = first;
	}
	return soonest;
}

static void start_waiting(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	while (engine->slots < engine_window(engine) && engine->by_state[AGENT_WAITING] > 0) {
		size_t next = next_to_start(engine);

		if (next == SIZE_MAX)
			return;
		engine_step(engine, next, EVENT_TURN, now_ms, output);
	}
}

/* ---- time */

static int64_t patience(const struct engine *engine, const struct engine_agent *agent)
{
	const struct engine_options *options = &engine->options;

	switch (agent->state) {
	case AGENT_CHECKING:
		return options->check_ms;
	case AGENT_CHANGING:
		return options->change_ms;
	case AGENT_RETURNING:
	case AGENT_REVERTING: /* a restart too, with all that it takes until the master has it back */
		return options->return_ms;
	case AGENT_PROVING:
		return options->prove_ms;
	case AGENT_SOAKING:
		return agent->kept ? options->soak_ms : options->keep_ms;
	case AGENT_UNKNOWN:
		return options->unknown_ms;
	case AGENT_GATING:
		return engine_gate_patience(engine);
	default:
		return -1;
	}
}

static int64_t deadline(const struct engine *engine, const struct engine_agent *agent)
{
	int64_t limit = patience(engine, agent), at = agent->since_ms + limit;

	if (limit < 0)
		return -1;
	if (agent->state == AGENT_UNKNOWN && agent->ask_at_ms >= 0 && agent->ask_at_ms < at)
		return agent->ask_at_ms;
	return at;
}

void engine_note_deadline(struct engine *engine, size_t index)
{
	int64_t at = deadline(engine, &engine->agents[index]);

	if (at >= 0 && at < engine->due_ms)
		engine->due_ms = at;
}

void engine_finish_soak(struct engine *engine, size_t index, int64_t now_ms, struct engine_output *output)
{
	const struct engine_agent *agent = &engine->agents[index];

	if (agent->state == AGENT_SOAKING && agent->kept && now_ms - agent->since_ms >= engine->options.soak_ms)
		engine_step(engine, index, engine->options.agent_gates ? EVENT_GATES : EVENT_SOAKED, now_ms, output);
}

static void check_time(struct engine *engine, size_t index, int64_t now_ms, struct engine_output *output)
{
	const struct engine_agent *agent = &engine->agents[index];
	int64_t limit = patience(engine, agent);

	engine_finish_soak(engine, index, now_ms, output);
	if (agent->state == AGENT_SOAKING && agent->kept)
		return;
	if (limit >= 0 && engine_is_busy(agent) && now_ms - agent->since_ms >= limit)
		engine_step(engine, index, EVENT_TIMEOUT, now_ms, output);
	else if (agent->state == AGENT_UNKNOWN && agent->ask_at_ms >= 0 && now_ms >= agent->ask_at_ms)
		engine_ask(engine, index, output);
}

/* Everybody waiting, nobody under way, and no room: stuck agents or others hold the window. That may pass, but not for
 * ever, because every run ends. */
static void check_blocked(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	char reason[sizeof engine->reason];
	bool blocked = engine->state == RUN_RUNNING && engine->under_way_count == 0 &&
		       engine->by_state[AGENT_WAITING] > 0 && engine->holds == 0 && !engine->gate_asked &&
		       !engine_is_soaking(engine);

	if (!blocked) {
		engine->blocked_since_ms = -1;
		return;
	}
	if (engine->blocked_since_ms < 0)
		engine->blocked_since_ms = now_ms;
	if (now_ms - engine->blocked_since_ms < engine->options.check_ms)
		return;
	if (engine->slots >= engine_window(engine))
		snprintf(reason, sizeof reason, "no room in the window: %d agent%s away, %d may be", engine->away,
			 engine->away == 1 ? " is" : "s are", engine_window(engine));
	else
		snprintf(reason, sizeof reason,
			 "none of the %d agents that wait may start: they are not active at the master, or their "
			 "failure domain has no room",
			 engine->by_state[AGENT_WAITING]);
	engine_pause(engine, reason, now_ms, output);
}

/* What everybody knows to be stuck holds nobody up, but a run that leaves it behind is not done: it waits for a person, who
 * resumes or retries it when the agent is well again, or aborts it. */
static void leave_stuck(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	char reason[sizeof engine->reason];
	int stuck = engine->by_state[AGENT_STUCK];

	snprintf(
		reason, sizeof reason,
		"everything else has come to its end, and %d agent%s still stuck: mend the host%s and `rollout settle`, or abort",
		stuck, stuck == 1 ? " is" : "s are", stuck == 1 ? "" : "s");
	engine_pause(engine, reason, now_ms, output);
}

/* Back soon enough, or a person must look. While no master can tell, there is more time. */
static int64_t left_until(const struct engine *engine)
{
	return engine->left_since_ms + engine->options.return_ms + (engine->holds ? engine->options.hold_ms : 0);
}

static void say_left(const struct engine *engine, char *out, size_t size)
{
	int left = engine->left;

	if (engine->unseen)
		snprintf(
			out, size,
			"everything has come to its end, but no master has said whether the agents that are done are there: "
			"resume when one answers");
	else
		snprintf(
			out, size,
			"everything has come to its end, but %d agent%s that %s done %s not active at the master any more: "
			"look at %s, then resume",
			left, left == 1 ? "" : "s", left == 1 ? "was" : "were", left == 1 ? "is" : "are",
			left == 1 ? "it" : "them");
}

/* An agent that was done and is not there any more is no good end, whatever took it away; who has just been started knows of none. */
static bool awaits_left(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	char reason[sizeof engine->reason];
	bool unclear = engine->left > 0 || (engine->unseen && engine->by_state[AGENT_DONE] > 0);

	if (!unclear || engine->state != RUN_RUNNING) {
		engine->left_since_ms = -1;
		return unclear;
	}
	if (engine->left_since_ms < 0)
		engine->left_since_ms = now_ms;
	if (now_ms < left_until(engine))
		return true;
	engine->left_since_ms = -1;
	say_left(engine, reason, sizeof reason);
	engine_pause(engine, reason, now_ms, output);
	return true;
}

static void check_finished(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	if (engine->state == RUN_DONE || engine->state == RUN_ABORTED || !engine_stages_are_over(engine) ||
	    engine->under_way_count > 0) {
		engine->left_since_ms = -1;
		return;
	}
	if (engine->by_state[AGENT_STUCK] > 0) {
		leave_stuck(engine, now_ms, output); /* one that has paused already says why */
		return;
	}
	if ((engine->state == RUN_PAUSED && engine->wants_rollback) || awaits_left(engine, now_ms, output))
		return;
	engine->state = RUN_DONE;
	engine->reason[0] = '\0';
	output->run_changed = true;
}

/* Whoever is under way is gone through when somebody's time may be up, and not with every event of somebody else. */
static void check_times(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	if (now_ms < engine->due_ms)
		return;
	for (size_t i = engine->under_way_count; i-- > 0;)
		if (i < engine->under_way_count)
			check_time(engine, engine->under_way[i], now_ms, output);
	engine->due_ms = INT64_MAX;
	for (size_t i = 0; i < engine->under_way_count; i++)
		engine_note_deadline(engine, engine->under_way[i]);
}

void engine_schedule(struct engine *engine, int64_t now_ms, struct engine_output *output)
{
	check_times(engine, now_ms, output);
	engine_check_holds(engine, now_ms, output);
	engine_check_stages(engine, now_ms, output);
	if (may_start(engine))
		start_waiting(engine, now_ms, output);
	check_blocked(engine, now_ms, output);
	check_finished(engine, now_ms, output);
}

static int64_t sooner(int64_t a, int64_t b)
{
	if (a < 0)
		return b;
	return b < 0 || a < b ? a : b;
}

int64_t engine_next_ms(const struct engine *engine)
{
	bool waits = engine->state == RUN_RUNNING && engine->by_state[AGENT_WAITING] > 0;
	int64_t next = engine->under_way_count > 0 && engine->due_ms != INT64_MAX ? engine->due_ms : -1;

	if (engine->gate_asked)
		next = sooner(next, engine->gate_since_ms + engine_gate_patience(engine));
	if (engine_is_soaking(engine))
		next = sooner(next, engine->soak_since_ms + engine->options.stage_soak_ms);
	if (waits && engine->holds)
		next = sooner(next, engine->hold_since_ms + engine->options.hold_ms);
	if (waits && engine->blocked_since_ms >= 0)
		next = sooner(next, engine->blocked_since_ms + engine->options.check_ms);
	if (engine->state == RUN_RUNNING && engine->left_since_ms >= 0)
		next = sooner(next, left_until(engine));
	return next;
}
