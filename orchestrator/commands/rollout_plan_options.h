/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_COMMANDS_ROLLOUT_PLAN_OPTIONS_H
#define ORCHESTRATOR_COMMANDS_ROLLOUT_PLAN_OPTIONS_H
/* The options of `rollout plan`: their table, which is their help too, and what they mean to the planner. */
#include "base/options.h"
#include "orchestrator/plan/planner.h"

/* As they stand on the command line. */
struct plan_words {
	const char *where, *exclude;
	const char *canary, *window, *domain_window, *domain_attribute, *by;
	const char *max_failures, *max_failures_stage, *max_failures_domain, *on_failure, *meltdown;
	int64_t max_consecutive, max_consecutive_stage, max_consecutive_domain;
	const char *soak, *soak_stage, *gates, *return_timeout, *ignore, *file;
	bool discard, allow_task_loss, keep_timeout, allow_unknown_version, allow_port_change, accept_stale_master;
	bool hold_configuration_management, offline;
};

#define PLAN_OPTION_COUNT 30
/* Fills the table, whose targets are in words; it ends with a nameless option. */
void plan_options_table(struct plan_words *words, struct option table[PLAN_OPTION_COUNT]);

/* What they mean, with the gates that were read. out borrows from words and from itself: it must not be moved. ERROR_USAGE names the
 * option. plan_options_clear is due whatever comes back. */
struct plan_meaning {
	struct planner_options options;
	struct plan_gates after_agent, after_stage;
};
int plan_options_read(const struct plan_words *words, struct plan_meaning *out, struct error *err);
void plan_options_clear(struct plan_meaning *meaning);

#endif
