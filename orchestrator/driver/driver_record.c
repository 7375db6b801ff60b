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
#include "orchestrator/outgoing/changed.h"
#include "protocol/request.h"

/* The agent's process must be there by then: a busy host's agent takes seconds to read its checkpoints. */
#define START_TIMEOUT_MS 60000
/* The engine's memory of a run is a line of positions: some bytes for each agent at most. */
#define MEMORY_MAX       (16u << 20)

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
	request->allow_port_change = driver->plan->allow_port_change;
	request->recover_state = !(agent->mechanism == MECHANISM_NATIVE && agent->native_discard);
	request->hold_configuration_management = driver->plan->hold_configuration_management;
	request->master.known = driver->plan->master.known;
	request->master.has_domain = driver->plan->master.has_domain;
	request->master.require_domain = driver->plan->master.require_domain;
	request->start_timeout_ms = agent->start_timeout_ms > 0 ? agent->start_timeout_ms : START_TIMEOUT_MS;
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

static void add_change(json_t *array, const char *part, const char *what, const char *before, const char *after)
{
	char *name = strcmp(part, what) == 0 ? xstrdup(part) : xasprintf("%s.%s", part, what);

	json_array_append_new(array, json_pack("{s:s, s:s*, s:s*}", "what", name, "before", before, "after", after));
	free(name);
}

/* What the intent is to change, by name: who looks for whoever changed an attribute finds it here. */
static json_t *changes_to_json(const struct plan_agent *planned)
{
	struct slaveinfo_changes changes = {.count = 0};
	json_t *array = json_array();

	slaveinfo_changes(planned->before, planned->after, &changes);
	for (size_t i = 0; i < changes.count; i++)
		add_change(array, slaveinfo_part_name(changes.items[i].part), changes.items[i].what,
			   changes.items[i].before, changes.items[i].after);
	for (size_t i = 0; i < planned->edit_count; i++)
		add_change(array, "flags", planned->edits[i].name,
			   flags_get(&planned->before_flags, planned->edits[i].name), planned->edits[i].value);
	slaveinfo_changes_clear(&changes);
	return array;
}

static json_t *event_body(const struct driver_agent *agent, const struct plan_agent *planned,
			  const struct engine_record *record)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:i, s:s*, s:s*}", "from", agent_state_name(record->from), "to",
				 agent_state_name(record->to), "event", agent_event_name(record->event), "attempt",
				 record->attempt, "operation", agent->row.operation, "note", agent->note);

	if (record->event == EVENT_CLEAR) {
		char digest[DIGEST_HEX_SIZE];

		digest_hex(agent->row.request, strlen(agent->row.request), digest);
		json_object_set_new(body, "request_sha256", json_string(digest));
		json_object_set_new(body, "changes", changes_to_json(planned));
		add_text(body, "before", agent->row.before);
	}
	if (record->event == EVENT_STARTED || record->event == EVENT_UNDONE)
		add_text(body, "host_said", agent->row.started);
	if (record->event == EVENT_PROVEN || record->event == EVENT_DISPROVEN ||
	    (record->event == EVENT_TIMEOUT && record->to == AGENT_STUCK))
		add_text(body, "proof", agent->row.proof);
	return body;
}

/* For those who want to know that an agent is another one now, in the commit of its proof. An undo that was proven is only news
 * for those who were told of the change before it. */
static void record_changed(struct driver *driver, const struct engine_record *record)
{
	const struct plan_agent *planned = &driver->plan->agents[record->agent];
	const struct driver_agent *agent = &driver->agents[record->agent];
	bool reverted = record->to == AGENT_REVERTED, stale = driver->plan->accept_stale_master;
	const struct agent_view *view = driver->last && !stale ? master_snapshot_agent(driver->last, planned->agent_id)
							       : NULL;
	/* What an old master shows is not what the agent was. */
	const Mesos__SlaveInfo *was = stale ? planned->before : agent->before.info;
	const struct changed_agent changed = {
		.cluster = driver->plan->cluster,
		.agent_id = planned->agent_id,
		.hostname = planned->hostname,
		.operation = agent->row.operation,
		.reverted = reverted,
		.before = reverted ? planned->after : was,
		.after = view && view->info ? view->info
			 : reverted         ? was
					    : planned->after,
	};

	if (!changed.after || planned->mechanism == MECHANISM_RESTART)
		return;
	json_t *body = changed_agent_event(&changed, driver->last);
	if (body)
		ledger_event(driver->back->ledger, "agent.changed", driver->run.id, planned->agent_id, body);
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
	/* What it was told before it was proven to be as meant is over. */
	if (record->to == AGENT_DONE || (record->event == EVENT_PROVEN && record->to != AGENT_REVERTED)) {
		replace(&agent->row.error, NULL);
		driver_note(driver, record->agent, NULL);
	}
	ledger_event(driver->back->ledger, "agent", driver->run.id, agent->row.agent_id,
		     event_body(agent, &driver->plan->agents[record->agent], record));
	ledger_put_agent(driver->back->ledger, &agent->row);
	if (record->event == EVENT_PROVEN)
		record_changed(driver, record);
}

/* It is to be taken back, and the commit that says why it paused says so too: whoever comes after a crash goes on with it. */
static bool rollback_is_due(const struct driver *driver)
{
	return driver->engine.state != RUN_ABORTED && (driver->run.rollback_due || driver->engine.wants_rollback);
}

static void put_run(struct driver *driver)
{
	struct run_row row = driver->run;

	if (driver->figures_are_new) {
		json_t *document = figures_to_json(&driver->figures);

		row.before = json_dumps(document, JSON_COMPACT);
		json_decref(document);
	}
	ledger_put_run(driver->back->ledger, &row);
	free(row.before);
	driver->figures_are_new = false;
}

/* How many agents are in which state; states in which nobody is are left out. */
static json_t *count_agents(const struct engine *engine)
{
	json_t *counts = json_object();

	for (int state = 0; state < AGENT_STATE_COUNT; state++)
		if (engine->by_state[state] > 0)
			json_object_set_new(counts, agent_state_name((enum agent_state)state),
					    json_integer(engine->by_state[state]));
	return counts;
}

static void record_run(struct driver *driver)
{
	const struct engine *engine = &driver->engine;
	struct buffer memory = BUFFER_INIT(MEMORY_MAX);
	bool over = engine->state == RUN_DONE || (engine->state == RUN_ABORTED && engine->under_way_count == 0);

	engine_write_memory(engine, &memory);
	replace(&driver->run.memory, buffer_take(&memory));
	replace(&driver->run.state, xstrdup(run_state_name(engine->state)));
	replace(&driver->run.reason, engine->reason[0] ? xstrdup(engine->reason) : NULL);
	driver->run.epoch = driver->epoch;
	driver->run.forgiven = engine->forgiven;
	driver->run.stages_passed = engine->stages_passed;
	driver->run.rollback_due = rollback_is_due(driver);
	/* What has ended keeps its end. */
	if (!over && !driver->back->settles)
		driver->run.finished_ms = 0;
	else if (over && driver->run.finished_ms == 0)
		driver->run.finished_ms = driver->back->wall_ms(driver->back->ctx);
	ledger_event(driver->back->ledger, "run", driver->run.id, NULL,
		     json_pack("{s:s, s:s*, s:I, s:i, s:i, s:b, s:o}", "state", driver->run.state, "reason",
			       driver->run.reason, "epoch", (json_int_t)driver->epoch, "forgiven", engine->forgiven,
			       "stages_passed", engine->stages_passed, "rollback_due", (int)driver->run.rollback_due,
			       "agents", count_agents(engine)));
	put_run(driver);
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

/* What was under way when it was aborted has come to its end just now. */
static bool aborted_run_ends(const struct driver *driver)
{
	return driver->engine.state == RUN_ABORTED && driver->engine.under_way_count == 0 &&
	       driver->run.finished_ms == 0;
}

int driver_commit(struct driver *driver, struct error *err)
{
	for (size_t i = 0; i < driver->output.record_count; i++)
		record_transition(driver, &driver->output.records[i]);
	if (driver->output.run_changed || aborted_run_ends(driver))
		record_run(driver);
	else if (driver->figures_are_new)
		put_run(driver);
	driver->run_dirty = false;
	if (ledger_commit(driver->back->ledger, err) < 0)
		return -1;
	/* A question that is only repeated writes nothing, and somebody may have taken the run over since the last commit. */
	if (driver->output.effect_count > 0 && driver->output.record_count == 0 &&
	    ledger_confirm(driver->back->ledger, err) < 0)
		return -1;
	driver->order_pending = false;
	tell(driver);
	for (size_t i = 0; i < driver->output.record_count; i++)
		if (driver->output.records[i].from != driver->output.records[i].to)
			driver_note(driver, driver->output.records[i].agent, NULL);
	return 0;
}
