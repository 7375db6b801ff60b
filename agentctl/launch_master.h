/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_LAUNCH_MASTER_H
#define AGENTCTL_LAUNCH_MASTER_H
/*
 * May this master be sent a changed SlaveInfo under an old ID? An agent that sees a difference asks that itself, and refuses masters without
 * the capability AGENT_UPDATE; one whose checkpoint was rewritten sees none.
 */
#include <stdbool.h>

#include "base/error.h"

/* master: the agent's flag. with_domain: the new SlaveInfo has a domain, which a master without one ignores together with
 * its agent. ERROR_REFUSED when the master cannot take it, ERROR_UNREACHABLE when it cannot be asked. */
int launch_master_check(const char *master, const char *root, bool with_domain, struct error *err);

#endif
