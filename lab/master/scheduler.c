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

void scheduler_tear_down(struct scheduler *scheduler)
{
	const char *id = scheduler->framework->info->id->value;
	log_info("Removing framework %s (%s)", id, scheduler->framework->info->name);
	timer_set(scheduler->heartbeat, -1);
	timer_set(scheduler->failover, -1);
	allocator_remove_framework(scheduler->master->allocator, id);
	if (scheduler->stream != NULL)
		web_stream_end(scheduler->stream);
	scheduler->stream = NULL;
	master_framework_end(scheduler->master, scheduler->framework);
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
	scheduler_send_heartbeat(scheduler);
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
	framework->recovered = true;
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

/* Takes info. With an ID it comes back, also to a master that has not heard of it yet. */
static struct master_framework *take_info(struct master *master, Mesos__FrameworkInfo *info)
{
	bool again = info->id != NULL && *info->id->value != '\0';
	info->has_failover_timeout = true;
	if (!again)
		name_framework(master, info);
	struct master_framework *framework = master_framework_find(master, info->id->value);
	if (framework == NULL) {
		framework = add(master, info);
	} else {
		pb_free(framework->info);
		framework->info = info;
		framework->recovered = false;
		tell_agents(master, framework);
	}
	framework->reregistered = again ? master_now() : 0;
	return framework;
}

const char *const *master_framework_roles(const struct master_framework *framework, size_t *count)
{
	static const char *const everybody[] = {"*"};
	const Mesos__FrameworkInfo *info = framework->info;
	bool many = scheduler_has(framework, MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__MULTI_ROLE);
	*count = many ? info->n_roles : 1;
	if (many)
		return (const char *const *)info->roles;
	return info->role != NULL ? (const char *const *)&info->role : everybody;
}

static void offer_roles(const struct scheduler *scheduler, const Mesos__Scheduler__Call__Subscribe *subscribe)
{
	struct allocator *allocator = scheduler->master->allocator;
	const char *id = scheduler->framework->info->id->value;
	size_t count;
	const char *const *roles = master_framework_roles(scheduler->framework, &count);
	allocator_set_framework(
		allocator, id, roles, count,
		scheduler_has(scheduler->framework, MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__REGION_AWARE));
	if (subscribe->n_suppressed_roles > 0)
		allocator_suppress(allocator, id, (const char *const *)subscribe->suppressed_roles,
				   subscribe->n_suppressed_roles);
}

static bool wants_protobuf(const struct web_call *call)
{
	return !api_accepts(call->accept, "application/json");
}

static void give_stream(struct web_stream *stream, const struct web_call *call, struct web_reply *reply)
{
	reply->stream = stream;
	if (wants_protobuf(call))
		reply->content_type = "application/x-protobuf";
}

static void connect_stream(struct scheduler *scheduler, const struct web_call *call,
			   const Mesos__Scheduler__Call__Subscribe *subscribe, struct web_reply *reply)
{
	const char *id = scheduler->framework->info->id->value;
	if (scheduler->stream != NULL) {
		scheduler_send_error(scheduler, "Framework failed over: another scheduler has subscribed with its ID");
		web_stream_end(scheduler->stream);
	}
	allocator_remove_framework(scheduler->master->allocator, id); /* what the one before was offered is void */
	random_id(scheduler->stream_id);
	scheduler->stream = web_stream_new(scheduler->master->events, call, disconnected, scheduler);
	scheduler->protobuf = wants_protobuf(call);
	scheduler->counts.calls[MESOS__SCHEDULER__CALL__TYPE__SUBSCRIBE]++;
	scheduler->counts.resubscribed += scheduler->framework->reregistered > 0;
	give_stream(scheduler->stream, call, reply);
	reply->stream_id = xstrdup(scheduler->stream_id);
	timer_set(scheduler->failover, -1);
	log_info("Subscribed framework %s (%s)", id, scheduler->framework->info->name);
	scheduler_send_subscribed(scheduler);
	heartbeat_due(scheduler);
	offer_roles(scheduler, subscribe);
}

/* Why somebody of that description is not let in; NULL: he is. */
static const char *why_not(const Mesos__FrameworkInfo *info, const struct master_framework *known)
{
	const struct master_framework as = {.info = (Mesos__FrameworkInfo *)(uintptr_t)info};
	bool many = scheduler_has(&as, MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__MULTI_ROLE);
	if (info->id != NULL && (strchr(info->id->value, '/') != NULL || info->id->value[0] == '.'))
		return "'FrameworkInfo.id' is no file name"; /* agents keep what they know of it under this name */
	if (known != NULL && known->scheduler == NULL)
		return "Framework is one of the lab's own";
	if (known != NULL && known->completed)
		return "Framework has been removed";
	if (many && info->role != NULL)
		return "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable";
	if (!many && info->n_roles > 0)
		return "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable";
	return NULL;
}

/* The subscription itself is answered; its first event says why it is over. */
static void turn_away(const struct master *master, const struct web_call *call, const char *why,
		      struct web_reply *reply)
{
	struct web_stream *stream = web_stream_new(master->events, call, NULL, NULL);
	log_info("Refusing subscription of a framework: %s", why);
	give_stream(stream, call, reply);
	scheduler_write_error(stream, wants_protobuf(call), why);
	web_stream_end(stream);
}

static bool is_refused(const struct web_call *call, const Mesos__Scheduler__Call *message, struct web_reply *reply)
{
	const Mesos__FrameworkID *id = message->subscribe != NULL ? message->subscribe->framework_info->id : NULL;
	const char *own = id != NULL ? id->value : "",
		   *given = message->framework_id != NULL ? message->framework_id->value : "";
	if (message->subscribe == NULL)
		web_refuse(reply, 400, "Failed to validate scheduler::Call: Expecting 'subscribe' to be present");
	else if (strcmp(own, given) != 0)
		web_refuse(reply, 400,
			   "Failed to validate scheduler::Call: 'framework_id' differs from "
			   "'subscribe.framework_info.id'");
	else if (web_call_header(call, "Mesos-Stream-Id") != NULL)
		web_refuse(reply, 400, "Subscribe calls should not include the 'Mesos-Stream-Id' header");
	else if (!api_accepts(call->accept, "application/json") && !api_accepts(call->accept, "application/x-protobuf"))
		web_refuse(reply, 406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'");
	return reply->status != 200;
}

void scheduler_subscribe(struct master *master, const struct web_call *call, const Mesos__Scheduler__Call *message,
			 struct web_reply *reply)
{
	if (is_refused(call, message, reply))
		return;
	const Mesos__FrameworkInfo *info = message->subscribe->framework_info;
	const char *why = why_not(info, info->id != NULL ? master_framework_find(master, info->id->value) : NULL);
	if (why != NULL)
		turn_away(master, call, why, reply);
	else
		connect_stream(take_info(master, pb_copy(info))->scheduler, call, message->subscribe, reply);
}
