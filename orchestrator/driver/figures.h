/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_FIGURES_H
#define ORCHESTRATOR_FIGURES_H
/*
 * The cluster in figures, as a run found it before it changed anything: what its gates compare with, and what the guard
 * against a melting cluster counts by. Taken once, from the first answer of a master; kept in the run's row.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "remote/master.h"

struct framework_figure {
	char *id, *name;
	int64_t running; /* tasks in TASK_RUNNING */
};

struct figures {
	char *master_id; /* changes with every failover */
	char **present;  /* IDs of the agents that were active or deactivated, sorted */
	size_t present_count;
	int64_t agents;                      /* all that the master listed */
	struct framework_figure *frameworks; /* by ID */
	size_t framework_count;
};

void figures_take(const struct master_snapshot *snapshot, struct figures *out);
void figures_clear(struct figures *figures);
/* The caller's. */
json_t *figures_to_json(const struct figures *figures);
/* ERROR_CORRUPT when it is none. */
int figures_from_json(const char *text, struct figures *out, struct error *err);
/* Without the list of agents, for an event. */
json_t *figures_summary(const struct figures *figures);

/* Active at the master, or deactivated by somebody: its process is there. */
bool figures_is_there(const struct agent_view *agent);
/* Tasks of a framework (its ID or name) that run, in a snapshot. */
int64_t figures_count_running(const struct master_snapshot *snapshot, const char *framework);
/* The same when the figures were taken. */
int64_t figures_running_before(const struct figures *figures, const char *framework);

#endif
