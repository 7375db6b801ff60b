/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates that a scheduler has to acknowledge. Of each task only the oldest is under way; it is sent again, at doubling
 * intervals, until the scheduler says that it has it. What is in task.updates without an acknowledgement is queued again
 * by recovery, the end of a task too.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/log.h"
#include "lab/agent/agent.h"
#include "lab/core/wire.h"
#include "mesos/pb.h"

/* The real agent's intervals. */
#define RETRY_MS     10000
#define RETRY_MAX_MS 600000

struct agent_update {
	struct agent_update *next;
	char *framework, *task;
	uint8_t *uuid;
	size_t uuid_len;
	json_t *message;
};

/* Every framework of people has a failover_timeout (the master sees to it), and none of the lab's own. */
bool agent_update_is_acknowledged(const Mesos__FrameworkInfo *framework)
{
	return framework->has_failover_timeout != 0;
}

static void update_free(struct agent_update *update)
{
	json_decref(update->message);
	free(update->framework);
	free(update->task);
	free(update->uuid);
	free(update);
}

void agent_updates_clear(struct agent *agent)
{
	while (agent->updates != NULL) {
		struct agent_update *update = agent->updates;
		agent->updates = update->next;
		update_free(update);
	}
}

static bool same_task(const struct agent_update *a, const struct agent_update *b)
{
	return strcmp(a->framework, b->framework) == 0 && strcmp(a->task, b->task) == 0;
}

/* The oldest of its task. */
static bool is_first(const struct agent *agent, const struct agent_update *update)
{
	const struct agent_update *first = agent->updates;
	while (!same_task(first, update))
		first = first->next;
	return first == update;
}

static void send_one(const struct agent *agent, const struct agent_update *update)
{
	if (agent->phase == AGENT_REGISTERED && agent->master != NULL && is_first(agent, update))
		link_send(agent->master, json_incref(update->message));
}

static void send_all(const struct agent *agent)
{
	for (const struct agent_update *update = agent->updates; update != NULL; update = update->next)
		send_one(agent, update);
}

static void retry_due(void *ctx)
{
	struct agent *agent = ctx;
	if (agent->updates == NULL)
		return;
	send_all(agent);
	agent->update_wait_ms = agent_backoff_next(agent->update_wait_ms, lab_scaled_ms(agent->lab, RETRY_MAX_MS));
	timer_set(agent->update_timer, agent->update_wait_ms);
}

static void expect_acknowledgement(struct agent *agent)
{
	if (agent->update_timer == NULL)
		agent->update_timer = timer_new(agent->events, retry_due, agent);
	agent->update_wait_ms = lab_scaled_ms(agent->lab, RETRY_MS);
	timer_set(agent->update_timer, agent->update_wait_ms);
}

void agent_update_queue(struct agent *agent, const struct agent_task *task, const Mesos__TaskStatus *status)
{
	struct agent_update **at = &agent->updates;
	while (*at != NULL)
		at = &(*at)->next;
	struct agent_update *update = xcalloc(1, sizeof(*update));
	*update = (struct agent_update){.framework = xstrdup(task->framework->id->value),
					.task = xstrdup(task->task->task_id->value),
					.uuid = xmalloc(status->uuid.len + 1),
					.uuid_len = status->uuid.len};
	memcpy(update->uuid, status->uuid.data, status->uuid.len);
	update->message = json_pack("{ss ss so}", "type", "update", "framework", update->framework, "status",
				    wire_pack(status));
	*at = update;
	if (agent->phase != AGENT_REGISTERED)
		return;
	send_one(agent, update);
	expect_acknowledgement(agent);
}

void agent_updates_send(struct agent *agent)
{
	if (agent->updates == NULL)
		return;
	send_all(agent);
	expect_acknowledgement(agent);
}

/* ---- acknowledgements */

static bool is_of(const struct agent_update *update, const uint8_t *uuid, size_t len)
{
	return update->uuid_len == len && memcmp(update->uuid, uuid, len) == 0;
}

void agent_update_forget(struct agent *agent, const ProtobufCBinaryData *uuid)
{
	for (struct agent_update **at = &agent->updates; *at != NULL; at = &(*at)->next) {
		struct agent_update *update = *at;
		if (!is_of(update, uuid->data, uuid->len))
			continue;
		*at = update->next;
		update_free(update);
		return;
	}
}

static void remember(struct agent *agent, const char *framework, const char *task_id, const ProtobufCBinaryData *uuid)
{
	struct error err = ERROR_INIT;
	const struct agent_task *task = agent_task_find(agent, framework, task_id);
	if (task == NULL)
		task = agent_task_find_completed(agent, framework, task_id);
	if (task != NULL && agent_checkpoint_acknowledgement(agent, task, uuid, &err) < 0)
		log_warning("%s", err.text);
}

static void send_next(struct agent *agent, const char *framework, const char *task)
{
	const struct agent_update *update = agent->updates;
	while (update != NULL && (strcmp(update->framework, framework) != 0 || strcmp(update->task, task) != 0))
		update = update->next;
	if (update == NULL)
		return;
	send_one(agent, update);
	expect_acknowledgement(agent);
}

void agent_update_acknowledged(struct agent *agent, const json_t *message)
{
	const char *framework = json_string_value(json_object_get(message, "framework"));
	const char *task = json_string_value(json_object_get(message, "task"));
	const char *text = json_string_value(json_object_get(message, "uuid"));
	unsigned char *bytes = NULL;
	size_t len = 0;
	if (framework == NULL || task == NULL || text == NULL || base64_decode(text, &bytes, &len, NULL) < 0)
		return;
	ProtobufCBinaryData uuid = {.len = len, .data = bytes};
	for (const struct agent_update *update = agent->updates; update != NULL; update = update->next) {
		if (!is_of(update, bytes, len) || !is_first(agent, update))
			continue;
		remember(agent, framework, task, &uuid);
		agent_update_forget(agent, &uuid);
		send_next(agent, framework, task);
		break;
	}
	free(bytes);
}

void agent_updates_with_registration(const struct agent *agent, json_t *list)
{
	for (const struct agent_update *update = agent->updates; update != NULL; update = update->next) {
		bool runs = false;
		for (const struct agent_task *task = agent->tasks; task != NULL; task = task->next)
			runs |= strcmp(task->task->task_id->value, update->task) == 0;
		if (!runs)
			json_array_append(list, update->message);
	}
}

/* ---- what a framework says of itself now */

void agent_framework_changed(struct agent *agent, const json_t *message)
{
	Mesos__FrameworkInfo *info = wire_unpack(&mesos__framework_info__descriptor, json_object_get(message, "info"));
	struct error err = ERROR_INIT;
	bool known = false;
	for (struct agent_task *task = agent->tasks; task != NULL && info != NULL && info->id != NULL;
	     task = task->next) {
		if (strcmp(task->framework->id->value, info->id->value) != 0)
			continue;
		pb_free(task->framework);
		task->framework = pb_copy(info);
		known = true;
	}
	if (known && agent_checkpoint_framework(agent, info, &err) < 0)
		log_warning("%s", err.text);
	pb_free(info);
}
