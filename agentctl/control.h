/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_CONTROL_H
#define AGENTCTL_CONTROL_H
/*
 * Starting and stopping the agent, through systemd or through the operator's argument lists. That a start was asked for is no
 * evidence: what runs is seen in /proc (agent.h).
 */
#include <stdbool.h>

#include "base/error.h"
#include "mesos/host.h"
#include "protocol/operation.h"

struct control_status {
	bool known;  /* the control could be asked */
	bool active; /* it says that the agent runs or is being started */
	bool failed; /* it says that the agent ended, and it is not being started again */
	long main_pid;
	char kill_mode[32];
	char said[256]; /* how the agent ended: "exit-code, status 1" */
};

/* ERROR_UNREACHABLE when the control cannot be asked. */
int control_status(const struct host_settings *host, struct control_status *out, struct error *err);

/* See struct operation_ops. start and restart return when it is asked for; stop when no agent runs any more. */
int control_start(const struct host_settings *host, struct error *err);
int control_stop(const struct host_settings *host, struct error *err);
/* before: the process that is restarted. When it does not run any more, this is a start. */
int control_restart(const struct host_settings *host, const struct operation_process *before, struct error *err);

/* Is everything given that the functions above and the guard need? ERROR_USAGE says what is missing. */
int control_check(const struct host_settings *host, struct error *err);

/* Finds the unit when control and unit are not given: the usual names, the one with a running main process. Where it finds one, out
 * is its status; else out stays as it is. */
void control_discover(struct host_settings *host, struct control_status *out);

/* systemd itself gives a unit 90 s before it kills it. */
#define CONTROL_STOP_TIMEOUT_MS 120000
int control_wait_until_gone(const struct host_settings *host, int64_t timeout_ms, struct error *err);

int commands_status(const struct host_settings *host, struct control_status *out, struct error *err);
/* The command is to do nothing where the agent runs or is being started already. */
int commands_start(const struct host_settings *host, struct error *err);
int commands_stop(const struct host_settings *host, struct error *err);

int systemd_status(const struct host_settings *host, struct control_status *out, struct error *err);
int systemd_call(const struct host_settings *host, const char *verb, bool no_block, struct error *err);
int systemd_reload(struct error *err);

#endif
