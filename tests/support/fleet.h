/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FLEET_H
#define TESTS_SUPPORT_FLEET_H
/* Agents as a master would list them, and a database that knows them. */
#include <stdint.h>

#include "inventory/agents.h"
#include "inventory/store.h"

/* What a test says of an agent; NULL: a default. */
struct fleet_agent {
	const char *id;         /* required */
	const char *hostname;   /* default: the ID */
	const char *ip;         /* 10.0.0.1 */
	const char *version;    /* 1.11.0 */
	const char *attributes; /* none */
	const char *resources;  /* cpus:4;mem:1024;disk:2048;ports:[31000-32000] */
	const char *used;       /* none */
	const char *region;     /* no domain without it */
	const char *zone;
	bool inactive;
};

/* A view as mesos/agent.h has it; clear it with agent_view_clear. */
void fleet_view(const struct fleet_agent *agent, struct agent_view *out);

/* Puts exactly these agents (and no tasks) into the cluster. Fails the test when that does not work. */
void fleet_sync(struct store *store, int64_t cluster, const struct fleet_agent *agents, size_t count);

/* The record of one agent, loaded from the database. */
void fleet_record(struct store *store, int64_t cluster, const char *id, struct agent_record *out);

#endif
