/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_FIGURES_H
#define AGENTCTL_FIGURES_H
/*
 * What an agent detects by itself: CPUs, memory, disk. On its own host this machine is measured, as the agent measures it (it asks
 * the kernel, and sees no cgroup's limits). Of a checkpoint whose host is elsewhere, the checkpoint itself is asked: what the flags
 * do not name stands in it as the agent detected it.
 */
#include "mesos/flags.h"
#include "mesos/slaveinfo.h"

/* This machine's figures, for the agent whose checkpoint it is. Hostname and GPUs are not for us to compute (name
 * service, NVML): they are what the checkpoint says. work_dir as we see it; checkpoint may be NULL. out->hostname is borrowed
 * from it. */
void figures_measure(const char *work_dir, const Mesos__SlaveInfo *checkpoint, struct detected *out);

/* The checkpoint's figures, and this machine's for what they do not say. work_dir as we see it. checkpoint may be NULL. present: the flags that the checkpoint came from, NULL when not known (then
 * the checkpoint is believed in everything). out->hostname is borrowed from checkpoint. */
void figures_detect(const char *work_dir, const char *root, const Mesos__SlaveInfo *checkpoint,
		    const struct flags *present, const struct mesos_version *version, struct detected *out);

#endif
