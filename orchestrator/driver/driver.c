/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop. flush() is the only place where effects happen, and it happens after the commit that holds their records:
 * invariant 1.
 */
#include "orchestrator/driver/driver_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/redact.h"
#include "base/text.h"

/* Why a run has paused that a person has stopped; orders add who (driver_orders.c, order.c). */
static const char by_signal[] = "interrupted by the operator", by_order[] = "paused by ";

/* Longer than any pass of the loop takes: this process was stopped, or its machine slept. */
#define HELD_UP_MS 5000

int64_t driver_now(const struct driver *driver)
{
	return driver->back->monotonic_ms(driver->back->ctx);
}

void driver_note(struct driver *driver, size_t agent, const char *text)
{
	char *clean = text ? redact_text(text) : NULL; /* notes are kept, and others wrote them */

	free(driver->agents[agent].note);
	driver->agents[agent].note = clean ? text_printable(clean, true) : NULL;
	free(clean);
}

void driver_step(struct driver *driver, size_t agent, enum agent_event event)
{
	engine_step(&driver->engine, agent, event, driver_now(driver), &driver->output);
}

size_t driver_find(const struct driver *driver, const char *agent_id)
{
	size_t low = 0, high = driver->plan->agent_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(agent_id, driver->plan->agents[driver->by_id[middle]].agent_id);

		if (order == 0)
			return driver->by_id[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return SIZE_MAX;
}

void driver_say(struct driver *driver, const char *text)
{
	const struct driver_observer *observer = driver->observer;

	if (observer && observer->say)
		observer->say(observer->ctx, &driver->engine, text);
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
		driver_master_hurry(driver);
		return 0;
	case EFFECT_GATE:
		driver_gates_ask_agent(driver, effect->agent);
		return 0;
	case EFFECT_NONE:
		break;
	}
	return 0;
}

static bool has_news(const struct driver *driver)
{
	const struct engine_output *output = &driver->output;

	return output->record_count > 0 || output->effect_count > 0 || output->run_changed || output->ask_stage_gate ||
	       driver->run_dirty || driver->figures_are_new;
}

/* Effects may leave news behind (a gate that has nothing to ask passes at once): those wait for the next flush. */
static int perform_all(struct driver *driver, struct engine_output *output, struct error *err)
{
	for (size_t i = 0; i < output->effect_count; i++)
		if (perform(driver, &output->effects[i], err) < 0)
			return -1;
	if (output->ask_stage_gate)
		driver_gates_ask_stage(driver, output->stage_gate);
	return 0;
}

static int flush(struct driver *driver, struct error *err)
{
	engine_schedule(&driver->engine, driver_now(driver), &driver->output);
	while (has_news(driver)) {
		struct engine_output output;
		int result;

		if (driver_commit(driver, err) < 0)
			return -1;
		output = driver->output;
		memset(&driver->output, 0, sizeof(driver->output));
		result = perform_all(driver, &output, err);
		engine_output_clear(&output);
		if (result < 0)
			return -1;
		engine_schedule(&driver->engine, driver_now(driver), &driver->output);
	}
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
	int interrupts = (driver->back->interrupts ? driver->back->interrupts(driver->back->ctx) : 0) -
			 driver->interrupts_taken_back;

	if (interrupts >= 2)
		return error_set(
			err, ERROR_INTERRUPTED,
			"left at once; %zu agent%s under way without us. `rollcall rollout resume %s` asks each of "
			"them and goes on",
			driver->engine.under_way_count, driver->engine.under_way_count == 1 ? " is" : "s are",
			driver->run.id);
	if (interrupts == 1 && driver->interrupts == 0)
		engine_pause(&driver->engine, by_signal, driver_now(driver), &driver->output);
	driver->interrupts = interrupts;
	return 0;
}

/* Nobody is under way, and no conversation still owes its last word; and no order has come meanwhile that changes that. 1:
 * the driver may return. */
static int is_over(struct driver *driver, int64_t *linger_until, struct error *err)
{
	int64_t now = driver_now(driver);

	if (!engine_is_idle(&driver->engine)) {
		*linger_until = -1;
		return 0;
	}
	if (*linger_until < 0)
		*linger_until = now + driver->plan->options.keep_ms;
	if (driver_host_lingers(driver) && now < *linger_until)
		return 0;
	if (driver_orders(driver, true, err) < 0 || flush(driver, err) < 0)
		return -1;
	return engine_is_idle(&driver->engine);
}

static int loop(struct driver *driver, struct error *err)
{
	int64_t linger_until = -1;

	for (;;) {
		int over;

		if (check_interrupts(driver, err) < 0 || driver_orders(driver, false, err) < 0 ||
		    flush(driver, err) < 0)
			return -1;
		over = is_over(driver, &linger_until, err);
		if (over != 0)
			return over < 0 ? -1 : 0;
		if (wait_for_something(driver) < 0)
			return error_set(err, ERROR_INTERRUPTED, "the process ended");
		driver_host_events(driver);
		driver_master_events(driver);
		driver_gates_events(driver);
	}
}

bool driver_is_paused_by_hand(const char *reason)
{
	return reason && (strcmp(reason, by_signal) == 0 || strncmp(reason, by_order, strlen(by_order)) == 0);
}

/* Stopped by a person, as opposed to by what happened. */
static int was_stopped(const struct driver *driver, struct error *err)
{
	const struct engine *engine = &driver->engine;

	if (engine->state != RUN_PAUSED || driver->back->settles || !driver_is_paused_by_hand(engine->reason))
		return 0;
	return error_set(err, ERROR_INTERRUPTED,
			 "%s; what was under way has finished. `rollcall rollout resume %s` goes on", engine->reason,
			 driver->run.id);
}

int driver_run(const struct plan *plan, const struct transport_target *targets, const char *run,
	       const struct driver_backends *backends, const struct driver_observer *observer, struct error *err)
{
	struct driver driver = {.plan = plan, .targets = targets, .back = backends, .observer = observer};
	int result = driver_open(&driver, run, err);

	if (result == 0)
		result = loop(&driver, err);
	driver_host_close_all(&driver);
	driver_gates_close(&driver);
	if (result == 0)
		result = was_stopped(&driver, err);
	driver_close(&driver);
	return result;
}
