/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_FIGURES_H
#define AGENTCTL_FIGURES_H
/*
 * What an agent on this host detects by itself. What it detected before stands in its checkpoint, and the checkpoint is
 * asked first: the agent may see other CPUs or another memory limit than we do (cgroups, a container, hot-plugged memory), and
 * what it compares its checkpoint with is its own figure. Only what its present flags name was not detected; for that this machine is
 * measured.
 */
#include "mesos/flags.h"
#include "mesos/slaveinfo.h"

/* work_dir as we see it. checkpoint may be NULL. present: the flags that the checkpoint came from, NULL when not known (then
 * the checkpoint is believed in everything). out->hostname is borrowed from checkpoint. */
void figures_detect(const char *work_dir, const char *root, const Mesos__SlaveInfo *checkpoint,
		    const struct flags *present, const struct mesos_version *version, struct detected *out);

#endif
