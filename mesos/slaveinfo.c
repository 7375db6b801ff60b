/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/slaveinfo.h"

#include <string.h>

#include "base/alloc.h"
#include "mesos/attributes.h"
#include "mesos/domain.h"
#include "mesos/pb.h"
#include "mesos/resources.h"

/* What SlaveInfo.port means when it is not there. */
#define PORT_DEFAULT 5051

void slaveinfo_free(Mesos__SlaveInfo *info)
{
	pb_free(info);
}

Mesos__SlaveInfo *slaveinfo_copy(const Mesos__SlaveInfo *info)
{
	return info != NULL ? pb_copy(info) : NULL;
}

void slaveinfo_set_id(Mesos__SlaveInfo *info, const char *id)
{
	pb_free(info->id);
	info->id = NULL;
	if (id == NULL)
		return;
	info->id = pb_new(&mesos__slave_id__descriptor);
	info->id->value = xstrdup(id);
}

const char *slaveinfo_id(const Mesos__SlaveInfo *info)
{
	return info->id != NULL ? info->id->value : "";
}

int slaveinfo_port(const Mesos__SlaveInfo *info)
{
	return info->has_port ? info->port : PORT_DEFAULT;
}

void slaveinfo_pack(const Mesos__SlaveInfo *info, struct buffer *out)
{
	pb_pack(info, out);
}

Mesos__SlaveInfo *slaveinfo_unpack(const void *data, size_t len, struct error *err)
{
	Mesos__SlaveInfo *info = pb_unpack(&mesos__slave_info__descriptor, data, len);

	if (info == NULL)
		error_set(err, ERROR_CORRUPT, "These %zu bytes are no SlaveInfo", len);
	return info;
}

Mesos__SlaveInfo *slaveinfo_from_json(const json_t *agent_info, struct error *err)
{
	return pb_from_json(&mesos__slave_info__descriptor, agent_info, err);
}

json_t *slaveinfo_to_json(const Mesos__SlaveInfo *info)
{
	return pb_to_json(info);
}

void slaveinfo_to_text(const Mesos__SlaveInfo *info, struct buffer *out)
{
	pb_to_text(info, out);
}

/* ---- parts */

static const struct {
	enum slaveinfo_part part;
	const char *name;
} part_names[] = {
	{PART_HOSTNAME, "hostname"},     {PART_PORT, "port"},     {PART_RESOURCES, "resources"},
	{PART_ATTRIBUTES, "attributes"}, {PART_DOMAIN, "domain"}, {PART_ID, "id"},
	{PART_CHECKPOINT, "checkpoint"},
};
#define PART_COUNT (sizeof(part_names) / sizeof(part_names[0]))

const char *slaveinfo_part_name(enum slaveinfo_part part)
{
	for (size_t i = 0; i < PART_COUNT; i++)
		if (part_names[i].part == part)
			return part_names[i].name;
	return "";
}

json_t *slaveinfo_parts_to_json(unsigned parts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < PART_COUNT; i++)
		if (parts & (unsigned)part_names[i].part)
			json_array_append_new(array, json_string(part_names[i].name));
	return array;
}

/* ---- comparing */

struct resources slaveinfo_resources(const Mesos__SlaveInfo *info)
{
	struct resources copy = {NULL, 0};

	resources_copy(&copy, info->resources, info->n_resources);
	resources_normalise(&copy);
	return copy;
}

static bool same_resources(const Mesos__SlaveInfo *a, const Mesos__SlaveInfo *b)
{
	struct resources left = {a->resources, a->n_resources}, right = {b->resources, b->n_resources};

	return resources_equal(&left, &right);
}

static bool same_attributes(const Mesos__SlaveInfo *a, const Mesos__SlaveInfo *b, const struct mesos_version *version)
{
	struct attributes left = {a->attributes, a->n_attributes}, right = {b->attributes, b->n_attributes};

	return attributes_equal(&left, &right, version);
}

unsigned slaveinfo_diff_for(const Mesos__SlaveInfo *a, const Mesos__SlaveInfo *b, const struct mesos_version *version)
{
	unsigned parts = 0;

	if (strcmp(a->hostname, b->hostname) != 0)
		parts |= PART_HOSTNAME;
	if (slaveinfo_port(a) != slaveinfo_port(b))
		parts |= PART_PORT;
	if (!same_resources(a, b))
		parts |= PART_RESOURCES;
	if (!same_attributes(a, b, version))
		parts |= PART_ATTRIBUTES;
	if (!domain_equal(a->domain, b->domain))
		parts |= PART_DOMAIN;
	if (a->id != NULL && b->id != NULL && strcmp(a->id->value, b->id->value) != 0)
		parts |= PART_ID;
	if ((a->has_checkpoint && a->checkpoint) != (b->has_checkpoint && b->checkpoint))
		parts |= PART_CHECKPOINT;
	return parts;
}

unsigned slaveinfo_diff(const Mesos__SlaveInfo *a, const Mesos__SlaveInfo *b)
{
	return slaveinfo_diff_for(a, b, &mesos_version_newest);
}
