/* SPDX-License-Identifier: Apache-2.0 */
/* The page an operator signs: the summary and the risks first, then what happens in which order, what changes, what stops it, how it
 * is taken back; the hash and the next command last. */
#include "orchestrator/report/plan_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "orchestrator/plan/plan_most.h"
#include "orchestrator/plan/plan_stops.h"
#include "orchestrator/report/plan_text_internal.h"

#define TEXT_MAX (1u << 20)

void plan_parts_text(unsigned parts, struct buffer *out)
{
	const char *separator = "";

	for (unsigned bit = 1; bit <= PART_CHECKPOINT; bit <<= 1) {
		if (!(parts & bit))
			continue;
		buffer_printf(out, "%s%s", separator, slaveinfo_part_name((enum slaveinfo_part)bit));
		separator = ", ";
	}
	if (!parts)
		buffer_puts(out, "nothing");
}

/* A rollback's config is not one of the configs. */
static void print_name(const struct plan *plan, FILE *stream)
{
	fprintf(stream, "Plan %.*s: %s", PLAN_SHORT_HASH, plan->hash, plan->config);
	if (!plan->rolls_back)
		fprintf(stream, "@%d", plan->config_version);
	fprintf(stream, " on cluster %s", plan->cluster);
}

/* A line of the summary; takes the text. */
static void print_line(char *text, FILE *stream)
{
	struct buffer shown = BUFFER_INIT(TEXT_MAX);

	plan_text_wrap("", 0, text, term_width(stream), &shown);
	plan_text_print(&shown, stream);
	buffer_clear(&shown);
	free(text);
}

/* ---- what changes, in a line */

struct names {
	char **items; /* "attributes rack" */
	size_t count;
};

static void names_add(struct names *names, const char *part, const char *what)
{
	char *name = xasprintf("%s %s", part, what);

	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->items[i], name) == 0) {
			free(name);
			return;
		}
	}
	names->items = xreallocarray(names->items, names->count + 1, sizeof(*names->items));
	names->items[names->count++] = name;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void collect_names(const struct plan *plan, struct names *names)
{
	for (size_t i = 0; i < plan->agent_count; i++) {
		const struct plan_agent *agent = &plan->agents[i];
		struct slaveinfo_changes changes = {.count = 0};

		slaveinfo_changes(agent->before, agent->after, &changes);
		for (size_t j = 0; j < changes.count; j++)
			names_add(names, slaveinfo_part_name(changes.items[j].part), changes.items[j].what);
		for (size_t j = 0; j < agent->edit_count; j++)
			if (!plan_flag_makes_slaveinfo(agent->edits[j].name))
				names_add(names, "flags", agent->edits[j].name);
		slaveinfo_changes_clear(&changes);
	}
	if (names->count > 0)
		qsort(names->items, names->count, sizeof(*names->items), compare_names);
}

/* "Changes: attributes (rack, tier), flags (strict), resources (mem)." */
static void print_changed(const struct plan *plan, FILE *stream)
{
	struct names names = {.items = NULL};
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	size_t part_len = 0;

	collect_names(plan, &names);
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.items[i];
		size_t len = strcspn(name, " ");
		bool same = i > 0 && part_len == len && strncmp(names.items[i - 1], name, len + 1) == 0;

		if (same)
			buffer_printf(&text, ", %s", name + len + 1);
		else
			buffer_printf(&text, "%s%.*s (%s", i > 0 ? "), " : "Changes: ", (int)len, name, name + len + 1);
		part_len = len;
	}
	if (names.count > 0) {
		buffer_puts(&text, ").");
		print_line(buffer_take(&text), stream);
	}
	for (size_t i = 0; i < names.count; i++)
		free(names.items[i]);
	free(names.items);
	buffer_clear(&text);
}

/* ---- the summary */

static void print_limits(const struct plan *plan, FILE *stream)
{
	struct buffer text = BUFFER_INIT(TEXT_MAX);

	buffer_printf(&text, "Window %d: at most %zu away at once", plan->options.window, plan_most_of(plan).away);
	if (plan->options.domain_window > 0)
		buffer_printf(&text, ", %d within a failure domain", plan->options.domain_window);
	buffer_puts(&text, "; ");
	plan_stops_text(plan, &text);
	buffer_putc(&text, '.');
	print_line(buffer_take(&text), stream);
}

void plan_print_summary(const struct plan *plan, FILE *stream)
{
	struct buffer parts = BUFFER_INIT(256);
	size_t tasks = 0, lost = plan_count_lost(plan);

	for (size_t i = 0; i < plan->agent_count; i++)
		tasks += plan->agents[i].task_count;
	plan_parts_text(plan->ignore, &parts);
	print_name(plan, stream);
	fprintf(stream, ".\n%zu %s, with %zu task%s on %s", plan->agent_count,
		plan->agent_count == 1 ? "agent changes" : "agents change", tasks, tasks == 1 ? "" : "s",
		plan->agent_count == 1 ? "it" : "them");
	if (lost > 0)
		fprintf(stream, ", of which %zu die%s", lost, lost == 1 ? "s" : "");
	fputs(".\n", stream);
	print_changed(plan, stream);
	print_limits(plan, stream);
	fprintf(stream, "May differ (--ignore): %s.\n", buffer_text(&parts));
	buffer_clear(&parts);
}

/* ---- what it rests on, how long it takes, and whom it is not about */

static int64_t longest_away(const struct plan *plan)
{
	int64_t longest = 0;

	for (size_t i = 0; i < plan->agent_count; i++)
		if (plan->agents[i].worst_away_ms > longest)
			longest = plan->agents[i].worst_away_ms;
	return longest;
}

static void print_times(const struct plan *plan, FILE *stream)
{
	const struct plan_forecast *forecast = &plan->forecast;
	char expected[CLOCK_TEXT_MAX], worst[CLOCK_TEXT_MAX], longest[CLOCK_TEXT_MAX];

	if (forecast->worst_ms == 0)
		return;
	char *basis = forecast->past_agents > 0
			      ? xasprintf("the median of %d agent%s in %d earlier run%s", forecast->past_agents,
					  forecast->past_agents == 1 ? "" : "s", forecast->past_runs,
					  forecast->past_runs == 1 ? "" : "s")
			      : xstrdup("computed from the agents' flags: no earlier run to go by");
	char *text =
		xasprintf("Takes about %s (%s), at the very worst %s (every agent away as long as a restart and its "
			  "undo may take, up to %s), pauses aside.",
			  clock_format_span(forecast->expected_ms, expected), basis,
			  clock_format_span(forecast->worst_ms, worst), clock_format_span(longest_away(plan), longest));
	print_line(text, stream);
	free(basis);
}

static void print_untouched(const struct plan *plan, FILE *stream)
{
	size_t counts[LEFT_WHY_COUNT] = {0}, total = plan->left_out_count + plan->unchanged_count;
	struct buffer text = BUFFER_INIT(TEXT_MAX);

	if (total == 0)
		return;
	for (size_t i = 0; i < plan->left_out_count; i++)
		counts[plan->left_out[i].why]++;
	buffer_printf(&text, total == 1 ? "%zu other stays as it is" : "%zu others stay as they are", total);
	if (plan->unchanged_count > 0)
		buffer_printf(&text, ": %zu already as the config says", plan->unchanged_count);
	for (int why = 0; why < LEFT_WHY_COUNT; why++) {
		if (counts[why] == 0)
			continue;
		buffer_puts(&text, strchr(buffer_text(&text), ':') ? ", " : ": ");
		buffer_printf(&text, "%zu %s", counts[why], plan_left_why_name((enum plan_left_why)why));
	}
	buffer_putc(&text, '.');
	print_line(buffer_take(&text), stream);
}

static void print_origin(const struct plan *plan, FILE *stream)
{
	char made[CLOCK_TEXT_MAX], age[CLOCK_TEXT_MAX];

	clock_format(plan->created_ms, made);
	if (plan->surveyed_ms > 0)
		print_line(xasprintf("Made %s, by hosts as they were surveyed at most %s before%s.", made,
				     clock_format_span(plan->created_ms - plan->surveyed_ms, age),
				     plan->offline ? ", offline" : ""),
			   stream);
	else
		print_line(xasprintf("Made %s%s.", made, plan->offline ? ", offline" : ""), stream);
	print_times(plan, stream);
	print_untouched(plan, stream);
}

void plan_print(const struct plan *plan, FILE *stream)
{
	struct plan_blocks blocks;

	plan_print_summary(plan, stream);
	print_origin(plan, stream);
	plan_section_risks(plan, stream);
	plan_section_order(plan, stream);
	plan_blocks_fold(plan, &blocks);
	if (blocks.count > 0)
		plan_section_title("What changes", stream);
	for (size_t i = 0; i < blocks.count; i++)
		plan_block_print(&blocks.items[i], stream);
	plan_blocks_clear(&blocks);
	plan_section_left_out(plan, stream);
	plan_section_masters(plan, stream);
	plan_section_stops(plan, stream);
	plan_section_back(plan, stream);
}

void plan_print_end(const struct plan *plan, const char *next, FILE *stream)
{
	if (plan->agent_count == 0)
		fputs("\nThere is nothing to do.\n", stream);
	else
		fprintf(stream, "\nNothing has been changed. This plan is %s\nTo carry it out:\n    %s\n", plan->hash,
			next);
}
