/* SPDX-License-Identifier: Apache-2.0 */
/* The page of a rescue: a small run with hosts in the place of agents, and no plan, window or stages. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/report/html_parts.h"
#include "orchestrator/report/rescue_view.h"

static enum outcome outcome_of_host(const struct rescued_host *host)
{
	if (rescued_host_is_done(host))
		return OUTCOME_DONE;
	if (strcmp(host->end, "pending") == 0)
		return OUTCOME_UNDER_WAY;
	if (strcmp(host->end, "refused") == 0)
		return OUTCOME_FAILED;
	return strcmp(host->end, "failed") == 0 ? OUTCOME_FAILED : OUTCOME_STUCK; /* not proven, or nobody knows */
}

/* Whoever cannot see the colour reads the words; "failed" is not "not touched" here, as it is of a rollout's agents. */
static void add_end(const struct rescued_host *host, struct buffer *out)
{
	buffer_printf(out, "<span class=\"o\"><i aria-hidden=\"true\">%s</i>%s</span>",
		      outcome_sign(outcome_of_host(host)), rescued_host_end(host));
}

/* ---- summary */

static void add_meta(const struct rescue_view *rescue, struct buffer *out)
{
	buffer_puts(out, "<p class=\"meta\">Started ");
	html_time(out, rescue->begun_ms);
	buffer_puts(out, " by <bdi>");
	escape_html(out, rescue->actor);
	buffer_puts(out, "</bdi>; its last event ");
	html_time(out, rescue->last_ms);
	buffer_puts(out, ".</p>\n");
}

static void add_hero(const struct html_run *run, struct buffer *out)
{
	const struct rescue_view *rescue = run->view->rescue;
	size_t done = rescue_view_done(rescue);
	const char *tone = done == rescue->count ? "good" : "bad";
	char *verdict = rescue_verdict(rescue);

	buffer_printf(out, "<header class=\"hero %s\"><p class=\"eyebrow\">Rescue <b>", tone);
	escape_html(out, run->view->run.id);
	buffer_puts(out, "</b> on cluster <b>");
	escape_html(out, rescue->cluster);
	buffer_printf(
		out,
		"</b></p>\n<h2 id=\"r%zu-title\"><span class=\"sign\" aria-hidden=\"true\">%s</span>%zu of %zu host%s "
		"%s done</h2>\n<p class=\"verdict\">",
		run->number, html_tone_sign(tone), done, rescue->count, rescue->count == 1 ? "" : "s",
		done == 1 ? "is" : "are");
	escape_html(out, verdict);
	buffer_puts(out, "</p>\n");
	add_meta(rescue, out);
	buffer_puts(out, "</header>\n");
	free(verdict);
}

static void add_tiles(const struct rescue_view *rescue, struct buffer *out)
{
	size_t judged = 0, same = 0;
	int64_t tasks = 0, running = 0;
	char span[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < rescue->count; i++) {
		judged += rescue->hosts[i].judged;
		same += strcmp(rescued_host_id(&rescue->hosts[i]), "same") == 0;
		tasks += rescue->hosts[i].tasks;
		running += rescue->hosts[i].tasks_running;
	}
	buffer_puts(out, "<dl class=\"tiles\">\n");
	html_tile_begin(out, "Done");
	buffer_printf(out, "%zu<i>/%zu</i>", rescue_view_done(rescue), rescue->count);
	html_tile_end(out, xstrdup("proven to run with its ID"));
	html_tile_begin(out, "Same ID");
	buffer_printf(out, "%zu<i>/%zu</i>", same, judged);
	html_tile_end(out, xstrdup("of those the master was asked about"));
	html_tile_begin(out, "Tasks running");
	buffer_printf(out, "%" PRId64 "<i>/%" PRId64 "</i>", running, tasks);
	html_tile_end(out, xstrdup("of what ran on them before"));
	html_tile_begin(out, "Took");
	buffer_puts(out, rescue->begun_ms ? clock_format_span(rescue->last_ms - rescue->begun_ms, span) : "\u2013");
	html_tile_end(out, xstrdup("from its beginning to its last event"));
	buffer_puts(out, "</dl>\n");
}

static void add_todo(const struct html_run *run, struct buffer *out)
{
	size_t open = run->view->rescue->count - rescue_view_done(run->view->rescue);

	html_section(run, "todo", "What to do", out);
	if (open == 0)
		buffer_puts(out, "<p>Nothing. Nobody waits for a person.</p></section>\n");
	else
		buffer_printf(
			out,
			"<p><b>%zu</b> host%s not done: read why below, and look again with <code>rollcall rescue</code> "
			"and the same choice of agents. It shows what it would do before it does anything.</p></section>\n",
			open, open == 1 ? " is" : "s are");
}

/* ---- hosts */

static void add_host(const struct rescued_host *host, struct buffer *out)
{
	enum outcome outcome = outcome_of_host(host);
	char *act = rescued_host_act(host), *tasks = rescued_host_tasks(host), span[CLOCK_TEXT_MAX];

	buffer_printf(out, "<tr class=\"o-%s\"><th scope=\"row\"><bdi>", outcome_name(outcome));
	escape_html(out, host->hostname);
	buffer_printf(out, "</bdi></th><td data-v=\"%d\">", (int)outcome);
	add_end(host, out);
	buffer_printf(out,
		      "</td><td>%s</td><td data-v=\"%" PRId64 "\">%s</td><td class=\"n\" data-v=\"%" PRId64
		      "\">%s</td><td "
		      "class=\"why\">",
		      rescued_host_id(host), host->tasks_running, tasks, host->until_ms - host->from_ms,
		      clock_format_span(host->until_ms - host->from_ms, span));
	escape_html(out, act);
	buffer_puts(out, "</td><td class=\"why\">");
	escape_html(out, host->said);
	buffer_puts(out, "</td><td>");
	escape_html(out, host->agent_id);
	buffer_puts(out, "</td></tr>\n");
	free(act);
	free(tasks);
}

/* Those that need somebody first; the others as they were begun. */
static void add_hosts(const struct html_run *run, struct buffer *out)
{
	const struct rescue_view *rescue = run->view->rescue;

	html_section(run, "hosts", "Hosts", out);
	buffer_puts(out,
		    "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"All hosts\"><table data-sort>"
		    "<caption>Those that are not done come first</caption><thead><tr><th scope=\"col\">Host</th><th "
		    "scope=\"col\">Outcome</th><th scope=\"col\">ID</th><th scope=\"col\">Tasks</th><th "
		    "scope=\"col\" class=\"n\">Took</th><th scope=\"col\">What</th><th scope=\"col\">Last word</th><th "
		    "scope=\"col\">Agent</th></tr></thead><tbody>\n");
	for (int done = 0; done < 2; done++)
		for (size_t i = 0; i < rescue->count; i++)
			if (rescued_host_is_done(&rescue->hosts[i]) == (done != 0))
				add_host(&rescue->hosts[i], out);
	buffer_puts(out, "</tbody></table></div></section>\n");
}

static void add_record(const struct html_run *run, struct buffer *out)
{
	const struct rescue_view *rescue = run->view->rescue;

	html_section(run, "events", "Step by step", out);
	buffer_puts(out, "<dl class=\"facts\">");
	html_term(out, "Chosen by", rescued_where(rescue));
	html_term(out, "Shown under", rescue->proposal);
	buffer_puts(out, "</dl>\n<ol class=\"steps\">\n");
	for (size_t i = 0; i < rescue->step_count; i++) {
		buffer_puts(out, "<li>");
		html_time(out, rescue->steps[i].time_ms);
		buffer_puts(out, " <b>");
		escape_html(out, rescue->steps[i].hostname ? rescue->steps[i].hostname : "");
		buffer_puts(out, "</b> ");
		escape_html(out, rescue->steps[i].text);
		buffer_puts(out, "</li>\n");
	}
	buffer_puts(out, "</ol></section>\n");
}

void html_rescue(const struct html_run *run, struct buffer *out)
{
	buffer_printf(out, "<section class=\"rescue\" id=\"r%zu\" aria-labelledby=\"r%zu-title\">\n", run->number,
		      run->number);
	add_hero(run, out);
	add_tiles(run->view->rescue, out);
	add_todo(run, out);
	add_hosts(run, out);
	add_record(run, out);
	html_ledger(run, out);
	buffer_puts(out, "</section>\n");
}
