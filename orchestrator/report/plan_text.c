/* SPDX-License-Identifier: Apache-2.0 */
/* The page an operator signs: the summary first, then what happens in which order, the risks, what changes, what stops it, how it is
 * taken back; the hash and the next command last. */
#include "orchestrator/report/plan_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/report/plan_text_internal.h"

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

static void print_budget(const struct engine_options *options, FILE *stream)
{
	static const char *const verbs[ON_FAILURE_COUNT] = {
		[ON_FAILURE_PAUSE] = "pauses",
		[ON_FAILURE_ROLLBACK] = "is rolled back",
		[ON_FAILURE_ABORT] = "is aborted",
	};
	const char *verb = verbs[options->on_failure];

	if (options->max_failures < 0)
		return;
	if (options->max_failures == 0)
		fprintf(stream, "; %s when one fails", verb);
	else
		fprintf(stream, "; %s when more than %d %s", verb, options->max_failures,
			options->max_failures == 1 ? "agent fails" : "agents fail");
}

/* A rollback's config is not one of the configs. */
static void print_name(const struct plan *plan, FILE *stream)
{
	fprintf(stream, "Plan %.*s: %s", PLAN_SHORT_HASH, plan->hash, plan->config);
	if (!plan->rolls_back)
		fprintf(stream, "@%d", plan->config_version);
	fprintf(stream, " on cluster %s", plan->cluster);
}

void plan_print_summary(const struct plan *plan, FILE *stream)
{
	struct buffer parts = BUFFER_INIT(256);
	size_t tasks = 0, lost = 0;

	for (size_t i = 0; i < plan->agent_count; i++) {
		tasks += plan->agents[i].task_count;
		for (size_t j = 0; j < plan->agents[i].task_count; j++)
			lost += !plan->agents[i].tasks[j].survives;
	}
	plan_parts_text(plan->ignore, &parts);
	print_name(plan, stream);
	fprintf(stream, ".\n%zu %s, with %zu task%s on %s", plan->agent_count,
		plan->agent_count == 1 ? "agent changes" : "agents change", tasks, tasks == 1 ? "" : "s",
		plan->agent_count == 1 ? "it" : "them");
	if (lost > 0)
		fprintf(stream, ", of which %zu die%s", lost, lost == 1 ? "s" : "");
	fprintf(stream, ".\nAt most %d away at once", plan->options.window);
	if (plan->options.domain_window > 0)
		fprintf(stream, ", %d within a failure domain", plan->options.domain_window);
	print_budget(&plan->options, stream);
	fprintf(stream, ".\nMay differ (--ignore): %s.\n", buffer_text(&parts));
	buffer_clear(&parts);
}

/* What the rest of the page says in full. */
static void print_counts(const struct plan *plan, FILE *stream)
{
	char expected[CLOCK_TEXT_MAX], worst[CLOCK_TEXT_MAX];
	size_t risks = 0;

	for (size_t i = 0; i < plan->finding_count; i++)
		risks += plan->findings[i].risk;
	if (plan->forecast.worst_ms > 0)
		fprintf(stream, "Takes about %s, at the very worst %s.\n",
			clock_format_span(plan->forecast.expected_ms, expected),
			clock_format_span(plan->forecast.worst_ms, worst));
	if (plan->unchanged_count > 0)
		fprintf(stream, "%zu agent%s already as the config says.\n", plan->unchanged_count,
			plan->unchanged_count == 1 ? " is" : "s are");
	if (plan->left_out_count > 0)
		fprintf(stream, "%zu agent%s left out, for the reasons below.\n", plan->left_out_count,
			plan->left_out_count == 1 ? " is" : "s are");
	if (risks > 0)
		fprintf(stream, "The masters and the cluster hold %zu risk%s: read them before you sign.\n", risks,
			risks == 1 ? "" : "s");
}

/* What it rests on, and whom it is about. */
static void print_origin(const struct plan *plan, FILE *stream)
{
	char made[CLOCK_TEXT_MAX], age[CLOCK_TEXT_MAX];

	fprintf(stream, "Made %s", clock_format(plan->created_ms, made));
	if (plan->surveyed_ms > 0)
		fprintf(stream, ", by hosts as they were surveyed at most %s before",
			clock_format_span(plan->created_ms - plan->surveyed_ms, age));
	fputs(plan->offline ? ", offline.\n" : ".\n", stream);
	print_counts(plan, stream);
	if (plan->where)
		fprintf(stream, "Chosen by --where \"%s\"%s", plan->where, plan->exclude ? "" : ".\n");
	if (plan->exclude)
		fprintf(stream, "%s --exclude \"%s\".\n", plan->where ? " without" : "Chosen without", plan->exclude);
}

void plan_print(const struct plan *plan, FILE *stream)
{
	struct plan_blocks blocks;

	plan_print_summary(plan, stream);
	print_origin(plan, stream);
	plan_section_order(plan, stream);
	plan_section_risks(plan, stream);
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
