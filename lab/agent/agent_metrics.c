/* SPDX-License-Identifier: Apache-2.0 */
/* What /metrics/snapshot and GET_METRICS say: every metric of a real agent; what the lab does not have stays 0. */
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "lab/agent/agent.h"
#include "lab/core/shapes.h"

static const char *const always_zero[] = {
	"containerizer/fetcher/cache_size_used_bytes",
	"containerizer/fetcher/task_fetches_failed",
	"containerizer/fetcher/task_fetches_succeeded",
	"containerizer/mesos/container_destroy_errors",
	"containerizer/mesos/provisioner/bind/remove_rootfs_errors",
	"containerizer/mesos/provisioner/remove_container_errors",
	"gc/path_removals_failed",
	"gc/path_removals_pending",
	"gc/path_removals_succeeded",
	"resource_provider_manager/events/disconnect",
	"resource_provider_manager/events/subscribe",
	"resource_provider_manager/subscribed",
	"slave/container_launch_errors",
	"slave/executors_preempted",
	"slave/executors_registering",
	"slave/executors_terminating",
	"slave/invalid_framework_messages",
	"slave/invalid_status_updates",
	"slave/recovery_errors",
	"slave/tasks_gone",
	"slave/tasks_killing",
	"slave/tasks_lost",
	"slave/valid_framework_messages",
};

static void put(json_t *metrics, const char *name, double value)
{
	json_object_set_new(metrics, name, json_real(value));
}

static void put_resource(json_t *metrics, const char *name, double total, double used)
{
	static const char *const revocable[] = {"percent", "total", "used"};
	const double values[] = {total > 0 ? used / total : 0, total, used};
	for (size_t i = 0; i < 3; i++) {
		char *plain = xasprintf("slave/%s_%s", name, revocable[i]);
		char *other = xasprintf("slave/%s_revocable_%s", name, revocable[i]);
		put(metrics, plain, values[i]);
		put(metrics, other, 0);
		free(plain);
		free(other);
	}
}

static void put_resources(const struct agent *agent, json_t *metrics)
{
	static const char *const names[] = {"cpus", "mem", "disk", "gpus"};
	struct resources total = {.items = NULL}, used = {.items = NULL};
	shape_take_resources(&total, agent->info->resources, agent->info->n_resources);
	for (const struct agent_task *task = agent->tasks; task != NULL; task = task->next) {
		struct resources own = {.items = NULL};
		shape_take_resources(&own, task->task->resources, task->task->n_resources);
		resources_add(&used, &own);
		resources_clear(&own);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put_resource(metrics, names[i], resources_scalar(&total, names[i]), resources_scalar(&used, names[i]));
	resources_clear(&total);
	resources_clear(&used);
}

static bool is_first_of_framework(const struct agent *agent, const struct agent_task *wanted)
{
	for (const struct agent_task *task = agent->tasks; task != wanted; task = task->next) {
		if (strcmp(task->framework->id->value, wanted->framework->id->value) == 0)
			return false;
	}
	return true;
}

static void put_tasks(const struct agent *agent, json_t *metrics)
{
	double running = 0, starting = 0, staging = 0, executors = 0, frameworks = 0;
	for (const struct agent_task *task = agent->tasks; task != NULL; task = task->next) {
		running += task->task->state == MESOS__TASK_STATE__TASK_RUNNING;
		starting += task->task->state == MESOS__TASK_STATE__TASK_STARTING;
		staging += task->task->state == MESOS__TASK_STATE__TASK_STAGING;
		executors += task->link != NULL;
		frameworks += is_first_of_framework(agent, task);
	}
	put(metrics, "slave/tasks_running", running);
	put(metrics, "slave/tasks_starting", starting);
	put(metrics, "slave/tasks_staging", staging);
	put(metrics, "slave/executors_running", executors);
	put(metrics, "slave/frameworks_active", frameworks);
	put(metrics, "slave/executors_terminated", agent->ended.executors);
	put(metrics, "slave/tasks_failed", agent->ended.failed);
	put(metrics, "slave/tasks_finished", agent->ended.finished);
	put(metrics, "slave/tasks_killed", agent->ended.killed);
	put(metrics, "slave/valid_status_updates", agent->ended.updates);
}

static void put_machine(json_t *metrics)
{
	struct sysinfo machine;
	if (sysinfo(&machine) < 0)
		return;
	put(metrics, "system/cpus_total", (double)sysconf(_SC_NPROCESSORS_ONLN));
	put(metrics, "system/load_1min", (double)machine.loads[0] / 65536);
	put(metrics, "system/load_5min", (double)machine.loads[1] / 65536);
	put(metrics, "system/load_15min", (double)machine.loads[2] / 65536);
	put(metrics, "system/mem_free_bytes", (double)machine.freeram * machine.mem_unit);
	put(metrics, "system/mem_total_bytes", (double)machine.totalram * machine.mem_unit);
}

json_t *agent_metrics(const struct agent *agent)
{
	json_t *metrics = json_object();
	for (size_t i = 0; i < sizeof(always_zero) / sizeof(always_zero[0]); i++)
		put(metrics, always_zero[i], 0);
	put(metrics, "containerizer/fetcher/cache_size_total_bytes", 2147483648.0);
	put(metrics, "slave/executor_directory_max_allowed_age_secs", 604800);
	put(metrics, "slave/registered", agent->phase == AGENT_REGISTERED ? 1 : 0);
	put(metrics, "slave/recovery_time_secs", agent->recovery_seconds);
	put(metrics, "slave/uptime_secs", (double)clock_wall_ms() / 1000 - agent->start_time);
	put_resources(agent, metrics);
	put_tasks(agent, metrics);
	put_machine(metrics);
	return metrics;
}
