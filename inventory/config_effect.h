/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_CONFIG_EFFECT_H
#define INVENTORY_CONFIG_EFFECT_H
/*
 * What configs make of agents. A subject is an agent with the flags its survey found: config_subject_apply puts a config
 * on top of them, and config_effects_between says how two sets of flags differ in the agent's own terms (attributes,
 * resources, domain, and all other flags by name).
 */
#include "inventory/agents.h"
#include "inventory/config.h"
#include "inventory/survey.h"

struct config_subject {
	const struct agent_record *agent; /* borrowed */
	struct flags flags;
	struct mesos_version version;
	struct survey survey; /* detected figures are its */
	int64_t surveyed_ms;
	bool outdated; /* the agent has registered since: these flags may not be its own any more */
};
/* 1: *out is the caller's to clear; 0: the host never answered a survey; -1. */
int config_subject_load(struct store *store, const struct agent_record *agent, struct config_subject *out,
			struct error *err);
void config_subject_clear(struct config_subject *subject);

/* Edits flags as a rollout of the config would. On failure they are as they were. */
int config_subject_apply(const struct config_subject *subject, const struct config *config, struct store *store,
			 struct flags *flags, struct error *err);

struct config_effect {
	char *what; /* "attributes.rack", "resources.mem(web)", "domain.zone", "flags.executor_shutdown_grace_period" */
	char *before; /* NULL: not there */
	char *after;
};
struct config_effects {
	struct config_effect *items;
	size_t count;
};
void config_effects_clear(struct config_effects *effects);
/* Where a SlaveInfo cannot be made of both, the flags' texts are compared. */
void config_effects_between(const struct config_subject *subject, const struct flags *before, const struct flags *after,
			    struct config_effects *out);

/* The settings in which the documents of two versions differ, in the same form: "rules[0].attributes.rack". Values are
 * compact JSON. */
int config_documents_between(const struct config_version *before, const struct config_version *after,
			     struct config_effects *out, struct error *err);

#endif
