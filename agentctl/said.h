/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_SAID_H
#define AGENTCTL_SAID_H
/* What the agent said before it ended: the last lines of its log, kept in the operation's journal as "agent-said". */
#include "agentctl/host_ops.h"

/* Best effort: an agent without a log_dir has said nothing that we could find. */
void said_capture(struct real_host *host);

#endif
