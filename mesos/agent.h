/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_AGENT_H
#define MESOS_AGENT_H
/*
 * What a master says of an agent, its tasks and frameworks: plain values, the same whether they came from /slaves,
 * /state or GET_AGENTS, in JSON or protobuf. Times are nanoseconds since 1970 UTC as the master gave them; 0: absent.
 */
#include <stdbool.h>
#include <stdint.h>

#include "mesos/resources.h"
#include "mesos/slaveinfo.h"

struct agent_view {
	char *id;
	char *hostname;
	char *ip; /* from pid "slave(1)@127.0.0.1:5051" */
	int port;
	char *version;
	bool active;
	bool deactivated;
	bool attributes_complete; /* false when read from /slaves, which shows one of two attributes with the same name */
	int64_t registered_ns;
	int64_t reregistered_ns;
	Mesos__SlaveInfo *info; /* resources as checkpointed by the master: agent_info */
	struct resources total; /* total_resources: with dynamic reservations applied */
	struct resources used;  /* allocated_resources */
};
void agent_view_clear(struct agent_view *agent);
void agent_view_copy(struct agent_view *to, const struct agent_view *from);

struct task_view {
	char *id;
	char *name;
	char *framework_id;
	char *executor_id; /* "" for command tasks */
	char *agent_id;
	char *state;  /* "TASK_RUNNING" */
	char *reason; /* why it is in that state: "REASON_SLAVE_DISCONNECTED"; "" when the master does not say */
};
void task_view_clear(struct task_view *task);

struct framework_view {
	char *id;
	char *name;
	char *role; /* the first one */
	bool active;
	bool checkpoint;
	bool partition_aware;
	bool region_aware; /* capability REGION_AWARE; not kept in the database */
};
void framework_view_clear(struct framework_view *framework);

/* What the cluster says of itself: the leading master. */
struct master_facts {
	char *version;
	char *id; /* changes with every failover */
	char *cluster;
	bool agent_update; /* capability AGENT_UPDATE */
	bool has_domain;
	char *region, *zone; /* NULL without domain */
	int64_t agent_ping_timeout_ms;
	int64_t max_agent_ping_timeouts;
	int64_t agent_reregister_timeout_ms;
	bool require_agent_domain;
	int64_t elected_ns;
	/* Not kept in the database: */
	char *acls;                     /* flag acls: a JSON object or a file:// path; NULL: none, or not said */
	char *agent_removal_rate_limit; /* flag: "1/10mins"; NULL: none, or not said */
	int64_t agent_count;            /* agents the master itself counts; -1: not asked, or not said */
	int64_t task_count;             /* tasks that are staging, starting or running; -1: the same */
};
void master_facts_clear(struct master_facts *facts);

#endif
