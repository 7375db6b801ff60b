/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maintenance: ONE schedule for the whole cluster, which every POST replaces, and the machines in it: draining until
 * they are brought down, down until they are brought up again.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

typedef Mesos__Maintenance__Window window_t;

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static bool same_machine(const Mesos__MachineID *a, const char *hostname, const char *ip)
{
	return strcasecmp(or_empty(a->hostname), or_empty(hostname)) == 0 && strcmp(or_empty(a->ip), or_empty(ip)) == 0;
}

static bool same_id(const Mesos__MachineID *a, const Mesos__MachineID *b)
{
	return same_machine(a, b->hostname, b->ip);
}

static struct master_machine *machine_find(const struct master *master, const Mesos__MachineID *id)
{
	for (struct master_machine *machine = master->machines; machine != NULL; machine = machine->next) {
		if (same_id(machine->info->id, id))
			return machine;
	}
	return NULL;
}

static void machine_free(struct master_machine *machine)
{
	pb_free(machine->info);
	free(machine);
}

void maintenance_free(struct master *master)
{
	while (master->machines != NULL) {
		struct master_machine *machine = master->machines;
		master->machines = machine->next;
		machine_free(machine);
	}
	pb_free(master->schedule);
	master->schedule = NULL;
}

/* ---- validation, in the real master's words */

static void refuse_machine(struct web_reply *reply, const Mesos__MachineID *id, const char *why)
{
	json_t *json = pb_to_json(id);
	char *text = json_dumps(json, JSON_COMPACT);
	web_refuse(reply, 400, "Machine '%s' %s", text, why);
	free(text);
	json_decref(json);
}

static bool machine_is_valid(const Mesos__MachineID *id, struct web_reply *reply)
{
	struct in_addr address;
	const char *ip = or_empty(id->ip);
	if (*or_empty(id->hostname) == '\0' && *ip == '\0')
		web_refuse(reply, 400, "Both 'hostname' and 'ip' for a machine are empty");
	else if (*ip != '\0' && inet_pton(AF_INET, ip, &address) != 1)
		web_refuse(reply, 400, "Failed to parse IPv4: %s", ip);
	return reply->status == 200;
}

static bool is_before(const Mesos__MachineID *id, Mesos__MachineID *const *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (same_id(ids[i], id))
			return true;
	}
	return false;
}

static bool machines_are_valid(Mesos__MachineID *const *ids, size_t count, struct web_reply *reply)
{
	for (size_t i = 0; i < count; i++) {
		if (!machine_is_valid(ids[i], reply))
			return false;
		if (is_before(ids[i], ids, i)) {
			refuse_machine(reply, ids[i], "appears more than once in the schedule");
			return false;
		}
	}
	return true;
}

static bool window_is_valid(const Mesos__Maintenance__Schedule *schedule, size_t index, struct web_reply *reply)
{
	const window_t *window = schedule->windows[index];
	const Mesos__DurationInfo *duration = window->unavailability->duration;
	if (window->n_machine_ids == 0)
		web_refuse(reply, 400, "List of machines in the maintenance window is empty");
	else if (duration != NULL && duration->nanoseconds < 0)
		web_refuse(reply, 400, "Unavailability 'duration' is negative");
	else if (machines_are_valid(window->machine_ids, window->n_machine_ids, reply)) {
		for (size_t i = 0; i < index; i++) {
			for (size_t j = 0; j < window->n_machine_ids && reply->status == 200; j++) {
				if (is_before(window->machine_ids[j], schedule->windows[i]->machine_ids,
					      schedule->windows[i]->n_machine_ids))
					refuse_machine(reply, window->machine_ids[j],
						       "appears more than once in the schedule");
			}
		}
	}
	return reply->status == 200;
}

static const Mesos__Unavailability *scheduled(const Mesos__Maintenance__Schedule *schedule, const Mesos__MachineID *id)
{
	for (size_t i = 0; schedule != NULL && i < schedule->n_windows; i++) {
		if (is_before(id, schedule->windows[i]->machine_ids, schedule->windows[i]->n_machine_ids))
			return schedule->windows[i]->unavailability;
	}
	return NULL;
}

static bool schedule_is_valid(const struct master *master, const Mesos__Maintenance__Schedule *schedule,
			      struct web_reply *reply)
{
	for (size_t i = 0; i < schedule->n_windows; i++) {
		if (!window_is_valid(schedule, i, reply))
			return false;
	}
	for (const struct master_machine *machine = master->machines; machine != NULL; machine = machine->next) {
		if (machine->info->mode == MESOS__MACHINE_INFO__MODE__DOWN &&
		    scheduled(schedule, machine->info->id) == NULL) {
			refuse_machine(reply, machine->info->id,
				       "is deactivated and cannot be removed from the schedule");
			return false;
		}
	}
	return true;
}

/* ---- the schedule */

static void drop_machines(struct master *master, const Mesos__Maintenance__Schedule *schedule)
{
	for (struct master_machine **at = &master->machines; *at != NULL;) {
		struct master_machine *machine = *at;
		const Mesos__Unavailability *when = scheduled(schedule, machine->info->id);
		if (when == NULL) {
			*at = machine->next;
			machine_free(machine);
			continue;
		}
		pb_free(machine->info->unavailability);
		machine->info->unavailability = pb_copy(when);
		at = &machine->next;
	}
}

static void add_machine(struct master *master, const Mesos__MachineID *id, const Mesos__Unavailability *when)
{
	if (machine_find(master, id) != NULL)
		return;
	struct master_machine *machine = xcalloc(1, sizeof(*machine));
	machine->info = pb_new(&mesos__machine_info__descriptor);
	machine->info->id = pb_copy(id);
	machine->info->has_mode = true;
	machine->info->mode = MESOS__MACHINE_INFO__MODE__DRAINING;
	machine->info->unavailability = pb_copy(when);
	machine->next = master->machines;
	master->machines = machine;
}

void maintenance_set(struct master *master, const Mesos__Maintenance__Schedule *schedule, struct web_reply *reply)
{
	reply->content_type = NULL;
	if (!schedule_is_valid(master, schedule, reply))
		return;
	drop_machines(master, schedule);
	for (size_t i = 0; i < schedule->n_windows; i++) {
		const window_t *window = schedule->windows[i];
		for (size_t j = 0; j < window->n_machine_ids; j++)
			add_machine(master, window->machine_ids[j], window->unavailability);
	}
	pb_free(master->schedule);
	master->schedule = pb_copy(schedule);
	master_registry_write(master);
}

Mesos__Maintenance__Schedule *maintenance_schedule(const struct master *master)
{
	return master->schedule != NULL ? pb_copy(master->schedule) : pb_new(&mesos__maintenance__schedule__descriptor);
}

Mesos__Maintenance__ClusterStatus *maintenance_status(const struct master *master)
{
	Mesos__Maintenance__ClusterStatus *status = pb_new(&mesos__maintenance__cluster_status__descriptor);
	for (const struct master_machine *machine = master->machines; machine != NULL; machine = machine->next) {
		Mesos__MachineID *id = pb_copy(machine->info->id);
		if (machine->info->mode == MESOS__MACHINE_INFO__MODE__DOWN) {
			PB_APPEND(status->down_machines, status->n_down_machines, id);
			continue;
		}
		Mesos__Maintenance__ClusterStatus__DrainingMachine *draining =
			pb_new(&mesos__maintenance__cluster_status__draining_machine__descriptor);
		draining->id = id;
		PB_APPEND(status->draining_machines, status->n_draining_machines, draining);
	}
	return status;
}

const Mesos__MachineID *maintenance_window_of(const struct master *master, const struct master_agent *agent)
{
	for (size_t i = 0; master->schedule != NULL && i < master->schedule->n_windows; i++) {
		const window_t *window = master->schedule->windows[i];
		for (size_t j = 0; j < window->n_machine_ids; j++) {
			if (same_machine(window->machine_ids[j], agent->info->hostname, agent->ip))
				return window->machine_ids[j];
		}
	}
	return NULL;
}

bool maintenance_is_down(const struct master *master, const char *hostname, const char *ip)
{
	for (const struct master_machine *machine = master->machines; machine != NULL; machine = machine->next) {
		if (machine->info->mode == MESOS__MACHINE_INFO__MODE__DOWN &&
		    same_machine(machine->info->id, hostname, ip))
			return true;
	}
	return false;
}

/* ---- machines down and up */

static bool all_are_in(const struct master *master, Mesos__MachineID *const *ids, size_t count,
		       Mesos__MachineInfo__Mode mode, const char *why_not, struct web_reply *reply)
{
	reply->content_type = NULL;
	if (count == 0)
		web_refuse(reply, 400, "List of machines is empty");
	if (count == 0 || !machines_are_valid(ids, count, reply))
		return false;
	for (size_t i = 0; i < count && reply->status == 200; i++) {
		const struct master_machine *machine = machine_find(master, ids[i]);
		if (machine == NULL)
			refuse_machine(reply, ids[i], "is not part of a maintenance schedule");
		else if (machine->info->mode != mode)
			refuse_machine(reply, ids[i], why_not);
	}
	return reply->status == 200;
}

void maintenance_down(struct master *master, Mesos__MachineID *const *ids, size_t count, struct web_reply *reply)
{
	if (!all_are_in(master, ids, count, MESOS__MACHINE_INFO__MODE__DRAINING,
			"is not in DRAINING mode and cannot be brought down", reply))
		return;
	for (size_t i = 0; i < count; i++) {
		machine_find(master, ids[i])->info->mode = MESOS__MACHINE_INFO__MODE__DOWN;
		for (struct master_agent *agent = master->agents, *next; agent != NULL; agent = next) {
			next = agent->next;
			if (agent->standing == STANDING_REGISTERED &&
			    same_machine(ids[i], agent->info->hostname, agent->ip))
				master_agent_remove(master, agent, "Operator initiated 'Machine DOWN'", true);
		}
	}
	master_registry_write(master);
}

/* Takes a machine out of the schedule, and windows that it leaves empty. */
static void unschedule(struct master *master, const Mesos__MachineID *id)
{
	Mesos__Maintenance__Schedule *schedule = master->schedule;
	size_t kept = 0;
	for (size_t i = 0; schedule != NULL && i < schedule->n_windows; i++) {
		window_t *window = schedule->windows[i];
		size_t left = 0;
		for (size_t j = 0; j < window->n_machine_ids; j++) {
			if (same_id(window->machine_ids[j], id))
				pb_free(window->machine_ids[j]);
			else
				window->machine_ids[left++] = window->machine_ids[j];
		}
		window->n_machine_ids = left;
		if (left > 0)
			schedule->windows[kept++] = window;
		else
			pb_free(window);
	}
	if (schedule != NULL)
		schedule->n_windows = kept;
}

void maintenance_up(struct master *master, Mesos__MachineID *const *ids, size_t count, struct web_reply *reply)
{
	if (!all_are_in(master, ids, count, MESOS__MACHINE_INFO__MODE__DOWN,
			"is not in DOWN mode and cannot be brought up", reply))
		return;
	for (size_t i = 0; i < count; i++)
		unschedule(master, ids[i]);
	const Mesos__Maintenance__Schedule none = MESOS__MAINTENANCE__SCHEDULE__INIT;
	drop_machines(master, master->schedule != NULL ? master->schedule : &none);
	master_registry_write(master);
}
