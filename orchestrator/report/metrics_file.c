/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/metrics_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "orchestrator/report/prometheus.h"
#include "orchestrator/report/run_view.h"

/* A collector reads every ten seconds or more rarely. */
#define WRITE_EACH_MS 5000

struct metrics_file {
	struct store *store;
	const struct plan *plan;
	const char *run, *path;
	const struct driver_observer *next;
	struct driver_observer own;
	struct metrics_agent *agents;
	int64_t created_ms, progress_ms;
	int64_t wrote_ms; /* monotonic; 0: not yet */
	bool complained;
};

static void replace_file(struct metrics_file *file, const struct run_metrics *metrics)
{
	struct buffer text = BUFFER_INIT(PROMETHEUS_MAX);
	struct error err = ERROR_INIT;

	file->wrote_ms = clock_monotonic_ms();
	prometheus_write(metrics, &text);
	if (file_replace(file->path, buffer_text(&text), text.len, NULL, &err) < 0 && !file->complained) {
		log_warning("--prometheus-file: %s", err.text);
		file->complained = true;
	}
	buffer_clear(&text);
}

/* ---- while it is driven: from the engine, and what it has said of each agent */

static void write_live(struct metrics_file *file, const struct engine *engine)
{
	const struct plan *plan = file->plan;
	struct error ignored = ERROR_INIT;
	struct run_metrics metrics = {
		.run = file->run,
		.cluster = plan->cluster,
		.config = plan->config,
		.plan = plan->hash,
		.config_version = plan->config_version,
		.state = run_state_name(engine->state),
		.reason = engine->reason[0] ? engine->reason : NULL,
		.created_ms = file->created_ms,
		.progress_ms = file->progress_ms,
		.now_ms = clock_wall_ms(),
		.window = engine_window(engine),
		.max_failures = engine->options.max_failures,
		.failures = engine->fresh_failures,
		.agents = file->agents,
		.count = plan->agent_count,
	};

	memcpy(metrics.by_state, engine->by_state, sizeof(metrics.by_state));
	/* Without the queue's figures the others still count. */
	outgoing_count(file->store, plan->cluster, metrics.now_ms, &metrics.queue, &ignored);
	replace_file(file, &metrics);
}

static void on_agent(void *ctx, const struct engine *engine, const struct engine_record *record,
		     const struct run_agent *row)
{
	struct metrics_file *file = ctx;

	file->progress_ms = clock_wall_ms();
	file->agents[record->agent] = (struct metrics_agent){.away_from_ms = row->away_from_ms,
							     .away_until_ms = row->away_until_ms};
	if (file->next && file->next->agent)
		file->next->agent(file->next->ctx, engine, record, row);
}

static void on_run(void *ctx, const struct engine *engine)
{
	struct metrics_file *file = ctx;

	file->progress_ms = clock_wall_ms();
	if (file->next && file->next->run)
		file->next->run(file->next->ctx, engine);
}

static void on_tick(void *ctx, const struct engine *engine, int64_t now_ms)
{
	struct metrics_file *file = ctx;

	if (file->wrote_ms == 0 || clock_monotonic_ms() - file->wrote_ms >= WRITE_EACH_MS)
		write_live(file, engine);
	if (file->next && file->next->tick)
		file->next->tick(file->next->ctx, engine, now_ms);
}

static void on_master(void *ctx, const struct engine *engine, const char *failure)
{
	const struct metrics_file *file = ctx;

	if (file->next && file->next->master)
		file->next->master(file->next->ctx, engine, failure);
}

static void on_say(void *ctx, const struct engine *engine, const char *text)
{
	const struct metrics_file *file = ctx;

	if (file->next && file->next->say)
		file->next->say(file->next->ctx, engine, text);
}

/* ---- before and after: from the database */

static int load(const struct metrics_file *file, struct run_view *view, struct run_metrics *metrics)
{
	struct error err = ERROR_INIT;

	if (run_view_load(file->store, file->run, clock_wall_ms(), view, &err) < 0) {
		log_warning("--prometheus-file: %s", err.text);
		return -1;
	}
	if (run_metrics_of_view(view, file->store, metrics, &err) == 0)
		return 0;
	log_warning("--prometheus-file: %s", err.text);
	run_view_clear(view);
	return -1;
}

/* A run that is resumed was away before. */
static void remember(struct metrics_file *file)
{
	struct run_metrics metrics;
	struct run_view view;

	file->agents = xcalloc(file->plan->agent_count + 1, sizeof(*file->agents));
	if (load(file, &view, &metrics) < 0)
		return;
	memcpy(file->agents, metrics.agents,
	       (metrics.count < file->plan->agent_count ? metrics.count : file->plan->agent_count) *
		       sizeof(*file->agents));
	file->created_ms = metrics.created_ms;
	file->progress_ms = metrics.progress_ms;
	free(metrics.agents);
	run_view_clear(&view);
}

struct metrics_file *metrics_file_new(struct store *store, const struct plan *plan, const char *run, const char *path,
				      const struct driver_observer *next)
{
	struct metrics_file *file = xcalloc(1, sizeof(*file));

	*file = (struct metrics_file){.store = store, .plan = plan, .run = run, .path = path, .next = next};
	file->own = (struct driver_observer){
		.agent = on_agent, .run = on_run, .tick = on_tick, .master = on_master, .say = on_say, .ctx = file};
	if (path)
		remember(file);
	return file;
}

const struct driver_observer *metrics_file_observer(const struct metrics_file *file)
{
	return file->path ? &file->own : file->next;
}

void metrics_file_free(struct metrics_file *file)
{
	struct run_metrics metrics;
	struct run_view view;

	if (!file)
		return;
	if (file->path && load(file, &view, &metrics) == 0) {
		replace_file(file, &metrics);
		free(metrics.agents);
		run_view_clear(&view);
	}
	free(file->agents);
	free(file);
}
