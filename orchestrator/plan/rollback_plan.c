/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/rollback_plan.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/ledger/ledger.h"
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

static int load_rows(struct session *session, struct rolled_back *run)
{
	struct ledger *ledger = session_ledger(session);
	int result = ledger ? ledger_load_agents(ledger, run->run.id, &run->rows, &run->count, &session->error) : -1;

	ledger_close(ledger);
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
	return result < 0 ? -1 : load_rows(session, run);
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
