/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall inventory history: everything that changed about one agent, and when it was seen. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "inventory/history.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"

/* What is printed grows with each event. */
struct view {
	struct table *table;
	json_t *events;
};

static json_t *change_json(const struct agent_change *change)
{
	return json_pack("{s:o,s:o,s:o}", "what", output_text(change->what), "before", output_text(change->before),
			 "after", output_text(change->after));
}

static void add_row(struct view *view, int64_t time_ms, const char *kind, const struct agent_change *change)
{
	char when[CLOCK_TEXT_MAX];
	const char *cells[] = {clock_format(time_ms, when), kind, change ? change->what : "",
			       change && change->before ? change->before : "",
			       change && change->after ? change->after : ""};

	table_add(view->table, cells);
}

/* changes may be NULL: the kind says it all. */
static void add_event(struct view *view, int64_t time_ms, const char *kind, const struct agent_changes *changes)
{
	size_t count = changes ? changes->count : 0;
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		json_array_append_new(array, change_json(&changes->items[i]));
		add_row(view, time_ms, kind, &changes->items[i]);
	}
	if (count == 0)
		add_row(view, time_ms, kind, NULL);
	json_array_append_new(view->events,
			      json_pack("{s:o,s:s,s:o}", "time", output_time(time_ms), "kind", kind, "changes", array));
}

static void add_events(struct view *view, const struct agent_states *states)
{
	for (size_t i = 0; i < states->count; i++) {
		const struct agent_state *state = &states->items[i], *before = i ? state - 1 : NULL;
		bool back = before && before->until_ms < state->from_ms;
		struct agent_changes changes = {NULL, 0};

		if (before)
			agent_changes_find(&before->view, &state->view, &changes);
		if (back)
			add_event(view, before->until_ms, "gone", NULL);
		if (!before || back || changes.count)
			add_event(view, state->from_ms, !before ? "appeared" : back ? "returned" : "changed", &changes);
		agent_changes_clear(&changes);
	}
	if (states->count && states->items[states->count - 1].until_ms)
		add_event(view, states->items[states->count - 1].until_ms, "gone", NULL);
}

static int print(struct session *session, const struct agent_record *agent, struct view *view)
{
	if (session->json)
		return output_json(json_pack("{s:s,s:o,s:o,s:s,s:O}", "cluster", session->cluster->name, "id",
					     output_text(agent->view.id), "hostname", output_text(agent->view.hostname),
					     "state", output_agent_state(agent), "events", view->events));
	table_print(view->table, stdout);
	return 0;
}

static int show_history(struct session *session, const char *name)
{
	static const char *const headings[] = {"SEEN", "EVENT", "WHAT", "BEFORE", "AFTER"};
	struct agent_record agent = {.row = 0};
	struct agent_states states = {NULL, 0};
	struct view view;
	int64_t cluster;
	int result;

	if (session_cluster_id(session, &cluster) < 0 ||
	    agents_find(session_store(session), cluster, name, &agent, &session->error) < 0)
		return -1;
	view = (struct view){.table = table_new(headings, 5), .events = json_array()};
	result = history_load(session_store(session), agent.row, &states, &session->error);
	if (result == 0) {
		add_events(&view, &states);
		result = print(session, &agent, &view);
	}
	table_free(view.table);
	json_decref(view.events);
	agent_states_clear(&states);
	agent_record_clear(&agent);
	return result;
}

int command_inventory_history(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = show_history(session, operands.items[0]);
	arguments_clear(&operands);
	return result;
}
