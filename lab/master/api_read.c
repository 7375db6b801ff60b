/* SPDX-License-Identifier: Apache-2.0 */
/* Operator API v1: what its reading calls answer, as messages. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/core/shapes.h"
#include "lab/master/master.h"
#include "mesos/pb.h"
#include "mesos/resource.h"

typedef Mesos__Master__Response__GetAgents__Agent__Capability agent_capability;

static Mesos__TimeInfo *time_info(double seconds)
{
	Mesos__TimeInfo *info = pb_new(&mesos__time_info__descriptor);
	info->nanoseconds = (int64_t)(seconds * 1e9);
	return info;
}

/* The one reservation of the older form: who made it, and why. */
static Mesos__Resource__ReservationInfo *older_reservation(const Mesos__Resource *resource)
{
	const Mesos__Resource__ReservationInfo *last = resource->reservations[resource->n_reservations - 1];
	Mesos__Resource__ReservationInfo *older = pb_new(&mesos__resource__reservation_info__descriptor);
	if (last->principal != NULL)
		older->principal = xstrdup(last->principal);
	if (last->labels != NULL)
		older->labels = pb_copy(last->labels);
	return older;
}

/* Normalised; with_role also gives the older form, as totals and allocations have it. */
static void put_resources(const struct resources *from, bool with_role, Mesos__Resource ***items, size_t *count)
{
	for (size_t i = 0; i < from->count; i++) {
		Mesos__Resource *resource = pb_copy(from->items[i]);
		size_t stack = resource->n_reservations;
		pb_set_string(&resource->role, NULL);
		if (with_role)
			resource->role = xstrdup(stack > 0 ? resource->reservations[stack - 1]->role : "*");
		if (with_role && resource_is_dynamic(resource) && resource->reservation == NULL)
			resource->reservation = older_reservation(resource);
		PB_APPEND(*items, *count, resource);
	}
}

/* A SlaveInfo as the master has it in memory. */
static Mesos__SlaveInfo *agent_info(const struct master_agent *agent)
{
	Mesos__SlaveInfo *info = slaveinfo_copy(agent->info);
	struct resources total = {.items = NULL};
	shape_take_resources(&total, info->resources, info->n_resources);
	for (size_t i = 0; i < info->n_resources; i++)
		pb_free(info->resources[i]);
	info->n_resources = 0;
	put_resources(&total, false, &info->resources, &info->n_resources);
	resources_clear(&total);
	info->has_port = true;
	info->port = agent->port > 0 ? agent->port : info->port;
	return info;
}

static void put_capabilities(const struct master_agent *agent, Mesos__Master__Response__GetAgents__Agent *to)
{
	struct mesos_version version = master_agent_version(agent);
	for (int type = 1; shape_agent_capability((size_t)type - 1, &version) != NULL; type++) {
		agent_capability *capability =
			pb_new(&mesos__master__response__get_agents__agent__capability__descriptor);
		capability->has_type = true;
		capability->type = (Mesos__Master__Response__GetAgents__Agent__Capability__Type)type;
		PB_APPEND(to->capabilities, to->n_capabilities, capability);
	}
}

static Mesos__Master__Response__GetAgents__Agent *make_agent(const struct master *master,
							     const struct master_agent *agent)
{
	Mesos__Master__Response__GetAgents__Agent *to = pb_new(&mesos__master__response__get_agents__agent__descriptor);
	struct resources total = {.items = NULL}, used = {.items = NULL};
	char pid[128];
	master_agent_total(agent, &total);
	master_used(master, agent, NULL, &used);
	to->agent_info = agent_info(agent);
	to->active = master_agent_is_active(agent);
	to->has_deactivated = master_can(master, MESOS__MASTER_INFO__CAPABILITY__TYPE__AGENT_DRAINING);
	to->deactivated = to->has_deactivated && agent->deactivated;
	to->drain_info = agent->drain != NULL ? pb_copy(agent->drain) : NULL;
	if (agent->drain != NULL && agent->drain_started > 0)
		to->estimated_drain_start_time = time_info((double)(int64_t)agent->drain_started);
	to->version = xstrdup(agent->version);
	to->pid = xstrdup(master_agent_pid(agent, pid, sizeof(pid)));
	to->registered_time = time_info(agent->registered);
	if (agent->reregistered > 0)
		to->reregistered_time = time_info(agent->reregistered);
	put_resources(&total, true, &to->total_resources, &to->n_total_resources);
	put_resources(&used, true, &to->allocated_resources, &to->n_allocated_resources);
	put_capabilities(agent, to);
	resources_clear(&total);
	resources_clear(&used);
	return to;
}

static Mesos__Master__Response__GetAgents *make_agents(const struct master *master)
{
	Mesos__Master__Response__GetAgents *to = pb_new(&mesos__master__response__get_agents__descriptor);
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (agent->standing == STANDING_REGISTERED) {
			Mesos__Master__Response__GetAgents__Agent *one = make_agent(master, agent);
			PB_APPEND(to->agents, to->n_agents, one);
		} else if (agent->standing == STANDING_RECOVERED) {
			Mesos__SlaveInfo *info = agent_info(agent);
			PB_APPEND(to->recovered_agents, to->n_recovered_agents, info);
		}
	}
	return to;
}

static Mesos__Task *make_task(const struct master_task *task)
{
	Mesos__Task *to = pb_copy(task->task);
	for (size_t i = 0; i < to->n_resources; i++)
		pb_set_string(&to->resources[i]->role, NULL);
	return to;
}

static Mesos__Master__Response__GetTasks *make_tasks(const struct master *master)
{
	Mesos__Master__Response__GetTasks *to = pb_new(&mesos__master__response__get_tasks__descriptor);
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		for (const struct master_task *task = agent->tasks; task != NULL; task = task->next) {
			Mesos__Task *one = make_task(task);
			if (task->unreachable)
				PB_APPEND(to->unreachable_tasks, to->n_unreachable_tasks, one);
			else
				PB_APPEND(to->tasks, to->n_tasks, one);
		}
	}
	for (const struct master_task *task = master->completed; task != NULL; task = task->next) {
		Mesos__Task *one = make_task(task);
		PB_APPEND(to->completed_tasks, to->n_completed_tasks, one);
	}
	return to;
}

static Mesos__Master__Response__GetFrameworks__Framework *make_framework(const struct master *master,
									 const struct master_framework *framework)
{
	Mesos__Master__Response__GetFrameworks__Framework *one =
		pb_new(&mesos__master__response__get_frameworks__framework__descriptor);
	struct resources used = {.items = NULL};
	one->framework_info = pb_copy(framework->info);
	one->framework_info->has_failover_timeout = true;
	one->active = one->connected = master_framework_is_active(framework);
	one->has_recovered = true;
	one->recovered = framework->recovered;
	one->offer_constraints = pb_new(&mesos__master__response__get_frameworks__offer_constraints__descriptor);
	one->registered_time = time_info(framework->registered);
	one->reregistered_time = time_info(framework->reregistered > 0 ? framework->reregistered
								       : framework->registered);
	if (framework->unregistered > 0)
		one->unregistered_time = time_info(framework->unregistered);
	master_used(master, NULL, framework, &used);
	put_resources(&used, true, &one->allocated_resources, &one->n_allocated_resources);
	resources_clear(&used);
	return one;
}

static Mesos__Master__Response__GetFrameworks *make_frameworks(const struct master *master)
{
	Mesos__Master__Response__GetFrameworks *to = pb_new(&mesos__master__response__get_frameworks__descriptor);
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next) {
		Mesos__Master__Response__GetFrameworks__Framework *one = make_framework(master, framework);
		if (framework->completed)
			PB_APPEND(to->completed_frameworks, to->n_completed_frameworks, one);
		else
			PB_APPEND(to->frameworks, to->n_frameworks, one);
	}
	return to;
}

Mesos__MasterInfo *master_info(const struct master *master)
{
	Mesos__MasterInfo *info = pb_new(&mesos__master_info__descriptor);
	info->id = xstrdup(master->id);
	info->has_ip = info->has_port = true;
	info->ip = (uint32_t)inet_addr(master->ip); /* in network order, as Mesos gives it */
	info->port = (uint32_t)master->port;
	info->pid = xasprintf("master@%s:%d", master->ip, master->port);
	info->hostname = xstrdup(master->ip);
	info->version = xstrdup(master->lab->masters[master->number].version);
	info->address = pb_new(&mesos__master_info__address__descriptor);
	info->address->hostname = xstrdup(master->ip);
	info->address->ip = xstrdup(master->ip);
	info->address->port = master->port;
	info->domain = master->domain != NULL ? pb_copy(master->domain) : NULL;
	for (int type = 1; type <= MESOS__MASTER_INFO__CAPABILITY__TYPE__QUOTA_V2; type++) {
		if (!master_can(master, (Mesos__MasterInfo__Capability__Type)type))
			continue;
		Mesos__MasterInfo__Capability *capability = pb_new(&mesos__master_info__capability__descriptor);
		capability->has_type = true;
		capability->type = (Mesos__MasterInfo__Capability__Type)type;
		PB_APPEND(info->capabilities, info->n_capabilities, capability);
	}
	return info;
}

/* ---- one function per call */

static void get_health(const struct master *master, Mesos__Master__Response *to)
{
	(void)master;
	to->get_health = pb_new(&mesos__master__response__get_health__descriptor);
	to->get_health->healthy = true;
}

static void get_flags(const struct master *master, Mesos__Master__Response *to)
{
	json_t *flags = master_flags(master), *value;
	const char *name;
	to->get_flags = pb_new(&mesos__master__response__get_flags__descriptor);
	json_object_foreach(flags, name, value)
	{
		Mesos__Flag *flag = pb_new(&mesos__flag__descriptor);
		flag->name = xstrdup(name);
		flag->value = xstrdup(json_string_value(value));
		PB_APPEND(to->get_flags->flags, to->get_flags->n_flags, flag);
	}
	json_decref(flags);
}

static void get_version(const struct master *master, Mesos__Master__Response *to)
{
	Mesos__VersionInfo *info = pb_new(&mesos__version_info__descriptor);
	info->version = xstrdup(master->lab->masters[master->number].version);
	info->build_date = xstrdup(SHAPE_BUILD_DATE);
	info->has_build_time = true;
	info->build_time = SHAPE_BUILD_TIME;
	info->build_user = xstrdup(SHAPE_BUILD_USER);
	to->get_version = pb_new(&mesos__master__response__get_version__descriptor);
	to->get_version->version_info = info;
}

static void get_agents(const struct master *master, Mesos__Master__Response *to)
{
	to->get_agents = make_agents(master);
}

static void get_tasks(const struct master *master, Mesos__Master__Response *to)
{
	to->get_tasks = make_tasks(master);
}

static void get_frameworks(const struct master *master, Mesos__Master__Response *to)
{
	to->get_frameworks = make_frameworks(master);
}

static void get_master(const struct master *master, Mesos__Master__Response *to)
{
	to->get_master = pb_new(&mesos__master__response__get_master__descriptor);
	to->get_master->master_info = master_info(master);
	to->get_master->has_start_time = to->get_master->has_elected_time = true;
	to->get_master->start_time = master->start_time;
	to->get_master->elected_time = master->elected_time;
}

static void get_state(const struct master *master, Mesos__Master__Response *to)
{
	to->get_state = pb_new(&mesos__master__response__get_state__descriptor);
	to->get_state->get_agents = make_agents(master);
	to->get_state->get_tasks = make_tasks(master);
	to->get_state->get_executors = pb_new(&mesos__master__response__get_executors__descriptor);
	to->get_state->get_frameworks = make_frameworks(master);
}

static void get_metrics(const struct master *master, Mesos__Master__Response *to)
{
	json_t *metrics = master_metrics(master), *value;
	const char *name;
	to->get_metrics = pb_new(&mesos__master__response__get_metrics__descriptor);
	json_object_foreach(metrics, name, value)
	{
		Mesos__Metric *metric = pb_new(&mesos__metric__descriptor);
		metric->name = xstrdup(name);
		metric->has_value = true;
		metric->value = json_number_value(value);
		PB_APPEND(to->get_metrics->metrics, to->get_metrics->n_metrics, metric);
	}
	json_decref(metrics);
}

static void get_maintenance_status(const struct master *master, Mesos__Master__Response *to)
{
	to->get_maintenance_status = pb_new(&mesos__master__response__get_maintenance_status__descriptor);
	to->get_maintenance_status->status = maintenance_status(master);
}

static void get_maintenance_schedule(const struct master *master, Mesos__Master__Response *to)
{
	to->get_maintenance_schedule = pb_new(&mesos__master__response__get_maintenance_schedule__descriptor);
	to->get_maintenance_schedule->schedule = maintenance_schedule(master);
}

static const struct {
	Mesos__Master__Call__Type call;
	Mesos__Master__Response__Type type; /* the numbers differ */
	void (*fill)(const struct master *master, Mesos__Master__Response *to);
} calls[] = {
	{MESOS__MASTER__CALL__TYPE__GET_HEALTH, MESOS__MASTER__RESPONSE__TYPE__GET_HEALTH, get_health},
	{MESOS__MASTER__CALL__TYPE__GET_FLAGS, MESOS__MASTER__RESPONSE__TYPE__GET_FLAGS, get_flags},
	{MESOS__MASTER__CALL__TYPE__GET_VERSION, MESOS__MASTER__RESPONSE__TYPE__GET_VERSION, get_version},
	{MESOS__MASTER__CALL__TYPE__GET_METRICS, MESOS__MASTER__RESPONSE__TYPE__GET_METRICS, get_metrics},
	{MESOS__MASTER__CALL__TYPE__GET_STATE, MESOS__MASTER__RESPONSE__TYPE__GET_STATE, get_state},
	{MESOS__MASTER__CALL__TYPE__GET_AGENTS, MESOS__MASTER__RESPONSE__TYPE__GET_AGENTS, get_agents},
	{MESOS__MASTER__CALL__TYPE__GET_FRAMEWORKS, MESOS__MASTER__RESPONSE__TYPE__GET_FRAMEWORKS, get_frameworks},
	{MESOS__MASTER__CALL__TYPE__GET_TASKS, MESOS__MASTER__RESPONSE__TYPE__GET_TASKS, get_tasks},
	{MESOS__MASTER__CALL__TYPE__GET_MASTER, MESOS__MASTER__RESPONSE__TYPE__GET_MASTER, get_master},
	{MESOS__MASTER__CALL__TYPE__GET_MAINTENANCE_STATUS, MESOS__MASTER__RESPONSE__TYPE__GET_MAINTENANCE_STATUS,
	 get_maintenance_status},
	{MESOS__MASTER__CALL__TYPE__GET_MAINTENANCE_SCHEDULE, MESOS__MASTER__RESPONSE__TYPE__GET_MAINTENANCE_SCHEDULE,
	 get_maintenance_schedule},
};

bool api_read(const struct master *master, Mesos__Master__Call__Type type, Mesos__Master__Response *to)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i].call != type)
			continue;
		to->has_type = true;
		to->type = calls[i].type;
		calls[i].fill(master, to);
		return true;
	}
	return false;
}

static void leave_out(const struct master *master, Mesos__Master__Response__GetTasks *tasks)
{
	size_t kept = 0;
	for (size_t i = 0; tasks != NULL && i < tasks->n_completed_tasks; i++) {
		Mesos__Task *task = tasks->completed_tasks[i];
		const struct master_framework *framework = master_framework_find(master, task->framework_id->value);
		if (framework == NULL || !framework->completed)
			tasks->completed_tasks[kept++] = task;
		else
			pb_free(task);
	}
	if (tasks != NULL)
		tasks->n_completed_tasks = kept;
}

void api_as_protobuf(const struct master *master, Mesos__Master__Response *response)
{
	leave_out(master, response->get_tasks);
	leave_out(master, response->get_state != NULL ? response->get_state->get_tasks : NULL);
}
