/* SPDX-License-Identifier: Apache-2.0 */
/* A change on disk: its manifest in the journal, and the files it writes. */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agentctl/change.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"

#define MANIFEST_MAX (1u << 20)
/* What the agent's own figures make of the new checkpoint; see amend.h. */
#define AMENDED      "amended/slave.info"

/* Beside the bytes themselves: the guard, folders, and what a file system keeps for itself. */
#define ROOM_TO_SPARE 262144

static const char *const side_names[] = {"before", "after", "during"};

/* ---- room */

static int check_folder(const char *root, const struct change_file *file, struct error *err)
{
	char *path = path_under(root, file->path);
	char *dir = path_dir(path);
	struct statvfs info;
	size_t need = file->sides[SIDE_OLD].bytes.len + file->sides[SIDE_NEW].bytes.len +
		      file->sides[SIDE_TRIAL].bytes.len + ROOM_TO_SPARE;
	int result = 0;

	if (statvfs(dir, &info) != 0)
		result = error_errno(err, ERROR_REFUSED, errno, "cannot write into %s", dir);
	else if ((info.f_flag & ST_RDONLY) != 0 || access(dir, W_OK) != 0)
		result = error_set(err, ERROR_REFUSED, "%s is not writable", dir);
	else if ((uint64_t)info.f_bavail * info.f_frsize < need)
		result = error_set(err, ERROR_REFUSED, "the file system of %s is full: %zu KiB are needed", dir,
				   need / 1024);
	free(dir);
	free(path);
	return result;
}

int change_check_room(const struct change *change, struct error *err)
{
	if (check_folder(change->host.root, &change->checkpoint, err) != 0)
		return -1;
	for (size_t i = 0; i < change->store_count; i++)
		if (check_folder(change->host.root, &change->store[i], err) != 0)
			return -1;
	return 0;
}

/* ---- writing files */

static bool is_so_already(const char *path, const struct change_side *side)
{
	struct buffer there = BUFFER_INIT(CHANGE_FILE_MAX);
	bool same;

	if (!side->exists)
		return false;
	same = file_exists(path) && file_read(path, &there, NULL) == 0 && there.len == side->bytes.len &&
	       memcmp(buffer_text(&there), buffer_text(&side->bytes), there.len) == 0;
	buffer_clear(&there);
	return same;
}

static int check_side(const char *root, const struct change_file *file, enum operation_side side, struct error *err)
{
	char *path = path_under(root, file->path);
	bool same = file->sides[side].exists ? is_so_already(path, &file->sides[side]) : !file_exists(path);

	free(path);
	return same ? 0
		    : error_set(err, ERROR_CONFLICT, "%s was changed since: what stands there now would be lost",
				file->path);
}

int change_check_side(const struct change *change, enum operation_side side, struct error *err)
{
	if (check_side(change->host.root, &change->checkpoint, side, err) != 0)
		return -1;
	for (size_t i = 0; i < change->store_count; i++)
		if (check_side(change->host.root, &change->store[i], side, err) != 0)
			return -1;
	return 0;
}

static void swap_sides(struct change_file *file)
{
	struct change_side old = file->sides[SIDE_OLD];

	file->sides[SIDE_OLD] = file->sides[SIDE_NEW];
	file->sides[SIDE_NEW] = old;
}

void change_swap_sides(struct change *change)
{
	swap_sides(&change->checkpoint);
	for (size_t i = 0; i < change->store_count; i++)
		swap_sides(&change->store[i]);
}

static int write_file(const char *root, const struct change_file *file, enum operation_side which, struct error *err)
{
	const struct change_side *side = &file->sides[which];
	const struct file_attributes attributes = {
		.mode = file->mode, .set_owner = geteuid() == 0, .uid = file->uid, .gid = file->gid};
	char *path = path_under(root, file->path);
	bool made_again = file->sides[SIDE_OLD].exists && !file_exists(path);
	int result;

	if (is_so_already(path, side))
		result = 0;
	else if (side->exists)
		result = file_replace(path, buffer_text(&side->bytes), side->bytes.len, made_again ? &attributes : NULL,
				      err);
	else
		result = file_remove(path, err);
	free(path);
	return result;
}

int change_write_checkpoint(const struct change *change, enum operation_side side, struct error *err)
{
	return write_file(change->host.root, &change->checkpoint, side, err);
}

int change_write_store(const struct change *change, enum operation_side side, struct error *err)
{
	for (size_t i = 0; i < change->store_count; i++)
		if (write_file(change->host.root, &change->store[i], side, err) != 0)
			return -1;
	return 0;
}

/* ---- in the journal */

static json_t *file_to_json(const struct change_file *file)
{
	json_t *object = json_object();

	json_object_set_new(object, "path", json_string(file->path));
	json_object_set_new(object, "before", json_boolean(file->sides[SIDE_OLD].exists));
	json_object_set_new(object, "after", json_boolean(file->sides[SIDE_NEW].exists));
	json_object_set_new(object, "during", json_boolean(file->sides[SIDE_TRIAL].exists));
	json_object_set_new(object, "mode", json_integer((json_int_t)file->mode));
	json_object_set_new(object, "uid", json_integer((json_int_t)file->uid));
	json_object_set_new(object, "gid", json_integer((json_int_t)file->gid));
	return object;
}

static char *file_name(enum operation_side side, const char *name, size_t index)
{
	return index == SIZE_MAX ? xasprintf("%s/%s", side_names[side], name)
				 : xasprintf("%s/%s-%zu", side_names[side], name, index);
}

static int save_file(const struct journal_entry *entry, const struct change_file *file, const char *name, size_t index,
		     struct error *err)
{
	int result = 0;

	for (int side = SIDE_OLD; result == 0 && side <= SIDE_TRIAL; side++) {
		const struct change_side *content = &file->sides[side];
		char *full = file_name((enum operation_side)side, name, index);

		if (content->exists)
			result = journal_put(entry, full, buffer_text(&content->bytes), content->bytes.len, err);
		free(full);
	}
	return result;
}

static int save_manifest(const struct change *change, const struct journal_entry *entry, struct error *err)
{
	struct buffer text = BUFFER_INIT(MANIFEST_MAX);
	json_t *object = json_object();
	json_t *store = json_array();
	int result;

	for (size_t i = 0; i < change->store_count; i++)
		json_array_append_new(store, file_to_json(&change->store[i]));
	json_object_set_new(object, "host", host_settings_to_json(&change->host));
	json_object_set_new(object, "log_dir", change->log_dir == NULL ? json_null() : json_string(change->log_dir));
	json_object_set_new(object, "native", json_boolean(change->native));
	json_object_set_new(object, "may_amend", json_boolean(change->may_amend));
	json_object_set_new(object, "hold", hold_to_json(&change->hold));
	json_object_set_new(object, "checkpoint", file_to_json(&change->checkpoint));
	json_object_set_new(object, "store", store);
	result = json_write(object, true, &text);
	if (result == 0)
		result = journal_put(entry, "manifest", buffer_text(&text), text.len, err);
	else
		error_set(err, ERROR_SYSTEM, "the manifest of the operation does not fit into %u bytes", MANIFEST_MAX);
	json_decref(object);
	buffer_clear(&text);
	return result;
}

int change_save(const struct change *change, const struct journal_entry *entry, struct error *err)
{
	if (save_file(entry, &change->checkpoint, "slave.info", SIZE_MAX, err) != 0)
		return -1;
	for (size_t i = 0; i < change->store_count; i++)
		if (save_file(entry, &change->store[i], "store", i, err) != 0)
			return -1;
	if (cleanup_save(&change->cleanup, entry, err) != 0)
		return -1;
	return save_manifest(change, entry, err);
}

static int load_file(const struct journal_entry *entry, const json_t *object, const char *name, size_t index,
		     struct change_file *out, struct error *err)
{
	const char *path = json_string_value(json_object_get(object, "path"));
	int result = 0;

	if (path == NULL)
		return error_set(err, ERROR_CORRUPT, "%s/manifest lacks the path of a file", entry->dir);
	out->path = xstrdup(path);
	out->mode = (mode_t)json_integer_value(json_object_get(object, "mode"));
	out->uid = (uid_t)json_integer_value(json_object_get(object, "uid"));
	out->gid = (gid_t)json_integer_value(json_object_get(object, "gid"));
	for (int side = SIDE_OLD; result == 0 && side <= SIDE_TRIAL; side++) {
		struct change_side *content = &out->sides[side];
		char *full = file_name((enum operation_side)side, name, index);

		buffer_init(&content->bytes, JOURNAL_FILE_MAX);
		content->exists = json_is_true(json_object_get(object, side_names[side]));
		if (content->exists)
			result = journal_get(entry, full, &content->bytes, err);
		free(full);
	}
	return result;
}

static int load_parts(const struct journal_entry *entry, const json_t *object, struct change *out, struct error *err)
{
	struct json_place place = {.source = "manifest"};
	const json_t *store = json_object_get(object, "store");
	const char *log_dir = json_string_value(json_object_get(object, "log_dir"));

	out->native = json_is_true(json_object_get(object, "native"));
	out->may_amend = json_is_true(json_object_get(object, "may_amend"));
	hold_from_json(json_object_get(object, "hold"), &out->hold);
	host_settings_init(&out->host);
	out->log_dir = log_dir == NULL ? NULL : xstrdup(log_dir);
	if (host_settings_from_json(json_object_get(object, "host"), &place, &out->host, err) != 0 ||
	    load_file(entry, json_object_get(object, "checkpoint"), "slave.info", SIZE_MAX, &out->checkpoint, err) != 0)
		return -1;
	if (journal_has(entry, AMENDED)) {
		buffer_reset(&out->checkpoint.sides[SIDE_NEW].bytes);
		if (journal_get(entry, AMENDED, &out->checkpoint.sides[SIDE_NEW].bytes, err) != 0)
			return -1;
	}
	if (cleanup_load(entry, &out->cleanup, err) != 0)
		return -1;
	out->store = xcalloc(json_array_size(store) + 1, sizeof *out->store);
	for (size_t i = 0; i < json_array_size(store); i++) {
		out->store_count = i + 1;
		if (load_file(entry, json_array_get(store, i), "store", i, &out->store[i], err) != 0)
			return -1;
	}
	return 0;
}

int change_load(const struct journal_entry *entry, struct change *out, struct error *err)
{
	struct buffer text = BUFFER_INIT(MANIFEST_MAX);
	struct change change;
	json_t *object = NULL;
	int result = -1;

	memset(&change, 0, sizeof change);
	if (journal_get(entry, "manifest", &text, err) == 0)
		object = json_parse("manifest", buffer_text(&text), text.len, err);
	if (object != NULL)
		result = load_parts(entry, object, &change, err);
	if (result == 0)
		*out = change;
	else
		change_clear(&change);
	json_decref(object);
	buffer_clear(&text);
	return result;
}
