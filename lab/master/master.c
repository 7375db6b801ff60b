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
	return (double)now.tv_sec + (double)(now.tv_nsec / 1000) / 1e6;
}

static void ping_due(void *ctx)
{
	struct master *master = ctx;
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
		};
		int64_t running = 0, tasks = 0;
		for (const struct master_task *task = master->tasks; task != NULL; task = task->next) {
			tasks += task->agent == agent;
			running += task->agent == agent && task->task->state == MESOS__TASK_STATE__TASK_RUNNING;
		}
		json_object_set_new(agents, agent->info->hostname,
				    json_pack("{ss ss sI sI}", "id", agent->id, "state",
					      agent->connected ? "active" : standings[agent->standing], "tasks",
					      (json_int_t)tasks, "running", (json_int_t)running));
	}
	return json_pack("{ss so}", "id", master->id, "agents", agents);
}

static void on_request(void *ctx, struct control_call *call, const json_t *request)
{
	struct master *master = ctx;
	const char *type = link_type(request), *target = json_string_value(json_object_get(request, "target"));
	if (strcmp(type, "status") == 0) {
		control_reply(call, summary(master));
		return;
	}
	if (strcmp(type, "faults") == 0 && target != NULL && strcmp(target, FAULT_MASTER) == 0)
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

static void name_self(struct master *master)
{
	char hex[RANDOM_ID_SIZE];
	const char *colon = strrchr(master->lab->master, ':');
	random_id(hex);
	master->id = xasprintf("%.8s-%.4s-4%.3s-8%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
	master->ip = xstrndup(master->lab->master, (size_t)(colon - master->lab->master));
	master->port = (int)strtol(colon + 1, NULL, 10);
	master->start_time = master_now();
	master->domain = make_domain();
}

static void master_clear(struct master *master)
{
	control_free(master->control);
	web_free(master->web);
	web_free(master->web_other);
	master_free_tasks(master);
	master_free_agents(master);
	fault_set_clear(&master->faults);
	timer_free(master->ping_timer);
	timer_free(master->registry_timer);
	timer_free(master->fault_timer);
	events_free(master->events);
	pb_free(master->domain);
	free(master->counting);
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

static int master_open(struct master *master, struct error *err)
{
	static const int signals[] = {SIGTERM, SIGINT, 0};
	allow_many_descriptors();
	name_self(master);
	master->events = events_new(err);
	if (master->events == NULL || events_on_signals(master->events, signals, on_signal, master, err) < 0)
		return -1;
	master->ping_timer = timer_new(master->events, ping_due, master);
	master->registry_timer = timer_new(master->events, master_registry_write, master);
	master->fault_timer = timer_new(master->events, fault_due, master);
	timer_set(master->ping_timer, lab_scaled_ms(master->lab, MASTER_PING_TIMEOUT_MS));
	if (master_registry_load(master, err) < 0)
		return -1;
	master_make_frameworks(master);
	master_registry_changed(master);
	master_faults_changed(master);
	if (master_serve(master, err) < 0 || master_listen_agents(master, err) < 0)
		return -1;
	master->control = control_serve(master->events, master->lab, "master", on_request, master, err);
	return master->control != NULL ? 0 : -1;
}

int role_master(struct lab *lab, struct error *err)
{
	struct master master = {.lab = lab};
	int result = master_open(&master, err);
	if (result == 0) {
		events_run(master.events);
		master_registry_write(&master);
	}
	master_clear(&master);
	return result;
}
