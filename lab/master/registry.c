/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a master knows that the one before it knew. All masters of a lab share the file, as the real ones share the
 * replicated log: only the one that leads reads it, when it is elected, and writes it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "lab/core/files.h"
#include "lab/core/wire.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

#define REGISTRY_MAX      (64u << 20)
#define REGISTRY_RETRY_MS 1000
#define REGISTRY_DELAY_MS 50 /* many agents register at once: one write for all of them, as the real registrar does */

static const char *const standings[] = {
	[STANDING_REGISTERED] = "admitted",
	[STANDING_RECOVERED] = "admitted",
	[STANDING_UNREACHABLE] = "unreachable",
	[STANDING_GONE] = "gone",
};

static enum agent_standing standing_of(const json_t *item)
{
	const char *text = json_string_value(json_object_get(item, "standing"));
	if (text != NULL && strcmp(text, "unreachable") == 0)
		return STANDING_UNREACHABLE;
	return text != NULL && strcmp(text, "gone") == 0 ? STANDING_GONE : STANDING_RECOVERED;
}

static void load_agent(struct master *master, const json_t *item)
{
	Mesos__SlaveInfo *info = wire_unpack(&mesos__slave_info__descriptor, json_object_get(item, "info"));
	if (info == NULL || info->id == NULL) {
		slaveinfo_free(info);
		return;
	}
	char *id = xstrdup(info->id->value);
	struct master_agent *agent = master_agent_add(master, id, info);
	free(id);
	agent->standing = standing_of(item);
	agent->deactivated = json_is_true(json_object_get(item, "deactivated"));
	agent->drain = wire_unpack(&mesos__drain_info__descriptor, json_object_get(item, "drain"));
	agent->left_ms = clock_monotonic_ms();
}

static void load_machine(struct master *master, const json_t *item)
{
	Mesos__MachineInfo *info = wire_unpack(&mesos__machine_info__descriptor, item);
	if (info == NULL)
		return;
	struct master_machine *machine = xcalloc(1, sizeof(*machine));
	*machine = (struct master_machine){.next = master->machines, .info = info};
	master->machines = machine;
}

static void load(struct master *master, const json_t *root)
{
	const char *origin = json_string_value(json_object_get(root, "framework_origin"));
	const json_t *item;
	size_t index;
	master->framework_origin = xstrdup(origin != NULL ? origin : master->id);
	json_array_foreach(json_object_get(root, "agents"), index, item) load_agent(master, item);
	json_array_foreach(json_object_get(root, "machines"), index, item) load_machine(master, item);
	master->schedule = wire_unpack(&mesos__maintenance__schedule__descriptor, json_object_get(root, "schedule"));
}

int master_registry_load(struct master *master, struct error *err)
{
	char *path = lab_path(master->lab, "master/registry.json");
	json_t *root = NULL;
	int result = 0;
	if (file_exists(path)) {
		root = json_read_file(path, REGISTRY_MAX, err);
		result = root != NULL ? 0 : -1;
	}
	if (result == 0)
		load(master, root);
	json_decref(root);
	free(path);
	return result;
}

void master_registry_changed(struct master *master)
{
	if (!timer_is_set(master->registry_timer))
		timer_set(master->registry_timer, REGISTRY_DELAY_MS);
}

static json_t *pack_agent(const struct master_agent *agent)
{
	bool comes = agent->coming != NULL && agent->standing != STANDING_GONE;
	json_t *item = json_pack("{so ss sb}", "info", wire_pack(comes ? agent->coming : agent->info), "standing",
				 standings[comes ? STANDING_REGISTERED : agent->standing], "deactivated",
				 agent->deactivated);
	if (agent->drain != NULL)
		json_object_set_new(item, "drain", wire_pack(agent->drain));
	return item;
}

/* Those that nobody knows yet. */
static void pack_new(const struct master *master, json_t *agents)
{
	for (const struct master_peer *peer = master->peers; peer != NULL; peer = peer->next) {
		if (peer->asked != NULL && master_agent_find(master, peer->asked->id->value) == NULL)
			json_array_append_new(agents,
					      json_pack("{so ss sb}", "info", wire_pack(peer->asked), "standing",
							standings[STANDING_REGISTERED], "deactivated", 0));
	}
}

static json_t *pack(const struct master *master)
{
	json_t *agents = json_array(), *machines = json_array();
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next)
		json_array_append_new(agents, pack_agent(agent));
	pack_new(master, agents);
	for (const struct master_machine *machine = master->machines; machine != NULL; machine = machine->next)
		json_array_append_new(machines, wire_pack(machine->info));
	json_t *root = json_pack("{ss so so}", "framework_origin", master->framework_origin, "agents", agents,
				 "machines", machines);
	if (master->schedule != NULL)
		json_object_set_new(root, "schedule", wire_pack(master->schedule));
	return root;
}

void master_registry_write(void *ctx)
{
	struct master *master = ctx;
	struct error err = ERROR_INIT;
	if (!master->elected)
		return;
	json_t *root = pack(master);
	timer_set(master->registry_timer, -1);
	char *path = lab_path(master->lab, "master/registry.json");
	if (files_write_json(path, root, &err) == 0) {
		admit_written(master);
	} else {
		log_error("%s", err.text);
		timer_set(master->registry_timer, REGISTRY_RETRY_MS); /* who waits to be let in waits on */
	}
	free(path);
	json_decref(root);
}
