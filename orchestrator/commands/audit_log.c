/* SPDX-License-Identifier: Apache-2.0 */
/* audit log: what happened, as a question to the ledger. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "inventory/moment.h"
#include "orchestrator/audit/event_query.h"
#include "orchestrator/audit/sentence.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/output.h"

struct log_options {
	const char *where, *agent, *kind, *since, *until;
};

struct view {
	struct table *table;
	json_t *events; /* NULL: not wanted */
	size_t count;
};

static void add_row(struct view *view, const struct event_row *row, const char *text)
{
	const struct ledger_entry *entry = &row->entry;
	char time[CLOCK_TEXT_MAX], seq[32];
	const char *whom = row->hostname ? row->hostname : entry->agent_id ? entry->agent_id : "";
	const char *cells[] = {clock_format(entry->time_ms, time),
			       seq,
			       entry->actor,
			       entry->run ? entry->run : "",
			       whom,
			       entry->kind,
			       text};

	snprintf(seq, sizeof(seq), "%" PRId64, entry->seq);
	table_add(view->table, cells);
}

static int show_event(void *ctx, const struct event_row *row, struct error *err)
{
	struct view *view = ctx;
	const struct ledger_entry *entry = &row->entry;
	json_t *body = json_loadb(entry->body ? entry->body : "", entry->body_len, 0, NULL);
	char *text = event_sentence(entry->kind, body);

	(void)err;
	view->count++;
	if (view->events)
		json_array_append_new(view->events,
				      json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:O?, s:s}", "seq",
						(json_int_t)entry->seq, "time", output_time(entry->time_ms), "actor",
						output_text(entry->actor), "run", output_text(entry->run), "agent",
						output_text(entry->agent_id), "hostname", output_text(row->hostname),
						"kind", output_text(entry->kind), "text", output_text(text), "body",
						body, "hash", entry->hash));
	else
		add_row(view, row, text);
	free(text);
	json_decref(body);
	return 0;
}

/* "latest" is a run's name too; a rescue's is in no table. */
static int name_run(struct session *session, const char *name, char **out)
{
	struct run_row row;

	if (strcmp(name, "latest") != 0 && ledger_has_events_of(session->store, name)) {
		*out = xstrdup(name);
		return 0;
	}
	if (ledger_find_run(session->store, name, &row, &session->error) < 0)
		return -1;
	*out = xstrdup(row.id);
	run_row_clear(&row);
	return 0;
}

static int read_times(struct session *session, const struct log_options *options, struct event_filter *filter)
{
	int64_t now_ms = clock_wall_ms();

	if (options->since && moment_parse("--since", options->since, now_ms, &filter->since_ms, &session->error) < 0)
		return -1;
	if (options->until && moment_parse("--until", options->until, now_ms, &filter->until_ms, &session->error) < 0)
		return -1;
	return 0;
}

static int show(struct session *session, const struct event_filter *filter)
{
	static const char *const headings[] = {"TIME", "SEQ", "WHO", "RUN", "AGENT", "KIND", "WHAT"};
	struct view view = {.table = table_new(headings, 7), .events = session->json ? json_array() : NULL};
	int result = event_query(session->store, filter, show_event, &view, &session->error);

	if (result == 0 && session->json)
		output_json(json_pack("{s:O}", "events", view.events));
	else if (result == 0 && view.count)
		table_print(view.table, stdout);
	else if (result == 0)
		puts("There is no such event.");
	table_free(view.table);
	json_decref(view.events);
	return result;
}

/* A name with a typo in it has no events either, and that is not what was asked. */
static int check_agent(struct session *session, const char *agent)
{
	char *near = NULL;
	int known = event_agent_is_known(session->store, agent, &near, &session->error);

	if (known == 0)
		error_set(
			&session->error, ERROR_USAGE,
			"--agent %s: there is no such agent, and no event of one%s%s%s; `rollcall inventory list` shows "
			"them",
			agent, near ? ". Did you mean " : "", near ? near : "", near ? "?" : "");
	free(near);
	return known > 0 ? 0 : -1;
}

static int check_kind(struct session *session, const char *kind)
{
	int known = event_kind_is_known(session->store, kind, &session->error);

	if (known == 0)
		error_set(
			&session->error, ERROR_USAGE,
			"--kind %s: there is no such kind of event; `rollcall audit log` shows those that happened in "
			"its column KIND",
			kind);
	return known > 0 ? 0 : -1;
}

static int show_log(struct session *session, const char *run_name, const struct log_options *options)
{
	struct event_filter filter = {.agent = options->agent, .kind = options->kind};
	struct selector *where = NULL;
	char *run = NULL;
	int result = session_store(session) ? read_times(session, options, &filter) : -1;

	if (result == 0 && options->where) {
		where = selector_parse_events("--where", options->where, &session->error);
		result = where ? 0 : -1;
	}
	if (result == 0 && options->agent)
		result = check_agent(session, options->agent);
	if (result == 0 && options->kind)
		result = check_kind(session, options->kind);
	if (result == 0 && run_name)
		result = name_run(session, run_name, &run);
	filter.where = where;
	filter.run = run;
	if (result == 0)
		result = show(session, &filter);
	selector_free(where);
	free(run);
	return result;
}

int command_audit_log(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct log_options options = {.where = NULL};
	const struct option own[] = {
		{"where", 0, OPTION_STRING, &options.where, "EXPR", "only events that match", 0, 0},
		{"agent", 0, OPTION_STRING, &options.agent, "AGENT",
		 "only of this agent: its ID, the beginning of one, or a hostname", 0, 0},
		{"kind", 0, OPTION_STRING, &options.kind, "KIND",
		 "only of this kind, and of those below it (run, inventory, agent…)", 0, 0},
		{"since", 0, OPTION_STRING, &options.since, "TIME", "a date, or how long ago (2h, 7d)", 0, 0},
		{"until", 0, OPTION_STRING, &options.until, "TIME", "the same", 0, 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(ctx, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = show_log(ctx, operands.count ? operands.items[0] : NULL, &options);
	arguments_clear(&operands);
	return result;
}
