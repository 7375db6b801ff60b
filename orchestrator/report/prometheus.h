/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_PROMETHEUS_H
#define ORCHESTRATOR_REPORT_PROMETHEUS_H
/* A run in figures, in Prometheus's text exposition format (version 0.0.4). Names: docs/observers.md. */
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "orchestrator/engine/engine.h"
#include "orchestrator/outgoing/queue.h"

struct run_metrics {
	const char *run, *cluster, *config, *plan; /* borrowed; plan is its hash */
	int64_t config_version;
	const char *state;                            /* run_state_name */
	const char *reason;                           /* NULL: none */
	int64_t created_ms, finished_ms, progress_ms; /* wall clock; 0: not yet. progress: of its last event */
	int64_t now_ms;
	int by_state[AGENT_STATE_COUNT];
	int window, max_failures; /* max_failures -1: no limit */
	int failures;             /* that count against the budget */
	struct metrics_agent {
		int64_t away_from_ms, away_until_ms; /* as in struct run_agent */
	} * agents;
	size_t count;
	struct outgoing_counts queue;
};

#define PROMETHEUS_MAX (1u << 20)
void prometheus_write(const struct run_metrics *metrics, struct buffer *out);

/* Why a run has stopped, in a word that does not change: "budget", "gate", "person", "operator", "window", "cluster", "master",
 * "rollback", "other". */
const char *prometheus_reason_code(const char *reason);

/* From the database; view is borrowed by *out, whose agents are the caller's to free. */
struct run_view;
int run_metrics_of_view(const struct run_view *view, struct store *store, struct run_metrics *out, struct error *err);

#endif
