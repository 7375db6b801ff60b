/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_MASTER_MASTER_H
#define LAB_MASTER_MASTER_H
/*
 * The lab's master. What it knows of an agent comes from the agent; what it keeps over its own death is the registry.
 *
 *   agents.c    registration, reregistration, disconnection, pings: who is in, active, unreachable
 *   tasks.c     the lab's frameworks and what runs where
 *   registry.c  DIR/master/registry.json: agent IDs it has admitted, and the frameworks
 *   answers*.c  the older endpoints' JSON;  api.c  operator API v1, JSON and protobuf
 *   http.c      which path is answered how, and the master's faults
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

/* The master's flags, unscaled: what /flags says. */
#define MASTER_PING_TIMEOUT_MS     15000
#define MASTER_MAX_PING_TIMEOUTS   5
#define MASTER_REREGISTER_MS       600000
#define MASTER_COMPLETED_TASKS_MAX 1000

enum agent_standing {
	STANDING_REGISTERED,  /* in /slaves, active or merely disconnected */
	STANDING_RECOVERED,   /* in the registry, not seen since this master leads */
	STANDING_UNREACHABLE, /* was silent or away for too long */
};

struct master_agent {
	struct master_agent *next;
	char *id;
	char *host; /* the lab's host it runs on */
	Mesos__SlaveInfo *info;
	char *ip;
	int port;
	char *version;
	enum agent_standing standing;
	bool connected; /* active, as the endpoints say */
	bool deactivated;
	double registered;
	double reregistered; /* 0: never */
	struct link *link;   /* over which it registered; NULL when disconnected */
	int64_t left_ms;     /* clock_monotonic_ms of the disconnection */
	bool pinged;         /* and has not answered yet */
	int missed;          /* pings in a row */
};

/* An agent process that is connected, whether it has registered or not. */
struct master_peer {
	struct master_peer *next;
	struct master *master;
	struct link *link;
	char *host;
	char *ip;
	int port;
};

struct master_framework {
	struct master_framework *next;
	Mesos__FrameworkInfo *info;
	double registered;
};

struct master_task {
	struct master_task *next;
	struct master_framework *framework;
	struct master_agent *agent; /* NULL: completed */
	Mesos__Task *task;
	bool unreachable;
};

struct master {
	struct lab *lab;
	struct events *events;
	struct control *control;
	struct listener *agents_listener;
	struct web *web;       /* at lab->master */
	struct web *web_other; /* at lab->master_other */
	struct fault_set faults;
	char *counting; /* the arming that `requests` counts */
	int64_t requests;
	struct timer *ping_timer;
	struct timer *registry_timer;
	struct timer *fault_timer;

	char *id; /* new with every process: a failover */
	double start_time;
	char *ip;
	int port;
	Mesos__DomainInfo *domain;
	int64_t next_agent;
	char *framework_origin; /* the master that named the frameworks */
	struct master_agent *agents;
	struct master_peer *peers;
	struct master_framework *frameworks;
	struct master_task *tasks;     /* running and unreachable */
	struct master_task *completed; /* latest first */
	size_t completed_count;
};

double master_now(void);

/* ---- agents.c */
int master_listen_agents(struct master *master, struct error *err);
void master_free_agents(struct master *master);
struct master_agent *master_agent_find(const struct master *master, const char *id);
struct master_agent *master_agent_add(struct master *master, const char *id, Mesos__SlaveInfo *info); /* takes info */
void master_ping(struct master *master); /* one round, and whose time is up */
const char *master_agent_pid(const struct master_agent *agent, char *out, size_t size);

/* ---- tasks.c */
void master_make_frameworks(struct master *master);
void master_free_tasks(struct master *master);
struct master_framework *master_framework_find(const struct master *master, const char *id);
/* The lab's tasks for an agent that registered as a new one. */
void master_launch_tasks(struct master *master, struct master_agent *agent);
void master_update(struct master *master, struct master_agent *agent, const json_t *update);
/* What the agent says it runs is what runs there; what it does not name is lost. */
void master_reconcile(struct master *master, struct master_agent *agent, const json_t *tasks);
void master_tasks_unreachable(struct master *master, struct master_agent *agent);
void master_tasks_disconnected(struct master *master,
			       struct master_agent *agent); /* of frameworks that do not checkpoint */
void master_tasks_removed(struct master *master, struct master_agent *agent);
/* Sums, normalised. agent or framework may be NULL; out must be cleared. */
void master_used(const struct master *master, const struct master_agent *agent,
		 const struct master_framework *framework, struct resources *out);

/* ---- registry.c */
int master_registry_load(struct master *master, struct error *err);
void master_registry_changed(struct master *master); /* written shortly after */
void master_registry_write(void *ctx);

/* ---- answers.c, answers_summary.c, flags.c */
struct master_query { /* parameters of the request, NULL or -1 when not given */
	const char *slave_id, *framework_id, *task_id;
	int64_t limit, offset;
};
void answer_slaves(const struct master *master, const struct master_query *query, struct writer *writer);
void answer_state(const struct master *master, const struct master_query *query, struct writer *writer);
void answer_state_summary(const struct master *master, const struct master_query *query, struct writer *writer);
void answer_tasks(const struct master *master, const struct master_query *query, struct writer *writer);
void answer_frameworks(const struct master *master, const struct master_query *query, struct writer *writer);
void answer_flags(const struct master *master, const struct master_query *query, struct writer *writer);
void answer_version(const struct master *master, const struct master_query *query, struct writer *writer);
void answer_metrics(const struct master *master, const struct master_query *query, struct writer *writer);
/* The members that several of them have in common, and whether query asks for that agent. */
void answer_put_agent(const struct master *master, const struct master_agent *agent, struct writer *writer);
void answer_put_framework(const struct master *master, const struct master_framework *framework, struct writer *writer);
bool answer_wants_agent(const struct master_agent *agent, const struct master_query *query);
extern const char *const master_capabilities[];
json_t *master_flags(const struct master *master); /* {"name": "value"} */

/* ---- api.c */
void answer_api(const struct master *master, const struct web_call *call, struct web_reply *reply);

/* ---- http.c */
int master_serve(struct master *master, struct error *err);
void master_faults_changed(struct master *master);

#endif
