/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/compatibility.h"

#include <string.h>

#include "mesos/attributes.h"
#include "mesos/domain.h"
#include "mesos/pb.h"
#include "mesos/resource.h"
#include "mesos/text_json.h"
#include "mesos/value.h"

#define RULE "------------------------------------------------------------"

/* ---- equal */

static void explain_equal(const Mesos__SlaveInfo *previous, const Mesos__SlaveInfo *current, struct buffer *message)
{
	buffer_puts(message, "Incompatible agent info detected. \n\n" RULE "\nOld agent info:\n");
	slaveinfo_to_text(previous, message);
	buffer_puts(message, "\n\n" RULE "\nNew agent info:\n");
	slaveinfo_to_text(current, message);
	buffer_puts(message, "\n\n" RULE);
}

/* Before 1.5 the new info was printed before it got its ID. */
static void explain_equal_1_4(const Mesos__SlaveInfo *previous, const Mesos__SlaveInfo *current, struct buffer *message)
{
	Mesos__SlaveInfo *without_id = slaveinfo_copy(current);

	slaveinfo_set_id(without_id, NULL);
	buffer_puts(message, "Incompatible agent info detected.\n" RULE "\nOld agent info:\n");
	slaveinfo_to_text(previous, message);
	buffer_puts(message, "\n" RULE "\nNew agent info:\n");
	slaveinfo_to_text(without_id, message);
	buffer_puts(message, "\n" RULE);
	slaveinfo_free(without_id);
}

bool compatible_equal(const Mesos__SlaveInfo *previous, const Mesos__SlaveInfo *current, const Mesos__SlaveInfo *shown,
		      const struct mesos_version *version, struct buffer *message)
{
	if (slaveinfo_diff_for(previous, current, version) == 0)
		return true;
	if (mesos_version_at_least(version, 1, 5))
		explain_equal(shown, current, message);
	else
		explain_equal_1_4(shown, current, message);
	return false;
}

/* ---- additive: hostname, port, domain */

#define REFUSED_INFO  "Configuration change not permitted under `additive` policy: "
#define REFUSED_VALUE "Configuration change not permitted under 'additive' policy: "

static bool same_identity(const Mesos__SlaveInfo *previous, const Mesos__SlaveInfo *current,
			  const struct mesos_version *version, struct buffer *message)
{
	if (strcmp(previous->hostname, current->hostname) != 0) {
		buffer_printf(message, REFUSED_INFO "Hostname changed from %s to %s", previous->hostname,
			      current->hostname);
		return false;
	}
	if (slaveinfo_port(previous) != slaveinfo_port(current)) {
		buffer_printf(message, REFUSED_INFO "Port changed from %d to %d", slaveinfo_port(previous),
			      slaveinfo_port(current));
		return false;
	}
	if (previous->domain != NULL && !domain_equal(previous->domain, current->domain)) {
		buffer_puts(message, REFUSED_INFO "Domain changed from ");
		domain_print(previous->domain, version, message);
		buffer_puts(message, " to ");
		domain_print(current->domain, version, message);
		return false;
	}
	return true;
}

/* ---- additive: resources */

static const Mesos__Resource *find_kind(const struct resources *resources, const Mesos__Resource *wanted)
{
	for (size_t i = 0; i < resources->count; i++)
		if (resource_same_kind(resources->items[i], wanted))
			return resources->items[i];
	return NULL;
}

static bool resource_grew(const Mesos__Resource *old, const Mesos__Resource *new)
{
	switch (old->type) {
	case MESOS__VALUE__TYPE__SCALAR:
		return scalar_fixed(old->scalar->value) <= scalar_fixed(new->scalar->value);
	case MESOS__VALUE__TYPE__RANGES:
		return ranges_within(old->ranges, new->ranges);
	default:
		return set_within(old->set, new->set);
	}
}

static void explain_resource(const Mesos__Resource *old, const Mesos__Resource *new, struct buffer *message)
{
	bool scalar = old->type == MESOS__VALUE__TYPE__SCALAR;

	buffer_puts(message, REFUSED_VALUE);
	if (scalar)
		buffer_printf(message, "Value of scalar resource '%s' decreased from ", old->name);
	else
		buffer_printf(message, "Previous value of %s resource '%s' (",
			      old->type == MESOS__VALUE__TYPE__RANGES ? "range" : "set", old->name);
	resource_value_print(old, message);
	buffer_puts(message, scalar ? " to " : ") not included in current ");
	resource_value_print(new, message);
}

static bool resource_kept(const Mesos__Resource *old, const struct resources *current, struct buffer *message)
{
	const Mesos__Resource *match = find_kind(current, old);

	if (match == NULL) {
		buffer_puts(message, "Configuration change not permitted under 'additive' policy. "
				     "Resource not found: ");
		resource_print(old, message);
		return false;
	}
	if (resource_grew(old, match))
		return true;
	explain_resource(old, match, message);
	return false;
}

static bool resources_kept(const Mesos__SlaveInfo *previous, const Mesos__SlaveInfo *current, struct buffer *message)
{
	struct resources before = slaveinfo_resources(previous), after = slaveinfo_resources(current);
	bool kept = true;

	for (size_t i = 0; kept && i < before.count; i++)
		kept = resource_kept(before.items[i], &after, message);
	resources_clear(&before);
	resources_clear(&after);
	return kept;
}

/* ---- additive: attributes */

static const Mesos__Attribute *find_name(const Mesos__SlaveInfo *info, const char *name)
{
	for (size_t i = 0; i < info->n_attributes; i++)
		if (strcmp(info->attributes[i]->name, name) == 0)
			return info->attributes[i];
	return NULL;
}

static void explain_attribute(const Mesos__Attribute *old, const Mesos__Attribute *new, struct buffer *message)
{
	bool ranges = old->type == MESOS__VALUE__TYPE__RANGES;

	/* The agent calls it a resource, and leaves the usual beginning out. */
	if (ranges)
		buffer_printf(message, "Previous value of ranges resource '%s' (", old->name);
	else
		buffer_printf(message, REFUSED_VALUE "Value of %s attribute '%s' changed from ",
			      old->type == MESOS__VALUE__TYPE__SCALAR ? "scalar" : "text", old->name);
	attribute_value_text(old, message);
	buffer_puts(message, ranges ? ") not included in current " : " to ");
	attribute_value_text(new, message);
}

static bool attribute_kept(const Mesos__Attribute *old, const Mesos__SlaveInfo *current, struct buffer *message)
{
	const Mesos__Attribute *match = find_name(current, old->name);

	if (match == NULL) {
		buffer_printf(message, REFUSED_VALUE "Couldn't find attribute %s=", old->name);
		attribute_value_text(old, message);
		return false;
	}
	if (match->type != old->type) {
		buffer_printf(message, REFUSED_VALUE "Type of attribute '%s' changed from %d to %d", old->name,
			      (int)old->type, (int)match->type);
		return false;
	}
	if (attribute_equal(old, match) || (old->type == MESOS__VALUE__TYPE__RANGES && old->ranges != NULL &&
					    match->ranges != NULL && ranges_within(old->ranges, match->ranges)))
		return true;
	explain_attribute(old, match, message);
	return false;
}

bool compatible_additive(const Mesos__SlaveInfo *previous, const Mesos__SlaveInfo *current,
			 const struct mesos_version *version, struct buffer *message)
{
	if (!mesos_version_at_least(version, 1, 5)) {
		buffer_puts(message, "Failed to load unknown flag 'reconfiguration_policy'");
		return false;
	}
	if (!same_identity(previous, current, version, message) || !resources_kept(previous, current, message))
		return false;
	for (size_t i = 0; i < previous->n_attributes; i++)
		if (!attribute_kept(previous->attributes[i], current, message))
			return false;
	return true;
}

/* ---- dynamic reservations and volumes */

/* What had to be there before it was reserved: without dynamic reservations, and no volume. */
static Mesos__Resource *stripped(const Mesos__Resource *resource)
{
	Mesos__Resource *copy = pb_copy(resource);
	size_t keep = 0;

	if (resource_is_dynamic(copy))
		keep = copy->reservations[0]->type == MESOS__RESOURCE__RESERVATION_INFO__TYPE__STATIC ? 1 : 0;
	else
		keep = copy->n_reservations;
	while (copy->n_reservations > keep)
		pb_free(copy->reservations[--copy->n_reservations]);
	if (resource_is_volume(copy) && copy->disk->source != NULL) {
		pb_free(copy->disk->persistence);
		copy->disk->persistence = NULL;
		pb_free(copy->disk->volume);
		copy->disk->volume = NULL;
	} else if (resource_is_volume(copy)) {
		pb_free(copy->disk);
		copy->disk = NULL;
	}
	pb_free(copy->shared);
	copy->shared = NULL;
	return copy;
}

static void explain_reservations(const Mesos__SlaveInfo *current, const struct resources *checkpointed,
				 const struct mesos_version *version, struct buffer *message)
{
	struct resources flags = {current->resources, current->n_resources};
	json_t *json = resources_to_json(&flags);

	buffer_puts(message, "Checkpointed resources ");
	resources_to_text(checkpointed, message);
	buffer_puts(message, " are incompatible with agent resources ");
	text_json_write(json, version, message);
	buffer_puts(message, ": ");
	json_decref(json);
}

static void explain_missing(const struct resources *total, const Mesos__Resource *missing, struct buffer *message)
{
	buffer_puts(message, "Incompatible agent resources: ");
	resources_to_text(total, message);
	buffer_puts(message, " does not contain ");
	resource_print(missing, message);
}

/* Takes what one reservation needs out of total and puts the reservation in. */
static bool apply(struct resources *total, const Mesos__Resource *reserved, struct buffer *cause)
{
	Mesos__Resource *needed = stripped(reserved);
	bool fits = false;

	if (reserved->provider_id != NULL || (!resource_is_dynamic(reserved) && !resource_is_volume(reserved))) {
		buffer_puts(cause, "Unexpected checkpointed resources ");
		resource_print(reserved, cause);
	} else if (!resources_have(total, needed)) {
		explain_missing(total, needed, cause);
	} else {
		resources_subtract(total, needed);
		resources_take(total, pb_copy(reserved));
		fits = true;
	}
	pb_free(needed);
	return fits;
}

bool compatible_reservations(const Mesos__SlaveInfo *current, const struct resources *checkpointed,
			     const struct mesos_version *version, struct buffer *message)
{
	struct resources total = slaveinfo_resources(current), reserved = {NULL, 0};
	struct buffer cause = BUFFER_INIT(message->max);
	bool fits = true;

	resources_copy(&reserved, checkpointed->items, checkpointed->count);
	resources_normalise(&reserved);
	for (size_t i = 0; fits && i < reserved.count; i++)
		fits = apply(&total, reserved.items[i], &cause);
	if (!fits) {
		explain_reservations(current, &reserved, version, message);
		buffer_append(message, buffer_text(&cause), cause.len);
	}
	buffer_clear(&cause);
	resources_clear(&total);
	resources_clear(&reserved);
	return fits;
}
