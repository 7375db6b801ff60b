/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/core/shapes.h"
#include "lab/master/metrics.h"

void metrics_put(json_t *metrics, double value, const char *format, ...)
{
	char name[512];
	va_list args;
	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	json_object_set_new(metrics, name, json_real(value));
}

void metrics_put_zeros(json_t *metrics, const char *prefix, const char *const names[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		metrics_put(metrics, 0, "%s%s", prefix, names[i]);
}

void metrics_put_timer(json_t *metrics, const char *name)
{
	static const char *const parts[] = {"",     "/count", "/max", "/min",  "/p50",
					    "/p90", "/p95",   "/p99", "/p999", "/p9999"};
	metrics_put_zeros(metrics, name, parts, COUNT(parts));
}

/* ---- the allocator's */

static void put_quantities(json_t *metrics, const char *role, const json_t *sums)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)sums, name, value) metrics_put(
		metrics, json_number_value(value), "allocator/mesos/quota/roles/%s/resources/%s/consumed", role, name);
}

void metrics_put_allocator(const struct master *master, const struct resources *total, const struct resources *used,
			   json_t *metrics)
{
	static const char *const shown[] = {"cpus", "disk", "mem"};
	struct buffer text = BUFFER_INIT(1u << 20);
	struct writer writer = {.out = &text};
	const struct master_query everything = {.limit = -1, .offset = -1};
	json_t *role;
	size_t index;
	answer_roles(master, &everything, &writer);
	json_t *roles = json_loadb(text.data, text.len, 0, NULL);
	json_array_foreach(json_object_get(roles, "roles"), index, role)
	{
		const char *name = json_string_value(json_object_get(role, "name"));
		metrics_put(metrics, 0, "allocator/mesos/offer_filters/roles/%s/active", name);
		put_quantities(metrics, name, json_object_get(json_object_get(role, "quota"), "consumed"));
		if (json_array_size(json_object_get(role, "frameworks")) > 0)
			metrics_put(metrics, 0, "allocator/mesos/roles/%s/shares/dominant", name);
	}
	for (size_t i = 0; i < COUNT(shown); i++) {
		metrics_put(metrics, resources_scalar(used, shown[i]),
			    "allocator/mesos/quota/roles//resources/%s/consumed", shown[i]);
		metrics_put(metrics, resources_scalar(used, shown[i]),
			    "allocator/mesos/resources/%s/offered_or_allocated", shown[i]);
		metrics_put(metrics, resources_scalar(total, shown[i]), "allocator/mesos/resources/%s/total", shown[i]);
	}
	metrics_put(metrics, 0, "allocator/event_queue_dispatches");
	metrics_put(metrics, 0, "allocator/mesos/event_queue_dispatches");
	metrics_put(metrics, 0, "allocator/mesos/allocation_runs");
	metrics_put_timer(metrics, "allocator/mesos/allocation_run_ms");
	metrics_put_timer(metrics, "allocator/mesos/allocation_run_latency_ms");
	json_decref(roles);
	buffer_clear(&text);
}

/* ---- frameworks' */

/* As libprocess escapes a name in a metric's key. */
static void escape(const char *text, char *out, size_t size)
{
	size_t at = 0;
	for (; *text != '\0' && at + 4 < size; text++) {
		if (isalnum((unsigned char)*text) || strchr("-_.~", *text) != NULL)
			out[at++] = *text;
		else
			at += (size_t)snprintf(out + at, size - at, "%%%02X", (unsigned)(unsigned char)*text);
	}
	out[at] = '\0';
}

/* Of every framework; 0 but for its living tasks and, of frameworks of people, what scheduler_put_metrics knows. */
static const char *const framework_names[] = {"calls",
					      "calls/accept",
					      "calls/accept_inverse_offers",
					      "calls/acknowledge",
					      "calls/acknowledge_operation_status",
					      "calls/decline",
					      "calls/decline_inverse_offers",
					      "calls/kill",
					      "calls/message",
					      "calls/reconcile",
					      "calls/reconcile_operations",
					      "calls/request",
					      "calls/revive",
					      "calls/shutdown",
					      "calls/subscribe",
					      "calls/suppress",
					      "calls/teardown",
					      "calls/update_framework",
					      "events",
					      "events/error",
					      "events/failure",
					      "events/heartbeat",
					      "events/inverse_offers",
					      "events/message",
					      "events/offers",
					      "events/rescind",
					      "events/rescind_inverse_offer",
					      "events/subscribed",
					      "events/update",
					      "events/update_operation_status",
					      "offers/accepted",
					      "offers/declined",
					      "offers/rescinded",
					      "offers/sent",
					      "operations",
					      "operations/create",
					      "operations/create_disk",
					      "operations/destroy",
					      "operations/destroy_disk",
					      "operations/grow_volume",
					      "operations/launch",
					      "operations/launch_group",
					      "operations/reserve",
					      "operations/shrink_volume",
					      "operations/unreserve",
					      "tasks/active/task_killing",
					      "tasks/active/task_running",
					      "tasks/active/task_staging",
					      "tasks/active/task_starting",
					      "tasks/active/task_unknown",
					      "tasks/active/task_unreachable",
					      "tasks/terminal/task_dropped",
					      "tasks/terminal/task_error",
					      "tasks/terminal/task_failed",
					      "tasks/terminal/task_finished",
					      "tasks/terminal/task_gone",
					      "tasks/terminal/task_gone_by_operator",
					      "tasks/terminal/task_killed",
					      "tasks/terminal/task_lost"};

void metrics_framework_prefix(const struct master_framework *framework, char out[METRICS_PREFIX_MAX])
{
	char name[128];
	escape(framework->info->name, name, sizeof(name));
	snprintf(out, METRICS_PREFIX_MAX, "master/frameworks/%s/%s/", name, framework->info->id->value);
}

static void put_framework(const struct master_framework *framework, json_t *metrics)
{
	char prefix[METRICS_PREFIX_MAX];
	metrics_framework_prefix(framework, prefix);
	metrics_put_zeros(metrics, prefix, framework_names, COUNT(framework_names));
	size_t count;
	const char *const *roles = master_framework_roles(framework, &count);
	metrics_put(metrics, framework->scheduler == NULL || scheduler_is_there(framework), "%ssubscribed", prefix);
	for (size_t i = 0; i < count; i++)
		metrics_put(metrics, 0, "%sroles/%s/suppressed", prefix, roles[i]);
}

static void count_tasks(const struct master *master, json_t *metrics)
{
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		for (const struct master_task *task = agent->tasks; task != NULL; task = task->next) {
			char name[128], key[512], state[64];
			escape(task->framework->info->name, name, sizeof(name));
			snprintf(state, sizeof(state), "%s", shape_task_state(task->task->state));
			for (char *at = state; *at != '\0'; at++)
				*at = (char)tolower((unsigned char)*at);
			snprintf(key, sizeof(key), "master/frameworks/%s/%s/tasks/active/%s", name,
				 task->framework->info->id->value, state);
			json_t *value = json_object_get(metrics, key);
			if (value != NULL)
				json_real_set(value, json_real_value(value) + 1);
		}
	}
}

void metrics_put_frameworks(const struct master *master, json_t *metrics)
{
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next)
		put_framework(framework, metrics);
	count_tasks(master, metrics);
}
