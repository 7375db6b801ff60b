/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_HOST_OPS_H
#define AGENTCTL_HOST_OPS_H
/* The ops struct of an operation on a real host: journal, files, guard, control, /proc. */
#include "agentctl/change.h"
#include "protocol/operation.h"

struct real_host {
	struct journal journal;
	struct journal_entry entry;
	struct change change; /* loaded when first needed, so that a start asks no more than it must */
	bool change_loaded;
	struct operation_process last;   /* seen by the last look: found again without searching */
	struct operation_process caller; /* the guard: who asks whether it may start the agent */
};

/* id: the operation. Nothing is read yet. */
void real_host_init(struct real_host *host, const char *root, const char *state_dir, const char *id);
void real_host_clear(struct real_host *host);
/* Reads manifest and bytes into host->change, once. */
int real_host_load(struct real_host *host, struct error *err);

extern const struct operation_ops real_host_ops; /* ctx: struct real_host * */

#endif
