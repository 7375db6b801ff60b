/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's side of its conversation with the master. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "lab/agent/agent.h"
#include "lab/core/files.h"
#include "lab/core/wire.h"

#define CONNECT_AGAIN_MS 200
#define BACKOFF_MAX_MS   60000 /* the agent's own maximum */

static json_t *address(const struct agent *agent, const char *type)
{
	return json_pack("{ss ss ss si}", "type", type, "host", agent->host, "ip", agent->ip, "port", agent->port);
}

static json_t *all_tasks(const struct agent *agent)
{
	json_t *array = json_array();
	for (const struct agent_task *task = agent->tasks; task != NULL; task = task->next)
		json_array_append_new(array, json_pack("{so so}", "framework", wire_pack(task->framework), "task",
						       wire_pack(task->task)));
	return array;
}

static void send_registration(struct agent *agent)
{
	bool known = agent->info->id != NULL;
	json_t *message = address(agent, known ? "reregister" : "register");
	json_object_set_new(message, "version", json_string(LAB_MESOS_VERSION));
	json_object_set_new(message, "info", wire_pack(agent->info));
	json_object_set_new(message, "tasks", all_tasks(agent));
	json_object_set_new(message, "updates", json_deep_copy(agent->pending));
	link_send(agent->master, message);
}

/* 0..limit, as libprocess draws it. */
static int64_t random_part(int64_t limit)
{
	unsigned char bytes[4];
	char hex[RANDOM_ID_SIZE];
	random_id(hex);
	hex[8] = '\0';
	hex_decode(hex, bytes, sizeof(bytes), NULL);
	double share = ((double)bytes[0] * 256 + bytes[1]) / 65536;
	return (int64_t)((double)limit * share);
}

static void try_again(void *ctx)
{
	struct agent *agent = ctx;
	if (agent->master == NULL) {
		agent_connect(agent);
		return;
	}
	if (agent->phase != AGENT_DISCONNECTED || agent->silent)
		return;
	send_registration(agent);
	int64_t limit = lab_scaled_ms(agent->lab, BACKOFF_MAX_MS);
	agent->backoff_ms = agent->backoff_ms * 2 < limit ? agent->backoff_ms * 2 : limit;
	timer_set(agent->master_timer, agent->backoff_ms);
}

void agent_register(struct agent *agent)
{
	struct error err = ERROR_INIT;
	if (agent_checkpoint_boot_id(agent, &err) < 0)
		log_warning("%s", err.text);
	if (agent->phase == AGENT_RECOVERING)
		agent->phase = AGENT_DISCONNECTED;
	agent->backoff_ms = agent_flag_ms(agent, "registration_backoff_factor");
	if (agent->backoff_ms < 1)
		agent->backoff_ms = 1;
	if (agent->master != NULL)
		timer_set(agent->master_timer, random_part(agent->backoff_ms));
}

static void registered(struct agent *agent, const json_t *message)
{
	struct error err = ERROR_INIT;
	const char *id = json_string_value(json_object_get(message, "id"));
	if (agent->phase == AGENT_TERMINATING || id == NULL)
		return;
	agent->phase = AGENT_REGISTERED;
	json_array_clear(agent->pending);
	timer_set(agent->master_timer, -1);
	if (agent->info->id != NULL)
		return;
	slaveinfo_set_id(agent->info, id);
	if (agent_checkpoint_self(agent, &err) < 0)
		log_error("%s", err.text);
}

static void told_to_shut_down(struct agent *agent, const json_t *message)
{
	const char *why = json_string_value(json_object_get(message, "reason"));
	log_error("Agent asked to shut down by the master because '%s'", why != NULL ? why : "");
	agent_end_tasks(agent);
	agent->phase = AGENT_TERMINATING;
	if (agent->tasks == NULL)
		events_stop(agent->events);
}

static void master_line(void *ctx, struct link *link, const json_t *message)
{
	struct agent *agent = ctx;
	const char *type = link_type(message);
	if (strcmp(type, "ping") == 0)
		link_send(link, json_pack("{ss}", "type", "pong"));
	else if (strcmp(type, "registered") == 0)
		registered(agent, message);
	else if (strcmp(type, "shutdown") == 0)
		told_to_shut_down(agent, message);
	else if (strcmp(type, "launch") == 0)
		agent_launch(agent, message);
	else if (strcmp(type, "kill") == 0)
		agent_kill_task(agent, json_string_value(json_object_get(message, "framework")),
				json_string_value(json_object_get(message, "task")));
}

static void master_closed(void *ctx, struct link *link)
{
	struct agent *agent = ctx;
	link_free(link);
	agent->master = NULL;
	if (agent->phase == AGENT_REGISTERED)
		agent->phase = AGENT_DISCONNECTED;
	timer_set(agent->master_timer, CONNECT_AGAIN_MS);
}

static const struct link_ops master_ops = {.line = master_line, .closed = master_closed};

/* The master's flag names the address it answers HTTP at; the lab's own conversation has a socket of that name. */
void agent_connect(struct agent *agent)
{
	const char *master = agent_flag(&agent->flags, "master");
	char *path = lab_path(agent->lab, "run/link-%s.sock", master);
	int fd = socket_connect_unix(path, NULL);
	free(path);
	if (agent->master_timer == NULL)
		agent->master_timer = timer_new(agent->events, try_again, agent);
	if (fd < 0) {
		timer_set(agent->master_timer, CONNECT_AGAIN_MS);
		return;
	}
	agent->master = link_new(agent->events, fd, &master_ops, agent);
	link_send(agent->master, address(agent, "here"));
	if (agent->phase == AGENT_DISCONNECTED)
		agent_register(agent);
}

void agent_send_update(struct agent *agent, const struct agent_task *task, const Mesos__TaskStatus *status)
{
	json_t *update = json_pack("{ss ss so}", "type", "update", "framework", task->framework->id->value, "status",
				   wire_pack(status));
	if (agent->phase == AGENT_REGISTERED && agent->master != NULL)
		link_send(agent->master, update);
	else
		json_array_append_new(agent->pending, update); /* goes with the registration */
}
