/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/planner_acl.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* ---- one ACL: {"principals": {"type": "ANY"}, "roles": {"values": ["web"]}} */

enum match { MATCH_NO, MATCH_MAYBE, MATCH_YES };

static bool is_type(const json_t *entity, const char *type)
{
	const char *text = json_string_value(json_object_get(entity, "type"));

	return text && strcmp(text, type) == 0;
}

static bool lists(const json_t *entity, const char *value)
{
	const json_t *values = json_object_get(entity, "values");

	for (size_t i = 0; i < json_array_size(values); i++) {
		const char *text = json_string_value(json_array_get(values, i));

		if (text && strcmp(text, value) == 0)
			return true;
	}
	return false;
}

/* ANY and NONE are about everybody; a list is about those it names, and which one the agent is we do not know. */
static enum match match_principal(const json_t *entity)
{
	return is_type(entity, "ANY") || is_type(entity, "NONE") ? MATCH_YES : MATCH_MAYBE;
}

static bool match_role(const json_t *entity, const char *role)
{
	return is_type(entity, "ANY") || is_type(entity, "NONE") || lists(entity, role);
}

/* The first entry that is about the pair decides; NONE on either side is a no. */
static enum planner_acl judge(const json_t *root, const char *role)
{
	const json_t *entries = json_object_get(root, "reserve_resources");
	const json_t *permissive = json_object_get(root, "permissive");
	bool allowed_to_some = false, refused_to_some = false, decided = false;

	for (size_t i = 0; !decided && i < json_array_size(entries); i++) {
		const json_t *entry = json_array_get(entries, i);
		const json_t *principals = json_object_get(entry, "principals"),
			     *roles = json_object_get(entry, "roles");
		bool allows = !is_type(principals, "NONE") && !is_type(roles, "NONE");

		if (!match_role(roles, role))
			continue;
		decided = match_principal(principals) == MATCH_YES;
		*(allows ? &allowed_to_some : &refused_to_some) = true;
	}
	if (!decided)
		*(json_is_false(permissive) ? &refused_to_some : &allowed_to_some) = true;
	if (allowed_to_some && refused_to_some)
		return ACL_DEPENDS;
	return refused_to_some ? ACL_REFUSES : ACL_ALLOWS;
}

enum planner_acl planner_acl_reserve(const char *acls, const char *role)
{
	enum planner_acl result = ACL_UNKNOWN;

	if (!acls || acls[0] == '\0')
		return ACL_ALLOWS;
	json_t *root = json_loads(acls, 0, NULL);
	if (json_is_object(root))
		result = judge(root, role);
	json_decref(root);
	return result;
}

/* ---- roles of a SlaveInfo */

/* NULL: not statically reserved. On disk a static reservation is in `role`, elsewhere it is the first of `reservations`. */
static const char *static_role(const Mesos__Resource *resource)
{
	if (resource->n_reservations > 0) {
		const Mesos__Resource__ReservationInfo *first = resource->reservations[0];

		return first->has_type && first->type == MESOS__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC ? NULL
													  : first->role;
	}
	if (!resource->role || strcmp(resource->role, "*") == 0 || resource->reservation)
		return NULL;
	return resource->role;
}

static bool reserves(const Mesos__SlaveInfo *info, size_t limit, const char *role)
{
	for (size_t i = 0; i < limit; i++) {
		const char *other = static_role(info->resources[i]);

		if (other && strcmp(other, role) == 0)
			return true;
	}
	return false;
}

void planner_new_static_roles(const Mesos__SlaveInfo *before, const Mesos__SlaveInfo *after,
			      void (*visit)(void *ctx, const char *role), void *ctx)
{
	for (size_t i = 0; i < after->n_resources; i++) {
		const char *role = static_role(after->resources[i]);

		if (role && !reserves(after, i, role) && !reserves(before, before->n_resources, role))
			visit(ctx, role);
	}
}
