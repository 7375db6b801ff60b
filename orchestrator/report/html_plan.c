/* SPDX-License-Identifier: Apache-2.0 */
/* What was meant, what happened to the run as a whole, and how to check that nobody has changed the record since. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/plan/plan_stops.h"
#include "orchestrator/report/html_parts.h"
#include "orchestrator/report/plan_text.h"

static void add_limits(const struct plan *plan, struct buffer *out)
{
	struct buffer text = BUFFER_INIT(4096);

	buffer_printf(&text, "at most %d away at once", plan->options.window);
	if (plan->options.domain_window > 0)
		buffer_printf(&text, ", %d within a failure domain", plan->options.domain_window);
	buffer_puts(&text, "; ");
	plan_stops_text(plan, &text);
	html_term(out, "Limits", buffer_text(&text));
	buffer_clear(&text);
}

static void add_facts(const struct html_run *run, struct buffer *out)
{
	const struct run_view *view = run->view;
	const struct plan *plan = &view->plan;
	struct buffer parts = BUFFER_INIT(256);

	plan_parts_text(plan->ignore, &parts);
	buffer_puts(out, "<dl class=\"facts\">");
	html_term(out, "Plan", view->run.plan);
	html_term(out, "Made by", view->author);
	if (!plan->rolls_back)
		html_term_take(out, "Config",
			       xasprintf("%s@%d, SHA-256 %s", plan->config, plan->config_version, plan->config_sha256));
	html_term(out, "Chosen by", plan->where ? plan->where : "every agent the config's rules match");
	html_term(out, "May differ", buffer_text(&parts));
	add_limits(plan, out);
	if (view->run.rolls_back)
		html_term(out, "Takes back", view->run.rolls_back);
	if (view->taken_back.run)
		html_term(out, "Taken back by", view->taken_back.run);
	buffer_puts(out, "</dl>\n");
	buffer_clear(&parts);
}

static void add_stages(const struct run_view *view, struct buffer *out)
{
	json_t *stages = run_view_stages_to_json(view), *stage;
	size_t i;

	if (json_array_size(stages) > 1)
		buffer_puts(
			out,
			"<div class=\"scroll\"><table><caption>Stages</caption><thead><tr><th scope=\"col\" "
			"class=\"n\">Stage</th><th scope=\"col\">Name</th><th scope=\"col\" class=\"n\">Agents</th><th "
			"scope=\"col\" class=\"n\">Done</th><th scope=\"col\" class=\"n\">Window</th><th "
			"scope=\"col\">State</th></tr></thead><tbody>");
	json_array_foreach(stages, i, stage)
	{
		if (json_array_size(stages) < 2)
			break;
		buffer_printf(out, "<tr><td class=\"n\">%zu</td><td>", i + 1);
		escape_html(out, json_string_value(json_object_get(stage, "name")));
		buffer_printf(out,
			      "</td><td class=\"n\">%lld</td><td class=\"n\">%lld</td><td class=\"n\">%lld</td><td>",
			      (long long)json_integer_value(json_object_get(stage, "agents")),
			      (long long)json_integer_value(json_object_get(stage, "done")),
			      (long long)json_integer_value(json_object_get(stage, "window")));
		escape_html(out, json_string_value(json_object_get(stage, "state")));
		buffer_puts(out, "</td></tr>");
	}
	if (json_array_size(stages) > 1)
		buffer_puts(out, "</tbody></table></div>\n");
	json_decref(stages);
}

/* As the operator saw it before it was started. */
static void add_page(const struct plan *plan, struct buffer *out)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		abort();
	plan_print(plan, stream);
	fclose(stream);
	buffer_puts(out, "<details><summary>The whole plan, as it was shown before it was started</summary><pre>");
	escape_html(out, text);
	buffer_puts(out, "</pre></details>\n");
	free(text);
}

void html_plan(const struct html_run *run, struct buffer *out)
{
	html_section(run, "plan", "The plan", out);
	add_facts(run, out);
	add_stages(run->view, out);
	add_page(&run->view->plan, out);
	buffer_puts(out, "</section>\n");
}

/* ---- the run as a whole */

/* How many it speaks for. */
static size_t add_note(const struct run_view *view, size_t first, struct buffer *out)
{
	const struct view_note *note = &view->notes[first];
	size_t count;
	char *text = run_view_note_text(view, first, &count);

	buffer_puts(out, "<li>");
	html_time(out, note->time_ms);
	buffer_puts(out, " ");
	escape_html(out, text);
	buffer_puts(out, " <span class=\"dim\">(<bdi>");
	escape_html(out, note->actor);
	buffer_puts(out, "</bdi>)</span></li>\n");
	free(text);
	return count;
}

static void add_gate(const struct view_gate *gate, struct buffer *out)
{
	buffer_puts(out, "<li>");
	html_time(out, gate->time_ms);
	buffer_puts(out, " <b>");
	escape_html(out, gate->answer);
	buffer_puts(out, "</b>: gate after ");
	if (gate->hostname) {
		buffer_puts(out, "<bdi>");
		escape_html(out, gate->hostname);
		buffer_puts(out, "</bdi>");
	} else {
		buffer_printf(out, "stage %" PRId64, gate->stage);
	}
	buffer_puts(out, ": ");
	escape_html(out, gate->gate);
	buffer_puts(out, " <span class=\"dim\">(");
	escape_html(out, gate->seen);
	buffer_puts(out, ")</span></li>\n");
}

void html_events(const struct html_run *run, struct buffer *out)
{
	const struct run_view *view = run->view;

	if (view->note_count + view->gate_count == 0)
		return;
	html_section(run, "events", "The run as a whole", out);
	buffer_puts(out, "<ol class=\"steps\">\n");
	for (size_t i = 0; i < view->note_count;)
		i += add_note(view, i, out);
	buffer_puts(out, "</ol>\n");
	if (view->gate_count > 0)
		buffer_printf(out,
			      "<details%s><summary>%zu answer%s of gates, %d not passed in the end</summary><ol "
			      "class=\"steps\">\n",
			      view->gate_count <= 12 ? " open" : "", view->gate_count, view->gate_count == 1 ? "" : "s",
			      run_view_gates_failed(view));
	for (size_t i = 0; i < view->gate_count; i++)
		add_gate(&view->gates[i], out);
	buffer_puts(out, view->gate_count > 0 ? "</ol></details></section>\n" : "</section>\n");
}

/* ---- the record */

void html_ledger(const struct html_run *run, struct buffer *out)
{
	const struct run_view *view = run->view;

	html_section(run, "ledger", "How to check this", out);
	buffer_puts(
		out,
		"<p>Everything above is taken from a ledger in which each event holds the SHA-256 of the one before "
		"it, and which ended with the head below when this was written. Where the database is, this recomputes "
		"the whole chain, names the first event that was changed, removed or inserted, and says whether it "
		"still leads to this head:</p>\n<pre>rollcall audit verify --head ");
	escape_html(out, view->head);
	buffer_puts(
		out,
		"</pre>\n<p>Each host has noted heads of this chain with the requests it was sent: <code>--witness "
		"EXPR</code> asks them, so that a chain which was made anew as a whole is found out too. "
		"<code>--report FILE</code> says whether this file is the one that was written: it looks for it in the "
		"ledger, and makes it once more.</p>\n<dl class=\"facts\">");
	html_term(out, "Head", view->head);
	html_term(out, "This run's last event", view->run_hash);
	if (!view->rescue)
		html_term_take(out, "Resumed", count_text((int64_t)view->resumed, "time"));
	buffer_puts(out, "</dl></section>\n");
}
