/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/host.h"

#include <string.h>

#include "base/alloc.h"

static const char *const store_kinds[] = {
	[FLAG_STORE_ENVFILE] = "envfile",
	[FLAG_STORE_DIRECTORY] = "directory",
	[FLAG_STORE_DEFAULTS] = "defaults",
	[FLAG_STORE_EXTERNAL] = "external",
};
#define STORE_KINDS (sizeof store_kinds / sizeof store_kinds[0])

const char *flag_store_kind_name(enum flag_store_kind kind)
{
	return store_kinds[kind];
}

bool flag_store_kind_parse(const char *name, enum flag_store_kind *out)
{
	for (size_t i = FLAG_STORE_ENVFILE; i < STORE_KINDS; i++) {
		if (strcmp(name, store_kinds[i]) != 0)
			continue;
		*out = (enum flag_store_kind)i;
		return true;
	}
	return false;
}

bool flag_store_kind_has_many(enum flag_store_kind kind)
{
	return kind == FLAG_STORE_ENVFILE || kind == FLAG_STORE_DEFAULTS;
}

void host_settings_init(struct host_settings *host)
{
	memset(host, 0, sizeof *host);
	host->root = xstrdup("/");
	host->state_dir = xstrdup(HOST_STATE_DIR);
}

static void list_free(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

static char **list_copy(char *const *list)
{
	char **copy;
	size_t count = 0;

	if (list == NULL)
		return NULL;
	while (list[count] != NULL)
		count++;
	copy = xcalloc(count + 1, sizeof *copy);
	for (size_t i = 0; i < count; i++)
		copy[i] = xstrdup(list[i]);
	return copy;
}

void host_settings_clear(struct host_settings *host)
{
	free(host->root);
	free(host->work_dir);
	free(host->state_dir);
	free(host->store_path);
	list_free(host->store_later);
	free(host->unit);
	list_free(host->start);
	list_free(host->stop);
	list_free(host->status);
	free(host->start_hook);
	memset(host, 0, sizeof *host);
}

static char *copy_or_null(const char *text)
{
	return text == NULL ? NULL : xstrdup(text);
}

void host_settings_copy(struct host_settings *to, const struct host_settings *from)
{
	to->root = copy_or_null(from->root);
	to->work_dir = copy_or_null(from->work_dir);
	to->state_dir = copy_or_null(from->state_dir);
	to->store_kind = from->store_kind;
	to->store_path = copy_or_null(from->store_path);
	to->store_later = list_copy(from->store_later);
	to->control = from->control;
	to->unit = copy_or_null(from->unit);
	to->start = list_copy(from->start);
	to->stop = list_copy(from->stop);
	to->status = list_copy(from->status);
	to->start_hook = copy_or_null(from->start_hook);
}

static bool has_control_characters(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
		if (*c < 0x20 || *c == 0x7f)
			return true;
	return false;
}

static bool has_parent_component(const char *path)
{
	for (const char *at = strstr(path, ".."); at != NULL; at = strstr(at + 2, ".."))
		if ((at == path || at[-1] == '/') && (at[2] == '\0' || at[2] == '/'))
			return true;
	return false;
}

/* An absolute path without surprises. */
static int check_path(const char *path, const struct json_place *place, struct error *err)
{
	if (path[0] != '/')
		return json_error(place, err, "\"%s\" is no absolute path", path);
	if (has_parent_component(path))
		return json_error(place, err, "a path must not contain \"..\"");
	if (has_control_characters(path))
		return json_error(place, err, "a path must not contain control characters");
	return 0;
}

static int take_path(const json_t *object, const char *key, char **out, const struct json_place *place,
		     struct error *err)
{
	const char *path = NULL;
	struct json_place at = {.parent = place, .key = key};

	if (json_optional_string(object, key, &path, place, err) != 0)
		return -1;
	if (path == NULL)
		return 0;
	if (check_path(path, &at, err) != 0)
		return -1;
	free(*out);
	*out = xstrdup(path);
	return 0;
}

static int take_unit(const json_t *object, char **out, const struct json_place *place, struct error *err)
{
	const char *unit = NULL;
	struct json_place at = {.parent = place, .key = "unit"};

	if (json_optional_string(object, "unit", &unit, place, err) != 0)
		return -1;
	if (unit == NULL)
		return 0;
	if (unit[0] == '\0' || unit[0] == '-' || strchr(unit, '/') != NULL || has_control_characters(unit))
		return json_error(&at, err, "\"%s\" is no name of a systemd unit", unit);
	free(*out);
	*out = xstrdup(unit);
	return 0;
}

static int take_list(const json_t *object, const char *key, char ***out, const struct json_place *place,
		     struct error *err)
{
	const json_t *array = NULL;
	struct json_place at = {.parent = place, .key = key};
	char **list;

	if (json_optional_array(object, key, &array, place, err) != 0)
		return -1;
	if (array == NULL)
		return 0;
	if (json_array_size(array) == 0)
		return json_error(&at, err, "an argument list needs at least the program");
	list = xcalloc(json_array_size(array) + 1, sizeof *list);
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct json_place item = {.parent = &at, .index = i};
		const char *text = json_string_value(json_array_get(array, i));

		if (text == NULL || has_control_characters(text) || (i == 0 && text[0] == '\0')) {
			list_free(list);
			return json_error(&item, err, "an argument must be a string without control characters");
		}
		list[i] = xstrdup(text);
	}
	list_free(*out);
	*out = list;
	return 0;
}

/* "paths": the first becomes store_path, the others follow. A single "path" ends a list that defaults gave. */
static int take_store_paths(const json_t *store, struct host_settings *host, const struct json_place *place,
			    struct error *err)
{
	struct json_place at = {.parent = place, .key = "paths"};
	const json_t *paths = NULL;
	char **list = NULL;

	if (json_optional_array(store, "paths", &paths, place, err) != 0 ||
	    take_list(store, "paths", &list, place, err) != 0)
		return -1;
	for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
		struct json_place item = {.parent = &at, .index = i};

		if (check_path(list[i], &item, err) != 0) {
			list_free(list);
			return -1;
		}
	}
	if (list == NULL && json_object_get(store, "path") == NULL)
		return 0;
	list_free(host->store_later);
	host->store_later = NULL;
	if (list == NULL)
		return take_path(store, "path", &host->store_path, place, err);
	free(host->store_path);
	host->store_path = xstrdup(list[0]);
	if (list[1] != NULL)
		host->store_later = list_copy(list + 1);
	list_free(list);
	return 0;
}

static int take_store(const json_t *object, struct host_settings *host, const struct json_place *place,
		      struct error *err)
{
	static const char *const keys[] = {"kind", "path", "paths", NULL};
	struct json_place at = {.parent = place, .key = "flag_store"};
	struct json_place at_kind = {.parent = &at, .key = "kind"};
	const json_t *store = NULL;
	const char *kind = NULL;

	if (json_optional_object(object, "flag_store", &store, place, err) != 0)
		return -1;
	if (store == NULL)
		return 0;
	if (json_check_keys(store, keys, &at, err) != 0 || json_optional_string(store, "kind", &kind, &at, err) != 0)
		return -1;
	if (kind != NULL && !flag_store_kind_parse(kind, &host->store_kind))
		return json_error(&at_kind, err,
				  "\"%s\" is no kind of flag store; envfile, directory, defaults and external are",
				  kind);
	if (json_object_get(store, "path") != NULL && json_object_get(store, "paths") != NULL)
		return json_error(&at, err, "give \"path\" or \"paths\", not both");
	if (take_store_paths(store, host, &at, err) != 0)
		return -1;
	if (host->store_later != NULL && !flag_store_kind_has_many(host->store_kind))
		return json_error(&at, err, "only an envfile or defaults can be several files");
	return 0;
}

static int take_control(const json_t *object, struct host_settings *host, const struct json_place *place,
			struct error *err)
{
	static const char *const keys[] = {"kind", "unit", "start", "stop", "status", "start_hook", NULL};
	struct json_place at = {.parent = place, .key = "control"};
	struct json_place at_kind = {.parent = &at, .key = "kind"};
	const json_t *control = NULL;
	const char *kind = NULL;

	if (json_optional_object(object, "control", &control, place, err) != 0)
		return -1;
	if (control == NULL)
		return 0;
	if (json_check_keys(control, keys, &at, err) != 0 ||
	    json_optional_string(control, "kind", &kind, &at, err) != 0)
		return -1;
	if (kind != NULL && strcmp(kind, "systemd") == 0)
		host->control = CONTROL_SYSTEMD;
	else if (kind != NULL && strcmp(kind, "commands") == 0)
		host->control = CONTROL_COMMANDS;
	else if (kind != NULL)
		return json_error(&at_kind, err, "\"%s\" is no kind of control; systemd and commands are", kind);
	if (take_unit(control, &host->unit, &at, err) != 0 ||
	    take_list(control, "start", &host->start, &at, err) != 0 ||
	    take_list(control, "stop", &host->stop, &at, err) != 0 ||
	    take_list(control, "status", &host->status, &at, err) != 0)
		return -1;
	return take_path(control, "start_hook", &host->start_hook, &at, err);
}

int host_settings_from_json(const json_t *object, const struct json_place *place, struct host_settings *host,
			    struct error *err)
{
	static const char *const keys[] = {"root", "work_dir", "state_dir", "flag_store", "control", NULL};
	struct host_settings fresh;

	memset(&fresh, 0, sizeof fresh);
	if (!json_is_object(object))
		return json_error(place, err, "must be an object");
	if (json_check_keys(object, keys, place, err) != 0)
		return -1;
	host_settings_copy(&fresh, host);
	if (take_path(object, "root", &fresh.root, place, err) != 0 ||
	    take_path(object, "work_dir", &fresh.work_dir, place, err) != 0 ||
	    take_path(object, "state_dir", &fresh.state_dir, place, err) != 0 ||
	    take_store(object, &fresh, place, err) != 0 || take_control(object, &fresh, place, err) != 0) {
		host_settings_clear(&fresh);
		return -1;
	}
	host_settings_clear(host);
	*host = fresh;
	return 0;
}

/* ---- writing */

static void put(json_t *object, const char *key, const char *value)
{
	if (value != NULL)
		json_object_set_new(object, key, json_string(value));
}

static void put_list(json_t *object, const char *key, char *const *list)
{
	json_t *array;

	if (list == NULL)
		return;
	array = json_array();
	for (size_t i = 0; list[i] != NULL; i++)
		json_array_append_new(array, json_string(list[i]));
	json_object_set_new(object, key, array);
}

static void put_store_paths(json_t *store, const struct host_settings *host)
{
	json_t *paths;

	if (host->store_later == NULL) {
		put(store, "path", host->store_path);
		return;
	}
	put_list(store, "paths", host->store_later);
	paths = json_object_get(store, "paths");
	json_array_insert_new(paths, 0, json_string(host->store_path));
}

json_t *host_settings_to_json(const struct host_settings *host)
{
	json_t *object = json_object();
	json_t *store = json_object();
	json_t *control = json_object();

	put(object, "root", host->root);
	put(object, "work_dir", host->work_dir);
	put(object, "state_dir", host->state_dir);
	if (host->store_kind != FLAG_STORE_UNKNOWN)
		put(store, "kind", flag_store_kind_name(host->store_kind));
	put_store_paths(store, host);
	if (host->control != CONTROL_UNKNOWN)
		put(control, "kind", host->control == CONTROL_SYSTEMD ? "systemd" : "commands");
	put(control, "unit", host->unit);
	put_list(control, "start", host->start);
	put_list(control, "stop", host->stop);
	put_list(control, "status", host->status);
	put(control, "start_hook", host->start_hook);
	if (json_object_size(store) > 0)
		json_object_set(object, "flag_store", store);
	if (json_object_size(control) > 0)
		json_object_set(object, "control", control);
	json_decref(store);
	json_decref(control);
	return object;
}
