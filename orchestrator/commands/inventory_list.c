/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall inventory list: the agents a selector chooses, now or at some time, whole or as columns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "mesos/attributes.h"
#include "orchestrator/choose.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/inventory_columns.h"
#include "orchestrator/output.h"

static char *attributes_text(const Mesos__SlaveInfo *info)
{
	struct buffer text = BUFFER_INIT(1u << 20);

	for (size_t i = 0; i < info->n_attributes; i++) {
		buffer_printf(&text, "%s%s:", i ? "; " : "", info->attributes[i]->name);
		attribute_value_text(info->attributes[i], &text);
	}
	return buffer_take(&text);
}

/* "3.5/8": used and total. */
static char *share_text(const struct agent_view *view, const char *name)
{
	char used[32], total[32];

	return xasprintf("%s/%s", output_number(resources_scalar(&view->used, name), used),
			 output_number(resources_scalar(&view->total, name), total));
}

static void survey_text(const struct survey_record *record, int64_t now_ms, char out[32])
{
	if (record->failed_ms)
		snprintf(out, 32, "failed");
	else
		output_age(record->time_ms, now_ms, out);
}

static void add_row(struct table *table, const struct agent_record *agent, const struct survey_record *survey,
		    int64_t now_ms)
{
	const struct agent_view *view = &agent->view;
	char *domain = agent->region ? xasprintf("%s/%s", agent->region, agent->zone) : xstrdup("-");
	char *cpus = share_text(view, "cpus"), *mem = share_text(view, "mem"),
	     *attributes = attributes_text(view->info);
	char tasks[32], asked[32];
	const char *cells[] = {
		view->hostname, view->id,  output_agent_state(agent), view->version, domain, cpus, mem, tasks,
		asked,          attributes};

	snprintf(tasks, sizeof(tasks), "%zu", agent->tasks);
	survey_text(survey, now_ms, asked);
	table_add(table, cells);
	if (!view->active)
		table_set_style(table, 2, TERM_YELLOW);
	if (survey->failed_ms)
		table_set_style(table, 8, TERM_RED);
	free(domain);
	free(cpus);
	free(mem);
	free(attributes);
}

static int print_table(struct session *session, const struct agent_list *agents)
{
	static const char *const headings[] = {"HOSTNAME", "AGENT", "STATE", "VERSION",  "DOMAIN",
					       "CPUS",     "MEM",   "TASKS", "SURVEYED", "ATTRIBUTES"};
	struct table *table = table_new(headings, 10);
	int64_t now_ms = clock_wall_ms();
	int result = 0;

	for (size_t column = 5; column <= 7; column++)
		table_align_right(table, column);
	for (size_t i = 0; i < agents->count && result == 0; i++) {
		struct survey_record survey = {.time_ms = 0};

		if (survey_load_state(session_store(session), agents->items[i].row, &survey, &session->error) < 0)
			result = -1;
		else
			add_row(table, &agents->items[i], &survey, now_ms);
		survey_record_clear(&survey);
	}
	if (result == 0)
		table_print(table, stdout);
	table_free(table);
	return result;
}

static int append_agent(struct session *session, json_t *array, const struct agent_record *agent)
{
	struct survey_record survey = {.time_ms = 0};
	int found = survey_load_state(session_store(session), agent->row, &survey, &session->error);
	json_t *object;

	if (found < 0)
		return -1;
	object = output_agent(agent);
	json_object_set_new(object, "survey", output_survey_state(found ? &survey : NULL));
	json_array_append_new(array, object);
	survey_record_clear(&survey);
	return 0;
}

/* all: how many there are, with those that --limit left out. */
static int print_json(struct session *session, const struct agent_list *agents, size_t all, int64_t synced_ms)
{
	json_t *array = json_array();

	for (size_t i = 0; i < agents->count; i++)
		if (append_agent(session, array, &agents->items[i]) < 0) {
			json_decref(array);
			return -1;
		}
	return output_json(json_pack("{s:s,s:o,s:I,s:o}", "cluster", session_cluster(session)->name, "synced",
				     output_time(synced_ms), "count", (json_int_t)all, "agents", array));
}

static void print_none(const struct session *session, const char *where)
{
	fprintf(stderr, "no agent of cluster %s%s%s\n", session->cluster->name,
		where ? " matches: " : " is listed by its master", where ? where : "");
}

/* Where in a list that is to be sorted. */
struct place {
	const char *id; /* the agent's */
	size_t at;
};

struct placed {
	size_t at;
	struct agent_record agent;
};

static int by_id(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	return strcmp(left->id, right->id);
}

static int by_place(const void *a, const void *b)
{
	const struct placed *left = a, *right = b;

	return (left->at > right->at) - (left->at < right->at);
}

/* order: a listing of IDs. Agents of which it does not know appeared a moment ago: they come last. */
static void put_in_order(struct agent_list *agents, const struct listing *order)
{
	struct place *places = xcalloc(order->rows + 1, sizeof(*places));
	struct placed *placed = xcalloc(agents->count + 1, sizeof(*placed));

	for (size_t i = 0; i < order->rows; i++)
		places[i] = (struct place){order->cells[i].text, i};
	qsort(places, order->rows, sizeof(*places), by_id);
	for (size_t i = 0; i < agents->count; i++) {
		const struct place wanted = {agents->items[i].view.id, 0};
		const struct place *found = bsearch(&wanted, places, order->rows, sizeof(*places), by_id);

		placed[i] = (struct placed){found ? found->at : order->rows + i, agents->items[i]};
	}
	qsort(placed, agents->count, sizeof(*placed), by_place);
	for (size_t i = 0; i < agents->count; i++)
		agents->items[i] = placed[i].agent;
	free(placed);
	free(places);
}

static int sort_agents(struct session *session, const char *sort, struct agent_list *agents)
{
	struct listing order;

	if (inventory_order(session, sort, &order) < 0)
		return -1;
	put_in_order(agents, &order);
	listing_clear(&order);
	return 0;
}

static void cut_agents(struct agent_list *agents, int64_t limit, bool quiet)
{
	size_t all = agents->count;

	if (limit == 0 || (uint64_t)limit >= all)
		return;
	while (agents->count > (size_t)limit)
		agent_record_clear(&agents->items[--agents->count]);
	inventory_say_cut(agents->count, all, quiet);
}

/* Agents as they are now, with all there is to say of them. */
static int list_whole(struct session *session, const struct inventory_wish *wish)
{
	struct agent_list agents;
	int64_t cluster, synced_ms;
	size_t all;
	int result;

	if (choose_agents(session, wish->where, &agents) < 0)
		return -1;
	all = agents.count;
	result = session_cluster_id(session, &cluster);
	if (result == 0)
		result = agents_synced_ms(session_store(session), cluster, &synced_ms, &session->error);
	if (result == 0 && wish->sort)
		result = sort_agents(session, wish->sort, &agents);
	if (result == 0)
		cut_agents(&agents, wish->limit, session->quiet);
	if (result == 0 && session->json)
		result = print_json(session, &agents, all, synced_ms);
	else if (result == 0 && agents.count == 0)
		print_none(session, wish->where);
	else if (result == 0)
		result = print_table(session, &agents);
	agent_list_clear(&agents);
	return result;
}

int command_inventory_list(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct inventory_wish wish = {.where = NULL};
	const struct option own[] = {
		{"where", 0, OPTION_STRING, &wish.where, "EXPR", "only agents that match", 0, 0},
		{"at", 0, OPTION_STRING, &wish.at, "TIME", "as they were then: a date, or how long ago (2h)", 0, 0},
		{"columns", 0, OPTION_STRING, &wish.columns, "NAMES", "what to show, separated by commas", 0, 0},
		{"sort", 0, OPTION_STRING, &wish.sort, "NAMES", "in which order; -NAME: the largest first", 0, 0},
		{"group-by", 0, OPTION_STRING, &wish.group_by, "NAMES", "one row per group, hosts folded", 0, 0},
		{"limit", 0, OPTION_INT, &wish.limit, "N", "only the first N rows", 1, INT32_MAX},
		{"csv", 0, OPTION_FLAG, &wish.csv, NULL, "as CSV", 0, 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, own, &operands);

	arguments_clear(&operands);
	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	if (wish.at || wish.columns || wish.group_by || wish.csv)
		return inventory_print_columns(session, &wish);
	return list_whole(session, &wish);
}
