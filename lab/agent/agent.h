/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_AGENT_AGENT_H
#define LAB_AGENT_AGENT_H
/*
 * The lab's mesos-agent. It is started as the real one is, by its unit, with MESOS_ variables and flags, and does in
 * this order what the real one does:
 *
 *   flags (agent_flags.c)          refuse what it does not know, say --help and --version
 *   recovery (agent_recover.c)     compare the checkpoint with the flags: refuse, keep the ID, or start anew
 *   waiting (agent_await.c)        executor_reregistration_timeout, for the executors that live
 *   registration (agent_master.c)  after a random part of registration_backoff_factor; then answer pings
 *   tasks (agent_tasks.c)          run them, by executors that outlive this process
 *   endpoints (agent_http.c)       from the start
 *
 * All clocks are divided by the lab's time scale.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/error.h"
#include "lab/core/events.h"
#include "lab/core/lab.h"
#include "lab/core/link.h"
#include "lab/core/web.h"
#include "mesos/checkpoint.h"
#include "mesos/flags.h"
#include "mesos/slaveinfo.h"

enum agent_phase { AGENT_RECOVERING, AGENT_DISCONNECTED, AGENT_REGISTERED, AGENT_TERMINATING };

struct agent_task {
	struct agent_task *next;
	Mesos__FrameworkInfo *framework;
	Mesos__ExecutorInfo *executor;
	Mesos__Task *task; /* with its statuses; task->state is the latest */
	char *container;
	pid_t pid;         /* of the executor */
	struct link *link; /* to the executor; NULL while it is not connected */
	struct agent *agent;
};

struct agent_log;

struct agent {
	struct agent_log *log; /* NULL: no --log_dir */
	struct lab *lab;
	char *root;
	char *host;
	struct flags flags; /* as given, defaults not included */
	char *work_dir;     /* as the host names it */
	char *ip;
	int port;
	struct events *events;
	enum agent_phase phase;
	Mesos__SlaveInfo *info; /* with its ID once there is one */
	struct resources reserved;
	double start_time; /* seconds since 1970, as Mesos gives times */
	struct web *web;
	struct listener *executors;
	struct agent_task *tasks;
	struct timer *recovery_timer;
	int64_t slow_ms; /* recovery takes so much longer (the fault slow-recovery) */
	bool cleanup;    /* --recover=cleanup */

	struct link *master;
	struct timer *master_timer; /* connecting, or registering again */
	int64_t backoff_ms;
	json_t *pending; /* updates the master has not been told of */
	bool silent;     /* the fault never-reregister */
	int signal;      /* that ended it; 0: none */
};

/* ---- agent_flags.c */
/* Reads argv and environment. 0: go on; 1: --help or --version was answered; -1 with err in the agent's words. */
int agent_flags_read(int argc, const char *const argv[], const char *const env[], struct flags *out, struct error *err);
/* The value that counts, the default when it was not given; NULL when there is none. */
const char *agent_flag(const struct flags *flags, const char *name);
/* A duration flag in the lab's time. */
int64_t agent_flag_ms(const struct agent *agent, const char *name);
/* {"name": "value"} with defaults, as /flags shows them. */
json_t *agent_flags_to_json(const struct flags *flags);
/* What the fault agent-exit remembers: the flags, whatever their order. */
void agent_flags_digest(const struct flags *flags, char out[DIGEST_HEX_SIZE]);

/* ---- agent_recover.c */
/* Sets info (with ID when it is kept), reserved and tasks. -1: refused, err or *refusal says why. */
int agent_recover(struct agent *agent, struct buffer *refusal, struct error *err);
char *agent_boot_id(const struct agent *agent); /* the kernel's, of this host */

/* ---- agent_checkpoint.c: <root><work_dir>/meta. Caller frees the paths. */
char *agent_meta_path(const struct agent *agent, const char *format, ...) __attribute__((format(printf, 2, 3)));
int agent_checkpoint_self(const struct agent *agent, struct error *err); /* slave.info, latest, boot_id */
int agent_checkpoint_boot_id(const struct agent *agent, struct error *err);
/* framework.info, executor.info, task.info: everything but the pid. Nothing for frameworks that do not checkpoint. */
int agent_checkpoint_task(const struct agent *agent, const struct agent_task *task, struct error *err);
int agent_checkpoint_pid(const struct agent *agent, const struct agent_task *task, struct error *err);
int agent_checkpoint_update(const struct agent *agent, const struct agent_task *task, const Mesos__TaskStatus *status,
			    struct error *err);
int agent_checkpoint_sentinel(const struct agent *agent, const struct agent_task *task, struct error *err);
/* Reads back what agent_checkpoint_task wrote; NULL when it cannot be read. */
struct agent_task *agent_checkpoint_read_task(struct agent *agent, const struct checkpoint_task *from);

/* ---- agent_tasks.c */
int agent_listen_executors(struct agent *agent, struct error *err);
void agent_launch(struct agent *agent, const json_t *message);
void agent_kill_task(struct agent *agent, const char *framework_id, const char *task_id);
/* The agent found out that the task has ended. task is gone afterwards. */
void agent_task_ended(struct agent_task *task, Mesos__TaskState state, Mesos__TaskStatus__Reason reason,
		      const char *text);
/* Kills every executor (SIGUSR1, shutdown by the master, --recover=cleanup). */
void agent_end_tasks(struct agent *agent);
void agent_task_free(struct agent_task *task);

/* ---- agent_await.c */
/* Starts the wait for executors, or ends recovery at once when there are none. */
void agent_await_executors(struct agent *agent);

/* ---- agent_master.c */
void agent_connect(struct agent *agent);  /* opens the link and keeps it open */
void agent_register(struct agent *agent); /* recovery is over */
void agent_send_update(struct agent *agent, const struct agent_task *task, const Mesos__TaskStatus *status);

/* ---- agent_http.c */
int agent_serve(struct agent *agent, struct error *err);

#endif
