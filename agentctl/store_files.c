/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that are one file of assignments, or several of which later ones win. */
#include <string.h>

#include "agentctl/store.h"
#include "base/alloc.h"
#include "base/file.h"

/* What one file says. */
struct said {
	struct flags variables; /* the agent's environment */
	struct flags arguments;
};

static void said_clear(struct said *said)
{
	flags_clear(&said->variables);
	flags_clear(&said->arguments);
}

static int parse(const struct flag_store *store, const char *path, const struct buffer *bytes, struct said *out,
		 struct error *err)
{
	if (store->form == FLAG_STORE_DEFAULTS)
		return store_defaults_parse(path, bytes, &out->variables, &out->arguments, err);
	return store_envfile_parse(path, bytes, &out->variables, err);
}

/* All files together. */
static int parse_all(struct flag_store *store, const struct store_file *files, size_t count, struct error *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < count; i++) {
		struct said said = {.variables = FLAGS_INIT, .arguments = FLAGS_INIT};

		result = parse(store, files[i].path, &files[i].bytes, &said, err);
		store_overlay(&store->flags, &said.variables);
		store_overlay(&store->arguments, &said.arguments);
		said_clear(&said);
	}
	store_overlay(&store->flags, &store->arguments);
	return result;
}

static int read_file(const char *root, const char *below, bool may_be_missing, struct flag_store *store,
		     struct error *err)
{
	struct buffer bytes = BUFFER_INIT(STORE_FILE_MAX);
	char *path = path_under(root, below);
	int result = 0;

	if (may_be_missing && !file_exists(path)) {
		store_add_file(store, below, false, "", 0);
	} else {
		if (store->kind != FLAG_STORE_EXTERNAL)
			result = store_refuse_link(path, err);
		if (result == 0)
			result = file_read(path, &bytes, err);
		if (result == 0)
			store_add_file(store, below, true, buffer_text(&bytes), bytes.len);
	}
	buffer_clear(&bytes);
	free(path);
	return result;
}

int store_files_read(const char *root, char *const *later, struct flag_store *store, struct error *err)
{
	bool any = false;

	if (read_file(root, store->path, later != NULL, store, err) != 0)
		return -1;
	for (size_t i = 0; later != NULL && later[i] != NULL; i++)
		if (read_file(root, later[i], true, store, err) != 0)
			return -1;
	for (size_t i = 0; i < store->file_count; i++)
		any = any || store->files[i].exists;
	if (!any)
		return error_set(err, ERROR_UNREACHABLE,
				 "none of the files of the flag store is there; the first is %s", store->path);
	return parse_all(store, store->files, store->file_count, err);
}

/* ---- editing */

/* The files as they become. */
struct editing {
	const struct flag_store *store;
	struct store_file *files;
	size_t count;
};

static bool file_sets(const struct editing *editing, size_t index, const char *name, bool as_argument)
{
	struct said said = {.variables = FLAGS_INIT, .arguments = FLAGS_INIT};
	const struct store_file *file = &editing->files[index];
	bool sets = file->exists && parse(editing->store, file->path, &file->bytes, &said, NULL) == 0 &&
		    flags_get(as_argument ? &said.arguments : &said.variables, name) != NULL;

	said_clear(&said);
	return sets;
}

/* The last file that sets the flag in that way; SIZE_MAX: none. */
static size_t find_setter(const struct editing *editing, const char *name, bool as_argument)
{
	for (size_t i = editing->count; i > 0; i--)
		if (file_sets(editing, i - 1, name, as_argument))
			return i - 1;
	return SIZE_MAX;
}

static size_t last_existing(const struct editing *editing)
{
	size_t i = editing->count - 1;

	while (i > 0 && !editing->files[i].exists)
		i--;
	return i;
}

static int edit_file(struct editing *editing, size_t index, const struct flag_edit *edit, bool as_argument,
		     struct error *err)
{
	struct buffer *bytes = &editing->files[index].bytes;
	struct buffer next = BUFFER_INIT(STORE_FILE_MAX);
	int result = editing->store->form == FLAG_STORE_DEFAULTS
			     ? store_defaults_edit(bytes, edit, as_argument, &next, err)
			     : store_envfile_edit(bytes, edit, &next, err);

	if (result != 0) {
		buffer_clear(&next);
		return -1;
	}
	buffer_clear(bytes);
	*bytes = next;
	return 0;
}

static int make_edit(struct editing *editing, const struct flag_edit *edit, struct error *err)
{
	size_t argument = find_setter(editing, edit->name, true);
	size_t variable = find_setter(editing, edit->name, false);

	if (edit->value != NULL && argument != SIZE_MAX)
		return edit_file(editing, argument, edit, true, err);
	if (edit->value != NULL)
		return edit_file(editing, variable != SIZE_MAX ? variable : last_existing(editing), edit, false, err);
	/* A removed flag must not shine through from an earlier file. */
	for (size_t i = 0; i < editing->count; i++)
		if (editing->files[i].exists && edit_file(editing, i, edit, false, err) != 0)
			return -1;
	return 0;
}

static void add_changed(const struct flag_store *store, const struct editing *editing, struct flag_store *out)
{
	for (size_t i = 0; i < editing->count; i++) {
		const struct buffer *old = &store->files[i].bytes;
		const struct buffer *now = &editing->files[i].bytes;

		if (old->len != now->len || memcmp(buffer_text(old), buffer_text(now), now->len) != 0)
			store_add_file(out, editing->files[i].path, true, buffer_text(now), now->len);
	}
}

int store_files_edit(const struct flag_store *store, const struct flag_edit *edits, size_t count,
		     struct flag_store *out, struct error *err)
{
	struct flag_store copy = {.form = store->form};
	struct editing editing = {.store = store};
	int result = 0;

	if (store->file_count == 0)
		return error_set(err, ERROR_BUG, "a flag store without a file");
	for (size_t i = 0; i < store->file_count; i++)
		store_add_file(&copy, store->files[i].path, store->files[i].exists, buffer_text(&store->files[i].bytes),
			       store->files[i].bytes.len);
	editing.files = copy.files;
	editing.count = copy.file_count;
	for (size_t i = 0; result == 0 && i < count; i++)
		result = make_edit(&editing, &edits[i], err);
	if (result == 0)
		result = parse_all(out, editing.files, editing.count, err);
	if (result == 0)
		add_changed(store, &editing, out);
	flag_store_clear(&copy);
	return result;
}
