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
#include "lab/agent/agent_web.h"
#include "lab/core/events.h"
#include "lab/core/lab.h"
#include "lab/core/link.h"
#include "lab/core/writer.h"
#include "mesos/checkpoint.h"
#include "mesos/flags.h"
#include "mesos/slaveinfo.h"
#include "mesos/version.h"

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

/* Which Mesos it is: of a version, and with the proposal's flags or without them. */
struct agent_release {
	struct mesos_version version;
	bool proposal;
};

struct agent_log;
struct agent_update;

/* Counters of its metrics, since it started. */
struct agent_ended {
	double executors, failed, finished, killed, updates;
};

struct agent {
	struct agent_log *log; /* NULL: no --log_dir */
	struct lab *lab;
	char *root;
	char *host;
	struct flags flags; /* as given, defaults not included */
	struct agent_release release;
	char version_text[16]; /* "1.12.0" */
	char *work_dir;        /* as the host names it */
	char *ip;
	int port;
	struct events *events;
	enum agent_phase phase;
	Mesos__SlaveInfo *info; /* with its ID once there is one */
	struct resources reserved;
	double start_time; /* seconds since 1970, as Mesos gives times */
	struct agent_web *web;
	struct listener *executors;
	struct agent_task *tasks;
	struct agent_task *completed;    /* with their executors; latest first */
	Mesos__DrainInfo__Config *drain; /* NULL: it is not being drained */
	double drain_started;
	struct agent_ended ended;
	double recovery_seconds;
	struct timer *recovery_timer;
	int64_t slow_ms;     /* recovery takes so much longer (the fault slow-recovery) */
	bool cleanup;        /* --recover=cleanup */
	bool changed;        /* it has accepted another SlaveInfo than its checkpoint's */
	bool news;           /* and the tasks that run on have not been told of it */
	bool discards;       /* what it has recovered is to be given up (--recover_state=false) */
	bool master_met;     /* the master it is connected to has said what it can: */
	bool master_updates; /* store a SlaveInfo that has changed (AGENT_UPDATE) */
	const char *failure; /* why it ends by itself; NULL: it does not */

	struct link *master;
	struct detector *detector;  /* NULL: --master is an address */
	char *leader;               /* the address of who leads, as the detector says; NULL: nobody */
	struct timer *master_timer; /* connecting, or registering again */
	struct timer *ping_timer;   /* when the master has not pinged for too long */
	int64_t backoff_ms;
	struct agent_update *updates; /* that a framework has not acknowledged, oldest first */
	struct timer *update_timer;   /* when to send them again */
	int64_t update_wait_ms;
	json_t *pending;           /* updates the master has not been told of */
	bool silent;               /* the faults never-reregister and away: it does not register yet */
	struct timer *fault_timer; /* when to look at them again; or when a flapping agent drops its connection */
	int64_t back_ms;           /* the fault away: clock_monotonic_ms; 0: not armed */
	int signal;                /* that ended it; 0: none */
};

/* ---- agent_flags.c */
/* Reads argv and environment: flags that the version does not have are not known. 0: go on; 1: --help or --version
 * was answered; -1 with err in the agent's words. */
int agent_flags_read(int argc, const char *const argv[], const char *const env[], const struct agent_release *release,
		     struct flags *out, struct error *err);
/* The value that counts, the default when it was not given; NULL when there is none. */
const char *agent_flag(const struct flags *flags, const char *name);
/* A duration flag in the lab's time. */
int64_t agent_flag_ms(const struct agent *agent, const char *name);
/* {"name": "value"} with defaults, as /flags shows them. */
json_t *agent_flags_to_json(const struct flags *flags, const struct agent_release *release);
/* What the fault agent-exit remembers: the flags, whatever their order. */
void agent_flags_digest(const struct flags *flags, char out[DIGEST_HEX_SIZE]);

/* ---- agent.c */
/* A line of its log, as glog writes it; place is the real agent's. Nothing without --log_dir. */
void agent_say(const struct agent *agent, char level, const char *place, const char *text);
void agent_trim(void); /* gives memory back that starting took */

/* ---- agent_recover.c */
/* Sets info (with ID when it is kept), reserved and tasks. -1: refused, err or *refusal says why. */
int agent_recover(struct agent *agent, struct buffer *refusal, struct error *err);
char *agent_boot_id(const struct agent *agent); /* the kernel's, of this host */

/* ---- agent_proposal.c: the flags of the proposal for relaxed recovery, in effect */
int agent_proposal_check(const struct flags *flags, struct error *err);
unsigned agent_proposal_ignores(const struct agent *agent); /* PART_… bits; 0 without the proposal */
bool agent_proposal_discards(const struct agent *agent);    /* --recover_state=false */
/* Says loudly what was accepted. */
void agent_proposal_warn(const struct agent *agent, const char *text);
/* Other values than the defaults want a master that can store what they allow. Until one has said what it can, nothing
 * is given up or replaced, and recovery does not end. */
bool agent_proposal_waits(const struct agent *agent);
/* If it discards: the executors end, and with them their tasks; the new state is written. */
int agent_proposal_discard(struct agent *agent, struct error *err);
/* Recovery is at its end: running tasks of observers get their update, and the new state is written. */
int agent_proposal_settle(struct agent *agent, struct error *err);
/* Why it does not connect to a master that cannot store a new state; NULL: it does. */
const char *agent_proposal_refusal(const struct agent *agent);
bool agent_executor_lives(const struct agent_task *task); /* agent_await.c */
void agent_kill_executor(const struct agent_task *task);

/* ---- agent_updates.c: updates of frameworks that acknowledge them, in order per task, until they do */
bool agent_update_is_acknowledged(const Mesos__FrameworkInfo *framework); /* by a scheduler, and not by the lab */
void agent_update_queue(struct agent *agent, const struct agent_task *task, const Mesos__TaskStatus *status);
void agent_updates_send(struct agent *agent); /* it has registered */
/* What goes with the registration: the ends of tasks, which the master would else take for lost. */
void agent_updates_with_registration(const struct agent *agent, json_t *list);
void agent_update_acknowledged(struct agent *agent, const json_t *message);
void agent_update_forget(struct agent *agent, const ProtobufCBinaryData *uuid); /* it was acknowledged earlier */
void agent_updates_clear(struct agent *agent);
/* What a framework says of itself now. */
void agent_framework_changed(struct agent *agent, const json_t *message);

/* ---- agent_checkpoint.c: <root><work_dir>/meta. Caller frees the paths. */
char *agent_meta_path(const struct agent *agent, const char *format, ...) __attribute__((format(printf, 2, 3)));
int agent_checkpoint_self(const struct agent *agent, struct error *err); /* slave.info, latest, boot_id */
int agent_checkpoint_boot_id(const struct agent *agent, struct error *err);
int agent_checkpoint_resources(const struct agent *agent, struct error *err); /* dynamic reservations, volumes */
/* framework.info, executor.info, task.info: everything but the pid. Nothing for frameworks that do not checkpoint. */
int agent_checkpoint_task(const struct agent *agent, const struct agent_task *task, struct error *err);
int agent_checkpoint_pid(const struct agent *agent, const struct agent_task *task, struct error *err);
/* The update and, when it needs no scheduler's, its acknowledgement. */
int agent_checkpoint_update(const struct agent *agent, const struct agent_task *task, const Mesos__TaskStatus *status,
			    struct error *err);
int agent_checkpoint_acknowledgement(const struct agent *agent, const struct agent_task *task,
				     const ProtobufCBinaryData *uuid, struct error *err);
int agent_checkpoint_framework(const struct agent *agent, const Mesos__FrameworkInfo *framework, struct error *err);
int agent_checkpoint_drain(const struct agent *agent, struct error *err); /* removes the file when there is no drain */
Mesos__DrainInfo__Config *agent_checkpoint_read_drain(const struct agent *agent); /* NULL: there is none */
int agent_checkpoint_sentinel(const struct agent *agent, const struct agent_task *task, struct error *err);
/* Reads back what agent_checkpoint_task wrote; NULL when it cannot be read. */
struct agent_task *agent_checkpoint_read_task(struct agent *agent, const struct checkpoint_task *from);

/* ---- agent_launch.c */
void agent_launch(struct agent *agent, const json_t *message);

/* ---- agent_tasks.c */
int agent_listen_executors(struct agent *agent, struct error *err);
void agent_kill_task(struct agent *agent, const char *framework_id, const char *task_id);
/* SIGTERM, and SIGKILL after the grace. */
void agent_kill(const struct agent_task *task, int64_t grace_ms);
/* A task that has ended, kept for the endpoints as long as the real agent would. Takes task. */
void agent_task_complete(struct agent *agent, struct agent_task *task);
/* The agent found out that the task has ended. task is gone afterwards. */
void agent_task_ended(struct agent_task *task, Mesos__TaskState state, Mesos__TaskStatus__Reason reason,
		      const char *text);
/* Kills every executor (SIGUSR1, shutdown by the master, --recover=cleanup). */
void agent_end_tasks(struct agent *agent);
void agent_task_free(struct agent_task *task);
struct agent_task *agent_task_find(struct agent *agent, const char *framework_id, const char *task_id);
struct agent_task *agent_task_find_completed(struct agent *agent, const char *framework_id, const char *task_id);
/* The agent's own word: TASK_RUNNING, REASON_SLAVE_STATE_CHANGED, with the new SlaveInfo as its data. */
void agent_task_tell_state(struct agent_task *task);

/* ---- agent_drain.c: the master drains it */
void agent_drain(struct agent *agent, const json_t *message);
void agent_drain_recover(struct agent *agent); /* it was being drained when it ended */
void agent_drain_check(struct agent *agent);   /* is the last task gone? */
/* How the end of a task is told while it drains. */
void agent_drain_mark(const struct agent_task *task, Mesos__TaskStatus *status);

/* ---- agent_await.c */
/* Starts the wait for executors, or ends recovery at once when there are none. */
void agent_await_executors(struct agent *agent);

/* ---- agent_master.c */
void agent_connect(struct agent *agent);    /* opens the link and keeps it open */
void agent_register(struct agent *agent);   /* recovery is over */
void agent_disconnect(struct agent *agent); /* drops the link, and connects again */
void agent_unregister(struct agent *agent); /* SIGUSR1: the master is told that it goes */
/* The next bound of the wait between two attempts to register: the double, at most max. */
int64_t agent_backoff_next(int64_t bound_ms, int64_t max_ms);
void agent_send_update(struct agent *agent, const struct agent_task *task, const Mesos__TaskStatus *status);

/* ---- agent_judge.c */
void agent_meet_master(struct agent *agent, const json_t *message); /* the master says who it is and what it can */
/* Ends the agent, with `failure`, when what it has accepted or may accept is more than the master can store. */
void agent_judge_master(struct agent *agent);

/* ---- agent_faults.c */
/* An error when the agent is not to start. */
int agent_exit_faults(const struct agent *agent, struct error *err);
/* The faults of an agent that starts; one that hangs does not return. -1 with err: it cannot be started so. */
int agent_begin_faults(struct agent *agent, struct error *err);
void agent_faults_changed(struct agent *agent); /* somebody armed or healed one */
void agent_flap(struct agent *agent);           /* it has registered */

/* ---- agent_frameworks.c: frameworks and executors as /state shows them */
void agent_put_frameworks(const struct agent *agent, struct writer *writer);

/* ---- agent_http.c */
int agent_serve(struct agent *agent, struct error *err);

/* ---- agent_api.c, agent_metrics.c */
void agent_answer_api(const struct agent *agent, const struct agent_call *call, struct agent_reply *reply);
json_t *agent_metrics(const struct agent *agent); /* {"name": number} */

#endif
