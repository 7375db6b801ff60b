/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_HOST_SERVICE_H
#define LAB_HOST_SERVICE_H
/*
 * One host's agent as systemd runs it: start hooks, the main process, automatic restarts, the start limit, stopping.
 *
 *   inactive --start--> start-pre --hooks done--> running --process ends--> auto-restart --RestartSec--> start-pre
 *   running --stop--> stopping --process ends--> inactive        any start beyond the limit --> failed
 *   start-pre --a hook fails--> auto-restart or failed           reset-failed: failed --> inactive, limit forgotten
 *
 * Unit files are read at boot and by daemon-reload, never in between, as systemd does.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "lab/core/events.h"
#include "lab/core/lab.h"
#include "lab/core/link.h"
#include "lab/host/unit.h"

enum service_state {
	SERVICE_INACTIVE,
	SERVICE_START_PRE,
	SERVICE_RUNNING,
	SERVICE_STOPPING,
	SERVICE_AUTO_RESTART,
	SERVICE_FAILED,
};

#define SERVICE_STARTS_MAX 32 /* no start limit beyond this is honoured */

struct service_job; /* somebody waits for a start or a stop */

struct service {
	const struct lab *lab;
	char *host;
	char *root;
	bool off;      /* the host has no power */
	pid_t frozen;  /* the agent's process that stands still; 0: none */
	pid_t manager; /* of configuration management; 0: none */
	struct unit unit;
	bool loaded;
	int64_t loaded_ms; /* clock_wall_ms */
	enum service_state state;
	pid_t pid;   /* of the main process, or of the running hook; 0: none */
	size_t hook; /* which ExecStartPre runs */
	bool start_after_stop;
	bool result_failed;
	const char *result; /* "success", "exit-code", "signal", "start-limit-hit", "resources" */
	pid_t last_pid;
	int last_status; /* as waitpid gave it */
	unsigned restarts;
	int64_t starts[SERVICE_STARTS_MAX]; /* clock_monotonic_ms of the latest starts */
	size_t start_count;
	struct timer *timer; /* RestartSec, or TimeoutStopSec */
	struct service_job *jobs;
};

void service_init(struct service *service, struct events *events, const struct lab *lab, const char *host);
void service_clear(struct service *service);

/* call is answered when the job is done ({} or {"error", "code"}); NULL: nobody waits. */
void service_start(struct service *service, struct control_call *call);
void service_stop(struct service *service, struct control_call *call);
void service_restart(struct service *service, struct control_call *call);
void service_reset_failed(struct service *service);
int service_reload(struct service *service, struct error *err);
/* The process service->pid has ended. */
void service_ended(struct service *service, int status);

/* Power: off kills every process of the host and writes a new boot ID; on is a boot. */
void service_power_off(struct service *service);
void service_power_on(struct service *service);
/* A new random boot ID in <root>/proc/sys/kernel/random/boot_id. */
int service_new_boot_id(const char *root, struct error *err);

/* ---- service_faults.c: what the armed faults ask for. True when it must look again, for they end by themselves. */
bool service_check_faults(struct service *service);

/* The properties that systemctl show knows. Caller owns. */
json_t *service_properties(const struct service *service);
const char *service_active_state(const struct service *service);

/* ---- service_exec.c: how its processes are made. Returns the pid, or -1 with err set. */
pid_t service_spawn(const struct service *service, const struct strings *argv, struct error *err);

#endif
