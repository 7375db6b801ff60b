/* SPDX-License-Identifier: Apache-2.0 */
/* rollout watch: a run as it goes on, from the database alone, whoever drives it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/term.h"
#include "base/text.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/rollout.h"
#include "orchestrator/driver/drive.h"
#include "orchestrator/driver/order.h"
#include "orchestrator/live_lines.h"
#include "orchestrator/output.h"
#include "orchestrator/progress.h"
#include "orchestrator/report/countdown.h"
#include "orchestrator/report/run_notes.h"
#include "orchestrator/report/run_view.h"

/* Often enough for a display that counts seconds; the database is only read again when somebody has written to it. */
#define LOOK_MS    300
/* Whoever takes over from a driver that has just ended needs a moment. */
#define ALONE_MS   3000
/* More lines than this would leave no room for what scrolls by. */
#define LIVE_LINES 12
#define FRAME_MAX  (1u << 20)

struct watch {
	struct session *session;
	const char *run;
	bool live;        /* drawn in place */
	int64_t last_seq; /* of the last event that was told */
	int64_t version;  /* of the database when it was read last */
	struct run_view view;
	bool has_view;
	int64_t alone_since_ms; /* 0: somebody drives it */
	struct live_lines lines;
};

/* ---- what has happened */

static const char *hostname_of(const struct watch *watch, const char *agent_id)
{
	for (size_t i = 0; agent_id && i < watch->view.count; i++)
		if (strcmp(watch->view.rows[i].agent_id, agent_id) == 0)
			return watch->view.rows[i].hostname;
	return agent_id ? agent_id : "";
}

static const char *text_of(const json_t *body, const char *key)
{
	const char *text = json_string_value(json_object_get(body, key));

	return text ? text : "";
}

/* What is worth a line; NULL otherwise. The caller's. */
static char *tell_event(const struct watch *watch, const struct ledger_entry *entry, const json_t *body)
{
	const char *hostname = hostname_of(watch, entry->agent_id), *note = text_of(body, "note");

	if (strcmp(entry->kind, "agent") == 0 && strcmp(text_of(body, "from"), text_of(body, "to")) != 0)
		return xasprintf("%s  %s \u2192 %s%s%.*s", hostname, text_of(body, "from"), text_of(body, "to"),
				 *note ? "  " : "", (int)strcspn(note, "\n"), note);
	if (strcmp(entry->kind, "gate") == 0)
		return xasprintf("gate after %s%s: %s: %s (%s)", entry->agent_id ? hostname : "stage ",
				 entry->agent_id ? "" : text_of(body, "stage_name"), text_of(body, "answer"),
				 text_of(body, "gate"), text_of(body, "seen"));
	return run_note_text(entry->kind, body);
}

static int on_event(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	struct watch *watch = ctx;
	char time[CLOCK_TEXT_MAX];

	(void)err;
	if (entry->seq <= watch->last_seq)
		return 0;
	watch->last_seq = entry->seq;
	json_t *body = json_loadb(entry->body, entry->body_len, 0, NULL);
	char *text = tell_event(watch, entry, body), *shown = text ? text_printable(text, false) : NULL;

	if (shown)
		buffer_printf(&watch->lines.frame, "%.8s %s\n", clock_format(entry->time_ms, time) + 11, shown);
	free(shown);
	free(text);
	json_decref(body);
	return 0;
}

/* ---- the live lines */

static void draw_agent(struct watch *watch, const struct agent_result *agent, int64_t now_ms)
{
	const struct countdown of = countdown_of(&watch->view, agent);
	char *clocks = countdown_text(&watch->view.plan, agent->planned, &of, now_ms);
	char *line = xasprintf("  %-*s  %-9s  %s", progress_name_width(&watch->view.plan), agent->row->hostname,
			       agent->row->state, clocks);

	live_draw(&watch->lines, line);
	free(line);
	free(clocks);
}

static void draw_sum(struct watch *watch)
{
	const struct run_view *view = &watch->view;
	char *line = xasprintf("Run %s: %s%s%s, %d of %zu done, %d failed%s", view->run.id, view->run.state,
			       view->run.reason ? ": " : "", view->run.reason ? view->run.reason : "",
			       view->by_state[AGENT_DONE], view->count, run_view_failures(view),
			       watch->alone_since_ms ? "; nobody drives it" : "");

	live_draw(&watch->lines, line);
	free(line);
}

static void draw(struct watch *watch)
{
	int shown = 0;

	watch->view.driven = watch->alone_since_ms == 0;
	for (size_t i = 0; i < watch->view.count && shown < LIVE_LINES; i++) {
		if (!agent_state_is_under_way(watch->view.agents[i].state))
			continue;
		draw_agent(watch, &watch->view.agents[i], clock_wall_ms());
		shown++;
	}
	draw_sum(watch);
}

/* ---- looking */

static int read_view(struct watch *watch)
{
	struct session *session = watch->session;
	struct store *store = session_store(session);
	struct run_view view;
	int64_t version = 0;

	if (ledger_version(store, &version, &session->error) < 0)
		return -1;
	if (watch->has_view && version == watch->version)
		return 0;
	if (run_view_load(store, watch->run, clock_wall_ms(), &view, &session->error) < 0)
		return -1;
	if (watch->has_view)
		run_view_clear(&watch->view);
	watch->view = view;
	watch->view.program = session_program(session);
	watch->has_view = true;
	watch->version = version;
	return ledger_run_events(store, watch->run, on_event, watch, &session->error);
}

static bool is_state(const struct watch *watch, enum run_state state)
{
	return strcmp(watch->view.run.state, run_state_name(state)) == 0;
}

/* Nothing more happens: it is over, or has paused, or nobody drives it and nobody takes it over. */
static bool is_over(struct watch *watch)
{
	int64_t now = clock_monotonic_ms();

	if (order_is_driven(watch->session, watch->run, NULL)) {
		watch->alone_since_ms = 0;
		return false;
	}
	if (watch->alone_since_ms == 0)
		watch->alone_since_ms = now;
	return !is_state(watch, RUN_RUNNING) || now - watch->alone_since_ms >= ALONE_MS;
}

static int look(struct watch *watch)
{
	if (watch->live)
		live_erase(&watch->lines);
	if (read_view(watch) < 0)
		return -1;
	if (watch->live)
		draw(watch);
	live_write(&watch->lines);
	return 0;
}

/* The last commit of a driver may come between reading and finding that it has gone: so it is read once more. */
static int watch_on(struct watch *watch)
{
	if (look(watch) < 0)
		return -1;
	while (!is_over(watch)) {
		usleep(LOOK_MS * 1000);
		if (look(watch) < 0)
			return -1;
	}
	return look(watch);
}

static int show_end(struct watch *watch)
{
	const struct run_view *view = &watch->view;

	if (watch->live)
		live_erase(&watch->lines);
	live_write(&watch->lines);
	if (watch->session->json)
		output_json(run_view_status(view));
	else
		run_view_print_roll(view, false, stdout);
	if (!watch->session->json && watch->alone_since_ms)
		rollout_say_left(watch->session, view);
	return drive_judge(view, &watch->session->error);
}

static int watch_run(struct session *session, const char *name)
{
	struct run_row run;
	const char *kind = getenv("TERM");

	if (!session_run_store(session) || ledger_find_run(session_store(session), name, &run, &session->error) < 0)
		return -1;
	struct watch watch = {
		.session = session,
		.run = run.id,
		.live = !session->quiet && isatty(STDERR_FILENO) && kind && strcmp(kind, "dumb") != 0,
		.lines.frame = BUFFER_INIT(FRAME_MAX),
	};
	int result = watch_on(&watch);
	if (result == 0)
		result = show_end(&watch);
	if (watch.has_view)
		run_view_clear(&watch.view);
	buffer_clear(&watch.lines.frame);
	run_row_clear(&run);
	return result;
}

int command_rollout_watch(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = watch_run(session, operands.items[0]);
	arguments_clear(&operands);
	return result;
}
