/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A path given by hand may be relative to where one stands. */
static json_t *absolute(const char *path)
{
	char *resolved = path[0] == '/' ? NULL : realpath(path, NULL);
	json_t *value = json_string(resolved == NULL ? path : resolved);

	free(resolved);
	return value;
}

static int put_store(json_t *object, const char *store, struct error *err)
{
	const char *colon = strchr(store, ':');
	json_t *part = json_object();

	if (colon == NULL) {
		json_decref(part);
		return error_set(err, ERROR_USAGE,
				 "--store takes envfile:PATH, defaults:PATH, directory:PATH or external:PATH, not '%s'",
				 store);
	}
	json_object_set_new(part, "kind", json_stringn(store, (size_t)(colon - store)));
	json_object_set_new(part, "path", json_string(colon + 1));
	json_object_set_new(object, "flag_store", part);
	return 0;
}

/* Nothing is made below a root that is a slip of the pen, and nothing is said about a host that is not there. */
static int check_root(const char *root, struct error *err)
{
	struct stat info;

	if (stat(root, &info) != 0)
		return error_errno(err, ERROR_USAGE, errno, "there is nothing at --root %s", root);
	return S_ISDIR(info.st_mode) ? 0 : error_set(err, ERROR_USAGE, "--root %s is no folder", root);
}

int settings_from_options(const struct settings_options *given, struct host_settings *host, struct error *err)
{
	struct json_place place = {.source = "command line"};
	json_t *object;
	int result = 0;

	if (given->root != NULL && check_root(given->root, err) != 0)
		return -1;
	object = json_object();
	if (given->root != NULL)
		json_object_set_new(object, "root", absolute(given->root));
	if (given->work_dir != NULL)
		json_object_set_new(object, "work_dir",
				    given->root == NULL ? absolute(given->work_dir) : json_string(given->work_dir));
	if (given->state_dir != NULL)
		json_object_set_new(object, "state_dir", json_string(given->state_dir));
	if (given->unit != NULL) {
		json_t *control = json_object();

		json_object_set_new(control, "kind", json_string("systemd"));
		json_object_set_new(control, "unit", json_string(given->unit));
		json_object_set_new(object, "control", control);
	}
	if (given->store != NULL)
		result = put_store(object, given->store, err);
	host_settings_init(host);
	if (result == 0)
		result = host_settings_from_json(object, &place, host, err);
	if (result != 0)
		host_settings_clear(host);
	json_decref(object);
	return result;
}
