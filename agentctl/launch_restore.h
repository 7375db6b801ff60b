/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_LAUNCH_RESTORE_H
#define AGENTCTL_LAUNCH_RESTORE_H
/* Takes back what `launch` has written: slave.info as it was before. The flags are the unit's, and its owner's to put back. */
#include "agentctl/launch_changes.h"
#include "agentctl/talk.h"

/* change and state come from launch_change_find, and the host's lock is held. Says "accepted" and "done" with the ID of the change that
 * takes this one back, or "refused". Returns the exit code. */
int launch_restore(const char *root, const struct launch_state *state, const struct launch_change *change,
		   struct talk *talk);

#endif
