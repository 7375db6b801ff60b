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
#include "orchestrator/plan/gates.h"
#include "protocol/request.h"

/* The document's shape. Plans of format 1 are read, and written again as they were: they have one stage, no gates, and none of what
 * follows below "since format 2". */
#define PLAN_FORMAT 2

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

	/* since format 2 */
	bool native_discard; /* with MECHANISM_NATIVE: the agent itself ends its tasks (--recover_state=false) */
	char **reservations; /* what frameworks and operators have reserved on it: "cpus(web): 2", kept as it is */
	size_t reservation_count;
	int64_t expected_away_ms; /* from leaving the master to being proven back; 0: not known */
	int64_t worst_away_ms;    /* … when the new start fails at its last moment and everything is undone */
	int64_t recovery_ms;      /* its --recovery_timeout: executors alone longer than this end themselves */
	int64_t start_timeout_ms; /* so long may its new process take to be there; 0: as long as it always may */
};
void plan_agent_clear(struct plan_agent *agent);

/* One thing the masters or the fleet as a whole say about this plan. */
struct plan_finding {
	bool risk;    /* false: for information */
	char *about;  /* a master's URL, a framework's name, "cluster" */
	char *text;   /* what is so, and what follows from it */
	char *remedy; /* what to do about it; NULL: nothing needs to be done */
};

/* An agent of the cluster that the plan leaves as it is, those aside that already are as the config says. */
enum plan_left_why {
	LEFT_IGNORED,   /* the inventory's ignore list */
	LEFT_EXCLUDED,  /* --exclude */
	LEFT_REFUSED,   /* a rollback that cannot take it back */
	LEFT_UNMATCHED, /* no rule of the config is about it */
	LEFT_UNCHOSEN,  /* --where does not choose it */
	LEFT_UNLISTED,  /* the master does not list it any more */
	LEFT_WHY_COUNT,
};
const char *
plan_left_why_name(enum plan_left_why why); /* "ignored", "excluded", "refused", "unmatched", "unchosen", "unlisted" */
struct plan_left_out {
	char *agent_id, *hostname;
	enum plan_left_why why;
	char *reason;
};

/* Clocks that run while an agent is away; 0: not known. */
struct plan_clocks {
	int64_t silent_ms;     /* its process may be silent for so long before it is marked unreachable */
	int64_t reregister_ms; /* it may be disconnected for so long */
};

/* How long the whole takes, agents' time away and waiting between them. */
struct plan_forecast {
	int64_t expected_ms;
	int64_t worst_ms;
	int past_agents; /* expected_away_ms rests on so many agents of earlier runs on this cluster… */
	int past_runs;   /* … in so many runs; 0: computed from the agents' flags */
};

/* What the masters said that a host must know; see struct request_master. */
struct plan_master {
	bool known, has_domain, require_domain;
};

struct plan {
	int format;                 /* 1 or PLAN_FORMAT */
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

	/* since format 2 */
	char *rolls_back;  /* the run that this plan takes back; NULL: none */
	char *exclude;     /* --exclude; NULL: none */
	char *order;       /* how agents are ordered beyond canaries: "zone" with --by zone; NULL: by hostname */
	bool offline;      /* neither masters nor hosts were asked: it rests on what was known */
	int64_t synced_ms; /* when the master was asked last */
	bool allow_port_change;
	bool accept_stale_master;
	bool hold_configuration_management;
	struct engine_stage *stages; /* in order; none: one stage with options.window */
	char **stage_names;          /* as many: "canaries", "zone eu-1a" */
	size_t stage_count;
	struct plan_gate *agent_gates, *stage_gates;
	size_t agent_gate_count, stage_gate_count;
	struct plan_clocks clocks;
	struct plan_master master;
	struct plan_forecast forecast;
	struct plan_finding *findings;
	size_t finding_count;
	struct plan_left_out *left_out;
	size_t left_out_count;
};

void plan_init(struct plan *plan);
void plan_clear(struct plan *plan);

/* Texts are copied; text may be freed with free afterwards. remedy may be NULL. */
void plan_add_finding(struct plan *plan, bool risk, const char *about, const char *text, const char *remedy);
void plan_add_left_out(struct plan *plan, const char *agent_id, const char *hostname, enum plan_left_why why,
		       const char *reason);
/* The stage ends after `end` agents. */
void plan_add_stage(struct plan *plan, const char *name, size_t end, int window);
/* Moves both into the plan and sets the options that go with them. */
void plan_take_gates(struct plan *plan, struct plan_gates *after_agent, struct plan_gates *after_stage);
/* More than 10,000 agents with long flags need. */
#define PLAN_MAX (256u << 20)

/* The document's bytes, one line of JSON with its keys in a fixed order, in the plan's format; sets plan->hash. */
void plan_write(struct plan *plan, struct buffer *out);
/* source names the document in errors. ERROR_USAGE when it is no plan; ERROR_CORRUPT when it is one that plan_write would
 * write differently, which means that somebody edited it. White space after its end is not part of it. */
int plan_parse(const char *source, const void *bytes, size_t len, struct plan *out, struct error *err);

#endif
