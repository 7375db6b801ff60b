/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall config diff: how two versions' documents differ, and what going from one to the other does to the fleet. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/term.h"
#include "inventory/config_effect.h"
#include "inventory/hostset.h"
#include "orchestrator/choose.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"

#define NAMES_MAX (16u << 20)

struct side {
	struct config_version version;
	struct config *config;
};

struct touched {
	const struct agent_record *agent;
	struct config_effects effects;
};

struct diff {
	struct session *session;
	struct side sides[2];
	struct config_effects document;
	struct agent_list agents;
	struct touched *touched; /* agents on which the two differ */
	size_t touched_count;
	size_t unknown;  /* agents whose host never answered a survey */
	size_t outdated; /* … that have registered since it did */
};

static void diff_clear(struct diff *diff)
{
	for (size_t i = 0; i < diff->touched_count; i++)
		config_effects_clear(&diff->touched[i].effects);
	free(diff->touched);
	config_effects_clear(&diff->document);
	agent_list_clear(&diff->agents);
	for (size_t i = 0; i < 2; i++) {
		config_free(diff->sides[i].config);
		config_version_clear(&diff->sides[i].version);
	}
}

static int open_side(struct session *session, const char *reference, struct side *side)
{
	if (!session_store(session) ||
	    config_find(session_store(session), reference, &side->version, &session->error) < 0)
		return -1;
	side->config = config_open(&side->version, &session->error);
	return side->config ? 0 : -1;
}

/* The flags as the first version leaves them, and as the second leaves those. */
static int compare_subject(struct diff *diff, const struct config_subject *subject)
{
	struct store *store = session_store(diff->session);
	struct error *err = &diff->session->error;
	struct flags before = FLAGS_INIT, after = FLAGS_INIT;
	struct config_effects effects = {NULL, 0};
	int result;

	flags_copy(&before, &subject->flags);
	result = config_subject_apply(subject, diff->sides[0].config, store, &before, err);
	flags_copy(&after, &before);
	if (result == 0)
		result = config_subject_apply(subject, diff->sides[1].config, store, &after, err);
	if (result == 0)
		config_effects_between(subject, &before, &after, &effects);
	if (effects.count > 0) {
		diff->touched = xreallocarray(diff->touched, diff->touched_count + 1, sizeof(*diff->touched));
		diff->touched[diff->touched_count++] = (struct touched){subject->agent, effects};
	}
	flags_clear(&before);
	flags_clear(&after);
	return result;
}

static int compare_fleet(struct diff *diff, const char *where)
{
	if (choose_agents(diff->session, where, &diff->agents) < 0)
		return -1;
	for (size_t i = 0; i < diff->agents.count; i++) {
		struct config_subject subject = {.agent = NULL};
		int found = config_subject_load(session_store(diff->session), &diff->agents.items[i], &subject,
						&diff->session->error);

		if (found < 0)
			return -1;
		diff->unknown += found == 0;
		diff->outdated += found > 0 && subject.outdated;
		if (found > 0)
			found = compare_subject(diff, &subject);
		if (subject.agent)
			config_subject_clear(&subject);
		if (found < 0)
			return -1;
	}
	return 0;
}

/* ---- showing */

static json_t *effects_json(const struct config_effects *effects)
{
	json_t *array = json_array();

	for (size_t i = 0; i < effects->count; i++) {
		const struct config_effect *effect = &effects->items[i];

		json_array_append_new(array,
				      json_pack("{s:o,s:o,s:o}", "what", output_text(effect->what), "before",
						output_text(effect->before), "after", output_text(effect->after)));
	}
	return array;
}

static json_t *side_json(const struct side *side)
{
	return json_pack("{s:s,s:I,s:s}", "name", side->version.name, "version", (json_int_t)side->version.version,
			 "sha256", side->version.sha256);
}

static void print_json(const struct diff *diff)
{
	json_t *agents = json_array();

	for (size_t i = 0; i < diff->touched_count; i++)
		json_array_append_new(agents,
				      json_pack("{s:o,s:o,s:o}", "id", output_text(diff->touched[i].agent->view.id),
						"hostname", output_text(diff->touched[i].agent->view.hostname),
						"changes", effects_json(&diff->touched[i].effects)));
	output_json(json_pack("{s:o,s:o,s:o,s:I,s:I,s:I,s:o}", "before", side_json(&diff->sides[0]), "after",
			      side_json(&diff->sides[1]), "document", effects_json(&diff->document), "agents_compared",
			      (json_int_t)(diff->agents.count - diff->unknown), "agents_unknown",
			      (json_int_t)diff->unknown, "agents_outdated", (json_int_t)diff->outdated, "agents",
			      agents));
}

static const char *value_text(const char *value)
{
	return value ? value : "(not there)";
}

static void print_document(const struct diff *diff, const char *const names[2])
{
	const char *headings[] = {"IN THE DOCUMENT", names[0], names[1]};
	struct table *table = table_new(headings, 3);

	for (size_t i = 0; i < diff->document.count; i++) {
		const struct config_effect *effect = &diff->document.items[i];
		const char *cells[] = {effect->what, value_text(effect->before), value_text(effect->after)};

		table_add(table, cells);
	}
	table_print(table, stdout);
	table_free(table);
}

/* One change on one host, to be folded with the same on others. */
struct line {
	const struct config_effect *effect;
	const char *hostname;
};

static int compare_values(const char *a, const char *b)
{
	return !a || !b ? (a != NULL) - (b != NULL) : strcmp(a, b);
}

static int compare_effects(const struct line *a, const struct line *b)
{
	int order = strcmp(a->effect->what, b->effect->what);

	if (order == 0)
		order = compare_values(a->effect->before, b->effect->before);
	return order ? order : compare_values(a->effect->after, b->effect->after);
}

static int compare_lines(const void *left, const void *right)
{
	const struct line *a = left, *b = right;
	int order = compare_effects(a, b);

	return order ? order : strcmp(a->hostname, b->hostname);
}

static struct line *all_lines(const struct diff *diff, size_t *count)
{
	struct line *lines = NULL;

	*count = 0;
	for (size_t i = 0; i < diff->touched_count; i++) {
		const struct touched *touched = &diff->touched[i];

		lines = xreallocarray(lines, *count + touched->effects.count, sizeof(*lines));
		for (size_t j = 0; j < touched->effects.count; j++)
			lines[(*count)++] = (struct line){&touched->effects.items[j], touched->agent->view.hostname};
	}
	if (*count)
		qsort(lines, *count, sizeof(*lines), compare_lines);
	return lines;
}

static void add_block(struct table *table, const struct line *lines, size_t count)
{
	const char **names = xcalloc(count, sizeof(*names));
	struct buffer hosts = BUFFER_INIT(NAMES_MAX);
	char number[32];

	for (size_t i = 0; i < count; i++)
		names[i] = lines[i].hostname;
	hostset_fold(names, count, &hosts);
	snprintf(number, sizeof(number), "%zu", count);
	const char *cells[] = {number, buffer_text(&hosts), lines[0].effect->what, value_text(lines[0].effect->before),
			       value_text(lines[0].effect->after)};
	table_add(table, cells);
	buffer_clear(&hosts);
	free(names);
}

static void print_fleet(const struct diff *diff, const char *const titles[2])
{
	const char *headings[] = {"AGENTS", "HOSTS", "WHAT", titles[0], titles[1]};
	struct table *table = table_new(headings, 5);
	size_t count;
	struct line *lines = all_lines(diff, &count);

	table_align_right(table, 0);
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && compare_effects(&lines[i], &lines[end]) == 0;)
			end++;
		add_block(table, &lines[i], end - i);
	}
	if (count > 0) {
		putchar('\n');
		table_print(table, stdout);
	}
	table_free(table);
	free(lines);
}

static void print_text(const struct diff *diff)
{
	char *names[2];

	for (size_t i = 0; i < 2; i++)
		names[i] = xasprintf("%s@%" PRId64, diff->sides[i].version.name, diff->sides[i].version.version);
	const char *const titles[] = {names[0], names[1]};

	if (diff->document.count > 0)
		print_document(diff, titles);
	print_fleet(diff, titles);
	fprintf(stderr, "going from %s to %s changes %zu of %zu agent%s", names[0], names[1], diff->touched_count,
		diff->agents.count - diff->unknown, diff->agents.count - diff->unknown == 1 ? "" : "s");
	if (diff->unknown > 0)
		fprintf(stderr, "; %zu never answered a survey and are not counted", diff->unknown);
	fputc('\n', stderr);
	if (diff->outdated > 0)
		log_warning("%zu of them ha%s registered again since %s asked, and may run with other flags by now: "
			    "`rollcall inventory survey` says what they run with",
			    diff->outdated, diff->outdated == 1 ? "s" : "ve",
			    diff->outdated == 1 ? "its host was" : "their hosts were");
	free(names[0]);
	free(names[1]);
}

int command_config_diff(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	const char *where = NULL;
	const struct option own[] = {
		{"where", 0, OPTION_STRING, &where, "EXPR", "only the effect on agents that match", 0, 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	struct diff diff = {.session = session};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0) {
		for (size_t i = 0; i < 2 && result == 0; i++)
			result = open_side(session, operands.items[i], &diff.sides[i]);
		if (result == 0)
			result = config_documents_between(&diff.sides[0].version, &diff.sides[1].version,
							  &diff.document, &session->error);
		if (result == 0)
			result = compare_fleet(&diff, where);
		if (result == 0 && session->json)
			print_json(&diff);
		else if (result == 0)
			print_text(&diff);
		if (result == 0)
			result = diff.document.count > 0 || diff.touched_count > 0;
		diff_clear(&diff);
	}
	arguments_clear(&operands);
	return result;
}
