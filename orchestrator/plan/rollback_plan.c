/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/rollback_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/plan/plan_invert.h"
#include "orchestrator/plan/plan_sources.h"
#include "orchestrator/session_ledger.h"

struct rolled_back {
	struct run_row run;
	struct plan plan;
	struct run_agent *rows;
	size_t count;
};

static void clear_run(struct rolled_back *run)
{
	run_row_clear(&run->run);
	plan_clear(&run->plan);
	for (size_t i = 0; i < run->count; i++)
		run_agent_clear(&run->rows[i]);
	free(run->rows);
}

/* Those that an earlier rollback of the run has put back, or has to settle, are its own. */
static int drop_taken_back(struct session *session, const char *name, struct run_agent *rows, size_t *count)
{
	size_t kept = 0;
	int result = 0;

	for (size_t i = 0; i < *count; i++) {
		int taken = result < 0 ? 0
				       : ledger_is_taken_back(session_store(session), name, rows[i].agent_id,
							      &session->error);

		if (taken < 0)
			result = -1;
		if (taken > 0)
			run_agent_clear(&rows[i]);
		else
			rows[kept++] = rows[i];
	}
	*count = kept;
	return result;
}

static int load_rows(struct session *session, const char *name, struct run_agent **rows, size_t *count)
{
	struct ledger *ledger = session_ledger(session);
	int result = ledger ? ledger_load_agents(ledger, name, rows, count, &session->error) : -1;

	ledger_close(ledger);
	return result < 0 ? -1 : drop_taken_back(session, name, *rows, count);
}

static const struct run_agent *find_changed(const struct run_agent *rows, size_t count, const char *agent_id)
{
	for (size_t i = 0; i < count; i++)
		if ((!agent_id || strcmp(rows[i].agent_id, agent_id) == 0) && plan_invert_concerns(&rows[i]))
			return &rows[i];
	return NULL;
}

/* Two rollbacks of one run do not go on beside each other; and one that has left nothing was the last. */
static int check_earlier(struct session *session, const char *name, const struct run_agent *rows, size_t count)
{
	struct run_row other;
	int found = ledger_find_rollback_of(session_store(session), name, &other, &session->error);

	if (found <= 0)
		return found;
	int result = 0;
	if (strcmp(other.state, run_state_name(RUN_DONE)) != 0 && strcmp(other.state, run_state_name(RUN_ABORTED)) != 0)
		result = error_set(&session->error, ERROR_CONFLICT,
				   "run %s is rolled back by run %s, which has not ended; `rollcall rollout resume %s` "
				   "goes on with that one",
				   name, other.id, other.id);
	else if (!find_changed(rows, count, NULL))
		result =
			error_set(&session->error, ERROR_CONFLICT,
				  "run %s was rolled back by run %s already; `rollcall rollout rollback %s` takes that "
				  "one back",
				  name, other.id, other.id);
	run_row_clear(&other);
	return result;
}

static int load_run(struct session *session, const char *name, struct rolled_back *run)
{
	struct plan_row row;

	if (ledger_find_run(session_store(session), name, &run->run, &session->error) < 0 ||
	    ledger_find_plan(session_store(session), run->run.plan, &row, &session->error) < 0)
		return -1;
	int result = plan_parse(row.hash, row.document, row.document_len, &run->plan, &session->error);
	plan_row_clear(&row);
	if (result < 0 || load_rows(session, run->run.id, &run->rows, &run->count) < 0)
		return -1;
	return check_earlier(session, run->run.id, run->rows, run->count);
}

/* Those that are still listed; planner_invert says of the others that they are not. */
static int find_agents(struct plan_sources *sources, const struct rolled_back *run, struct agent_list *out)
{
	const struct planner_input *input = &sources->input;

	*out = (struct agent_list){.items = xcalloc(run->count + 1, sizeof(*out->items))};
	for (size_t i = 0; i < run->count; i++) {
		struct agent_record *record = &out->items[out->count];
		struct error ignored = ERROR_INIT;

		if (!plan_invert_concerns(&run->rows[i]) ||
		    agents_find(input->store, input->cluster_id, run->rows[i].agent_id, record, &ignored) < 0)
			continue;
		if (record->gone_ms == 0)
			out->count++;
		else
			agent_record_clear(record);
	}
	return 0;
}

static int ask(struct plan_sources *sources, const struct rolled_back *run)
{
	struct agent_list agents;

	if (plan_sources_ask_masters(sources) < 0 || find_agents(sources, run, &agents) < 0)
		return -1;
	int result = plan_sources_survey(sources, &agents);
	agent_list_clear(&agents);
	return result < 0 ? -1 : plan_sources_finish(sources);
}

static int invert(struct plan_sources *sources, const struct rolled_back *run, const struct planner_options *options,
		  struct plan *out, struct planner_refusals *refusals)
{
	const struct plan_invert_input input = {
		.run = run->run.id, .plan = &run->plan, .rows = run->rows, .row_count = run->count};
	struct buffer bytes = BUFFER_INIT(PLAN_MAX);
	struct plan plan;

	if (planner_invert(&sources->input, options, &input, &plan, refusals, &sources->session->error) < 0)
		return -1;
	int result = plan_keep(sources->session, &plan, &bytes);
	buffer_clear(&bytes);
	if (result == 0)
		*out = plan;
	else
		plan_clear(&plan);
	return result;
}

int rollback_plan(struct session *session, const char *name, const struct planner_options *options, struct plan *out,
		  struct planner_refusals *refusals)
{
	struct rolled_back run = {.count = 0};
	struct plan_sources sources;

	plan_init(&run.plan);
	int result = plan_sources_open(&sources, session);
	if (result == 0)
		result = load_run(session, name, &run);
	if (result == 0)
		result = ask(&sources, &run);
	if (result == 0)
		result = invert(&sources, &run, options, out, refusals);
	plan_sources_close(&sources);
	clear_run(&run);
	return result;
}

/* ---- is one that was shown before still right? */

static bool names(const struct plan *plan, const char *agent_id)
{
	for (size_t i = 0; i < plan->agent_count; i++)
		if (strcmp(plan->agents[i].agent_id, agent_id) == 0)
			return true;
	for (size_t i = 0; i < plan->left_out_count; i++)
		if (strcmp(plan->left_out[i].agent_id, agent_id) == 0)
			return true;
	return false;
}

int rollback_plan_covers(const struct plan *plan, const struct run_agent *rows, size_t count, struct error *err)
{
	const char *run = plan->rolls_back;

	for (size_t i = 0; i < count; i++)
		if (plan_invert_concerns(&rows[i]) && !names(plan, rows[i].agent_id))
			return error_set(
				err, ERROR_CONFLICT,
				"run %s has gone on since this plan was made, and would not be taken back on %s; "
				"`rollcall rollout rollback %s` makes a new one",
				run, rows[i].hostname, run);
	for (size_t i = 0; i < plan->agent_count; i++)
		if (!find_changed(rows, count, plan->agents[i].agent_id))
			return error_set(
				err, ERROR_CONFLICT,
				"since this plan was made, run %s was taken back on %s already; `rollcall rollout "
				"rollback %s` makes a new one of what is left",
				run, plan->agents[i].hostname, run);
	return 0;
}

/* An agent that was left out may be one by now that is not. */
static int check_gone_on(struct session *session, const struct plan *plan)
{
	int gone_on = ledger_has_gone_on(session_store(session), plan->rolls_back, plan->hash, &session->error);

	if (gone_on > 0)
		return error_set(
			&session->error, ERROR_CONFLICT,
			"run %s has gone on since this plan was made; `rollcall rollout rollback %s` makes a new "
			"one",
			plan->rolls_back, plan->rolls_back);
	return gone_on;
}

int rollback_plan_check(struct session *session, const struct plan *plan)
{
	struct run_agent *rows = NULL;
	size_t count = 0;
	int result = load_rows(session, plan->rolls_back, &rows, &count);

	if (result == 0)
		result = check_earlier(session, plan->rolls_back, rows, count);
	if (result == 0)
		result = rollback_plan_covers(plan, rows, count, &session->error);
	if (result == 0)
		result = check_gone_on(session, plan);
	for (size_t i = 0; i < count; i++)
		run_agent_clear(&rows[i]);
	free(rows);
	return result;
}
