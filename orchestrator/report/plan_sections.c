/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a plan's page around what changes: in which order, what the risks are, what stops it, how it is taken back. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "orchestrator/plan/plan_stops.h"
#include "orchestrator/report/plan_text_internal.h"

#define PAGE_MAX (64u << 20)

void plan_section_title(const char *title, FILE *stream)
{
	fprintf(stream, "\n%s%s%s\n", term_on(stream, TERM_BOLD), title, term_off(stream));
}

/* ---- a list of points */

struct points {
	const char *title; /* printed before the first one */
	FILE *stream;
	size_t count;
};

static void add_point(struct points *points, const char *mark, const char *text)
{
	struct buffer out = BUFFER_INIT(PAGE_MAX);

	if (points->count++ == 0)
		plan_section_title(points->title, points->stream);
	plan_text_wrap(mark, 0, text, term_width(points->stream), &out);
	plan_text_print(&out, points->stream);
	buffer_clear(&out);
}

/* Takes the text. */
static void add_made(struct points *points, const char *mark, char *text)
{
	add_point(points, mark, text);
	free(text);
}

#define MARK "  - "
#define RISK "  ! "
#define TODO "    \u2192 "

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
	struct points points = {.stream = stream, .count = 1};
	const struct engine_stage *it = &plan->stages[stage];
	char *agents = agents_text(it->end - begin), *mark = xasprintf("  %zu. ", stage + 1);
	char *domain = plan->options.domain_window > 0 && plan->options.domain_window < it->window
			       ? xasprintf(", %d in each failure domain", plan->options.domain_window)
			       : xstrdup("");

	add_made(&points, mark, xasprintf("%s: %s, window %d%s", plan->stage_names[stage], agents, it->window, domain));
	print_stage_agents(plan, begin, it->end, stream);
	free(domain);
	free(agents);
	free(mark);
}

static void print_gates(const struct plan_gate *gates, size_t count, const char *before, struct points *points)
{
	for (size_t i = 0; i < count; i++) {
		struct buffer text = BUFFER_INIT(1u << 20);

		buffer_puts(&text, before);
		plan_gate_text(&gates[i], &text);
		add_point(points, "     ", buffer_text(&text));
		buffer_clear(&text);
	}
}

static void print_clocks(const struct plan *plan, struct points *points)
{
	char silent[CLOCK_TEXT_MAX], away[CLOCK_TEXT_MAX];

	if (plan->clocks.silent_ms > 0)
		add_made(points, "     ",
			 xasprintf("The masters give an agent %s of silence and %s to reregister; none is restarted "
				   "unless a restart and its undo fit into that.",
				   clock_format_span(plan->clocks.silent_ms, silent),
				   clock_format_span(plan->clocks.reregister_ms, away)));
}

void plan_section_order(const struct plan *plan, FILE *stream)
{
	struct points points = {.stream = stream, .count = 1};
	char soak[CLOCK_TEXT_MAX];
	size_t begin = 0;

	if (plan->agent_count == 0)
		return;
	plan_section_title("What will happen, in this order", stream);
	for (size_t i = 0; i < plan->stage_count; i++) {
		print_stage(plan, i, begin, stream);
		begin = plan->stages[i].end;
	}
	add_point(&points, "     ",
		  "Each agent is changed, restarted once, and proven: same ID, the SlaveInfo below, its tasks. The "
		  "next one takes its place when that is done.");
	if (plan->options.soak_ms > 0)
		add_made(&points, "     ",
			 xasprintf("It must then stay back for %s.", clock_format_span(plan->options.soak_ms, soak)));
	print_gates(plan->agent_gates, plan->agent_gate_count, "After each agent: ", &points);
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

static void add_offline(const struct plan *plan, struct points *points)
{
	char synced[CLOCK_TEXT_MAX], surveyed[CLOCK_TEXT_MAX];

	if (!plan->offline)
		return;
	add_made(points, RISK,
		 xasprintf("This plan was made offline: the master was asked %s before it, the oldest survey of a host "
			   "is from %s before it. Whether every master would take these agents now is not known.",
			   clock_format_span(plan->created_ms - plan->synced_ms, synced),
			   clock_format_span(plan->created_ms - plan->surveyed_ms, surveyed)));
	add_point(points, TODO,
		  "`rollout start` asks the masters again and refuses what has changed; or plan again without "
		  "--offline");
}

static size_t count_discards(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->agent_count; i++)
		count += plan->agents[i].mechanism == MECHANISM_DISCARD || plan->agents[i].native_discard;
	return count;
}

static void add_lost(const struct plan *plan, struct points *points)
{
	size_t lost = plan_count_lost(plan), discards = count_discards(plan);
	char *agents = agents_text(discards);

	if (discards > 0)
		add_made(points, RISK,
			 xasprintf(
				 "--discard ends every task of %s, also those that are started there before their turn "
				 "comes. Nothing brings them back: an undo brings back the agent, without them.",
				 agents));
	if (lost > 0)
		add_made(points, RISK,
			 xasprintf("%zu task%s die%s with this, named below as DIE or with a \"!\"%s.", lost,
				   lost == 1 ? "" : "s", lost == 1 ? "s" : "",
				   discards == plan->agent_count ? ""
								 : ": their frameworks do not checkpoint, or their "
								   "executors end with the agent's process"));
	free(agents);
}

void plan_section_risks(const struct plan *plan, FILE *stream)
{
	struct points points = {.title = "Risks", .stream = stream};

	add_lost(plan, &points);
	if (plan->agent_count > 0)
		add_offline(plan, &points);
	for (size_t i = 0; i < plan->finding_count; i++) {
		const struct plan_finding *finding = &plan->findings[i];

		if (!finding->risk)
			continue;
		add_made(&points, RISK, xasprintf("%s: %s.", finding->about, finding->text));
		if (finding->remedy)
			add_point(&points, TODO, finding->remedy);
	}
	if (points.count == 0 && plan->agent_count > 0)
		add_point(&points, MARK, "none that the masters or the hosts show");
}

void plan_section_masters(const struct plan *plan, FILE *stream)
{
	struct points points = {.title = "Masters", .stream = stream};

	for (size_t i = 0; i < plan->finding_count; i++)
		if (!plan->findings[i].risk)
			add_made(&points, MARK, xasprintf("%s: %s", plan->findings[i].about, plan->findings[i].text));
}

static bool same_left(const struct plan_left_out *a, const struct plan_left_out *b)
{
	return a->why == b->why && strcmp(a->reason, b->reason) == 0;
}

/* One point for each reason, with the names of all it is about. */
static void add_left(const struct plan *plan, size_t first, struct points *points)
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
	add_point(points, MARK, buffer_text(&text));
	add_point(points, "    ", left->reason);
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

static void add_unchanged(const struct plan *plan, struct points *points)
{
	struct buffer text = BUFFER_INIT(PAGE_MAX);

	if (plan->unchanged_count == 0)
		return;
	buffer_printf(&text, "%zu already as the config says: ", plan->unchanged_count);
	plan_text_names((const char *const *)plan->unchanged, plan->unchanged_count, 0, 1 << 20, &text);
	add_point(points, MARK, buffer_text(&text));
	buffer_clear(&text);
}

void plan_section_left_out(const struct plan *plan, FILE *stream)
{
	struct points points = {.title = "Not touched", .stream = stream};

	for (size_t i = 0; i < plan->left_out_count; i++)
		if (!told_before(plan, i))
			add_left(plan, i, &points);
	add_unchanged(plan, &points);
}

/* ---- what stops it */

static const char *then_text(enum engine_on_failure what)
{
	switch (what) {
	case ON_FAILURE_ROLLBACK:
		return "everything that was changed is taken back, last first";
	case ON_FAILURE_ABORT:
		return "the run is aborted: nothing of it starts any more";
	default:
		return "the run pauses until `rollout resume`, `rollback` or `abort`";
	}
}

/* Those under way when the budget is spent may fail as well. */
static int most_failures(const struct plan *plan, int max)
{
	int most = max + plan->options.window;

	return most < (int)plan->agent_count ? most : (int)plan->agent_count;
}

static void add_budget(const struct plan *plan, struct points *points, int max, const char *where)
{
	if (max == 0)
		add_made(points, MARK, xasprintf("the first agent that fails%s", where));
	else if (max > 0 && max < (int)plan->agent_count)
		add_made(points, MARK,
			 xasprintf("more than %d failed agent%s%s: with %d it goes on, with %d it stops", max,
				   max == 1 ? "" : "s", where, max, max + 1));
	if (max >= 0 && where[0] == '\0' && most_failures(plan, max) > max + 1)
		add_made(points, "    ",
			 xasprintf("(at most %d fail: those that are away then may fail as well)",
				   most_failures(plan, max)));
}

static void add_guards(const struct plan *plan, struct points *points)
{
	const struct engine_options *options = &plan->options;

	if (options->agent_gates || options->stage_gates)
		add_point(points, MARK,
			  "a gate: one that fails counts as a failure of its agent, or of its stage, which is stopped "
			  "at once; one that gives no answer pauses the run");
	if (options->meltdown_percent > 0 && options->meltdown_percent < 100)
		add_made(points, MARK,
			 xasprintf("at any moment: more than %d%% of the cluster's agents unreachable or inactive, for "
				   "whatever reason. Then nothing more starts, and the run pauses",
				   options->meltdown_percent));
	add_point(points, MARK,
		  "at any moment: an agent that runs and does not reregister, a task lost that was to be kept, or an "
		  "agent that neither state brings back. The run pauses, and a person looks");
	add_point(points, MARK,
		  "you: Ctrl-C, or `rollcall rollout pause RUN` from any terminal; what is under way finishes first");
}

void plan_section_stops(const struct plan *plan, FILE *stream)
{
	struct points points = {.title = "What stops it", .stream = stream};
	const struct engine_options *options = &plan->options;
	bool first = plan_stops_at_first(plan);

	if (plan->agent_count == 0)
		return;
	if (plan_stops_never(plan))
		add_made(&points, MARK, xasprintf("no number of failed agents: %zu may fail", plan->agent_count));
	add_budget(plan, &points, first ? 0 : options->max_failures, "");
	add_budget(plan, &points, first ? -1 : options->stage_max_failures, " in one stage");
	add_budget(plan, &points, first ? -1 : options->domain_max_failures, " in one failure domain");
	if (!first && options->max_consecutive > 0)
		add_made(&points, MARK,
			 xasprintf("%d failures in a row: reaching that stops", options->max_consecutive));
	add_made(&points, "    ",
		 xasprintf("Then nothing more starts, what is under way finishes, and %s.",
			   then_text(options->on_failure)));
	add_guards(plan, &points);
}

/* ---- how to take it back */

/* What is added can be taken back only as long as nobody has reserved it. */
static size_t count_grown(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->agent_count; i++) {
		const Mesos__SlaveInfo *old = plan->agents[i].before, *new = plan->agents[i].after;
		const struct resources before = {.items = old->resources, .count = old->n_resources};
		const struct resources after = {.items = new->resources, .count = new->n_resources};

		count += (plan->agents[i].differs & PART_RESOURCES) && !resources_contain(&before, &after);
	}
	return count;
}

void plan_section_back(const struct plan *plan, FILE *stream)
{
	struct points points = {.title = "How to take it back", .stream = stream};
	size_t discards = count_discards(plan);

	if (plan->agent_count == 0)
		return;
	add_point(&points, MARK,
		  "An agent that does not come up is put back as it was by its own host, at once and without being "
		  "asked.");
	if (discards < plan->agent_count)
		add_point(&points, MARK,
			  "`rollcall rollout rollback RUN` takes back what was changed, the last one first, as a "
			  "rollout of its own with the same proofs.");
	if (discards == plan->agent_count)
		add_point(&points, MARK, "No rollback takes this back: the tasks are ended.");
	else if (discards > 0)
		add_made(&points, MARK,
			 xasprintf("It leaves out the %zu whose tasks are ended (--discard).", discards));
	if (count_grown(plan) > 0)
		add_made(&points, MARK,
			 xasprintf("%zu of them get%s more resources than before: once somebody has reserved those, "
				   "neither an undo nor a rollback can take them back.",
				   count_grown(plan), count_grown(plan) == 1 ? "s" : ""));
	if (plan->accept_stale_master)
		add_point(&points, MARK,
			  "To finish with masters that keep the old record: restart the leading master when the run is "
			  "done; the one that takes over stores every agent as it reregisters.");
}
