/* SPDX-License-Identifier: Apache-2.0 */
/* A driver from the ledger's rows, and its end. */
#include "orchestrator/driver/driver_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

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

	driver->domain_names = xcalloc(plan->agent_count + 1, sizeof *driver->domain_names);

	for (size_t i = 0; i < plan->agent_count; i++)
		domains[i] = domain_of(plan, i, driver->domain_names, &count);
	engine_init(&driver->engine, &plan->options, plan->stages, plan->stage_count, domains, plan->agent_count);
	engine_set_domain_names(&driver->engine, (const char *const *)driver->domain_names);
	free(domains);
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

static int load_run(struct driver *driver, const char *run, struct error *err)
{
	if (ledger_load_run(driver->back->ledger, run, &driver->run, err) < 0 || load_rows(driver, err) < 0)
		return -1;
	if (driver->run.before && figures_from_json(driver->run.before, &driver->figures, err) < 0)
		return error_prefix(err, "run %s", run);
	free(driver->run.before); /* it stays in the ledger as it is */
	driver->run.before = NULL;
	return engine_restore_memory(&driver->engine, driver->run.memory, err);
}

static bool is_state(const struct run_row *run, enum run_state state)
{
	return strcmp(run->state, run_state_name(state)) == 0;
}

static const char *reason_of(const struct run_row *run)
{
	if (run->reason)
		return run->reason;
	if (is_state(run, RUN_RUNNING))
		return run->rollback_due ? "its budget is spent" : "what was open is settled, and nothing was started";
	return "";
}

/* Whoever resumes a paused run has seen its failures; after a crash nobody has. A run that is aborted, or is to be rolled
 * back, is only brought to its end. */
static void begin(struct driver *driver)
{
	const struct run_row *run = &driver->run;
	int64_t now = driver_now(driver);
	int state = run_state_parse(run->state);

	driver->engine.unseen = true;
	driver->engine.settles = driver->back->settles;
	if (driver->back->settles || run->rollback_due || state == RUN_ABORTED)
		engine_begin_settling(&driver->engine, state < 0 ? RUN_PAUSED : (enum run_state)state, reason_of(run),
				      (int)run->forgiven, now, &driver->output);
	else
		engine_begin(&driver->engine, state == RUN_PAUSED || state == RUN_DONE ? -1 : (int)run->forgiven, now,
			     &driver->output);
}

static void sort_by_id(struct driver *driver)
{
	size_t count = driver->plan->agent_count;

	driver->by_id = xcalloc(count + 1, sizeof *driver->by_id);
	for (size_t i = 0; i < count; i++)
		driver->by_id[i] = i;
	qsort_r(driver->by_id, count, sizeof *driver->by_id, compare_ids, (void *)(uintptr_t)driver->plan);
}

int driver_open(struct driver *driver, const char *run, struct error *err)
{
	driver->agents = xcalloc(driver->plan->agent_count + 1, sizeof *driver->agents);
	sort_by_id(driver);
	open_engine(driver);
	if (load_run(driver, run, err) < 0)
		return -1;
	driver->woke_ms = driver_now(driver);
	driver->leader.wants_facts = true;
	driver->asks_launches = driver_gates_ask_launches(driver->plan);
	driver->epoch = ledger_new_epoch(driver->back->ledger, run, err);
	if (driver->epoch < 0)
		return -1;
	begin(driver);
	return driver_orders(driver, true, err);
}

static void close_leadership(struct leadership *leader)
{
	for (size_t i = 0; i < leader->awaited_count; i++)
		free(leader->awaited[i]);
	free(leader->awaited);
	free(leader->id);
	free(leader->url);
}

void driver_close(struct driver *driver)
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
	close_leadership(&driver->leader);
	figures_clear(&driver->figures);
	master_snapshot_free(driver->last);
	run_row_clear(&driver->run);
	engine_output_clear(&driver->output);
	engine_clear(&driver->engine);
	free(driver->domain_names);
}
