/* SPDX-License-Identifier: Apache-2.0 */
/* One poller for everyone: the master's answers, turned into before-pictures and proofs. */
#include "orchestrator/driver/driver_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Somebody waits for the master: twice a second, but never more than half of the master's own time. */
#define POLL_BUSY_MS  500
/* Somebody has just begun to wait. An answer is of the whole fleet, so there is not one for each agent whose turn comes: of
 * 10,000 agents ten a second, of 100 as many as the master's own time allows. */
#define AGENTS_PER_MS 100
/* Nobody does; agents that are away for other reasons still count against the window. */
#define POLL_IDLE_MS  2000
/* An answer that lay about for so long, because this process was stopped, is no before-picture. */
#define STALE_MS      2000
/* The tasks of an agent that has just come back may not be listed yet; a before-picture without them would miss them. */
#define SETTLE_MS     5000
/* An undo may be at the master before agentctl's word of it is here: what is wrong must be so in as many answers. */
#define DISPROOFS     3
/* … and for so long: agentctl looks once a second, and answers may come faster. */
#define DISPROVEN_MS  2000

static void take_note(struct driver *driver, size_t index, const char *text)
{
	driver_note(driver, index, text);
}

/* ---- one agent in one answer */

static void look(struct driver *driver, size_t index, const struct snapshot_index *shown)
{
	struct driver_agent *agent = &driver->agents[index];
	int64_t since_ms = driver->engine.agents[index].since_ms;
	struct error err = ERROR_INIT;

	if (shown->snapshot->asked_ms < since_ms || driver_now(driver) - shown->snapshot->answered_ms > STALE_MS)
		return;
	if (agent->back_ms && driver_now(driver) - agent->back_ms < SETTLE_MS)
		return;
	before_picture_clear(&agent->before);
	if (before_picture_take(&driver->plan->agents[index], shown, &agent->before, &err) == 0) {
		if (driver->asks_launches)
			before_picture_note_others(&agent->before, driver->plan->agents[index].agent_id, shown);
		driver_step(driver, index, EVENT_CLEAR);
		return;
	}
	take_note(driver, index, err.text);
	/* What may pass by itself (an agent that reconnects, a master that has just been elected) is given some time. */
	if (err.kind != ERROR_UNREACHABLE || driver_now(driver) - since_ms >= driver->plan->options.check_ms / 2)
		driver_step(driver, index, EVENT_UNFIT);
}

/* A deactivated agent reregisters too, and is not active all the same. */
static bool has_returned(const struct driver *driver, size_t index, const struct agent_view *view)
{
	return view && (view->active || view->deactivated) && view->reregistered_ns != 0 &&
	       view->reregistered_ns != driver->agents[index].before.reregistered_ns &&
	       proof_is_at_its_address(&driver->plan->agents[index], view);
}

static void judge(struct driver *driver, size_t index, const struct snapshot_index *shown, bool reverted)
{
	struct driver_agent *agent = &driver->agents[index];
	json_t *document = NULL;
	char *reason = NULL;

	agent->before.stale_master = driver->plan->accept_stale_master;
	enum proof_result result = proof_judge(&driver->plan->agents[index], &agent->before, &agent->started, reverted,
					       shown, &document, &reason);

	/* Also an incomplete one: it says what was missing when the time was up. */
	json_decref(agent->proof);
	agent->proof = document;
	/* After an undo the note already says why there was one. */
	if (reason && !(reverted && result == PROOF_NOT_YET))
		take_note(driver, index, reason);
	if (result == PROOF_PASS)
		driver_step(driver, index, EVENT_PROVEN);
	else if (result == PROOF_FAIL && agent->disproofs++ == 0)
		agent->disproved_ms = driver_now(driver);
	else if (result == PROOF_FAIL && agent->disproofs >= DISPROOFS &&
		 driver_now(driver) - agent->disproved_ms >= DISPROVEN_MS)
		driver_step(driver, index, EVENT_DISPROVEN);
	free(reason);
}

/* Nothing but its return, or another agent in its place, can change what the last proof has found, and a proof costs much more than
 * this: most of those that are away are looked at many times before they are back. */
static bool is_still_away(const struct driver *driver, size_t index, const struct agent_view *view,
			  const struct snapshot_index *shown)
{
	const struct driver_agent *agent = &driver->agents[index];

	return view && !view->active && agent->proof && agent->disproofs == 0 &&
	       !proof_is_succeeded(&driver->plan->agents[index], shown);
}

static void watch(struct driver *driver, size_t index, const struct snapshot_index *shown)
{
	struct driver_agent *agent = &driver->agents[index];
	enum agent_state state = driver->engine.agents[index].state;

	if (!agent->has_started || shown->snapshot->asked_ms < agent->started_ms)
		return;
	if (state == AGENT_RETURNING) {
		const char *id = driver->plan->agents[index].agent_id;
		const struct agent_view *view = master_snapshot_agent(shown->snapshot, id);
		bool returned = has_returned(driver, index, view);

		if (!returned && is_still_away(driver, index, view, shown))
			return;
		if (returned) {
			driver_note(driver, index, NULL); /* what was missing until now is not any more */
			driver_step(driver, index, EVENT_RETURNED);
		}
	}
	judge(driver, index, shown, state == AGENT_REVERTING);
}

static void show(struct driver *driver, size_t index, const struct snapshot_index *shown)
{
	switch (driver->engine.agents[index].state) {
	case AGENT_CHECKING:
		look(driver, index, shown);
		break;
	case AGENT_RETURNING:
	case AGENT_PROVING:
	case AGENT_REVERTING:
		watch(driver, index, shown);
		break;
	default:
		break;
	}
}

/* ---- agents that are away although the run is not busy with them */

/* A deactivated agent is not active, but it is there. */
static void mark(struct driver *driver, size_t index, bool there)
{
	if (driver->engine.agents[index].absent != there)
		return;
	engine_set_absent(&driver->engine, index, !there);
	driver->agents[index].back_ms = there ? driver_now(driver) : 0;
}

/* The fleet is gone through once: both lists are sorted by ID. */
static void mark_absent(struct driver *driver, const struct master_snapshot *snapshot)
{
	size_t at = 0;

	for (size_t i = 0; i < driver->plan->agent_count; i++) {
		size_t index = driver->by_id[i];
		const char *id = driver->plan->agents[index].agent_id;
		int order = 1;

		while (at < snapshot->agent_count && (order = strcmp(snapshot->agents[at].id, id)) < 0)
			at++;
		bool listed = at < snapshot->agent_count && order == 0;
		mark(driver, index, listed && figures_is_there(&snapshot->agents[at]));
		/* A new leader lists only who is back at it. */
		driver->engine.agents[index].unlisted = !listed && !driver->leader.holds;
	}
}

static bool somebody_waits(const struct driver *driver)
{
	const int *by_state = driver->engine.by_state;

	return by_state[AGENT_CHECKING] + by_state[AGENT_RETURNING] + by_state[AGENT_PROVING] +
			       by_state[AGENT_REVERTING] >
		       0 ||
	       driver->leader.holds || driver_gates_want_master(driver);
}

static void show_all(struct driver *driver, struct snapshot_index *shown)
{
	/* A copy: stepping changes the engine's own list. */
	size_t count = driver->engine.under_way_count, *busy = xcalloc(count + 1, sizeof *busy);

	memcpy(busy, driver->engine.under_way, count * sizeof *busy);
	for (size_t i = 0; i < count; i++)
		show(driver, busy[i], shown);
	free(busy);
	driver_gates_answered(driver, shown);
	driver_soak_answered(driver, shown);
}

static void on_snapshot(struct driver *driver, const struct master_snapshot *snapshot)
{
	struct snapshot_index shown;

	driver->master_cost_ms = snapshot->answered_ms - snapshot->asked_ms;
	driver_cluster_answered(driver, snapshot);
	mark_absent(driver, snapshot);
	driver->engine.unseen = false;
	if (!somebody_waits(driver) && !driver_soak_watches(driver))
		return;
	snapshot_index_init(&shown, snapshot);
	show_all(driver, &shown);
	snapshot_index_clear(&shown);
}

static void note_failure(struct driver *driver, const char *text)
{
	for (size_t i = 0; i < driver->engine.under_way_count; i++) {
		size_t index = driver->engine.under_way[i];

		if (driver->engine.agents[index].state == AGENT_CHECKING)
			take_note(driver, index, text);
	}
	free(driver->master_note);
	driver->master_note = xstrdup(text);
	driver_cluster_silent(driver);
}

static void tell(struct driver *driver, const char *failure)
{
	const struct driver_observer *observer = driver->observer;

	if (observer && observer->master)
		observer->master(observer->ctx, &driver->engine, failure);
}

void driver_master_events(struct driver *driver)
{
	struct master_event event;

	while (master_next(driver->back->master, &event)) {
		if (event.tag == driver->master_tag)
			driver->master_tag = 0;
		if (event.snapshot)
			on_snapshot(driver, event.snapshot);
		else
			note_failure(driver, event.error.text);
		tell(driver, event.snapshot ? NULL : event.error.text);
		if (!event.snapshot)
			continue;
		master_snapshot_free(driver->last);
		driver->last = event.snapshot;
	}
}

/* From question to question, so that the master spends half of its time on others. */
static int64_t at_least(const struct driver *driver, int64_t pause)
{
	return pause < 2 * driver->master_cost_ms ? 2 * driver->master_cost_ms : pause;
}

void driver_master_hurry(struct driver *driver)
{
	int64_t soonest = driver->master_asked_ms +
			  at_least(driver, (int64_t)driver->plan->agent_count / AGENTS_PER_MS);

	if (soonest < driver->master_next_ms)
		driver->master_next_ms = soonest;
}

int64_t driver_master_poll(struct driver *driver)
{
	unsigned want = WANT_AGENTS | WANT_TASKS | (driver->leader.wants_facts ? WANT_FACTS : 0);
	int64_t now = driver_now(driver), pause = somebody_waits(driver) ? POLL_BUSY_MS : POLL_IDLE_MS;
	int64_t soonest = driver->master_asked_ms + at_least(driver, pause);

	if (driver->master_tag)
		return -1;
	/* It was asked last when nobody waited yet. */
	if (soonest < driver->master_next_ms)
		driver->master_next_ms = soonest;
	if (now < driver->master_next_ms)
		return driver->master_next_ms;
	driver->master_tag = (uint64_t)now + 1;
	driver->master_asked_ms = now;
	driver->master_next_ms = now + at_least(driver, pause);
	master_ask(driver->back->master, want, driver->master_tag);
	return -1;
}
