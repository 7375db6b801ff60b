/* SPDX-License-Identifier: Apache-2.0 */
/* The top of the page: what a manager reads. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/report/attempts.h"
#include "orchestrator/report/html_parts.h"
#include "orchestrator/report/todo.h"

/* ---- the verdict */

static const char *tone_of(const struct html_run *run)
{
	if (run->sum.by[OUTCOME_STUCK] + run->sum.by[OUTCOME_REJECTED] > 0)
		return "bad";
	if (run->view->taken_back.back < run->view->taken_back.changed || run_view_not_taken_back(run->view) > 0)
		return "bad";
	return run->sum.by[OUTCOME_DONE] == run->view->count && run->sum.unproven == 0 && !run->view->taken_back.run &&
			       run_view_behind(run->view) == 0
		       ? "good"
		       : "warn";
}

const char *html_tone_sign(const char *tone)
{
	return strcmp(tone, "good") == 0 ? "\u2713" : strcmp(tone, "bad") == 0 ? "!" : "\u25b3";
}

static void add_reached(const struct html_run *run, struct buffer *out)
{
	const struct taken_back *back = &run->view->taken_back;
	size_t count = run->view->count, done = run->sum.by[OUTCOME_DONE];

	if (back->run)
		buffer_printf(out, "Taken back: %zu of %zu changed agent%s put back", back->back, back->changed,
			      back->changed == 1 ? " was" : "s were");
	else if (count == 1)
		buffer_puts(out, done == 1 ? "The agent is as planned" : "The agent is not as planned");
	else if (done == count)
		buffer_printf(out, "All %zu agents are as planned", count);
	else
		buffer_printf(out, "%zu of %zu agents %s as planned", done, count, done == 1 ? "is" : "are");
}

static void add_headline(const struct html_run *run, struct buffer *out)
{
	size_t persons = run->sum.by[OUTCOME_STUCK] + run->sum.by[OUTCOME_REJECTED];
	size_t open = run->sum.by[OUTCOME_UNDER_WAY] + run->sum.by[OUTCOME_WAITING];
	size_t not_back = run_view_not_taken_back(run->view), behind = run_view_behind(run->view);

	add_reached(run, out);
	if (behind > 0 && !run->view->taken_back.run)
		buffer_printf(out, ", the master has yet to store %zu of them", behind);
	if (not_back > 0)
		buffer_printf(out, ", %zu could not be taken back", not_back);
	if (persons > 0)
		buffer_printf(out, ", %zu need%s a person", persons, persons == 1 ? "s" : "");
	else if (open > 0 && !run->view->taken_back.run)
		buffer_printf(out, ", %zu %s still to come", open, open == 1 ? "is" : "are");
}

static void add_meta(const struct html_run *run, struct buffer *out)
{
	const struct run_view *view = run->view;
	char *state = run_state_text(view->run.state, view->by_state[AGENT_STUCK]);

	buffer_puts(out, "<p class=\"meta\">Started ");
	html_time(out, view->run.created_ms);
	buffer_puts(out, " by <bdi>");
	escape_html(out, view->actor);
	buffer_puts(out, "</bdi>; ");
	if (view->run.finished_ms) {
		buffer_puts(out, "finished ");
		html_time(out, view->run.finished_ms);
		if (view->settled_ms) {
			buffer_puts(out, ", settled until ");
			html_time(out, view->settled_ms);
		}
	} else {
		buffer_puts(out, "not finished when this was written, ");
		html_time(out, view->now_ms);
	}
	buffer_puts(out, ". State: <strong>");
	escape_html(out, state);
	buffer_puts(out, "</strong>");
	if (view->run.reason) {
		buffer_puts(out, ", because <q>");
		escape_html(out, view->run.reason);
		buffer_puts(out, "</q>");
	}
	buffer_puts(out, ".</p>\n");
	free(state);
}

static void add_hero(const struct html_run *run, struct buffer *out)
{
	const struct run_view *view = run->view;
	const char *tone = tone_of(run);
	char *verdict = run_view_verdict(view);

	buffer_printf(out, "<header class=\"hero %s\"><p class=\"eyebrow\">Rollout <b>", tone);
	escape_html(out, view->run.id);
	buffer_puts(out, "</b> of <b>");
	escape_html(out, view->plan.config);
	if (!view->plan.rolls_back)
		buffer_printf(out, "@%d", view->plan.config_version);
	buffer_puts(out, "</b> on cluster <b>");
	escape_html(out, view->plan.cluster);
	buffer_printf(out, "</b></p>\n<h2 id=\"r%zu-title\"><span class=\"sign\" aria-hidden=\"true\">%s</span>",
		      run->number, html_tone_sign(tone));
	add_headline(run, out);
	buffer_puts(out, "</h2>\n<p class=\"verdict\">");
	escape_html(out, verdict);
	buffer_puts(out, "</p>\n");
	add_meta(run, out);
	buffer_puts(out, "</header>\n");
	free(verdict);
}

/* ---- figures */

void html_tile_begin(struct buffer *out, const char *name)
{
	buffer_printf(out, "<div><dt>%s</dt><dd>", name);
}

void html_tile_end(struct buffer *out, char *more)
{
	buffer_puts(out, "<small>");
	escape_html(out, more);
	buffer_puts(out, "</small></dd></div>\n");
	free(more);
}

static void add_away_tile(const struct away_sum *away, struct buffer *out)
{
	char median[CLOCK_TEXT_MAX], longest[CLOCK_TEXT_MAX], budget[CLOCK_TEXT_MAX];

	html_tile_begin(out, "Away, typically");
	if (away->count == 0) {
		buffer_puts(out, "\u2013");
		html_tile_end(out, xstrdup("nobody has been away and back"));
		return;
	}
	buffer_puts(out, clock_format_span(away->median_ms, median));
	clock_format_span(away->longest_ms, longest);
	if (away->budget_ms > 0)
		html_tile_end(out, xasprintf("longest %s; the master waits %s", longest,
					     clock_format_span(away->budget_ms, budget)));
	else
		html_tile_end(out, xasprintf("longest %s", longest));
}

static void add_tiles(const struct html_run *run, struct buffer *out)
{
	const struct run_view *view = run->view;
	const struct outcome_sum *sum = &run->sum;
	char span[CLOCK_TEXT_MAX];
	int64_t end = view->run.finished_ms ? view->run.finished_ms : run->timeline.known_ms;

	buffer_puts(out, "<dl class=\"tiles\">\n");
	html_tile_begin(out, view->taken_back.run ? "Was as planned" : "As planned");
	buffer_printf(out, "%zu<i>/%zu</i>", sum->by[OUTCOME_DONE], view->count);
	html_tile_end(out, xasprintf("%zu put back, %zu stuck", sum->by[OUTCOME_REVERTED], sum->by[OUTCOME_STUCK]));
	html_tile_begin(out, "Same ID");
	buffer_printf(out, "%zu<i>/%zu</i>", sum->same_id, view->count);
	html_tile_end(out, sum->new_id ? xasprintf("%zu came back with a NEW ID", sum->new_id)
				       : xstrdup("as the master shows it"));
	html_tile_begin(out, "Tasks kept");
	buffer_printf(out, "%zu", sum->kept);
	html_tile_end(out, xasprintf("%zu lost, %zu not proven", sum->lost, sum->unproven));
	add_away_tile(&sum->away, out);
	html_tile_begin(out, "Most away at once");
	buffer_printf(out, "%d", run->timeline.most);
	html_tile_end(out, xasprintf("the window allowed %d", outcome_window(&view->plan)));
	html_tile_begin(out, "Took");
	buffer_puts(out, view->run.created_ms && end >= view->run.created_ms
				 ? clock_format_span(end - view->run.created_ms, span)
				 : "\u2013");
	html_tile_end(out, xasprintf("%sresumed %zu %s", view->run.finished_ms ? "" : "so far; ", view->resumed,
				     view->resumed == 1 ? "time" : "times"));
	buffer_puts(out, "</dl>\n");
}

/* ---- what to do */

static void add_todo(const struct todo *todo, struct buffer *out)
{
	buffer_puts(out, "<li>");
	if (todo->agents > 0)
		buffer_printf(out, "<b>%zu</b> %s ", todo->agents, todo->agents == 1 ? "agent is" : "agents are");
	buffer_printf(out, "%s: <code>", todo->text);
	escape_html(out, todo->command);
	buffer_puts(out, "</code></li>\n");
}

static const char *nothing_to_do(const struct html_run *run)
{
	if (run->sum.by[OUTCOME_UNDER_WAY] + run->sum.by[OUTCOME_WAITING] > 0)
		return "Nothing yet: the run goes on.";
	return "Nothing. Every agent that was begun is proven, and nobody waits for a person.";
}

static void add_what_to_do(const struct html_run *run, struct buffer *out)
{
	struct todo_list todo;

	todo_make(run->view, &todo);
	html_section(run, "todo", "What to do", out);
	buffer_puts(out, "<ol class=\"todo\">\n");
	for (size_t i = 0; i < todo.count; i++)
		add_todo(&todo.items[i], out);
	if (todo.count == 0)
		buffer_printf(out, "<li>%s</li>\n", nothing_to_do(run));
	buffer_puts(out, "</ol></section>\n");
	todo_clear(&todo);
}

void html_summary(const struct html_run *run, struct buffer *out)
{
	add_hero(run, out);
	add_tiles(run, out);
	add_what_to_do(run, out);
}

/* ---- what went wrong */

#define CAUSE_AGENTS 12 /* named at once; the others when they are asked for */

static void add_cause_agents(const struct html_run *run, const struct cause *cause, struct buffer *out)
{
	buffer_puts(out, "<p class=\"hosts\">");
	for (size_t i = 0; i < cause->count; i++) {
		if (i == CAUSE_AGENTS)
			buffer_printf(out, "</p><details><summary>%zu more</summary><p class=\"hosts\">",
				      cause->count - i);
		html_agent_link(run, cause->agents[i], out);
		buffer_putc(out, ' ');
	}
	buffer_puts(out, cause->count > CAUSE_AGENTS ? "</p></details>\n" : "</p>\n");
}

static void add_cause(const struct html_run *run, const struct cause *cause, struct buffer *out)
{
	const struct run_view *view = run->view;
	const struct agent_result *first = &view->agents[cause->agents[0]];
	const char *said = json_string_value(json_object_get(first->started, "agent_said"));
	char *next = next_steps(view, first);

	buffer_printf(out, "<article class=\"cause o-%s\"><h4>", outcome_name(outcome_of(cause->state)));
	html_outcome(out, outcome_of(cause->state));
	buffer_printf(out, " <span class=\"count\">%zu agent%s%s</span></h4>\n<p class=\"error\">", cause->count,
		      cause->count == 1 ? "" : "s", attempts_sequel(view, first));
	escape_html(out, cause->error ? cause->error : cause->pattern);
	buffer_puts(out, "</p>\n");
	add_cause_agents(run, cause, out);
	buffer_puts(out, "<dl class=\"facts\">");
	html_term(out, "What was done", what_was_done(view, first));
	if (first->rescued)
		html_term(out, "Since then", first->rescued);
	if (next)
		html_term_take(out, cause->count == 1 ? "What to do" : "What to do, for the first of them", next);
	buffer_puts(out, "</dl>\n");
	if (said && *said && !cause->mended) {
		buffer_puts(out, "<details><summary>What the agent said</summary><pre>");
		escape_html(out, said);
		buffer_puts(out, "</pre></details>\n");
	}
	buffer_puts(out, "</article>\n");
}

void html_failures(const struct html_run *run, struct buffer *out)
{
	if (run->sum.cause_count == 0)
		return;
	html_section(run, "failures", "What went wrong", out);
	buffer_puts(out,
		    "<p class=\"note\">Folded by cause: agents whose errors differ in nothing but names and numbers "
		    "stand together, with the words of the first.</p>\n");
	for (size_t i = 0; i < run->sum.cause_count; i++)
		add_cause(run, &run->sum.causes[i], out);
	buffer_puts(out, "</section>\n");
}
