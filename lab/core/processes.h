/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_PROCESSES_H
#define LAB_CORE_PROCESSES_H
/*
 * The lab's processes. Each carries ROLLCALL_LAB=<the lab's random ID> in its environment, and those of a host also
 * ROLLCALL_ROOT=<the host's folder>, both inherited by whatever they start; so a process of this lab is found by what
 * it is and never by its name, even when the role that started it has crashed. sshd overwrites its environment: it is
 * known by its working folder, DIR/run/sshd, where nothing else runs.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "lab/core/lab.h"

struct process_list {
	pid_t *pids;
	size_t count;
};
void process_list_clear(struct process_list *list);

/* name=value in the environment of pid? False when it cannot be read. */
bool process_has_env(pid_t pid, const char *name, const char *value);

/* All of the lab's processes but the caller, or those of one host (root not NULL), or only those that systemd would
 * count to the host's unit (unit also not NULL). */
void processes_of_lab(const struct lab *lab, struct process_list *out);
void processes_of_host(const struct lab *lab, const char *root, const char *unit, struct process_list *out);

/* Kills (SIGKILL) what list_again finds until it finds nothing, for a few seconds at most. */
void processes_kill_lab(const struct lab *lab);
void processes_kill_host(const struct lab *lab, const char *root, const char *unit);

/* DIR/run/NAME.pid: "PID START_TICKS". */
int process_record(const struct lab *lab, const char *name, pid_t pid, struct error *err);
/* 0 when there is no record or that process is gone. */
pid_t process_recorded(const struct lab *lab, const char *name);

/* role: "master", "front", "master:2" (of several masters). Starts it from this same program as a daemon of the lab: own session, output appended to DIR/log/NAME.log,
 * recorded under name. */
int process_start_role(const struct lab *lab, const char *role, struct error *err);
/* The path of this program. Caller frees. */
char *process_own_path(void);
/* The path of what hosts run (lab/host/main.c), which lies beside this program, or is it. Caller frees. */
char *process_host_program(void);

#endif
