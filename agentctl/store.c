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

/* Replacing a link would leave its target as it was, and what manages the target would be surprised either way. */
static int refuse_link(const char *path, struct error *err)
{
	struct stat info;

	if (lstat(path, &info) != 0)
		return error_errno(err, ERROR_UNREACHABLE, errno, "cannot read the flag store %s", path);
	if (S_ISLNK(info.st_mode))
		return error_set(err, ERROR_REFUSED,
				 "the flag store %s is a symbolic link: give the path that it leads to", path);
	return 0;
}

static int read_envfile(const char *root, struct flag_store *store, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(STORE_FILE_MAX);
	char *path = path_under(root, store->path);
	int result = refuse_link(path, err);

	if (result == 0)
		result = file_read(path, &bytes, err);
	if (result == 0)
		result = store_envfile_parse(path, &bytes, &store->flags, err);
	if (result == 0)
		store_add_file(store, store->path, true, buffer_text(&bytes), bytes.len);
	buffer_clear(&bytes);
	free(path);
	return result;
}

static int read_directory(const char *root, struct flag_store *store, struct error *err)
{
	char *path = path_under(root, store->path);
	int result = refuse_link(path, err);

	free(path);
	return result == 0 ? store_directory_read(root, store, err) : -1;
}

/* Over names and bytes, so that a moved value is another store. An environment file's is that of its bytes. */
static void compute_digest(struct flag_store *store)
{
	struct digest_state state;
	unsigned char digest[DIGEST_SIZE];

	if (store->kind == FLAG_STORE_ENVFILE) {
		digest_hex(buffer_text(&store->files[0].bytes), store->files[0].bytes.len, store->sha256);
		return;
	}
	digest_start(&state);
	for (size_t i = 0; i < store->file_count; i++) {
		const struct store_file *file = &store->files[i];
		uint64_t len = file->bytes.len;

		digest_add(&state, file->path, strlen(file->path) + 1);
		digest_add(&state, &len, sizeof len);
		digest_add(&state, buffer_text(&file->bytes), file->bytes.len);
	}
	digest_finish(&state, digest);
	hex_encode(digest, sizeof digest, store->sha256);
}

int flag_store_read(const char *root, enum flag_store_kind kind, const char *path, struct flag_store *out,
		    struct error *err)
{
	struct flag_store store = {.kind = kind, .path = xstrdup(path)};
	int result = kind == FLAG_STORE_ENVFILE ? read_envfile(root, &store, err) : read_directory(root, &store, err);

	if (result == 0) {
		compute_digest(&store);
		*out = store;
	} else {
		flag_store_clear(&store);
	}
	return result;
}

static int edit_envfile(const struct flag_store *store, const struct flag_edit *edits, size_t count,
			struct flag_store *out, struct error *err)
{
	const struct store_file *old = &store->files[0];
	struct buffer bytes = BUFFER_INIT(STORE_FILE_MAX);
	int result = 0;

	buffer_append(&bytes, buffer_text(&old->bytes), old->bytes.len);
	for (size_t i = 0; result == 0 && i < count; i++) {
		struct buffer next = BUFFER_INIT(STORE_FILE_MAX);

		result = store_envfile_edit(&bytes, &edits[i], &next, err);
		buffer_clear(&bytes);
		bytes = next;
	}
	if (result == 0)
		result = store_envfile_parse(store->path, &bytes, &out->flags, err);
	if (result == 0 && (bytes.len != old->bytes.len || memcmp(bytes.data, old->bytes.data, bytes.len) != 0))
		store_add_file(out, old->path, true, buffer_text(&bytes), bytes.len);
	buffer_clear(&bytes);
	return result;
}

static int edit_directory(const struct flag_store *store, const struct flag_edit *edits, size_t count,
			  struct flag_store *out, struct error *err)
{
	flags_copy(&out->flags, &store->flags);
	for (size_t i = 0; i < count; i++)
		if (store_directory_edit(store, &edits[i], out, err) != 0)
			return -1;
	return 0;
}

/* The promise of an edit, checked on what came out. */
static int verify(const struct flag_store *store, const struct flag_edit *edits, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const char *value = flags_get(&store->flags, edits[i].name);

		if (edits[i].value == NULL ? value != NULL : value == NULL || strcmp(value, edits[i].value) != 0)
			return error_set(err, ERROR_REFUSED, "the flag store %s cannot hold --%s=%s as it is asked for",
					 store->path, edits[i].name, edits[i].value == NULL ? "" : edits[i].value);
	}
	return 0;
}

int flag_store_edit(const struct flag_store *store, const struct flag_edit *edits, size_t count, struct flag_store *out,
		    struct error *err)
{
	struct flag_store edited = {.kind = store->kind, .path = xstrdup(store->path)};
	int result = store->kind == FLAG_STORE_ENVFILE ? edit_envfile(store, edits, count, &edited, err)
						       : edit_directory(store, edits, count, &edited, err);

	if (result == 0)
		result = verify(&edited, edits, count, err);
	if (result == 0)
		*out = edited;
	else
		flag_store_clear(&edited);
	return result;
}
