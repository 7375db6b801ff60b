/* SPDX-License-Identifier: Apache-2.0 */
/* Changing one resource in the text of a --resources flag, leaving the others as they were written. */
#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "mesos/resource.h"
#include "mesos/resources.h"
#include "mesos/text_json.h"

/* "name" or "name(role)"; an unreserved one has the role "*". */
struct target {
	char *name, *role;
	bool role_given;
};

static void target_clear(struct target *target)
{
	free(target->name);
	free(target->role);
}

static int target_parse(const char *text, struct target *out, struct error *err)
{
	const char *open = strchr(text, '(');
	size_t len = strlen(text);

	if (strpbrk(text, ":;\n") != NULL || open == text || len == 0 || (open == NULL && strchr(text, ')') != NULL) ||
	    (open != NULL && (strchr(open, ')') != text + len - 1 || open[1] == ')')))
		return error_set(err, ERROR_USAGE, "'%s' cannot be a resource; write it as NAME or NAME(ROLE)", text);
	out->name = open != NULL ? xstrndup(text, (size_t)(open - text)) : xstrdup(text);
	out->role = open != NULL ? xstrndup(open + 1, len - (size_t)(open - text) - 2) : xstrdup("*");
	out->role_given = open != NULL;
	return 0;
}

/* ---- text */

static bool entry_is(const char *text, size_t len, const struct target *target)
{
	struct resource_entry entry = {NULL, NULL, NULL};
	char *copy = xstrndup(text, len);
	bool same = resource_entry_parse(copy, "*", &entry, NULL) == 0 && strcmp(entry.name, target->name) == 0 &&
		    strcmp(entry.role, target->role) == 0;

	resource_entry_clear(&entry);
	free(copy);
	return same;
}

static void put_entry(const struct target *target, const char *value, struct buffer *out)
{
	if (target->role_given)
		buffer_printf(out, "%s(%s):%s", target->name, target->role, value);
	else
		buffer_printf(out, "%s:%s", target->name, value);
}

static void edit_text(const char *text, const struct target *target, const char *value, struct buffer *out)
{
	bool placed = value == NULL;

	for (;;) {
		size_t gap = strspn(text, ";");
		size_t len = strcspn(text + gap, ";");
		bool ours = len > 0 && entry_is(text + gap, len, target);

		if (len == 0) {
			buffer_append(out, text, gap);
			break;
		}
		if (!ours || !placed)
			buffer_append(out, text, out->len == 0 ? 0 : gap);
		if (!ours)
			buffer_append(out, text + gap, len);
		else if (!placed)
			put_entry(target, value, out);
		placed = placed || ours;
		text += gap + len;
	}
	if (!placed) {
		if (out->len > 0 && out->data[out->len - 1] != ';')
			buffer_putc(out, ';');
		put_entry(target, value, out);
	}
}

/* ---- JSON */

static bool json_is_target(const json_t *item, const struct target *target)
{
	Mesos__Resource *resource = pb_from_json(&mesos__resource__descriptor, item, NULL);
	bool same = false;

	if (resource != NULL) {
		resource_upgrade(resource);
		if (strcmp(resource->name, target->name) == 0 && resource->disk == NULL && resource->n_reservations < 2)
			same = strcmp(resource->n_reservations > 0 ? resource->reservations[0]->role : "*",
				      target->role) == 0;
	}
	pb_free(resource);
	return same;
}

/* Puts the new value into an entry, whose other keys stay. */
static void set_json_value(json_t *item, const Mesos__Resource *resource)
{
	static const char *const value_keys[] = {"scalar", "ranges", "set"};
	json_t *made = pb_to_json(resource);

	for (size_t i = 0; i < sizeof(value_keys) / sizeof(value_keys[0]); i++)
		json_object_del(item, value_keys[i]);
	json_object_del(made, "reservations");
	json_object_update(item, made);
	json_decref(made);
}

static json_t *make_json_item(const struct target *target, const Mesos__Resource *resource)
{
	json_t *item = pb_to_json(resource);

	json_object_del(item, "reservations");
	if (strcmp(target->role, "*") != 0)
		json_object_set_new_nocheck(item, "role", json_string_nocheck(target->role));
	return item;
}

static void edit_json(json_t *array, const struct target *target, const Mesos__Resource *resource)
{
	bool placed = resource == NULL;

	for (size_t i = 0; i < json_array_size(array);) {
		json_t *item = json_array_get(array, i);

		if (!json_is_target(item, target)) {
			i++;
		} else if (placed) {
			json_array_remove(array, i);
		} else {
			set_json_value(item, resource);
			placed = true;
			i++;
		}
	}
	if (!placed)
		json_array_append_new(array, make_json_item(target, resource));
}

static int dump_json(const json_t *array, struct buffer *out)
{
	char *text = json_dumps(array, JSON_COMPACT | JSON_REAL_PRECISION(17));
	int rc = text != NULL ? buffer_puts(out, text) : -1;

	free(text);
	return rc;
}

static int edit_json_text(json_t *array, const struct target *target, const char *value,
			  const struct mesos_version *version, struct buffer *out, struct error *err)
{
	Mesos__Resource *resource = NULL;

	if (value != NULL) {
		resource = resource_parse(target->name, value, target->role, version, err);
		if (resource == NULL)
			return -1;
	}
	edit_json(array, target, resource);
	pb_free(resource);
	if (dump_json(array, out) != 0)
		return error_set(err, ERROR_USAGE,
				 "The JSON of the resources cannot be written back: it is too long or is not UTF-8");
	return 0;
}

static int edit(const char *text, const struct target *target, const char *value, const struct mesos_version *version,
		struct buffer *out, struct error *err)
{
	json_t *json = text_json_parse(text, NULL);
	struct resources parsed = {NULL, 0};
	int rc = 0;

	if (json_is_array(json))
		rc = edit_json_text(json, target, value, version, out, err);
	else
		edit_text(text, target, value, out);
	json_decref(json);
	if (rc == 0 && out->overflow)
		rc = error_set(err, ERROR_USAGE, "The resources are longer than %zu bytes", out->max);
	if (rc == 0)
		rc = resources_parse(buffer_text(out), NULL, version, &parsed, err);
	resources_clear(&parsed);
	return rc;
}

int resources_edit(const char *text, const char *name, const char *value, const struct mesos_version *version,
		   struct buffer *out, struct error *err)
{
	struct buffer edited = BUFFER_INIT(out->max);
	struct target target = {NULL, NULL, false};
	int rc;

	if (value != NULL && strpbrk(value, ";:") != NULL)
		return error_set(err, ERROR_USAGE, "'%s' cannot be the value of resource %s: it has a ';' or ':'",
				 value, name);
	if (target_parse(name, &target, err) != 0)
		return -1;
	rc = edit(text, &target, value, version, &edited, err);
	if (rc == 0 && buffer_append(out, buffer_text(&edited), edited.len) != 0)
		rc = error_set(err, ERROR_USAGE, "The resources are longer than %zu bytes", out->max);
	buffer_clear(&edited);
	target_clear(&target);
	return rc;
}
