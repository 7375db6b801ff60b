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

/* ---- folders of entries: attributes/rack holding "r1" */

struct entry {
	char *name;
	char *value;
};
struct entries {
	struct entry *items;
	size_t count;
};

static void entries_clear(struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++) {
		free(entries->items[i].name);
		free(entries->items[i].value);
	}
	free(entries->items);
}

static const struct entry *find_entry(const struct entries *entries, const char *name)
{
	for (size_t i = 0; i < entries->count; i++)
		if (strcmp(entries->items[i].name, name) == 0)
			return &entries->items[i];
	return NULL;
}

static int add_entry(const char *flag, const char *text, size_t len, struct entries *out, struct error *err)
{
	const char *colon = memchr(text, ':', len);
	struct entry *entry;
	char *name;

	if (colon == NULL || colon == text)
		return error_set(err, ERROR_REFUSED, "the entry '%.*s' of --%s has no name: no file can hold it",
				 (int)len, text, flag);
	name = xstrndup(text, (size_t)(colon - text));
	if (name[0] == '.' || strchr(name, '/') != NULL || find_entry(out, name) != NULL) {
		error_set(err, ERROR_REFUSED,
			  "--%s is a folder with one file per entry, and it cannot hold the entry '%s': %s", flag, name,
			  find_entry(out, name) != NULL ? "there are two of that name" : "no file can have that name");
		free(name);
		return -1;
	}
	out->items = xreallocarray(out->items, out->count + 1, sizeof *out->items);
	entry = &out->items[out->count++];
	entry->name = name;
	entry->value = xstrndup(colon + 1, len - (size_t)(colon + 1 - text));
	return 0;
}

static int parse_entries(const struct flag_edit *edit, struct entries *out, struct error *err)
{
	const char *at = edit->value == NULL ? "" : edit->value;

	if (at[0] == '[' || strpbrk(at, "\n") != NULL)
		return error_set(
			err, ERROR_REFUSED,
			"--%s is a folder with one file per entry: it can hold name:value entries, and neither "
			"JSON nor line breaks",
			edit->name);
	for (;;) {
		size_t len = strcspn(at, ";");

		if (len > 0 && add_entry(edit->name, at, len, out, err) != 0)
			return -1;
		if (at[len] == '\0')
			return 0;
		at += len + 1;
	}
}

/* The entry's file, if its path is <folder>/<name>. */
static const char *entry_name(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

static void remove_entries(const struct flag_store *store, const char *folder, const struct entries *wanted,
			   struct flag_store *out)
{
	for (size_t i = 0; i < store->file_count; i++) {
		const char *name = entry_name(store->files[i].path, folder);

		if (name != NULL && find_entry(wanted, name) == NULL)
			store_add_file(out, store->files[i].path, false, "", 0);
	}
}

static void write_entries(const struct flag_store *store, const char *folder, const struct entries *wanted,
			  struct flag_store *out)
{
	for (size_t i = 0; i < wanted->count; i++) {
		char *path = path_join(folder, wanted->items[i].name);
		const struct store_file *old = find_file(store, path);
		char *value = old == NULL ? NULL : value_of(&old->bytes);

		if (value == NULL || strcmp(value, wanted->items[i].value) != 0) {
			char *text = xasprintf("%s\n", wanted->items[i].value);

			store_add_file(out, path, true, text, strlen(text));
			free(text);
		}
		free(value);
		free(path);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* In the order in which the wrapper finds the files. */
static void set_entries(struct entries *wanted, const char *flag, struct flag_store *out)
{
	struct buffer text = BUFFER_INIT(STORE_FILE_MAX);

	if (wanted->count > 1)
		qsort(wanted->items, wanted->count, sizeof *wanted->items, by_name);
	for (size_t i = 0; i < wanted->count; i++)
		buffer_printf(&text, "%s%s:%s", i == 0 ? "" : ";", wanted->items[i].name, wanted->items[i].value);
	if (wanted->count == 0)
		flags_remove(&out->flags, flag);
	else
		flags_set(&out->flags, flag, buffer_text(&text));
	buffer_clear(&text);
}

static int edit_entries(const struct flag_store *store, const struct flag_edit *edit, struct flag_store *out,
			struct error *err)
{
	struct entries wanted = {.items = NULL, .count = 0};
	char *folder = path_join(store->path, edit->name);
	int result = parse_entries(edit, &wanted, err);

	if (result == 0) {
		remove_entries(store, folder, &wanted, out);
		write_entries(store, folder, &wanted, out);
		set_entries(&wanted, edit->name, out);
	}
	entries_clear(&wanted);
	free(folder);
	return result;
}

static bool is_entries_flag(const struct flag_store *store, const char *name)
{
	return (store->entries_attributes && strcmp(name, "attributes") == 0) ||
	       (store->entries_resources && strcmp(name, "resources") == 0);
}

int store_directory_edit(const struct flag_store *store, const struct flag_edit *edit, struct flag_store *out,
			 struct error *err)
{
	size_t len = edit->value == NULL ? 0 : strlen(edit->value);

	if (is_entries_flag(store, edit->name))
		return edit_entries(store, edit, out, err);
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
