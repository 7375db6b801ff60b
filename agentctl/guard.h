/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_GUARD_H
#define AGENTCTL_GUARD_H
/*
 * The guard: while it is in place, `agentctl settle --starting` runs before every start of the agent, and the agent does not start when
 * that fails. systemd: a drop-in with ExecStartPre; commands: the start hook, a file whose lines are an argument list.
 */
#include "base/error.h"
#include "mesos/host.h"

/* The file that is the guard, below root. Caller frees. */
char *guard_path(const struct host_settings *host);
/* program: the copy of agentctl to run, as the host sees it. Durable and in force when it returns 0. ERROR_REFUSED when the hook
 * belongs to somebody else, or a path holds what systemd would read otherwise. */
int guard_place(const struct host_settings *host, const char *program, struct error *err);
/* starting: called from the guard itself; then systemd forgets it at its next reload. */
int guard_remove(const struct host_settings *host, bool starting, struct error *err);

#endif
