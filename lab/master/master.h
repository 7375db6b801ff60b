/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_MASTER_MASTER_H
#define LAB_MASTER_MASTER_H
/*
 * The lab's master. What it knows of an agent comes from the agent; what it keeps over its own death is the registry.
 *
 *   master.c       the process: contends, leads, ends;  election.c  its part in ZooKeeper
 *   agents.c       the book of agents: found, added, unreachable, gone, removed;  pings.c  who is silent for too long
 *   register.c     what agents say;  admission.c  who is kept out;  admit.c  who is let in, once the registry holds it
 *   tasks.c        what runs where, as agents say it;  tasks_lost.c  what the master says itself when they do not
 *   launch.c       the lab's frameworks and their tasks
 *   registry.c     DIR/master/registry.json, which all masters of a lab share
 *   operate.c      drain, deactivate, reactivate, mark gone;  maintenance.c  the schedule and machines;
 *   operations.c   reservations and volumes
 *   answers*.c, roles.c, metrics.c, flags.c   the older endpoints' JSON
 *   api.c, api_read.c   operator API v1, JSON and protobuf
 *   allocator*.c, scheduler*.c   offers, and the frameworks of people who take them
 *   http.c         which path is answered how;  strikes.c  the master's faults;  auth.c  who may ask
 *
 * Times are seconds since 1970 as a double, the way Mesos' own endpoints give them. All clocks of Mesos are divided by
 * the lab's time scale.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "lab/core/events.h"
#include "lab/core/faults.h"
#include "lab/core/lab.h"
#include "lab/core/link.h"
#include "lab/core/web.h"
#include "lab/core/writer.h"
#include "mesos/resources.h"
#include "mesos/slaveinfo.h"
#include "mesos/version.h"

/* The master's flags, unscaled: what /flags says. */
#define MASTER_PING_TIMEOUT_MS     15000
#define MASTER_MAX_PING_TIMEOUTS   5
#define MASTER_REREGISTER_MS       600000
#define MASTER_REREGISTER_TEXT     "10mins"
#define MASTER_COMPLETED_TASKS_MAX 1000 /* of a framework */

enum agent_standing {
	STANDING_REGISTERED,  /* in /slaves, active or merely disconnected */
	STANDING_RECOVERED,   /* in the registry, not seen since this master leads */
	STANDING_UNREACHABLE, /* was silent or away for too long */
	STANDING_GONE,        /* an operator said so: never admitted again */
};

struct master_agent {
	struct master_agent *next;
	char *id;
	char *host; /* the lab's host it runs on */
	Mesos__SlaveInfo *info;
	const Mesos__SlaveInfo *coming; /* its peer's: what the registry is to hold from now on; NULL: info */
	struct resources checkpointed;  /* dynamic reservations and volumes, as the agent keeps them; normalised */
	char *ip;
	int port;
	char *version;
	enum agent_standing standing;
	bool connected;
	bool deactivated;
	Mesos__DrainInfo *drain; /* NULL: it does not drain and has not drained */
	double drain_started;
	double registered;
	double reregistered; /* 0: never */
	struct link *link;   /* over which it registered; NULL when disconnected */
	int64_t left_ms;     /* clock_monotonic_ms of the disconnection */
	bool pinged;         /* and has not answered yet */
	int missed;          /* pings in a row */
	struct master_task *tasks;
	bool settled; /* the allocator knows all of this */
};

/* An agent process that is connected, whether it has registered or not. */
struct master_peer {
	struct master_peer *next;
	struct master *master;
	struct link *link;
	struct master_agent *agent; /* that registered over it; NULL before */
	Mesos__SlaveInfo *asked;    /* it waits for the registry to hold this; NULL: it does not wait */
	json_t *asking;             /* the message, while it waits */
	char *host;
	char *ip;
	int port;
};

struct master_framework {
	struct master_framework *next;
	Mesos__FrameworkInfo *info;
	double registered;
	double reregistered; /* 0: it has not subscribed again */
	double unregistered; /* 0: it has not ended */
	bool recovered;      /* only its agents remember it: it has not subscribed to this master */
	bool completed;
	struct scheduler *scheduler; /* NULL: one of the lab's own */
	size_t completed_tasks;
};

struct master_task {
	struct master_task *next; /* of the same agent, or completed */
	struct master_framework *framework;
	struct master_agent *agent; /* NULL: completed */
	Mesos__Task *task;
	bool unreachable; /* its agent is, or was when it was lost */
};

/* A machine of the maintenance schedule; one that is not listed is up. */
struct master_machine {
	struct master_machine *next;
	Mesos__MachineInfo *info;
};

/* What metrics count from the start of the process. */
struct master_counters {
	int64_t registrations, reregistrations, register_messages, reregister_messages;
	int64_t removals, removals_unhealthy, removals_registered, recovery_removals;
	int64_t removals_unregistered;
	int64_t status_updates, launches, terminal[MESOS__TASK_STATE__TASK_UNKNOWN + 1];
	int64_t operations[4], operations_dropped; /* by enum master_operation */
};

struct election;

struct master {
	struct lab *lab;
	size_t number; /* of this master among the lab's, from 0 */
	struct mesos_version version;
	const char *name; /* "master", "master:2": as a role and as a fault's target */
	struct events *events;
	struct control *control;
	struct listener *agents_listener;
	struct web *web;       /* at its own address */
	struct web *web_other; /* at lab->master_other; NULL when there are several masters */
	struct fault_set faults;
	char *counting; /* the arming that `requests` counts */
	int64_t requests;
	json_t *stale; /* the fault `stale`: what was answered, by path */
	struct timer *ping_timer;
	struct timer *registry_timer;
	struct timer *fault_timer;
	struct timer *round_timer;
	struct allocator *allocator; /* NULL: it does not lead */
	char *credentials;           /* "principal:secret"; NULL: everybody may ask */

	struct election *election; /* NULL: the only master */
	bool elected;
	Mesos__MasterInfo *leader; /* NULL: unknown; its own when it leads */
	double elected_time;

	char *id; /* new with every process: a failover */
	double start_time;
	char *ip;
	int port;
	Mesos__DomainInfo *domain;
	json_t *likeness; /* DIR/likeness.json; NULL: the lab's own frameworks */
	int64_t next_agent, next_framework;
	char *framework_origin; /* the master that named the frameworks */
	struct master_agent *agents;
	struct master_peer *peers;
	struct master_framework *frameworks;
	struct master_task *completed;          /* latest first */
	Mesos__Maintenance__Schedule *schedule; /* NULL: none */
	struct master_machine *machines;
	struct master_counters counters;
};

double master_now(void);
/* AGENT_UPDATE, AGENT_DRAINING, QUOTA_V2: as many as its version has. */
bool master_can(const struct master *master, Mesos__MasterInfo__Capability__Type capability);
bool master_at_least(const struct master *master, int major, int minor);
/* Who it is, as ZooKeeper and GET_MASTER show it; the caller frees it. */
Mesos__MasterInfo *master_info(const struct master *master);

/* ---- master.c */
int master_lead(struct master *master, struct error *err); /* reads the registry, then listens to agents */
/* The process ends without writing the registry: somebody else leads. text: the real one's last words. */
void master_give_up(struct master *master, const char *text);

/* ---- election.c */
struct election *election_new(struct master *master, struct error *err);
void election_free(struct election *election);
void election_withdraw(struct election *election); /* the node is gone at once */

/* ---- agents.c */
struct master_agent *master_agent_find(const struct master *master, const char *id);
struct master_agent *master_agent_add(struct master *master, const char *id, Mesos__SlaveInfo *info); /* takes info */
void master_agents_free(struct master *master);
const char *master_agent_pid(const struct master_agent *agent, char *out, size_t size);
/* "ID at slave(1)@IP:PORT (HOSTNAME)", as the master's log and answers name an agent. Caller frees. */
char *master_agent_text(const struct master_agent *agent);
/* The SlaveInfo's resources with reservations and volumes applied; normalised. out must be cleared. */
void master_agent_total(const struct master_agent *agent, struct resources *out);
struct mesos_version master_agent_version(const struct master_agent *agent);
bool master_agent_is_active(const struct master_agent *agent);
void master_agent_set_drain(struct master_agent *agent, Mesos__DrainInfo *drain); /* takes drain */
void master_agent_disconnect(struct master *master, struct master_agent *agent);
void master_agent_unreachable(struct master *master, struct master_agent *agent, const char *why);
void master_agent_gone(struct master *master, struct master_agent *agent);
/* Tells it to shut down when `shutdown`, and forgets it. agent is gone afterwards. */
void master_agent_remove(struct master *master, struct master_agent *agent, const char *why, bool shutdown);

/* ---- register.c */
int master_listen_agents(struct master *master, struct error *err);
void master_close_agents(struct master *master); /* every connection, and the listener */

/* ---- admission.c */
/* Is this agent kept out? Then it was told so, if the real master would have. agent: who it was before, NULL for a new
 * one; again: it reregisters. */
bool admission_refused(const struct master *master, struct master_peer *peer, const struct master_agent *agent,
		       const Mesos__SlaveInfo *info, bool again);

/* ---- admit.c: each takes info; an agent that is let in is in the registry first */
void admit_new(struct master *master, struct master_peer *peer, Mesos__SlaveInfo *info, const json_t *message);
void admit_again(struct master *master, struct master_peer *peer, Mesos__SlaveInfo *info, const json_t *message);
void admit_written(struct master *master);     /* the registry holds what was asked for */
void admit_withdraw(struct master_peer *peer); /* its connection is gone */
void admit_acknowledge(struct master_peer *peer);

/* ---- pings.c */
void master_ping(struct master *master); /* one round, and whose time is up */
void master_pong(struct master *master, const struct master_peer *peer);

/* ---- tasks.c */
void master_tasks_free(struct master *master);
void master_task_add(struct master_framework *framework, struct master_agent *agent, Mesos__Task *message); /* takes */
void master_update(struct master *master, struct master_agent *agent, const json_t *update);
/* What the agent says it runs is what runs there; what it does not name is lost. returned: what frameworks are told of
 * each task when the agent was given up before; NULL: nothing. */
void master_reconcile(struct master *master, struct master_agent *agent, const json_t *tasks, const char *returned);
/* What an agent remembers of frameworks that have ended there, after a failover. */
void master_tasks_archived(struct master *master, const json_t *tasks);
void master_tasks_unreachable(struct master *master, struct master_agent *agent, const char *why);
void master_tasks_disconnected(struct master *master,
			       struct master_agent *agent); /* of frameworks that do not checkpoint */
void master_tasks_gone(struct master *master, struct master_agent *agent);
void master_tasks_removed(struct master *master, struct master_agent *agent, const char *why);
/* It is completed, and its tasks are killed; it stays in the list. */
void master_framework_end(struct master *master, struct master_framework *framework);
/* Sums, normalised. agent or framework may be NULL; out must be cleared. */
void master_used(const struct master *master, const struct master_agent *agent,
		 const struct master_framework *framework, struct resources *out);

/* ---- likeness.c: of a lab made with `up --from`; false: it is none */
int master_likeness_load(struct master *master, struct error *err);
bool master_likeness_frameworks(struct master *master);
bool master_likeness_launch(struct master *master, struct master_agent *agent);

/* ---- launch.c */
struct framework_shape {
	const char *name, *role;
	bool checkpoint, partition_aware;
};
void master_make_frameworks(struct master *master);
void master_framework_make(struct master *master, size_t index, const struct framework_shape *shape);
/* A task that uses nothing yet; the caller adds resources, and launches it, which takes it. */
Mesos__Task *master_task_make(const struct master_framework *framework, const struct master_agent *agent,
			      const char *name);
void master_task_launch(struct master *master, struct master_agent *agent, struct master_framework *framework,
			Mesos__Task *task);
void master_frameworks_free(struct master *master);
struct master_framework *master_framework_find(const struct master *master, const char *id);
bool master_framework_is_active(const struct master_framework *framework); /* somebody is subscribed for it */
/* The lab's tasks for an agent that registered as a new one. */
void master_launch_tasks(struct master *master, struct master_agent *agent);

/* ---- scheduler*.c: what the rest of the master tells them; lab/master/scheduler.h is for themselves */
struct scheduler;
void scheduler_open(struct master *master); /* from now on there are offers */
void scheduler_close(struct master *master);
void scheduler_free(struct scheduler *scheduler); /* NULL is fine */
void answer_scheduler(struct master *master, const struct web_call *call, struct web_reply *reply);
/* A framework of people that only its agents remember: added, which takes info. NULL: it is one of the lab's own. */
struct master_framework *scheduler_recover(struct master *master, Mesos__FrameworkInfo *info);
/* One, or as many as a MULTI_ROLE framework has; borrowed. */
const char *const *master_framework_roles(const struct master_framework *framework, size_t *count);
const char *master_task_role(const struct master_task *task);      /* that what it uses is allocated to; borrowed */
bool scheduler_is_there(const struct master_framework *framework); /* has a scheduler that is subscribed */
/* Puts what schedulers have asked and were told over the zeros of metrics. */
void scheduler_put_metrics(const struct master *master, json_t *metrics);
void scheduler_update(const struct master_framework *framework, const Mesos__TaskStatus *status);
void scheduler_agent_removed(struct master *master, const struct master_agent *agent);
/* It has come back: it learns what frameworks say of themselves now. */
void scheduler_agent_back(const struct master *master, const struct master_agent *agent);
void scheduler_tell_agent(const struct master_agent *agent, const struct master_framework *framework);

/* ---- registry.c */
int master_registry_load(struct master *master, struct error *err);
void master_registry_changed(struct master *master); /* written shortly after */
void master_registry_write(void *ctx);

/* ---- operate.c, maintenance.c, operations.c: each fills the reply as the real master does */
void web_refuse(struct web_reply *reply, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
void operate_drain(struct master *master, const Mesos__Master__Call__DrainAgent *call, struct web_reply *reply);
void operate_deactivate(struct master *master, const char *id, struct web_reply *reply);
void operate_reactivate(struct master *master, const char *id, struct web_reply *reply);
void operate_mark_gone(struct master *master, const char *id, struct web_reply *reply);
/* Sends the drain again to an agent that came back, and sees whether it has drained. agent may be gone afterwards. */
void operate_resume_drain(struct master *master, struct master_agent *agent);
void operate_check_drained(struct master *master, struct master_agent *agent);

void maintenance_set(struct master *master, const Mesos__Maintenance__Schedule *schedule, struct web_reply *reply);
void maintenance_down(struct master *master, Mesos__MachineID *const *ids, size_t count, struct web_reply *reply);
void maintenance_up(struct master *master, Mesos__MachineID *const *ids, size_t count, struct web_reply *reply);
Mesos__Maintenance__Schedule *maintenance_schedule(const struct master *master); /* the caller's */
Mesos__Maintenance__ClusterStatus *maintenance_status(const struct master *master);
/* Is there a window for the agent's machine? NULL: none. */
const Mesos__MachineID *maintenance_window_of(const struct master *master, const struct master_agent *agent);
bool maintenance_is_down(const struct master *master, const char *hostname, const char *ip);
void maintenance_free(struct master *master);
void maintenance_http(struct master *master, const struct web_call *call, const char *path, struct web_reply *reply);

enum master_operation { OPERATION_RESERVE, OPERATION_UNRESERVE, OPERATION_CREATE, OPERATION_DESTROY };
void operations_apply(struct master *master, enum master_operation kind, const char *id,
		      Mesos__Resource *const *resources, size_t count, struct web_reply *reply);
/* A framework's, in an ACCEPT: as above, of what it was offered, which is changed likewise. False, with nothing changed
 * and the reason in the log, when it is not valid. */
bool operations_apply_offered(struct master *master, enum master_operation kind, struct master_agent *agent,
			      Mesos__Resource *const *resources, size_t count, struct resources *offered);

/* ---- answers.c, answers_*.c, roles.c, metrics.c, flags.c */
struct master_query { /* parameters of the request, NULL or -1 when not given */
	const char *slave_id, *framework_id, *task_id;
	int64_t limit, offset;
	bool ascending; /* the oldest first */
};
typedef void master_answer(const struct master *master, const struct master_query *query, struct writer *writer);
master_answer answer_slaves, answer_state, answer_state_summary, answer_tasks, answer_frameworks, answer_flags,
	answer_version, answer_metrics, answer_roles;
/* The members that several of them have in common, and whether query asks for that agent. */
void answer_put_agent(const struct master *master, const struct master_agent *agent, struct writer *writer);
void answer_put_agent_full(const struct master *master, const struct master_agent *agent, struct writer *writer);
void answer_put_recovered(const struct master *master, struct writer *writer);
void answer_put_framework(const struct master *master, const struct master_framework *framework, struct writer *writer);
void answer_put_frameworks(const struct master *master, const char *only, struct writer *writer); /* NULL: all */
bool answer_wants_agent(const struct master_agent *agent, const struct master_query *query);
json_t *master_flags(const struct master *master);   /* {"name": "value"} */
json_t *master_metrics(const struct master *master); /* {"name": number}, in the order of names */
double master_count_agents(const struct master *master, enum agent_standing standing, int active);

/* ---- api.c, api_read.c */
void api_rename_keys(json_t *value); /* as v1 names things: a slave is an agent */
void answer_api(struct master *master, const struct web_call *call, struct web_reply *reply);
/* The body as a message of that kind, from JSON or protobuf; NULL when the reply says why not. */
void *api_parse(const ProtobufCMessageDescriptor *descriptor, const struct web_call *call, struct web_reply *reply);
bool api_accepts(const char *header, const char *media_type); /* does the header Accept allow it? */
/* Fills the answer of a reading call; false when it is none that this master knows. */
bool api_read(const struct master *master, Mesos__Master__Call__Type type, Mesos__Master__Response *to);
/* In protobuf the real master leaves out the tasks of frameworks that have ended. */
void api_as_protobuf(const struct master *master, Mesos__Master__Response *response);

/* ---- http.c, strikes.c, auth.c */
int master_serve(struct master *master, struct error *err);
void master_answer_request(struct master *master, const struct web_call *call, struct web_reply *reply);
void master_request(void *ctx, const struct web_call *call, struct web_reply *reply); /* with the faults */
void master_faults_changed(struct master *master);
void master_redirect(struct web_reply *reply, const char *to, const struct web_call *call);
/* False when who asks has no right to; the reply then says so. */
bool auth_check(const struct master *master, const struct web_call *call, const char *realm, struct web_reply *reply);
int auth_load(struct master *master, struct error *err);

#endif
