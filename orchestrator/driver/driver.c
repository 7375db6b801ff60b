/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop. flush() is the only place where effects happen, and it happens after the commit that holds their records:
 * invariant 1.
 */
#include "orchestrator/driver/driver_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/* Longer than any pass of the loop takes: this process was stopped, or its machine slept. */
#define HELD_UP_MS 5000

int64_t driver_now(const struct driver *driver)
{
	return driver->back->monotonic_ms(driver->back->ctx);
}

void driver_note(struct driver *driver, size_t agent, const char *text)
{
	free(driver->agents[agent].note);
	driver->agents[agent].note = text ? text_printable(text, true) : NULL;
}

void driver_step(struct driver *driver, size_t agent, enum agent_event event)
{
	engine_step(&driver->engine, agent, event, driver_now(driver), &driver->output);
}

/* ---- opening */

static int compare_ids(const void *a, const void *b, void *ctx)
{
	const struct plan *plan = ctx;
	const size_t *x = a, *y = b;

	return strcmp(plan->agents[*x].agent_id, plan->agents[*y].agent_id);
}

static int domain_of(const struct plan *plan, size_t index, char **names, int *count)
{
	const char *name = plan->agents[index].domain;

	if (!name)
		return -1;
	for (int i = 0; i < *count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	names[*count] = (char *)(uintptr_t)name;
	return (*count)++;
}

static void open_engine(struct driver *driver)
{
	const struct plan *plan = driver->plan;
	int *domains = xcalloc(plan->agent_count + 1, sizeof *domains), count = 0;
	char **names = xcalloc(plan->agent_count + 1, sizeof *names);

	for (size_t i = 0; i < plan->agent_count; i++)
		domains[i] = domain_of(plan, i, names, &count);
	engine_init(&driver->engine, &plan->options, domains, plan->agent_count);
	free(domains);
	free(names);
}

static int restore_agent(struct driver *driver, struct run_agent *row, struct error *err)
{
	int state = agent_state_parse(row->state);
	struct driver_agent *agent;

	if (row->position < 0 || (size_t)row->position >= driver->plan->agent_count || state < 0)
		return error_set(err, ERROR_CORRUPT,
				 "run %s: the row of agent %s at position %lld with state '%s' does not fit its plan",
				 driver->run.id, row->agent_id, (long long)row->position, row->state);
	agent = &driver->agents[row->position];
	if (row->before && before_picture_from_json(row->before, &agent->before, err) < 0)
		return error_prefix(err, "run %s, agent %s", driver->run.id, row->agent_id);
	engine_restore(&driver->engine, (size_t)row->position, (enum agent_state)state, (int)row->attempt);
	agent->row = *row;
	memset(row, 0, sizeof *row);
	return 0;
}

static int load_rows(struct driver *driver, struct error *err)
{
	struct run_agent *rows = NULL;
	size_t count = 0;
	int result = ledger_load_agents(driver->back->ledger, driver->run.id, &rows, &count, err);

	if (result == 0 && count != driver->plan->agent_count)
		result = error_set(err, ERROR_CORRUPT, "run %s has %zu agents, its plan %zu", driver->run.id, count,
				   driver->plan->agent_count);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = restore_agent(driver, &rows[i], err);
	for (size_t i = 0; i < count; i++)
		run_agent_clear(&rows[i]);
	free(rows);
	return result;
}

static int open_driver(struct driver *driver, const char *run, struct error *err)
{
	size_t count = driver->plan->agent_count;
	bool paused;

	driver->agents = xcalloc(count + 1, sizeof *driver->agents);
	driver->by_id = xcalloc(count + 1, sizeof *driver->by_id);
	for (size_t i = 0; i < count; i++)
		driver->by_id[i] = i;
	qsort_r(driver->by_id, count, sizeof *driver->by_id, compare_ids, (void *)(uintptr_t)driver->plan);
	open_engine(driver);
	if (ledger_load_run(driver->back->ledger, run, &driver->run, err) < 0 || load_rows(driver, err) < 0)
		return -1;
	driver->woke_ms = driver_now(driver);
	driver->epoch = ledger_new_epoch(driver->back->ledger, run, err);
	if (driver->epoch < 0)
		return -1;
	/* Whoever resumes a paused run has seen its failures; after a crash nobody has. */
	paused = strcmp(driver->run.state, run_state_name(RUN_PAUSED)) == 0;
	engine_begin(&driver->engine, paused ? -1 : (int)driver->run.forgiven, driver_now(driver), &driver->output);
	return 0;
}

static void close_driver(struct driver *driver)
{
	for (size_t i = 0; driver->agents && i < driver->plan->agent_count; i++) {
		run_agent_clear(&driver->agents[i].row);
		before_picture_clear(&driver->agents[i].before);
		answer_clear(&driver->agents[i].started);
		json_decref(driver->agents[i].proof);
		free(driver->agents[i].note);
	}
	free(driver->agents);
	free(driver->by_id);
	free(driver->master_note);
	run_row_clear(&driver->run);
	engine_output_clear(&driver->output);
	engine_clear(&driver->engine);
}

/* ---- the loop */

static int perform(struct driver *driver, const struct engine_effect *effect, struct error *err)
{
	switch (effect->kind) {
	case EFFECT_APPLY:
		driver_host_apply(driver, effect->agent);
		return 0;
	case EFFECT_ASK:
		return driver_host_ask(driver, effect->agent, err);
	case EFFECT_KEEP:
		driver_host_keep(driver, effect->agent);
		return 0;
	case EFFECT_LOOK:
		driver->master_next_ms = driver_now(driver);
		return 0;
	case EFFECT_NONE:
		break;
	}
	return 0;
}

static int flush(struct driver *driver, struct error *err)
{
	engine_schedule(&driver->engine, driver_now(driver), &driver->output);
	if (driver->output.record_count == 0 && driver->output.effect_count == 0 && !driver->output.run_changed)
		return 0;
	if (driver_commit(driver, err) < 0)
		return -1;
	for (size_t i = 0; i < driver->output.effect_count; i++)
		if (perform(driver, &driver->output.effects[i], err) < 0)
			return -1;
	engine_output_reset(&driver->output);
	return 0;
}

static int64_t sooner(int64_t a, int64_t b)
{
	if (a < 0)
		return b;
	return b < 0 || a < b ? a : b;
}

/* What happened while this process was stopped is still to be heard; until then nobody is too late. */
static void notice_lost_time(struct driver *driver, int64_t meant_to_wait_ms)
{
	int64_t now = driver_now(driver), passed = now - driver->woke_ms;

	if (passed > meant_to_wait_ms + HELD_UP_MS)
		engine_lost_time(&driver->engine, passed - meant_to_wait_ms);
	driver->woke_ms = now;
}

static int wait_for_something(struct driver *driver)
{
	int64_t now = driver_now(driver), at = sooner(engine_next_ms(&driver->engine), driver_master_poll(driver));
	int result;

	if (driver->observer && driver->observer->tick)
		driver->observer->tick(driver->observer->ctx, &driver->engine, now);
	/* A second at most, so that a live display moves and an interrupt is seen. */
	if (at < 0 || at > now + 1000)
		at = now + 1000;
	result = driver->back->wait(driver->back->ctx, at > now ? at - now : 0);
	notice_lost_time(driver, at > now ? at - now : 0);
	return result;
}

static int check_interrupts(struct driver *driver, struct error *err)
{
	int interrupts = driver->back->interrupts ? driver->back->interrupts(driver->back->ctx) : 0;

	if (interrupts >= 2)
		return error_set(
			err, ERROR_INTERRUPTED,
			"left at once; %zu agent%s under way without us. rollcall rollout resume %s asks each of "
			"them and goes on",
			driver->engine.under_way_count, driver->engine.under_way_count == 1 ? " is" : "s are",
			driver->run.id);
	if (interrupts == 1 && driver->interrupts == 0)
		engine_pause(&driver->engine, "interrupted by the operator", driver_now(driver), &driver->output);
	driver->interrupts = interrupts;
	return 0;
}

static int loop(struct driver *driver, struct error *err)
{
	int64_t linger_until = -1;

	for (;;) {
		if (check_interrupts(driver, err) < 0 || flush(driver, err) < 0)
			return -1;
		if (engine_is_idle(&driver->engine)) {
			int64_t now = driver_now(driver);

			if (linger_until < 0)
				linger_until = now + driver->plan->options.keep_ms;
			if (!driver_host_lingers(driver) || now >= linger_until)
				return 0;
		}
		if (wait_for_something(driver) < 0)
			return error_set(err, ERROR_INTERRUPTED, "the process ended");
		driver_host_events(driver);
		driver_master_events(driver);
	}
}

int driver_run(const struct plan *plan, const struct transport_target *targets, const char *run,
	       const struct driver_backends *backends, const struct driver_observer *observer, struct error *err)
{
	struct driver driver = {.plan = plan, .targets = targets, .back = backends, .observer = observer};
	int result = open_driver(&driver, run, err);

	if (result == 0)
		result = loop(&driver, err);
	driver_host_close_all(&driver);
	if (result == 0 && driver.interrupts > 0 && driver.engine.state != RUN_DONE)
		result = error_set(err, ERROR_INTERRUPTED,
				   "interrupted; what was under way has finished. rollcall rollout resume %s goes on",
				   run);
	close_driver(&driver);
	return result;
}
