/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_STARTING_H
#define AGENTCTL_STARTING_H
/* What the guard runs before each start of the agent. */
#include "agentctl/settings.h"

/* The exit code: 0 when the agent may start. */
int settle_starting(const struct settings_options *given);

#endif
