/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLANNER_H
#define ORCHESTRATOR_PLANNER_H
/*
 * Makes a plan from the inventory: a config version, the agents its rules and --where choose, what the last sync and survey
 * say of each. It changes nothing and asks nobody. Every agent is planned, already as it should be, or refused with the
 * reason; one refusal refuses the plan, because a plan that leaves agents out silently is not the one that was asked for.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "inventory/agents.h"
#include "inventory/cluster.h"
#include "inventory/config.h"
#include "inventory/store.h"
#include "orchestrator/plan/plan.h"

/* "3" or "20%" (of the agents that change, rounded down, at least 1). */
struct planner_amount {
	int64_t number;
	bool percent;
};
/* name names the option in errors. Numbers from min up, percents from 1 to 100. */
int planner_amount_parse(const char *name, const char *text, int64_t min, struct planner_amount *out,
			 struct error *err);

struct planner_options {
	const char *where;                   /* NULL: every agent the config's rules match */
	unsigned ignore;                     /* enum slaveinfo_part: parts that may differ */
	bool discard;                        /* end the tasks of agents whose SlaveInfo changes (recover_state=false) */
	struct planner_amount window;        /* number 0: the engine's default */
	struct planner_amount domain_window; /* number 0: no limit */
	int64_t max_failures;
	int64_t return_ms;                /* how long an agent may take to reregister; 0: the engine's default */
	bool allow_task_loss;             /* tasks of frameworks that do not checkpoint may die */
	bool keep_reregistration_timeout; /* do not raise executor_reregistration_timeout */
	bool allow_unknown_version;       /* plan by the newest rules for versions nobody has checked */
	const char *domain_attribute;     /* NULL: "zone" */
};
/* ignore: all three parts; nothing else is set. */
#define PLANNER_OPTIONS_INIT                                                                                           \
	{                                                                                                              \
		.ignore = PART_RESOURCES | PART_ATTRIBUTES | PART_DOMAIN                                               \
	}

/* What it rests on; borrowed for the call. */
struct planner_input {
	struct store *store;
	const struct cluster *cluster;
	int64_t cluster_id;
	const struct config_version *config;
	const struct master_facts *facts; /* NULL: the master was not asked; planner_check_master is due at the start */
	int64_t now_ms;                   /* wall clock */
};

struct planner_refusal {
	char *agent_id;
	char *hostname;
	char *reason;
	bool unreachable; /* its host could not be reached when it was surveyed: it may be later */
};
struct planner_refusals {
	struct planner_refusal *items;
	size_t count;
};
void planner_refusals_clear(struct planner_refusals *refusals);

/* ERROR_REFUSED, or ERROR_UNREACHABLE when every refused agent's host could not be reached: see refusals, which is to
 * be cleared whatever comes back. ERROR_USAGE: nothing matches, or config and
 * agents do not go together. *out is set only on success. */
int planner_make(const struct planner_input *input, const struct planner_options *options, struct plan *out,
		 struct planner_refusals *refusals, struct error *err);

/* The agents --where chooses, which are those to be surveyed before planning. ERROR_USAGE when there are none. */
int planner_select(struct store *store, int64_t cluster_id, const char *where, struct agent_list *out,
		   struct error *err);

/* The agents --where would choose if the master still listed them: gone after since_ms, and no agent listed on their host
 * since. */
int planner_select_gone(struct store *store, int64_t cluster_id, const char *where, int64_t since_ms,
			struct agent_list *out, struct error *err);

/* Would this master store and accept what the agent is to become? ERROR_REFUSED with the reason. */
int planner_check_master(const struct master_facts *facts, unsigned differs, const Mesos__SlaveInfo *after,
			 struct error *err);

#endif
