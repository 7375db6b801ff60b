/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transitions made durable. Each record of the engine is an event of the ledger; the agent's row is what a restart needs. The
 * intent (CHECKING → CHANGING) makes the operation: its ID, its request's bytes and the before-picture are in the same
 * commit, before anything is sent.
 */
#include "orchestrator/driver/driver_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "protocol/request.h"

/* The agent's process must be there by then: a busy host's agent takes seconds to read its checkpoints. */
#define START_TIMEOUT_MS 60000

static void replace(char **target, char *value)
{
	free(*target);
	*target = value;
}

/* ---- the intent */

static void copy_expectation(struct request_expectation *to, const struct request_expectation *from)
{
	to->agent_id = from->agent_id ? xstrdup(from->agent_id) : NULL;
	to->boot_id = from->boot_id ? xstrdup(from->boot_id) : NULL;
	to->agent_version = from->agent_version ? xstrdup(from->agent_version) : NULL;
	to->checkpoint_sha256 = from->checkpoint_sha256 ? xstrdup(from->checkpoint_sha256) : NULL;
	to->store_sha256 = from->store_sha256 ? xstrdup(from->store_sha256) : NULL;
}

static void copy_edits(struct request *request, const struct plan_agent *agent)
{
	request->edits = xcalloc(agent->edit_count + 1, sizeof *request->edits);
	request->edit_count = agent->edit_count;
	for (size_t i = 0; i < agent->edit_count; i++) {
		request->edits[i].name = xstrdup(agent->edits[i].name);
		request->edits[i].value = agent->edits[i].value ? xstrdup(agent->edits[i].value) : NULL;
	}
}

static void fill_request(const struct driver *driver, const struct plan_agent *agent, struct request *request)
{
	const struct engine_options *options = &driver->plan->options;

	driver->back->random_id(driver->back->ctx, request->operation);
	host_settings_clear(&request->host);
	host_settings_copy(&request->host, &agent->host);
	request->database = xstrdup(ledger_database(driver->back->ledger));
	request->epoch = driver->epoch;
	request->adopt = driver->back->adopt;
	request->run = xstrdup(driver->run.id);
	request->chain_head = xstrdup(ledger_head(driver->back->ledger));
	request->mechanism = agent->mechanism;
	request->ignore = driver->plan->ignore;
	copy_expectation(&request->expect, &agent->expect);
	copy_edits(request, agent);
	if (agent->mechanism != MECHANISM_RESTART)
		request->target = slaveinfo_copy(agent->after);
	/* The plan was shown with the tasks that end: whoever started it has agreed to those. */
	for (size_t i = 0; i < agent->task_count; i++)
		request->allow_task_loss = request->allow_task_loss || !agent->tasks[i].survives;
	request->start_timeout_ms = START_TIMEOUT_MS;
	/* Longer than rollcall itself waits, so that a rollcall that lives always has the word. */
	request->verdict_timeout_ms = options->change_ms + options->return_ms + options->prove_ms + options->keep_ms;
}

static void record_intent(struct driver *driver, size_t index)
{
	struct driver_agent *agent = &driver->agents[index];
	struct buffer bytes = BUFFER_INIT(REQUEST_MAX);
	struct request request;
	json_t *before = before_picture_to_json(&agent->before);

	request_init(&request, REQUEST_APPLY);
	fill_request(driver, &driver->plan->agents[index], &request);
	request_write(&request, &bytes);
	replace(&agent->row.operation, xstrdup(request.operation));
	replace(&agent->row.request, buffer_take(&bytes));
	replace(&agent->row.before, json_dumps(before, JSON_COMPACT));
	replace(&agent->row.started, NULL);
	replace(&agent->row.proof, NULL);
	replace(&agent->row.error, NULL);
	agent->row.epoch = driver->epoch;
	agent->row.away_from_ms = driver->back->wall_ms(driver->back->ctx);
	agent->row.away_until_ms = 0;
	agent->has_started = false;
	json_decref(agent->proof);
	agent->proof = NULL;
	json_decref(before);
	request_clear(&request);
}

/* ---- every transition */

static bool ends_away(const struct engine_record *record)
{
	return record->event == EVENT_PROVEN || record->event == EVENT_REFUSED || record->event == EVENT_UNSENT ||
	       record->event == EVENT_ABSENT || record->event == EVENT_NEVER;
}

static void add_text(json_t *body, const char *key, const char *json_text)
{
	if (json_text)
		json_object_set_new(body, key, json_loads(json_text, 0, NULL));
}

static json_t *event_body(const struct driver_agent *agent, const struct engine_record *record)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:i, s:s*, s:s*}", "from", agent_state_name(record->from), "to",
				 agent_state_name(record->to), "event", agent_event_name(record->event), "attempt",
				 record->attempt, "operation", agent->row.operation, "note", agent->note);

	if (record->event == EVENT_CLEAR) {
		char digest[DIGEST_HEX_SIZE];

		digest_hex(agent->row.request, strlen(agent->row.request), digest);
		json_object_set_new(body, "request_sha256", json_string(digest));
		add_text(body, "before", agent->row.before);
	}
	if (record->event == EVENT_STARTED || record->event == EVENT_UNDONE)
		add_text(body, "host_said", agent->row.started);
	if (record->event == EVENT_PROVEN || record->event == EVENT_DISPROVEN ||
	    (record->event == EVENT_TIMEOUT && record->to == AGENT_STUCK))
		add_text(body, "proof", agent->row.proof);
	return body;
}

static void record_transition(struct driver *driver, const struct engine_record *record)
{
	struct driver_agent *agent = &driver->agents[record->agent];

	if (record->event == EVENT_CLEAR)
		record_intent(driver, record->agent);
	agent->row.attempt = record->attempt;
	if (agent->proof)
		replace(&agent->row.proof, json_dumps(agent->proof, JSON_COMPACT));
	json_decref(agent->proof);
	agent->proof = NULL;
	replace(&agent->row.state, xstrdup(agent_state_name(record->to)));
	if (ends_away(record) && agent->row.away_from_ms && !agent->row.away_until_ms)
		agent->row.away_until_ms = driver->back->wall_ms(driver->back->ctx);
	if (record->event == EVENT_UNDONE)
		agent->row.away_until_ms = 0; /* even if it was proven before: it went away once more */
	if (agent->note && record->from != record->to)
		replace(&agent->row.error, xstrdup(agent->note));
	if (record->to == AGENT_DONE || record->event == EVENT_PROVEN)
		if (record->to != AGENT_REVERTED)
			replace(&agent->row.error, NULL);
	ledger_event(driver->back->ledger, "agent", driver->run.id, agent->row.agent_id, event_body(agent, record));
	ledger_put_agent(driver->back->ledger, &agent->row);
}

static void record_run(struct driver *driver)
{
	const struct engine *engine = &driver->engine;

	replace(&driver->run.state, xstrdup(run_state_name(engine->state)));
	replace(&driver->run.reason, engine->reason[0] ? xstrdup(engine->reason) : NULL);
	driver->run.epoch = driver->epoch;
	driver->run.forgiven = engine->forgiven;
	driver->run.finished_ms = engine->state == RUN_DONE ? driver->back->wall_ms(driver->back->ctx) : 0;
	ledger_event(driver->back->ledger, "run", driver->run.id, NULL,
		     json_pack("{s:s, s:s*, s:I, s:i}", "state", driver->run.state, "reason", driver->run.reason,
			       "epoch", (json_int_t)driver->epoch, "forgiven", engine->forgiven));
	ledger_put_run(driver->back->ledger, &driver->run);
}

static void tell(struct driver *driver)
{
	const struct driver_observer *observer = driver->observer;

	for (size_t i = 0; observer && observer->agent && i < driver->output.record_count; i++) {
		const struct engine_record *record = &driver->output.records[i];

		observer->agent(observer->ctx, &driver->engine, record, &driver->agents[record->agent].row);
	}
	if (observer && observer->run && driver->output.run_changed)
		observer->run(observer->ctx, &driver->engine);
}

int driver_commit(struct driver *driver, struct error *err)
{
	for (size_t i = 0; i < driver->output.record_count; i++)
		record_transition(driver, &driver->output.records[i]);
	if (driver->output.run_changed)
		record_run(driver);
	if (ledger_commit(driver->back->ledger, err) < 0)
		return -1;
	tell(driver);
	for (size_t i = 0; i < driver->output.record_count; i++)
		if (driver->output.records[i].from != driver->output.records[i].to)
			driver_note(driver, driver->output.records[i].agent, NULL);
	return 0;
}
