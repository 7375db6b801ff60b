/* SPDX-License-Identifier: Apache-2.0 */
/* A rescue's proposal, and what became of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "base/text.h"
#include "orchestrator/output.h"
#include "orchestrator/rescue/rescue.h"

#define LINE_MAX_BYTES 65536

static const char *const act_names[] = {"none", "rescue", "settle"};
static const char *const end_names[] = {"pending", "done", "failed", "unknown"};

/* "rack r1 → r9, mem 4096 → 2048" */
static void print_changes(const struct rescue_host *host, struct buffer *out)
{
	for (size_t i = 0; i < host->changes.count; i++) {
		const struct slaveinfo_change *change = &host->changes.items[i];

		buffer_printf(out, "%s%s %s → %s", i == 0 ? "" : ", ", change->what,
			      change->before ? change->before : "(none)", change->after ? change->after : "(none)");
	}
}

static void print_time_left(const struct rescue_host *host, struct buffer *out)
{
	char least[CLOCK_TEXT_MAX], most[CLOCK_TEXT_MAX];

	if (!host->has_life) {
		buffer_puts(out, "-");
		return;
	}
	buffer_printf(out, "%lld of %lld", (long long)host->alive, (long long)host->tasks);
	if (host->alive == 0)
		return;
	if (host->left_most_ms == 0)
		buffer_puts(out, ", about to end");
	else if (host->left_least_ms == 0)
		buffer_printf(out, ", at most %s left", clock_format_span(host->left_most_ms, most));
	else
		buffer_printf(out, ", %s to %s left", clock_format_span(host->left_least_ms, least),
			      clock_format_span(host->left_most_ms, most));
}

static void add_act(struct table *table, const struct rescue *rescue, const struct rescue_host *host)
{
	struct buffer what = BUFFER_INIT(LINE_MAX_BYTES), left = BUFFER_INIT(256);

	if (host->act == RESCUE_SETTLE) {
		buffer_printf(&what, "operation %.8s is still open: it is settled", host->operation);
	} else {
		buffer_puts(&what, rescue->options.by_flags ? "flags fit the checkpoint" : "checkpoint fits the flags");
		if (host->changes.count > 0)
			buffer_puts(&what, ": ");
		print_changes(host, &what);
	}
	print_time_left(host, &left);
	const char *cells[] = {host->agent->view.hostname, host->agent->view.id, buffer_text(&what),
			       buffer_text(&left)};
	table_add(table, cells);
	buffer_clear(&left);
	buffer_clear(&what);
}

static void print_acts(const struct rescue *rescue)
{
	static const char *const headings[] = {"HOST", "AGENT", "WHAT IS DONE", "EXECUTORS ALIVE"};
	struct table *table = table_new(headings, 4);

	for (size_t i = 0; i < rescue->count; i++)
		if (rescue->hosts[i].act != RESCUE_NONE)
			add_act(table, rescue, &rescue->hosts[i]);
	table_print(table, stdout);
	table_free(table);
}

static void print_others(const struct rescue *rescue)
{
	static const char *const headings[] = {"HOST", "NOT RESCUED, BECAUSE"};
	struct table *table = table_new(headings, 2);
	size_t count = 0;

	for (size_t i = 0; i < rescue->count; i++) {
		const struct rescue_host *host = &rescue->hosts[i];
		const char *cells[] = {host->agent->view.hostname, host->why};

		if (host->act != RESCUE_NONE)
			continue;
		count++;
		table_add(table, cells);
		table_set_style(table, 1, host->runs ? TERM_DIM : TERM_YELLOW);
	}
	if (count > 0) {
		putchar('\n');
		table_print(table, stdout);
	}
	table_free(table);
}

/* Whose hosts they are, each database once. */
static void print_foreign(const struct rescue *rescue)
{
	const char *last = "";

	for (size_t i = 0; i < rescue->count; i++) {
		const struct rescue_host *host = &rescue->hosts[i];

		if (host->act == RESCUE_NONE || !host->foreign || strcmp(host->foreign, last) == 0)
			continue;
		printf("%s %s", *last ? "," : "\nDriven by another database until now:", host->foreign);
		last = host->foreign;
	}
	if (*last)
		puts(".\n--adopt takes such hosts over: only when nobody uses that database any more.");
	if (rescue_count_ahead(rescue) > 0)
		puts("\nHosts have obeyed this database since the copy was made that it was restored from: --adopt goes on "
		     "from there.");
}

static void print_command(const struct rescue *rescue)
{
	char *command = rescue_command(rescue, true);

	printf("\nNothing was changed. To do it:\n\n    %s\n", command);
	free(command);
}

/* Of whom the master was asked. */
static char *tasks_text(const struct rescue_host *host)
{
	return host->judged ? xasprintf("%zu of %zu run", host->tasks_running, host->task_count) : xstrdup("not known");
}

static const char *end_of(const struct rescue_host *host)
{
	return rescue_host_is_refused(host) ? "refused" : end_names[host->end];
}

static void add_end(struct table *table, const struct rescue_host *host)
{
	static const enum term_style styles[] = {TERM_YELLOW, TERM_GREEN, TERM_RED, TERM_YELLOW};
	bool refused = rescue_host_is_refused(host);
	const char *words = refused ? host->why : host->said;
	char *tasks = tasks_text(host);
	const char *cells[] = {host->agent->view.hostname, refused ? "not rescued" : end_of(host), tasks,
			       words ? words : ""};

	table_add(table, cells);
	table_set_style(table, 1, styles[host->end]);
	free(tasks);
}

static void print_ends(const struct rescue *rescue)
{
	static const char *const headings[] = {"HOST", "OUTCOME", "TASKS", "WHAT BECAME OF IT"};
	struct table *table = table_new(headings, 4);

	for (size_t i = 0; i < rescue->count; i++)
		if (rescue->hosts[i].act != RESCUE_NONE || rescue_host_is_refused(&rescue->hosts[i]))
			add_end(table, &rescue->hosts[i]);
	table_print(table, stdout);
	table_free(table);
}

/* Hosts in a row with the same to do share a line. */
static size_t print_next_of(const struct rescue *rescue, size_t first, const char *what)
{
	struct buffer text = BUFFER_INIT(LINE_MAX_BYTES);
	bool same = true;
	size_t end = first;

	while (same) {
		buffer_printf(&text, "%s%s", end > first ? ", " : "  - ", rescue->hosts[end].agent->view.hostname);
		char *next = ++end < rescue->count ? rescue_next(rescue, &rescue->hosts[end]) : NULL;

		same = next && strcmp(next, what) == 0;
		free(next);
	}
	char *names = text_printable(buffer_text(&text), false);

	printf("%s: %s\n", names, what);
	free(names);
	buffer_clear(&text);
	return end;
}

static void print_next(const struct rescue *rescue)
{
	size_t told = 0;

	for (size_t i = 0; i < rescue->count;) {
		char *next = rescue_next(rescue, &rescue->hosts[i]);

		if (next && told++ == 0)
			puts("\nWhat to do next");
		i = next ? print_next_of(rescue, i, next) : i + 1;
		free(next);
	}
}

static void print_report(const struct rescue *rescue)
{
	struct buffer program = BUFFER_INIT(LINE_MAX_BYTES);
	char name[RESCUE_NAME_SIZE];

	rescue_name(rescue, name);
	output_program(rescue->session, &program);
	printf("\nWhat was done, step by step:\n    %s audit report %s\n", buffer_text(&program), name);
	buffer_clear(&program);
}

static void print_outcome(const struct rescue *rescue)
{
	bool acted = rescue_count_acts(rescue) > 0;

	if (!acted && rescue_count_refused(rescue) == 0) {
		puts("There was nothing to rescue.");
		return;
	}
	print_ends(rescue);
	print_next(rescue);
	if (acted)
		print_report(rescue);
}

void rescue_print(const struct rescue *rescue, bool carried_out)
{
	size_t acts = rescue_count_acts(rescue);

	if (carried_out) {
		print_outcome(rescue);
		return;
	}
	if (acts > 0)
		print_acts(rescue);
	else if (rescue_count_refused(rescue) > 0)
		puts("Nothing is to be done from here now: read why below.");
	else
		puts("There is nothing to rescue.");
	print_others(rescue);
	print_foreign(rescue);
	if (acts > 0)
		print_command(rescue);
}

/* ---- for programs */

json_t *rescue_changes_to_json(const struct rescue_host *host)
{
	json_t *array = json_array();

	for (size_t i = 0; i < host->changes.count; i++) {
		const struct slaveinfo_change *change = &host->changes.items[i];

		json_array_append_new(array,
				      json_pack("{s:s,s:o,s:o,s:o}", "part", slaveinfo_part_name(change->part), "what",
						output_text(change->what), "before", output_text(change->before),
						"after", output_text(change->after)));
	}
	return array;
}

static json_t *life_to_json(const struct rescue_host *host)
{
	if (!host->has_life)
		return json_null();
	return json_pack("{s:I,s:I,s:I,s:I}", "tasks", (json_int_t)host->tasks, "alive", (json_int_t)host->alive,
			 "left_least_ms", (json_int_t)host->left_least_ms, "left_most_ms",
			 (json_int_t)host->left_most_ms);
}

static json_t *host_to_json(const struct rescue *rescue, const struct rescue_host *host, bool carried_out)
{
	char *next = carried_out ? rescue_next(rescue, host) : NULL;
	json_t *object = json_pack("{s:o,s:o,s:s,s:o,s:o,s:b,s:o,s:o,s:o,s:o}", "id", output_text(host->agent->view.id),
				   "hostname", output_text(host->agent->view.hostname), "act", act_names[host->act],
				   "why_not", output_text(host->why), "driven_by", output_text(host->foreign), "runs",
				   host->runs, "differs", slaveinfo_parts_to_json(host->differs), "changes",
				   rescue_changes_to_json(host), "life", life_to_json(host), "operation",
				   output_text(host->operation[0] ? host->operation : NULL));

	if (carried_out && rescue_host_is_refused(host)) {
		json_object_set_new(object, "state", json_string(end_of(host)));
		json_object_set_new(object, "next", output_text(next));
	}
	if (carried_out && host->act != RESCUE_NONE) {
		json_object_set_new(object, "state", json_string(end_of(host)));
		json_object_set_new(object, "said", output_text(host->said));
		json_object_set_new(object, "next", output_text(next));
		json_object_set_new(object, "id_after", output_text(host->id_after));
		json_object_set_new(object, "tasks", json_integer((json_int_t)host->task_count));
		json_object_set_new(object, "tasks_running",
				    host->judged ? json_integer((json_int_t)host->tasks_running) : json_null());
	}
	free(next);
	return object;
}

json_t *rescue_to_json(const struct rescue *rescue, bool carried_out)
{
	json_t *hosts = json_array();

	for (size_t i = 0; i < rescue->count; i++)
		json_array_append_new(hosts, host_to_json(rescue, &rescue->hosts[i], carried_out));
	return json_pack("{s:s,s:s?,s:s,s:s,s:b,s:o}", "cluster", rescue->session->cluster->name, "where",
			 rescue->options.where, "gives_way", rescue->options.by_flags ? "flags" : "checkpoint",
			 "proposal", rescue->hash, "carried_out", carried_out, "hosts", hosts);
}
