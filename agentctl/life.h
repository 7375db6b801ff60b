/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_LIFE_H
#define AGENTCTL_LIFE_H
/*
 * What is left of recovery_timeout on a host whose agent does not run: how long its executors still wait for it. Each counts
 * from the end of the last agent that it was connected to, which nobody has written down: what is known is when an agent last
 * wrote into its checkpoint (it ran at least until then), and when its log was last written (by the last start that
 * refused, perhaps).
 */
#include <stdbool.h>
#include <stdint.h>

#include "agentctl/facts.h"

struct life {
	size_t tasks;             /* not ended, by the checkpoint */
	size_t alive;             /* of these, whose executor's process runs */
	int64_t timeout_ms;       /* recovery_timeout: the executors' own where one can be asked */
	int64_t seen_earliest_ms; /* wall clock; 0: not known. The last agent ended between these two */
	int64_t seen_latest_ms;
	int64_t left_least_ms, left_most_ms; /* from now on; negative: over */
};

/* For each task, whether its executor's process runs; the caller frees it. */
bool *life_find_alive(const struct checkpoint_state *checkpoint);
void life_read(const struct facts *facts, const bool alive[], struct life *out);
/* A few lines, for people; appended. */
void life_print(const struct life *life, struct buffer *out);

#endif
