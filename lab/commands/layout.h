/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_COMMANDS_LAYOUT_H
#define LAB_COMMANDS_LAYOUT_H
/* Making a lab's folder: addresses, hosts with their files, keys, the cluster file. Nothing here starts anything. */
#include "base/error.h"
#include "lab/commands/likeness.h"
#include "lab/commands/masters.h"
#include "lab/core/lab.h"
#include "mesos/version.h"

struct layout_request {
	const char *dir;
	int64_t agents;
	int64_t zones;
	int64_t tasks_per_agent;
	int64_t loose_tasks_per_agent;
	double time_scale;
	struct masters_request masters;
	const struct likeness *likeness;      /* of a real cluster, whose agents these are; NULL: the lab's own */
	const struct mesos_version *versions; /* of the hosts, in turn */
	const bool *proposal;                 /* of the hosts, in turn: do their agents speak the dialect `proposal`? */
	size_t dialect_count;                 /* 0: none does */
	size_t version_count;                 /* 0: the likeness's, or the newest */
};

/* ERROR_USAGE when dir is not empty, or holds a lab; ERROR_SYSTEM when there are no free addresses. What was written
 * of a lab that could not be made is removed again. */
struct lab *layout_make(const struct layout_request *request, struct error *err);

/* ---- layout_host.c: the index-th host's folder. program is what its agent and systemctl are links to. */
int layout_host(const struct lab *lab, const struct layout_request *request, size_t index, const char *program,
		struct error *err);

#endif
