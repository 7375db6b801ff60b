/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall inventory history: everything that changed about one agent, and when it was seen. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "inventory/history.h"
#include "inventory/host_agents.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"

/* One thing that happened to one agent. */
struct event {
	const char *id; /* the agent's; borrowed */
	int64_t time_ms;
	size_t number; /* in the order in which they were found: what happened at the same time keeps it */
	const char *kind;
	struct agent_changes changes; /* none: the kind says it all */
};

struct events {
	struct event *items;
	size_t count;
};

static void events_clear(struct events *events)
{
	for (size_t i = 0; i < events->count; i++)
		agent_changes_clear(&events->items[i].changes);
	free(events->items);
}

/* Takes changes. */
static void add_event(struct events *events, const char *id, int64_t time_ms, const char *kind,
		      struct agent_changes changes)
{
	events->items = xreallocarray(events->items, events->count + 1, sizeof(*events->items));
	events->items[events->count] = (struct event){id, time_ms, events->count, kind, changes};
	events->count++;
}

static void add_events(struct events *events, const char *id, const struct agent_states *states)
{
	const struct agent_changes none = {NULL, 0};

	for (size_t i = 0; i < states->count; i++) {
		const struct agent_state *state = &states->items[i], *before = i ? state - 1 : NULL;
		bool back = before && before->until_ms < state->from_ms;
		struct agent_changes changes = none;

		if (before)
			agent_changes_find(&before->view, &state->view, &changes);
		if (back)
			add_event(events, id, before->until_ms, "gone", none);
		if (!before || back || changes.count)
			add_event(events, id, state->from_ms,
				  !before ? "appeared"
				  : back  ? "returned"
					  : "changed",
				  changes);
	}
	if (states->count && states->items[states->count - 1].until_ms)
		add_event(events, id, states->items[states->count - 1].until_ms, "gone", none);
}

static int compare_events(const void *left, const void *right)
{
	const struct event *a = left, *b = right;

	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

/* ---- showing */

static json_t *event_json(const struct event *event)
{
	json_t *changes = json_array();

	for (size_t i = 0; i < event->changes.count; i++) {
		const struct agent_change *change = &event->changes.items[i];

		json_array_append_new(changes,
				      json_pack("{s:o,s:o,s:o}", "what", output_text(change->what), "before",
						output_text(change->before), "after", output_text(change->after)));
	}
	return json_pack("{s:o,s:o,s:s,s:o}", "id", output_text(event->id), "time", output_time(event->time_ms), "kind",
			 event->kind, "changes", changes);
}

static int print_json(const struct session *session, const struct agent_record *agent, const struct events *events)
{
	json_t *array = json_array();

	for (size_t i = 0; i < events->count; i++)
		json_array_append_new(array, event_json(&events->items[i]));
	return output_json(json_pack("{s:s,s:o,s:o,s:s,s:o}", "cluster", session->cluster->name, "id",
				     output_text(agent->view.id), "hostname", output_text(agent->view.hostname),
				     "state", output_agent_state(agent), "events", array));
}

/* The agent's ID is a column where there are several. */
static void add_row(struct table *table, bool several, const struct event *event, const struct agent_change *change)
{
	char when[CLOCK_TEXT_MAX];
	const char *cells[] = {clock_format(event->time_ms, when),
			       event->id,
			       event->kind,
			       change ? change->what : "",
			       change && change->before ? change->before : "",
			       change && change->after ? change->after : ""};

	if (!several)
		cells[1] = cells[0];
	table_add(table, several ? cells : cells + 1);
}

static void print_text(const struct events *events, bool several)
{
	static const char *const headings[] = {"SEEN", "AGENT", "EVENT", "WHAT", "BEFORE", "AFTER"};
	static const char *const short_headings[] = {"SEEN", "EVENT", "WHAT", "BEFORE", "AFTER"};
	struct table *table = several ? table_new(headings, 6) : table_new(short_headings, 5);

	for (size_t i = 0; i < events->count; i++) {
		const struct event *event = &events->items[i];

		for (size_t j = 0; j < event->changes.count; j++)
			add_row(table, several, event, &event->changes.items[j]);
		if (event->changes.count == 0)
			add_row(table, several, event, NULL);
	}
	table_print(table, stdout);
	table_free(table);
}

/* ---- which agents */

/* A hostname stands for all agents the host has had; any other name for one. */
static int find_agents(struct session *session, int64_t cluster, const char *name, struct agent_list *out)
{
	struct store *store = session_store(session);
	struct host_agents host = {NULL, 0};
	int result = host_agents_load(store, cluster, name, &host, &session->error);
	size_t count = host.count ? host.count : 1;

	if (result == 0)
		out->items = xcalloc(count, sizeof(*out->items));
	for (size_t i = 0; i < count && result == 0; i++) {
		result = agents_find(store, cluster, host.count ? host.ids[i] : name, &out->items[i], &session->error);
		out->count += result == 0;
	}
	host_agents_clear(&host);
	return result;
}

static int load_events(struct session *session, const struct agent_list *agents, struct events *out)
{
	for (size_t i = 0; i < agents->count; i++) {
		struct agent_states states = {NULL, 0};

		if (history_load(session_store(session), agents->items[i].row, &states, &session->error) < 0)
			return -1;
		add_events(out, agents->items[i].view.id, &states);
		agent_states_clear(&states);
	}
	if (out->count)
		qsort(out->items, out->count, sizeof(*out->items), compare_events);
	return 0;
}

static int show_history(struct session *session, const char *name)
{
	struct agent_list agents = {NULL, 0};
	struct events events = {NULL, 0};
	int64_t cluster;
	int result = session_cluster_id(session, &cluster);

	if (result == 0)
		result = find_agents(session, cluster, name, &agents);
	if (result == 0)
		result = load_events(session, &agents, &events);
	if (result == 0 && session->json)
		result = print_json(session, &agents.items[agents.count - 1], &events);
	else if (result == 0)
		print_text(&events, agents.count > 1);
	events_clear(&events);
	agent_list_clear(&agents);
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
