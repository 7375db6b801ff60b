/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_MASTER_SCHEDULER_H
#define LAB_MASTER_SCHEDULER_H
/*
 * Frameworks of people: /api/v1/scheduler, as a scheduler of Mesos' v1 API speaks it, in JSON and protobuf.
 *
 *   scheduler.c         who subscribes, fails over, goes;  scheduler_calls.c  what they ask for
 *   scheduler_events.c  what they are told;  scheduler_accept.c  ACCEPT;  scheduler_launch.c  the tasks in it
 *   scheduler_agents.c  agents and the allocator;  scheduler_metrics.c  what was asked and told, counted
 *
 * The lab's own frameworks have no scheduler, and their tasks are launched without offers (launch.c). They are told
 * apart by failover_timeout, which they alone do not have: that is how an agent knows who will acknowledge.
 */
#include "lab/master/allocator.h"
#include "lab/master/master.h"
#include "schema/scheduler.pb-c.h"

#define SCHEDULER_CALLS      (MESOS__SCHEDULER__CALL__TYPE__UPDATE_FRAMEWORK + 1)
#define SCHEDULER_EVENTS     (MESOS__SCHEDULER__EVENT__TYPE__HEARTBEAT + 1)
#define SCHEDULER_OPERATIONS (MESOS__SCHEDULER__OFFER__OPERATION__TYPE__DESTROY + 1)

/* Since this master leads, by the numbers of the messages' types. */
struct scheduler_counts {
	int64_t calls[SCHEDULER_CALLS], events[SCHEDULER_EVENTS];
	int64_t operations[SCHEDULER_OPERATIONS], wrong_operations[SCHEDULER_OPERATIONS];
	int64_t sent, accepted, declined, rescinded; /* offers */
	int64_t empty;                               /* ACCEPTs of nothing, which are declines */
	int64_t resubscribed;                        /* of the SUBSCRIBEs, those with an ID */
};

struct scheduler { /* of one framework, for as long as the master knows the framework */
	struct master *master;
	struct master_framework *framework;
	struct web_stream *stream; /* NULL: it is not subscribed */
	bool protobuf;             /* what it reads; else JSON */
	char stream_id[RANDOM_ID_SIZE];
	struct timer *heartbeat, *failover;
	struct scheduler_counts counts;
};

/* ---- scheduler.c */
void scheduler_subscribe(struct master *master, const struct web_call *call, const Mesos__Scheduler__Call *message,
			 struct web_reply *reply);
void scheduler_tear_down(struct scheduler *scheduler);
bool scheduler_has(const struct master_framework *framework, Mesos__FrameworkInfo__Capability__Type capability);

/* ---- scheduler_events.c: nothing happens when it is not subscribed */
void scheduler_send_heartbeat(struct scheduler *scheduler);
void scheduler_send_error(struct scheduler *scheduler, const char *text);
void scheduler_send_subscribed(struct scheduler *scheduler);
void scheduler_send_offer(struct scheduler *scheduler, const struct allocator_offer *offer);
void scheduler_send_rescind(struct scheduler *scheduler, const struct allocator_offer *offer);
void scheduler_send_failure(struct scheduler *scheduler, const char *agent_id);
void scheduler_send_status(struct scheduler *scheduler, const Mesos__TaskStatus *status);
/* To somebody who is not let in, before the stream ends. */
void scheduler_write_error(struct web_stream *stream, bool protobuf, const char *text);
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

/* ---- scheduler_calls.c, scheduler_accept.c, scheduler_launch.c */
struct scheduler_call {
	struct master *master;
	struct scheduler *scheduler;
	const Mesos__Scheduler__Call *message;
	struct web_reply *reply;
};
void scheduler_accept(const struct scheduler_call *call);
/* The call's own offer; NULL: there is none of that ID, or it is another's. */
const struct allocator_offer *scheduler_find_offer(const struct scheduler_call *call, const char *id);
/* What filters say, as a moment; NULL: what holds when none are given. */
int64_t scheduler_refused_until(const struct master *master, const Mesos__Scheduler__Filters *filters);

/* The offers of an ACCEPT, which are all of one agent and for one role. */
struct scheduler_acceptance {
	const struct scheduler_call *call;
	struct master_agent *agent; /* NULL: they are not valid */
	char *role;
	struct resources left; /* of them */
	char *wrong;           /* why they are not valid */
};
void scheduler_launch(struct scheduler_acceptance *acceptance, const Mesos__Scheduler__TaskInfo *info);

/* ---- scheduler_agents.c */
void scheduler_settle(struct master *master); /* the allocator learns what has changed */

#endif
