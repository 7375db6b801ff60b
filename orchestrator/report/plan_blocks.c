/* SPDX-License-Identifier: Apache-2.0 */
/* What changes: agents to which the same happens share one block. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "base/text.h"
#include "orchestrator/report/plan_text_internal.h"

/* A block of one agent's changes is a few hundred bytes; its names may be many. */
#define BLOCK_MAX (64u << 20)
/* Up to here a block lists its agents one by one, with their tasks; above, names and sums must do. */
#define LIST_MAX  16
/* Tasks that die are named, as many as anybody reads; --json has them all. */
#define LOST_MAX  40

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

/* Blocks are folded by their text, so they are broken only when they are shown. */
static void break_lines(const struct buffer *text, int width, struct buffer *out)
{
	for (const char *at = buffer_text(text); *at != '\0';) {
		size_t len = strcspn(at, "\n"),
		       label = len < sizeof(INDENT) - 1 + GUTTER ? len : sizeof(INDENT) - 1 + GUTTER;
		char *first = xstrndup(at, label), *rest = xstrndup(at + label, len - label);

		if (text_width(rest) + text_width(first) <= (size_t)width)
			buffer_printf(out, "%s%s\n", first, rest);
		else
			plan_text_wrap(first, 2, rest, width, out);
		free(first);
		free(rest);
		at += len + (at[len] == '\n');
	}
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

bool plan_flag_makes_slaveinfo(const char *flag)
{
	return strcmp(flag, "attributes") == 0 || strcmp(flag, "resources") == 0 || strcmp(flag, "domain") == 0;
}

static void add_flag(const struct plan_agent *agent, const struct flag_edit *edit, bool first, bool whole,
		     struct buffer *out)
{
	add_label(out, first ? "flags" : "");
	buffer_printf(out, "--%s", edit->name);
	if (whole || !plan_flag_makes_slaveinfo(edit->name))
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

static void add_block_flags(const struct plan_block *block, struct buffer *out)
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

/* ---- what differs from agent to agent of a block */

struct range {
	int64_t min, max;
};

static void widen(struct range *range, int64_t value, bool first)
{
	range->min = first || value < range->min ? value : range->min;
	range->max = first || value > range->max ? value : range->max;
}

static void add_range(const struct range *range, struct buffer *out)
{
	char low[CLOCK_TEXT_MAX], high[CLOCK_TEXT_MAX];

	clock_format_span(range->min, low);
	clock_format_span(range->max, high);
	buffer_printf(out, "%s%s%s", low, strcmp(low, high) == 0 ? "" : " to ", strcmp(low, high) == 0 ? "" : high);
}

static void add_times(const struct plan_block *block, struct buffer *out)
{
	struct range expected = {0, 0}, worst = {0, 0}, recovery = {0, 0};

	for (size_t i = 0; i < block->count; i++) {
		widen(&expected, block->agents[i]->expected_away_ms, i == 0);
		widen(&worst, block->agents[i]->worst_away_ms, i == 0);
		widen(&recovery, block->agents[i]->recovery_ms, i == 0);
	}
	if (worst.max == 0)
		return;
	add_label(out, "away");
	add_range(&expected, out);
	buffer_puts(out, " expected; at worst, undone at the last moment, ");
	add_range(&worst, out);
	if (recovery.min > 0) {
		buffer_puts(out, "; executors wait ");
		add_range(&recovery, out);
		buffer_puts(out, " for their agent (recovery_timeout)");
	}
	buffer_putc(out, '\n');
}

static void add_reservations(const struct plan_agent *agent, struct buffer *out)
{
	if (agent->reservation_count == 0)
		return;
	add_label(out, "");
	buffer_puts(out, "  reserved on it, and kept:");
	for (size_t i = 0; i < agent->reservation_count; i++)
		buffer_printf(out, "%s %s", i ? ";" : "", agent->reservations[i]);
	buffer_putc(out, '\n');
}

static void add_listed(const struct plan_block *block, struct buffer *out)
{
	for (size_t i = 0; i < block->count; i++) {
		const struct plan_agent *agent = block->agents[i];

		add_label(out, i == 0 ? "on" : "");
		buffer_printf(out, "%s%s%s%s  ", agent->hostname, agent->domain ? " (" : "",
			      agent->domain ? agent->domain : "", agent->domain ? ")" : "");
		add_tasks(agent, out);
		buffer_putc(out, '\n');
		add_reservations(agent, out);
	}
}

struct framework_count {
	const char *name;
	size_t tasks;
};

static void count_task(struct framework_count **counts, size_t *count, const char *name)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp((*counts)[i].name, name) == 0) {
			(*counts)[i].tasks++;
			return;
		}
	*counts = xreallocarray(*counts, *count + 1, sizeof(**counts));
	(*counts)[(*count)++] = (struct framework_count){.name = name, .tasks = 1};
}

/* "3 of web, 2 of batch" */
static void add_frameworks(const struct plan_block *block, bool survive, struct buffer *out)
{
	struct framework_count *counts = NULL;
	size_t count = 0;

	for (size_t i = 0; i < block->count; i++)
		for (size_t j = 0; j < block->agents[i]->task_count; j++)
			if (block->agents[i]->tasks[j].survives == survive)
				count_task(&counts, &count, block->agents[i]->tasks[j].framework_name);
	for (size_t i = 0; i < count; i++)
		buffer_printf(out, "%s%zu of %s", i ? ", " : ": ", counts[i].tasks, counts[i].name);
	free(counts);
}

static void add_task_sums(const struct plan_block *block, size_t kept, size_t lost, struct buffer *out)
{
	add_label(out, "tasks");
	if (kept + lost == 0)
		buffer_puts(out, "none");
	if (kept > 0) {
		buffer_printf(out, "%zu %s kept", kept, kept == 1 ? "is" : "are");
		add_frameworks(block, true, out);
	}
	if (lost > 0) {
		buffer_printf(out, "%s%zu DIE%s", kept > 0 ? "; " : "", lost, lost == 1 ? "S" : "");
		add_frameworks(block, false, out);
	}
	buffer_putc(out, '\n');
}

static void add_lost(const struct plan_block *block, struct buffer *out)
{
	size_t told = 0, lost = 0;

	for (size_t i = 0; i < block->count; i++) {
		const struct plan_agent *agent = block->agents[i];

		for (size_t j = 0; j < agent->task_count; j++) {
			const struct plan_task *task = &agent->tasks[j];

			if (task->survives || lost++ >= LOST_MAX)
				continue;
			add_label(out, told++ == 0 ? "DIE" : "");
			buffer_printf(out, "%s on %s (%s)\n", task->id, agent->hostname, task->framework_name);
		}
	}
	if (lost > told) {
		add_label(out, "");
		buffer_printf(out, "and %zu more, which --json names\n", lost - told);
	}
}

static void add_folded(const struct plan_block *block, int width, struct buffer *out)
{
	const char **names = xcalloc(block->count + 1, sizeof(*names));
	size_t tasks = 0, lost = 0, reserved = 0;

	for (size_t i = 0; i < block->count; i++) {
		const struct plan_agent *agent = block->agents[i];

		names[i] = agent->hostname;
		tasks += agent->task_count;
		reserved += agent->reservation_count > 0;
		for (size_t j = 0; j < agent->task_count; j++)
			lost += !agent->tasks[j].survives;
	}
	add_label(out, "on");
	plan_text_names(names, block->count, sizeof(INDENT) - 1 + GUTTER, width, out);
	free(names);
	add_task_sums(block, tasks - lost, lost, out);
	if (reserved > 0) {
		add_label(out, "reserved");
		buffer_printf(out, "on %zu of them resources are reserved, and stay so\n", reserved);
	}
	add_lost(block, out);
}

/* ---- folding */

static struct plan_block *find_block(struct plan_blocks *blocks, char *key)
{
	for (size_t i = 0; i < blocks->count; i++) {
		if (strcmp(blocks->items[i].key, key) == 0) {
			free(key);
			return &blocks->items[i];
		}
	}
	blocks->items = xreallocarray(blocks->items, blocks->count + 1, sizeof(*blocks->items));
	blocks->items[blocks->count] = (struct plan_block){.key = key};
	return &blocks->items[blocks->count++];
}

void plan_blocks_fold(const struct plan *plan, struct plan_blocks *out)
{
	*out = (struct plan_blocks){.items = NULL};
	for (size_t i = 0; i < plan->agent_count; i++) {
		struct plan_block *block = find_block(out, make_key(&plan->agents[i]));

		block->agents = xreallocarray(block->agents, block->count + 1, sizeof(struct plan_agent *));
		block->agents[block->count++] = &plan->agents[i];
	}
}

void plan_blocks_clear(struct plan_blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++) {
		free(blocks->items[i].key);
		free(blocks->items[i].agents);
	}
	free(blocks->items);
}

void plan_block_print(const struct plan_block *block, FILE *stream)
{
	struct buffer text = BUFFER_INIT(BLOCK_MAX), shown = BUFFER_INIT(BLOCK_MAX);

	fprintf(stream, "\n  %s%zu agent%s%s\n", term_on(stream, TERM_BOLD), block->count, block->count == 1 ? "" : "s",
		term_off(stream));
	add_changes(block->agents[0], &text);
	add_block_flags(block, &text);
	add_verdict(block->agents[0], &text);
	add_times(block, &text);
	if (block->count <= LIST_MAX)
		add_listed(block, &text);
	else
		add_folded(block, term_width(stream), &text);
	break_lines(&text, term_width(stream), &shown);
	plan_text_print(&shown, stream);
	buffer_clear(&shown);
	buffer_clear(&text);
}
