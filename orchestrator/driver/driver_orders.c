/* SPDX-License-Identifier: Apache-2.0 */
/* What operators on other terminals want of a run that is being driven: orders in the ledger, carried out one by one. */
#include "orchestrator/driver/driver_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define LOOK_MS 500

static char *reason_of(const struct run_order *order, const char *what)
{
	return xasprintf("%s by %s", what, order->actor);
}

static char *obey_pause(struct driver *driver, const struct run_order *order)
{
	char *reason = reason_of(order, "paused"), *answer = NULL;

	if (driver->engine.state != RUN_RUNNING)
		answer = xasprintf(ORDER_DECLINED "the run is not running: it is %s",
				   run_state_name(driver->engine.state));
	else
		engine_pause(&driver->engine, reason, driver_now(driver), &driver->output);
	free(reason);
	return answer ? answer : xstrdup("nothing more is started; what is under way finishes");
}

/* Its plan says that what was changed is taken back now; only `abort` is stronger. */
static bool is_to_be_taken_back(const struct driver *driver)
{
	return driver->run.rollback_due || driver->engine.wants_rollback;
}

static const char taken_back[] = ORDER_DECLINED
	"the run is to be rolled back, as its plan says; only `rollout abort` stops that";

static char *obey_resume(struct driver *driver)
{
	if (is_to_be_taken_back(driver))
		return xstrdup(taken_back);
	if (driver->engine.state != RUN_PAUSED)
		return xasprintf(ORDER_DECLINED "the run has not paused: it is %s",
				 run_state_name(driver->engine.state));
	engine_unpause(&driver->engine, driver_now(driver), &driver->output);
	driver->interrupts_taken_back += driver->interrupts;
	driver->interrupts = 0;
	return xstrdup("it goes on");
}

static char *obey_abort(struct driver *driver, const struct run_order *order)
{
	if (driver->engine.state == RUN_ABORTED || driver->engine.state == RUN_DONE)
		return xasprintf(ORDER_DECLINED "the run is %s already", run_state_name(driver->engine.state));
	char *reason = reason_of(order, "aborted");
	engine_abort(&driver->engine, reason, driver_now(driver), &driver->output);
	free(reason);
	return xstrdup("nothing starts any more; what is under way finishes");
}

static char *obey_retry(struct driver *driver)
{
	if (driver->engine.state == RUN_ABORTED)
		return xstrdup(ORDER_DECLINED "the run is aborted: nothing starts any more");
	if (is_to_be_taken_back(driver))
		return xstrdup(taken_back);
	size_t count = engine_retry(&driver->engine, driver_now(driver), &driver->output);
	return xasprintf("%zu agent%s once more", count, count == 1 ? "" : "s");
}

/* Only of agents that a person has seen stuck: what anybody else may have lost has not been shown yet. */
static void accept_losses(struct driver *driver, const struct run_order *order)
{
	for (size_t i = 0; i < driver->plan->agent_count; i++) {
		const struct engine_agent *agent = &driver->engine.agents[i];
		struct before_picture *before = &driver->agents[i].before;

		if (before->accepted_by || !agent_state_is_open(agent->state) ||
		    (agent->state != AGENT_STUCK && !agent->was_stuck))
			continue;
		before->accepted_by = xstrdup(order->actor);
		before->accepted_ms = order->time_ms;
	}
}

/* Agents whose gates are being asked. */
static size_t count_gating(const struct driver *driver)
{
	size_t count = 0;

	for (size_t i = 0; i < driver->engine.under_way_count; i++)
		count += driver->engine.agents[driver->engine.under_way[i]].state == AGENT_GATING;
	return count;
}

static char *obey_settle(struct driver *driver)
{
	size_t count = engine_settle(&driver->engine, driver_now(driver), &driver->output);
	size_t answered = engine_count_settling(&driver->engine),
	       gates = driver->back->settles ? count_gating(driver) : 0;

	if (count == 0 && answered > 0)
		return xasprintf("%zu agent%s being settled already", answered, answered == 1 ? " is" : "s are");
	if (count == 0 && gates > 0)
		return xasprintf("the gates after %zu agent%s are asked", gates, gates == 1 ? "" : "s");
	return count > 0 ? xasprintf("the host%s of %zu agent%s asked", count == 1 ? "" : "s", count,
				     count == 1 ? " is" : "s are")
			 : xstrdup("no agent of the run is stuck");
}

static char *obey(struct driver *driver, const struct run_order *order)
{
	if (strcmp(order->verb, "pause") == 0)
		return obey_pause(driver, order);
	if (strcmp(order->verb, "resume") == 0)
		return obey_resume(driver);
	if (strcmp(order->verb, "abort") == 0)
		return obey_abort(driver, order);
	if (strcmp(order->verb, "retry") == 0)
		return obey_retry(driver);
	if (strcmp(order->verb, "settle") == 0)
		return obey_settle(driver);
	if (strcmp(order->verb, "settle --accept-losses") == 0) {
		accept_losses(driver, order);
		return obey_settle(driver);
	}
	return xasprintf(ORDER_DECLINED "this rollcall knows no order '%s'", order->verb);
}

static void carry_out(struct driver *driver, struct run_order *order)
{
	char *line;

	order->answer = obey(driver, order);
	order->done_ms = driver->back->wall_ms(driver->back->ctx);
	ledger_put_order(driver->back->ledger, order);
	driver->run_dirty = driver->order_pending = true;
	line = xasprintf("%s (%s): %s", order->verb, order->actor, order->answer);
	driver_say(driver, line);
	free(line);
}

int driver_orders(struct driver *driver, bool now, struct error *err)
{
	struct run_order order;
	int found;

	/* One at a time: that it is carried out is durable before the next one is read, or it would be found once more. */
	if (driver->order_pending || (!now && driver_now(driver) < driver->orders_next_ms))
		return 0;
	driver->orders_next_ms = driver_now(driver) + LOOK_MS;
	found = ledger_next_order(driver->back->ledger, driver->run.id, &order, err);
	if (found <= 0)
		return found;
	carry_out(driver, &order);
	run_order_clear(&order);
	driver->orders_next_ms = 0;
	return 0;
}
