/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_MASTER_SCHEDULER_H
#define LAB_MASTER_SCHEDULER_H
/*
 * Frameworks of people: /api/v1/scheduler in JSON, as a scheduler of Mesos' v1 API speaks it.
 *
 *   scheduler.c         who subscribes, fails over, goes;  scheduler_calls.c  what they ask for
 *   scheduler_events.c  what they are told;  scheduler_launch.c  ACCEPT;  scheduler_agents.c  agents and the allocator
 *
 * The lab's own frameworks have no scheduler, and their tasks are launched without offers (launch.c). They are told
 * apart by failover_timeout, which they alone do not have: that is how an agent knows who will acknowledge.
 */
#include "lab/master/allocator.h"
#include "lab/master/master.h"

struct scheduler { /* of one framework, for as long as the master knows the framework */
	struct master *master;
	struct master_framework *framework;
	struct web_stream *stream; /* NULL: it is not subscribed */
	char stream_id[RANDOM_ID_SIZE];
	struct timer *heartbeat, *failover;
	bool torn_down; /* ended for good */
};

/* ---- scheduler.c */
void scheduler_subscribe(struct master *master, const struct web_call *call, const json_t *body,
			 struct web_reply *reply);
void scheduler_tear_down(struct scheduler *scheduler);
bool scheduler_has(const struct master_framework *framework, Mesos__FrameworkInfo__Capability__Type capability);

/* ---- scheduler_events.c: nothing happens when it is not subscribed. The members are taken. */
void scheduler_send(struct scheduler *scheduler, const char *type, const char *member, json_t *value);
void scheduler_send_error(struct scheduler *scheduler, const char *text);
void scheduler_send_subscribed(struct scheduler *scheduler);
void scheduler_send_offer(struct scheduler *scheduler, const struct allocator_offer *offer);
void scheduler_send_status(struct scheduler *scheduler, const Mesos__TaskStatus *status);
int64_t scheduler_heartbeat_ms(const struct master *master);
/* "MASTER-O12"; the caller frees it. And back: 0 when it is none of this master's. */
char *scheduler_offer_id(const struct master *master, uint64_t number);
uint64_t scheduler_offer_number(const struct master *master, const char *id);

/* The master's own word on a task that it need not know. agent_id, text: NULL when there is none. */
struct scheduler_word {
	const char *task_id, *agent_id, *text;
	Mesos__TaskState state;
	Mesos__TaskStatus__Reason reason;
};
void scheduler_say(struct scheduler *scheduler, const struct scheduler_word *word);

/* ---- scheduler_calls.c, scheduler_launch.c */
struct scheduler_call {
	struct master *master;
	struct scheduler *scheduler;
	const json_t *body; /* the member named after the call */
	struct web_reply *reply;
};
void scheduler_accept(const struct scheduler_call *call);
/* refuse_seconds of a call's filters, as a moment. */
int64_t scheduler_refused_until(const struct scheduler_call *call);
const char *scheduler_value_of(const json_t *object,
			       const char *key); /* {"key": {"value": TEXT}}; "" when it is not there */

/* ---- scheduler_agents.c */
void scheduler_settle(struct master *master); /* the allocator learns what has changed */

#endif
