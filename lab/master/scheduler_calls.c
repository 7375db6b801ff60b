/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/scheduler: who may call, and every call but SUBSCRIBE and ACCEPT. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lab/master/scheduler.h"

#define REFUSE_SECONDS     5 /* when a call names none, as the real master has it */
#define REFUSE_SECONDS_MAX (365.0 * 86400)

const char *scheduler_value_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(object, key), "value"));
	return text != NULL ? text : "";
}

int64_t scheduler_refused_until(const struct scheduler_call *call)
{
	const json_t *given = json_object_get(json_object_get(call->body, "filters"), "refuse_seconds");
	double seconds = json_is_number(given) ? json_number_value(given) : REFUSE_SECONDS;
	seconds = seconds > 0 ? seconds : 0;
	seconds = seconds < REFUSE_SECONDS_MAX ? seconds : REFUSE_SECONDS_MAX;
	return clock_monotonic_ms() + lab_scaled_ms(call->master->lab, (int64_t)(seconds * 1000));
}

static const char *framework_id(const struct scheduler_call *call)
{
	return call->scheduler->framework->info->id->value;
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
	const json_t *item;
	size_t index;
	json_array_foreach(json_object_get(call->body, "offer_ids"), index, item)
	{
		const char *id = json_string_value(json_object_get(item, "value"));
		const struct allocator_offer *offer = allocator_find_offer(
			call->master->allocator, scheduler_offer_number(call->master, id != NULL ? id : ""));
		if (offer == NULL || strcmp(offer->framework, framework_id(call)) != 0)
			continue;
		struct resources all = {.items = NULL};
		resources_copy(&all, offer->resources.items, offer->resources.count);
		allocator_end_offer(call->master->allocator, offer->number, &all, scheduler_refused_until(call));
		resources_clear(&all);
	}
}

static void revive(const struct scheduler_call *call)
{
	allocator_revive(call->master->allocator, framework_id(call));
}

static void suppress(const struct scheduler_call *call)
{
	allocator_suppress(call->master->allocator, framework_id(call));
}

static void say_unknown(const struct scheduler_call *call, const char *task_id, const char *agent_id)
{
	bool aware = scheduler_has(call->scheduler->framework,
				   MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE);
	const struct scheduler_word word = {.task_id = task_id,
					    .agent_id = *agent_id != '\0' ? agent_id : NULL,
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
	const char *task_id = scheduler_value_of(call->body, "task_id");
	const struct master_task *task = find_task(call, task_id);
	if (task == NULL)
		say_unknown(call, task_id, scheduler_value_of(call->body, "agent_id"));
	else if (task->agent->link != NULL)
		link_send(task->agent->link,
			  json_pack("{ss ss ss}", "type", "kill", "framework", framework_id(call), "task", task_id));
}

static void acknowledge(const struct scheduler_call *call)
{
	const struct master_agent *agent = master_agent_find(call->master, scheduler_value_of(call->body, "agent_id"));
	const char *uuid = json_string_value(json_object_get(call->body, "uuid"));
	if (agent != NULL && agent->link != NULL && uuid != NULL)
		link_send(agent->link,
			  json_pack("{ss ss ss ss}", "type", "acknowledge", "framework", framework_id(call), "task",
				    scheduler_value_of(call->body, "task_id"), "uuid", uuid));
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
static bool may_run_elsewhere(const struct scheduler_call *call, const char *agent_id)
{
	for (const struct master_agent *agent = call->master->agents; agent != NULL; agent = agent->next) {
		if (agent->standing == STANDING_RECOVERED && (*agent_id == '\0' || strcmp(agent->id, agent_id) == 0))
			return true;
	}
	return false;
}

static void reconcile(const struct scheduler_call *call)
{
	const json_t *tasks = json_object_get(call->body, "tasks"), *item;
	size_t index;
	if (json_array_size(tasks) == 0)
		reconcile_all(call);
	json_array_foreach(tasks, index, item)
	{
		const char *id = scheduler_value_of(item, "task_id"), *agent = scheduler_value_of(item, "agent_id");
		const struct master_task *task = find_task(call, id);
		if (task != NULL)
			say_known(call, task);
		else if (!may_run_elsewhere(call, agent))
			say_unknown(call, id, agent);
	}
}

/* ---- who calls */

static const struct {
	const char *type, *member; /* member NULL: the call has none */
	void (*act)(const struct scheduler_call *call);
} calls[] = {
	{"ACCEPT", "accept", scheduler_accept}, {"ACKNOWLEDGE", "acknowledge", acknowledge},
	{"DECLINE", "decline", decline},        {"KILL", "kill", kill_task},
	{"RECONCILE", "reconcile", reconcile},  {"REVIVE", NULL, revive},
	{"SUPPRESS", NULL, suppress},           {"TEARDOWN", NULL, tear_down},
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

/* The framework that calls; NULL when it is refused. */
static struct scheduler *find_caller(const struct master *master, const struct web_call *call, const json_t *body,
				     struct web_reply *reply)
{
	const char *id = scheduler_value_of(body, "framework_id"), *stream = web_call_header(call, "Mesos-Stream-Id");
	const struct master_framework *framework = master_framework_find(master, id);
	struct scheduler *scheduler = framework != NULL ? framework->scheduler : NULL;
	if (scheduler == NULL)
		web_refuse(reply, 400, "Framework '%s' cannot be found", id);
	else if (scheduler->stream == NULL)
		web_refuse(reply, 403, "Framework '%s' is not subscribed", id);
	else if (stream == NULL)
		web_refuse(reply, 400, "All calls but SUBSCRIBE must have the header 'Mesos-Stream-Id'");
	else if (strcmp(stream, scheduler->stream_id) != 0)
		web_refuse(reply, 400, "The stream ID '%s' is not that of the subscription of framework '%s'", stream,
			   id);
	return reply->status == 200 ? scheduler : NULL;
}

static void answer_call(struct master *master, const struct web_call *call, const json_t *body, const char *type,
			struct web_reply *reply)
{
	struct scheduler_call to = {.master = master, .reply = reply};
	for (size_t i = 0; i < CALLS; i++) {
		if (strcmp(calls[i].type, type) != 0)
			continue;
		to.body = calls[i].member != NULL ? json_object_get(body, calls[i].member) : body;
		to.scheduler = find_caller(master, call, body, reply);
		if (to.scheduler == NULL)
			return;
		if (!json_is_object(to.body)) {
			web_refuse(reply, 400, "Expecting '%s' to be present", calls[i].member);
			return;
		}
		reply->status = 202;
		reply->content_type = NULL;
		calls[i].act(&to);
		return;
	}
	web_refuse(reply, 501, "The lab's master does not know the scheduler's call %s", type);
}

void answer_scheduler(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	const char *type;
	if (strcmp(call->method, "POST") != 0) {
		web_refuse(reply, 405, "Expecting one of { 'POST' }, but received '%s'", call->method);
		return;
	}
	if (strncmp(call->content_type, "application/json", 16) != 0) {
		web_refuse(reply, 415,
			   "Expecting 'Content-Type' of application/json: schedulers of the lab speak JSON");
		return;
	}
	json_t *body = json_loadb(call->body, call->body_len, 0, NULL);
	type = json_string_value(json_object_get(body, "type"));
	if (type == NULL)
		web_refuse(reply, 400, "Failed to parse body into a JSON object with the member 'type'");
	else if (strcmp(type, "SUBSCRIBE") == 0)
		scheduler_subscribe(master, call, body, reply);
	else
		answer_call(master, call, body, type, reply);
	json_decref(body);
}
