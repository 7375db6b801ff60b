/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "agentctl/preflight.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"

#define DISABLED "agent_disabled.lock"
#define RUNNING  "agent_catalog_run.lock"
#define LOCK_MAX 65536

void hold_clear(struct hold *hold)
{
	free(hold->puppet);
	free(hold->chef);
	if (hold->has_chef_lock)
		close(hold->chef_lock);
	memset(hold, 0, sizeof *hold);
}

/* ---- finding */

/* The only one that is there, below root. */
static char *find_path(const char *root, const char *const paths[])
{
	for (size_t i = 0; paths[i] != NULL; i++) {
		char *full = path_under(root, paths[i]);
		bool there = file_exists(full);

		free(full);
		if (there)
			return xstrdup(paths[i]);
	}
	return NULL;
}

static int refuse_lost(const char *tool, const char *path, const char *what, struct error *err)
{
	return error_set(
		err, ERROR_REFUSED,
		"%s is managed by %s, whose %s is not in a usual place: it cannot be held; disable it yourself "
		"for the time of the change",
		path, tool, what);
}

static int find_puppet(const struct facts *facts, const char *path, struct hold *out, struct error *err)
{
	static const char *const folders[] = {"/opt/puppetlabs/puppet/cache/state", "/var/lib/puppet/state",
					      "/var/cache/puppet/state", NULL};

	if (out->puppet == NULL)
		out->puppet = find_path(facts->host.root, folders);
	return out->puppet != NULL ? 0 : refuse_lost("Puppet", path, "state folder", err);
}

static int find_chef(const struct facts *facts, const char *path, struct hold *out, struct error *err)
{
	static const char *const locks[] = {"/var/chef/cache/chef-client-running.pid",
					    "/var/cache/chef/chef-client-running.pid", NULL};

	if (out->chef == NULL)
		out->chef = find_path(facts->host.root, locks);
	return out->chef != NULL ? 0 : refuse_lost("Chef", path, "run lock (chef-client-running.pid)", err);
}

static int find_for(const struct facts *facts, const struct store_file *file, struct hold *out, struct error *err)
{
	const char *tool = file->exists ? preflight_manager(facts->host.root, file) : NULL;

	if (tool == NULL)
		return 0;
	if (strcmp(tool, "Puppet") == 0)
		return find_puppet(facts, file->path, out, err);
	if (strcmp(tool, "Chef") == 0)
		return find_chef(facts, file->path, out, err);
	return error_set(err, ERROR_REFUSED,
			 "%s is managed by %s, which cannot be held from the host: %s, and leave the hold out",
			 file->path, tool,
			 strcmp(tool, "Salt") == 0 ? "set the pillar minion_blackout for it at its Salt master"
						   : "see to it that it does not run meanwhile");
}

/* ---- Puppet */

static char *in_puppet(const struct hold *hold, const char *root, const char *name)
{
	char *below = path_join(hold->puppet, name);
	char *path = path_under(root, below);

	free(below);
	return path;
}

/* The lock of a run holds the process ID of whoever runs; a run that was killed leaves it. */
static int check_puppet_rests(const struct hold *hold, const char *root, struct error *err)
{
	char *path = in_puppet(hold, root, RUNNING);
	struct buffer text = BUFFER_INIT(LOCK_MAX);
	long pid = 0;

	if (file_exists(path) && file_read(path, &text, NULL) == 0)
		pid = strtol(buffer_text(&text), NULL, 10);
	buffer_clear(&text);
	free(path);
	if (pid <= 1 || (kill((pid_t)pid, 0) != 0 && errno != EPERM))
		return 0;
	return error_set(
		err, ERROR_CONFLICT,
		"Puppet is in the middle of a run (process %ld) and could write the flags meanwhile: try again "
		"when it has ended",
		pid);
}

static void write_reason(const struct hold *hold, struct buffer *out)
{
	char *reason = xasprintf("rollcall changes the Mesos agent of this host (operation %s)", hold->operation);
	json_t *object = json_pack("{s:s}", "disabled_message", reason);

	json_write(object, false, out);
	json_decref(object);
	free(reason);
}

/* 1: it is there and ours; 0: it is not there; -1: it is somebody else's. */
static int whose(const struct hold *hold, const char *path)
{
	struct buffer text = BUFFER_INIT(LOCK_MAX);
	int answer = -1;

	if (!file_exists(path))
		answer = 0;
	else if (file_read(path, &text, NULL) == 0 && strstr(buffer_text(&text), hold->operation) != NULL)
		answer = 1;
	buffer_clear(&text);
	return answer;
}

/* Complete or not there, and never in the place of another: the name is given to a file that is written already. */
static int create(const struct hold *hold, const char *root, const char *path, struct error *err)
{
	struct buffer text = BUFFER_INIT(LOCK_MAX);
	char *name = xasprintf(".%s.%s", DISABLED, hold->operation);
	char *fresh = in_puppet(hold, root, name);
	char *folder = path_under(root, hold->puppet);
	int result;

	write_reason(hold, &text);
	result = file_replace(fresh, buffer_text(&text), text.len, NULL, err);
	if (result == 0 && link(fresh, path) != 0 && errno != EEXIST)
		result = error_errno(err, ERROR_SYSTEM, errno, "cannot make %s", path);
	if (file_remove(fresh, result == 0 ? err : NULL) != 0)
		result = -1;
	if (result == 0)
		result = file_sync_dir(folder, err);
	buffer_clear(&text);
	free(folder);
	free(fresh);
	free(name);
	return result;
}

static int release_puppet(const struct hold *hold, const char *root, struct error *err)
{
	char *path = in_puppet(hold, root, DISABLED);
	int result = whose(hold, path) == 1 ? file_remove(path, err) : 0;

	free(path);
	return result;
}

static int place_puppet(const struct hold *hold, const char *root, struct error *err)
{
	char *path = in_puppet(hold, root, DISABLED);
	int result = whose(hold, path) == 0 ? create(hold, root, path, err) : 0;

	/* Puppet looks at its lock when a run begins. */
	if (result == 0 && check_puppet_rests(hold, root, err) != 0) {
		release_puppet(hold, root, NULL);
		result = -1;
	}
	free(path);
	return result;
}

/* ---- Chef */

static int place_chef(struct hold *hold, const char *root, struct error *err)
{
	char *path = path_under(root, hold->chef);
	int result = 0;
	int fd;

	if (!hold->has_chef_lock) {
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			result = error_errno(err, ERROR_SYSTEM, errno, "cannot open Chef's run lock %s", path);
		else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
			result = error_set(err, ERROR_CONFLICT,
					   "Chef is in the middle of a run (%s is locked) and could write the flags "
					   "meanwhile: try again when it has ended",
					   path);
		if (fd >= 0 && result != 0)
			close(fd);
		if (result == 0) {
			hold->has_chef_lock = true;
			hold->chef_lock = fd;
		}
	}
	free(path);
	return result;
}

static void release_chef(struct hold *hold)
{
	if (hold->has_chef_lock)
		close(hold->chef_lock);
	hold->has_chef_lock = false;
}

/* ---- both */

int hold_place(struct hold *hold, const char *root, struct error *err)
{
	if (hold->puppet != NULL && place_puppet(hold, root, err) != 0)
		return -1;
	if (hold->chef == NULL || place_chef(hold, root, err) == 0)
		return 0;
	if (hold->puppet != NULL)
		release_puppet(hold, root, NULL);
	return -1;
}

int hold_release(struct hold *hold, const char *root, struct error *err)
{
	release_chef(hold);
	return hold->puppet == NULL ? 0 : release_puppet(hold, root, err);
}

/* Whether a run is under way is asked again when the hold is placed; asked now, nothing has been touched yet. */
static int check_rest(struct hold *hold, const char *root, struct error *err)
{
	if (hold->puppet != NULL && check_puppet_rests(hold, root, err) != 0)
		return -1;
	if (hold->chef != NULL && place_chef(hold, root, err) != 0)
		return -1;
	release_chef(hold);
	return 0;
}

int hold_find(const struct facts *facts, const char *operation, struct hold *out, struct error *err)
{
	struct hold hold = {.puppet = NULL};
	int result = 0;

	memcpy(hold.operation, operation, sizeof hold.operation);
	for (size_t i = 0; result == 0 && i < facts->store.file_count; i++)
		result = find_for(facts, &facts->store.files[i], &hold, err);
	if (result == 0)
		result = check_rest(&hold, facts->host.root, err);
	if (result == 0)
		*out = hold;
	else
		hold_clear(&hold);
	return result;
}

/* ---- in the journal */

json_t *hold_to_json(const struct hold *hold)
{
	json_t *object = json_object();

	if (hold->puppet != NULL)
		json_object_set_new(object, "puppet", json_string(hold->puppet));
	if (hold->chef != NULL)
		json_object_set_new(object, "chef", json_string(hold->chef));
	json_object_set_new(object, "operation", json_string(hold->operation));
	return object;
}

void hold_from_json(const json_t *object, struct hold *out)
{
	const char *puppet = json_string_value(json_object_get(object, "puppet"));
	const char *chef = json_string_value(json_object_get(object, "chef"));
	const char *operation = json_string_value(json_object_get(object, "operation"));

	if (operation == NULL || strlen(operation) != RANDOM_ID_SIZE - 1)
		return;
	memcpy(out->operation, operation, RANDOM_ID_SIZE);
	out->puppet = puppet == NULL ? NULL : xstrdup(puppet);
	out->chef = chef == NULL ? NULL : xstrdup(chef);
}
