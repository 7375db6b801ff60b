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
#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"

/* The masters' own default for --agent_reregister_timeout. */
#define REREGISTER_MS 600000
/* A master that gives no answer for so long may be failing over, and may show anything when it is back. */
#define SILENT_MS     15000
/* More names of agents that are not there tell nobody more. */
#define MISSING_NAMED 3

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

/* Callers make room. */
static void await(struct leadership *leader, const char *id, const struct master_snapshot *now)
{
	if (!is_there(now, id))
		leader->awaited[leader->awaited_count++] = xstrdup(id);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void forget_doubles(struct leadership *leader)
{
	size_t kept = 0;

	qsort(leader->awaited, leader->awaited_count, sizeof(*leader->awaited), compare_names);
	for (size_t i = 0; i < leader->awaited_count; i++)
		if (kept > 0 && strcmp(leader->awaited[kept - 1], leader->awaited[i]) == 0)
			free(leader->awaited[i]);
		else
			leader->awaited[kept++] = leader->awaited[i];
	leader->awaited_count = kept;
}

static void make_room(struct leadership *leader, size_t more)
{
	leader->awaited = xreallocarray(leader->awaited, leader->awaited_count + more + 1, sizeof(*leader->awaited));
}

/* Those that the leader itself waits for: nobody else knows of all of them. */
static void await_recovered(struct leadership *leader, const struct master_snapshot *now)
{
	make_room(leader, now->recovered_count);
	for (size_t i = 0; i < now->recovered_count; i++)
		await(leader, now->recovered[i], now);
}

static void forget_awaited(struct leadership *leader)
{
	for (size_t i = 0; i < leader->awaited_count; i++)
		free(leader->awaited[i]);
	free(leader->awaited);
	leader->awaited = NULL;
	leader->awaited_count = 0;
}

/* Those that the last answer of the leader before showed; after a restart of ours those of the beginning. Whoever was not back yet
 * at the leader before is still awaited. */
static void await_everybody(struct driver *driver, const struct master_snapshot *now)
{
	const struct master_snapshot *last = driver->last;
	const struct figures *figures = &driver->figures;
	struct leadership *leader = &driver->leader;

	make_room(leader, last ? last->agent_count : figures->present_count);
	for (size_t i = 0; last && i < last->agent_count; i++)
		if (figures_is_there(&last->agents[i]))
			await(leader, last->agents[i].id, now);
	for (size_t i = 0; !last && i < figures->present_count; i++)
		await(leader, figures->present[i], now);
	await_recovered(leader, now);
	forget_doubles(leader);
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
	event(driver, "run.leader",
	      json_pack("{s:s, s:s, s:s, s:I}", "from", from, "to", snapshot->facts.id, "master", snapshot->master,
			"awaited", (json_int_t)leader->awaited_count));
	engine_hold(&driver->engine, HOLD_LEADER, true, driver_now(driver), &driver->output);
	driver_gates_defer(driver);
	halt_checks(driver);
	line = xasprintf("%s, %s; waiting for %zu agent%s to come back to it",
			 strcmp(from, snapshot->facts.id) == 0 ? "the master has just been elected"
							       : "another master leads",
			 snapshot->master, leader->awaited_count, leader->awaited_count == 1 ? "" : "s");
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
	leader->gave_up = leader->awaited_count > 0;
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

/* Elected so long ago that whoever is not back by now does not come back. Both times are the leader's: our clock and its may differ
 * by more than agents have time. Where we have seen it take over, our own patience (since_ms) tells. */
static bool is_old(const struct driver *driver)
{
	const struct leadership *leader = &driver->leader;

	return !leader->seen_elected && leader->elected_ms > 0 &&
	       leader->clock_ms - leader->elected_ms >= reregister_ms(driver);
}

/* It led already when this driver began, and waits for agents itself. */
static bool is_just_elected(const struct driver *driver, const struct master_snapshot *snapshot)
{
	const struct leadership *leader = &driver->leader;

	return snapshot->recovered_count > 0 && !leader->holds && !leader->gave_up && !is_old(driver);
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
	bool changed = known && *known && strcmp(known, now) != 0;
	leader->clock_ms = snapshot->date_ms;
	if (changed) {
		leader->seen_elected = leader->id != NULL;
		leader->elected_ms = 0;
		leader->wants_facts = true;
		leader->gave_up = false;
	}
	take_facts(driver, &snapshot->facts);
	if (changed || is_just_elected(driver, snapshot))
		begin_hold(driver, snapshot, known ? known : now);
	if (!leader->id || strcmp(leader->id, now) != 0) {
		free(leader->id);
		leader->id = xstrdup(now);
	}
	if (!leader->holds)
		return;
	drop_returned(leader, snapshot);
	if (leader->awaited_count == 0 || driver_now(driver) - leader->since_ms >= reregister_ms(driver) ||
	    is_old(driver))
		end_hold(driver);
}

/* ---- the fleet */

/* Agents that are not there, and those of them on which this run has an operation open. */
struct missing {
	int all, own;
	const char *names[MISSING_NAMED]; /* of those that are not its own; borrowed */
	int named;
};

/* hostname NULL: nobody but the plan may know it. */
static void miss(const struct driver *driver, const char *id, const char *hostname, struct missing *missing)
{
	size_t agent = driver_find(driver, id);

	missing->all++;
	if (agent != SIZE_MAX && agent_state_is_open(driver->engine.agents[agent].state)) {
		missing->own++;
		return;
	}
	if (!hostname)
		hostname = agent != SIZE_MAX ? driver->plan->agents[agent].hostname : id;
	if (missing->named < MISSING_NAMED)
		missing->names[missing->named++] = hostname;
}

/* Those of the beginning that are not even listed any more; returns how many. Both lists are sorted by ID. */
static int miss_gone(const struct driver *driver, const struct master_snapshot *snapshot, struct missing *missing)
{
	const struct figures *figures = &driver->figures;
	int before = missing->all;
	size_t at = 0;

	for (size_t i = 0; i < figures->present_count; i++) {
		int order = 1;

		while (at < snapshot->agent_count && (order = strcmp(snapshot->agents[at].id, figures->present[i])) < 0)
			at++;
		if (at == snapshot->agent_count || order != 0)
			miss(driver, figures->present[i], NULL, missing);
	}
	return missing->all - before;
}

/* "node3.lab, node4.lab and 5 more". The caller's. */
static char *names_of(const struct missing *missing)
{
	struct buffer text = BUFFER_INIT(4096);

	for (int i = 0; i < missing->named; i++)
		buffer_printf(&text, "%s%s", i > 0 ? ", " : "", missing->names[i]);
	if (missing->all > missing->named)
		buffer_printf(&text, " and %d more", missing->all - missing->named);
	char *raw = buffer_take(&text), *shown = text_printable(raw, false);
	free(raw);
	return shown;
}

static void count_fleet(struct driver *driver, const struct master_snapshot *snapshot)
{
	struct missing missing = {.all = 0};
	int total = (int)snapshot->agent_count + miss_gone(driver, snapshot, &missing);

	for (size_t i = 0; i < snapshot->agent_count; i++)
		if (!figures_is_there(&snapshot->agents[i]))
			miss(driver, snapshot->agents[i].id, snapshot->agents[i].hostname, &missing);
	/* Those on their way back to a new leader are not lost, and nothing starts before they are there. */
	if (driver->leader.holds)
		return;
	char *names = names_of(&missing);
	engine_set_cluster(&driver->engine, total, missing.all, missing.own, names, driver_now(driver),
			   &driver->output);
	free(names);
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
