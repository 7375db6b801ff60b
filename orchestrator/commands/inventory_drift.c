/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall inventory drift: config, flag store, running flags, checkpoint and master, and which two of them disagree. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "inventory/hostset.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/inventory_drift.h"
#include "orchestrator/output.h"

#define NAMES_MAX (16u << 20)

/* ---- showing */

static json_t *finding_json(const struct drift_finding *finding)
{
	json_t *places = json_null(), *values = json_null();

	if (finding->places[0]) {
		places = json_pack("[s,s]", finding->places[0], finding->places[1]);
		values = json_pack("[o,o]", output_text(finding->values[0]), output_text(finding->values[1]));
	}
	return json_pack("{s:s,s:b,s:o,s:o,s:o,s:o}", "kind", finding->kind, "drift", finding->drift, "places", places,
			 "what", output_text(finding->what), "values", values, "fix", output_text(finding->fix));
}

static void print_json(const struct drift *drift)
{
	json_t *agents = json_array();

	for (size_t i = 0; i < drift->count; i++) {
		const struct drifted *drifted = &drift->agents[i];
		json_t *findings = json_array();

		for (size_t j = 0; j < drifted->findings.count; j++)
			json_array_append_new(findings, finding_json(&drifted->findings.items[j]));
		json_array_append_new(agents,
				      json_pack("{s:o,s:o,s:s,s:o,s:b,s:o}", "id", output_text(drifted->agent->view.id),
						"hostname", output_text(drifted->agent->view.hostname), "state",
						output_agent_state(drifted->agent), "surveyed",
						output_time(drifted->surveyed_ms), "drift",
						drift_findings_has_drift(&drifted->findings), "findings", findings));
	}
	output_json(json_pack("{s:s,s:I,s:I,s:I,s:o}", "cluster", drift->session->cluster->name, "count",
			      (json_int_t)drift->count, "drifted", (json_int_t)drift->drifted, "unknown",
			      (json_int_t)drift->unknown, "agents", agents));
}

/* One finding of one agent, to be folded with the same of others. */
struct line {
	const struct drift_finding *finding;
	const char *hostname;
};

static int compare_texts(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

static int compare_findings(const struct drift_finding *a, const struct drift_finding *b)
{
	int order = (int)b->drift - (int)a->drift;

	if (order == 0)
		order = strcmp(a->kind, b->kind);
	if (order == 0)
		order = strcmp(a->what, b->what);
	if (order == 0)
		order = compare_texts(a->values[0], b->values[0]);
	if (order == 0)
		order = compare_texts(a->values[1], b->values[1]);
	return order ? order : compare_texts(a->fix, b->fix);
}

static int compare_lines(const void *left, const void *right)
{
	const struct line *a = left, *b = right;
	int order = compare_findings(a->finding, b->finding);

	return order ? order : strcmp(a->hostname, b->hostname);
}

static struct line *all_lines(const struct drift *drift, size_t *count)
{
	struct line *lines = NULL;

	*count = 0;
	for (size_t i = 0; i < drift->count; i++) {
		const struct drifted *drifted = &drift->agents[i];

		lines = xreallocarray(lines, *count + drifted->findings.count + 1, sizeof(*lines));
		for (size_t j = 0; j < drifted->findings.count; j++)
			if (drift->wish->all || drifted->findings.items[j].drift)
				lines[(*count)++] = (struct line){&drifted->findings.items[j],
								  drifted->agent->view.hostname};
	}
	if (*count)
		qsort(lines, *count, sizeof(*lines), compare_lines);
	return lines;
}

static const char *value_text(const char *value)
{
	return value ? value : "(not there)";
}

static void add_block(struct table *table, const struct line *lines, size_t count)
{
	const struct drift_finding *finding = lines[0].finding;
	const char **names = xcalloc(count, sizeof(*names));
	struct buffer hosts = BUFFER_INIT(NAMES_MAX);
	char *between = finding->places[0] ? xasprintf("%s, %s", finding->places[0], finding->places[1]) : xstrdup("-");
	bool valued = finding->values[0] || finding->values[1];

	for (size_t i = 0; i < count; i++)
		names[i] = lines[i].hostname;
	hostset_fold(names, count, &hosts);
	const char *cells[] = {buffer_text(&hosts), between, finding->what,
			       valued ? value_text(finding->values[0]) : "",
			       valued ? value_text(finding->values[1]) : ""};
	table_add(table, cells);
	table_set_style(table, 1, finding->drift ? TERM_YELLOW : TERM_PLAIN);
	buffer_clear(&hosts);
	free(between);
	free(names);
}

/* The remedies that were printed: a handful, however many agents need them. */
struct remedies {
	const char **items;
	size_t count;
};

static bool is_new(struct remedies *printed, const char *fix)
{
	for (size_t i = 0; i < printed->count; i++)
		if (strcmp(printed->items[i], fix) == 0)
			return false;
	printed->items = xreallocarray(printed->items, printed->count + 1, sizeof(*printed->items));
	printed->items[printed->count++] = fix;
	return true;
}

/* Each remedy once, under the table, in the order of the lines. */
static void print_fixes(const struct session *session, const struct line *lines, size_t count)
{
	struct remedies printed = {NULL, 0};

	for (size_t i = 0; i < count; i++) {
		const struct drift_finding *finding = lines[i].finding;

		if (!finding->fix || !is_new(&printed, finding->fix))
			continue;
		if (finding->places[0])
			output_told(session, stdout, "\n%s and %s: %s.\n", finding->places[0], finding->places[1],
				    finding->fix);
		else
			output_told(session, stdout, "\n%s: %s.\n", finding->kind, finding->fix);
	}
	free(printed.items);
}

/* hidden: findings that are no drift and were not printed. */
static void print_counts(const struct drift *drift, size_t hidden)
{
	fprintf(stderr, "%zu of %zu agent%s of cluster %s %s drifted", drift->drifted, drift->count,
		drift->count == 1 ? "" : "s", drift->session->cluster->name, drift->drifted == 1 ? "has" : "have");
	if (drift->unknown > 0)
		fprintf(stderr,
			"; of %zu it is not known, as the host was not asked since the agent registered: "
			"--refresh asks",
			drift->unknown);
	if (hidden > 0)
		fprintf(stderr, "; --all shows %zu more thing%s to know", hidden, hidden == 1 ? "" : "s");
	fputc('\n', stderr);
}

static void print_text(const struct drift *drift)
{
	static const char *const headings[] = {"HOSTS", "BETWEEN", "WHAT", "FIRST", "SECOND"};
	struct table *table = table_new(headings, 5);
	size_t count, hidden = 0;
	struct line *lines = all_lines(drift, &count);

	for (size_t i = 0; i < drift->count; i++)
		hidden += drift->agents[i].findings.count;
	hidden -= count;
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && compare_findings(lines[i].finding, lines[end].finding) == 0;)
			end++;
		add_block(table, &lines[i], end - i);
	}
	if (count > 0)
		table_print(table, stdout);
	print_fixes(drift->session, lines, count);
	print_counts(drift, hidden);
	table_free(table);
	free(lines);
}

int command_inventory_drift(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct drift_wish wish = {.where = NULL};
	const struct option own[] = {
		{"where", 0, OPTION_STRING, &wish.where, "EXPR", "only agents that match", 0, 0},
		{"expect", 0, OPTION_STRING, &wish.config, "CONFIG[@V]",
		 "the config that should be there, instead of what was rolled out last", 0, 0},
		{"refresh", 0, OPTION_FLAG, &wish.refresh, NULL, "ask the master and the hosts first", 0, 0},
		{"all", 0, OPTION_FLAG, &wish.all, NULL, "also what is worth knowing and no drift", 0, 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	struct drift drift = {.session = session, .wish = &wish};
	int parsed = command_parse(session, self, argc, argv, own, &operands), result;

	if (parsed == 0 && operands.count > 0 && wish.where)
		parsed = error_set(&session->error, ERROR_USAGE, "EXPR and --where say the same: give one of them");
	if (operands.count > 0)
		wish.where = operands.items[0]; /* argv's, not the array's */
	arguments_clear(&operands);
	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	result = drift_look(&drift);
	if (result == 0 && session->json)
		print_json(&drift);
	else if (result == 0)
		print_text(&drift);
	if (result == 0 && (drift.drifted > 0 || drift.unknown > 0))
		result = 1;
	drift_clear(&drift);
	return result;
}
