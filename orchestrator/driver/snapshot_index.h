/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_SNAPSHOT_INDEX_H
#define ORCHESTRATOR_SNAPSHOT_INDEX_H
/*
 * What one answer of a master shows, found without going through the whole cluster for each agent: made once per answer, in
 * time that grows with the answer; then an agent's tasks and who runs at an address cost what there is of them. What several
 * gates want to know of the same answer is counted when the first of them asks.
 *
 * Everything it gives is borrowed from the snapshot and from the figures, which must outlive it.
 */
#include <stddef.h>
#include <stdint.h>

#include "orchestrator/driver/figures.h"
#include "remote/master.h"

struct snapshot_chains { /* items by the hash of their key; numbers from 1, 0 ends a chain */
	size_t mask;
	uint32_t *first, *next;
};

struct snapshot_count { /* running tasks of a framework that a gate names */
	const char *framework;
	int64_t running;
};

struct snapshot_index {
	const struct master_snapshot *snapshot;
	struct snapshot_chains tasks; /* by agent ID: those that are not completed, then the completed ones */
	struct snapshot_chains hosts; /* agents, by hostname */
	struct snapshot_count *counts;
	size_t count_count;
	const struct figures *missing_of; /* NULL: not looked for yet */
	const char **missing;
	size_t missing_count;
};

void snapshot_index_init(struct snapshot_index *index, const struct master_snapshot *snapshot);
void snapshot_index_clear(struct snapshot_index *index);

/* The next task of an agent, in the order of the answer: *place is 0 for the first. NULL: there is no other. */
const struct task_view *snapshot_index_task(const struct snapshot_index *index, const char *agent_id, uint32_t *place);
/* The next agent of a hostname, the same way. */
const struct agent_view *snapshot_index_host(const struct snapshot_index *index, const char *hostname, uint32_t *place);

/* As figures_count_running. framework is borrowed too. */
int64_t snapshot_index_running(struct snapshot_index *index, const char *framework);
/* IDs of those that were there when the figures were taken and are not now; sorted. Always of the same figures. */
const char *const *snapshot_index_missing(struct snapshot_index *index, const struct figures *before, size_t *count);

#endif
