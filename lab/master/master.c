/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/master/master.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lab/core/roles.h"
#include "mesos/pb.h"

double master_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	const long us = now.tv_nsec / 1000; /* as precise as the clock of Mesos */
	return (double)now.tv_sec + (double)us / 1e6;
}

static void ping_due(void *ctx)
{
	struct master *master = ctx;
	if (master->elected)
		master_ping(master);
	timer_set(master->ping_timer, lab_scaled_ms(master->lab, MASTER_PING_TIMEOUT_MS));
}

static void fault_due(void *ctx)
{
	master_faults_changed(ctx);
}

static void on_signal(void *ctx, int number)
{
	struct master *master = ctx;
	(void)number;
	events_stop(master->events);
}

/* What `status` asks for; `up` waits for it. */
static json_t *summary(const struct master *master)
{
	json_t *agents = json_object();
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		static const char *const standings[] = {
			[STANDING_REGISTERED] = "disconnected",
			[STANDING_RECOVERED] = "recovered",
			[STANDING_UNREACHABLE] = "unreachable",
			[STANDING_GONE] = "gone",
		};
		int64_t running = 0, tasks = 0;
		for (const struct master_task *task = agent->tasks; task != NULL; task = task->next) {
			tasks++;
			running += task->task->state == MESOS__TASK_STATE__TASK_RUNNING;
		}
		json_object_set_new(agents, agent->info->hostname,
				    json_pack("{ss ss sI sI}", "id", agent->id, "state",
					      agent->connected ? (agent->deactivated ? "deactivated" : "active")
							       : standings[agent->standing],
					      "tasks", (json_int_t)tasks, "running", (json_int_t)running));
	}
	return json_pack("{ss sb so}", "id", master->id, "leads", master->elected, "agents", agents);
}

static void on_request(void *ctx, struct control_call *call, const json_t *request)
{
	struct master *master = ctx;
	const char *type = link_type(request), *target = json_string_value(json_object_get(request, "target"));
	if (strcmp(type, "status") == 0) {
		control_reply(call, summary(master));
		return;
	}
	if (strcmp(type, "faults") == 0 && target != NULL && strcmp(target, master->name) == 0)
		master_faults_changed(master);
	control_reply(call, json_object());
}

static Mesos__DomainInfo *make_domain(void)
{
	Mesos__DomainInfo *domain = pb_new(&mesos__domain_info__descriptor);
	domain->fault_domain = pb_new(&mesos__domain_info__fault_domain__descriptor);
	domain->fault_domain->region = pb_new(&mesos__domain_info__fault_domain__region_info__descriptor);
	domain->fault_domain->region->name = xstrdup(LAB_REGION);
	domain->fault_domain->zone = pb_new(&mesos__domain_info__fault_domain__zone_info__descriptor);
	domain->fault_domain->zone->name = xstrdup("zone-1");
	return domain;
}

static int name_self(struct master *master, struct error *err)
{
	char hex[RANDOM_ID_SIZE];
	const struct lab_master *self = &master->lab->masters[master->number];
	const char *colon = strrchr(self->address, ':');
	random_id(hex);
	master->id = xasprintf("%.8s-%.4s-4%.3s-8%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
	master->name = self->role;
	master->ip = xstrndup(self->address, (size_t)(colon - self->address));
	master->port = (int)strtol(colon + 1, NULL, 10);
	master->start_time = master_now();
	master->domain = self->has_domain ? make_domain() : NULL;
	if (master_likeness_load(master, err) < 0)
		return -1;
	return mesos_version_parse(self->version, &master->version, err);
}

bool master_at_least(const struct master *master, int major, int minor)
{
	return mesos_version_at_least(&master->version, major, minor);
}

bool master_can(const struct master *master, Mesos__MasterInfo__Capability__Type capability)
{
	return master_at_least(master, 1, capability == MESOS__MASTER_INFO__CAPABILITY__TYPE__AGENT_UPDATE ? 5 : 9);
}

static void master_clear(struct master *master)
{
	control_free(master->control);
	web_free(master->web);
	web_free(master->web_other);
	election_free(master->election);
	master_close_agents(master);
	scheduler_close(master);
	master_tasks_free(master);
	master_frameworks_free(master);
	master_agents_free(master);
	maintenance_free(master);
	fault_set_clear(&master->faults);
	timer_free(master->ping_timer);
	timer_free(master->registry_timer);
	timer_free(master->fault_timer);
	events_free(master->events);
	pb_free(master->domain);
	pb_free(master->leader);
	json_decref(master->stale);
	json_decref(master->likeness);
	free(master->counting);
	free(master->credentials);
	free(master->framework_origin);
	free(master->id);
	free(master->ip);
}

static void allow_many_descriptors(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int master_lead(struct master *master, struct error *err)
{
	if (master_registry_load(master, err) < 0)
		return -1;
	if (master->leader == NULL)
		master->leader = master_info(master);
	master->elected = true;
	master->elected_time = master_now();
	master_make_frameworks(master);
	scheduler_open(master);
	if (master_listen_agents(master, err) < 0)
		return -1;
	master_registry_changed(master);
	return 0;
}

void master_give_up(struct master *master, const char *text)
{
	log_error("%s", text);
	master->elected = false;
	election_withdraw(master->election);
	events_stop(master->events);
}

static int master_open(struct master *master, struct error *err)
{
	static const int signals[] = {SIGTERM, SIGINT, 0};
	allow_many_descriptors();
	if (name_self(master, err) < 0 || auth_load(master, err) < 0)
		return -1;
	master->stale = json_object();
	master->events = events_new(err);
	if (master->events == NULL || events_on_signals(master->events, signals, on_signal, master, err) < 0)
		return -1;
	master->ping_timer = timer_new(master->events, ping_due, master);
	master->registry_timer = timer_new(master->events, master_registry_write, master);
	master->fault_timer = timer_new(master->events, fault_due, master);
	timer_set(master->ping_timer, lab_scaled_ms(master->lab, MASTER_PING_TIMEOUT_MS));
	master_faults_changed(master);
	if (master_serve(master, err) < 0)
		return -1;
	if (master->lab->zookeeper != NULL)
		master->election = election_new(master, err);
	else if (master_lead(master, err) < 0)
		return -1;
	master->control = control_serve(master->events, master->lab, master->name, on_request, master, err);
	return master->control != NULL ? 0 : -1;
}

int role_master(struct lab *lab, struct error *err)
{
	struct master master = {.lab = lab, .number = lab->number};
	int result = master_open(&master, err);
	if (result == 0) {
		events_run(master.events);
		master_registry_write(&master);
	}
	master_clear(&master);
	return result;
}
