/* SPDX-License-Identifier: Apache-2.0 */
/* Frameworks of people: how they come, fail over, are lost and end. */
#include "lab/master/scheduler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lab/core/wire.h"
#include "mesos/pb.h"

bool scheduler_has(const struct master_framework *framework, Mesos__FrameworkInfo__Capability__Type capability)
{
	for (size_t i = 0; i < framework->info->n_capabilities; i++) {
		if (framework->info->capabilities[i]->type == capability)
			return true;
	}
	return false;
}

/* ---- the end */

void scheduler_free(struct scheduler *scheduler)
{
	if (scheduler == NULL)
		return;
	timer_free(scheduler->heartbeat);
	timer_free(scheduler->failover);
	free(scheduler);
}

static void kill_tasks(const struct scheduler *scheduler)
{
	for (const struct master_agent *agent = scheduler->master->agents; agent != NULL; agent = agent->next)
		scheduler_kill_orphans(agent);
}

void scheduler_kill_orphans(const struct master_agent *agent)
{
	for (const struct master_task *task = agent->tasks; task != NULL && agent->link != NULL; task = task->next) {
		const struct scheduler *scheduler = task->framework->scheduler;
		if (scheduler != NULL && scheduler->torn_down)
			link_send(agent->link,
				  json_pack("{ss ss ss}", "type", "kill", "framework", task->framework->info->id->value,
					    "task", task->task->task_id->value));
	}
}

void scheduler_tear_down(struct scheduler *scheduler)
{
	const char *id = scheduler->framework->info->id->value;
	log_info("Removing framework %s (%s)", id, scheduler->framework->info->name);
	scheduler->torn_down = true;
	timer_set(scheduler->heartbeat, -1);
	timer_set(scheduler->failover, -1);
	allocator_remove_framework(scheduler->master->allocator, id);
	if (scheduler->stream != NULL)
		web_stream_end(scheduler->stream);
	scheduler->stream = NULL;
	kill_tasks(scheduler);
}

static void failover_is_over(void *ctx)
{
	struct scheduler *scheduler = ctx;
	log_info("Framework %s did not come back within its failover_timeout", scheduler->framework->info->id->value);
	scheduler_tear_down(scheduler);
}

/* Its failover_timeout runs from now. */
static void await_return(struct scheduler *scheduler)
{
	double seconds = scheduler->framework->info->failover_timeout;
	int64_t ms = seconds > 0 && seconds < 1e12 ? (int64_t)(seconds * 1000) : seconds > 0 ? INT64_C(1) << 50 : 0;
	timer_set(scheduler->failover, lab_scaled_ms(scheduler->master->lab, ms));
}

static void disconnected(void *ctx)
{
	struct scheduler *scheduler = ctx;
	const char *id = scheduler->framework->info->id->value;
	log_info("Framework %s (%s) disconnected", id, scheduler->framework->info->name);
	scheduler->stream = NULL;
	timer_set(scheduler->heartbeat, -1);
	allocator_remove_framework(scheduler->master->allocator, id);
	await_return(scheduler);
}

/* ---- the beginning */

static void heartbeat_due(void *ctx)
{
	struct scheduler *scheduler = ctx;
	scheduler_send(scheduler, "HEARTBEAT", NULL, NULL);
	timer_set(scheduler->heartbeat, scheduler_heartbeat_ms(scheduler->master));
}

/* Takes info, which has its ID. */
static struct master_framework *add(struct master *master, Mesos__FrameworkInfo *info)
{
	struct master_framework *framework = xcalloc(1, sizeof(*framework));
	struct scheduler *scheduler = xcalloc(1, sizeof(*scheduler));
	*framework = (struct master_framework){
		.next = master->frameworks, .info = info, .registered = master_now(), .scheduler = scheduler};
	*scheduler = (struct scheduler){.master = master, .framework = framework};
	scheduler->heartbeat = timer_new(master->events, heartbeat_due, scheduler);
	scheduler->failover = timer_new(master->events, failover_is_over, scheduler);
	master->frameworks = framework;
	return framework;
}

struct master_framework *scheduler_recover(struct master *master, Mesos__FrameworkInfo *info)
{
	if (!info->has_failover_timeout)
		return NULL;
	log_info("Recovered framework %s (%s) from an agent", info->id->value, info->name);
	struct master_framework *framework = add(master, info);
	await_return(framework->scheduler);
	return framework;
}

static void name_framework(struct master *master, Mesos__FrameworkInfo *info)
{
	if (info->id == NULL)
		info->id = pb_new(&mesos__framework_id__descriptor);
	do {
		char *id = xasprintf("%s-%04lld", master->id, (long long)master->next_framework++);
		pb_set_string(&info->id->value, id);
		free(id);
	} while (master_framework_find(master, info->id->value) != NULL);
}

/* What is to be known of it by agents is what it says now. */
static void tell_agents(const struct master *master, const struct master_framework *framework)
{
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next)
		scheduler_tell_agent(agent, framework);
}

void scheduler_tell_agent(const struct master_agent *agent, const struct master_framework *framework)
{
	if (agent->link != NULL)
		link_send(agent->link, json_pack("{ss so}", "type", "framework", "info", wire_pack(framework->info)));
}

/* Takes info. */
static struct master_framework *take_info(struct master *master, Mesos__FrameworkInfo *info)
{
	struct master_framework *framework = NULL;
	info->has_failover_timeout = true;
	if (info->id == NULL || *info->id->value == '\0')
		name_framework(master, info);
	else
		framework = master_framework_find(master, info->id->value);
	if (framework == NULL)
		return add(master, info);
	pb_free(framework->info);
	framework->info = info;
	tell_agents(master, framework);
	return framework;
}

static void offer_roles(const struct scheduler *scheduler)
{
	const Mesos__FrameworkInfo *info = scheduler->framework->info;
	const char *one = info->role != NULL ? info->role : "*";
	bool many = scheduler_has(scheduler->framework, MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__MULTI_ROLE);
	allocator_set_framework(
		scheduler->master->allocator, info->id->value, many ? (const char *const *)info->roles : &one,
		many ? info->n_roles : 1,
		scheduler_has(scheduler->framework, MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__REGION_AWARE));
}

static void connect_stream(struct scheduler *scheduler, const struct web_call *call, struct web_reply *reply)
{
	const char *id = scheduler->framework->info->id->value;
	if (scheduler->stream != NULL) {
		scheduler_send_error(scheduler, "Framework failed over: another scheduler has subscribed with its ID");
		web_stream_end(scheduler->stream);
	}
	allocator_remove_framework(scheduler->master->allocator, id); /* what the one before was offered is void */
	random_id(scheduler->stream_id);
	scheduler->stream = web_stream_new(scheduler->master->events, call, disconnected, scheduler);
	reply->stream = scheduler->stream;
	reply->stream_id = xstrdup(scheduler->stream_id);
	timer_set(scheduler->failover, -1);
	log_info("Subscribed framework %s (%s)", id, scheduler->framework->info->name);
	scheduler_send_subscribed(scheduler);
	heartbeat_due(scheduler);
	offer_roles(scheduler);
}

/* An answer that says why, and ends. */
static bool refuse(const struct master_framework *known, struct web_reply *reply)
{
	if (known != NULL && known->scheduler == NULL)
		web_refuse(reply, 403, "Framework '%s' is one of the lab's own", known->info->id->value);
	else if (known != NULL && known->scheduler->torn_down)
		web_refuse(reply, 403, "Framework '%s' has been removed", known->info->id->value);
	return reply->status != 200;
}

void scheduler_subscribe(struct master *master, const struct web_call *call, const json_t *body,
			 struct web_reply *reply)
{
	struct error err = ERROR_INIT;
	const json_t *object = json_object_get(json_object_get(body, "subscribe"), "framework_info");
	Mesos__FrameworkInfo *info = object != NULL ? pb_from_json(&mesos__framework_info__descriptor, object, &err)
						    : NULL;
	if (info == NULL) {
		web_refuse(reply, 400, "Expecting 'subscribe' with a 'framework_info': %s", err.text);
		return;
	}
	const struct master_framework *known = info->id != NULL ? master_framework_find(master, info->id->value) : NULL;
	if (refuse(known, reply)) {
		pb_free(info);
		return;
	}
	connect_stream(take_info(master, info)->scheduler, call, reply);
}
