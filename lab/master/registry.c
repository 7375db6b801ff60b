/* SPDX-License-Identifier: Apache-2.0 */
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

#define REGISTRY_MAX      (64u << 20)
#define REGISTRY_DELAY_MS 50 /* many agents register at once: one write for all of them, as the real registrar does */

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
	bool unreachable = json_is_true(json_object_get(item, "unreachable"));
	agent->standing = unreachable ? STANDING_UNREACHABLE : STANDING_RECOVERED;
	agent->left_ms = clock_monotonic_ms();
}

int master_registry_load(struct master *master, struct error *err)
{
	char *path = lab_path(master->lab, "master/registry.json");
	json_t *root = NULL, *item;
	size_t index;
	int result = 0;
	master->framework_origin = xstrdup(master->id);
	if (file_exists(path)) {
		root = json_read_file(path, REGISTRY_MAX, err);
		result = root != NULL ? 0 : -1;
	}
	const char *origin = json_string_value(json_object_get(root, "framework_origin"));
	if (origin != NULL) {
		free(master->framework_origin);
		master->framework_origin = xstrdup(origin);
	}
	json_array_foreach(json_object_get(root, "agents"), index, item) load_agent(master, item);
	json_decref(root);
	free(path);
	return result;
}

void master_registry_changed(struct master *master)
{
	if (!timer_is_set(master->registry_timer))
		timer_set(master->registry_timer, REGISTRY_DELAY_MS);
}

void master_registry_write(void *ctx)
{
	struct master *master = ctx;
	struct error err = ERROR_INIT;
	json_t *agents = json_array();
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next)
		json_array_append_new(agents, json_pack("{so sb}", "info", wire_pack(agent->info), "unreachable",
							agent->standing == STANDING_UNREACHABLE));
	json_t *root = json_pack("{ss so}", "framework_origin", master->framework_origin, "agents", agents);
	char *path = lab_path(master->lab, "master/registry.json");
	if (files_write_json(path, root, &err) < 0)
		log_error("%s", err.text);
	free(path);
	json_decref(root);
}
