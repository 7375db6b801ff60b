/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_LAUNCH_DISCARD_H
#define AGENTCTL_LAUNCH_DISCARD_H
/*
 * Ending the old executors: the agent is run once with its old flags and --recover=cleanup, which kills what it recovers and exits.
 * Only an agent whose flags go with the checkpoint does that; one that sees a difference would refuse or, after a reboot,
 * give up its ID. So the flags are made to fit, and that they do is verified.
 */
#include "agentctl/launch.h"

/* base: what the agent was last started with, or the nearest to it. out must be empty. ERROR_REFUSED when no flags can be
 * found that give this checkpoint. */
int launch_old_flags(const Mesos__SlaveInfo *checkpoint, const struct flags *base, const char *root,
		     const struct detected *detected, const struct mesos_version *version, struct flags *out,
		     struct error *err);

/* Ends them, with the flags that were remembered or else the present ones as base. ERROR_REFUSED when the agent, which dies with us, does
 * not exit with 0, or an executor lives on. */
int launch_end_executors(const struct launch *launch, const struct launch_comparison *comparison, struct error *err);

#endif
