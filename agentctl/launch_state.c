/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/launch_state.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"

#define FOLDER_MODE  0700
#define FLAGS_MAX    (16u << 20) /* as large as a document of flags may be anywhere */
#define DOCUMENT_MAX 65536
#define KEEP         10
#define KEY_LENGTH   16 /* hex digits: two work_dirs of one host do not meet */

static const struct file_attributes private_file = {.mode = 0600};

void launch_state_init(struct launch_state *state, const char *root, const char *state_dir, const char *work_dir)
{
	char digest[DIGEST_HEX_SIZE];
	size_t len = strlen(work_dir);
	char *base = path_under(root, state_dir);

	while (len > 1 && work_dir[len - 1] == '/')
		len--;
	digest_hex(work_dir, len, digest);
	state->dir = xasprintf("%s/launch/%.*s", base, KEY_LENGTH, digest);
	free(base);
}

void launch_state_clear(struct launch_state *state)
{
	free(state->dir);
	state->dir = NULL;
}

static int put(const char *path, const void *data, size_t len, struct error *err)
{
	char *dir = path_dir(path);
	int result = file_make_dirs(dir, FOLDER_MODE, err);

	if (result == 0)
		result = file_replace(path, data, len, &private_file, err);
	free(dir);
	return result;
}

static bool holds(const char *path, const struct buffer *text)
{
	struct buffer there = BUFFER_INIT(FLAGS_MAX);
	bool same = file_exists(path) && file_read(path, &there, NULL) == 0 && there.len == text->len &&
		    memcmp(buffer_text(&there), buffer_text(text), there.len) == 0;

	buffer_clear(&there);
	return same;
}

/* Takes the object. */
static int put_document(const char *path, json_t *object, size_t max, struct error *err)
{
	struct buffer text = BUFFER_INIT(max);
	int result = json_write(object, true, &text);

	if (result != 0)
		error_set(err, ERROR_SYSTEM, "%s would be larger than %zu bytes", path, max);
	else if (!holds(path, &text))
		result = put(path, buffer_text(&text), text.len, err);
	json_decref(object);
	buffer_clear(&text);
	return result;
}

/* ---- the flags of the last start */

int launch_flags_save(const struct launch_state *state, const char *agent_id, const struct flags *flags,
		      struct error *err)
{
	char *path = path_join(state->dir, "flags");
	json_t *object = json_object();
	int result;

	json_object_set_new(object, "agent_id", json_string(agent_id));
	json_object_set_new(object, "flags", flags_to_json(flags));
	result = put_document(path, object, FLAGS_MAX, err);
	free(path);
	return result;
}

static int read_flags(const char *path, const char *agent_id, struct flags *flags, bool *found, struct error *err)
{
	json_t *object = json_read_file(path, FLAGS_MAX, err);
	const char *theirs = json_string_value(json_object_get(object, "agent_id"));
	int result = 0;

	if (object == NULL)
		return -1;
	*found = theirs != NULL && (theirs[0] == '\0' || strcmp(theirs, agent_id) == 0);
	if (*found)
		result = flags_from_json(json_object_get(object, "flags"), path, flags, err);
	json_decref(object);
	return result;
}

int launch_flags_load(const struct launch_state *state, const char *agent_id, struct flags *flags, bool *found,
		      struct error *err)
{
	char *path = path_join(state->dir, "flags");
	int result = 0;

	*found = false;
	if (file_exists(path))
		result = read_flags(path, agent_id, flags, found, err);
	free(path);
	return result;
}

/* ---- operations */

static char *operation_path(const struct launch_state *state, const char *name)
{
	char digest[DIGEST_HEX_SIZE];

	digest_hex(name, strlen(name), digest);
	return xasprintf("%s/operations/%s", state->dir, digest);
}

static bool take_digest(const json_t *object, const char *key, char out[DIGEST_HEX_SIZE])
{
	const char *text = json_string_value(json_object_get(object, key));

	if (text == NULL || strlen(text) >= DIGEST_HEX_SIZE)
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

static int parse_operation(const char *path, const json_t *object, struct launch_operation *out, struct error *err)
{
	const char *state = json_string_value(json_object_get(object, "state"));
	struct launch_operation operation = {.fate = LAUNCH_FATE_OPEN};

	if (state != NULL && strcmp(state, "done") == 0)
		operation.fate = LAUNCH_FATE_DONE;
	else if (state == NULL || strcmp(state, "open") != 0)
		return error_set(err, ERROR_CORRUPT, "%s says neither open nor done", path);
	if (!take_digest(object, "before", operation.before) || !take_digest(object, "after", operation.after))
		return error_set(err, ERROR_CORRUPT, "%s lacks the digests of slave.info", path);
	*out = operation;
	return 0;
}

int launch_operation_load(const struct launch_state *state, const char *name, struct launch_operation *out,
			  struct error *err)
{
	char *path = operation_path(state, name);
	json_t *object = NULL;
	int result = 0;

	if (!file_exists(path)) {
		*out = (struct launch_operation){.fate = LAUNCH_FATE_NEW};
	} else {
		object = json_read_file(path, DOCUMENT_MAX, err);
		result = object == NULL ? -1 : parse_operation(path, object, out, err);
	}
	json_decref(object);
	free(path);
	return result;
}

int launch_operation_save(const struct launch_state *state, const char *name, const struct launch_operation *operation,
			  struct error *err)
{
	char *path = operation_path(state, name);
	json_t *object = json_object();
	int result;

	json_object_set_new(object, "operation", json_string(name));
	json_object_set_new(object, "state", json_string(operation->fate == LAUNCH_FATE_DONE ? "done" : "open"));
	json_object_set_new(object, "before", json_string(operation->before));
	json_object_set_new(object, "after", json_string(operation->after));
	result = put_document(path, object, DOCUMENT_MAX, err);
	free(path);
	return result;
}

/* ---- backups and notes */

/* How many there are, and the oldest; the caller frees it. */
static size_t count_files(const char *dir, char **oldest)
{
	DIR *stream = opendir(dir);
	struct timespec first = {.tv_sec = 0};
	struct dirent *item;
	size_t count = 0;

	*oldest = NULL;
	while (stream != NULL && (item = readdir(stream)) != NULL) {
		char *path = path_join(dir, item->d_name);
		struct stat info;
		bool is_one = item->d_name[0] != '.' && lstat(path, &info) == 0 && S_ISREG(info.st_mode);

		count += is_one;
		if (is_one && (*oldest == NULL || info.st_mtim.tv_sec < first.tv_sec ||
			       (info.st_mtim.tv_sec == first.tv_sec && info.st_mtim.tv_nsec < first.tv_nsec))) {
			free(*oldest);
			*oldest = path;
			first = info.st_mtim;
		} else {
			free(path);
		}
	}
	if (stream != NULL)
		closedir(stream);
	return count;
}

/* Beyond the last ten they are of no use to anybody; that one stays is no failure. */
static void prune(const char *dir)
{
	char *oldest;
	size_t count = count_files(dir, &oldest);

	if (count > KEEP)
		file_remove(oldest, NULL);
	free(oldest);
}

int launch_note(const struct launch_state *state, const char *folder, const char *name, json_t *object,
		struct error *err)
{
	char *dir = path_join(state->dir, folder);
	char *path = path_join(dir, name);
	int result = put_document(path, object, DOCUMENT_MAX, err);

	if (result == 0)
		prune(dir);
	free(path);
	free(dir);
	return result;
}

int launch_backup(const struct launch_state *state, const struct buffer *bytes, char **path, struct error *err)
{
	char *dir = path_join(state->dir, "backups");
	char digest[DIGEST_HEX_SIZE];
	char *file;
	int result;

	digest_hex(buffer_text(bytes), bytes->len, digest);
	file = path_join(dir, digest);
	result = put(file, buffer_text(bytes), bytes->len, err);
	if (result == 0) {
		prune(dir);
		*path = file;
	} else {
		free(file);
	}
	free(dir);
	return result;
}
