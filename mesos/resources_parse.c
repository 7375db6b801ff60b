/* SPDX-License-Identifier: Apache-2.0 */
/* The value of a --resources flag, text or JSON. */
#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "mesos/resource.h"
#include "mesos/resources.h"
#include "mesos/text_json.h"

static int parse_json(const json_t *array, const char *default_role, struct resources *out, struct error *err)
{
	struct error cause = ERROR_INIT;

	if (resources_from_json(array, out, &cause) != 0)
		return error_set(err, ERROR_USAGE, "Some JSON resources were not formatted properly: %s", cause.text);
	for (size_t i = 0; i < out->count; i++) {
		if (out->items[i]->role == NULL && out->items[i]->n_reservations == 0)
			out->items[i]->role = xstrdup(default_role);
		resource_upgrade(out->items[i]);
	}
	return 0;
}

static Mesos__Resource *parse_entry(const char *text, const char *default_role, const struct mesos_version *version,
				    struct error *err)
{
	struct resource_entry entry = {NULL, NULL, NULL};
	Mesos__Resource *resource = NULL;

	if (resource_entry_parse(text, default_role, &entry, err) == 0)
		resource = resource_parse(entry.name, entry.value, entry.role, version, err);
	resource_entry_clear(&entry);
	return resource;
}

static int parse_text(const char *text, const char *default_role, const struct mesos_version *version,
		      struct resources *out, struct error *err)
{
	for (text += strspn(text, ";"); *text != '\0'; text += strspn(text, ";")) {
		size_t len = strcspn(text, ";");
		char *entry = xstrndup(text, len);
		Mesos__Resource *resource = parse_entry(entry, default_role, version, err);

		free(entry);
		if (resource == NULL)
			return -1;
		PB_APPEND(out->items, out->count, resource);
		text += len;
	}
	return 0;
}

int resources_parse_list(const char *text, const char *default_role, const struct mesos_version *version,
			 struct resources *out, struct error *err)
{
	struct resources list = {NULL, 0};
	json_t *json = text_json_parse(text, NULL);
	int rc;

	if (default_role == NULL)
		default_role = "*";
	/* Broken JSON is taken for text, and refused as such. */
	if (json_is_array(json))
		rc = parse_json(json, default_role, &list, err);
	else
		rc = parse_text(text, default_role, version, &list, err);
	json_decref(json);
	if (rc == 0)
		*out = list;
	else
		resources_clear(&list);
	return rc;
}

/* What only a master may bring about cannot be had from a flag. */
static int check_command_line(const struct resources *resources, struct error *err)
{
	for (size_t i = 0; i < resources->count; i++) {
		const Mesos__Resource *resource = resources->items[i];

		if (resource_is_volume(resource))
			return error_set(err, ERROR_USAGE,
					 "Persistent volumes cannot be specified at the command line");
		if (resource->revocable != NULL)
			return error_set(err, ERROR_USAGE,
					 "Revocable resources cannot be specified at the command line; do not include a"
					 " 'revocable' key in the resources JSON");
		if (resource_is_dynamic(resource))
			return error_set(err, ERROR_USAGE,
					 "Dynamic reservations cannot be specified at the command line; do not include"
					 " a reservation with DYNAMIC type in the resources JSON");
		for (size_t j = 0; j < i; j++)
			if (strcmp(resources->items[j]->name, resource->name) == 0 &&
			    resources->items[j]->type != resource->type)
				return error_set(err, ERROR_USAGE,
						 "Resources with the same name ('%s') but different types are not"
						 " allowed",
						 resource->name);
	}
	return 0;
}

int resources_parse(const char *text, const char *default_role, const struct mesos_version *version,
		    struct resources *out, struct error *err)
{
	struct resources list = {NULL, 0}, sum = {NULL, 0};
	int rc = 0;

	if (resources_parse_list(text, default_role, version, &list, err) != 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < list.count; i++) {
		rc = resource_validate(list.items[i], err);
		if (rc == 0)
			resources_take(&sum, pb_copy(list.items[i]));
	}
	if (rc == 0)
		rc = check_command_line(&sum, err);
	resources_clear(&list);
	if (rc == 0)
		*out = sum;
	else
		resources_clear(&sum);
	return rc;
}
