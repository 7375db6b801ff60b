/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_SLAVEINFO_H
#define MESOS_SLAVEINFO_H
/*
 * The SlaveInfo: what an agent is. One form in memory, the message of schema/mesos.proto as protobuf-c makes it, whether it
 * came from flags, a checkpoint or a master's answer. Everything here allocates with malloc, and slaveinfo_free frees
 * whatever was built or unpacked.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "mesos/flags.h"
#include "mesos/resources.h"
#include "mesos/version.h"
#include "schema/mesos.pb-c.h"

/* What an agent detects by itself when its flags do not say; negative: not known (then needing it is ERROR_USAGE that
 * names the flag to give). */
struct detected {
	const char *hostname; /* NULL: not known */
	double cpus;
	double mem_mb;
	double disk_mb;
	double gpus; /* 0 when there are none */
};
#define DETECTED_UNKNOWN                                                                                               \
	{                                                                                                              \
		.hostname = NULL, .cpus = -1, .mem_mb = -1, .disk_mb = -1, .gpus = 0                                   \
	}

/* The figures of this machine, computed as the agent does (CPUs, memory minus 1 GiB if >= 2 GiB else half, disk of
 * work_dir's filesystem minus 5 GiB if >= 10 GiB else half). hostname stays NULL. */
int detect_machine(const char *work_dir, struct detected *out, struct error *err);

/* The SlaveInfo an agent of that version would have with these flags (file:// values already resolved), without an
 * ID. ERROR_USAGE when the agent would not start: err->text is what it would say. Free with slaveinfo_free. */
Mesos__SlaveInfo *slaveinfo_from_flags(const struct flags *flags, const struct detected *detected,
				       const struct mesos_version *version, struct error *err);

void slaveinfo_free(Mesos__SlaveInfo *info); /* NULL is fine */
Mesos__SlaveInfo *slaveinfo_copy(const Mesos__SlaveInfo *info);
void slaveinfo_set_id(Mesos__SlaveInfo *info, const char *id);

const char *slaveinfo_id(const Mesos__SlaveInfo *info); /* "" when there is none; borrowed */
int slaveinfo_port(const Mesos__SlaveInfo *info);       /* 5051 when there is none */
/* Its resources, normalised; the caller clears them. */
struct resources slaveinfo_resources(const Mesos__SlaveInfo *info);

/* Wire form. pack appends to out. unpack: ERROR_CORRUPT when it is no SlaveInfo (hostname missing, trailing bytes…). */
void slaveinfo_pack(const Mesos__SlaveInfo *info, struct buffer *out);
Mesos__SlaveInfo *slaveinfo_unpack(const void *data, size_t len, struct error *err);

/* From the JSON of GET_AGENTS ("agent_info") and back: enums by name, int64 as numbers; unknown keys are ignored. */
Mesos__SlaveInfo *slaveinfo_from_json(const json_t *agent_info, struct error *err);
json_t *slaveinfo_to_json(const Mesos__SlaveInfo *info);

/* The protobuf text form, as the agent's refusal prints it. */
void slaveinfo_to_text(const Mesos__SlaveInfo *info, struct buffer *out);

/* The parts of a SlaveInfo, as bits. */
enum slaveinfo_part {
	PART_HOSTNAME = 1 << 0,
	PART_PORT = 1 << 1,
	PART_RESOURCES = 1 << 2,
	PART_ATTRIBUTES = 1 << 3,
	PART_DOMAIN = 1 << 4,
	PART_ID = 1 << 5,
	PART_CHECKPOINT = 1 << 6,
};
/* "hostname", "port", "resources", "attributes", "domain", "id", "checkpoint" (one bit). */
const char *slaveinfo_part_name(enum slaveinfo_part part);
/* ["attributes", …] for a set of bits. */
json_t *slaveinfo_parts_to_json(unsigned parts);

/* Which parts differ, compared as the agent does under `equal` (after normalising reservations; order and spelling do
 * not matter). A missing ID on either side does not count as a difference. */
unsigned slaveinfo_diff(const Mesos__SlaveInfo *a, const Mesos__SlaveInfo *b);
/* The same by the rules of another version than the newest. */
unsigned slaveinfo_diff_for(const Mesos__SlaveInfo *a, const Mesos__SlaveInfo *b, const struct mesos_version *version);

/* One difference, for people: "attributes", "rack", "r1", "r2" (NULL: absent). */
struct slaveinfo_change {
	enum slaveinfo_part part;
	char *what;   /* attribute name, "cpus", "mem(web)", "zone"… */
	char *before; /* NULL: was not there */
	char *after;  /* NULL: is no longer there */
};
struct slaveinfo_changes {
	struct slaveinfo_change *items;
	size_t count;
};
void slaveinfo_changes(const Mesos__SlaveInfo *before, const Mesos__SlaveInfo *after, struct slaveinfo_changes *out);
void slaveinfo_changes_clear(struct slaveinfo_changes *changes);

#endif
