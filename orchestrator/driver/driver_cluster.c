/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the master's answers say of the cluster as a whole: its figures when the run began, who leads, how many agents are
 * not there. A new leader knows its agents only as they come back to it: until those that were there before are there again,
 * or their time to reregister is over, nothing starts.
 */
#include "orchestrator/driver/driver_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

/* The masters' own default for --agent_reregister_timeout. */
#define REREGISTER_MS 600000
/* A master that gives no answer for so long may be failing over, and may show anything when it is back. */
#define SILENT_MS     15000

static void event(struct driver *driver, const char *kind, json_t *body)
{
	ledger_event(driver->back->ledger, kind, driver->run.id, NULL, body);
	driver->run_dirty = true;
}

/* ---- the figures of the beginning */

static void take_figures(struct driver *driver, const struct master_snapshot *snapshot)
{
	figures_take(snapshot, &driver->figures);
	driver->figures_are_new = true;
	event(driver, "run.figures", figures_summary(&driver->figures));
}

/* ---- who leads */

static bool is_there(const struct master_snapshot *snapshot, const char *id)
{
	const struct agent_view *agent = master_snapshot_agent(snapshot, id);

	return agent && figures_is_there(agent);
}

static void await(struct driver *driver, const char *id, const struct master_snapshot *now)
{
	struct leadership *leader = &driver->leader;

	if (!is_there(now, id))
		leader->awaited[leader->awaited_count++] = xstrdup(id);
}

static void forget_awaited(struct leadership *leader)
{
	for (size_t i = 0; i < leader->awaited_count; i++)
		free(leader->awaited[i]);
	free(leader->awaited);
	leader->awaited = NULL;
	leader->awaited_count = 0;
}

/* Those that the last answer of the leader before showed; after a restart of ours those of the beginning. */
static void await_everybody(struct driver *driver, const struct master_snapshot *now)
{
	const struct master_snapshot *last = driver->last;
	const struct figures *figures = &driver->figures;

	forget_awaited(&driver->leader);
	driver->leader.awaited = xcalloc((last ? last->agent_count : figures->present_count) + 1,
					 sizeof(*driver->leader.awaited));
	for (size_t i = 0; last && i < last->agent_count; i++)
		if (figures_is_there(&last->agents[i]))
			await(driver, last->agents[i].id, now);
	for (size_t i = 0; !last && i < figures->present_count; i++)
		await(driver, figures->present[i], now);
}

static int64_t reregister_ms(const struct driver *driver)
{
	if (driver->leader.reregister_ms > 0)
		return driver->leader.reregister_ms;
	return driver->plan->clocks.reregister_ms > 0 ? driver->plan->clocks.reregister_ms : REREGISTER_MS;
}

/* Whoever was about to be looked at waits again: this leader may not know it yet. */
static void halt_checks(struct driver *driver)
{
	for (size_t i = driver->engine.under_way_count; i-- > 0;) {
		size_t agent = driver->engine.under_way[i];

		if (driver->engine.agents[agent].state == AGENT_CHECKING)
			driver_step(driver, agent, EVENT_HALT);
	}
}

static void begin_hold(struct driver *driver, const struct master_snapshot *snapshot, const char *from)
{
	struct leadership *leader = &driver->leader;
	char *line;

	await_everybody(driver, snapshot);
	leader->holds = true;
	leader->since_ms = driver_now(driver);
	leader->elected_ms = 0;
	leader->wants_facts = true;
	event(driver, "run.leader",
	      json_pack("{s:s, s:s, s:s, s:I}", "from", from, "to", snapshot->facts.id, "master", snapshot->master,
			"awaited", (json_int_t)leader->awaited_count));
	engine_hold(&driver->engine, HOLD_LEADER, true, driver_now(driver), &driver->output);
	driver_gates_defer(driver);
	halt_checks(driver);
	line = xasprintf("another master leads, %s; waiting for %zu agent%s to come back to it", snapshot->master,
			 leader->awaited_count, leader->awaited_count == 1 ? "" : "s");
	driver_say(driver, line);
	free(line);
}

static void end_hold(struct driver *driver)
{
	struct leadership *leader = &driver->leader;
	int64_t took_ms = driver_now(driver) - leader->since_ms;
	char span[CLOCK_TEXT_MAX];
	char *line = xasprintf("%zu agents have not come back to the new master after %s", leader->awaited_count,
			       clock_format_span(took_ms, span));

	event(driver, "run.leader_settled",
	      json_pack("{s:I, s:I}", "after_ms", (json_int_t)took_ms, "missing", (json_int_t)leader->awaited_count));
	driver_say(driver, leader->awaited_count ? line : "every agent is back at the new master");
	free(line);
	leader->holds = false;
	forget_awaited(leader);
	engine_hold(&driver->engine, HOLD_LEADER, false, driver_now(driver), &driver->output);
	/* So that whoever resumes after a crash does not wait once more. */
	free(driver->figures.master_id);
	driver->figures.master_id = xstrdup(leader->id);
	driver->figures_are_new = true;
}

static void drop_returned(struct leadership *leader, const struct master_snapshot *snapshot)
{
	for (size_t i = leader->awaited_count; i-- > 0;) {
		if (!is_there(snapshot, leader->awaited[i]))
			continue;
		free(leader->awaited[i]);
		leader->awaited[i] = leader->awaited[--leader->awaited_count];
	}
}

/* Elected so long ago that whoever is not back by now does not come back. */
static bool is_old(const struct driver *driver)
{
	int64_t elected = driver->leader.elected_ms;

	return elected > 0 && driver->back->wall_ms(driver->back->ctx) - elected >= reregister_ms(driver);
}

static void take_facts(struct driver *driver, const struct master_facts *facts)
{
	if (!facts->version)
		return;
	driver->leader.wants_facts = false;
	driver->leader.reregister_ms = facts->agent_reregister_timeout_ms;
	driver->leader.elected_ms = facts->elected_ns / 1000000;
}

static void watch_leader(struct driver *driver, const struct master_snapshot *snapshot)
{
	struct leadership *leader = &driver->leader;
	const char *now = snapshot->facts.id, *known = leader->id ? leader->id : driver->figures.master_id;

	if (!now || !*now)
		return;
	if (known && *known && strcmp(known, now) != 0)
		begin_hold(driver, snapshot, known);
	if (!leader->id || strcmp(leader->id, now) != 0) {
		free(leader->id);
		leader->id = xstrdup(now);
	}
	take_facts(driver, &snapshot->facts);
	if (!leader->holds)
		return;
	drop_returned(leader, snapshot);
	if (leader->awaited_count == 0 || driver_now(driver) - leader->since_ms >= reregister_ms(driver) ||
	    is_old(driver))
		end_hold(driver);
}

/* ---- the fleet */

/* Those of the beginning that are not even listed any more. Both lists are sorted by ID. */
static int count_gone(const struct figures *figures, const struct master_snapshot *snapshot)
{
	size_t at = 0;
	int gone = 0;

	for (size_t i = 0; i < figures->present_count; i++) {
		int order = 1;

		while (at < snapshot->agent_count && (order = strcmp(snapshot->agents[at].id, figures->present[i])) < 0)
			at++;
		gone += at == snapshot->agent_count || order != 0;
	}
	return gone;
}

static void count_fleet(struct driver *driver, const struct master_snapshot *snapshot)
{
	int gone = count_gone(&driver->figures, snapshot), total = (int)snapshot->agent_count + gone, bad = gone;

	for (size_t i = 0; i < snapshot->agent_count; i++)
		bad += !figures_is_there(&snapshot->agents[i]);
	/* Those on their way back to a new leader are not lost, and nothing starts before they are there. */
	if (!driver->leader.holds)
		engine_set_cluster(&driver->engine, total, bad, driver_now(driver), &driver->output);
}

void driver_cluster_answered(struct driver *driver, const struct master_snapshot *snapshot)
{
	driver->master_silent_ms = 0;
	engine_hold(&driver->engine, HOLD_MASTER, false, driver_now(driver), &driver->output);
	free(driver->leader.url);
	driver->leader.url = snapshot->master ? xstrdup(snapshot->master) : NULL;
	if (!driver->figures.master_id)
		take_figures(driver, snapshot);
	watch_leader(driver, snapshot);
	driver_gates_ask_again(driver);
	count_fleet(driver, snapshot);
}

void driver_cluster_silent(struct driver *driver)
{
	int64_t now = driver_now(driver);

	if (driver->master_silent_ms == 0)
		driver->master_silent_ms = now;
	if (now - driver->master_silent_ms >= SILENT_MS)
		engine_hold(&driver->engine, HOLD_MASTER, true, now, &driver->output);
}
