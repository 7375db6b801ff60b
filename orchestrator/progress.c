/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/term.h"
#include "base/text.h"
#include "orchestrator/live_lines.h"
#include "orchestrator/report/countdown.h"

/* More lines than this would leave no room for what scrolls by. */
#define LIVE_LINES     12
#define BAR_WIDTH      24
/* Longer names than that are not lined up. */
#define NAME_WIDTH     28
/* Often enough for a clock with tenths of seconds. */
#define REDRAW_MS      100
/* Everything that is written at once. */
#define FRAME_MAX      (1u << 20)
/* Often enough to see that it is still so. */
#define MASTER_MS      10000
/* A terminal line of ours, in bytes. */
#define LINE_MAX_BYTES 1024

struct away {
	int64_t from_ms; /* wall clock */
	bool started;    /* its new process was seen */
};

struct progress {
	const struct plan *plan;
	bool quiet;
	bool live;
	int64_t drawn_ms;
	struct live_lines lines;
	int64_t began_ms;
	int name_width;              /* columns */
	enum agent_state *told;      /* by agent: the state that was printed last */
	struct away *away;           /* by agent, for its clocks */
	const struct engine *engine; /* of the last call */
	bool master_fails;           /* it has not answered since … */
	int64_t master_told_ms;      /* … and that was said last at this moment */
	char *reason;                /* why nothing is started, as it was said last; NULL: something is */
	struct driver_observer observer;
};

/* ---- words */

static void time_of_day(int64_t wall_ms, char out[16])
{
	time_t now = (time_t)(wall_ms / 1000);
	struct tm local;

	localtime_r(&now, &local);
	strftime(out, 16, "%H:%M:%S", &local);
}

static enum term_style style_of(enum agent_state state)
{
	if (state == AGENT_DONE)
		return TERM_GREEN;
	if (state == AGENT_REVERTED)
		return TERM_YELLOW;
	return agent_state_is_failure(state) ? TERM_RED : TERM_PLAIN;
}

/* Steps that only last a moment when all is well are not worth a line. */
static bool is_worth_a_line(const struct progress *progress, enum agent_state to)
{
	if (agent_state_is_final(to) || to == AGENT_UNKNOWN || to == AGENT_REVERTING)
		return true;
	return !progress->live && (to == AGENT_CHANGING || to == AGENT_RETURNING || to == AGENT_WAITING);
}

/* Of a run that starts nothing more this is all that goes on: how long it is waited for, where no live line counts that down. */
static void print_limit(struct progress *progress, const struct engine *engine, enum agent_state to)
{
	char until[16];

	if (progress->live || engine->state == RUN_RUNNING || (to != AGENT_RETURNING && to != AGENT_REVERTING))
		return;
	time_of_day(clock_wall_ms() + progress->plan->options.return_ms, until);
	buffer_printf(&progress->lines.frame, "  (waited for until %s; then it counts as stuck)", until);
}

static void print_step(struct progress *progress, const struct engine_record *record, const struct run_agent *row)
{
	/* What was known of it before we asked is not its answer. */
	char now[16], *detail = record->event == EVENT_RESUME ? xstrdup("") : progress_detail(row, record->to);
	char *shown = text_printable(detail, false);

	time_of_day(clock_wall_ms(), now);
	char *host = text_printable(progress->plan->agents[record->agent].hostname, false);

	buffer_printf(&progress->lines.frame, "%s %s  ", now, host);
	free(host);
	if (!progress->live) /* where the agent came from was on the screen */
		buffer_printf(&progress->lines.frame, "%s \u2192 ", agent_state_name(progress->told[record->agent]));
	buffer_printf(&progress->lines.frame, "%s%s%s%s%s", term_on(stderr, style_of(record->to)),
		      agent_state_name(record->to), term_off(stderr), *shown ? "  " : "", shown);
	print_limit(progress, progress->engine, record->to);
	buffer_putc(&progress->lines.frame, '\n');
	progress->told[record->agent] = record->to;
	free(shown);
	free(detail);
}

/* ---- the live lines */

/* Which clock runs out first, and when; "" while none runs. The caller's. */
static char *clocks_of(const struct progress *progress, const struct engine *engine, size_t index, int64_t now_ms)
{
	const struct away *away = &progress->away[index];
	const struct engine_agent *agent = &engine->agents[index];
	int64_t wall_ms = clock_wall_ms();
	const struct countdown clocks = {
		.state = agent->state,
		.since_ms = wall_ms - (now_ms - agent->since_ms),
		.away_from_ms = away->from_ms,
		.started = away->started,
		.unlisted = agent->unlisted,
	};

	return countdown_text(progress->plan, &progress->plan->agents[index], &clocks, wall_ms);
}

/* Lines need not be closed up, one by one, on a narrow terminal. */
int progress_name_width(const struct plan *plan)
{
	size_t widest = 0;

	for (size_t i = 0; i < plan->agent_count; i++) {
		size_t width = strlen(plan->agents[i].hostname);

		widest = width > widest ? width : widest;
	}
	return widest < NAME_WIDTH ? (int)widest : NAME_WIDTH;
}

static void draw_agent(struct progress *progress, const struct engine *engine, size_t index, int64_t now_ms)
{
	const struct engine_agent *agent = &engine->agents[index];
	char line[LINE_MAX_BYTES], span[CLOCK_TEXT_MAX], *clocks = clocks_of(progress, engine, index, now_ms);

	snprintf(line, sizeof(line), "  %-*s  %-9s for %s%s%s", progress->name_width,
		 progress->plan->agents[index].hostname, agent_state_name(agent->state),
		 clock_format_span(now_ms - agent->since_ms, span), *clocks ? ", " : "", clocks);
	live_draw(&progress->lines, line);
	free(clocks);
}

static bool is_stopping(const struct engine *engine)
{
	return engine->state == RUN_PAUSED || engine->state == RUN_ABORTED;
}

static const char *what_holds(const struct engine *engine)
{
	if (is_stopping(engine) && engine->wants_rollback)
		return "  stopping, to roll back: ";
	if (is_stopping(engine))
		return engine->state == RUN_PAUSED ? "  pausing: " : "  aborting: ";
	if (engine->holds)
		return "  waiting: ";
	if (engine_is_soaking(engine))
		return "  the stage soaks, left: ";
	return engine->gate_asked ? "  asking the stage's gates" : "";
}

static const char *reason_of(const struct engine *engine, int64_t now_ms, char span[CLOCK_TEXT_MAX])
{
	int64_t left_ms = engine->soak_since_ms + engine->options.stage_soak_ms - now_ms;

	if (is_stopping(engine))
		return engine->reason;
	if (engine->holds)
		return engine_hold_name((enum engine_hold)engine->holds);
	return engine_is_soaking(engine) ? clock_format_span(left_ms > 0 ? left_ms : 0, span) : "";
}

static size_t cells_of(size_t agents, size_t all)
{
	return all ? agents * BAR_WIDTH / all : BAR_WIDTH;
}

/* Full where agents are done, half where they have failed. */
static void draw_bar(struct progress *progress, const struct engine *engine, int64_t now_ms)
{
	char line[LINE_MAX_BYTES], bar[BAR_WIDTH * 3 + 1] = "", span[CLOCK_TEXT_MAX], left[CLOCK_TEXT_MAX];
	size_t done = (size_t)engine->by_state[AGENT_DONE], settled = done + (size_t)engine_failures(engine);
	size_t full = cells_of(done, engine->count), ended = cells_of(settled, engine->count), at = 0;

	for (size_t i = 0; i < BAR_WIDTH; i++)
		at += (size_t)snprintf(bar + at, sizeof(bar) - at, "%s",
				       i < full    ? "\u2588"
				       : i < ended ? "\u2592"
						   : "\u00b7");
	snprintf(line, sizeof(line), "%s  %d of %zu done, %d away, %d failed  %s%s%s", bar,
		 engine->by_state[AGENT_DONE], engine->count, engine->away, engine_failures(engine),
		 clock_format_span(now_ms - progress->began_ms, span), what_holds(engine),
		 reason_of(engine, now_ms, left));
	live_draw(&progress->lines, line);
}

static void draw(struct progress *progress, const struct engine *engine)
{
	int64_t now_ms = clock_monotonic_ms();
	size_t shown = engine->under_way_count < LIVE_LINES ? engine->under_way_count : LIVE_LINES;

	for (size_t i = 0; i < shown; i++)
		draw_agent(progress, engine, engine->under_way[i], now_ms);
	draw_bar(progress, engine, now_ms);
	progress->drawn_ms = now_ms;
}

/* ---- what the driver and the log tell us */

static void on_agent(void *ctx, const struct engine *engine, const struct engine_record *record,
		     const struct run_agent *row)
{
	struct progress *progress = ctx;

	progress->engine = engine;
	if (progress->told[record->agent] == AGENT_STATE_COUNT)
		progress->told[record->agent] = record->from;
	progress->away[record->agent] = (struct away){.from_ms = row->away_from_ms, .started = row->started != NULL};
	if (progress->quiet || record->from == record->to)
		return;
	if (progress->live)
		live_erase(&progress->lines);
	if (is_worth_a_line(progress, record->to) && progress->told[record->agent] != record->to)
		print_step(progress, record, row);
	if (progress->live)
		draw(progress, engine);
	live_write(&progress->lines);
}

/* Why nothing is started is worth one line. */
static bool is_said(struct progress *progress, const struct engine *engine)
{
	const char *reason = is_stopping(engine) ? engine->reason : NULL;
	bool same = reason == NULL || (progress->reason != NULL && strcmp(progress->reason, reason) == 0);

	free(progress->reason);
	progress->reason = reason != NULL ? xstrdup(reason) : NULL;
	return same;
}

static void on_run(void *ctx, const struct engine *engine)
{
	struct progress *progress = ctx;
	char now[16];

	progress->engine = engine;
	if (progress->quiet || is_said(progress, engine))
		return;
	if (progress->live)
		live_erase(&progress->lines);
	time_of_day(clock_wall_ms(), now);
	buffer_printf(&progress->lines.frame, "%s %snothing more is started: %s%s\n", now, term_on(stderr, TERM_YELLOW),
		      engine->reason, term_off(stderr));
	if (progress->live)
		draw(progress, engine);
	live_write(&progress->lines);
}

static void on_tick(void *ctx, const struct engine *engine, int64_t now_ms)
{
	struct progress *progress = ctx;

	progress->engine = engine;
	if (!progress->live || now_ms - progress->drawn_ms < REDRAW_MS)
		return;
	live_erase(&progress->lines);
	draw(progress, engine);
	live_write(&progress->lines);
}

static void say(struct progress *progress, const struct engine *engine, const char *text)
{
	char now[16], *shown = text_printable(text, false);

	if (progress->live)
		live_erase(&progress->lines);
	time_of_day(clock_wall_ms(), now);
	buffer_printf(&progress->lines.frame, "%s %s%s%s\n", now, term_on(stderr, TERM_YELLOW), shown,
		      term_off(stderr));
	if (progress->live)
		draw(progress, engine);
	live_write(&progress->lines);
	free(shown);
}

static void on_master(void *ctx, const struct engine *engine, const char *failure)
{
	struct progress *progress = ctx;
	int64_t now_ms = clock_monotonic_ms();
	bool first = failure && !progress->master_fails;
	char *text;

	progress->engine = engine;
	if (progress->quiet)
		return;
	if (!failure && progress->master_fails)
		say(progress, engine, "the master answers again");
	progress->master_fails = failure != NULL;
	if (!failure || (!first && now_ms - progress->master_told_ms < MASTER_MS))
		return;
	progress->master_told_ms = now_ms;
	text = xasprintf("waiting for the master: %.*s", (int)strcspn(failure, "\n"), failure);
	say(progress, engine, text);
	free(text);
}

static void on_say(void *ctx, const struct engine *engine, const char *text)
{
	struct progress *progress = ctx;

	progress->engine = engine;
	if (!progress->quiet)
		say(progress, engine, text);
}

static void on_log(enum log_level level, const char *line, void *ctx)
{
	struct progress *progress = ctx;

	(void)level;
	live_erase(&progress->lines);
	buffer_printf(&progress->lines.frame, "%s\n", line);
	if (progress->engine)
		draw(progress, progress->engine);
	live_write(&progress->lines);
}

struct progress *progress_new(const struct plan *plan, bool quiet)
{
	struct progress *progress = xcalloc(1, sizeof(*progress));
	const char *kind = getenv("TERM");

	*progress = (struct progress){
		.plan = plan,
		.quiet = quiet,
		.live = !quiet && isatty(STDERR_FILENO) && kind && strcmp(kind, "dumb") != 0,
		.began_ms = clock_monotonic_ms(),
		.name_width = progress_name_width(plan),
		.lines.frame = BUFFER_INIT(FRAME_MAX),
		.told = xcalloc(plan->agent_count + 1, sizeof(*progress->told)),
		.away = xcalloc(plan->agent_count + 1, sizeof(*progress->away)),
		.observer = {.agent = on_agent,
			     .run = on_run,
			     .tick = on_tick,
			     .master = on_master,
			     .say = on_say,
			     .ctx = progress},
	};
	for (size_t i = 0; i < plan->agent_count; i++)
		progress->told[i] = AGENT_STATE_COUNT;
	if (progress->live)
		log_set_hook(on_log, progress);
	return progress;
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	if (progress->live) {
		log_set_hook(NULL, NULL);
		live_erase(&progress->lines);
		live_write(&progress->lines);
	}
	buffer_clear(&progress->lines.frame);
	free(progress->reason);
	free(progress->told);
	free(progress->away);
	free(progress);
}

const struct driver_observer *progress_observer(const struct progress *progress)
{
	return &progress->observer;
}
