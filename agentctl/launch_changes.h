/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_LAUNCH_CHANGES_H
#define AGENTCTL_LAUNCH_CHANGES_H
/*
 * Which rewrites of slave.info `launch` has made, so that `restore` can take one back, also weeks later: below the folder of
 * launch_state.h,
 *
 *     changes/<id>             {"work_dir": …, "before": …, "after": …, "ends_tasks": …}; the last ten
 *
 * before and after are the digests of slave.info; the bytes of before are in backups/. The ID has the form of an operation's,
 * and follows from the rest: a start that was cut off and does it all again has the same one.
 */
#include <stdbool.h>

#include "agentctl/launch_state.h"

struct launch_change {
	char id[RANDOM_ID_SIZE];
	char *work_dir;
	char before[DIGEST_HEX_SIZE];
	char after[DIGEST_HEX_SIZE];
	bool ends_tasks; /* --recover_state=false */
};
void launch_change_clear(struct launch_change *change);

/* Keeps slave.info's bytes of before, in a file whose *path is the caller's, and the note of the change, whose id is filled in. Durable when it
 * returns. */
int launch_change_save(const struct launch_state *state, const struct buffer *before, struct launch_change *change,
		       char **path, struct error *err);

/* In all work_dirs of this host. *found false: none has that ID; then out and state are as they were. Both are to be cleared. */
int launch_change_find(const char *root, const char *state_dir, const char *id, struct launch_change *out,
		       struct launch_state *state, bool *found, struct error *err);

/* Appends the bytes of slave.info from before. ERROR_REFUSED: they are no longer kept. */
int launch_change_bytes(const struct launch_state *state, const struct launch_change *change, struct buffer *out,
			struct error *err);

#endif
