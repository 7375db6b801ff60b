/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_COMMANDS_LIKENESS_H
#define LAB_COMMANDS_LIKENESS_H
/*
 * The likeness of a real cluster, for `up --from`: read from what `rollcall inventory export` writes (JSON lines, one a
 * row of its database). Of each agent that the master listed: hostname, port, attributes, resources with their
 * reservations, domain, version, and its tasks by framework. What an agent's tasks use is spread evenly over them, for
 * the inventory knows the sum only.
 */
#include <jansson.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "mesos/resources.h"
#include "mesos/slaveinfo.h"

struct likeness_host {
	char *agent; /* its ID there; here it gets another */
	char *hostname;
	char *version;
	Mesos__SlaveInfo *info;
	struct resources reserved; /* dynamic reservations and volumes, as its survey or else its total has them */
	struct resources used;
	json_t *tasks; /* [{"framework": index, "name"}] */
	int64_t registered_ns;
};

struct likeness {
	struct likeness_host *hosts;
	size_t count;
	size_t gone; /* agents that are in the export, and that the master no longer listed */
	size_t tasks;
	json_t *frameworks;   /* [{"id", "name", "role", "checkpoint", "partition_aware"}] */
	char *region, *zone;  /* the master's domain; NULL: it has none */
	char *master_version; /* NULL: not known */
};

/* cluster NULL: the only one. ERROR_USAGE when the file is no export, has no such cluster, or holds hostnames that
 * cannot be a host's folder. Free with likeness_free. */
struct likeness *likeness_read(const char *path, const char *cluster, struct error *err);
void likeness_free(struct likeness *likeness); /* NULL is fine */

/* The flags that make up its SlaveInfo, as lines of an environment file. */
void likeness_put_flags(const struct likeness_host *host, struct buffer *out);
/* What the lab's master needs: its own domain, the frameworks, and the tasks of each host. Caller owns. */
json_t *likeness_for_master(const struct likeness *likeness);

#endif
