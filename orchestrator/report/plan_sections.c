/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a plan's page around what changes: in which order, what the risks are, who is left out. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "orchestrator/report/plan_text_internal.h"

#define PAGE_MAX (64u << 20)

void plan_section_title(const char *title, FILE *stream)
{
	fprintf(stream, "\n%s%s%s\n", term_on(stream, TERM_BOLD), title, term_off(stream));
}

/* ---- a list of points */

void plan_point(struct plan_points *points, const char *mark, const char *text)
{
	struct buffer out = BUFFER_INIT(PAGE_MAX);

	if (points->count++ == 0)
		plan_section_title(points->title, points->stream);
	plan_text_wrap(mark, 0, text, term_width(points->stream), &out);
	plan_text_print(&out, points->stream);
	buffer_clear(&out);
}

void plan_point_take(struct plan_points *points, const char *mark, char *text)
{
	plan_point(points, mark, text);
	free(text);
}

/* ---- what happens, in order */

static void print_stage_agents(const struct plan *plan, size_t begin, size_t end, FILE *stream)
{
	static const char indent[] = "      ";
	const char **names = xcalloc(end - begin + 1, sizeof(*names));
	struct buffer out = BUFFER_INIT(PAGE_MAX);

	for (size_t i = begin; i < end; i++)
		names[i - begin] = plan->agents[i].hostname;
	buffer_puts(&out, indent);
	plan_text_names(names, end - begin, sizeof(indent) - 1, term_width(stream), &out);
	plan_text_print(&out, stream);
	buffer_clear(&out);
	free(names);
}

static char *agents_text(size_t count)
{
	return xasprintf("%zu agent%s", count, count == 1 ? "" : "s");
}

static void print_stage(const struct plan *plan, size_t stage, size_t begin, FILE *stream)
{
	struct plan_points points = {.stream = stream, .count = 1};
	const struct engine_stage *it = &plan->stages[stage];
	char *agents = agents_text(it->end - begin), *mark = xasprintf("  %zu. ", stage + 1);
	char *domain = plan->options.domain_window > 0 && plan->options.domain_window < it->window
			       ? xasprintf(", %d in each failure domain", plan->options.domain_window)
			       : xstrdup("");

	plan_point_take(&points, mark,
			xasprintf("%s: %s, window %d%s%s", plan->stage_names[stage], agents, it->window, domain,
				  plan->rolls_back ? ", the last one that was changed first" : ""));
	print_stage_agents(plan, begin, it->end, stream);
	free(domain);
	free(agents);
	free(mark);
}

static void print_gates(const struct plan_gate *gates, size_t count, const char *before, struct plan_points *points)
{
	for (size_t i = 0; i < count; i++) {
		struct buffer text = BUFFER_INIT(1u << 20);

		buffer_puts(&text, before);
		plan_gate_text(&gates[i], &text);
		plan_point(points, "     ", buffer_text(&text));
		buffer_clear(&text);
	}
}

static void print_clocks(const struct plan *plan, struct plan_points *points)
{
	char silent[CLOCK_TEXT_MAX], away[CLOCK_TEXT_MAX];

	if (plan->clocks.silent_ms > 0)
		plan_point_take(
			points, "     ",
			xasprintf("The masters give an agent %s of silence and %s to reregister; none is restarted "
				  "unless a restart and its undo fit into that.",
				  clock_format_span(plan->clocks.silent_ms, silent),
				  clock_format_span(plan->clocks.reregister_ms, away)));
}

void plan_section_order(const struct plan *plan, FILE *stream)
{
	struct plan_points points = {.stream = stream, .count = 1};
	char soak[CLOCK_TEXT_MAX];
	size_t begin = 0;

	if (plan->agent_count == 0)
		return;
	plan_section_title("What will happen, in this order", stream);
	for (size_t i = 0; i < plan->stage_count; i++) {
		print_stage(plan, i, begin, stream);
		begin = plan->stages[i].end;
	}
	plan_point(
		&points, "     ",
		"Each agent is changed, restarted once, and proven: same ID, the SlaveInfo below, its tasks kept or ended "
		"as said there. The next one takes its place when that is done.");
	if (plan->options.soak_ms > 0)
		plan_point_take(
			&points, "     ",
			xasprintf("It must then stay back for %s.", clock_format_span(plan->options.soak_ms, soak)));
	print_gates(plan->agent_gates, plan->agent_gate_count, "After each agent: ", &points);
	if (plan->options.stage_soak_ms > 0)
		plan_point_take(&points, "     ",
				xasprintf("When every agent of a stage has ended, nothing more starts for %s.",
					  clock_format_span(plan->options.stage_soak_ms, soak)));
	print_gates(plan->stage_gates, plan->stage_gate_count, "After each stage: ", &points);
	print_clocks(plan, &points);
}

/* ---- risks, masters, who is left out */

size_t plan_count_lost(const struct plan *plan)
{
	size_t lost = 0;

	for (size_t i = 0; i < plan->agent_count; i++)
		for (size_t j = 0; j < plan->agents[i].task_count; j++)
			lost += !plan->agents[i].tasks[j].survives;
	return lost;
}

static void add_offline(const struct plan *plan, struct plan_points *points)
{
	char synced[CLOCK_TEXT_MAX], surveyed[CLOCK_TEXT_MAX];

	if (!plan->offline)
		return;
	plan_point_take(
		points, PLAN_RISK,
		xasprintf("This plan was made offline: the master was asked %s before it, the oldest survey of a host "
			  "is from %s before it. Whether every master would take these agents now is not known.",
			  clock_format_span(plan->created_ms - plan->synced_ms, synced),
			  clock_format_span(plan->created_ms - plan->surveyed_ms, surveyed)));
	plan_point(points, PLAN_TODO,
		   "`rollout start` asks the masters again and refuses what has changed; or plan again without "
		   "--offline");
}

bool plan_agent_is_discard(const struct plan_agent *agent)
{
	return agent->mechanism == MECHANISM_DISCARD || agent->native_discard;
}

size_t plan_count_discards(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->agent_count; i++)
		count += plan_agent_is_discard(&plan->agents[i]);
	return count;
}

static void add_lost(const struct plan *plan, struct plan_points *points)
{
	size_t lost = plan_count_lost(plan), discards = plan_count_discards(plan);
	char *agents = agents_text(discards);

	if (discards > 0)
		plan_point_take(
			points, PLAN_RISK,
			xasprintf(
				"--discard ends every task of %s, also those that are started there before their turn "
				"comes. Nothing brings them back: an undo brings back the agent, without them.",
				agents));
	if (lost > 0)
		plan_point_take(points, PLAN_RISK,
				xasprintf("%zu task%s die%s with this, named below as DIE or with a \"!\"%s.", lost,
					  lost == 1 ? "" : "s", lost == 1 ? "s" : "",
					  discards == plan->agent_count
						  ? ""
						  : ": their frameworks do not checkpoint, or their "
						    "executors end with the agent's process"));
	free(agents);
}

void plan_section_risks(const struct plan *plan, FILE *stream)
{
	struct plan_points points = {.title = "Risks", .stream = stream};

	add_lost(plan, &points);
	if (plan->agent_count > 0)
		add_offline(plan, &points);
	for (size_t i = 0; i < plan->finding_count; i++) {
		const struct plan_finding *finding = &plan->findings[i];

		if (!finding->risk)
			continue;
		plan_point_take(&points, PLAN_RISK, xasprintf("%s: %s.", finding->about, finding->text));
		if (finding->remedy)
			plan_point(&points, PLAN_TODO, finding->remedy);
	}
	if (points.count == 0 && plan->agent_count > 0)
		plan_point(&points, PLAN_MARK, "none that the masters or the hosts show");
}

void plan_section_masters(const struct plan *plan, FILE *stream)
{
	struct plan_points points = {.title = "Masters", .stream = stream};

	for (size_t i = 0; i < plan->finding_count; i++)
		if (!plan->findings[i].risk)
			plan_point_take(&points, PLAN_MARK,
					xasprintf("%s: %s", plan->findings[i].about, plan->findings[i].text));
}

static bool same_left(const struct plan_left_out *a, const struct plan_left_out *b)
{
	return a->why == b->why && strcmp(a->reason, b->reason) == 0;
}

/* One point for each reason, with the names of all it is about. */
static void add_left(const struct plan *plan, size_t first, struct plan_points *points)
{
	const char **names = xcalloc(plan->left_out_count + 1, sizeof(*names));
	const struct plan_left_out *left = &plan->left_out[first];
	struct buffer text = BUFFER_INIT(PAGE_MAX);
	size_t count = 0;

	for (size_t i = first; i < plan->left_out_count; i++)
		if (same_left(left, &plan->left_out[i]))
			names[count++] = plan->left_out[i].hostname;
	buffer_printf(&text, "%zu %s: ", count, plan_left_why_name(left->why));
	plan_text_names(names, count, 0, 1 << 20, &text);
	plan_point(points, PLAN_MARK, buffer_text(&text));
	plan_point(points, "    ", left->reason);
	buffer_clear(&text);
	free(names);
}

static bool told_before(const struct plan *plan, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (same_left(&plan->left_out[i], &plan->left_out[index]))
			return true;
	return false;
}

static void add_unchanged(const struct plan *plan, struct plan_points *points)
{
	struct buffer text = BUFFER_INIT(PAGE_MAX);

	if (plan->unchanged_count == 0)
		return;
	buffer_printf(&text, "%zu already as the config says: ", plan->unchanged_count);
	plan_text_names((const char *const *)plan->unchanged, plan->unchanged_count, 0, 1 << 20, &text);
	plan_point(points, PLAN_MARK, buffer_text(&text));
	buffer_clear(&text);
}

void plan_section_left_out(const struct plan *plan, FILE *stream)
{
	struct plan_points points = {.title = "Not touched", .stream = stream};

	for (size_t i = 0; i < plan->left_out_count; i++)
		if (!told_before(plan, i))
			add_left(plan, i, &points);
	add_unchanged(plan, &points);
}
