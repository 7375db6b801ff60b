/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_AMEND_H
#define AGENTCTL_AMEND_H
/*
 * A new checkpoint that the agent refused because figures of its machine (CPUs, memory, disk, GPUs: those that no flag gives) are
 * others than those we computed. Its refusal names them, so the checkpoint can be made again; once in an operation.
 */
#include "agentctl/host_ops.h"

/* The SlaveInfo of the refusal at the end of log, when it refuses exactly `written` and differs from it in nothing but such
 * figures; else NULL. The caller frees it. */
Mesos__SlaveInfo *amend_from_refusal(const char *log, const Mesos__SlaveInfo *written);

/* See struct operation_ops. */
int amend_is_possible(struct real_host *host, bool *yes, struct error *err);
int amend_checkpoint(struct real_host *host, struct error *err);

#endif
