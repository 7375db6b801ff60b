/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and their executors: the executors' socket, status updates, and their end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "lab/agent/agent.h"
#include "lab/core/files.h"
#include "lab/core/processes.h"
#include "lab/core/wire.h"
#include "mesos/pb.h"
#include "mesos/task_state.h"

#define KILL_GRACE_MS 3000 /* the command executor's own */

void agent_task_free(struct agent_task *task)
{
	if (task == NULL)
		return;
	link_free(task->link);
	pb_free(task->framework);
	pb_free(task->executor);
	pb_free(task->task);
	free(task->container);
	free(task);
}

static struct agent_task *find(struct agent_task *list, const char *framework_id, const char *task_id)
{
	while (list != NULL && (strcmp(list->framework->id->value, framework_id) != 0 ||
				strcmp(list->task->task_id->value, task_id) != 0))
		list = list->next;
	return list;
}

struct agent_task *agent_task_find(struct agent *agent, const char *framework_id, const char *task_id)
{
	return find(agent->tasks, framework_id, task_id);
}

struct agent_task *agent_task_find_completed(struct agent *agent, const char *framework_id, const char *task_id)
{
	return find(agent->completed, framework_id, task_id);
}

/* ---- status updates */

struct status_parts {
	Mesos__NetworkInfo__IPAddress address, *addresses[1];
	Mesos__NetworkInfo network, *networks[1];
	Mesos__ContainerID container_id;
	Mesos__ContainerStatus container;
	uint8_t uuid[16];
};

static void random_uuid(uint8_t uuid[16])
{
	char hex[RANDOM_ID_SIZE];
	random_id(hex);
	hex_decode(hex, uuid, 16, NULL);
}

/* The status borrows from parts and task. */
static Mesos__TaskStatus make_status(struct agent_task *task, Mesos__TaskState state, struct status_parts *parts)
{
	Mesos__TaskStatus status = MESOS__TASK_STATUS__INIT;
	*parts = (struct status_parts){.address = MESOS__NETWORK_INFO__IPADDRESS__INIT,
				       .network = MESOS__NETWORK_INFO__INIT,
				       .container_id = MESOS__CONTAINER_ID__INIT,
				       .container = MESOS__CONTAINER_STATUS__INIT};
	parts->address.has_protocol = true;
	parts->address.protocol = MESOS__NETWORK_INFO__PROTOCOL__IPv4;
	parts->address.ip_address = task->agent->ip;
	parts->addresses[0] = &parts->address;
	parts->network.ip_addresses = parts->addresses;
	parts->network.n_ip_addresses = 1;
	parts->networks[0] = &parts->network;
	parts->container_id.value = task->container;
	parts->container.network_infos = parts->networks;
	parts->container.n_network_infos = 1;
	parts->container.container_id = &parts->container_id;
	parts->container.has_executor_pid = true;
	parts->container.executor_pid = (uint32_t)task->pid;
	random_uuid(parts->uuid);
	status.task_id = task->task->task_id;
	status.state = state;
	status.slave_id = task->agent->info->id;
	status.executor_id = task->executor->executor_id;
	status.has_timestamp = true;
	status.timestamp = (double)clock_wall_ms() / 1000;
	status.has_source = true;
	status.source = MESOS__TASK_STATUS__SOURCE__SOURCE_EXECUTOR;
	status.has_uuid = true;
	status.uuid = (ProtobufCBinaryData){.len = 16, .data = parts->uuid};
	status.container_status = &parts->container;
	return status;
}

static void unlink_task(struct agent_task **list, const struct agent_task *task)
{
	for (struct agent_task **at = list; *at != NULL; at = &(*at)->next) {
		if (*at != task)
			continue;
		*at = task->next;
		return;
	}
}

static void forget_oldest(struct agent *agent, const char *framework_id)
{
	struct agent_task *oldest = NULL;
	long count = 0, most = strtol(agent_flag(&agent->flags, "max_completed_executors_per_framework"), NULL, 10);
	for (struct agent_task *task = agent->completed; task != NULL; task = task->next) {
		if (strcmp(task->framework->id->value, framework_id) != 0)
			continue;
		oldest = task;
		count++;
	}
	if (count <= most)
		return;
	unlink_task(&agent->completed, oldest);
	agent_task_free(oldest);
}

void agent_task_complete(struct agent *agent, struct agent_task *task)
{
	link_free(task->link);
	task->link = NULL;
	task->next = agent->completed;
	agent->completed = task;
	forget_oldest(agent, task->framework->id->value);
}

static void remove_task(struct agent *agent, struct agent_task *task)
{
	unlink_task(&agent->tasks, task);
	agent_task_complete(agent, task);
	agent_drain_check(agent);
	if (agent->phase == AGENT_TERMINATING && agent->tasks == NULL)
		events_stop(agent->events);
}

/* As GET_TASKS shows it: the last update that the agent has sent. */
static void set_forwarded(Mesos__Task *task, const Mesos__TaskStatus *status)
{
	task->has_status_update_state = task->has_status_update_uuid = true;
	task->status_update_state = status->state;
	free(task->status_update_uuid.data);
	task->status_update_uuid.len = status->uuid.len;
	task->status_update_uuid.data = xmemdup(status->uuid.data, status->uuid.len);
}

static void publish(struct agent_task *task, const Mesos__TaskStatus *status)
{
	struct agent *agent = task->agent;
	struct error err = ERROR_INIT;
	task->task->state = status->state;
	Mesos__TaskStatus *copy = pb_copy(status);
	PB_APPEND(task->task->statuses, task->task->n_statuses, copy);
	set_forwarded(task->task, status);
	/* One that shuts down does not wait to hear how its tasks end. */
	if (agent->phase != AGENT_TERMINATING && agent_checkpoint_update(agent, task, status, &err) < 0)
		log_warning("%s", err.text);
	agent_send_update(agent, task, status);
	agent->ended.updates++;
	if (!task_state_is_terminal(status->state))
		return;
	agent->ended.executors++;
	agent->ended.failed += status->state == MESOS__TASK_STATE__TASK_FAILED;
	agent->ended.finished += status->state == MESOS__TASK_STATE__TASK_FINISHED;
	agent->ended.killed += status->state == MESOS__TASK_STATE__TASK_KILLED;
	agent_checkpoint_sentinel(agent, task, NULL);
	remove_task(agent, task);
}

/* The executor said it itself. */
static void update_from_executor(struct agent_task *task, Mesos__TaskState state, const char *text)
{
	struct status_parts parts;
	Mesos__TaskStatus status = make_status(task, state, &parts);
	char *message = text != NULL ? xstrdup(text) : NULL;
	status.message = message;
	agent_drain_mark(task, &status);
	publish(task, &status);
	free(message);
}

void agent_task_ended(struct agent_task *task, Mesos__TaskState state, Mesos__TaskStatus__Reason reason,
		      const char *text)
{
	struct status_parts parts;
	Mesos__TaskStatus status = make_status(task, state, &parts);
	char *message = xstrdup(text);
	status.source = MESOS__TASK_STATUS__SOURCE__SOURCE_SLAVE;
	status.has_reason = true;
	status.reason = reason;
	status.message = message;
	publish(task, &status);
	free(message);
}

void agent_task_tell_state(struct agent_task *task)
{
	struct status_parts parts;
	struct buffer data = BUFFER_INIT(CHECKPOINT_MAX);
	Mesos__TaskStatus status = make_status(task, MESOS__TASK_STATE__TASK_RUNNING, &parts);
	char message[] = "Agent state changed";
	pb_pack(task->agent->info, &data);
	status.source = MESOS__TASK_STATUS__SOURCE__SOURCE_SLAVE;
	status.has_reason = true;
	status.reason = MESOS__TASK_STATUS__REASON__REASON_SLAVE_STATE_CHANGED;
	status.message = message;
	status.has_data = true;
	status.data = (ProtobufCBinaryData){.len = data.len, .data = (uint8_t *)data.data};
	publish(task, &status);
	buffer_clear(&data);
}

/* ---- executors */

static void executor_line(void *ctx, struct link *link, const json_t *message);
static void executor_closed(void *ctx, struct link *link);
static const struct link_ops executor_ops = {.line = executor_line, .closed = executor_closed};

static const char *text_of(const json_t *message, const char *key)
{
	const char *text = json_string_value(json_object_get(message, key));
	return text != NULL ? text : "";
}

static void say_adopted(const struct agent *agent, const struct agent_task *task, const char *type)
{
	bool first = strcmp(type, "register") == 0;
	char *text = xasprintf(first ? "Got registration for executor '%s' of framework %s"
				     : "Received re-registration message from executor '%s' of framework %s",
			       task->executor->executor_id->value, task->framework->id->value);
	agent_say(agent, 'I', first ? "slave.cpp:5499" : "slave.cpp:5675", text);
	free(text);
}

static void adopt(struct agent *agent, struct link *link, const json_t *message)
{
	struct agent_task *task = agent_task_find(agent, text_of(message, "framework"), text_of(message, "task"));
	if (task == NULL) {
		link_send(link, json_pack("{ss}", "type", "shutdown"));
		return;
	}
	if (task->link != link)
		link_free(task->link);
	task->link = link;
	say_adopted(agent, task, link_type(message));
	if (strcmp(link_type(message), "register") == 0)
		link_send(link, json_pack("{ss}", "type", "run"));
}

static void executor_update(struct agent *agent, const json_t *message)
{
	struct agent_task *task = agent_task_find(agent, text_of(message, "framework"), text_of(message, "task"));
	const ProtobufCEnumValue *state = protobuf_c_enum_descriptor_get_value_by_name(&mesos__task_state__descriptor,
										       text_of(message, "state"));
	if (task != NULL && state != NULL)
		update_from_executor(task, (Mesos__TaskState)state->value,
				     json_string_value(json_object_get(message, "message")));
}

static void executor_line(void *ctx, struct link *link, const json_t *message)
{
	struct agent *agent = ctx;
	if (strcmp(link_type(message), "update") == 0) {
		executor_update(agent, message);
	} else if (strcmp(link_type(message), "faults") == 0) { /* `break` says that it has changed some */
		agent_faults_changed(agent);
		link_send(link, json_object());
	} else {
		adopt(agent, link, message);
	}
}

static void executor_closed(void *ctx, struct link *link)
{
	struct agent *agent = ctx;
	struct agent_task *task = agent->tasks;
	while (task != NULL && task->link != link)
		task = task->next;
	if (task == NULL) {
		link_free(link);
		return;
	}
	link_free(link);
	task->link = NULL;
	agent_task_ended(task, MESOS__TASK_STATE__TASK_FAILED, MESOS__TASK_STATUS__REASON__REASON_EXECUTOR_TERMINATED,
			 "Executor terminated");
}

static void executor_accepted(void *ctx, int fd)
{
	struct agent *agent = ctx;
	link_new(agent->events, fd, &executor_ops, agent);
}

int agent_listen_executors(struct agent *agent, struct error *err)
{
	char *path = lab_path(agent->lab, "run/agents/%s.sock", agent->host);
	int fd = socket_listen_unix(path, err);
	free(path);
	if (fd < 0)
		return -1;
	agent->executors = listener_new(agent->events, fd, executor_accepted, agent);
	return 0;
}

/* ---- killing */

static bool hears_killing(const Mesos__FrameworkInfo *framework)
{
	for (size_t i = 0; i < framework->n_capabilities; i++) {
		if (framework->capabilities[i]->type == MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__TASK_KILLING_STATE)
			return true;
	}
	return false;
}

void agent_kill(const struct agent_task *task, int64_t grace_ms)
{
	if (task->link != NULL)
		link_send(task->link, json_pack("{ss sI sb}", "type", "kill", "grace_ms", (json_int_t)grace_ms,
						"killing", (int)hears_killing(task->framework)));
}

void agent_kill_task(struct agent *agent, const char *framework_id, const char *task_id)
{
	const struct agent_task *task = agent_task_find(agent, framework_id, task_id);
	if (task != NULL)
		agent_kill(task, lab_scaled_ms(agent->lab, KILL_GRACE_MS));
}

void agent_end_tasks(struct agent *agent)
{
	for (struct agent_task *task = agent->tasks; task != NULL; task = task->next) {
		if (task->link != NULL)
			link_send(task->link, json_pack("{ss}", "type", "shutdown"));
	}
}
