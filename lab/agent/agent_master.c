/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's side of its conversation with the master. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "lab/agent/agent.h"
#include "lab/core/detector.h"
#include "lab/core/files.h"
#include "lab/core/wire.h"
#include "mesos/pb.h"

#define CONNECT_AGAIN_MS 200
#define BACKOFF_MAX_MS   60000 /* the agent's own maximum */
#define PINGS_TIMEOUT_MS 75000 /* 15 s, five times: what a master of default flags tells it */

/* The master's address; NULL while nobody leads. */
static const char *leader_of(const struct agent *agent)
{
	return agent->detector != NULL ? agent->leader : agent_flag(&agent->flags, "master");
}

static void say_detected(struct agent *agent)
{
	char *text = xasprintf("New master detected at master@%s", leader_of(agent));
	agent_say(agent, 'I', "slave.cpp:1475", text);
	free(text);
	agent_judge_master(agent);
	agent_say(agent, 'I', "slave.cpp:1529",
		  "No credentials provided. Attempting to register without authentication");
	agent_say(agent, 'I', "slave.cpp:1540", "Detecting new master");
}

static void say_registered(struct agent *agent, const char *id)
{
	const char *master = leader_of(agent);
	bool known = agent->info->id != NULL;
	char *text = known ? xasprintf("Re-registered with master master@%s", master)
			   : xasprintf("Registered with master master@%s; given agent ID %s", master, id);
	agent_say(agent, 'I', known ? "slave.cpp:1832" : "slave.cpp:1700", text);
	free(text);
}

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

/* Of frameworks that have nothing left here. */
static json_t *all_completed(const struct agent *agent)
{
	json_t *array = json_array();
	for (const struct agent_task *task = agent->completed; task != NULL; task = task->next) {
		const struct agent_task *running = agent->tasks;
		while (running != NULL && strcmp(running->framework->id->value, task->framework->id->value) != 0)
			running = running->next;
		if (running == NULL)
			json_array_append_new(array, wire_pack(task->task));
	}
	return array;
}

/* What it has checkpointed of dynamic reservations and volumes: the master does not remember them. */
static json_t *all_reserved(const struct agent *agent)
{
	json_t *array = json_array();
	for (size_t i = 0; i < agent->reserved.count; i++)
		json_array_append_new(array, wire_pack(agent->reserved.items[i]));
	return array;
}

static void send_registration(struct agent *agent)
{
	bool known = agent->info->id != NULL;
	json_t *message = address(agent, known ? "reregister" : "register");
	json_object_set_new(message, "version", json_string(agent->version_text));
	json_object_set_new(message, "info", wire_pack(agent->info));
	json_object_set_new(message, "resources", all_reserved(agent));
	json_object_set_new(message, "tasks", all_tasks(agent));
	json_object_set_new(message, "completed", all_completed(agent));
	json_t *updates = json_deep_copy(agent->pending);
	agent_updates_with_registration(agent, updates);
	json_object_set_new(message, "updates", updates);
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
	if (agent_proposal_waits(agent)) {
		timer_set(agent->master_timer, CONNECT_AGAIN_MS);
		return;
	}
	send_registration(agent);
	/* The bound doubles from twice the factor; the wait is a random part of it. */
	agent->backoff_ms = agent_backoff_next(agent->backoff_ms, lab_scaled_ms(agent->lab, BACKOFF_MAX_MS));
	timer_set(agent->master_timer, random_part(agent->backoff_ms));
}

int64_t agent_backoff_next(int64_t bound_ms, int64_t max_ms)
{
	return bound_ms * 2 < max_ms ? bound_ms * 2 : max_ms;
}

/* False when it cannot be ended: the boot ID is written at its very end. */
static bool end_recovery(struct agent *agent)
{
	struct error err = ERROR_INIT;
	agent->phase = AGENT_DISCONNECTED;
	agent->recovery_seconds = (double)clock_wall_ms() / 1000 - agent->start_time;
	agent_say(agent, 'I', "slave.cpp:8388", "Finished recovery");
	agent->failure = agent_proposal_refusal(agent); /* before anything is replaced, if the master is known */
	if (agent->failure != NULL) {
		events_stop(agent->events);
		return false;
	}
	if (agent_proposal_settle(agent, &err) < 0) {
		log_error("%s", err.text);
		agent->failure = "Failed to checkpoint the agent's new state";
		events_stop(agent->events);
		return false;
	}
	if (agent_checkpoint_boot_id(agent, &err) < 0) {
		log_error("CHECK_SOME(state::checkpoint(path, bootId.get())): %s", err.text);
		agent->failure = "Failed to checkpoint the boot ID";
		events_stop(agent->events);
		return false;
	}
	if (agent->master != NULL)
		say_detected(agent);
	return agent->failure == NULL;
}

void agent_register(struct agent *agent)
{
	if (agent->phase == AGENT_RECOVERING && !end_recovery(agent))
		return;
	agent->backoff_ms = agent_flag_ms(agent, "registration_backoff_factor");
	if (agent->backoff_ms < 1)
		agent->backoff_ms = 1;
	if (agent->master != NULL && !agent->silent)
		timer_set(agent->master_timer, random_part(agent->backoff_ms));
}

/* It was silent for the master, or the master for it: what it takes for its place is not. */
static void no_pings(void *ctx)
{
	struct agent *agent = ctx;
	agent_say(agent, 'I', "slave.cpp:6708", "No pings from master received within 1.25mins");
	agent_disconnect(agent);
}

static void expect_pings(struct agent *agent)
{
	if (agent->ping_timer == NULL)
		agent->ping_timer = timer_new(agent->events, no_pings, agent);
	timer_set(agent->ping_timer, lab_scaled_ms(agent->lab, PINGS_TIMEOUT_MS));
}

static void registered(struct agent *agent, const json_t *message)
{
	struct error err = ERROR_INIT;
	const char *id = json_string_value(json_object_get(message, "id"));
	if (agent->phase == AGENT_TERMINATING || id == NULL)
		return;
	bool again = agent->phase == AGENT_REGISTERED; /* the answer to a repeated message */
	agent->phase = AGENT_REGISTERED;
	json_array_clear(agent->pending);
	timer_set(agent->master_timer, -1);
	if (!again)
		say_registered(agent, id);
	if (agent->info->id == NULL) {
		slaveinfo_set_id(agent->info, id);
		if (agent_checkpoint_self(agent, &err) < 0)
			log_error("%s", err.text);
	}
	if (!again)
		agent_updates_send(agent);
	agent_trim();
	expect_pings(agent);
	agent_flap(agent);
}

static void told_to_shut_down(struct agent *agent, const json_t *message)
{
	const char *why = json_string_value(json_object_get(message, "reason"));
	char *text = xasprintf("Agent asked to shut down by master@%s because '%s'",
			       leader_of(agent) != NULL ? leader_of(agent) : "", why != NULL ? why : "");
	fprintf(stderr, "%s\n", text);
	agent_say(agent, 'I', "slave.cpp:1020", text);
	free(text);
	agent_end_tasks(agent);
	agent->phase = AGENT_TERMINATING;
	if (agent->tasks == NULL)
		events_stop(agent->events);
}

/* The whole of what is reserved dynamically from now on, after a framework's or an operator's operation. */
static void apply_operation(struct agent *agent, const json_t *message)
{
	struct error err = ERROR_INIT;
	struct resources resources = {.items = NULL};
	const json_t *item;
	size_t index;
	json_array_foreach(json_object_get(message, "resources"), index, item)
	{
		Mesos__Resource *resource = wire_unpack(&mesos__resource__descriptor, item);
		if (resource != NULL)
			PB_APPEND(resources.items, resources.count, resource);
	}
	resources_normalise(&resources);
	resources_clear(&agent->reserved);
	agent->reserved = resources;
	if (agent_checkpoint_resources(agent, &err) < 0)
		log_error("%s", err.text);
}

static void master_line(void *ctx, struct link *link, const json_t *message)
{
	struct agent *agent = ctx;
	const char *type = link_type(message);
	if (strcmp(type, "ping") == 0) {
		expect_pings(agent);
		link_send(link, json_pack("{ss}", "type", "pong"));
	} else if (strcmp(type, "registered") == 0)
		registered(agent, message);
	else if (strcmp(type, "shutdown") == 0)
		told_to_shut_down(agent, message);
	else if (strcmp(type, "leader") == 0)
		agent_meet_master(agent, message);
	else if (strcmp(type, "operation") == 0)
		apply_operation(agent, message);
	else if (strcmp(type, "drain") == 0)
		agent_drain(agent, message);
	else if (strcmp(type, "acknowledge") == 0)
		agent_update_acknowledged(agent, message);
	else if (strcmp(type, "framework") == 0)
		agent_framework_changed(agent, message);
	else if (strcmp(type, "launch") == 0)
		agent_launch(agent, message);
	else if (strcmp(type, "kill") == 0)
		agent_kill_task(agent, json_string_value(json_object_get(message, "framework")),
				json_string_value(json_object_get(message, "task")));
}

/* What the next one can is for it to say. */
static void forget_master(struct agent *agent)
{
	agent->master = NULL;
	agent->master_met = false;
}

static void master_closed(void *ctx, struct link *link)
{
	struct agent *agent = ctx;
	link_free(link);
	forget_master(agent);
	if (agent->phase == AGENT_REGISTERED)
		agent->phase = AGENT_DISCONNECTED;
	timer_set(agent->master_timer, CONNECT_AGAIN_MS);
}

void agent_disconnect(struct agent *agent)
{
	struct link *link = agent->master;
	if (link == NULL)
		return;
	forget_master(agent);
	link_free(link);
	if (agent->phase == AGENT_REGISTERED)
		agent->phase = AGENT_DISCONNECTED;
	timer_set(agent->master_timer, CONNECT_AGAIN_MS);
}

void agent_unregister(struct agent *agent)
{
	if (agent->master != NULL && agent->phase == AGENT_REGISTERED)
		link_send(agent->master, json_pack("{ss}", "type", "unregister"));
}

static const struct link_ops master_ops = {.line = master_line, .closed = master_closed};

/* Another master leads, or none: what was said to the one before is void. */
static void leader_changed(void *ctx, const json_t *info)
{
	struct agent *agent = ctx;
	const json_t *address = json_object_get(info, "address");
	const char *ip = json_string_value(json_object_get(address, "ip"));
	free(agent->leader);
	agent->leader = ip != NULL ? xasprintf("%s:%lld", ip,
					       (long long)json_integer_value(json_object_get(address, "port")))
				   : NULL;
	agent_disconnect(agent);
	if (agent->leader != NULL)
		timer_set(agent->master_timer, 0);
}

static void find_leader(struct agent *agent)
{
	const char *master = agent_flag(&agent->flags, "master");
	if (agent->detector == NULL && detector_is_url(master))
		agent->detector = detector_new(agent->events, master, detector_session_ms(agent->lab->time_scale),
					       leader_changed, agent);
}

/* The master's flag names the address it answers HTTP at; the lab's own conversation has a socket of that name. */
void agent_connect(struct agent *agent)
{
	if (agent->master_timer == NULL)
		agent->master_timer = timer_new(agent->events, try_again, agent);
	find_leader(agent);
	const char *master = leader_of(agent);
	char *path = lab_path(agent->lab, "run/link-%s.sock", master != NULL ? master : "");
	int fd = master != NULL ? socket_connect_unix(path, NULL) : -1;
	free(path);
	if (fd < 0) {
		timer_set(agent->master_timer, CONNECT_AGAIN_MS);
		return;
	}
	agent->master = link_new(agent->events, fd, &master_ops, agent);
	link_send(agent->master, address(agent, "here"));
	if (agent->phase == AGENT_DISCONNECTED) {
		say_detected(agent);
		agent_register(agent);
	}
}

void agent_send_update(struct agent *agent, const struct agent_task *task, const Mesos__TaskStatus *status)
{
	if (agent_update_is_acknowledged(task->framework)) {
		agent_update_queue(agent, task, status);
		return;
	}
	json_t *update = json_pack("{ss ss so}", "type", "update", "framework", task->framework->id->value, "status",
				   wire_pack(status));
	if (agent->phase == AGENT_REGISTERED && agent->master != NULL)
		link_send(agent->master, update);
	else
		json_array_append_new(agent->pending, update); /* goes with the registration */
}
