/* SPDX-License-Identifier: Apache-2.0 */
/* The report of a rescue: what was wanted, what became of each host, and every step. Its page is in html_rescue.c. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "base/text.h"
#include "orchestrator/output.h"
#include "orchestrator/report/escape.h"
#include "orchestrator/report/rescue_view.h"

char *rescue_verdict(const struct rescue_view *rescue)
{
	size_t done = rescue_view_done(rescue), open = rescue->count - done;
	char *hosts = count_text((int64_t)rescue->count, "host"), *text;

	if (open == 0)
		text = xasprintf("Of %s all are done: each agent is proven to run with its ID.", hosts);
	else
		text = xasprintf("Of %s %zu %s done, %zu %s not: see below why, and look again with `rollcall rescue`.",
				 hosts, done, done == 1 ? "is" : "are", open, open == 1 ? "is" : "are");
	free(hosts);
	return text;
}

const char *rescued_where(const struct rescue_view *rescue)
{
	return rescue->where ? rescue->where : "(every agent)";
}

char *rescued_host_act(const struct rescued_host *host)
{
	if (host->act && strcmp(host->act, "settle") == 0)
		return xstrdup("settle an open operation");
	if (strcmp(host->end, "refused") == 0)
		return xstrdup("nothing");
	return xasprintf("start the agent again%s%s", host->change ? "; " : "", host->change ? host->change : "");
}

const char *rescued_host_end(const struct rescued_host *host)
{
	if (strcmp(host->end, "done") == 0 && !host->proven)
		return "NOT proven";
	return strcmp(host->end, "refused") == 0 ? "not rescued" : host->end;
}

const char *rescued_host_id(const struct rescued_host *host)
{
	if (!host->id_after)
		return "-";
	return strcmp(host->id_after, host->agent_id) == 0 ? "same" : "NEW";
}

char *rescued_host_tasks(const struct rescued_host *host)
{
	if (host->judged)
		return xasprintf("%" PRId64 " of %" PRId64 " run", host->tasks_running, host->tasks);
	return xstrdup("not known");
}

/* ---- text */

static void fact(FILE *stream, const char *name, const char *value)
{
	char *shown = text_printable(value ? value : "-", false);

	fprintf(stream, "  %-14s %s\n", name, shown);
	free(shown);
}

static void print_hosts(const struct rescue_view *rescue, FILE *stream)
{
	static const char *const headings[] = {"HOST", "AGENT", "WHAT", "OUTCOME", "ID", "TASKS", "TOOK", ""};
	struct table *table = table_new(headings, sizeof headings / sizeof *headings);

	table_align_right(table, 6);
	for (size_t i = 0; i < rescue->count; i++) {
		const struct rescued_host *host = &rescue->hosts[i];
		char *tasks = rescued_host_tasks(host), *act = rescued_host_act(host), took[CLOCK_TEXT_MAX];
		const char *cells[] = {host->hostname,
				       host->agent_id,
				       act,
				       rescued_host_end(host),
				       rescued_host_id(host),
				       tasks,
				       clock_format_span(host->until_ms - host->from_ms, took),
				       host->said ? host->said : ""};

		table_add(table, cells);
		free(tasks);
		free(act);
	}
	table_print(table, stream);
	table_free(table);
}

static void print_steps(const struct rescue_view *rescue, FILE *stream)
{
	for (size_t i = 0; i < rescue->step_count; i++) {
		const struct rescue_step *step = &rescue->steps[i];
		char time[CLOCK_TEXT_MAX], *line, *shown;

		line = xasprintf("%s%s%s", step->hostname ? step->hostname : "", step->hostname ? ": " : "",
				 step->text);
		shown = text_printable(line, false);
		fprintf(stream, "  %s  %s\n", clock_format(step->time_ms, time), shown);
		free(line);
		free(shown);
	}
}

void rescue_report_text(const struct run_view *view, FILE *stream)
{
	const struct rescue_view *rescue = view->rescue;
	char *verdict = rescue_verdict(rescue), time[CLOCK_TEXT_MAX];

	fprintf(stream, "%sRescue %s on cluster %s%s\n\n%s\n", term_on(stream, TERM_BOLD), view->run.id,
		rescue->cluster ? rescue->cluster : "?", term_off(stream), verdict);
	fprintf(stream, "\n%sWho, when, what (times are UTC)%s\n", term_on(stream, TERM_BOLD), term_off(stream));
	fact(stream, "started by", rescue->actor);
	fact(stream, "started", rescue->begun_ms ? clock_format(rescue->begun_ms, time) : NULL);
	fact(stream, "last event", clock_format(rescue->last_ms, time));
	fact(stream, "chosen by", rescued_where(rescue));
	fact(stream, "shown under", rescue->proposal);
	fprintf(stream, "\n%sHosts%s\n", term_on(stream, TERM_BOLD), term_off(stream));
	print_hosts(rescue, stream);
	fprintf(stream, "\n%sStep by step%s\n", term_on(stream, TERM_BOLD), term_off(stream));
	print_steps(rescue, stream);
	fprintf(stream, "\n%sLedger%s\n", term_on(stream, TERM_BOLD), term_off(stream));
	fact(stream, "head", view->head);
	fact(stream, "its last event", view->run_hash);
	free(verdict);
}

/* ---- markdown */

static void add_cell(struct buffer *out, const char *text)
{
	buffer_puts(out, " | ");
	escape_markdown(out, text);
}

/* Of our own words nothing is to be escaped. */
static void add_words(struct buffer *out, const char *text)
{
	buffer_printf(out, " | %s", text);
}

void rescue_report_markdown(const struct run_view *view, struct buffer *out)
{
	const struct rescue_view *rescue = view->rescue;
	char *verdict = rescue_verdict(rescue), time[CLOCK_TEXT_MAX];

	buffer_puts(out, "## Rescue ");
	escape_markdown(out, view->run.id);
	buffer_puts(out, "\n\n");
	buffer_puts(out, verdict); /* our own words, and numbers */
	buffer_puts(out, "\n\nStarted by ");
	escape_markdown(out, rescue->actor);
	buffer_printf(out, ", %s; chosen by ", rescue->begun_ms ? clock_format(rescue->begun_ms, time) : "?");
	escape_markdown(out, rescued_where(rescue));
	buffer_puts(out, ". Ledger's head: ");
	escape_markdown(out, view->head);
	buffer_puts(out,
		    ".\n\n| Host | Agent | What | Outcome | ID | Tasks | Last word |\n|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < rescue->count; i++) {
		const struct rescued_host *host = &rescue->hosts[i];
		char *tasks = rescued_host_tasks(host), *act = rescued_host_act(host);

		buffer_puts(out, "| ");
		escape_markdown(out, host->hostname);
		add_cell(out, host->agent_id);
		add_cell(out, act);
		add_words(out, rescued_host_end(host));
		add_words(out, rescued_host_id(host));
		add_words(out, tasks);
		add_cell(out, host->said);
		buffer_puts(out, " |\n");
		free(tasks);
		free(act);
	}
	buffer_putc(out, '\n');
	free(verdict);
}

/* ---- CSV */

static void add_field(const char *text, struct buffer *out)
{
	buffer_putc(out, ',');
	escape_csv(out, text);
}

static void add_line(const char *name, const struct rescued_host *host, struct buffer *out)
{
	char from[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];
	const char *id = host->id_after;

	escape_csv(out, name);
	add_field(host->agent_id, out);
	add_field(host->hostname, out);
	add_field(host->act, out);
	add_field(host->gives_way, out);
	add_field(host->change, out);
	add_field(host->end, out);
	add_field(!host->judged ? "" : host->proven ? "yes" : "no", out);
	add_field(id, out);
	add_field(!id ? "" : strcmp(id, host->agent_id) == 0 ? "yes" : "no", out);
	if (host->judged)
		buffer_printf(out, ",%" PRId64 ",%" PRId64, host->tasks, host->tasks_running);
	else
		buffer_puts(out, ",,");
	add_field(clock_format(host->from_ms, from), out);
	add_field(clock_format(host->until_ms, until), out);
	add_field(host->operation, out);
	add_field(host->said, out);
	buffer_puts(out, "\r\n");
}

void rescue_report_csv(const struct run_view *view, struct buffer *out)
{
	buffer_puts(out, "run,agent_id,hostname,act,gives_way,change,state,proven,id_after,same_id,tasks,tasks_running,"
			 "from,until,operation,said\r\n");
	for (size_t i = 0; i < view->rescue->count; i++)
		add_line(view->run.id, &view->rescue->hosts[i], out);
}

/* ---- JSON */

static json_t *tasks_to_json(const struct rescued_host *host, int64_t count)
{
	return host->judged ? json_integer((json_int_t)count) : json_null();
}

static json_t *host_to_json(const struct rescued_host *host)
{
	return json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "agent", host->agent_id,
		"hostname", host->hostname, "act", output_text(host->act), "gives_way", output_text(host->gives_way),
		"changes", host->changes ? json_incref(host->changes) : json_array(), "operation",
		output_text(host->operation), "end", host->end, "said", output_text(host->said), "proven",
		host->judged ? json_boolean(host->proven) : json_null(), "id_after", output_text(host->id_after),
		"tasks", tasks_to_json(host, host->tasks), "tasks_running", tasks_to_json(host, host->tasks_running),
		"from", output_time(host->from_ms), "until", output_time(host->until_ms));
}

json_t *rescue_report_json(const struct run_view *view)
{
	const struct rescue_view *rescue = view->rescue;
	json_t *hosts = json_array(), *steps = json_array();

	for (size_t i = 0; i < rescue->count; i++)
		json_array_append_new(hosts, host_to_json(&rescue->hosts[i]));
	for (size_t i = 0; i < rescue->step_count; i++) {
		const struct rescue_step *step = &rescue->steps[i];

		json_array_append_new(steps, json_pack("{s:o, s:o, s:s}", "time", output_time(step->time_ms),
						       "hostname", output_text(step->hostname), "text", step->text));
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:{s:s, s:s}}", "rescue",
			 view->run.id, "cluster", output_text(rescue->cluster), "where", output_text(rescue->where),
			 "proposal", output_text(rescue->proposal), "started_by", output_text(rescue->actor), "started",
			 output_time(rescue->begun_ms), "last_event", output_time(rescue->last_ms), "hosts_total",
			 (json_int_t)rescue->count, "hosts_done", (json_int_t)rescue_view_done(rescue), "hosts", hosts,
			 "steps", steps, "ledger", "head", view->head, "run_last_event", view->run_hash);
}
