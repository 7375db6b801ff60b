/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_HOST_MANAGER_H
#define LAB_HOST_MANAGER_H
/*
 * Configuration management of a lab host (the fault config-manager): a process that puts the agent's flags back as they
 * were when it was armed, and restarts the agent when they had changed. It leaves the traces that Puppet, Chef or Salt
 * leave on a host, and respects what holds them: Puppet's agent_disabled.lock, and Chef's run lock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "lab/core/lab.h"

bool manager_is_known(const char *name); /* "puppet", "chef", "salt" */

/* Keeps a copy of the host's flags for the process to put back, and leaves the traces. name is an out parameter of
 * size bytes: "" becomes the default, puppet. */
int manager_prepare(const struct lab *lab, const char *host, char *name, size_t size, struct error *err);
/* Removes what manager_prepare made. */
void manager_remove(const struct lab *lab, const char *host);

/* Starts the process; -1 with errno. The caller ends it, and reaps it. */
pid_t manager_start(const struct lab *lab, const char *host);

#endif
