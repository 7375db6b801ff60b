/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_LAUNCH_STATE_H
#define AGENTCTL_LAUNCH_STATE_H
/*
 * What launch remembers, for one work_dir, below <root><state_dir>/launch/<digest of work_dir> (0700; flags may hold secrets):
 *
 *     flags                    {"agent_id": …, "flags": {…}}: what the agent was last started with
 *     operations/<digest>      {"operation": …, "state": "open"|"done", "before": …, "after": …}: a state that is not
 *                              recovered (--recover_state=false); before and after are the digests of slave.info
 *     backups/<digest>         slave.info as it was before a rewrite; the last ten
 *     changes/<id>             which rewrites there were (launch_changes.h); the last ten
 *
 * Everything is durable when a function returns. Errors: ERROR_SYSTEM, ERROR_UNREACHABLE, ERROR_CORRUPT.
 */
#include <jansson.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"
#include "mesos/flags.h"

struct launch_state {
	char *dir;
};
/* Names the folder; creates nothing. */
void launch_state_init(struct launch_state *state, const char *root, const char *state_dir, const char *work_dir);
void launch_state_clear(struct launch_state *state);

/* agent_id: "" when the agent has none yet. What is so already is not written. */
int launch_flags_save(const struct launch_state *state, const char *agent_id, const struct flags *flags,
		      struct error *err);
/* *found is false when nothing was saved, or for another agent ID ("" goes with every one). flags must be empty. */
int launch_flags_load(const struct launch_state *state, const char *agent_id, struct flags *flags, bool *found,
		      struct error *err);

enum launch_fate { LAUNCH_FATE_NEW, LAUNCH_FATE_OPEN, LAUNCH_FATE_DONE };
struct launch_operation {
	enum launch_fate fate;
	char before[DIGEST_HEX_SIZE];
	char after[DIGEST_HEX_SIZE];
};
int launch_operation_load(const struct launch_state *state, const char *name, struct launch_operation *out,
			  struct error *err);
int launch_operation_save(const struct launch_state *state, const char *name, const struct launch_operation *operation,
			  struct error *err);

/* Writes the document <folder>/<name>, of which the last ten stay. Takes the object. */
int launch_note(const struct launch_state *state, const char *folder, const char *name, json_t *object,
		struct error *err);

/* Keeps a slave.info; *path is the caller's. */
int launch_backup(const struct launch_state *state, const struct buffer *bytes, char **path, struct error *err);

#endif
