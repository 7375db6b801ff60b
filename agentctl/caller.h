/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_CALLER_H
#define AGENTCTL_CALLER_H
/*
 * Whom the guard let through: the process that runs it, and will start the agent or become it. A start that is asked for by another
 * one while that process lives is a second start beside the first, and no sign that the agent has ended.
 */
#include <stdbool.h>
#include <stdint.h>

#include "agentctl/host_ops.h"

/* The process that runs us. */
void caller_find(struct operation_process *out);
/* Is that still the process that runs us? If not, nobody waits for our answer. */
bool caller_waits(const struct operation_process *caller);

/* Writes host->caller down as let through, durably. */
int caller_note(struct real_host *host, struct error *err);
/* operation_ops.is_starting and now_ticks; ctx: struct real_host *. */
int caller_is_starting(void *ctx, bool *yes, struct error *err);
int64_t caller_now_ticks(void *ctx);

#endif
