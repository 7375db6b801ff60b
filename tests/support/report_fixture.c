/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/report_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/store.h"
#include "tests/support/cmocka.h"
#include "tests/support/plan_fixture.h"
#include "tests/support/scratch.h"

#define START_MS 1700000010000

/* Rows are borrowed by the ledger, which never writes to them. */
static char *borrow(const char *text)
{
	return (char *)(uintptr_t)text;
}

void report_fixture_open(struct report_fixture *fixture, size_t count, const char *actor)
{
	struct error err = ERROR_INIT;
	char *path;

	*fixture = (struct report_fixture){.folder = scratch_new()};
	path = path_join(fixture->folder, "rollcall.db");
	fixture->store = store_open(path, true, &err);
	free(path);
	assert_non_null(fixture->store);
	fixture->ledger = ledger_open(fixture->store, actor, &err);
	assert_non_null(fixture->ledger);
	plan_fixture_fill(&fixture->plan, count);
	fixture->plan.clocks.silent_ms = 75000;
}

void report_fixture_begin(struct report_fixture *fixture, const char *run_state, const char *reason)
{
	struct error err = ERROR_INIT;
	char *bytes = plan_fixture_write(&fixture->plan);
	const struct plan_row plan = {.hash = fixture->plan.hash,
				      .cluster = fixture->plan.cluster,
				      .config = fixture->plan.config,
				      .config_version = 3,
				      .author = borrow("bert@admin2"),
				      .created_ms = 1700000000123,
				      .agents = (int64_t)fixture->plan.agent_count,
				      .document = bytes,
				      .document_len = strlen(bytes)};
	const struct run_row run = {.id = borrow(REPORT_RUN),
				    .plan = fixture->plan.hash,
				    .state = borrow(run_state),
				    .reason = borrow(reason),
				    .epoch = 4,
				    .created_ms = START_MS,
				    .finished_ms = strcmp(run_state, "done") == 0 ? START_MS + 80000 : 0};

	ledger_put_plan(fixture->ledger, &plan);
	ledger_put_run(fixture->ledger, &run);
	ledger_event(fixture->ledger, "run.created", REPORT_RUN, NULL, NULL);
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
	free(bytes);
}

static char *proof_of(const struct report_agent *agent, const char *id)
{
	bool planned = strcmp(agent->state, "reverted") != 0, same = !agent->found_id;
	json_t *task = json_pack("{s:s, s:s, s:s}", "task", agent->task ? agent->task : "t", "framework", "F", "state",
				 same ? "TASK_RUNNING" : "TASK_LOST");
	json_t *proof = json_pack(
		"{s:s, s:s, s:[{s:s, s:s, s:s, s:b}, {s:s, s:{s:i}, s:I, s:b}], s:{s:[o*], s:[o*], s:[], s:[]}}",
		"result", same ? "pass" : "fail", "of", planned ? "the planned state" : "the state before", "lines",
		"what", "id", "planned", id, "found", same ? id : agent->found_id, "ok", same, "what",
		"reregistered_time", "planned", "other_than", 1, "found", (json_int_t)1700000050000000000, "ok", 1,
		"tasks", "survived", same ? json_incref(task) : NULL, "killed", same ? NULL : json_incref(task),
		"ended", "new");
	json_t *tasks = json_object_get(proof, "tasks");

	if (agent->behind)
		json_array_append_new(json_object_get(proof, "lines"),
				      json_pack("{s:s, s:s, s:s, s:b}", "what", "slave_info at the master", "planned",
						"the new one", "found", "the old one", "ok", 1));
	if (agent->accepted_by) {
		json_array_clear(json_object_get(tasks, "survived"));
		json_object_set_new(task, "state", json_string("TASK_LOST"));
		json_object_set_new(task, "accepted_by", json_string(agent->accepted_by));
		json_object_set_new(task, "accepted_ms", json_integer(1700000000000));
		json_array_append(json_object_get(tasks, "killed"), task);
	}
	char *text = json_dumps(proof, JSON_COMPACT);

	json_decref(task);
	json_decref(proof);
	return text;
}

static char *started_of(const struct report_agent *agent)
{
	json_t *started = json_pack("{s:s, s:s}", "event", "undone", "agent_said", agent->said);
	char *text = json_dumps(started, JSON_COMPACT);

	json_decref(started);
	return text;
}

void report_fixture_put(struct report_fixture *fixture, size_t position, const struct report_agent *agent)
{
	struct error err = ERROR_INIT;
	const struct plan_agent *planned = &fixture->plan.agents[position];
	bool unproven = agent->found_id && !*agent->found_id;
	char *proof = unproven ? NULL : proof_of(agent, planned->agent_id);
	char *started = agent->said ? started_of(agent) : NULL;
	const struct run_agent row = {.run = borrow(REPORT_RUN),
				      .position = (int64_t)position,
				      .agent_id = planned->agent_id,
				      .hostname = planned->hostname,
				      .state = borrow(agent->state),
				      .attempt = 1,
				      .operation = borrow("0badcafe"),
				      .before = borrow("{\"reregistered_ns\":1700000001000000000,\"slave_info\":{}}"),
				      .started = started,
				      .proof = proof,
				      .error = borrow(agent->error),
				      .away_from_ms = agent->from_ms ? START_MS + agent->from_ms : 0,
				      .away_until_ms = agent->until_ms ? START_MS + agent->until_ms : 0};

	ledger_put_agent(fixture->ledger, &row);
	ledger_event(fixture->ledger, "agent", REPORT_RUN, row.agent_id,
		     json_pack("{s:s, s:s, s:s, s:s*}", "from", "proving", "to", agent->state, "event", "timeout",
			       "note", agent->error));
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
	free(proof);
	free(started);
}

void report_fixture_load(struct report_fixture *fixture)
{
	struct error err = ERROR_INIT;

	fixture->runs = (struct report_runs){xcalloc(1, sizeof *fixture->runs.views), 1};
	assert_ok(run_view_load(fixture->store, "latest", REPORT_NOW_MS, fixture->runs.views, &err), &err);
}

void report_fixture_close(struct report_fixture *fixture)
{
	report_runs_clear(&fixture->runs);
	plan_clear(&fixture->plan);
	ledger_close(fixture->ledger);
	store_close(fixture->store);
	scratch_remove(fixture->folder);
}

char *report_fixture_write(const struct report_fixture *fixture,
			   void (*write)(const struct report_runs *runs, struct buffer *out))
{
	struct buffer out = BUFFER_INIT(REPORT_MAX);

	write(&fixture->runs, &out);
	return buffer_take(&out);
}

char *report_fixture_text(const struct report_fixture *fixture)
{
	struct buffer out = BUFFER_INIT(REPORT_MAX);

	report_write(&fixture->runs, REPORT_TEXT, &out);
	return buffer_take(&out);
}

size_t text_count(const char *text, const char *words)
{
	size_t count = 0;

	for (const char *at = strstr(text, words); at; at = strstr(at + 1, words))
		count++;
	return count;
}
