/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_SHAPES_H
#define LAB_CORE_SHAPES_H
/*
 * Pieces that the JSON of Mesos' older endpoints is made of, the same on masters and agents: resources as sums by name,
 * attributes as an object (with the same key twice where there are two attributes of a name), tasks.
 */
#include <jansson.h>

#include "lab/core/writer.h"
#include "mesos/resources.h"
#include "mesos/slaveinfo.h"
#include "mesos/version.h"

#define SHAPE_BUILD_DATE "2026-11-23 00:00:00 UTC"
#define SHAPE_BUILD_TIME 1795400000.0
#define SHAPE_BUILD_USER "root"

void shape_version(struct writer *writer); /* the four members of /version */
void shape_version_of(struct writer *writer, const char *version);
/* What agents of a version say they can: the one whose number is index + 1, NULL when they cannot; and the array. */
const char *shape_agent_capability(size_t index, const struct mesos_version *version);
void shape_agent_capabilities(struct writer *writer, const struct mesos_version *version);
/* {"cpus":4.0,…,"ports":"[31000-32000]"}: all, or only those reserved for role, or ("*") only the unreserved. */
void shape_resources(struct writer *writer, const struct resources *resources, const char *role);
/* {"role": {sums}} over every role something is reserved for. */
void shape_reserved(struct writer *writer, const struct resources *resources);
/* [{"name":…,"role":…}] of role, as the *_full members have them; role NULL: all. */
void shape_resources_full(struct writer *writer, const struct resources *resources, const char *role);
void shape_reserved_full(struct writer *writer, const struct resources *resources);
void shape_attributes(struct writer *writer, const Mesos__SlaveInfo *info);
/* A member "domain", nothing when there is none. */
void shape_put_domain(struct writer *writer, const Mesos__DomainInfo *domain);
void shape_task(struct writer *writer, const Mesos__Task *task);
const char *shape_task_state(Mesos__TaskState state); /* "TASK_RUNNING" */

/* What v1 calls things: agent_id for slave_id, REASON_AGENT_… for REASON_SLAVE_…; everywhere in value. */
void shape_as_v1(json_t *value);

/* The resources of a message's array, normalised. out must be cleared. */
void shape_take_resources(struct resources *out, Mesos__Resource *const *items, size_t count);
/* Dynamic reservations and volumes take the place of what they were made of. Both normalised. */
void shape_apply_reserved(struct resources *total, const struct resources *reserved);

#endif
