/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/run_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/audit/sentence.h"
#include "orchestrator/report/rescue_view.h"
#include "orchestrator/report/run_notes.h"

static void clear_result(struct agent_result *agent)
{
	json_decref(agent->before);
	json_decref(agent->started);
	json_decref(agent->proof);
	json_decref(agent->tasks);
	for (size_t i = 0; i < agent->step_count; i++) {
		free(agent->steps[i].from);
		free(agent->steps[i].to);
		free(agent->steps[i].event);
		free(agent->steps[i].note);
	}
	free(agent->steps);
	free(agent->rescued);
	free(agent->not_back);
	free(agent->back_by);
	json_decref(agent->killed_before);
	json_decref(agent->killed_now);
}

void run_view_clear(struct run_view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		if (view->agents)
			clear_result(&view->agents[i]);
		run_agent_clear(&view->rows[i]);
	}
	run_view_clear_notes(view);
	rescue_view_free(view->rescue);
	free(view->taken_back.run);
	free(view->taken_back.state);
	free(view->taken_back.undone_by);
	free(view->agents);
	free(view->rows);
	free(view->author);
	free(view->actor);
	run_row_clear(&view->run);
	plan_clear(&view->plan);
}

/* ---- what an agent's row says */

const json_t *agent_result_line(const struct agent_result *agent, const char *what)
{
	const json_t *lines = json_object_get(agent->proof, "lines");
	size_t i;
	json_t *line;

	json_array_foreach(lines, i, line)
	{
		const char *name = json_string_value(json_object_get(line, "what"));

		if (name && strcmp(name, what) == 0)
			return line;
	}
	return NULL;
}

static size_t count_tasks(const struct agent_result *agent, const char *fate)
{
	return json_array_size(json_object_get(agent->tasks, fate));
}

static json_t *read_document(const char *text)
{
	return text ? json_loads(text, 0, NULL) : NULL;
}

static int64_t time_away(const struct run_agent *row, int64_t now_ms)
{
	if (row->away_from_ms == 0)
		return -1;
	return (row->away_until_ms ? row->away_until_ms : now_ms) - row->away_from_ms;
}

/* Nobody could judge the tasks of an agent whose host fell silent; they are not to be forgotten for that. */
static json_t *tasks_of(const struct agent_result *agent)
{
	json_t *judged = json_object_get(agent->proof, "tasks"), *unproven;
	const json_t *task;
	size_t i;

	if (judged)
		return json_incref(judged);
	if (agent->state != AGENT_STUCK || !agent->before)
		return NULL;
	unproven = json_array();
	json_array_foreach(json_object_get(agent->before, "tasks"), i, task)
	{
		json_array_append_new(unproven,
				      json_pack("{s:O?, s:O?, s:s}", "task", json_object_get(task, "id"), "framework",
						json_object_get(task, "framework"), "state", "not known"));
	}
	return json_pack("{s:[], s:[], s:o, s:[], s:[]}", "survived", "killed", "unproven", unproven, "ended", "new");
}

static void count_fates(struct agent_result *agent, const char *result)
{
	agent->tasks = tasks_of(agent);
	if (!agent_state_is_final(agent->state) && (!result || strcmp(result, "incomplete") == 0))
		return;
	agent->kept = count_tasks(agent, "survived");
	agent->lost = count_tasks(agent, "killed");
	agent->unproven = count_tasks(agent, "unproven");
	agent->ended = count_tasks(agent, "ended");
	agent->appeared = count_tasks(agent, "new");
}

static int fill_result(struct run_view *view, size_t i, int64_t now_ms, struct error *err)
{
	struct agent_result *agent = &view->agents[i];
	const struct run_agent *row = &view->rows[i];
	int state = agent_state_parse(row->state);
	const char *result;

	if (state < 0 || row->position < 0 || (size_t)row->position >= view->plan.agent_count)
		return error_set(err, ERROR_CORRUPT, "run %s: the row of agent %s does not fit the run's plan",
				 view->run.id, row->agent_id);
	*agent = (struct agent_result){
		.row = row,
		.planned = &view->plan.agents[row->position],
		.state = (enum agent_state)state,
		.before = read_document(row->before),
		.started = read_document(row->started),
		.proof = read_document(row->proof),
		.away_ms = time_away(row, now_ms),
	};
	view->by_state[state]++;
	result = json_string_value(json_object_get(agent->proof, "result"));
	agent->proven = result && strcmp(result, "pass") == 0;
	agent->id_after = json_string_value(json_object_get(agent_result_line(agent, "id"), "found"));
	count_fates(agent, result);
	return 0;
}

/* ---- what the events say */

struct reading {
	struct run_view *view;
	struct agent_result **by_id;
};

static int compare_agents(const void *a, const void *b)
{
	const struct agent_result *const *x = a, *const *y = b;

	return strcmp((*x)->row->agent_id, (*y)->row->agent_id);
}

static int compare_to_id(const void *id, const void *item)
{
	const struct agent_result *const *agent = item;

	return strcmp(id, (*agent)->row->agent_id);
}

static struct agent_result *find_agent(const struct reading *reading, const char *agent_id)
{
	struct agent_result **found = bsearch(agent_id, reading->by_id, reading->view->count, sizeof(*reading->by_id),
					      compare_to_id);

	return found ? *found : NULL;
}

static char *copy_member(const json_t *body, const char *key)
{
	const char *text = json_string_value(json_object_get(body, key));

	return text ? xstrdup(text) : NULL;
}

static struct view_step *new_step(struct agent_result *agent)
{
	agent->steps = xreallocarray(agent->steps, agent->step_count + 1, sizeof(*agent->steps));
	return &agent->steps[agent->step_count++];
}

/* A row knows what its last attempt has killed; what an attempt before it did is in the events alone. */
static void take_killed(struct agent_result *agent, const json_t *body)
{
	json_t *killed = json_object_get(json_object_get(json_object_get(body, "proof"), "tasks"), "killed");
	const char *to = json_string_value(json_object_get(body, "to"));

	if (killed) {
		json_decref(agent->killed_now);
		agent->killed_now = json_incref(killed);
	}
	if (!to || strcmp(to, agent_state_name(AGENT_WAITING)) != 0 || json_array_size(agent->killed_now) == 0)
		return;
	/* Until the next attempt has a proof of its own the row still shows that one. */
	if (json_equal(json_object_get(agent->tasks, "killed"), agent->killed_now))
		return;
	if (!agent->killed_before)
		agent->killed_before = json_array();
	agent->lost += json_array_size(agent->killed_now);
	json_array_extend(agent->killed_before, agent->killed_now);
	json_decref(agent->killed_now);
	agent->killed_now = NULL;
}

static void add_transition(struct agent_result *agent, int64_t time_ms, const json_t *body)
{
	take_killed(agent, body);
	*new_step(agent) = (struct view_step){
		.time_ms = time_ms,
		.from = copy_member(body, "from"),
		.to = copy_member(body, "to"),
		.event = copy_member(body, "event"),
		.note = copy_member(body, "note"),
	};
}

static bool has_text(const json_t *body, const char *key, const char *text)
{
	const char *found = json_string_value(json_object_get(body, key));

	return found && text && strcmp(found, text) == 0;
}

/* Of the operation that the row is about; one of an attempt before it says nothing. */
static void take_host_word(struct agent_result *agent, const json_t *body)
{
	agent->host_kept |= has_text(body, "operation", agent->row->operation) &&
			    has_text(json_object_get(body, "host_said"), "event", "done");
}

static void take_agent_event(struct agent_result *agent, const struct ledger_entry *entry)
{
	json_t *body = json_loadb(entry->body, entry->body_len, 0, NULL);

	if (strcmp(entry->kind, "host") == 0)
		take_host_word(agent, body);
	if (strcmp(entry->kind, "agent") == 0)
		add_transition(agent, entry->time_ms, body);
	else
		*new_step(agent) = (struct view_step){
			.time_ms = entry->time_ms,
			.event = xstrdup(entry->kind),
			.note = event_sentence(entry->kind, body),
		};
	json_decref(body);
}

static int take_event(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	const struct reading *reading = ctx;
	struct run_view *view = reading->view;
	struct agent_result *agent = entry->agent_id ? find_agent(reading, entry->agent_id) : NULL;

	(void)err;
	memcpy(view->run_hash, entry->hash, sizeof(view->run_hash));
	if (strcmp(entry->kind, "run.created") == 0 && !view->actor)
		view->actor = xstrdup(entry->actor);
	if (strcmp(entry->kind, "run.resumed") == 0)
		view->resumed++;
	run_view_take_note(view, agent, entry);
	if (agent && strcmp(entry->kind, "gate") != 0)
		take_agent_event(agent, entry);
	if (agent && view->settling && strcmp(entry->kind, "agent") == 0 && view->run.finished_ms &&
	    entry->time_ms > view->run.finished_ms)
		view->settled_ms = entry->time_ms;
	return 0;
}

static int load_events(struct store *store, struct run_view *view, struct error *err)
{
	struct reading reading = {.view = view, .by_id = xcalloc(view->count + 1, sizeof(*reading.by_id))};

	for (size_t i = 0; i < view->count; i++)
		reading.by_id[i] = &view->agents[i];
	qsort(reading.by_id, view->count, sizeof(*reading.by_id), compare_agents);
	int result = ledger_run_events(store, view->run.id, take_event, &reading, err);
	free(reading.by_id);
	return result;
}

/* ---- loading */

static int load_plan(struct store *store, struct run_view *view, struct error *err)
{
	struct plan_row row;

	if (ledger_find_plan(store, view->run.plan, &row, err) < 0)
		return -1;
	view->author = xstrdup(row.author);
	int result = plan_parse(row.hash, row.document, row.document_len, &view->plan, err);
	plan_row_clear(&row);
	return result;
}

static int load(struct store *store, struct ledger *ledger, int64_t now_ms, struct run_view *view, struct error *err)
{
	if (load_plan(store, view, err) < 0 ||
	    ledger_load_agents(ledger, view->run.id, &view->rows, &view->count, err) < 0)
		return -1;
	view->agents = xcalloc(view->count + 1, sizeof(*view->agents));
	for (size_t i = 0; i < view->count; i++) {
		if (fill_result(view, i, now_ms, err) < 0)
			return -1;
	}
	memcpy(view->head, ledger_head(ledger), sizeof(view->head));
	view->now_ms = now_ms;
	return load_events(store, view, err) < 0 ? -1 : run_view_load_taken_back(store, ledger, view, err);
}

int run_view_load(struct store *store, const char *name, int64_t now_ms, struct run_view *out, struct error *err)
{
	struct run_view view = {.program = "rollcall"};
	struct ledger *ledger = ledger_open(store, "reader", err);
	int result = -1;

	plan_init(&view.plan);
	if (ledger && ledger_find_run(store, name, &view.run, err) == 0)
		result = load(store, ledger, now_ms, &view, err);
	ledger_close(ledger);
	if (result == 0)
		*out = view;
	else
		run_view_clear(&view);
	return result;
}

int run_view_failures(const struct run_view *view)
{
	int failures = 0;

	for (int state = 0; state < AGENT_STATE_COUNT; state++) {
		if (agent_state_is_failure((enum agent_state)state))
			failures += view->by_state[state];
	}
	return failures;
}

char *run_state_text(const char *state, int64_t stuck)
{
	if (stuck == 0 || strcmp(state, run_state_name(RUN_DONE)) != 0)
		return xstrdup(state);
	return xasprintf("%s, %lld stuck", state, (long long)stuck);
}

char *run_view_state_text(const struct run_view *view)
{
	char *state = run_state_text(view->run.state, view->by_state[AGENT_STUCK]);
	char *text = xasprintf("%s%s", state, view->taken_back.run ? ", taken back" : "");

	free(state);
	return text;
}

char *count_text(int64_t count, const char *what)
{
	return xasprintf("%lld %s%s", (long long)count, what, count == 1 ? "" : "s");
}
