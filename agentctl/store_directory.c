/* SPDX-License-Identifier: Apache-2.0 */
/* The directory that Mesosphere's packages read: one file per flag. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "agentctl/store.h"
#include "base/alloc.h"
#include "base/file.h"

static bool is_regular(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static bool is_folder(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int skip_hidden(const struct dirent *item)
{
	return item->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The wrapper reads a file as a shell's $(cat FILE) does. */
static char *value_of(const struct buffer *bytes)
{
	size_t len = bytes->len;

	while (len > 0 && bytes->data[len - 1] == '\n')
		len--;
	return xstrndup(buffer_text(bytes), len);
}

/* Reads <root><below> and adds it to the store. */
static struct store_file *add_file(const char *root, const char *below, struct flag_store *store, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(STORE_FILE_MAX);
	struct store_file *file = NULL;
	char *path = path_under(root, below);

	if (file_read(path, &bytes, err) == 0) {
		if (memchr(buffer_text(&bytes), '\0', bytes.len) != NULL)
			error_set(err, ERROR_CORRUPT, "%s holds no flag: there is a NUL byte in it", path);
		else
			file = store_add_file(store, below, true, buffer_text(&bytes), bytes.len);
	}
	buffer_clear(&bytes);
	free(path);
	return file;
}

static void set_flag(struct flags *flags, const char *name, const struct buffer *bytes)
{
	char *value;

	if (strncmp(name, "?no-", 4) == 0) {
		flags_set(flags, name + 4, "false");
	} else if (name[0] == '?') {
		flags_set(flags, name + 1, "true");
	} else {
		value = value_of(bytes);
		flags_set(flags, name, value);
		free(value);
	}
}

/* attributes/rack holding "r1" is the entry rack:r1; the entries make one flag. */
static int read_entries(const char *root, const char *below, const char *flag, struct flag_store *store,
			struct error *err)
{
	struct buffer text = BUFFER_INIT(STORE_FILE_MAX);
	struct dirent **items = NULL;
	char *path = path_under(root, below);
	int count = scandir(path, &items, skip_hidden, by_bytes);
	int result = count < 0 ? error_errno(err, ERROR_UNREACHABLE, errno, "cannot read the folder %s", path) : 0;

	for (int i = 0; i < count; i++) {
		char *entry = path_join(below, items[i]->d_name);
		char *full = path_under(root, entry);

		if (result == 0 && is_regular(full)) {
			const struct store_file *file = add_file(root, entry, store, err);

			if (file == NULL) {
				result = -1;
			} else {
				char *value = value_of(&file->bytes);

				buffer_printf(&text, "%s%s:%s", text.len == 0 ? "" : ";", items[i]->d_name, value);
				free(value);
			}
		}
		free(full);
		free(entry);
		free(items[i]);
	}
	if (result == 0 && text.len > 0)
		flags_set(&store->flags, flag, buffer_text(&text));
	free(items);
	free(path);
	buffer_clear(&text);
	return result;
}

static bool is_entries_folder(const char *name)
{
	return strcmp(name, "attributes") == 0 || strcmp(name, "resources") == 0;
}

static int read_item(const char *root, const char *name, struct flag_store *store, struct error *err)
{
	char *below = path_join(store->path, name);
	char *full = path_under(root, below);
	int result = 0;

	if (is_regular(full)) {
		const struct store_file *file = add_file(root, below, store, err);

		if (file == NULL)
			result = -1;
		else
			set_flag(&store->flags, name, &file->bytes);
	} else if (is_entries_folder(name) && is_folder(full)) {
		result = read_entries(root, below, name, store, err);
		if (strcmp(name, "attributes") == 0)
			store->entries_attributes = true;
		else
			store->entries_resources = true;
	}
	free(full);
	free(below);
	return result;
}

int store_directory_read(const char *root, struct flag_store *store, struct error *err)
{
	struct dirent **items = NULL;
	char *path = path_under(root, store->path);
	int count = scandir(path, &items, skip_hidden, by_bytes);
	int result = count < 0 ? error_errno(err, ERROR_UNREACHABLE, errno, "cannot read the folder %s", path) : 0;

	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = read_item(root, items[i]->d_name, store, err);
		free(items[i]);
	}
	free(items);
	free(path);
	return result;
}

/* ---- editing */

static const struct store_file *find_file(const struct flag_store *store, const char *path)
{
	for (size_t i = 0; i < store->file_count; i++)
		if (strcmp(store->files[i].path, path) == 0)
			return &store->files[i];
	return NULL;
}

/* A boolean kept as "?name" or "?no-name" would stand beside the new value. */
static void remove_file(const struct flag_store *store, const char *prefix, const char *name, struct flag_store *out)
{
	char *path = xasprintf("%s/%s%s", store->path, prefix, name);

	if (find_file(store, path) != NULL)
		store_add_file(out, path, false, "", 0);
	free(path);
}

static bool is_boolean_file(const struct flag_store *store, const struct flag_edit *edit)
{
	const char *old = flags_get(&store->flags, edit->name);
	char *path = path_join(store->path, edit->name);
	bool boolean = old != NULL && edit->value != NULL && strcmp(old, edit->value) == 0 &&
		       find_file(store, path) == NULL;

	free(path);
	return boolean;
}

static void write_flag(const struct flag_store *store, const struct flag_edit *edit, struct flag_store *out)
{
	char *path = path_join(store->path, edit->name);
	char *text = xasprintf("%s\n", edit->value);
	const struct store_file *old = find_file(store, path);

	if (old == NULL || old->bytes.len != strlen(text) || memcmp(old->bytes.data, text, strlen(text)) != 0)
		store_add_file(out, path, true, text, strlen(text));
	free(text);
	free(path);
	flags_set(&out->flags, edit->name, edit->value);
}

int store_directory_edit(const struct flag_store *store, const struct flag_edit *edit, struct flag_store *out,
			 struct error *err)
{
	bool entries = (store->entries_attributes && strcmp(edit->name, "attributes") == 0) ||
		       (store->entries_resources && strcmp(edit->name, "resources") == 0);
	size_t len = edit->value == NULL ? 0 : strlen(edit->value);

	if (entries)
		return error_set(
			err, ERROR_REFUSED,
			"%s/%s is a folder with one entry per file: put its entries into one file of that name "
			"first, then --%s can be edited",
			store->path, edit->name, edit->name);
	if (len > 0 && edit->value[len - 1] == '\n')
		return error_set(err, ERROR_REFUSED, "the value of --%s ends with a line break: a file cannot hold it",
				 edit->name);
	if (is_boolean_file(store, edit))
		return 0;
	remove_file(store, "?", edit->name, out);
	remove_file(store, "?no-", edit->name, out);
	if (edit->value != NULL) {
		write_flag(store, edit, out);
	} else {
		remove_file(store, "", edit->name, out);
		flags_remove(&out->flags, edit->name);
	}
	return 0;
}
