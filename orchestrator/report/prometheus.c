/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/prometheus.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "orchestrator/report/run_view.h"

/* Seconds; the 75 are after how long a master gives up a silent agent by default. */
static const double bounds[] = {1, 2, 5, 10, 15, 30, 45, 60, 75, 120, 300, 600};
#define BOUNDS (sizeof(bounds) / sizeof(bounds[0]))

const char *prometheus_reason_code(const char *reason)
{
	static const struct {
		const char *words, *code;
	} codes[] = {
		{"the gate after", "gate"},
		{"rolled back by", "rollback"},
		{"paused by", "operator"},
		{"aborted by", "operator"},
		{"interrupted by", "operator"},
		{"an agent needs a person", "person"},
		{"no room in the window", "window"},
		{"budget", "budget"},
		{"in a row", "budget"},
		{"of the cluster's", "cluster"},
		{"another master leads", "master"},
		{"no master answers", "master"},
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strstr(reason, codes[i].words))
			return codes[i].code;
	return "other";
}

/* ---- the format */

static void put_head(struct buffer *out, const char *name, const char *type, const char *help)
{
	buffer_printf(out, "# HELP rollcall_%s %s\n# TYPE rollcall_%s %s\n", name, help, name, type);
}

/* UTF-8, with backslash, quotation mark and newline escaped; what is no text is replaced. */
static void put_value(struct buffer *out, const char *text)
{
	char *shown = text_printable(text, true);

	for (const char *at = shown; *at; at++) {
		if (*at == '\\' || *at == '"')
			buffer_putc(out, '\\');
		if (*at == '\n')
			buffer_puts(out, "\\n");
		else
			buffer_putc(out, *at);
	}
	free(shown);
}

static void put_label(struct buffer *out, bool first, const char *name, const char *value)
{
	buffer_printf(out, "%s%s=\"", first ? "" : ",", name);
	put_value(out, value);
	buffer_putc(out, '"');
}

/* A name with its first label, the run's, and one more (label NULL: none); the braces are closed. */
static void put_name(const struct run_metrics *metrics, const char *name, const char *label, const char *value,
		     struct buffer *out)
{
	buffer_printf(out, "rollcall_%s{", name);
	put_label(out, true, "run", metrics->run);
	if (label)
		put_label(out, false, label, value);
	buffer_puts(out, "} ");
}

static void put_number(const struct run_metrics *metrics, const char *name, const char *label, const char *value,
		       int64_t number, struct buffer *out)
{
	put_name(metrics, name, label, value, out);
	buffer_printf(out, "%" PRId64 "\n", number);
}

static void put_seconds(const struct run_metrics *metrics, const char *name, int64_t ms, struct buffer *out)
{
	put_name(metrics, name, NULL, NULL, out);
	buffer_printf(out, "%.3f\n", (double)ms / 1000);
}

/* ---- the run */

static void write_info(const struct run_metrics *metrics, struct buffer *out)
{
	char version[32];

	snprintf(version, sizeof(version), "%" PRId64, metrics->config_version);
	put_head(out, "run_info", "gauge", "The run, its plan and its config; always 1.");
	buffer_puts(out, "rollcall_run_info{");
	put_label(out, true, "run", metrics->run);
	put_label(out, false, "cluster", metrics->cluster);
	put_label(out, false, "config", metrics->config);
	put_label(out, false, "config_version", version);
	put_label(out, false, "plan", metrics->plan);
	buffer_puts(out, "} 1\n");
}

static void write_state(const struct run_metrics *metrics, struct buffer *out)
{
	put_head(out, "run_state", "gauge", "1 for the state in which the run is, 0 for the others.");
	for (int state = 0; state < RUN_STATE_COUNT; state++) {
		const char *name = run_state_name((enum run_state)state);

		put_number(metrics, "run_state", "state", name, strcmp(name, metrics->state) == 0, out);
	}
	if (!metrics->reason)
		return;
	put_head(out, "run_stopped_info", "gauge", "Why nothing starts any more; always 1.");
	buffer_puts(out, "rollcall_run_stopped_info{");
	put_label(out, true, "run", metrics->run);
	put_label(out, false, "code", prometheus_reason_code(metrics->reason));
	put_label(out, false, "reason", metrics->reason);
	buffer_puts(out, "} 1\n");
}

static void write_times(const struct run_metrics *metrics, struct buffer *out)
{
	put_head(out, "run_created_timestamp_seconds", "gauge", "When the run began.");
	put_seconds(metrics, "run_created_timestamp_seconds", metrics->created_ms, out);
	if (metrics->finished_ms) {
		put_head(out, "run_finished_timestamp_seconds", "gauge", "When the run ended.");
		put_seconds(metrics, "run_finished_timestamp_seconds", metrics->finished_ms, out);
	}
	put_head(out, "seconds_since_progress", "gauge", "How long before these figures the run's last event was.");
	put_seconds(metrics, "seconds_since_progress",
		    metrics->now_ms > metrics->progress_ms ? metrics->now_ms - metrics->progress_ms : 0, out);
	put_head(out, "metrics_timestamp_seconds", "gauge", "When these figures were taken.");
	put_seconds(metrics, "metrics_timestamp_seconds", metrics->now_ms, out);
}

/* ---- agents */

static void write_agents(const struct run_metrics *metrics, struct buffer *out)
{
	int away = 0;

	put_head(out, "agents", "gauge", "Agents of the run by state.");
	for (int state = 0; state < AGENT_STATE_COUNT; state++) {
		put_number(metrics, "agents", "state", agent_state_name((enum agent_state)state),
			   metrics->by_state[state], out);
		away += agent_state_is_away((enum agent_state)state) ? metrics->by_state[state] : 0;
	}
	put_head(out, "window_used", "gauge", "Agents that the run has taken away and not given back yet.");
	put_number(metrics, "window_used", NULL, NULL, away, out);
	put_head(out, "window", "gauge", "How many agents may be away at once.");
	put_number(metrics, "window", NULL, NULL, metrics->window, out);
}

static void write_budget(const struct run_metrics *metrics, struct buffer *out)
{
	int left = metrics->max_failures - metrics->failures;

	put_head(out, "failures", "gauge", "Agents that failed, as far as they count against the failure budget.");
	put_number(metrics, "failures", NULL, NULL, metrics->failures, out);
	put_head(out, "failure_budget_left", "gauge", "How many more may fail before the run stops.");
	put_name(metrics, "failure_budget_left", NULL, NULL, out);
	if (metrics->max_failures < 0)
		buffer_puts(out, "+Inf\n");
	else
		buffer_printf(out, "%d\n", left > 0 ? left : 0);
}

static void write_away(const struct run_metrics *metrics, struct buffer *out)
{
	uint64_t counts[BOUNDS] = {0}, all = 0;
	int64_t sum_ms = 0, longest_ms = 0;

	for (size_t i = 0; i < metrics->count; i++) {
		const struct metrics_agent *agent = &metrics->agents[i];
		int64_t until_ms = agent->away_until_ms ? agent->away_until_ms : metrics->now_ms;
		int64_t ms = until_ms > agent->away_from_ms ? until_ms - agent->away_from_ms : 0;

		if (agent->away_from_ms && !agent->away_until_ms && ms > longest_ms)
			longest_ms = ms;
		if (!agent->away_from_ms || !agent->away_until_ms)
			continue;
		for (size_t bound = 0; bound < BOUNDS; bound++)
			counts[bound] += (double)ms <= bounds[bound] * 1000;
		all++;
		sum_ms += ms;
	}
	put_head(out, "agent_away_seconds", "histogram", "How long agents were away that are back.");
	for (size_t bound = 0; bound < BOUNDS; bound++) {
		char le[32];

		snprintf(le, sizeof(le), "%g", bounds[bound]);
		put_number(metrics, "agent_away_seconds_bucket", "le", le, (int64_t)counts[bound], out);
	}
	put_number(metrics, "agent_away_seconds_bucket", "le", "+Inf", (int64_t)all, out);
	put_seconds(metrics, "agent_away_seconds_sum", sum_ms, out);
	put_number(metrics, "agent_away_seconds_count", NULL, NULL, (int64_t)all, out);
	put_head(out, "longest_away_seconds", "gauge",
		 "How long the agent is away that has been away longest; 0: none is.");
	put_seconds(metrics, "longest_away_seconds", longest_ms, out);
}

/* ---- what is to be told */

static void write_queue(const struct run_metrics *metrics, struct buffer *out)
{
	const struct outgoing_counts *queue = &metrics->queue;
	int64_t age_ms = queue->oldest_ms && metrics->now_ms > queue->oldest_ms ? metrics->now_ms - queue->oldest_ms
										: 0;

	put_head(out, "outgoing_waiting", "gauge",
		 "Events of the cluster that observers and webhooks are still to be told.");
	put_number(metrics, "outgoing_waiting", "cluster", metrics->cluster, queue->waiting, out);
	put_head(out, "outgoing_dead", "gauge",
		 "Of them, those that could not be delivered for days, or are not wanted.");
	put_number(metrics, "outgoing_dead", "cluster", metrics->cluster, queue->dead, out);
	put_head(out, "outgoing_oldest_seconds", "gauge", "How old the oldest of them is; 0: there is none.");
	put_seconds(metrics, "outgoing_oldest_seconds", age_ms, out);
}

void prometheus_write(const struct run_metrics *metrics, struct buffer *out)
{
	write_info(metrics, out);
	write_state(metrics, out);
	write_times(metrics, out);
	write_agents(metrics, out);
	write_budget(metrics, out);
	write_away(metrics, out);
	write_queue(metrics, out);
}

/* ---- from the database */

static int window_of(const struct run_view *view)
{
	const struct plan *plan = &view->plan;
	int64_t passed = view->run.stages_passed;

	if (plan->stage_count == 0)
		return plan->options.window;
	return plan->stages[passed < (int64_t)plan->stage_count ? (size_t)passed : plan->stage_count - 1].window;
}

static int64_t last_step(const struct run_view *view)
{
	int64_t last = view->run.created_ms;

	for (size_t i = 0; i < view->count; i++) {
		const struct agent_result *agent = &view->agents[i];

		if (agent->step_count > 0 && agent->steps[agent->step_count - 1].time_ms > last)
			last = agent->steps[agent->step_count - 1].time_ms;
	}
	for (size_t i = 0; i < view->note_count; i++)
		last = view->notes[i].time_ms > last ? view->notes[i].time_ms : last;
	return view->run.finished_ms > last ? view->run.finished_ms : last;
}

int run_metrics_of_view(const struct run_view *view, struct store *store, struct run_metrics *out, struct error *err)
{
	struct run_metrics metrics = {
		.run = view->run.id,
		.cluster = view->plan.cluster,
		.config = view->plan.config,
		.plan = view->run.plan,
		.config_version = view->plan.config_version,
		.state = view->run.state,
		.reason = view->run.reason,
		.created_ms = view->run.created_ms,
		.finished_ms = view->run.finished_ms,
		.progress_ms = last_step(view),
		.now_ms = view->now_ms,
		.window = window_of(view),
		.max_failures = view->plan.options.max_failures,
		.count = view->count,
	};

	if (outgoing_count(store, view->plan.cluster, view->now_ms, &metrics.queue, err) < 0)
		return -1;
	memcpy(metrics.by_state, view->by_state, sizeof(metrics.by_state));
	for (int state = 0; state < AGENT_STATE_COUNT; state++)
		metrics.failures += agent_state_is_failure((enum agent_state)state) ? view->by_state[state] : 0;
	metrics.failures -= (int)view->run.forgiven;
	if (metrics.failures < 0)
		metrics.failures = 0;
	metrics.agents = xcalloc(view->count + 1, sizeof(*metrics.agents));
	for (size_t i = 0; i < view->count; i++)
		metrics.agents[i] = (struct metrics_agent){.away_from_ms = view->rows[i].away_from_ms,
							   .away_until_ms = view->rows[i].away_until_ms};
	*out = metrics;
	return 0;
}
