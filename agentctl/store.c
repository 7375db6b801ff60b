/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/store.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"

void flag_store_clear(struct flag_store *store)
{
	for (size_t i = 0; i < store->file_count; i++) {
		free(store->files[i].path);
		buffer_clear(&store->files[i].bytes);
	}
	free(store->files);
	free(store->path);
	flags_clear(&store->flags);
	flags_clear(&store->arguments);
	memset(store, 0, sizeof *store);
}

struct store_file *store_add_file(struct flag_store *store, const char *path, bool exists, const void *data, size_t len)
{
	struct store_file *file;

	store->files = xreallocarray(store->files, store->file_count + 1, sizeof *store->files);
	file = &store->files[store->file_count++];
	memset(file, 0, sizeof *file);
	buffer_init(&file->bytes, STORE_FILE_MAX);
	file->path = xstrdup(path);
	file->exists = exists;
	buffer_append(&file->bytes, data, len);
	return file;
}

void store_overlay(struct flags *to, const struct flags *from)
{
	for (size_t i = 0; i < from->count; i++)
		flags_set(to, from->items[i].name, from->items[i].value);
}

/* Replacing a link would leave its target as it was, and what manages the target would be surprised either way. */
int store_refuse_link(const char *path, struct error *err)
{
	struct stat info;

	if (lstat(path, &info) != 0)
		return error_errno(err, ERROR_UNREACHABLE, errno, "cannot read the flag store %s", path);
	if (S_ISLNK(info.st_mode))
		return error_set(err, ERROR_REFUSED,
				 "the flag store %s is a symbolic link: give the path that it leads to", path);
	return 0;
}

bool flag_store_is_environment(const struct flag_store *store)
{
	return flag_store_kind_has_many(store->kind == FLAG_STORE_EXTERNAL ? store->form : store->kind);
}

/* ---- reading */

/* Over names and bytes, so that a moved value is another store. A single file's is that of its bytes. */
static void compute_digest(struct flag_store *store)
{
	struct digest_state state;
	unsigned char digest[DIGEST_SIZE];

	if (flag_store_is_environment(store) && store->file_count == 1) {
		digest_hex(buffer_text(&store->files[0].bytes), store->files[0].bytes.len, store->sha256);
		return;
	}
	digest_start(&state);
	for (size_t i = 0; i < store->file_count; i++) {
		const struct store_file *file = &store->files[i];
		uint64_t len = file->exists ? file->bytes.len : UINT64_MAX;

		digest_add(&state, file->path, strlen(file->path) + 1);
		digest_add(&state, &len, sizeof len);
		digest_add(&state, buffer_text(&file->bytes), file->bytes.len);
	}
	digest_finish(&state, digest);
	hex_encode(digest, sizeof digest, store->sha256);
}

static enum flag_store_kind form_of(const char *root, enum flag_store_kind kind, const char *path)
{
	struct stat info;
	char *full;
	bool folder;

	if (kind != FLAG_STORE_EXTERNAL)
		return kind;
	if (path == NULL)
		return FLAG_STORE_UNKNOWN;
	full = path_under(root, path);
	folder = stat(full, &info) == 0 && S_ISDIR(info.st_mode);
	free(full);
	return folder ? FLAG_STORE_DIRECTORY : FLAG_STORE_ENVFILE;
}

static int read_directory(const char *root, struct flag_store *store, struct error *err)
{
	char *path = path_under(root, store->path);
	int result = store->kind == FLAG_STORE_EXTERNAL ? 0 : store_refuse_link(path, err);

	free(path);
	return result == 0 ? store_directory_read(root, store, err) : -1;
}

static int read_store(const char *root, enum flag_store_kind kind, const char *path, char *const *later,
		      struct flag_store *out, struct error *err)
{
	struct flag_store store = {.kind = kind, .path = path == NULL ? NULL : xstrdup(path)};
	int result = 0;

	store.form = form_of(root, kind, path);
	if (store.form == FLAG_STORE_DIRECTORY)
		result = read_directory(root, &store, err);
	else if (store.form != FLAG_STORE_UNKNOWN)
		result = store_files_read(root, later, &store, err);
	if (result == 0) {
		compute_digest(&store);
		*out = store;
	} else {
		flag_store_clear(&store);
	}
	return result;
}

int flag_store_read(const char *root, enum flag_store_kind kind, const char *path, struct flag_store *out,
		    struct error *err)
{
	return read_store(root, kind, path, NULL, out, err);
}

int flag_store_read_host(const struct host_settings *host, struct flag_store *out, struct error *err)
{
	return read_store(host->root, host->store_kind, host->store_path, host->store_later, out, err);
}

/* ---- editing */

static int edit_directory(const struct flag_store *store, const struct flag_edit *edits, size_t count,
			  struct flag_store *out, struct error *err)
{
	flags_copy(&out->flags, &store->flags);
	out->entries_attributes = store->entries_attributes;
	out->entries_resources = store->entries_resources;
	for (size_t i = 0; i < count; i++)
		if (store_directory_edit(store, &edits[i], out, err) != 0)
			return -1;
	return 0;
}

static const char *or_nothing(const char *value)
{
	return value == NULL ? "(nothing)" : value;
}

/* Its owner must have written what was planned; where nobody knows where that is, the plan is believed. */
static int edit_external(const struct flag_store *store, const struct flag_edit *edits, size_t count,
			 struct flag_store *out, struct error *err)
{
	flags_copy(&out->flags, &store->flags);
	for (size_t i = 0; i < count; i++) {
		const char *value = flags_get(&store->flags, edits[i].name);

		if (store->form == FLAG_STORE_UNKNOWN && edits[i].value != NULL)
			flags_set(&out->flags, edits[i].name, edits[i].value);
		else if (store->form != FLAG_STORE_UNKNOWN && !flags_same_value(edits[i].name, value, edits[i].value))
			return error_set(err, ERROR_REFUSED,
					 "whoever writes %s has not written --%s yet: it says %s, and %s was planned; "
					 "let it run first",
					 store->path, edits[i].name, or_nothing(value), or_nothing(edits[i].value));
	}
	return 0;
}

static bool others_are_equal(const struct flag_store *a, const struct flag_store *b, const struct flag_edit *edits,
			     size_t count)
{
	struct flags left = FLAGS_INIT, right = FLAGS_INIT;
	bool equal;

	flags_copy(&left, &a->flags);
	flags_copy(&right, &b->flags);
	for (size_t i = 0; i < count; i++) {
		flags_remove(&left, edits[i].name);
		flags_remove(&right, edits[i].name);
	}
	equal = flags_equal(&left, &right);
	flags_clear(&left);
	flags_clear(&right);
	return equal;
}

/* The promise of an edit, checked on what came out. */
static int verify(const struct flag_store *before, const struct flag_store *after, const struct flag_edit *edits,
		  size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const char *value = flags_get(&after->flags, edits[i].name);

		if (!flags_same_value(edits[i].name, value, edits[i].value))
			return error_set(err, ERROR_REFUSED, "the flag store %s cannot hold --%s=%s as it is asked for",
					 after->path, edits[i].name, edits[i].value == NULL ? "" : edits[i].value);
	}
	/* A backslash at the very end is a character there, and swallows what is appended. */
	if (!others_are_equal(before, after, edits, count))
		return error_set(
			err, ERROR_REFUSED,
			"the flag store %s cannot be edited without changing another flag; does its last line end "
			"with a backslash?",
			after->path);
	return 0;
}

int flag_store_edit(const struct flag_store *store, const struct flag_edit *edits, size_t count, struct flag_store *out,
		    struct error *err)
{
	struct flag_store edited = {
		.kind = store->kind, .form = store->form, .path = store->path == NULL ? NULL : xstrdup(store->path)};
	int result;

	if (store->kind == FLAG_STORE_EXTERNAL)
		result = edit_external(store, edits, count, &edited, err);
	else if (store->form == FLAG_STORE_DIRECTORY)
		result = edit_directory(store, edits, count, &edited, err);
	else
		result = store_files_edit(store, edits, count, &edited, err);
	if (result == 0 && store->kind != FLAG_STORE_EXTERNAL)
		result = verify(store, &edited, edits, count, err);
	if (result == 0)
		*out = edited;
	else
		flag_store_clear(&edited);
	return result;
}
