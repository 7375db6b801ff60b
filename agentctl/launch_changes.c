/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/launch_changes.h"

#include <dirent.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "mesos/checkpoint.h"

#define DOCUMENT_MAX 65536

void launch_change_clear(struct launch_change *change)
{
	free(change->work_dir);
	memset(change, 0, sizeof *change);
}

static void name(struct launch_change *change)
{
	char *text = xasprintf("%s %s %s", change->before, change->after, change->work_dir);
	char digest[DIGEST_HEX_SIZE];

	digest_hex(text, strlen(text), digest);
	memcpy(change->id, digest, RANDOM_ID_SIZE - 1);
	change->id[RANDOM_ID_SIZE - 1] = '\0';
	free(text);
}

int launch_change_save(const struct launch_state *state, const struct buffer *before, struct launch_change *change,
		       char **path, struct error *err)
{
	json_t *object = json_object();

	digest_hex(buffer_text(before), before->len, change->before);
	name(change);
	json_object_set_new(object, "work_dir", json_string(change->work_dir));
	json_object_set_new(object, "before", json_string(change->before));
	json_object_set_new(object, "after", json_string(change->after));
	json_object_set_new(object, "ends_tasks", json_boolean(change->ends_tasks));
	if (launch_backup(state, before, path, err) != 0) {
		json_decref(object);
		return -1;
	}
	if (launch_note(state, "changes", change->id, object, err) == 0)
		return 0;
	free(*path);
	*path = NULL;
	return -1;
}

/* ---- finding one */

static bool take_digest(const json_t *object, const char *key, char out[DIGEST_HEX_SIZE])
{
	const char *text = json_string_value(json_object_get(object, key));

	if (text == NULL || strlen(text) != DIGEST_HEX_SIZE - 1 ||
	    strspn(text, "0123456789abcdef") != DIGEST_HEX_SIZE - 1)
		return false;
	memcpy(out, text, DIGEST_HEX_SIZE);
	return true;
}

static int read_change(const char *path, const char *id, struct launch_change *out, struct error *err)
{
	json_t *object = json_read_file(path, DOCUMENT_MAX, err);
	const char *work_dir = json_string_value(json_object_get(object, "work_dir"));
	struct launch_change change = {.work_dir = NULL};
	int result = -1;

	memcpy(change.id, id, sizeof change.id);
	change.ends_tasks = json_is_true(json_object_get(object, "ends_tasks"));
	if (object != NULL &&
	    (work_dir == NULL || work_dir[0] != '/' || !take_digest(object, "before", change.before) ||
	     !take_digest(object, "after", change.after)))
		error_set(err, ERROR_CORRUPT, "%s is no note of a change", path);
	else if (object != NULL)
		result = 0;
	if (result == 0) {
		change.work_dir = xstrdup(work_dir);
		*out = change;
	}
	json_decref(object);
	return result;
}

/* Of one work_dir, by the name of its folder. */
static int look(const char *all, const char *folder, const char *id, struct launch_change *out,
		struct launch_state *state, bool *found, struct error *err)
{
	char *dir = path_join(all, folder);
	char *path = xasprintf("%s/changes/%s", dir, id);
	int result = 0;

	if (file_exists(path)) {
		result = read_change(path, id, out, err);
		*found = result == 0;
	}
	if (*found)
		state->dir = dir;
	else
		free(dir);
	free(path);
	return result;
}

int launch_change_find(const char *root, const char *state_dir, const char *id, struct launch_change *out,
		       struct launch_state *state, bool *found, struct error *err)
{
	char *base = path_under(root, state_dir);
	char *all = path_join(base, "launch");
	DIR *stream = opendir(all);
	struct dirent *item;
	int result = 0;

	*found = false;
	while (result == 0 && !*found && stream != NULL && (item = readdir(stream)) != NULL)
		if (item->d_name[0] != '.')
			result = look(all, item->d_name, id, out, state, found, err);
	if (stream != NULL)
		closedir(stream);
	free(all);
	free(base);
	return result;
}

int launch_change_bytes(const struct launch_state *state, const struct launch_change *change, struct buffer *out,
			struct error *err)
{
	char *path = xasprintf("%s/backups/%s", state->dir, change->before);
	char digest[DIGEST_HEX_SIZE];
	int result = -1;

	if (!file_exists(path)) {
		error_set(err, ERROR_REFUSED,
			  "the slave.info from before the change %s is no longer kept (the last ten are)", change->id);
	} else if (file_read(path, out, err) == 0) {
		digest_hex(buffer_text(out), out->len, digest);
		result = strcmp(digest, change->before) == 0
				 ? 0
				 : error_set(err, ERROR_CORRUPT, "%s was changed: its digest is not its name", path);
	}
	free(path);
	return result;
}
