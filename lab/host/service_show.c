/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "lab/host/service.h"

const char *service_active_state(const struct service *service)
{
	static const char *const names[] = {
		[SERVICE_INACTIVE] = "inactive",       [SERVICE_START_PRE] = "activating",
		[SERVICE_RUNNING] = "active",          [SERVICE_STOPPING] = "deactivating",
		[SERVICE_AUTO_RESTART] = "activating", [SERVICE_FAILED] = "failed",
	};
	return names[service->state];
}

static const char *sub_state(const struct service *service)
{
	static const char *const names[] = {
		[SERVICE_INACTIVE] = "dead",
		[SERVICE_START_PRE] = "start-pre",
		[SERVICE_RUNNING] = "running",
		[SERVICE_STOPPING] = "stop-sigterm",
		[SERVICE_AUTO_RESTART] = "auto-restart",
		[SERVICE_FAILED] = "failed",
	};
	return names[service->state];
}

static void put(json_t *properties, const char *name, const char *value)
{
	json_object_set_new(properties, name, json_string(value));
}

static void put_number(json_t *properties, const char *name, long long value)
{
	char text[32];
	snprintf(text, sizeof(text), "%lld", value);
	put(properties, name, text);
}

static json_t *join(const struct strings *strings)
{
	json_t *array = json_array();
	for (size_t i = 0; i < strings->count; i++)
		json_array_append_new(array, json_string(strings->items[i]));
	return array;
}

/* A unit file that is newer than what was read of it. */
static bool changed_since(const struct service *service, const char *path)
{
	struct stat st;
	char *full = path_under(service->root, path);
	bool changed = stat(full, &st) < 0 ||
		       (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 > service->loaded_ms;
	free(full);
	return changed;
}

static bool needs_reload(const struct service *service)
{
	struct unit now;
	if (!service->loaded || changed_since(service, service->unit.path))
		return true;
	if (unit_load(service->root, LAB_UNIT, &now, NULL) < 0)
		return true;
	bool needs = now.drop_ins.count != service->unit.drop_ins.count;
	for (size_t i = 0; !needs && i < now.drop_ins.count; i++)
		needs = changed_since(service, now.drop_ins.items[i]) ||
			strcmp(now.drop_ins.items[i], service->unit.drop_ins.items[i]) != 0;
	unit_clear(&now);
	return needs;
}

static void put_main(const struct service *service, json_t *properties)
{
	int status = service->last_status;
	bool ended = service->last_pid != 0 && service->state != SERVICE_RUNNING && service->state != SERVICE_STOPPING;
	put_number(properties, "ExecMainPID", service->last_pid);
	/* SIGCHLD's si_code: 1 exited, 2 killed. */
	put_number(properties, "ExecMainCode", !ended ? 0 : WIFSIGNALED(status) ? 2 : 1);
	put_number(properties, "ExecMainStatus", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* In the order in which systemctl 252 prints them, whatever the order they are asked in. */
json_t *service_properties(const struct service *service)
{
	json_t *properties = json_object();
	put(properties, "Type", "simple");
	put(properties, "Restart",
	    service->unit.restart == RESTART_ALWAYS ? "always"
	    : service->unit.restart == RESTART_NO   ? "no"
						    : "on-failure");
	put_number(properties, "MainPID", service->state == SERVICE_START_PRE ? 0 : service->pid);
	put_number(properties, "ControlPID", service->state == SERVICE_START_PRE ? service->pid : 0);
	put(properties, "Result", service->result);
	put_number(properties, "NRestarts", service->restarts);
	put_main(service, properties);
	json_object_set_new(properties, "EnvironmentFiles", join(&service->unit.environment_files));
	put(properties, "KillMode", service->unit.kill == KILL_PROCESS ? "process" : "control-group");
	put(properties, "Id", LAB_UNIT);
	put(properties, "Names", LAB_UNIT);
	put(properties, "LoadState", service->loaded ? "loaded" : "not-found");
	put(properties, "ActiveState", service_active_state(service));
	put(properties, "SubState", sub_state(service));
	put(properties, "FragmentPath", service->loaded ? service->unit.path : "");
	json_object_set_new(properties, "DropInPaths", join(&service->unit.drop_ins));
	put(properties, "UnitFileState", service->loaded ? "enabled" : "");
	put(properties, "NeedDaemonReload", needs_reload(service) ? "yes" : "no");
	return properties;
}
