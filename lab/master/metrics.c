/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /metrics/snapshot: every name a real master gives. What the lab has no counterpart of is 0; what it has is counted.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lab/core/shapes.h"
#include "lab/master/master.h"
#include "lab/master/metrics.h"
#include "mesos/pb.h"

/* ---- the master's own */

static void put_operations(const struct master_counters *counters, json_t *metrics)
{
	static const char *const kinds[] = {"reserve",     "unreserve",    "create",      "destroy",
					    "create_disk", "destroy_disk", "grow_volume", "shrink_volume"};
	static const char *const states[] = {"/dropped", "/error",      "/failed",     "/gone_by_operator",
					     "/pending", "/recovering", "/unreachable"};
	double all = 0;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		double done = i < COUNT(counters->operations) ? (double)counters->operations[i] : 0;
		char prefix[64];
		all += done;
		snprintf(prefix, sizeof(prefix), "master/operations/%s", kinds[i]);
		metrics_put_zeros(metrics, prefix, states, COUNT(states));
		metrics_put(metrics, done, "%s/finished", prefix);
		metrics_put(metrics, done, "%s/total", prefix);
	}
	metrics_put_zeros(metrics, "master/operations", states, COUNT(states));
	metrics_put(metrics, (double)counters->operations_dropped, "master/operations/dropped");
	metrics_put(metrics, all, "master/operations/finished");
	metrics_put(metrics, all, "master/operations/total");
}

/* What the lab has no counterpart of. */
static const char *const message_names[] = {"dropped_messages",
					    "event_queue_dispatches",
					    "event_queue_http_requests",
					    "event_queue_messages",
					    "http_cache_hits",
					    "invalid_executor_to_framework_messages",
					    "invalid_framework_to_executor_messages",
					    "invalid_operation_status_update_acknowledgements",
					    "invalid_operation_status_updates",
					    "invalid_status_update_acknowledgements",
					    "invalid_status_updates",
					    "messages_authenticate",
					    "messages_deactivate_framework",
					    "messages_decline_offers",
					    "messages_executor_to_framework",
					    "messages_exited_executor",
					    "messages_framework_to_executor",
					    "messages_kill_task",
					    "messages_operation_status_update",
					    "messages_operation_status_update_acknowledgement",
					    "messages_reconcile_operations",
					    "messages_reconcile_tasks",
					    "messages_register_framework",
					    "messages_reregister_framework",
					    "messages_resource_request",
					    "messages_revive_offers",
					    "messages_suppress_offers",
					    "messages_unregister_framework",
					    "messages_unregister_slave",
					    "messages_update_slave",
					    "operator_event_stream_subscribers",
					    "outstanding_offers",
					    "slave_shutdowns_canceled",
					    "slave_shutdowns_completed",
					    "slave_shutdowns_scheduled",
					    "slave_unreachable_canceled",

					    "valid_executor_to_framework_messages",
					    "valid_framework_to_executor_messages",
					    "valid_operation_status_update_acknowledgements",
					    "valid_operation_status_updates"};

static void put_messages(const struct master *master, json_t *metrics)
{
	const struct master_counters *counters = &master->counters;
	metrics_put_zeros(metrics, "master/", message_names, COUNT(message_names));
	metrics_put(metrics, (double)counters->launches, "master/messages_launch_tasks");
	metrics_put(metrics, (double)counters->register_messages, "master/messages_register_slave");
	metrics_put(metrics, (double)counters->reregister_messages, "master/messages_reregister_slave");
	metrics_put(metrics, (double)counters->status_updates, "master/messages_status_update");
	metrics_put(metrics, (double)counters->status_updates, "master/messages_status_update_acknowledgement");
	metrics_put(metrics, (double)counters->status_updates, "master/valid_status_updates");
	metrics_put(metrics, (double)counters->status_updates, "master/valid_status_update_acknowledgements");
	metrics_put(metrics, (double)counters->registrations, "master/slave_registrations");
	metrics_put(metrics, (double)counters->reregistrations, "master/slave_reregistrations");
	metrics_put(metrics, (double)counters->removals, "master/slave_removals");
	metrics_put(metrics, (double)counters->removals_registered, "master/slave_removals/reason_registered");
	metrics_put(metrics, (double)counters->removals_unregistered, "master/slave_removals/reason_unregistered");
	metrics_put(metrics, (double)counters->removals_unhealthy, "master/slave_removals/reason_unhealthy");
	metrics_put(metrics, (double)counters->removals_unhealthy, "master/slave_unreachable_scheduled");
	metrics_put(metrics, (double)counters->removals_unhealthy, "master/slave_unreachable_completed");
	metrics_put(metrics, (double)counters->recovery_removals, "master/recovery_slave_removals");
}

static void put_agents(const struct master *master, json_t *metrics)
{
	double connected = 0, active = master_count_agents(master, STANDING_REGISTERED, 1);
	double inactive = master_count_agents(master, STANDING_REGISTERED, 0);
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next)
		connected += agent->standing == STANDING_REGISTERED && agent->connected;
	metrics_put(metrics, active, "master/slaves_active");
	metrics_put(metrics, inactive, "master/slaves_inactive");
	metrics_put(metrics, connected, "master/slaves_connected");
	metrics_put(metrics, active + inactive - connected, "master/slaves_disconnected");
	metrics_put(metrics, master_count_agents(master, STANDING_UNREACHABLE, -1), "master/slaves_unreachable");
}

static void put_tasks(const struct master *master, json_t *metrics)
{
	static const Mesos__TaskState living[] = {MESOS__TASK_STATE__TASK_STAGING, MESOS__TASK_STATE__TASK_STARTING,
						  MESOS__TASK_STATE__TASK_RUNNING, MESOS__TASK_STATE__TASK_KILLING,
						  MESOS__TASK_STATE__TASK_UNREACHABLE};
	static const Mesos__TaskState terminal[] = {
		MESOS__TASK_STATE__TASK_DROPPED, MESOS__TASK_STATE__TASK_ERROR,
		MESOS__TASK_STATE__TASK_FAILED,  MESOS__TASK_STATE__TASK_FINISHED,
		MESOS__TASK_STATE__TASK_GONE,    MESOS__TASK_STATE__TASK_GONE_BY_OPERATOR,
		MESOS__TASK_STATE__TASK_KILLED,  MESOS__TASK_STATE__TASK_LOST};
	double counts[MESOS__TASK_STATE__TASK_UNKNOWN + 1] = {0};
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		for (const struct master_task *task = agent->tasks; task != NULL; task = task->next)
			counts[task->task->state]++;
	}
	for (size_t i = 0; i < COUNT(terminal); i++)
		counts[terminal[i]] = (double)master->counters.terminal[terminal[i]];
	for (size_t i = 0; i < COUNT(living) + COUNT(terminal); i++) {
		Mesos__TaskState state = i < COUNT(living) ? living[i] : terminal[i - COUNT(living)];
		char name[64];
		snprintf(name, sizeof(name), "%s", shape_task_state(state) + strlen("TASK_"));
		for (char *at = name; *at != '\0'; at++)
			*at = (char)tolower((unsigned char)*at);
		metrics_put(metrics, counts[state], "master/tasks_%s", name);
	}
}

static void put_resources(const struct resources *total, const struct resources *used, json_t *metrics)
{
	static const char *const shown[] = {"cpus", "disk", "gpus", "mem"};
	static const char *const revocable[] = {"_revocable_percent", "_revocable_total", "_revocable_used"};
	for (size_t i = 0; i < COUNT(shown); i++) {
		double all = resources_scalar(total, shown[i]), taken = resources_scalar(used, shown[i]);
		char prefix[32];
		snprintf(prefix, sizeof(prefix), "master/%s", shown[i]);
		metrics_put(metrics, all, "%s_total", prefix);
		metrics_put(metrics, taken, "%s_used", prefix);
		metrics_put(metrics, all > 0 ? taken / all : 0, "%s_percent", prefix);
		metrics_put_zeros(metrics, prefix, revocable, COUNT(revocable));
	}
}

static void put_system(json_t *metrics)
{
	double load[3] = {0};
	struct sysinfo info;
	if (getloadavg(load, 3) == 3) {
		metrics_put(metrics, load[0], "system/load_1min");
		metrics_put(metrics, load[1], "system/load_5min");
		metrics_put(metrics, load[2], "system/load_15min");
	}
	metrics_put(metrics, (double)sysconf(_SC_NPROCESSORS_ONLN), "system/cpus_total");
	if (sysinfo(&info) == 0) {
		metrics_put(metrics, (double)info.freeram * info.mem_unit, "system/mem_free_bytes");
		metrics_put(metrics, (double)info.totalram * info.mem_unit, "system/mem_total_bytes");
	}
}

static void put_registrar(const struct master *master, json_t *metrics)
{
	metrics_put(metrics, (double)master->lab->master_count, "registrar/log/ensemble_size");
	metrics_put(metrics, 1, "registrar/log/recovered");
	metrics_put(metrics, 0, "registrar/queued_operations");
	metrics_put(metrics, 0, "registrar/registry_size_bytes");
	metrics_put(metrics, 0, "registrar/state_fetch_ms");
	metrics_put_timer(metrics, "registrar/state_store_ms");
}

/* Everything the agents of the cluster have, and what tasks take of it. */
static void sum_up(const struct master *master, struct resources *total, struct resources *used)
{
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		struct resources own = {.items = NULL};
		if (agent->standing != STANDING_REGISTERED)
			continue;
		shape_take_resources(&own, agent->info->resources, agent->info->n_resources);
		resources_add(total, &own);
		resources_clear(&own);
	}
	master_used(master, NULL, NULL, used);
}

json_t *master_metrics(const struct master *master)
{
	json_t *metrics = json_object();
	struct resources total = {.items = NULL}, used = {.items = NULL};
	sum_up(master, &total, &used);
	metrics_put_allocator(master, &total, &used, metrics);
	metrics_put_frameworks(master, metrics);
	metrics_put(metrics, master->elected, "master/elected");
	metrics_put(metrics, master_now() - master->start_time, "master/uptime_secs");
	put_agents(master, metrics);
	put_messages(master, metrics);
	put_operations(&master->counters, metrics);
	put_resources(&total, &used, metrics);
	put_tasks(master, metrics);
	scheduler_put_metrics(master, metrics);
	put_registrar(master, metrics);
	put_system(metrics);
	resources_clear(&total);
	resources_clear(&used);
	return metrics;
}

void answer_metrics(const struct master *master, const struct master_query *query, struct writer *writer)
{
	json_t *metrics = master_metrics(master);
	char *text = json_dumps(metrics, JSON_COMPACT | JSON_SORT_KEYS);
	(void)query;
	writer_raw(writer, text);
	free(text);
	json_decref(metrics);
}
