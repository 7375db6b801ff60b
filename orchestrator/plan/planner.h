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

/* "3" or "20%" (of the agents that change, rounded down; what is to be at least 1 is then 1). */
struct planner_amount {
	int64_t number;
	bool percent;
};
/* name names the option in errors. Numbers from min up, percents from 1 to 100. */
int planner_amount_parse(const char *name, const char *text, int64_t min, struct planner_amount *out,
			 struct error *err);
/* Is it meant to be one? "3", "20%", also "300%"; what is not is a selector. */
bool planner_is_amount(const char *text);
/* Of count agents. */
int planner_amount_of(const struct planner_amount *amount, size_t count);

/* "1,5%,25%": the first stage is one window of 1, the next one window of 5%, and 25% holds until the end. */
#define PLANNER_WINDOWS_MAX 16
struct planner_windows {
	struct planner_amount items[PLANNER_WINDOWS_MAX];
	size_t count; /* 0: the engine's default */
};
int planner_windows_parse(const char *text, struct planner_windows *out, struct error *err);

struct planner_options {
	const char *where;   /* NULL: every agent the config's rules match */
	const char *exclude; /* a selector: agents to leave out; NULL: none */
	unsigned ignore;     /* enum slaveinfo_part: parts that may differ */
	bool discard;        /* end the tasks of agents whose SlaveInfo changes (recover_state=false) */

	const char *canary; /* "3", "5%" or a selector; NULL: none */
	struct planner_windows windows;
	struct planner_amount domain_window; /* number 0: no limit */
	const char *domain_attribute;        /* NULL: the fault domain, else "zone" */
	const char *by; /* one domain at a time: "zone" (the failure domain) or an attribute; NULL */

	struct planner_amount max_failures;
	struct planner_amount stage_max_failures, domain_max_failures; /* number -1: no limit */
	/* 0: no limit */
	int64_t max_consecutive, stage_max_consecutive, domain_max_consecutive;
	enum engine_on_failure on_failure;
	int64_t meltdown_percent;                     /* 0: off; -1: the default, PLANNER_MELTDOWN */
	int64_t soak_ms, stage_soak_ms;               /* after each agent, after each stage; 0: none */
	struct plan_gates *after_agent, *after_stage; /* moved into the plan; NULL: none */
	int64_t return_ms; /* how long an agent may take to reregister; 0: the engine's default */

	bool allow_task_loss;             /* tasks of frameworks that do not checkpoint may die */
	bool keep_reregistration_timeout; /* do not raise executor_reregistration_timeout */
	bool allow_unknown_version;       /* plan by the newest rules for versions nobody has checked */
	bool allow_port_change;
	bool accept_stale_master; /* masters without AGENT_UPDATE */
	bool hold_configuration_management;
};
/* ignore: all three parts; no failure is allowed; nothing else is set. */
#define PLANNER_OPTIONS_INIT                                                                                           \
	{                                                                                                              \
		.ignore = PART_RESOURCES | PART_ATTRIBUTES | PART_DOMAIN, .stage_max_failures = {.number = -1},        \
		.domain_max_failures = {.number = -1}, .meltdown_percent = -1                                          \
	}

/* The guard stops when more than a fifth of the cluster's agents are away: that is one of five failure domains, and a rollout that
 * goes on would be taken for the cause. Where the plan's own window is that large, it stops ten points above it. */
#define PLANNER_MELTDOWN        20
#define PLANNER_MELTDOWN_BEYOND 10

/* One of the cluster's masters as it answered; everything is borrowed. */
struct planner_master {
	const char *url;
	const char *unanswered; /* why it could not be asked; NULL: it answered */
	bool leads;
	const struct master_facts *facts; /* NULL when it did not answer */
};

/* What it rests on; borrowed for the call. */
struct planner_input {
	struct store *store;
	const struct cluster *cluster;
	int64_t cluster_id;
	const struct config_version *config;  /* not for planner_invert */
	const struct master_facts *facts;     /* the leader's, from the last sync; NULL: it was never asked */
	const struct planner_master *masters; /* every master, asked just now; none: offline */
	size_t master_count;
	int64_t listed_agents, listed_tasks; /* so many the leader's lists showed us just now; 0: not asked */
	bool offline;
	int64_t synced_ms;
	int64_t now_ms; /* wall clock */
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
/* Their hosts as host sets; out->overflow when they do not fit. */
void planner_refusals_names(const struct planner_refusals *refusals, struct buffer *out);
/* Those with the same reason, agents' own names, addresses, times and IDs aside; borrowed for the call. */
struct planner_refusal_group {
	const char *names; /* a host set */
	size_t count;
	const char *example; /* NULL: their reasons are equal; else the agent whose reason this is */
	const char *reason;
};
/* In the order in which each reason comes first. */
void planner_refusals_group(const struct planner_refusals *refusals,
			    void (*each)(void *ctx, const struct planner_refusal_group *group), void *ctx);
/* A line for each reason, agents' own names, addresses, times and IDs aside: "node[001-120].lab (120 agents)WHAT: REASON". */
void planner_refusals_tell(const struct planner_refusals *refusals, const char *what, void (*tell)(const char *line));

/* ERROR_REFUSED, or ERROR_UNREACHABLE when every refused agent's host could not be reached: see refusals, which is to
 * be cleared whatever comes back. ERROR_USAGE: nothing matches, or config and
 * agents do not go together. *out is set only on success. */
int planner_make(const struct planner_input *input, const struct planner_options *options, struct plan *out,
		 struct planner_refusals *refusals, struct error *err);

/* The agents --where chooses, which are those to be surveyed before planning. ERROR_USAGE when there are none. */
int planner_select(struct store *store, int64_t cluster_id, const char *where, struct agent_list *out,
		   struct error *err);

/* An agent that the master lists no longer is missed for so long: a host that was given away is not to be named for ever. */
#define PLANNER_GONE_FOR_GOOD_MS (INT64_C(30) * 24 * 3600 * 1000)

/* The agents --where would choose if the master still listed them: gone after since_ms, and no agent listed on their host
 * since. */
int planner_select_gone(struct store *store, int64_t cluster_id, const char *where, int64_t since_ms,
			struct agent_list *out, struct error *err);

/* Names a host that a plan for these options would survey: what --where chooses without what --exclude and the ignore list
 * leave out. ERROR_USAGE when there is nobody. */
int planner_choose(const struct planner_input *input, const struct planner_options *options, struct agent_list *out,
		   struct error *err);

/* The inverse of a run's plan (plan_invert.h), from the inventory's last sync and survey; input->config and options->where are not
 * used. now of the input is filled in here. */
struct plan_invert_input;
int planner_invert(const struct planner_input *input, const struct planner_options *options,
		   const struct plan_invert_input *run, struct plan *out, struct planner_refusals *refusals,
		   struct error *err);

/* Would this master store and accept what the agent is to become? ERROR_REFUSED with the reason. */
int planner_check_master(const struct master_facts *facts, unsigned differs, const Mesos__SlaveInfo *after,
			 struct error *err);

#endif
