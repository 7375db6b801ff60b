/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_SHAPES_H
#define LAB_CORE_SHAPES_H
/*
 * Pieces that the JSON of Mesos' older endpoints is made of, the same on masters and agents: resources as sums by name,
 * attributes as an object (with the same key twice where there are two attributes of a name), tasks.
 */
#include "lab/core/writer.h"
#include "mesos/resources.h"
#include "mesos/slaveinfo.h"

#define SHAPE_BUILD_DATE "2026-11-23 00:00:00 UTC"
#define SHAPE_BUILD_TIME 1795400000.0
#define SHAPE_BUILD_USER "root"

extern const char *const shape_agent_capabilities[]; /* NULL-terminated */

void shape_version(struct writer *writer); /* the four members of /version */
void shape_version_of(struct writer *writer, const char *version);
void shape_capabilities(struct writer *writer, const char *const names[]);
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

/* The resources of a message's array, normalised. out must be cleared. */
void shape_take_resources(struct resources *out, Mesos__Resource *const *items, size_t count);

#endif
