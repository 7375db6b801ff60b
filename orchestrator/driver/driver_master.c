/* SPDX-License-Identifier: Apache-2.0 */
/* One poller for everyone: the master's answers, turned into before-pictures and proofs. */
#include "orchestrator/driver/driver_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Somebody waits for the master: twice a second, but never more than a third of the master's own time. */
#define POLL_BUSY_MS 500
/* Nobody does; agents that are away for other reasons still count against the window. */
#define POLL_IDLE_MS 2000
/* An answer that lay about for so long, because this process was stopped, is no before-picture. */
#define STALE_MS     2000
/* The tasks of an agent that has just come back may not be listed yet; a before-picture without them would miss them. */
#define SETTLE_MS    5000

static void take_note(struct driver *driver, size_t index, const char *text)
{
	driver_note(driver, index, text);
}

/* ---- one agent in one answer */

static void look(struct driver *driver, size_t index, const struct master_snapshot *snapshot)
{
	struct driver_agent *agent = &driver->agents[index];
	int64_t since_ms = driver->engine.agents[index].since_ms;
	struct error err = ERROR_INIT;

	if (snapshot->asked_ms < since_ms || driver_now(driver) - snapshot->answered_ms > STALE_MS)
		return;
	if (agent->back_ms && driver_now(driver) - agent->back_ms < SETTLE_MS)
		return;
	before_picture_clear(&agent->before);
	if (before_picture_take(&driver->plan->agents[index], snapshot, &agent->before, &err) == 0) {
		driver_step(driver, index, EVENT_CLEAR);
		return;
	}
	take_note(driver, index, err.text);
	/* What may pass by itself (an agent that reconnects, a master that has just been elected) is given some time. */
	if (err.kind != ERROR_UNREACHABLE || driver_now(driver) - since_ms >= driver->plan->options.check_ms / 2)
		driver_step(driver, index, EVENT_UNFIT);
}

/* A deactivated agent reregisters too, and is not active all the same. */
static bool has_returned(const struct driver_agent *agent, const struct agent_view *view)
{
	return view && (view->active || view->deactivated) && view->reregistered_ns != agent->before.reregistered_ns &&
	       view->reregistered_ns != 0;
}

static void judge(struct driver *driver, size_t index, const struct master_snapshot *snapshot, bool reverted)
{
	struct driver_agent *agent = &driver->agents[index];
	json_t *document = NULL;
	char *reason = NULL;
	enum proof_result result = proof_judge(&driver->plan->agents[index], &agent->before, &agent->started, reverted,
					       snapshot, &document, &reason);

	/* Also an incomplete one: it says what was missing when the time was up. */
	json_decref(agent->proof);
	agent->proof = document;
	/* After an undo the note already says why there was one. */
	if (reason && !(reverted && result == PROOF_NOT_YET))
		take_note(driver, index, reason);
	if (result == PROOF_PASS)
		driver_step(driver, index, EVENT_PROVEN);
	else if (result == PROOF_FAIL)
		driver_step(driver, index, EVENT_DISPROVEN);
	free(reason);
}

static void watch(struct driver *driver, size_t index, const struct master_snapshot *snapshot)
{
	struct driver_agent *agent = &driver->agents[index];
	enum agent_state state = driver->engine.agents[index].state;

	if (!agent->has_started || snapshot->asked_ms < agent->started_ms)
		return;
	if (state == AGENT_RETURNING &&
	    has_returned(agent, master_snapshot_agent(snapshot, driver->plan->agents[index].agent_id)))
		driver_step(driver, index, EVENT_RETURNED);
	judge(driver, index, snapshot, state == AGENT_REVERTING);
}

static void show(struct driver *driver, size_t index, const struct master_snapshot *snapshot)
{
	switch (driver->engine.agents[index].state) {
	case AGENT_CHECKING:
		look(driver, index, snapshot);
		break;
	case AGENT_RETURNING:
	case AGENT_PROVING:
	case AGENT_REVERTING:
		watch(driver, index, snapshot);
		break;
	default:
		break;
	}
}

/* ---- agents that are away although the run is not busy with them */

static int compare_id(const void *key, const void *item, void *ctx)
{
	(void)ctx;
	return strcmp(key, item);
}

static size_t find_position(const struct driver *driver, const char *id)
{
	size_t low = 0, high = driver->plan->agent_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_id(id, driver->plan->agents[driver->by_id[middle]].agent_id, NULL);

		if (order == 0)
			return driver->by_id[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return SIZE_MAX;
}

static void mark_absent(struct driver *driver, const struct master_snapshot *snapshot)
{
	size_t count = driver->plan->agent_count;
	bool *present = xcalloc(count + 1, sizeof *present);

	for (size_t i = 0; i < snapshot->agent_count; i++) {
		size_t position = find_position(driver, snapshot->agents[i].id);

		/* A deactivated agent is not active, but it is there. */
		if (position != SIZE_MAX)
			present[position] = snapshot->agents[i].active || snapshot->agents[i].deactivated;
	}
	for (size_t i = 0; i < count; i++)
		if (driver->engine.agents[i].absent == present[i]) {
			engine_set_absent(&driver->engine, i, !present[i]);
			driver->agents[i].back_ms = present[i] ? driver_now(driver) : 0;
		}
	free(present);
}

static void on_snapshot(struct driver *driver, const struct master_snapshot *snapshot)
{
	size_t count = driver->engine.under_way_count;
	size_t *busy = xcalloc(count + 1, sizeof *busy);

	driver->master_cost_ms = snapshot->answered_ms - snapshot->asked_ms;
	mark_absent(driver, snapshot);
	/* A copy: stepping changes the engine's own list. */
	memcpy(busy, driver->engine.under_way, count * sizeof *busy);
	for (size_t i = 0; i < count; i++)
		show(driver, busy[i], snapshot);
	free(busy);
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
		master_snapshot_free(event.snapshot);
	}
}

static bool somebody_waits(const struct driver *driver)
{
	const int *by_state = driver->engine.by_state;

	return by_state[AGENT_CHECKING] + by_state[AGENT_RETURNING] + by_state[AGENT_PROVING] +
		       by_state[AGENT_REVERTING] >
	       0;
}

int64_t driver_master_poll(struct driver *driver)
{
	static const unsigned want = WANT_AGENTS | WANT_TASKS;
	int64_t now = driver_now(driver), pause = somebody_waits(driver) ? POLL_BUSY_MS : POLL_IDLE_MS;

	if (driver->master_tag)
		return -1;
	if (now < driver->master_next_ms)
		return driver->master_next_ms;
	if (pause < 2 * driver->master_cost_ms)
		pause = 2 * driver->master_cost_ms;
	driver->master_tag = (uint64_t)now + 1;
	driver->master_next_ms = now + pause;
	master_ask(driver->back->master, want, driver->master_tag);
	return -1;
}
