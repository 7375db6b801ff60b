/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/plan_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/term.h"
#include "base/text.h"

/* A block of one agent's changes is a few hundred bytes. */
#define BLOCK_MAX (16u << 20)
/* Up to here a block lists its agents one by one, with their tasks; above, names and sums must do. */
#define LIST_MAX  24

#define INDENT "    "
#define GUTTER 12

/* ---- what happens to one agent, without its name: agents with equal blocks are folded */

static const char *or_none(const char *text)
{
	return text ? text : "(none)";
}

static void add_label(struct buffer *out, const char *label)
{
	buffer_printf(out, INDENT "%-*s", GUTTER, label);
}

static void add_changes(const struct plan_agent *agent, struct buffer *out)
{
	struct slaveinfo_changes changes = {.count = 0};
	unsigned part = 0;

	slaveinfo_changes(agent->before, agent->after, &changes);
	for (size_t i = 0; i < changes.count; i++) {
		const struct slaveinfo_change *change = &changes.items[i];

		add_label(out, i == 0 ? "SlaveInfo" : "");
		buffer_printf(out, "%-11s %-14s %s \u2192 %s\n",
			      change->part == (enum slaveinfo_part)part ? "" : slaveinfo_part_name(change->part),
			      change->what, or_none(change->before), or_none(change->after));
		part = change->part;
	}
	if (changes.count == 0) {
		add_label(out, "SlaveInfo");
		buffer_puts(out, "stays as it is\n");
	}
	slaveinfo_changes_clear(&changes);
}

/* Their effect is shown under SlaveInfo, and their whole text differs from agent to agent. */
static bool makes_slaveinfo(const char *flag)
{
	return strcmp(flag, "attributes") == 0 || strcmp(flag, "resources") == 0 || strcmp(flag, "domain") == 0;
}

static void add_flag(const struct plan_agent *agent, const struct flag_edit *edit, bool first, bool whole,
		     struct buffer *out)
{
	add_label(out, first ? "flags" : "");
	buffer_printf(out, "--%s", edit->name);
	if (whole || !makes_slaveinfo(edit->name))
		buffer_printf(out, "  %s \u2192 %s", or_none(flags_get(&agent->before_flags, edit->name)),
			      or_none(edit->value));
	buffer_putc(out, '\n');
}

static void add_flags(const struct plan_agent *agent, bool whole, struct buffer *out)
{
	for (size_t i = 0; i < agent->edit_count; i++)
		add_flag(agent, &agent->edits[i], i == 0, whole, out);
}

static void add_verdict(const struct plan_agent *agent, struct buffer *out)
{
	add_label(out, "stock agent");
	if (!agent->stock_accepts)
		buffer_printf(out, "would refuse: \"%s\"\n", or_none(agent->stock_message));
	else if (agent->differs)
		buffer_puts(out, "would accept it, but never write it to its checkpoint\n");
	else
		buffer_puts(out, "comes back with these flags as it is\n");
	add_label(out, "mechanism");
	buffer_printf(out, "%s: %s\n", mechanism_name(agent->mechanism), agent->why);
	for (size_t i = 0; i < agent->note_count; i++) {
		add_label(out, "note");
		buffer_printf(out, "%s\n", agent->notes[i]);
	}
}

static char *make_key(const struct plan_agent *agent)
{
	struct buffer key = BUFFER_INIT(BLOCK_MAX);

	add_changes(agent, &key);
	add_flags(agent, false, &key);
	add_verdict(agent, &key);
	return buffer_take(&key);
}

/* ---- folding */

struct block {
	char *key;
	const struct plan_agent **agents; /* in the order of the plan */
	size_t count;
};

struct blocks {
	struct block *items;
	size_t count;
};

static struct block *find_block(struct blocks *blocks, char *key)
{
	for (size_t i = 0; i < blocks->count; i++) {
		if (strcmp(blocks->items[i].key, key) == 0) {
			free(key);
			return &blocks->items[i];
		}
	}
	blocks->items = xreallocarray(blocks->items, blocks->count + 1, sizeof(*blocks->items));
	blocks->items[blocks->count] = (struct block){.key = key};
	return &blocks->items[blocks->count++];
}

static void fold(const struct plan *plan, struct blocks *out)
{
	for (size_t i = 0; i < plan->agent_count; i++) {
		struct block *block = find_block(out, make_key(&plan->agents[i]));

		block->agents = xreallocarray(block->agents, block->count + 1, sizeof(struct plan_agent *));
		block->agents[block->count++] = &plan->agents[i];
	}
}

static void blocks_clear(struct blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++) {
		free(blocks->items[i].key);
		free(blocks->items[i].agents);
	}
	free(blocks->items);
}

/* ---- printing */

static void print_text(const struct buffer *text, FILE *stream)
{
	char *shown = text_printable(buffer_text(text), true);

	fputs(shown, stream);
	free(shown);
}

static bool same_edits(const struct plan_agent *a, const struct plan_agent *b)
{
	if (a->edit_count != b->edit_count || !flags_equal(&a->before_flags, &b->before_flags))
		return false;
	for (size_t i = 0; i < a->edit_count; i++) {
		const char *x = a->edits[i].value, *y = b->edits[i].value;

		if (strcmp(a->edits[i].name, b->edits[i].name) != 0 || (x == NULL) != (y == NULL) ||
		    (x && strcmp(x, y) != 0))
			return false;
	}
	return true;
}

static void add_block_flags(const struct block *block, struct buffer *out)
{
	bool same = true;

	for (size_t i = 1; same && i < block->count; i++)
		same = same_edits(block->agents[0], block->agents[i]);
	add_flags(block->agents[0], true, out);
	if (!same) {
		add_label(out, "");
		buffer_printf(out, "(as on %s; on the others what does not change may read differently)\n",
			      block->agents[0]->hostname);
	}
}

static void add_tasks(const struct plan_agent *agent, struct buffer *out)
{
	const char *framework = NULL;
	size_t lost = 0;

	if (agent->task_count == 0) {
		buffer_puts(out, "no tasks");
		return;
	}
	for (size_t i = 0; i < agent->task_count; i++)
		lost += !agent->tasks[i].survives;
	buffer_printf(out, "%zu task%s ", agent->task_count, agent->task_count == 1 ? "" : "s");
	if (lost == 0)
		buffer_puts(out, "kept:");
	else
		buffer_printf(out, "of which %zu DIE%s:", lost, lost == 1 ? "S" : "");
	for (size_t i = 0; i < agent->task_count; i++) {
		const struct plan_task *task = &agent->tasks[i];

		if (framework && strcmp(framework, task->framework_name) != 0)
			buffer_printf(out, " (%s)", framework);
		buffer_printf(out, " %s%s", task->id, task->survives ? "" : "!");
		framework = task->framework_name;
	}
	buffer_printf(out, " (%s)", framework);
}

static void add_agents(const struct block *block, struct buffer *out)
{
	for (size_t i = 0; i < block->count; i++) {
		const struct plan_agent *agent = block->agents[i];

		add_label(out, i == 0 ? "on" : "");
		buffer_printf(out, "%s%s%s%s  ", agent->hostname, agent->domain ? " (" : "",
			      agent->domain ? agent->domain : "", agent->domain ? ")" : "");
		add_tasks(agent, out);
		buffer_putc(out, '\n');
	}
}

static void add_names(const struct block *block, size_t width, struct buffer *out)
{
	size_t column = 0, tasks = 0, lost = 0;

	for (size_t i = 0; i < block->count; i++) {
		const struct plan_agent *agent = block->agents[i];
		size_t len = text_width(agent->hostname) + 1;

		if (i > 0 && column + len > width)
			buffer_putc(out, '\n');
		if (i == 0 || column + len > width) {
			add_label(out, i == 0 ? "on" : "");
			column = sizeof(INDENT) - 1 + GUTTER;
		}
		buffer_printf(out, "%s ", agent->hostname);
		column += len;
		tasks += agent->task_count;
		for (size_t j = 0; j < agent->task_count; j++)
			lost += !agent->tasks[j].survives;
	}
	buffer_putc(out, '\n');
	add_label(out, "tasks");
	buffer_printf(out, "%zu are kept, %zu die\n", tasks - lost, lost);
}

static void print_block(const struct block *block, FILE *stream)
{
	struct buffer text = BUFFER_INIT(BLOCK_MAX);

	fprintf(stream, "\n%s%zu agent%s%s\n", term_on(stream, TERM_BOLD), block->count, block->count == 1 ? "" : "s",
		term_off(stream));
	add_changes(block->agents[0], &text);
	add_block_flags(block, &text);
	add_verdict(block->agents[0], &text);
	if (block->count <= LIST_MAX)
		add_agents(block, &text);
	else
		add_names(block, (size_t)term_width(stream), &text);
	print_text(&text, stream);
	buffer_clear(&text);
}

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

static void print_unchanged(const struct plan *plan, FILE *stream)
{
	struct buffer text = BUFFER_INIT(BLOCK_MAX);

	if (plan->unchanged_count == 0)
		return;
	buffer_printf(&text, "\n%zu already as the config says:", plan->unchanged_count);
	for (size_t i = 0; i < plan->unchanged_count; i++)
		buffer_printf(&text, " %s", plan->unchanged[i]);
	buffer_putc(&text, '\n');
	print_text(&text, stream);
	buffer_clear(&text);
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
	fprintf(stream, "Plan %.*s: %s@%d on cluster %s: %zu %s, with %zu task%s on %s", PLAN_SHORT_HASH, plan->hash,
		plan->config, plan->config_version, plan->cluster, plan->agent_count,
		plan->agent_count == 1 ? "agent changes" : "agents change", tasks, tasks == 1 ? "" : "s",
		plan->agent_count == 1 ? "it" : "them");
	if (lost > 0)
		fprintf(stream, ", of which %zu die%s", lost, lost == 1 ? "s" : "");
	fprintf(stream, ".\nAt most %d away at once", plan->options.window);
	if (plan->options.domain_window > 0)
		fprintf(stream, ", %d within a failure domain", plan->options.domain_window);
	if (plan->options.max_failures == 0)
		fputs("; pauses when one fails", stream);
	else
		fprintf(stream, "; pauses when more than %d %s", plan->options.max_failures,
			plan->options.max_failures == 1 ? "agent fails" : "agents fail");
	fprintf(stream, "; may differ (--ignore): %s.\n", buffer_text(&parts));
	buffer_clear(&parts);
}

void plan_print(const struct plan *plan, FILE *stream)
{
	struct blocks blocks = {.items = NULL};

	fold(plan, &blocks);
	plan_print_summary(plan, stream);
	for (size_t i = 0; i < blocks.count; i++)
		print_block(&blocks.items[i], stream);
	print_unchanged(plan, stream);
	blocks_clear(&blocks);
}
