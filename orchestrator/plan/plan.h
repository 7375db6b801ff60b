/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLAN_H
#define ORCHESTRATOR_PLAN_H
/*
 * A plan: what a rollout would change, agent by agent, frozen. Its bytes are made once (plan_write), hashed, stored, shown, signed;
 * plan_parse gives back exactly what was planned. Making one (planner.h) changes nothing anywhere: it reads the inventory's last
 * sync and survey. The document's shape is schema/plan.schema.json.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"
#include "mesos/agent.h"
#include "mesos/host.h"
#include "mesos/slaveinfo.h"
#include "orchestrator/engine/engine.h"
#include "protocol/request.h"

struct plan_task {
	char *id, *name, *framework_id, *framework_name;
	bool survives; /* its framework checkpoints and the mechanism keeps tasks */
};

struct plan_agent {
	char *agent_id;
	char *hostname;
	char *ip;
	int port;
	char *domain; /* failure domain "region/zone", NULL: none */
	struct host_settings host;
	enum mechanism mechanism;
	char *why;               /* why this mechanism, for people */
	unsigned differs;        /* parts of the SlaveInfo */
	bool stock_accepts;      /* would a stock agent come back with these flags as it is? */
	char *stock_message;     /* what it would say if not */
	struct flag_edit *edits; /* value NULL: removed */
	size_t edit_count;
	struct flags before_flags; /* effective ones, of the edited flags only; secrets never */
	Mesos__SlaveInfo *before, *after;
	struct request_expectation expect;
	int64_t start_ticks; /* of the agent's process when its host was surveyed; the proof wants a younger one. 0: not known */
	struct plan_task *tasks;
	size_t task_count;
	char **notes; /* what the operator should know before saying yes */
	size_t note_count;
};
void plan_agent_clear(struct plan_agent *agent);

struct plan {
	char hash[DIGEST_HEX_SIZE]; /* of the bytes; "" before plan_write */
	char *cluster;
	char *config; /* "web-tier" */
	int config_version;
	char *config_sha256;
	int64_t created_ms;  /* wall clock */
	int64_t surveyed_ms; /* the oldest survey it rests on */
	char *where;         /* NULL: no selector */
	unsigned ignore;     /* enum slaveinfo_part */
	struct engine_options options;
	struct plan_agent *agents; /* those that change, in the order they would be changed */
	size_t agent_count;
	char **unchanged; /* hostnames that match and already are as the config says */
	size_t unchanged_count;
};

void plan_init(struct plan *plan);
void plan_clear(struct plan *plan);
/* More than 10,000 agents with long flags need. */
#define PLAN_MAX (256u << 20)

/* The document's bytes, one line of JSON with its keys in a fixed order; sets plan->hash. */
void plan_write(struct plan *plan, struct buffer *out);
/* source names the document in errors. ERROR_USAGE when it is no plan; ERROR_CORRUPT when it is one that plan_write would
 * write differently, which means that somebody edited it. White space after its end is not part of it. */
int plan_parse(const char *source, const void *bytes, size_t len, struct plan *out, struct error *err);

#endif
