/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/request_internal.h"

#include <string.h>

#include "base/alloc.h"

void request_clear_options(struct request *request)
{
	struct request_master *master = &request->master;

	for (size_t i = 0; i < master->refused_role_count; i++)
		free(master->refused_roles[i]);
	free(master->refused_roles);
	memset(master, 0, sizeof *master);
}

/* ---- reading */

static int read_roles(const json_t *object, struct request_master *out, const struct json_place *place,
		      struct error *err)
{
	struct json_place at = {.parent = place, .key = "refused_roles"};
	const json_t *roles = NULL;
	const json_t *role;
	size_t i;

	if (json_optional_array(object, "refused_roles", &roles, place, err) != 0)
		return -1;
	out->refused_roles = xcalloc(json_array_size(roles) + 1, sizeof *out->refused_roles);
	json_array_foreach(roles, i, role)
	{
		if (!json_is_string(role))
			return json_error(&at, err, "must be names of roles");
		out->refused_roles[out->refused_role_count++] = xstrdup(json_string_value(role));
	}
	return 0;
}

static int read_master(const json_t *object, struct request_master *out, const struct json_place *place,
		       struct error *err)
{
	static const char *const keys[] = {"has_domain", "require_domain", "refused_roles", NULL};
	struct json_place at = {.parent = place, .key = "master"};
	const json_t *master = NULL;

	if (json_optional_object(object, "master", &master, place, err) != 0)
		return -1;
	if (master == NULL)
		return 0;
	out->known = true;
	if (json_check_keys(master, keys, &at, err) != 0 ||
	    json_optional_bool(master, "has_domain", &out->has_domain, &at, err) != 0 ||
	    json_optional_bool(master, "require_domain", &out->require_domain, &at, err) != 0)
		return -1;
	return read_roles(master, out, &at, err);
}

int request_read_options(const json_t *object, struct request *out, const struct json_place *place, struct error *err)
{
	struct json_place at = {.parent = place, .key = "recover_state"};

	if (json_optional_bool(object, "allow_task_loss", &out->allow_task_loss, place, err) != 0 ||
	    json_optional_bool(object, "allow_port_change", &out->allow_port_change, place, err) != 0 ||
	    json_optional_bool(object, "hold_configuration_management", &out->hold_configuration_management, place,
			       err) != 0 ||
	    json_optional_bool(object, "recover_state", &out->recover_state, place, err) != 0)
		return -1;
	if (!out->recover_state && out->mechanism != MECHANISM_NATIVE)
		return json_error(&at, err, "false goes with the mechanism native; elsewhere it is called discard");
	return read_master(object, &out->master, place, err);
}

/* ---- writing */

static json_t *master_to_json(const struct request_master *master)
{
	json_t *object = json_object();
	json_t *roles = json_array();

	json_object_set_new(object, "has_domain", json_boolean(master->has_domain));
	json_object_set_new(object, "require_domain", json_boolean(master->require_domain));
	for (size_t i = 0; i < master->refused_role_count; i++)
		json_array_append_new(roles, json_string(master->refused_roles[i]));
	json_object_set_new(object, "refused_roles", roles);
	return object;
}

void request_put_options(json_t *object, const struct request *request)
{
	if (request->allow_task_loss)
		json_object_set_new(object, "allow_task_loss", json_true());
	if (request->allow_port_change)
		json_object_set_new(object, "allow_port_change", json_true());
	if (request->hold_configuration_management)
		json_object_set_new(object, "hold_configuration_management", json_true());
	if (!request->recover_state)
		json_object_set_new(object, "recover_state", json_false());
	if (request->master.known)
		json_object_set_new(object, "master", master_to_json(&request->master));
}
