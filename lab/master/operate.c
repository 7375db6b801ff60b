/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators ask of one agent: drain, deactivate, reactivate, mark gone. As with the real registrar, what is asked
 * is in the registry before the answer goes out.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lab/core/wire.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

void web_refuse(struct web_reply *reply, int status, const char *format, ...)
{
	char text[8192];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	reply->status = status;
	reply->content_type = "text/plain; charset=utf-8";
	buffer_puts(&reply->body, text);
}

static struct master_agent *find_admitted(const struct master *master, const char *id)
{
	struct master_agent *agent = master_agent_find(master, id);
	return agent != NULL && agent->standing != STANDING_GONE ? agent : NULL;
}

/* ---- drain */

static void send_drain(const struct master_agent *agent)
{
	if (agent->link != NULL)
		link_send(agent->link,
			  json_pack("{ss so}", "type", "drain", "config", wire_pack(agent->drain->config)));
}

static bool has_living_tasks(const struct master_agent *agent)
{
	for (const struct master_task *task = agent->tasks; task != NULL; task = task->next) {
		if (!task->unreachable)
			return true;
	}
	return false;
}

void operate_check_drained(struct master *master, struct master_agent *agent)
{
	if (agent->drain == NULL || agent->drain->state != MESOS__DRAIN_INFO__STATE__DRAINING ||
	    agent->standing != STANDING_REGISTERED || has_living_tasks(agent))
		return;
	if (agent->drain->config->mark_gone) {
		log_info("Marking agent %s in the DRAINED state as gone", agent->id);
		master_agent_gone(master, agent);
	} else {
		log_info("Transitioning agent %s to the DRAINED state", agent->id);
		agent->drain->state = MESOS__DRAIN_INFO__STATE__DRAINED;
		log_info("Agent %s successfully marked as DRAINED", agent->id);
	}
	master_registry_write(master);
}

void operate_resume_drain(struct master *master, struct master_agent *agent)
{
	if (agent->drain == NULL)
		return;
	send_drain(agent);
	operate_check_drained(master, agent);
}

/* { F: { T, T }, F: { T } }, as the real master prints what is to end. */
static void print_tasks(const struct master *master, const struct master_agent *agent, struct buffer *out)
{
	const char *between = "{ ";
	buffer_puts(out, agent->tasks == NULL ? "{  }" : "");
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next) {
		const char *mark = NULL;
		for (const struct master_task *task = agent->tasks; task != NULL; task = task->next) {
			if (task->framework != framework)
				continue;
			if (mark == NULL)
				buffer_printf(out, "%s%s: ", between, framework->info->id->value);
			buffer_printf(out, "%s%s", mark == NULL ? "{ " : mark, task->task->task_id->value);
			between = mark = ", ";
		}
		buffer_puts(out, mark != NULL ? " }" : "");
	}
	buffer_puts(out, agent->tasks == NULL ? "" : " }");
}

static void log_draining(const struct master *master, const struct master_agent *agent)
{
	struct buffer tasks = BUFFER_INIT(1u << 20);
	char *text = master_agent_text(agent);
	print_tasks(master, agent, &tasks);
	log_info("Transitioning agent %s to the DRAINING state; agent has (tasks, operations) == (%s, {  })", agent->id,
		 buffer_text(&tasks));
	log_info("Deactivating agent %s", text);
	buffer_clear(&tasks);
	free(text);
}

static bool refuse_drain(const struct master *master, const struct master_agent *agent, struct web_reply *reply)
{
	const Mesos__MachineID *machine = maintenance_window_of(master, agent);
	struct mesos_version version = master_agent_version(agent);
	if (agent->standing != STANDING_REGISTERED)
		return false;
	if (machine != NULL)
		web_refuse(reply, 400, "Agent %s is part of a maintenance schedule under Machine %s (%s)", agent->id,
			   machine->hostname, machine->ip);
	else if (!mesos_version_at_least(&version, 1, 9))
		web_refuse(reply, 400, "Agent %s is not capable of draining", agent->id);
	return reply->status != 200;
}

static Mesos__DrainInfo *new_drain(const Mesos__Master__Call__DrainAgent *call)
{
	Mesos__DrainInfo *drain = pb_new(&mesos__drain_info__descriptor);
	drain->state = MESOS__DRAIN_INFO__STATE__DRAINING;
	drain->config = pb_new(&mesos__drain_info__config__descriptor);
	drain->config->has_mark_gone = true;
	drain->config->mark_gone = call->mark_gone;
	if (call->max_grace_period != NULL) {
		drain->config->max_grace_period = pb_new(&mesos__duration_info__descriptor);
		drain->config->max_grace_period->nanoseconds = call->max_grace_period->seconds * 1000000000 +
							       call->max_grace_period->nanos;
	}
	return drain;
}

void operate_drain(struct master *master, const Mesos__Master__Call__DrainAgent *call, struct web_reply *reply)
{
	struct master_agent *agent = find_admitted(master, call->agent_id->value);
	reply->content_type = NULL;
	if (agent == NULL) {
		web_refuse(reply, 400, "Unknown agent");
		return;
	}
	if (refuse_drain(master, agent, reply))
		return;
	master_agent_set_drain(agent, new_drain(call));
	agent->deactivated = true;
	agent->settled = false;
	if (agent->standing == STANDING_REGISTERED) {
		log_draining(master, agent);
		agent->drain_started = master_now();
		send_drain(agent);
		operate_check_drained(master, agent);
	}
	master_registry_write(master);
}

/* ---- the others */

void operate_deactivate(struct master *master, const char *id, struct web_reply *reply)
{
	struct master_agent *agent = find_admitted(master, id);
	reply->content_type = NULL;
	if (agent == NULL) {
		web_refuse(reply, 400, "Unknown agent");
		return;
	}
	char *text = master_agent_text(agent);
	log_info("Deactivating agent %s", text);
	free(text);
	agent->deactivated = true;
	agent->settled = false;
	master_registry_write(master);
}

void operate_reactivate(struct master *master, const char *id, struct web_reply *reply)
{
	struct master_agent *agent = find_admitted(master, id);
	reply->content_type = NULL;
	if (agent == NULL || !agent->deactivated) {
		web_refuse(reply, 400, "Agent is not deactivated");
		return;
	}
	if (agent->drain != NULL && agent->drain->state == MESOS__DRAIN_INFO__STATE__DRAINING) {
		web_refuse(reply, 400, "Agent is still in the DRAINING state");
		return;
	}
	agent->deactivated = false;
	agent->settled = false;
	master_agent_set_drain(agent, NULL);
	agent->drain_started = 0;
	master_registry_write(master);
	if (agent->standing != STANDING_REGISTERED) {
		web_refuse(reply, 409, "Agent removed while processing the call");
		return;
	}
	char *text = master_agent_text(agent);
	if (agent->connected)
		log_info("Reactivating agent %s", text);
	else
		log_info("Disconnected agent %s will be reactivated upon reregistration.", text);
	free(text);
}

void operate_mark_gone(struct master *master, const char *id, struct web_reply *reply)
{
	struct master_agent *agent = master_agent_find(master, id);
	reply->content_type = NULL;
	log_info("Marking agent '%s' as gone", id);
	if (agent == NULL) {
		web_refuse(reply, 404, "Agent '%s' not found", id);
	} else if (agent->standing == STANDING_GONE) {
		log_warning("Not marking agent '%s' as gone because it has already transitioned to gone", id);
	} else {
		master_agent_gone(master, agent);
		master_registry_write(master);
	}
}
