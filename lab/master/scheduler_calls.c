/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/scheduler: who may call, and every call but SUBSCRIBE and ACCEPT. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "lab/master/scheduler.h"
#include "mesos/pb.h"

#define REFUSE_SECONDS     5.0 /* when a call names none, or less than none, as the real master has it */
#define REFUSE_SECONDS_MAX (365.0 * 86400)

typedef Mesos__Scheduler__Call call_t;

int64_t scheduler_refused_until(const struct master *master, const Mesos__Scheduler__Filters *filters)
{
	double seconds = filters != NULL && filters->has_refuse_seconds ? filters->refuse_seconds : REFUSE_SECONDS;
	seconds = seconds >= 0 ? seconds : REFUSE_SECONDS; /* NaN too */
	seconds = seconds < REFUSE_SECONDS_MAX ? seconds : REFUSE_SECONDS_MAX;
	return clock_monotonic_ms() + lab_scaled_ms(master->lab, (int64_t)(seconds * 1000));
}

static const char *framework_id(const struct scheduler_call *call)
{
	return call->scheduler->framework->info->id->value;
}

const struct allocator_offer *scheduler_find_offer(const struct scheduler_call *call, const char *id)
{
	const struct allocator_offer *offer = allocator_find_offer(call->master->allocator,
								   scheduler_offer_number(call->master, id));
	return offer != NULL && strcmp(offer->framework, framework_id(call)) == 0 ? offer : NULL;
}

static struct master_task *find_task(const struct scheduler_call *call, const char *task_id)
{
	for (const struct master_agent *agent = call->master->agents; agent != NULL; agent = agent->next) {
		for (struct master_task *task = agent->tasks; task != NULL; task = task->next) {
			if (task->framework == call->scheduler->framework &&
			    strcmp(task->task->task_id->value, task_id) == 0)
				return task;
		}
	}
	return NULL;
}

/* ---- the calls */

static void tear_down(const struct scheduler_call *call)
{
	scheduler_tear_down(call->scheduler);
}

static void decline(const struct scheduler_call *call)
{
	const Mesos__Scheduler__Call__Decline *what = call->message->decline;
	for (size_t i = 0; i < what->n_offer_ids; i++) {
		const struct allocator_offer *offer = scheduler_find_offer(call, what->offer_ids[i]->value);
		if (offer == NULL)
			continue;
		struct resources all = {.items = NULL};
		resources_copy(&all, offer->resources.items, offer->resources.count);
		allocator_end_offer(call->master->allocator, offer->number, &all,
				    scheduler_refused_until(call->master, what->filters));
		resources_clear(&all);
		call->scheduler->counts.declined++;
	}
}

static void revive(const struct scheduler_call *call)
{
	const Mesos__Scheduler__Call__Revive *what = call->message->revive;
	allocator_revive(call->master->allocator, framework_id(call),
			 what != NULL ? (const char *const *)what->roles : NULL, what != NULL ? what->n_roles : 0);
}

static void suppress(const struct scheduler_call *call)
{
	const Mesos__Scheduler__Call__Suppress *what = call->message->suppress;
	allocator_suppress(call->master->allocator, framework_id(call),
			   what != NULL ? (const char *const *)what->roles : NULL, what != NULL ? what->n_roles : 0);
}

static void say_unknown(const struct scheduler_call *call, const Mesos__TaskID *task_id, const Mesos__SlaveID *agent_id)
{
	bool aware = scheduler_has(call->scheduler->framework,
				   MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE);
	const struct scheduler_word word = {.task_id = task_id->value,
					    .agent_id = agent_id != NULL ? agent_id->value : NULL,
					    .text = "Reconciliation: Task is unknown",
					    .state = aware ? MESOS__TASK_STATE__TASK_UNKNOWN
							   : MESOS__TASK_STATE__TASK_LOST,
					    .reason = MESOS__TASK_STATUS__REASON__REASON_RECONCILIATION};
	scheduler_say(call->scheduler, &word);
}

static void say_known(const struct scheduler_call *call, const struct master_task *task)
{
	const struct scheduler_word word = {.task_id = task->task->task_id->value,
					    .agent_id = task->task->slave_id->value,
					    .text = "Reconciliation: Latest task state",
					    .state = task->task->state,
					    .reason = MESOS__TASK_STATUS__REASON__REASON_RECONCILIATION};
	scheduler_say(call->scheduler, &word);
}

static void kill_task(const struct scheduler_call *call)
{
	const Mesos__Scheduler__Call__Kill *what = call->message->kill;
	const struct master_task *task = find_task(call, what->task_id->value);
	if (task == NULL)
		say_unknown(call, what->task_id, what->agent_id);
	else if (task->agent->link != NULL)
		link_send(task->agent->link, json_pack("{ss ss ss}", "type", "kill", "framework", framework_id(call),
						       "task", what->task_id->value));
}

static void acknowledge(const struct scheduler_call *call)
{
	const Mesos__Scheduler__Call__Acknowledge *what = call->message->acknowledge;
	const struct master_agent *agent = master_agent_find(call->master, what->agent_id->value);
	char *uuid = base64_encode(what->uuid.data, what->uuid.len);
	if (agent != NULL && agent->link != NULL)
		link_send(agent->link, json_pack("{ss ss ss ss}", "type", "acknowledge", "framework",
						 framework_id(call), "task", what->task_id->value, "uuid", uuid));
	free(uuid);
}

static void reconcile_all(const struct scheduler_call *call)
{
	for (const struct master_agent *agent = call->master->agents; agent != NULL; agent = agent->next) {
		for (const struct master_task *task = agent->tasks; task != NULL; task = task->next) {
			if (task->framework == call->scheduler->framework)
				say_known(call, task);
		}
	}
}

/* What an agent that is not back yet runs is not known: no answer is better than a wrong one. */
static bool may_run_elsewhere(const struct scheduler_call *call, const Mesos__SlaveID *agent_id)
{
	for (const struct master_agent *agent = call->master->agents; agent != NULL; agent = agent->next) {
		if (agent->standing == STANDING_RECOVERED &&
		    (agent_id == NULL || strcmp(agent->id, agent_id->value) == 0))
			return true;
	}
	return false;
}

static void reconcile(const struct scheduler_call *call)
{
	const Mesos__Scheduler__Call__Reconcile *what = call->message->reconcile;
	if (what->n_tasks == 0)
		reconcile_all(call);
	for (size_t i = 0; i < what->n_tasks; i++) {
		const struct master_task *task = find_task(call, what->tasks[i]->task_id->value);
		if (task != NULL)
			say_known(call, task);
		else if (!may_run_elsewhere(call, what->tasks[i]->agent_id))
			say_unknown(call, what->tasks[i]->task_id, what->tasks[i]->agent_id);
	}
}

/* ---- who calls */

static const struct {
	Mesos__Scheduler__Call__Type type;
	const char *member; /* that the call must have; NULL: none */
	void (*act)(const struct scheduler_call *call);
} calls[] = {
	{MESOS__SCHEDULER__CALL__TYPE__ACCEPT, "accept", scheduler_accept},
	{MESOS__SCHEDULER__CALL__TYPE__ACKNOWLEDGE, "acknowledge", acknowledge},
	{MESOS__SCHEDULER__CALL__TYPE__DECLINE, "decline", decline},
	{MESOS__SCHEDULER__CALL__TYPE__KILL, "kill", kill_task},
	{MESOS__SCHEDULER__CALL__TYPE__RECONCILE, "reconcile", reconcile},
	{MESOS__SCHEDULER__CALL__TYPE__REVIVE, NULL, revive},
	{MESOS__SCHEDULER__CALL__TYPE__SUPPRESS, NULL, suppress},
	{MESOS__SCHEDULER__CALL__TYPE__TEARDOWN, NULL, tear_down},
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

/* The framework that calls; NULL when it is refused. */
static struct scheduler *find_caller(const struct master *master, const struct web_call *call, const call_t *message,
				     struct web_reply *reply)
{
	const char *stream = web_call_header(call, "Mesos-Stream-Id");
	const char *id = message->framework_id->value;
	const struct master_framework *framework = master_framework_find(master, id);
	struct scheduler *scheduler = framework != NULL ? framework->scheduler : NULL;
	if (scheduler == NULL)
		web_refuse(reply, 400, "Framework cannot be found");
	else if (scheduler->stream == NULL)
		web_refuse(reply, 403, "Framework is not subscribed");
	else if (stream == NULL)
		web_refuse(reply, 400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header");
	else if (strcmp(stream, scheduler->stream_id) != 0)
		web_refuse(reply, 400,
			   "The stream ID '%s' included in this request didn't match the stream ID currently "
			   "associated with framework ID %s",
			   stream, id);
	return reply->status == 200 ? scheduler : NULL;
}

static bool has_member(const call_t *message, const char *name)
{
	return name == NULL || pb_field_is_set(&message->base, protobuf_c_message_descriptor_get_field_by_name(
								       &mesos__scheduler__call__descriptor, name));
}

static void answer_call(struct master *master, const struct web_call *call, const call_t *message,
			struct web_reply *reply)
{
	struct scheduler_call to = {.master = master, .message = message, .reply = reply};
	size_t i = 0;
	while (i < CALLS && calls[i].type != message->type)
		i++;
	if (message->framework_id == NULL)
		web_refuse(reply, 400, "Failed to validate scheduler::Call: Expecting 'framework_id' to be present");
	else if (i == CALLS)
		web_refuse(reply, 501, "The lab's master does not know the scheduler's call %s",
			   pb_enum_name(&mesos__scheduler__call__type__descriptor, (int)message->type));
	else if (!has_member(message, calls[i].member))
		web_refuse(reply, 400, "Failed to validate scheduler::Call: Expecting '%s' to be present",
			   calls[i].member);
	else
		to.scheduler = find_caller(master, call, message, reply);
	if (to.scheduler == NULL)
		return;
	to.scheduler->counts.calls[message->type]++;
	reply->status = 202;
	reply->content_type = NULL;
	calls[i].act(&to);
}

void answer_scheduler(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	if (strcmp(call->method, "POST") != 0) {
		web_refuse(reply, 405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received '%s'.",
			   call->method);
		return;
	}
	call_t *message = api_parse(&mesos__scheduler__call__descriptor, call, reply);
	if (message == NULL)
		return;
	if (!message->has_type || pb_enum_name(&mesos__scheduler__call__type__descriptor, (int)message->type) == NULL ||
	    message->type == MESOS__SCHEDULER__CALL__TYPE__UNKNOWN)
		web_refuse(reply, 400, "Failed to validate scheduler::Call: Expecting 'type' to be present");
	else if (message->type == MESOS__SCHEDULER__CALL__TYPE__SUBSCRIBE)
		scheduler_subscribe(master, call, message, reply);
	else
		answer_call(master, call, message, reply);
	pb_free(message);
}
