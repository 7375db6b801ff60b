/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_AGENT_H
#define AGENTCTL_AGENT_H
/*
 * The running agent of a host, found in /proc: a process that is called *mesos-agent* or *mesos-slave*, belongs to root or to us,
 * has the host's work_dir among its effective flags, and belongs to the host's root (a host whose root is not "/" marks
 * its processes with ROLLCALL_ROOT=<root> in their environment).
 */
#include <stdbool.h>

#include "base/error.h"
#include "mesos/flags.h"
#include "mesos/host.h"
#include "mesos/version.h"
#include "protocol/operation.h"

struct agent_process {
	struct operation_process process;
	char *executable;      /* what to run for --version */
	struct flags flags;    /* effective */
	struct flags from_env; /* MESOS_* alone */
	struct flags from_argv;
	bool asked; /* its environment may not be read: flags are what it says itself, with its defaults */
	long other; /* an agent of this host with another work_dir; 0: none was seen */
};
void agent_process_clear(struct agent_process *agent);

/* *found tells whether there is one. ERROR_CONFLICT when several processes fit (work_dir not given). out must be cleared. */
int agent_find(const struct host_settings *host, struct agent_process *out, bool *found, struct error *err);
/* Asks the process for its flags (http://…/flags), by what its command line says of where it listens. False: it does not say
 * them, or somebody else does. */
bool agent_ask_flags(const char *root, struct agent_process *agent);

/* Does that very process still run (and is no zombie)? */
bool agent_runs(const struct operation_process *process);
/* The same of a process that only its ID is known of, an executor perhaps. */
bool agent_pid_runs(int64_t pid);

/* What `<executable> --version` says, "1.11.0"; the caller frees it. NULL with an error when it says nothing of the kind. */
char *agent_version(const struct agent_process *agent, struct mesos_version *out, struct error *err);

#endif
