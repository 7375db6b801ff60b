/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/plan_sources.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/refresh.h"
#include "orchestrator/session_ledger.h"
#include "orchestrator/survey_hosts.h"

int plan_sources_open(struct plan_sources *sources, struct session *session)
{
	*sources = (struct plan_sources){.session = session};
	sources->input.offline = true;
	sources->input.now_ms = clock_wall_ms();
	sources->input.cluster = session_cluster(session);
	if (!sources->input.cluster || session_cluster_id(session, &sources->input.cluster_id) < 0)
		return -1;
	sources->input.store = session_store(session);
	return sources->input.store ? 0 : -1;
}

/* ZooKeeper may list a master twice for a while: one that was restarted, until its old session has run out. */
static struct planner_master *find_master(struct plan_sources *sources, const char *url)
{
	for (size_t i = 0; i < sources->input.master_count; i++)
		if (strcmp(sources->masters[i].url, url) == 0)
			return &sources->masters[i];
	return NULL;
}

static void fill_masters(struct plan_sources *sources)
{
	sources->masters = xcalloc(sources->roll.count + 1, sizeof(*sources->masters));
	for (size_t i = 0; i < sources->roll.count; i++) {
		const struct master_report *report = &sources->roll.items[i];
		bool answered = report->error.kind == ERROR_NONE;
		struct planner_master *same = find_master(sources, report->url);

		if (same) {
			same->leads = same->leads || report->leads;
			continue;
		}
		sources->masters[sources->input.master_count++] = (struct planner_master){
			.url = report->url,
			.unanswered = answered ? NULL : report->error.text,
			.leads = report->leads,
			.facts = answered ? &report->facts : NULL,
		};
	}
	sources->input.masters = sources->masters;
}

int plan_sources_ask_masters(struct plan_sources *sources)
{
	struct session *session = sources->session;
	struct agents_summary summary;

	if (refresh_agents(session, &summary) < 0)
		return error_prefix(&session->error, "the plan needs the master's word (--offline plans without it)");
	if (master_ask_all(session_master(session), session_loop(session), &sources->roll, &session->error) < 0)
		return error_prefix(&session->error, "the plan needs every master's word");
	sources->input.offline = false;
	sources->input.listed_agents = (int64_t)summary.total;
	sources->input.listed_tasks = (int64_t)summary.tasks;
	fill_masters(sources);
	return 0;
}

int plan_sources_survey(struct plan_sources *sources, const struct agent_list *agents)
{
	struct survey_counts counts;

	return survey_hosts(sources->session, agents, SURVEY_PARALLEL, NULL, &counts);
}

int plan_sources_finish(struct plan_sources *sources)
{
	struct planner_input *input = &sources->input;
	struct error *err = &sources->session->error;
	int found = agents_facts(input->store, input->cluster_id, &sources->facts, err);

	if (found == 0)
		return error_set(
			err, ERROR_REFUSED,
			"no master of cluster %s was asked yet whether it stores a changed SlaveInfo; `rollcall "
			"inventory sync` asks",
			input->cluster->name);
	if (found < 0 || agents_synced_ms(input->store, input->cluster_id, &input->synced_ms, err) < 0)
		return -1;
	input->facts = &sources->facts;
	input->now_ms = clock_wall_ms();
	return 0;
}

void plan_sources_close(struct plan_sources *sources)
{
	master_facts_clear(&sources->facts);
	master_roll_clear(&sources->roll);
	free(sources->masters);
}

/* ---- keeping it */

static json_t *event_body(const struct plan *plan)
{
	return json_pack("{s:s, s:s, s:i, s:s, s:I, s:s*, s:s*}", "plan", plan->hash, "config", plan->config, "version",
			 plan->config_version, "config_sha256", plan->config_sha256, "agents",
			 (json_int_t)plan->agent_count, "where", plan->where, "rolls_back", plan->rolls_back);
}

static int put(struct session *session, const struct plan *plan, const struct buffer *bytes)
{
	const char *actor = session_actor(session);
	struct plan_row row = {
		.hash = (char *)(uintptr_t)plan->hash,
		.cluster = plan->cluster,
		.config = plan->config,
		.config_version = plan->config_version,
		.author = (char *)(uintptr_t)actor,
		.created_ms = plan->created_ms,
		.agents = (int64_t)plan->agent_count,
		.document = bytes->data,
		.document_len = bytes->len,
	};
	struct ledger *ledger = session_ledger(session);

	if (!ledger)
		return -1;
	ledger_put_plan(ledger, &row);
	ledger_event(ledger, "plan", NULL, NULL, event_body(plan));
	int result = ledger_commit(ledger, &session->error);
	ledger_close(ledger);
	return result;
}

int plan_keep(struct session *session, struct plan *plan, struct buffer *bytes)
{
	plan_write(plan, bytes);
	if (bytes->overflow)
		return error_set(&session->error, ERROR_REFUSED,
				 "the plan is larger than %u MB; choose fewer agents with --where", PLAN_MAX >> 20);
	return plan->agent_count > 0 ? put(session, plan, bytes) : 0;
}
